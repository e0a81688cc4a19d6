//! A request of the Route 53 API: `METHOD PATH[?QUERY]`, a line end, the body. Read, done, and served.
//!
//! Asserts: what is read is written back and read again as it was; no request is answered with a fault of ours; what an
//! operation asks to be changed can be compiled, written as it was asked for, and undone.

use std::sync::Arc;

use waypost::control::build::build;
use waypost::control::state::State;
use waypost::places::Places;
use waypost::route53::access::{Access, Principal, Zones};
use waypost::route53::account::Account;
use waypost::route53::bounds::Rules;
use waypost::route53::error::ApiError;
use waypost::route53::ops::{Context, Done, Settings, perform};
use waypost::route53::request;
use waypost::route53::shapes::{Model, Operation};
use waypost::route53::value::Struct;
use waypost::route53::xml;
use waypost::snapshot::Snapshot;

/// Runs one input, taken strictly and not.
pub fn run(octets: &[u8]) {
    MODEL.with(|model| [true, false].into_iter().for_each(|strict| run_with(model, octets, Rules { strict })));
}

thread_local! {
    static MODEL: Arc<Model> = Arc::new(Model::new());
}

fn run_with(model: &Model, octets: &[u8], rules: Rules) {
    let mut account = Account::default();
    let zone = done(model, &mut account, b"POST /2013-04-01/hostedzone\n<CreateHostedZoneRequest><Name>example.org</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>", rules);
    let zone = zone.expect("the first zone is made").location.expect("a zone has a place");
    let id = zone.rsplit_once('/').map_or("", |(_, id)| id);
    // Seeds say ZONE where an id is needed.
    let octets = replace(octets, b"ZONE", id.as_bytes());
    match done(model, &mut account, &octets, rules) {
        Ok(_) => {}
        Err(error) => {
            assert!(error.status < 500, "{error}");
            let body = xml::write::error(model, &error, "id");
            assert!(body.contains(error.code));
        }
    }
}

/// Does what the octets ask for, and makes it so.
fn done(model: &Model, account: &mut Account, octets: &[u8], rules: Rules) -> Result<Done, ApiError> {
    let (line, body) = octets.split_at(octets.iter().position(|&octet| octet == b'\n').unwrap_or(octets.len()));
    let line = String::from_utf8_lossy(line);
    let (method, target) = line.split_once(' ').unwrap_or((&line, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (operation, mut input) = request::read(model, method, path, query, rules)?;
    input.take(read_body(model, operation, body.get(1..).unwrap_or_default(), rules)?);
    let mut number = 0_u128;
    let mut random = || {
        number += 1;
        number << 64 | number
    };
    let (settings, snapshot) = (Settings { rules, ..Settings::default() }, Snapshot::default());
    let caller = Principal { name: "fuzz".into(), key_id: None, access: Access::Write, zones: Zones::All };
    let mut context = Context {
        account,
        now: jiff::Timestamp::UNIX_EPOCH,
        random: &mut random,
        settings: &settings,
        caller: &caller,
        snapshot: &snapshot,
    };
    let done = perform(operation, &input, &mut context)?;
    if let Some(output) = operation.output {
        xml::write::response(model, output, &done.output);
    }
    apply(account, &done);
    Ok(done)
}

/// A body, which written again is read as the same.
fn read_body(model: &Model, operation: &Operation, body: &[u8], rules: Rules) -> Result<Struct, ApiError> {
    let Some(shape) = model.body_of(operation) else { return Ok(Struct::new()) };
    let said = xml::read::read(model, shape, body, rules)?;
    let written = xml::write::response(model, shape, &said);
    let again = xml::read::read(model, shape, written.as_bytes(), rules).expect("what is written can be read");
    assert_eq!(xml::write::response(model, shape, &again), written);
    Ok(said)
}

/// What an accepted request changes can be served, and taken back.
fn apply(account: &mut Account, done: &Done) {
    let undo = account.undoing(&done.edits);
    let before = account.served(&State::default());
    account.apply(done.edits.clone());
    let state = account.served(&State::default());
    if let Err(errors) = build(state, &Places::default(), None) {
        panic!("{errors:?}");
    }
    account.apply(undo);
    assert_eq!(account.served(&State::default()), before);
    account.apply(done.edits.clone());
}

fn replace(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&first, tail)) = rest.split_first() {
        match rest.strip_prefix(from) {
            Some(behind) => {
                replaced.extend_from_slice(to);
                rest = behind;
            }
            None => {
                replaced.push(first);
                rest = tail;
            }
        }
    }
    replaced
}
