//! The Route 53 API without sockets: requests as method, path and XML, through all that reads, does and writes them.
//!
//! Not a second implementation: what HTTP and the disk do is left out, everything between them is the real thing. Chance
//! counts up from 1, so that ids can be foretold; the clock stands still unless it is moved.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod policies;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use waypost::answer::{Asker, Identity, Transport, respond_traced};
use waypost::control::build::build;
use waypost::control::state::{State, View};
use waypost::health::table::HealthTable;
use waypost::places::Places;
use waypost::route53::access::{Access, Principal, Zones};
use waypost::route53::account::Account;
use waypost::route53::error::ApiError;
use waypost::route53::ops::{self, Context, Settings};
use waypost::route53::request;
use waypost::route53::shapes::{Model, Place};
use waypost::route53::xml;
use waypost::routing::draw::Draw;
use waypost::routing::trace::Explanation;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;

use crate::support;

/// One account, and what is served of it.
pub struct Api {
    pub model: Model,
    pub account: Account,
    pub settings: Settings,
    pub caller: Principal,
    pub now: Timestamp,
    pub places: Places,
    /// The networks of VPCs.
    pub views: Vec<View>,
    chance: u128,
    snapshot: Snapshot,
    /// What the next snapshots' health checks say; those that are not here are healthy.
    down: BTreeMap<String, bool>,
}

/// What is put before a request's elements and behind them.
pub const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

impl Api {
    pub fn new() -> Self {
        let caller = Principal { name: "test".into(), key_id: None, access: Access::Write, zones: Zones::All };
        Self {
            model: Model::new(),
            account: Account::default(),
            settings: Settings::default(),
            caller,
            now: "2026-01-02T03:04:05.678Z".parse().expect("a time"),
            places: Places::default(),
            views: Vec::new(),
            chance: 0,
            snapshot: Snapshot::default(),
            down: BTreeMap::new(),
        }
    }

    /// With all of Route 53's own limits.
    pub fn strict() -> Self {
        let mut api = Self::new();
        api.settings.rules.strict = true;
        api
    }

