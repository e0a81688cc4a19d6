//! What is done about floods: `[rate_limit]` of `waypost.toml`, whose keys are BIND's in this project's spelling, and `shed_after`.
//!
//! `rate_limit` and `server/shedding.rs` say what each does. Invariant: rules that exist have prefix lengths within those of their families.

use std::time::Duration;

use ipnet::IpNet;

use crate::rate_limit::{Limit, Rules};
use crate::toml_table::Table;

/// Reads the table; what it does not say is as it is by default, and the limits without a rate have that of responses.
pub(super) fn read_rate_limit(mut table: Table<'_>) -> Rules {
    let mut rules = Rules::default();
    for (limit, key) in RATES {
        let rate = table.optional_int(key, 0..=1_000_000).map(|rate| u32::try_from(rate).expect("0 to 1000000"));
        match (limit, rate) {
            (Limit::Responses, Some(rate)) => rules.per_second[..Limit::All as usize].fill(rate),
            (_, Some(rate)) => rules.per_second[limit as usize] = rate,
            (_, None) => {}
        }
    }
    let windows = Duration::from_secs(1)..=Duration::from_secs(3_600);
    rules.window = table.optional_duration("window", windows).unwrap_or(rules.window);
    rules.slip = table.optional_int("slip", 0..=10).map_or(rules.slip, |slip| slip as u32);
    rules.ipv4_prefix_len = table.optional_int("ipv4_prefix_length", 0..=32).map_or(rules.ipv4_prefix_len, |len| len as u8);
    rules.ipv6_prefix_len = table.optional_int("ipv6_prefix_length", 0..=128).map_or(rules.ipv6_prefix_len, |len| len as u8);
    rules.exempt = read_exempt(&mut table);
    rules.table_size = table.optional_int("table_size", 1_024..=1 << 24).map_or(rules.table_size, |size| size as usize);
    rules.dry_run = table.bool_or("dry_run", rules.dry_run);
    table.finish();
    rules
}

/// Networks, or single addresses.
fn read_exempt(table: &mut Table<'_>) -> Vec<IpNet> {
    let mut exempt = Vec::new();
    for item in table.array("exempt") {
        let Some(text) = item.string() else { continue };
        let address = text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address));
        let accepted = "a network or an address, such as \"198.51.100.0/24\" or \"2001:db8::53\"";
        let Some(network) = address.or_else(|| item.parsed::<IpNet>(accepted)) else { continue };
        if network != network.trunc() {
            item.wrong(format_args!("{network} has bits beyond its length"), format!("{}", network.trunc()));
        }
        exempt.push(network);
    }
    exempt
}

/// A time, or `"off"`.
pub(super) fn read_shed_after(server: &mut Table<'_>) -> Option<Duration> {
    let Some(value) = server.optional("shed_after") else { return Some(SHED_AFTER) };
    match value.string() {
        Some("off") => None,
        _ => value.duration(Duration::from_millis(50)..=Duration::from_secs(10)),
    }
}

/// About what resolvers wait for an answer before they ask somebody else.
const SHED_AFTER: Duration = Duration::from_millis(500);

/// The first one is what the others are when they are not said.
const RATES: [(Limit, &str); Limit::ALL.len()] = [
    (Limit::Responses, "responses_per_second"),
    (Limit::NoData, "nodata_per_second"),
    (Limit::NxDomains, "nxdomains_per_second"),
    (Limit::Referrals, "referrals_per_second"),
    (Limit::Errors, "errors_per_second"),
    (Limit::All, "all_per_second"),
];

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const SERVER: &str = "[server]\nlisten = [\"127.0.0.1:53\"]\n[zones]\nfiles = [\"*.toml\"]\n";

    fn read(text: &str) -> Option<Rules> {
        let (config, problems) = parse(&"f".into(), &[SERVER, text].concat());
        config.unwrap_or_else(|| panic!("{problems}")).rate_limit
    }

    #[test]
    fn without_the_table_nothing_is_limited_and_an_empty_one_has_the_defaults() {
        assert_eq!(read(""), None);
        let rules = read("[rate_limit]\n").unwrap();
        assert_eq!(rules, Rules::default());
        assert_eq!((rules.per_second, rules.window.as_secs(), rules.slip), ([200, 200, 200, 200, 200, 0], 15, 1));
        assert_eq!((rules.ipv4_prefix_len, rules.ipv6_prefix_len, rules.table_size, rules.dry_run), (24, 56, 65_536, false));
    }

    #[test]
    fn the_rate_of_responses_is_that_of_all_limits_that_say_none() {
        let rules = read("[rate_limit]\nresponses_per_second = 10\nnxdomains_per_second = 3\nerrors_per_second = 0\n").unwrap();
        assert_eq!(rules.per_second, [10, 10, 3, 10, 0, 0]);
        assert_eq!(read("[rate_limit]\nall_per_second = 50\n").unwrap().per_second, [200, 200, 200, 200, 200, 50]);
    }

    #[test]
    fn everything_else_is_read() {
        let rules = read(
            "[rate_limit]\nwindow = \"5s\"\nslip = 0\nipv4_prefix_length = 32\nipv6_prefix_length = 64\n\
             exempt = [\"192.0.2.0/28\", \"2001:db8::53\"]\ntable_size = 2048\ndry_run = true\n",
        );
        let expected = Rules {
            window: Duration::from_secs(5),
            slip: 0,
            ipv4_prefix_len: 32,
            ipv6_prefix_len: 64,
            exempt: vec!["192.0.2.0/28".parse().unwrap(), "2001:db8::53/128".parse().unwrap()],
            table_size: 2_048,
            dry_run: true,
            ..Rules::default()
        };
        assert_eq!(rules, Some(expected));
    }

    #[test]
    fn what_cannot_be_is_told_with_what_could() {
        let text = "[rate_limit]\nresponses-per-second = 5\nslip = 11\nwindow = \"0s\"\nipv4_prefix_length = 33\nexempt = [\"192.0.2.1/24\", \"x\"]\n";
        let (config, problems) = parse(&"f".into(), &[SERVER, text].concat());
        assert_eq!((config, problems.errors()), (None, 6), "{problems}");
        let problems = problems.to_string();
        for words in [
            "unknown key \"responses-per-second\" (did you mean \"responses_per_second\"?)",
            "slip: 11 is not within 0-10",
            "window: 0s is not within 1s to 1h",
            "ipv4_prefix_length: 33 is not within 0-32",
            "192.0.2.1/24 has bits beyond its length (192.0.2.0/24)",
            "\"x\": invalid IP address syntax (a network or an address, such as",
        ] {
            assert!(problems.contains(words), "{words} is not in {problems}");
        }
    }

    #[test]
    fn what_waits_too_long_is_shed_after_a_time_or_never() {
        let read =
            |more: &str| parse(&"f".into(), &format!("[server]\nlisten = [\"[::1]:53\"]\n{more}[zones]\nfiles = [\"*.toml\"]\n"));
        for (written, expected) in [("\"off\"", None), ("\"2s\"", Some(Duration::from_secs(2)))] {
            let (config, problems) = read(&format!("shed_after = {written}\n"));
            assert_eq!(config.map(|config| config.server.shed_after), Some(expected), "{problems}");
        }
        for wrong in ["\"on\"", "\"20ms\"", "0"] {
            assert_eq!(read(&format!("shed_after = {wrong}\n")).0, None, "{wrong}");
        }
    }
}
