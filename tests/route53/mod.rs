//! The Route 53 API without sockets: requests as method, path and XML, through all that reads, does and writes them.
//!
//! Not a second implementation: what HTTP and the disk do is left out, everything between them is the real thing. Chance
//! counts up from 1, so that ids can be foretold; the clock stands still unless it is moved. Probes are the test's, seen by
//! the real board. Invariant: what is asked of the snapshot is what was last accepted.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod policies;
#[path = "../support/shown.rs"]
mod shown;
#[path = "../support/mod.rs"]
pub mod support;
#[path = "../support/xml.rs"]
mod texts;

use std::sync::Arc;

use jiff::Timestamp;
use waypost::answer::{Asker, Identity, Transport, respond_traced};
use waypost::control::build::{Built, build};
use waypost::control::state::{State, View};
use waypost::health::board::Board;
use waypost::health::observation::{Failure, Observation, Outcome, Passed};
use waypost::ids::HealthCheckId;
use waypost::places::Places;
use waypost::route53::access::{Access, Principal, Zones};
use waypost::route53::account::Account;
use waypost::route53::account::edit::{Edit, Record};
use waypost::route53::error::ApiError;
use waypost::route53::ops::{self, Context, Done, Settings};
use waypost::route53::records::rrset::{Rrset, Said};
use waypost::route53::request::{self, VERSION};
use waypost::route53::shapes::{Model, Operation};
use waypost::route53::xml;
use waypost::routing::draw::Draw;
use waypost::routing::trace::Explanation;
use waypost::snapshot::Snapshot;
use waypost::wire::name::Name;
use waypost::wire::rtype::RecordType;

#[allow(unused_imports, reason = "each test file uses its part")]
pub use texts::{NAMESPACE, element, elements, escape, root, unescape};

/// An account and what is served of it.
pub struct Api {
    model: Model,
    pub account: Account,
    pub settings: Settings,
    /// Who asks; anyone may do anything where a test says nothing else.
    pub caller: Principal,
    pub now: Timestamp,
    pub places: Places,
    /// The networks of VPCs.
    pub views: Vec<View>,
    /// The path of what was last created, below the API's version.
    pub location: Option<String>,
    board: Board,
    built: Built,
    chance: u128,
}

impl Api {
    pub fn new() -> Self {
        Self {
            model: Model::new(),
            account: Account::default(),
            settings: Settings::default(),
            caller: Principal { name: "tests".into(), key_id: None, access: Access::Write, zones: Zones::All },
            now: "2026-01-02T03:04:05.678Z".parse().expect("a time"),
            places: Places::default(),
            views: Vec::new(),
            location: None,
            board: Board::default(),
            built: Built::default(),
            chance: 0,
        }
    }

    /// With all of Route 53's own limits.
    pub fn strict() -> Self {
        let mut api = Self::new();
        api.settings.rules.strict = true;
        api
    }