    /// Asks for what `path` says below the version, with this body; the status and the body of the response.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        match self.answer(method, path, body) {
            Ok(answered) => answered,
            Err(error) => (error.status, xml::write::error(&self.model, &error, "REQUEST")),
        }
    }

    fn answer(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, String), ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/{}/{path}", request::VERSION);
        let rules = self.settings.rules;
        let (operation, mut input) = request::read(&self.model, method, &path, query, rules)?;
        let members = operation.input.map(|input| self.model.members(input)).unwrap_or_default();
        if method == "POST" && members.iter().any(|member| member.place == Place::Body) {
            let shape = operation.input.expect("an operation with members has an input");
            input.take(xml::read::read(&self.model, shape, body.as_bytes(), rules)?);
        }
        let mut random = || {
            self.chance += 1;
            self.chance
        };
        let mut context = Context {
            account: &self.account,
            now: self.now,
            random: &mut random,
            settings: &self.settings,
            caller: &self.caller,
            snapshot: &self.snapshot,
        };
        let done = ops::perform(operation, &input, &mut context)?;
        assert!(done.edits.is_empty() || method != "GET", "{} only reads", operation.name);
        let undo = self.account.undoing(&done.edits);
        self.account.apply(done.edits);
        match publish(&mut self.account, &self.places, &self.views, &self.down) {
            Ok(snapshot) => self.snapshot = snapshot,
            Err(error) => {
                self.account.apply(undo);
                return Err(error);
            }
        }
        let body = match operation.output {
            Some(output) => xml::write::response(&self.model, output, &done.output),
            None => xml::write::empty(&format!("{}Response", operation.name)),
        };
        Ok((operation.status, body))
    }

    /// As [`Self::request`] of an operation that succeeds: the elements within the response's root.
    #[track_caller]
    pub fn ok(&mut self, method: &str, path: &str, body: &str) -> String {
        let (status, response) = self.request(method, path, body);
        assert!(status < 300, "{method} {path}: {response}");
        inner(&response).to_owned()
    }

    /// As [`Self::request`] of an operation that fails: status, code and message.
    #[track_caller]
    pub fn refused(&mut self, method: &str, path: &str, body: &str) -> String {
        let (status, response) = self.request(method, path, body);
        assert!(status >= 400, "{method} {path} was not refused: {response}");
        format!("{status} {}: {}", element(&response, "Code"), unescape(element(&response, "Message")))
    }

    /// Makes a zone; its id.
    #[track_caller]
    pub fn zone(&mut self, name: &str) -> String {
        let body = format!("<Name>{name}</Name><CallerReference>{name} {}</CallerReference>", self.chance);
        let response = self.ok("POST", "hostedzone", &root("CreateHostedZone", &body));
        element(&response, "Id").trim_start_matches("/hostedzone/").to_owned()
    }

    /// Makes a private zone; its id.
    #[track_caller]
    pub fn private_zone(&mut self, name: &str, region: &str, vpc: &str) -> String {
        let vpc = format!("<VPC><VPCRegion>{region}</VPCRegion><VPCId>{vpc}</VPCId></VPC>");
        let body = format!("<Name>{name}</Name><CallerReference>{name} {}</CallerReference>{vpc}", self.chance);
        let response = self.ok("POST", "hostedzone", &root("CreateHostedZone", &body));
        element(&response, "Id").trim_start_matches("/hostedzone/").to_owned()
    }

    /// Says what the account's health checks found: those of `ids` are down, all others healthy.
    pub fn down(&mut self, ids: &[&str]) {
        self.down = ids.iter().map(|id| ((*id).to_owned(), false)).collect();
        let published = publish(&mut self.account, &self.places, &self.views, &self.down);
        self.snapshot = published.expect("what was served before can be served");
    }

    /// The lines of the answer to one question, asked over UDP by `asker`, and the explanation.
    pub fn ask(&self, asker: [u8; 4], name: &str, rtype: &str, draw: u64) -> (Vec<String>, Explanation) {
        let name = Name::parse(name, Some(&Name::root())).expect("a name");
        let rtype: RecordType = rtype.parse().expect("a type");
        let query = support::query(&name, rtype);
        let asker = Asker { address: asker.into(), transport: Transport::Udp };
        let (mut out, mut explanation) = (vec![0; 65_535], Explanation::default());
        let (identity, draw) = (Identity::default(), Draw::new(draw));
        let report = respond_traced(&self.snapshot, &identity, &query, &asker, 0, draw, &mut out, &mut explanation);
        (crate::shown::lines(&out[..report.len]), explanation)
    }

    /// The rcode and the answer section to one question from 192.0.2.53.
    pub fn dig(&self, name: &str, rtype: &str) -> Vec<String> {
        self.dig_as([192, 0, 2, 53], name, rtype)
    }

    /// As [`Self::dig`], by another asker.
    pub fn dig_as(&self, asker: [u8; 4], name: &str, rtype: &str) -> Vec<String> {
        let (lines, _) = self.ask(asker, name, rtype, 0);
        let is_shown = |(at, line): &(usize, String)| *at == 0 || line.starts_with("answer ");
        lines.into_iter().enumerate().filter(is_shown).map(|(_, line)| line).collect()
    }
}

fn publish(account: &mut Account, places: &Places, views: &[View], down: &BTreeMap<String, bool>) -> Result<Snapshot, ApiError> {
    let files = State { views: views.to_vec(), ..State::default() };
    let built = build(account.served(&files), places, None)
        .map_err(|errors| ApiError::invalid_change_batch(&errors.iter().map(ToString::to_string).collect::<Vec<_>>()))?;
    let verdicts = built.state.checks.keys().map(|id| support::verdict(id.clone(), !down.contains_key(id.as_str())));
    let health = Arc::new(HealthTable::new(verdicts.collect()));
    Ok(Snapshot { catalog: built.catalog, health, maps: built.maps, externals: built.externals, generation: 0 })
}

/// A request's body.
pub fn root(operation: &str, inner: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<{operation}Request xmlns=\"{NAMESPACE}\">{inner}</{operation}Request>")
}

/// What is within a response's root; nothing if that is empty.
fn inner(response: &str) -> &str {
    let body = response.strip_prefix("<?xml version=\"1.0\"?>\n").expect("a response is declared to be XML");
    let open = body.find('>').expect("a response has a root");
    assert!(body[..open].contains(&format!(" xmlns=\"{NAMESPACE}\"")), "{body}");
    body[open + 1..].rfind("</").map_or("", |close| &body[open + 1..][..close])
}

/// The text of the first element of this name.
#[track_caller]
pub fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = xml.split_once(&open).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    rest.split_once(&close).unwrap_or_else(|| panic!("no end of {name} in {xml}")).0
}

/// An element's text.
pub fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// XML of an element's text.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
