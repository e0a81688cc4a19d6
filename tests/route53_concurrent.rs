//! Many writers and readers of one zone at once, over the sockets of one server.
//!
//! Each change of the pair says what it replaces, so that those that were accepted can be put in an order only if they had
//! one. Invariants: a reader of the API or of DNS sees the pair of one batch, never halves of two; of changes that exclude
//! each other one is accepted; reloads lose nothing.

#[path = "support/api.rs"]
mod api;
#[path = "support/serve.rs"]
mod serve;
mod support;
#[path = "support/xml.rs"]
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use api::{Api, CONFIG, STORE, change};
use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use serve::{Client, Site};
use support::{name, query};
use texts::{element, elements, root};
use waypost::wire::rtype::RecordType;

fn zone_file(last: u8) -> String {
    format!(
        "zone = \"example.com.\"\nns = [\"ns1.example.com.\"]\n[[record]]\nname = \"www\"\ntype = \"A\"\nvalues = [\"192.0.2.{last}\"]\n"
    )
}

fn site(test: &str) -> Site {
    let site = Site::new(test);
    let two_workers = CONFIG.replace("workers = 1", "workers = 2");
    site.write("waypost.toml", &format!("{two_workers}{STORE}\n[zones]\nfiles = [\"example.com.toml\"]\n"));
    site.write("example.com.toml", &zone_file(1));
    site
}

const WRITERS: usize = 4;
const CHANGES_EACH: usize = 20;

/// The pair as it is for a number: a CNAME, and the address of what it leads to.
fn pair(action: &str, number: u32) -> String {
    let target = target(number);
    let [_, b, c, d] = number.to_be_bytes();
    change(action, "pair.example.org", "CNAME", &[&target]) + &change(action, &target, "A", &[&format!("10.{b}.{c}.{d}")])
}

fn target(number: u32) -> String {
    format!("t{number}.example.org.")
}

/// The number of the pair in a zone's list, which must be that of one pair.
#[track_caller]
fn listed(list: &str) -> u32 {
    let sets = elements(list, "ResourceRecordSet");
    let of_type = |kind: &str| -> Vec<(String, String)> {
        let sets = sets.iter().filter(|set| element(set, "Type") == kind);
        sets.map(|set| (element(set, "Name"), element(set, "Value"))).collect()
    };
    let (names, addresses) = (of_type("CNAME"), of_type("A"));
    assert_eq!((names.len(), addresses.len()), (1, 1), "half a batch: {list}");
    agreed(&names[0].1, &addresses[0].0, &addresses[0].1)
}

/// The number that all three say.
#[track_caller]
fn agreed(leads_to: &str, owner: &str, address: &str) -> u32 {
    assert_eq!(leads_to, owner, "halves of two batches");
    let number: u32 = owner.trim_start_matches('t').split('.').next().unwrap().parse().unwrap();
    let [_, b, c, d] = number.to_be_bytes();
    assert_eq!(address, format!("10.{b}.{c}.{d}"), "halves of two batches");
    number
}

/// The number of the pair in DNS, from one response.
#[track_caller]
fn answered(client: &mut Client) -> u32 {
    let response = client.ask(&query(&name("pair"), RecordType::A));
    let message = Message::from_vec(&response).expect("responses decode");
    let [cname, address] = &message.answers[..] else { panic!("half a batch: {message}") };
    match (&cname.data, &address.data) {
        (RData::CNAME(target), RData::A(ip)) => agreed(&target.0.to_string(), &address.name.to_string(), &ip.0.to_string()),
        _ => panic!("not a pair: {message}"),
    }
}

