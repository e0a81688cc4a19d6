//! The zones that loading is measured with: one of many names, and many of ten names.

use std::fmt::Write;

use waypost::zone::master::Source;

/// A master file of one zone with an address for each of so many names, as most generators write them.
pub fn one_zone(names: usize) -> Source {
    Source { file: "example.org.zone".into(), octets: text("example.org.", names).into_bytes() }
}

/// So many zones of ten names.
pub fn many_zones(zones: usize) -> Vec<Source> {
    let zone = |at: usize| {
        let apex = format!("zone-{at}.example.");
        Source { file: format!("{apex}zone").into(), octets: text(&apex, 10).into_bytes() }
    };
    (0..zones).map(zone).collect()
}

fn text(apex: &str, names: usize) -> String {
    let mut text = format!("$ORIGIN {apex}\n$TTL 300\n@ IN SOA ns1 hostmaster 1 7200 900 1209600 60\n@ IN NS ns1\n");
    let _ = writeln!(text, "ns1 IN A 192.0.2.1");
    for at in 0..names {
        let [_, a, b, c] = (at as u32).to_be_bytes();
        let _ = writeln!(text, "host-{at} IN A 10.{a}.{b}.{c}");
    }
    text
}
