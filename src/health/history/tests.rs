//! The past of one check against a plain list of all its changes.

use proptest::prelude::*;

use super::*;

const HOUR_MS: i64 = 3_600_000;
const STATUSES: [Status; 3] = [Status::Healthy, Status::Unhealthy, Status::Unknown];

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

/// Every change, in a list.
struct Naive {
    began: i64,
    first: Status,
    changes: Vec<(i64, Status)>,
}

impl Naive {
    fn last(&self) -> (i64, Status) {
        self.changes.last().copied().unwrap_or((self.began, self.first))
    }

    fn record(&mut self, at: i64, to: Status) {
        let (last, status) = self.last();
        if last - at > BACK_MAX_MS {
            *self = Self { began: at, first: status, changes: Vec::new() };
        }
        if to != status {
            self.changes.push((at.max(self.last().0), to));
        }
    }

    /// Healthy, unhealthy and unknown milliseconds, and failures, from the window's beginning on.
    fn sums(&self, window: Window, now: i64) -> ([i64; 3], u64) {
        let now = now.max(self.last().0);
        let start = (now - window.ms()).max(self.began);
        let points: Vec<_> = [(self.began, self.first)].into_iter().chain(self.changes.iter().copied()).collect();
        let ends = points.iter().skip(1).map(|(at, _)| *at).chain([now]);
        let mut sums = [0; 3];
        for ((from, status), to) in points.iter().zip(ends) {
            let place = STATUSES.iter().position(|listed| listed == status).unwrap();
            sums[place] += (to - (*from).max(start)).max(0);
        }
        let before = self.changes.iter().rfind(|(at, _)| *at < start).map_or(self.first, |(_, status)| *status);
        let became = self.changes.iter().filter(|(at, to)| *at >= start && *to == Status::Unhealthy).count();
        (sums, became as u64 + u64::from(before == Status::Unhealthy))
    }
}

fn millis(summary: &Summary) -> [i64; 3] {
    [summary.healthy, summary.unhealthy, summary.unknown].map(|part| part.as_millis() as i64)
}

/// Both pasts, after the same changes.
fn pasts(began: i64, first: Status, steps: &[(i64, Status)]) -> (History, Naive, i64) {
    let mut history = History::new(at(began), first);
    let mut naive = Naive { began, first, changes: Vec::new() };
    let mut now = began;
    for (passed, to) in steps {
        now += passed;
        history.record(at(now), *to, "as the test has it");
        naive.record(now, *to);
    }
    (history, naive, now)
}

#[track_caller]
fn compare(history: &History, naive: &Naive, now: i64) {
    for window in Window::ALL {
        let (found, (sums, failures)) = (history.summary(window, at(now)), naive.sums(window, now));
        let covered: i64 = sums.iter().sum();
        assert_eq!(millis(&found).iter().sum::<i64>(), covered, "{window:?}");
        assert!(found.uptime().is_none_or(|uptime| (0.0..=1.0).contains(&uptime)), "{window:?} {found:?}");
        if found.exact {
            assert_eq!((millis(&found), found.failures), (sums, failures), "{window:?}");
        } else {
            // All that can be wrong is how one day's time was spent.
            let off = millis(&found).iter().zip(sums).map(|(found, is)| (found - is).abs()).max().unwrap();
            assert!(off <= DAY_MS, "{window:?}: {found:?} is {sums:?}");
        }
    }
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(&STATUSES[..])
}