    /// Asks for `path` below the API's version; `body` is the content of the request's root, or the whole of it. Gives the
    /// status and the body of the response.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        match self.reply(method, path, body) {
            Ok(reply) => reply,
            Err(error) => (error.status, xml::write::error(&self.model, &error, "the-request")),
        }
    }

    fn reply(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, String), ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (rules, path) = (self.settings.rules, format!("/{VERSION}/{path}"));
        let (operation, mut input) = request::read(&self.model, method, &path, query, rules)?;
        if let Some(shape) = self.model.body_of(operation) {
            let body = if body.starts_with("<?xml") { body.to_owned() } else { root(operation.name, body) };
            input.take(xml::read::read(&self.model, shape, body.as_bytes(), rules)?);
        }
        let snapshot = self.snapshot();
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
            snapshot: &snapshot,
        };
        let Done { output, edits, location } = ops::perform(operation, &input, &mut context)?;
        assert!(edits.is_empty() || !ops::only_reads(operation), "{} only reads", operation.name);
        let body = match operation.output {
            Some(shape) => xml::write::response(&self.model, shape, &output),
            None => xml::write::empty(&format!("{}Response", operation.name)),
        };
        let status = operation.status;
        self.keep(edits)?;
        self.location = location;
        Ok((status, body))
    }

    /// Applies edits and serves what comes of them, or takes them back.
    fn keep(&mut self, edits: Vec<Edit>) -> Result<(), ApiError> {
        let undo = self.account.undoing(&edits);
        self.account.apply(edits);
        let files = State { views: self.views.clone(), ..State::default() };
        match build(self.account.served(&files), &self.places, Some(&self.built)) {
            Ok(built) => {
                self.board.replace(built.plan(), self.now);
                self.built = built;
                Ok(())
            }
            Err(errors) => {
                self.account.apply(undo);
                Err(ApiError::invalid_change_batch(&errors.iter().map(ToString::to_string).collect::<Vec<_>>()))
            }
        }
    }

    /// Puts records into the account, as if they had been accepted.
    #[track_caller]
    pub fn put(&mut self, records: impl IntoIterator<Item = Record>) {
        self.keep(records.into_iter().map(Edit::Put).collect()).expect("the test's records can be served");
    }

    /// Puts a record set into a zone, as if it had been accepted.
    #[track_caller]
    pub fn put_rrset(&mut self, zone: &str, said: Said) {
        let rrset = Arc::new(Rrset::new(said).expect("the test's record sets are valid"));
        self.put([Record::Rrset { zone: zone.to_owned(), rrset }]);
    }

    /// What is being served.
    pub fn snapshot(&self) -> Snapshot {
        let Built { catalog, maps, externals, .. } = self.built.clone();
        Snapshot { catalog, maps, externals, health: self.board.table().into(), generation: 0 }
    }

    /// Lets a probe of a check end so, now.
    pub fn probed(&mut self, check: &str, outcome: impl Into<Outcome>) {
        let index = self.board.index(&HealthCheckId::new(check).unwrap()).expect("the check is there");
        self.board.observe(index, &Observation { at: self.now, outcome: outcome.into() });
    }

    /// Lets probes find those of `ids` down, and all other endpoints up, until there is no doubt.
    pub fn down(&mut self, ids: &[&str]) {
        let probed: Vec<String> = self.board.probed().map(|(id, _)| id.as_str().to_owned()).collect();
        for id in &probed {
            let outcome = match ids.contains(&&**id) {
                true => Outcome::Failed(Failure::BadStatus(503)),
                false => Outcome::Passed(Passed::Connected),
            };
            (0..MOST_PROBES).for_each(|_| self.probed(id, outcome.clone()));
        }
    }

    /// As [`Api::request`], of what must be accepted; the body without its declaration and namespace.
    #[track_caller]
    pub fn accepted(&mut self, method: &str, path: &str, body: &str) -> String {
        let (status, response) = self.request(method, path, body);
        assert!(status < 300, "{method} {path}: {status} {response}");
        let document = response.strip_prefix("<?xml version=\"1.0\"?>\n").expect("a response is declared to be XML");
        document.replacen(&format!(" xmlns=\"{NAMESPACE}\""), "", 1)
    }

    /// As [`Api::accepted`]: what is within the response's root.
    #[track_caller]
    pub fn ok(&mut self, method: &str, path: &str, body: &str) -> String {
        let response = self.accepted(method, path, body);
        let within = response.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</"));
        within.map_or(String::new(), |(within, _)| within.to_owned())
    }

    /// As [`Api::request`], of what must be refused, by an error that the model has: `status code: message`.
    #[track_caller]
    pub fn refused(&mut self, method: &str, path: &str, body: &str) -> String {
        let count = |account: &Account| account.checks.len() + account.zones.len() + account.collections.len();
        let before = count(&self.account);
        let (status, response) = self.request(method, path, body);
        assert!(status >= 400, "{method} {path} was not refused: {response}");
        assert_eq!(before, count(&self.account));
        let code = element(&response, "Code");
        let operation = self.operation(method, path);
        let is_known = operation.errors.contains(&(code.as_str(), status));
        assert!(is_known || code == "AccessDenied", "{} is not to answer {status} {code}", operation.name);
        format!("{status} {code}: {}", unescape(&element(&response, "Message")))
    }

    fn operation(&self, method: &str, path: &str) -> &Operation {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/{VERSION}/{path}");
        let plain = request::read(&self.model, method, &path, query, self.settings.rules);
        // What is wrong with a parameter is told as an InvalidInput of whichever operation it is for.
        let fallback = || self.model.operation("GetHostedZone").expect("it is one");
        plain.map_or_else(|_| fallback(), |(operation, _)| operation)
    }

    /// Creates a public zone; its id.
    #[track_caller]
    pub fn zone(&mut self, name: &str) -> String {
        self.create_zone(name, "")
    }

    /// Creates a private zone; its id.
    #[track_caller]
    pub fn private_zone(&mut self, name: &str, region: &str, vpc: &str) -> String {
        self.create_zone(name, &format!("<VPC><VPCRegion>{region}</VPCRegion><VPCId>{vpc}</VPCId></VPC>"))
    }

    #[track_caller]
    fn create_zone(&mut self, name: &str, more: &str) -> String {
        let reference = self.account.zones.len();
        let body = format!("<Name>{name}</Name><CallerReference>zone-{reference}</CallerReference>{more}");
        let created = self.accepted("POST", "hostedzone", &body);
        element(&created, "Id").trim_start_matches("/hostedzone/").to_owned()
    }

    /// Creates a health check; its id.
    #[track_caller]
    pub fn create_check(&mut self, reference: &str, config: &str) -> String {
        element(&self.accepted("POST", "healthcheck", &check_request(reference, config)), "Id")
    }

    /// The lines of the answer to one question, asked over UDP by `asker`, and the explanation.
    pub fn ask(&self, asker: [u8; 4], name: &str, rtype: &str, draw: u64) -> (Vec<String>, Explanation) {
        let name = Name::parse(name, Some(&Name::root())).expect("a name");
        let rtype: RecordType = rtype.parse().expect("a type");
        let query = support::query(&name, rtype);
        let asker = Asker { address: asker.into(), transport: Transport::Udp };
        let (mut out, mut explanation) = (vec![0; 65_535], Explanation::default());
        let (identity, draw) = (Identity::default(), Draw::new(draw));
        let report = respond_traced(&self.snapshot(), &identity, &query, &asker, 0, draw, &mut out, &mut explanation);
        (shown::lines(&out[..report.len]), explanation)
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

/// Probes that settle every status: no threshold is higher.
const MOST_PROBES: usize = 10;

/// The content of a CreateHealthCheck request.
pub fn check_request(reference: &str, config: &str) -> String {
    format!("<CallerReference>{reference}</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>")
}
