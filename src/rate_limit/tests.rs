//! The limiter against the limit as an operator thinks of it: a balance for each thing counted, in a map without end.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const QUERY: &[u8] = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x01a\x03wWw\x07example\x03org\x00\x00\x01\x00\x01";

fn limiter(rules: Rules) -> RateLimiter {
    RateLimiter::new(Arc::new(rules), NonZeroUsize::MIN, [0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211])
}

fn rules(per_second: u32) -> Rules {
    let mut rules = Rules { slip: 0, ..Rules::default() };
    rules.per_second[..5].fill(per_second);
    rules
}

fn ms(millis: u64) -> Ticks {
    Ticks::after_start(Duration::from_millis(millis))
}

/// The query's name from label `label` on.
fn counted(limit: Limit, label: usize) -> Counted {
    let (name_at, name_len) = [(12, 19), (14, 17), (18, 13), (26, 5), (30, 1)][label];
    Counted { limit, name_at, name_len }
}

/// BIND's accounts: a balance that grows by the rate to the rate, falls with each response, and not below the window's.
#[derive(Default)]
struct Naive {
    /// When each was last debited, in milliseconds, and its balance then.
    accounts: HashMap<Account, (u64, i128)>,
}

/// Whose, for what, of which type and name, and whether only names below that are asked for.
type Account = (IpNet, Limit, u16, Vec<u8>, bool);

impl Naive {
    /// In billionths of a response; rates here divide a billion.
    const ONE: i128 = 1_000_000_000;

    fn is_limited(&mut self, rules: &Rules, millis: u64, asker: IpAddr, counted: Counted, qtype: u16) -> bool {
        let all = Counted { limit: Limit::All, name_at: 0, name_len: 0 };
        self.is_over(rules, millis, asker, all, 0) || self.is_over(rules, millis, asker, counted, qtype)
    }

    fn is_over(&mut self, rules: &Rules, millis: u64, asker: IpAddr, counted: Counted, qtype: u16) -> bool {
        let rate = i128::from(rules.per_second[counted.limit as usize]);
        if rate == 0 {
            return false;
        }
        let name = match counted.limit {
            Limit::Errors | Limit::All => Vec::new(),
            _ => QUERY[usize::from(counted.name_at)..][..usize::from(counted.name_len)].to_ascii_lowercase(),
        };
        let qtype = if counted.limit == Limit::Responses { qtype } else { 0 };
        let key = (rules.network_of(asker), counted.limit, qtype, name, counted.name_at > 12);
        let (at, balance) = self.accounts.entry(key).or_insert((millis, rate * Self::ONE));
        let earned = i128::from(millis - *at) * 1_000_000 * rate;
        let floor = -i128::from(rules.window.as_secs()) * rate * Self::ONE;
        (*at, *balance) = (millis, ((*balance + earned).min(rate * Self::ONE) - Self::ONE).max(floor));
        *balance < 0
    }
}

const ASKERS: [&str; 6] = ["192.0.2.1", "192.0.2.254", "192.0.3.1", "2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1"];

proptest! {
    #[test]
    fn it_limits_what_the_accounts_of_bind_limit(
        rates in prop::array::uniform6(prop::sample::select(vec![0u32, 1, 2, 5, 10])),
        window in 1u64..20,
        steps in prop::collection::vec((0u64..400, 0usize..6, 0usize..5, 0usize..5, 1u16..3), 1..300),
    ) {
        let rules = Rules { per_second: rates, window: Duration::from_secs(window), slip: 0, ..Rules::default() };
        let (mut limiter, mut naive, mut millis) = (limiter(rules.clone()), Naive::default(), 0);
        for (later, asker, limit, label, qtype) in steps {
            millis += later;
            let asker: IpAddr = ASKERS[asker].parse().unwrap();
            let counted = match Limit::ALL[limit] {
                Limit::Errors => Counted::ERROR,
                limit => counted(limit, label),
            };
            let decided = limiter.decide(ms(millis), asker, counted, qtype, QUERY);
            prop_assert_eq!(decided.is_some(), naive.is_limited(&rules, millis, asker, counted, qtype), "at {} ms", millis);
        }
    }

    #[test]
    fn whatever_comes_at_once_no_network_gets_more_than_its_credit_of_one_thing(
        per_second in 1u32..50, askers in prop::collection::vec(any::<u32>(), 1..2_000),
    ) {
        // What is evicted has credit again: with so few networks and so large a table nobody is.
        let mut limiter = limiter(Rules { table_size: 65_536, ..rules(per_second) });
        let mut passed: HashMap<IpNet, u32> = HashMap::new();
        for asker in askers {
            let asker = IpAddr::from(asker.to_be_bytes());
            if limiter.decide(ms(0), asker, counted(Limit::Responses, 0), 1, QUERY).is_none() {
                *passed.entry(limiter.rules().network_of(asker)).or_default() += 1;
            }
        }
        prop_assert!(passed.values().all(|passed| *passed <= per_second));
    }
}