/// Milliseconds between two changes: none, seconds, hours, days; and a clock that goes back.
fn passed() -> impl Strategy<Value = i64> {
    prop_oneof![
        1 => Just(0),
        8 => 0..60_000i64,
        4 => 0..3 * HOUR_MS,
        1 => 0..40 * DAY_MS,
        1 => -HOUR_MS..0,
        1 => Just(DAY_MS),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_are_what_a_list_of_all_changes_says(
        began in -400 * DAY_MS..400 * DAY_MS,
        first in status(),
        steps in prop::collection::vec((passed(), status()), 0..1_200),
        later in prop_oneof![0..2 * HOUR_MS, 0..500 * DAY_MS, -HOUR_MS..0],
    ) {
        let (history, naive, now) = pasts(began, first, &steps);
        compare(&history, &naive, now + later);
        prop_assert!(history.recent.len() <= CHANGES_MAX && history.days.len() as i64 <= DAYS_BACK + 1);
    }

    #[test]
    fn what_is_saved_is_read_back(first in status(), steps in prop::collection::vec((passed(), status()), 0..600)) {
        let (history, ..) = pasts(0, first, &steps);
        let json = serde_json::to_string(&history).unwrap();
        prop_assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
    }

    /// Whatever a damaged file says is refused, or can be gone on with.
    #[test]
    fn what_is_read_never_panics(
        began in any::<i64>(),
        days in prop::collection::vec((-9..9i64, -9 * DAY_MS..9 * DAY_MS, "[hu?x]", any::<u32>(), 0..9u32, 0..9u32), 0..4),
        recent in prop::collection::vec((-20 * DAY_MS..20 * DAY_MS, "[hu?x]", "y"), 0..4),
        now in -30 * DAY_MS..30 * DAY_MS,
    ) {
        for began in [began, -9 * DAY_MS] {
            let text = serde_json::json!({ "began": began, "first": "h", "days": days, "recent": recent }).to_string();
            if let Ok(mut history) = serde_json::from_str::<History>(&text) {
                for step in 0..CHANGES_MAX as i64 + 2 {
                    history.record(at(now + step), STATUSES[step as usize % 3], "");
                }
                Window::ALL.iter().for_each(|window| _ = history.summary(*window, at(now)));
                prop_assert!(history.transitions().count() <= CHANGES_MAX);
            }
        }
    }
}

#[test]
fn a_year_of_flapping_costs_a_stated_maximum_and_keeps_the_sums() {
    let reason = "x".repeat(1_000);
    let mut history = History::new(at(0), Status::Healthy);
    for minute in 1..=400 * 24 * 60 {
        history.record(at(minute * 60_000), STATUSES[minute as usize % 2], &reason);
    }
    let octets = history.recent.capacity() * size_of::<Change>()
        + history.days.capacity() * size_of::<Day>()
        + history.recent.iter().map(|change| change.because.len() + 16).sum::<usize>();
    assert!(octets <= 80 << 10, "{octets}");
    assert!(serde_json::to_string(&history).unwrap().len() <= 80 << 10);
    let year = history.summary(Window::Year, at(400 * DAY_MS));
    assert_eq!((year.healthy + year.unhealthy).as_millis() as i64, 365 * DAY_MS);
    assert!((year.uptime().unwrap() - 0.5).abs() < 0.01, "{year:?}");
    assert!((year.failures as i64 - 365 * 24 * 30).abs() <= 24 * 30, "{year:?}");
}

#[test]
fn a_clock_that_goes_back_for_days_begins_the_past_anew() {
    let mut history = History::new(at(0), Status::Healthy);
    assert!(history.record(at(900 * DAY_MS), Status::Unhealthy, "the clock is wrong"));
    assert!(history.record(at(2 * DAY_MS), Status::Healthy, "the clock is right"));
    let day = history.summary(Window::Day, at(3 * DAY_MS));
    assert_eq!((millis(&day), day.failures, day.exact), ([DAY_MS, 0, 0], 1, true));
}

#[test]
fn times_between_failures_and_to_recovery_are_means() {
    let mut history = History::new(at(0), Status::Unknown);
    let changes =
        [(1, Status::Healthy), (5, Status::Unhealthy), (6, Status::Healthy), (9, Status::Unhealthy), (12, Status::Healthy)];
    for (hour, to) in changes {
        history.record(at(hour * HOUR_MS), to, "");
    }
    let day = history.summary(Window::Day, at(13 * HOUR_MS));
    let hours = |hours: u64| std::time::Duration::from_secs(hours * 3_600);
    assert_eq!((day.healthy, day.unhealthy, day.unknown, day.failures), (hours(8), hours(4), hours(1), 2));
    assert_eq!((day.uptime(), day.mtbf(), day.mttr()), (Some(8.0 / 12.0), Some(hours(4)), Some(hours(2))));
    let nothing = History::new(at(0), Status::Unknown).summary(Window::Day, at(HOUR_MS));
    assert_eq!((nothing.uptime(), nothing.mtbf(), nothing.mttr()), (None, None, None));
}

#[test]
fn an_objective_allows_what_it_leaves_of_a_window() {
    for (percent, window, allowed_secs) in
        [(99.9, Window::Month, 2_592.0), (99.99, Window::Year, 3_153.6), (50.0, Window::Day, 43_200.0)]
    {
        let mut history = History::new(at(0), Status::Healthy);
        history.record(at(HOUR_MS), Status::Unhealthy, "");
        let summary = history.summary(window, at(2 * HOUR_MS));
        let budget = Objective::percent(percent).unwrap().budget(window, &summary);
        assert_eq!((budget.allowed.as_secs_f64(), budget.left_secs()), (allowed_secs, allowed_secs - 3_600.0), "{percent}");
    }
    for percent in [0.0, 100.0, -1.0, 100.1, f64::NAN, f64::INFINITY, 99.999_99] {
        assert_eq!(Objective::percent(percent), None, "{percent}");
    }
}

#[test]
fn transitions_are_told_newest_first_with_what_was_before() {
    let (history, ..) = pasts(0, Status::Unknown, &[(1, Status::Healthy), (0, Status::Healthy), (5, Status::Unhealthy)]);
    let told: Vec<_> = history.transitions().map(|change| (change.at.as_millisecond(), change.from, change.to)).collect();
    assert_eq!(told, [(6, Status::Healthy, Status::Unhealthy), (1, Status::Unknown, Status::Healthy)]);
    let mut history = History::new(at(0), Status::Healthy);
    (1..=CHANGES_MAX as i64 + 1).for_each(|ms| _ = history.record(at(ms), STATUSES[ms as usize % 2], ""));
    let oldest = history.transitions().last().unwrap();
    assert_eq!((oldest.at, oldest.from, oldest.to), (at(2), Status::Unhealthy, Status::Healthy));
}