#[test]
fn batches_on_one_zone_are_atomic_isolated_and_in_one_order() {
    let server = site("concurrent-batches").serve();
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    let (rrsets, dns) = (format!("hostedzone/{zone}/rrset"), server.dns);
    assert_eq!(api.change(&zone, &pair("CREATE", 0)).status, 200);
    let (next, are_done) = (AtomicU32::new(1), AtomicBool::new(false));
    let write = || {
        let mut accepted = Vec::new();
        while accepted.len() < CHANGES_EACH {
            let (before, after) = (listed(&api.ok("GET", &rrsets, "")), next.fetch_add(1, Ordering::Relaxed));
            let response = api.change(&zone, &(pair("DELETE", before) + &pair("CREATE", after)));
            match response.status {
                200 => accepted.push((before, after)),
                _ => assert_eq!(response.refusal(), "400 InvalidChangeBatch"),
            }
        }
        accepted
    };
    let read_api = || {
        let mut seen = BTreeSet::new();
        while !are_done.load(Ordering::Relaxed) {
            seen.insert(listed(&api.ok("GET", &rrsets, "")));
        }
        seen
    };
    let read_dns = || {
        let (mut client, mut seen) = (Client::new(dns), BTreeSet::new());
        while !are_done.load(Ordering::Relaxed) {
            seen.insert(answered(&mut client));
        }
        seen
    };
    let (accepted, seen) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        let readers = [scope.spawn(read_api), scope.spawn(read_dns), scope.spawn(read_dns)];
        let accepted: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        // Before anything may fail, so that the readers end.
        are_done.store(true, Ordering::Relaxed);
        let seen: Vec<BTreeSet<u32>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (accepted.into_iter().flat_map(|accepted| accepted.unwrap()).collect::<Vec<_>>(), seen)
    });
    // Each was made from what the one before it left: there is one way from the first pair to the last.
    let by_before: BTreeMap<u32, u32> = accepted.iter().copied().collect();
    assert_eq!((accepted.len(), by_before.len()), (WRITERS * CHANGES_EACH, WRITERS * CHANGES_EACH), "two replaced the same pair");
    let order: Vec<u32> = std::iter::successors(Some(0), |at| by_before.get(at).copied()).collect();
    assert_eq!(order.len(), accepted.len() + 1, "not one order: {accepted:?}");
    let last = *order.last().unwrap();
    assert_eq!((listed(&api.ok("GET", &rrsets, "")), answered(&mut Client::new(dns))), (last, last));
    let order: BTreeSet<u32> = order.into_iter().collect();
    for seen in seen {
        assert!(seen.is_subset(&order), "seen and never accepted: {:?}", seen.difference(&order));
        assert!(seen.len() > 1, "a reader saw no change");
    }
    server.stop();
}

#[test]
fn what_is_accepted_is_live_in_dns_before_the_answer() {
    let server = site("concurrent-live").serve();
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    thread::scope(|scope| {
        for writer in 0..WRITERS as u32 {
            let (api, zone, dns) = (&api, &zone, server.dns);
            scope.spawn(move || {
                let mut client = Client::new(dns);
                for number in 0..CHANGES_EACH as u32 {
                    let owner = format!("w{writer}-{number}");
                    let address = format!("10.0.{writer}.{number}");
                    let created = api.change(zone, &change("CREATE", &format!("{owner}.example.org"), "A", &[&address]));
                    assert_eq!(created.status, 200, "{created:?}");
                    let response = client.ask(&query(&name(&owner), RecordType::A));
                    assert_eq!(support::last_octets(&response), [number as u8]);
                }
            });
        }
    });
    server.stop();
}

