//! The Route 53 API without a socket: requests as text in, responses as text out, over an account in memory.
//!
//! Not a second implementation: it calls what `api::route53` and the node call, in their order, and keeps nothing on a
//! disk. Probes are scripts of the test's, seen by the real board. Invariant: what is asked of the snapshot is what was
//! last accepted.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use waypost::control::build::{Built, build};
use waypost::control::state::State;
use waypost::health::board::Board;
use waypost::health::observation::{Observation, Outcome};
use waypost::ids::HealthCheckId;
use waypost::places::Places;
use waypost::route53::access::{Access, Principal, Zones};
use waypost::route53::account::Account;
use waypost::route53::account::edit::{Edit, Record};
use waypost::route53::error::ApiError;
use waypost::route53::ops::{self, Context, Done, Settings};
use waypost::route53::records::rrset::{Rrset, Said};
use waypost::route53::request::{self, VERSION};
use waypost::route53::shapes::{Model, Operation, Place};
use waypost::route53::xml;
use waypost::snapshot::Snapshot;

/// The namespace of requests, as an attribute.
const XMLNS: &str = " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"";

/// An account and what is served of it.
pub struct Api {
    model: Model,
    pub account: Account,
    pub settings: Settings,
    /// Who asks; anyone may do anything where a test says nothing else.
    pub caller: Principal,
    pub now: Timestamp,
    /// The path of what was last created, below the API's version.
    pub location: Option<String>,
    board: Board,
    built: Built,
    next_random: u128,
}

impl Api {
    pub fn new() -> Self {
        Self {
            model: Model::new(),
            account: Account::default(),
            settings: Settings::default(),
            caller: Principal { name: "tests".into(), key_id: None, access: Access::Write, zones: Zones::All },
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            location: None,
            board: Board::default(),
            built: Built::default(),
            next_random: 0,
        }
    }

    /// Everything as in AWS.
    pub fn strict() -> Self {
        let mut api = Self::new();
        api.settings.rules.strict = true;
        api
    }

    /// Asks for `path` below the API's version; `body` is the content of the request's root, or the whole of it.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.now += SignedDuration::from_secs(1);
        match self.reply(method, path, body) {
            Ok(reply) => reply,
            Err(error) => (error.status, xml::write::error(&self.model, &error, "the-request")),
        }
    }

    fn reply(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, String), ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (rules, path) = (self.settings.rules, format!("/{VERSION}/{path}"));
        let (operation, mut input) = request::read(&self.model, method, &path, query, rules)?;
        let shape = operation.input.filter(|shape| has_body(&self.model, operation, shape));
        if let Some(shape) = shape {
            let body = if body.starts_with("<?xml") { body.to_owned() } else { format!("<{shape}{XMLNS}>{body}</{shape}>") };
            input.take(xml::read::read(&self.model, shape, body.as_bytes(), rules)?);
        }
        let snapshot = self.snapshot();
        let mut random = || {
            self.next_random += 1;
            // Odd, so that the numbers differ; large, so that ids look like ids.
            self.next_random.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
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
        self.account.apply(edits);
        self.location = location;
        self.serve();
        Ok((status, body))
    }

    fn serve(&mut self) {
        let state = self.account.served(&State::default());
        self.board.replace(&state.checks, self.now);
        self.built = build(state, &Places::default(), Some(&self.built)).expect("what was accepted can be built");
    }

    /// What is being served.
    pub fn snapshot(&self) -> Snapshot {
        let Built { catalog, maps, .. } = self.built.clone();
        Snapshot { catalog, maps, health: self.board.table().into(), ..Snapshot::default() }
    }

    /// Lets a probe of a check end so, now.
    pub fn probed(&mut self, check: &str, outcome: impl Into<Outcome>) {
        let index = self.board.index(&HealthCheckId::new(check).unwrap()).expect("the check is there");
        self.board.observe(index, &Observation { at: self.now, outcome: outcome.into() });
    }

    /// As [`Api::request`], of what must be accepted; the body without its declaration and namespace.
    #[track_caller]
    pub fn accepted(&mut self, method: &str, path: &str, body: &str) -> String {
        let (status, body) = self.request(method, path, body);
        assert!(status < 300, "{status} {body}");
        body.replace("<?xml version=\"1.0\"?>\n", "").replace(XMLNS, "")
    }

    /// As [`Api::request`], of what must be refused: `status code: message`.
    #[track_caller]
    pub fn refused(&mut self, method: &str, path: &str, body: &str) -> String {
        let before = self.account.checks.len() + self.account.zones.len() + self.account.collections.len();
        let (status, body) = self.request(method, path, body);
        assert!(status >= 400, "{status} {body}");
        assert_eq!(before, self.account.checks.len() + self.account.zones.len() + self.account.collections.len());
        let code = inner(&body, "Code");
        let operation = self.operation(method, path);
        let is_known = operation.errors.contains(&(code.as_str(), status));
        assert!(is_known || code == "AccessDenied", "{} is not to answer {status} {code}", operation.name);
        format!("{status} {code}: {}", inner(&body, "Message"))
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
    pub fn create_zone(&mut self, name: &str) -> String {
        let reference = self.account.zones.len();
        let body = format!("<Name>{name}</Name><CallerReference>zone-{reference}</CallerReference>");
        let created = self.accepted("POST", "hostedzone", &body);
        inner(&created, "Id").trim_start_matches("/hostedzone/").to_owned()
    }

    /// Puts a record set into a zone, as if it had been accepted.
    pub fn put_rrset(&mut self, zone: &str, said: Said) {
        let rrset = Arc::new(Rrset::new(said).expect("the test's record sets are valid"));
        self.account.apply(vec![Edit::Put(Record::Rrset { zone: zone.to_owned(), rrset })]);
        self.serve();
    }

    /// Creates a health check; its id.
    #[track_caller]
    pub fn create_check(&mut self, reference: &str, config: &str) -> String {
        inner(&self.accepted("POST", "healthcheck", &check_request(reference, config)), "Id")
    }
}

/// The content of a CreateHealthCheck request.
pub fn check_request(reference: &str, config: &str) -> String {
    format!("<CallerReference>{reference}</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>")
}

fn has_body(model: &Model, operation: &Operation, shape: &str) -> bool {
    operation.method == "POST" && model.members(shape).iter().any(|member| member.place == Place::Body)
}

/// The content of the first element of this name.
#[track_caller]
pub fn inner(body: &str, name: &str) -> String {
    all_inner(body, name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// The content of each element of this name.
pub fn all_inner(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    body.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(inner, _)| inner.to_owned()).collect()
}
