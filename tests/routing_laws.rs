//! Laws of routing, over every group of up to four members with every health and a few weights.
//!
//! Proved through the one door: a zone, verdicts and a query in, a response out. Sources: `routing`'s truth tables.

mod support;

use support::{ask, last_octets, member, name, query, snapshot};
use waypost::routing::MEMBERS_MAX;
use waypost::wire::rtype::RecordType;
use waypost::zone::record_set::{RoutingPolicy, Weight};

/// One member of a made-up group: its weight, and its health (none: no health check).
#[derive(Clone, Copy, Debug)]
struct Made {
    weight: u8,
    health: Option<bool>,
}

impl Made {
    fn counts(self) -> bool {
        self.health != Some(false)
    }
}

const HEALTH: [Option<bool>; 3] = [None, Some(true), Some(false)];

/// Every group of one to `max` members, of these weights and every health.
fn groups(max: usize, weights: &[u8]) -> Vec<Vec<Made>> {
    let mut all: Vec<Vec<Made>> = vec![vec![]];
    let mut from = 0;
    for _ in 0..max {
        let shorter = all[from..].to_vec();
        from = all.len();
        for group in shorter {
            for &weight in weights {
                for health in HEALTH {
                    all.push([group.clone(), vec![Made { weight, health }]].concat());
                }
            }
        }
    }
    all.split_off(1)
}

/// How often each member is answered over `draws`, by its place.
fn answered(group: &[Made], policy: impl Fn(usize, Made) -> RoutingPolicy, draws: std::ops::Range<u64>) -> Vec<Vec<usize>> {
    let ids: Vec<String> = (0..group.len()).map(|at| format!("check-{at}")).collect();
    let sets = group.iter().enumerate().map(|(at, made)| {
        let check = made.health.map(|_| ids[at].as_str());
        member("www", &format!("member-{at}"), policy(at, *made), [192, 0, 2, at as u8], check)
    });
    let checks: Vec<(&str, bool)> =
        group.iter().enumerate().filter_map(|(at, made)| Some((ids[at].as_str(), made.health?))).collect();
    let snapshot = snapshot(sets.collect(), &checks);
    let query = query(&name("www"), RecordType::A);
    let places = |draw| last_octets(&ask(&snapshot, &query, draw).0).into_iter().map(usize::from).collect();
    draws.map(places).collect()
}

fn weighted(_: usize, made: Made) -> RoutingPolicy {
    RoutingPolicy::Weighted(Weight::new(made.weight.into()).expect("in range"))
}

/// How often each member should come up in one period: its weight, or 1 each where weights do not count.
fn fair_shares(group: &[Made]) -> Vec<u64> {
    let anyone = group.iter().any(|made| made.counts());
    let candidate = |made: &Made| made.counts() || !anyone;
    let heavy = group.iter().any(|made| candidate(made) && made.weight > 0);
    let share = |made: &Made| match (candidate(made), heavy) {
        (false, _) => 0,
        (true, true) => made.weight.into(),
        (true, false) => 1,
    };
    group.iter().map(share).collect()
}

#[test]
fn over_one_period_each_weighted_candidate_is_chosen_exactly_its_weight() {
    for group in groups(4, &[0, 1, 3]) {
        let shares = fair_shares(&group);
        let mut counted = vec![0; group.len()];
        for chosen in answered(&group, weighted, 0..shares.iter().sum()) {
            counted[chosen[0]] += 1;
        }
        assert_eq!(counted, shares, "{group:?}");
    }
}

#[test]
fn an_unhealthy_member_is_chosen_only_if_no_candidate_is_healthy() {
    let failover = |at: usize, _| RoutingPolicy::Failover(at as u16);
    for group in groups(4, &[1]) {
        let anyone = group.iter().any(|made| made.counts());
        for policy in [&weighted as &dyn Fn(usize, Made) -> RoutingPolicy, &failover, &|_, _| RoutingPolicy::Multivalue] {
            for chosen in answered(&group, policy, 0..4).concat() {
                assert!(group[chosen].counts() || !anyone, "{chosen} of {group:?}");
            }
        }
    }
}

#[test]
fn failover_answers_with_the_first_tier_that_counts_and_with_the_first_of_all_otherwise() {
    for group in groups(5, &[1]) {
        let expected = group.iter().position(|made| made.counts()).unwrap_or(0);
        for chosen in answered(&group, |at, _| RoutingPolicy::Failover(at as u16), 0..3) {
            assert_eq!(chosen, [expected], "{group:?}");
        }
    }
}

#[test]
fn removing_an_unhealthy_member_changes_nothing_while_another_is_healthy() {
    for group in groups(3, &[0, 2]).into_iter().filter(|group| group.iter().any(|made| made.counts())) {
        let kept: Vec<usize> = (0..group.len()).filter(|&at| group[at].counts()).collect();
        let without: Vec<Made> = kept.iter().map(|&at| group[at]).collect();
        let period = fair_shares(&group).iter().sum();
        let before = answered(&group, weighted, 0..period).concat();
        let after: Vec<usize> = answered(&without, weighted, 0..period).concat().into_iter().map(|at| kept[at]).collect();
        assert_eq!(before, after, "{group:?}");
    }
}

#[test]
fn multivalue_answers_up_to_eight_of_those_that_count() {
    for healthy in 0..=12usize {
        let group: Vec<Made> = (0..12).map(|at| Made { weight: 0, health: Some(at < healthy) }).collect();
        let expected = if healthy == 0 { MEMBERS_MAX } else { healthy.min(MEMBERS_MAX) };
        let mut seen = [false; 12];
        for draw in 0..64u64 {
            // Spread the draws as a random source would: small numbers have only small digits.
            let draw = draw.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut chosen = answered(&group, |_, _| RoutingPolicy::Multivalue, draw..draw + 1).concat();
            assert_eq!(chosen.len(), expected, "{healthy} healthy");
            chosen.iter().for_each(|&at| seen[at] = true);
            chosen.sort();
            chosen.dedup();
            assert_eq!(chosen.len(), expected, "distinct");
        }
        let candidates = if healthy == 0 { 12 } else { healthy };
        assert_eq!(seen.iter().filter(|seen| **seen).count(), candidates, "every candidate comes up");
    }
}

#[test]
fn equal_arguments_give_equal_octets() {
    for group in groups(2, &[0, 1, 255]) {
        assert_eq!(answered(&group, weighted, 5..9), answered(&group, weighted, 5..9));
    }
}
