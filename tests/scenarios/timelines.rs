//! Timelines: a status flips at the probe that makes it flip, and not a moment before.

use std::sync::Arc;

use waypost::scenario::{Stage, read};
use waypost::text::Text;

use super::{ZONE, check, setting};

/// Who answers www at `at`, when this happens to the endpoints.
#[track_caller]
fn answers(timeline: &str, at: &str, answer: &str) {
    let case =
        format!("query = \"www.example.org A\"\ntimeline = [{timeline}]\nat = \"{at}\"\nexpect = {{ answer = [\"{answer}\"] }}");
    check(&case, "");
}

const FRA: &str = "192.0.2.10";
const IAD: &str = "198.51.100.10";

#[test]
fn three_failed_probes_flip_it_and_not_two() {
    let fails = "{ at = \"0s\", fail = [\"fra\"] }";
    for (at, answer) in [("0s", FRA), ("19s", FRA), ("19999ms", FRA), ("20s", IAD), ("24h", IAD)] {
        answers(fails, at, answer);
    }
    // After the probe at 10s: the next see it, at 20s, 30s and 40s.
    let later = "{ at = \"10001ms\", fail = [\"fra\"] }";
    for (at, answer) in [("39999ms", FRA), ("40s", IAD)] {
        answers(later, at, answer);
    }
}

#[test]
fn three_passes_flip_it_back() {
    let recovers = "{ at = \"0s\", fail = [\"fra\"] }, { at = \"30s\", pass = [\"fra\"] }";
    for (at, answer) in [("20s", IAD), ("49999ms", IAD), ("50s", FRA)] {
        answers(recovers, at, answer);
    }
}

#[test]
fn one_pass_among_failures_begins_the_count_anew() {
    let flaps = "{ at = \"0s\", fail = [\"fra\"] }, { at = \"20s\", pass = [\"fra\"] }, { at = \"30s\", fail = [\"fra\"] }";
    for (at, answer) in [("49999ms", FRA), ("50s", IAD)] {
        answers(flaps, at, answer);
    }
}

/// The timeout is 4 s and the interval counts from a probe's end: probes end at 4s, 18s and 32s.
#[test]
fn an_endpoint_that_hangs_takes_the_timeout_of_each_probe() {
    let hangs = "{ at = \"0s\", hang = [\"fra\"] }";
    for (at, answer) in [("20s", FRA), ("31999ms", FRA), ("32s", IAD)] {
        answers(hangs, at, answer);
    }
}

#[test]
fn before_the_first_verdict_three_failures_are_needed_too() {
    let case = |at: &str, explains: &str| {
        format!(
            "query = \"www.example.org A\"\nstart = \"unknown\"\ntimeline = [{{ at = \"0s\", fail = [\"fra\"] }}]\nat = \"{at}\"\n\
             expect = {{ explains = \"{explains}\" }}"
        )
    };
    check(&case("10s", "fra (unknown, which counts as healthy: not yet probed) is chosen"), "");
    check(&case("20s", "fra (unhealthy since 1970-01-01T00:00:20Z: 3 failures in a row, the last: connection refused)"), "");
    // What the timeline does not name passes its first probe.
    check(&case("20s", "iad (healthy since 1970-01-01T00:00:00Z: HTTP status 200) is chosen"), "");
}

#[test]
fn calculated_checks_follow_at_once() {
    let case = |at: &str, answer: &str| {
        format!(
            "query = \"cluster.example.org A\"\ntimeline = [{{ at = \"0s\", fail = [\"fra\"] }}, {{ at = \"5s\", fail = [\"syd\"] }}]\n\
             at = \"{at}\"\nexpect = {{ answer = [\"{answer}\"] }}"
        )
    };
    check(&case("29999ms", "192.0.2.20"), "");
    check(&case("30s", "192.0.2.99"), "");
}

#[test]
fn changes_happen_in_the_order_of_time_however_they_are_written() {
    answers("{ at = \"30s\", pass = [\"fra\"] }, { at = \"0s\", fail = [\"fra\"] }", "49999ms", IAD);
    answers("{ at = \"30s\", pass = [\"fra\"] }, { at = \"0s\", fail = [\"fra\"] }", "50s", FRA);
}

/// Probes every 250 ms of a suspect, each of at most 400 ms; ten seconds' hold, doubled when it falls again at once.
#[test]
fn the_default_profile_confirms_at_once_and_holds_what_fell() {
    let zone = ZONE.replace("interval = \"10s\"\ntimeout  = \"4s\"\nfall     = 3\n", "profile = \"default\"\n");
    assert_ne!(zone, ZONE);
    let answers = |timeline: &str, at: &str, answer: &str| {
        let case = format!(
            "config = \"c\"\n[[case]]\nname = \"it\"\nquery = \"www.example.org A\"\ntimeline = [{timeline}]\nat = \"{at}\"\n\
             expect = {{ answer = [\"{answer}\"] }}"
        );
        let (file, problems) = read(&Text::new("s.toml".into(), case), |_| Some(Arc::new(setting(&zone))));
        let file = file.unwrap_or_else(|| panic!("{problems}"));
        let outcome = Stage::new(&file.setting).run(&file.cases[0]);
        assert!(outcome.mismatches.is_empty(), "{at}: {}", outcome.mismatches[0]);
    };
    let fails = "{ at = \"1s\", fail = [\"fra\"] }";
    for (at, answer) in [("2499ms", FRA), ("2500ms", IAD)] {
        answers(fails, at, answer);
    }
    for (at, answer) in [("3199ms", FRA), ("3200ms", IAD)] {
        answers("{ at = \"1s\", hang = [\"fra\"] }", at, answer);
    }
    // One pass clears the suspicion.
    let blips = "{ at = \"1s\", fail = [\"fra\"] }, { at = \"2400ms\", pass = [\"fra\"] }";
    answers(blips, "24h", FRA);
    // It passes from 4.5s on, every 2 s; the hold ends at 12.5s, and the penalty of the second fall makes it 20 s.
    let returns = format!("{fails}, {{ at = \"3s\", pass = [\"fra\"] }}");
    for (at, answer) in [("12499ms", IAD), ("12500ms", FRA)] {
        answers(&returns, at, answer);
    }
    let flaps = format!("{returns}, {{ at = \"14s\", fail = [\"fra\"] }}, {{ at = \"16s\", pass = [\"fra\"] }}");
    for (at, answer) in [("15s", IAD), ("34s", IAD), ("37s", FRA)] {
        answers(&flaps, at, answer);
    }
}