#[test]
fn of_changes_that_exclude_each_other_one_is_accepted() {
    let server = site("concurrent-conflicts").serve();
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    let mut client = Client::new(server.dns);
    let at_once = |ask: &(dyn Fn(usize) -> api::Response + Sync)| -> Vec<(usize, api::Response)> {
        thread::scope(|scope| {
            let asked: Vec<_> = (0..8).map(|by| (by, scope.spawn(move || ask(by)))).collect();
            asked.into_iter().map(|(by, asked)| (by, asked.join().unwrap())).collect()
        })
    };
    let winner = |responses: Vec<(usize, api::Response)>, refusal: &str| {
        let (accepted, refused): (Vec<_>, Vec<_>) = responses.into_iter().partition(|(_, response)| response.status < 300);
        refused.iter().for_each(|(_, response)| assert_eq!(response.refusal(), refusal));
        assert_eq!(accepted.len(), 1, "{accepted:?}");
        accepted[0].0
    };
    for round in 0..10 {
        let owner = format!("r{round}");
        let create = |by: usize| {
            let own = change("CREATE", &format!("own{by}.{owner}.example.org"), "A", &["192.0.2.9"]);
            api.change(&zone, &(own + &change("CREATE", &format!("{owner}.example.org"), "A", &[&format!("192.0.2.{by}")])))
        };
        let won = winner(at_once(&create), "400 InvalidChangeBatch");
        assert_eq!(support::last_octets(&client.ask(&query(&name(&owner), RecordType::A))), [won as u8]);
        // Of the others nothing is left, not what they alone would have made either.
        let list = api.ok("GET", &format!("hostedzone/{zone}/rrset?name={owner}.example.org&maxitems=1000"), "");
        assert_eq!(list.matches(&format!(".{owner}.example.org.</Name>")).count(), 1, "{list}");
        assert!(list.contains(&format!("<Name>own{won}.{owner}.example.org.</Name>")), "{list}");
    }
    let made = |by: usize| {
        let content = format!("<Name>z{by}.example</Name><CallerReference>same</CallerReference>");
        api.ask("POST", "hostedzone", &root("CreateHostedZone", &content))
    };
    let won = winner(at_once(&made), "409 HostedZoneAlreadyExists");
    assert!(api.ok("GET", "hostedzone", "").contains(&format!("<Name>z{won}.example.</Name>")));
    // What is asked for twice in the same words is made once, and given to both.
    let config = "<IPAddress>127.0.0.1</IPAddress><Port>9</Port><Type>TCP</Type><RequestInterval>30</RequestInterval>";
    let check = root(
        "CreateHealthCheck",
        &format!("<CallerReference>same</CallerReference><HealthCheckConfig>{config}</HealthCheckConfig>"),
    );
    let checks = at_once(&|_| api.ask("POST", "healthcheck", &check));
    let ids: BTreeSet<String> = checks.iter().map(|(_, response)| element(&response.body, "Id")).collect();
    assert_eq!((ids.len(), element(&api.ok("GET", "healthcheckcount", ""), "HealthCheckCount")), (1, "1".to_owned()));
    // Each version of the check is changed once.
    let port = |by: usize| format!("<HealthCheckVersion>1</HealthCheckVersion><Port>{}</Port>", 1_000 + by);
    let path = format!("healthcheck/{}", ids.first().unwrap());
    let won =
        winner(at_once(&|by| api.ask("POST", &path, &root("UpdateHealthCheck", &port(by)))), "409 HealthCheckVersionMismatch");
    assert_eq!(element(&api.ok("GET", &path, ""), "Port"), (1_000 + won).to_string());
    server.stop();
}

#[test]
fn reloads_of_files_lose_no_change() {
    let site = site("concurrent-reloads");
    let mut server = site.serve();
    let api = Api::new(server.http);
    let zone = api.zone("example.org");
    let (are_done, dns) = (AtomicBool::new(false), server.dns);
    let write = |writer: u32| {
        let (mut count, mut client) = (0, Client::new(dns));
        while !are_done.load(Ordering::Relaxed) || count < 2 {
            let owner = format!("w{writer}-{count}");
            let address = format!("10.{writer}.{}.{}", count / 256, count % 256);
            let made = api.change(&zone, &change("CREATE", &format!("{owner}.example.org"), "A", &[&address]));
            assert_eq!(made.status, 200, "{made:?}");
            let response = client.ask(&query(&name(&owner), RecordType::A));
            assert_eq!(support::last_octets(&response), [(count % 256) as u8], "{owner}");
            count += 1;
        }
        count
    };
    let mut reload = || {
        let mut client = Client::new(dns);
        for last in 2..22 {
            site.write("example.com.toml", &zone_file(last));
            server.process.signal("HUP");
            // The file's change is seen too, sooner or later: the event may be of the reload before.
            let is_served = |client: &mut Client| {
                support::last_octets(&client.ask(&query(&name("www.example.com."), RecordType::A))) == [last]
            };
            while !is_served(&mut client) {
                server.process.await_event("reloaded", |_| true);
            }
        }
    };
    let counts: Vec<u32> = thread::scope(|scope| {
        let write = &write;
        let writers: Vec<_> = (0..2).map(|writer| scope.spawn(move || write(writer))).collect();
        // Whatever fails, the writers end.
        let reloaded = catch_unwind(AssertUnwindSafe(&mut reload));
        are_done.store(true, Ordering::Relaxed);
        reloaded.unwrap();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let mut client = Client::new(server.dns);
    let list = api.ok("GET", &format!("hostedzone/{zone}/rrset?maxitems=10000"), "");
    let listed: BTreeSet<String> = elements(&list, "Name").into_iter().collect();
    for (writer, count) in counts.into_iter().enumerate() {
        for number in 0..count {
            let owner = format!("w{writer}-{number}");
            assert!(listed.contains(&format!("{owner}.example.org.")), "{owner}");
            let response = client.ask(&query(&name(&owner), RecordType::A));
            assert_eq!(support::last_octets(&response), [(number % 256) as u8], "{owner}");
        }
    }
    server.stop();
}