/// How many of ten responses pass, asked for at once.
fn passed(limiter: &mut RateLimiter, asker: &str, counted: Counted, qtype: u16) -> usize {
    let asker = asker.parse().unwrap();
    (0..10).filter(|_| limiter.decide(ms(0), asker, counted, qtype, QUERY).is_none()).count()
}

#[test]
fn each_name_type_and_network_has_a_bucket_and_random_names_share_one() {
    let mut limiter = limiter(rules(4));
    let mut check = |asker: &str, counted, qtype, expected| {
        assert_eq!(passed(&mut limiter, asker, counted, qtype), expected, "{asker} {counted:?} {qtype}");
    };
    check("192.0.2.1", counted(Limit::Responses, 0), 1, 4);
    check("192.0.2.77", counted(Limit::Responses, 0), 1, 0);
    check("192.0.3.1", counted(Limit::Responses, 0), 1, 4);
    check("192.0.2.1", counted(Limit::Responses, 0), 28, 4);
    check("192.0.2.1", counted(Limit::Responses, 1), 1, 4); // the wildcard's
    check("192.0.2.1", counted(Limit::NoData, 0), 1, 4);
    check("192.0.2.1", counted(Limit::NoData, 0), 28, 0); // whatever type it has no data of
    check("192.0.2.1", counted(Limit::NxDomains, 2), 1, 4);
    check("192.0.2.1", counted(Limit::NxDomains, 2), 16, 0);
    check("192.0.2.1", Counted::ERROR, 1, 4);
    check("192.0.2.1", Counted::ERROR, 2, 0);
    check("2001:db8::1", Counted::ERROR, 2, 4);
    check("2001:db8:0:ff:1::", Counted::ERROR, 2, 0);
    check("2001:db8:0:100::", Counted::ERROR, 2, 4);
}

#[test]
fn each_so_many_limited_responses_one_slips_and_errors_never_do() {
    for (slip, expected) in [(0, "dddddd"), (1, "ssssss"), (2, "dsdsds"), (3, "ddsdds")] {
        let mut limiter = limiter(Rules { slip, ..rules(1) });
        let mut actions = |counted| {
            let decided = (0..7).map(|_| limiter.decide(ms(0), [192, 0, 2, 1].into(), counted, 1, QUERY));
            let words = decided.flatten().map(|limited| match limited.action {
                Action::Drop => 'd',
                Action::Slip => 's',
                Action::DryRun => '?',
            });
            words.collect::<String>()
        };
        assert_eq!(actions(counted(Limit::Responses, 0)), expected, "slip {slip}");
        assert_eq!(actions(Counted::ERROR), "dddddd", "slip {slip}");
    }
}

#[test]
fn exempt_networks_are_never_limited_and_a_dry_run_only_says_so() {
    let exempt = vec!["192.0.2.0/28".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let mut limiter = limiter(Rules { exempt, dry_run: true, ..rules(1) });
    for (asker, expected) in [("192.0.2.15", 10), ("192.0.2.16", 0), ("2001:db8:9::", 10), ("2001:db9::", 1)] {
        assert_eq!(passed(&mut limiter, asker, Counted::ERROR, 1), expected, "{asker}");
    }
    let limited = limiter.decide(ms(0), [192, 0, 2, 200].into(), Counted::ERROR, 1, QUERY);
    assert_eq!(limited, Some(Limited { by: Limit::Errors, action: Action::DryRun }));
}

#[test]
fn all_responses_together_have_a_limit_that_names_do_not_get_around() {
    let mut limiter = limiter(Rules { per_second: [4, 4, 4, 4, 4, 6], ..rules(4) });
    assert_eq!(passed(&mut limiter, "192.0.2.1", counted(Limit::Responses, 0), 1), 4);
    let limited = limiter.decide(ms(0), [192, 0, 2, 1].into(), counted(Limit::NxDomains, 2), 1, QUERY);
    assert_eq!(limited.map(|limited| limited.by), Some(Limit::All));
}

#[test]
fn other_rules_hold_at_once_and_forget_no_debt() {
    let mut limiter = limiter(rules(4));
    assert_eq!(passed(&mut limiter, "192.0.2.1", Counted::ERROR, 1), 4);
    limiter.follow(Arc::new(rules(8)));
    assert_eq!(passed(&mut limiter, "192.0.2.1", Counted::ERROR, 1), 0);
    limiter.follow(Arc::new(rules(0)));
    assert_eq!(passed(&mut limiter, "192.0.2.1", Counted::ERROR, 1), 10);
    limiter.follow(Arc::new(Rules { table_size: 1_024, ..rules(4) }));
    assert_eq!(passed(&mut limiter, "192.0.2.1", Counted::ERROR, 1), 4, "another table is a new one");
}

#[test]
fn a_name_that_is_not_in_the_query_counts_as_none() {
    let mut limiter = limiter(rules(4));
    let beyond = Counted { limit: Limit::NoData, name_at: 600, name_len: 9 };
    assert_eq!(passed(&mut limiter, "192.0.2.1", beyond, 1), 4);
}
