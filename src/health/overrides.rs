//! What operators have decided in the place of the checks, and which of it holds for what.
//!
//! Decides nothing of its own and applies nothing: `board` asks. Invariants: ids increase in the order of the list and
//! are never given twice; of those that match and have not expired the last one wins (as in gdnsd's `admin_state`); at
//! most [`OVERRIDES_MAX`].
//!
//! ```text
//! action   what it says of what it matches
//! up       healthy, whatever its probes see
//! down     unhealthy, whatever its probes see
//! drain    not to be answered while anything else can be
//! freeze   as it was when this was said: probes go on and decide nothing
//! ```

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::check::{CheckKind, HealthCheck};
use super::glob::{Glob, InvalidGlob};
use super::remark::Remark;

/// What an operator wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Up,
    Down,
    Drain,
    Freeze,
}

/// What a pattern is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A health check's id.
    Check,
    /// An endpoint's name.
    Endpoint,
    /// Where an endpoint stands: `aws:eu-central-1`.
    Region,
    /// A routed name, or the name of a `[route]`.
    Route,
}

/// What an override is for: `check:fra`, `endpoint:fra*`, `region:aws:eu-*`, `route:www.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub kind: TargetKind,
    pub glob: Glob,
}

/// An override that has yet to be given its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOverride {
    pub action: Action,
    pub target: Pattern,
    pub reason: Remark,
    pub author: Remark,
    pub made_at: Timestamp,
    /// The moment from which it holds no longer; none: until it is removed.
    pub expires_at: Option<Timestamp>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub id: u64,
    pub action: Action,
    pub target: Pattern,
    pub reason: Remark,
    pub author: Remark,
    pub made_at: Timestamp,
    /// The moment from which it holds no longer; none: until it is removed.
    pub expires_at: Option<Timestamp>,
}

/// What is known of one thing that overrides may be for; each pattern looks at the fact of its own kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'s> {
    pub check: Option<&'s str>,
    pub endpoint: Option<&'s str>,
    pub region: Option<&'s str>,
    /// A trailing dot makes no difference.
    pub route: Option<&'s str>,
}

/// All overrides, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrides {
    list: Vec<Override>,
    next_id: u64,
}

/// The most overrides at one time.
pub const OVERRIDES_MAX: usize = 1_000;

/// Why a list of overrides cannot be what it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidOverrides {
    /// One more would be too many.
    Full,
    /// Ids that do not increase, or reach `next_id`.
    Disordered { id: u64 },
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidPattern {
    /// Nothing says what the pattern is for.
    NoKind,
    UnknownKind(String),
    Glob(InvalidGlob),
}

/// A word that is no action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAction(pub String);

impl Overrides {
    /// The list as it was kept: what [`Overrides::iter`] and [`Overrides::next_id`] said.
    ///
    /// # Errors
    /// [`InvalidOverrides`] where these cannot have been said by any list.
    pub fn restore(list: Vec<Override>, next_id: u64) -> Result<Self, InvalidOverrides> {
        if list.len() > OVERRIDES_MAX {
            return Err(InvalidOverrides::Full);
        }
        let mut after = 0;
        for Override { id, .. } in &list {
            if *id <= after || *id >= next_id {
                return Err(InvalidOverrides::Disordered { id: *id });
            }
            after = *id;
        }
        Ok(Self { list, next_id: next_id.max(1) })
    }

    /// The override that holds for `subject` at `now`.
    pub fn of(&self, subject: &Subject<'_>, now: Timestamp) -> Option<&Override> {
        self.list.iter().rev().find(|known| !known.has_expired(now) && known.target.matches(subject))
    }

    /// Adds one behind all others, so that it wins over them.
    ///
    /// # Errors
    /// [`InvalidOverrides::Full`] when there are as many as there may be.
    pub fn add(&mut self, new: NewOverride) -> Result<&Override, InvalidOverrides> {
        if self.list.len() >= OVERRIDES_MAX {
            return Err(InvalidOverrides::Full);
        }
        let NewOverride { action, target, reason, author, made_at, expires_at } = new;
        let id = self.next_id;
        self.next_id += 1;
        self.list.push(Override { id, action, target, reason, author, made_at, expires_at });
        Ok(self.list.last().expect("one was just pushed"))
    }

    /// Removes one.
    pub fn remove(&mut self, id: u64) -> Option<Override> {
        let at = self.list.binary_search_by_key(&id, |known| known.id).ok()?;
        Some(self.list.remove(at))
    }

    /// Removes those that have expired, and returns them.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Override> {
        self.list.extract_if(.., |known| known.has_expired(now)).collect()
    }

    /// Those that are in one of the two and not in the other.
    pub fn differing(&self, other: &Self) -> Vec<Override> {
        let beside = |one: &Self, other: &Self| -> Vec<Override> {
            let is_there = |known: &&Override| {
                let at = other.list.binary_search_by_key(&known.id, |there| there.id);
                at.is_ok_and(|at| other.list[at] == **known)
            };
            one.list.iter().filter(|known| !is_there(known)).cloned().collect()
        };
        [beside(self, other), beside(other, self)].concat()
    }

    /// When the next of those that hold at `now` expires.
    pub fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.list.iter().filter_map(|known| known.expires_at).filter(|at| *at > now).min()
    }

    /// In the order in which they were made; those that have expired too, until they are removed.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Override> + ExactSizeIterator {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The id that the next one gets.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }
}

impl Default for Overrides {
    fn default() -> Self {
        Self { list: Vec::new(), next_id: 1 }
    }
}

impl Override {
    /// Whether it holds no longer at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl<'s> Subject<'s> {
    /// What is known of a check: one that probes is named as its endpoint.
    pub fn of_check(check: &'s HealthCheck) -> Self {
        let id = check.id.as_str();
        let endpoint = matches!(check.kind, CheckKind::Endpoint(_)).then_some(id);
        Self { check: Some(id), endpoint, region: check.region.as_deref(), route: None }
    }
}

impl Pattern {
    /// Whether this is for `subject`.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let fact = match self.kind {
            TargetKind::Check => subject.check,
            TargetKind::Endpoint => subject.endpoint,
            TargetKind::Region => subject.region,
            TargetKind::Route => subject.route.map(without_final_dot),
        };
        fact.is_some_and(|fact| self.glob.matches(fact))
    }
}

/// `www.example.org.` and `www.example.org` are one name.
fn without_final_dot(name: &str) -> &str {
    match name.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest,
        _ => name,
    }
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Up, Self::Down, Self::Drain, Self::Freeze];

    /// The word used on the command line, in logs and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Drain => "drain",
            Self::Freeze => "freeze",
        }
    }
}

impl TargetKind {
    pub const ALL: [Self; 4] = [Self::Check, Self::Endpoint, Self::Region, Self::Route];

    /// The word before the pattern's colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Endpoint => "endpoint",
            Self::Region => "region",
            Self::Route => "route",
        }
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| UnknownAction(text.to_owned()))
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (kind, glob) = text.split_once(':').ok_or(InvalidPattern::NoKind)?;
        let known = TargetKind::ALL.into_iter().find(|known| known.as_str() == kind);
        let kind = known.ok_or_else(|| InvalidPattern::UnknownKind(kind.to_owned()))?;
        let glob = if kind == TargetKind::Route { without_final_dot(glob) } else { glob };
        Ok(Self { kind, glob: Glob::parse(glob).map_err(InvalidPattern::Glob)? })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.glob)
    }
}

/// `override 3: down check:fra by ops: moving racks`
impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, action, target, author, reason, .. } = self;
        write!(f, "override {id}: {action} {target} by {author}: {reason}")
    }
}

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no action; up, down, drain and freeze are accepted", self.0)
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ACCEPTED: &str = "check:NAME, endpoint:NAME, region:NAME and route:NAME are accepted";
        match self {
            Self::NoKind => write!(f, "does not say what it is for; {ACCEPTED}"),
            Self::UnknownKind(kind) => write!(f, "begins with {kind:?}; {ACCEPTED}"),
            Self::Glob(invalid) => write!(f, "has a pattern that {invalid}"),
        }
    }
}

impl fmt::Display for InvalidOverrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "there are {OVERRIDES_MAX} overrides, and no more are accepted: remove some"),
            Self::Disordered { id } => write!(f, "the override {id} is out of order"),
        }
    }
}

impl std::error::Error for UnknownAction {}
impl std::error::Error for InvalidPattern {}
impl std::error::Error for InvalidOverrides {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn new(action: Action, target: &str, expires_at: Option<i64>) -> NewOverride {
        NewOverride {
            action,
            target: target.parse().unwrap(),
            reason: Remark::new("because").unwrap(),
            author: Remark::new("ops").unwrap(),
            made_at: at(0),
            expires_at: expires_at.map(at),
        }
    }

    fn overrides(list: &[(Action, &str, Option<i64>)]) -> Overrides {
        let mut overrides = Overrides::default();
        for (action, target, expires_at) in list {
            overrides.add(new(*action, target, *expires_at)).unwrap();
        }
        overrides
    }

    const FRA: Subject<'_> = Subject {
        check: Some("fra-http"),
        endpoint: Some("fra"),
        region: Some("aws:eu-central-1"),
        route: Some("www.example.org."),
    };

    #[test]
    fn each_pattern_looks_at_the_fact_of_its_kind() {
        for (target, expected) in [
            ("check:fra-*", true),
            ("check:fra", false),
            ("endpoint:FRA", true),
            ("endpoint:fra-http", false),
            ("region:aws:eu-*", true),
            ("region:aws:us-*", false),
            ("route:www.example.org", true),
            ("route:WWW.example.org.", true),
            ("route:*.example.org", true),
            ("route:example.org", false),
        ] {
            let found = overrides(&[(Action::Down, target, None)]);
            assert_eq!(found.of(&FRA, at(1)).is_some(), expected, "{target}");
            assert_eq!(found.of(&Subject::default(), at(1)), None, "{target}");
        }
    }

    #[test]
    fn the_last_that_matches_wins_until_it_expires() {
        let known = overrides(&[
            (Action::Down, "endpoint:*", None),
            (Action::Up, "check:fra*", Some(10)),
            (Action::Drain, "check:iad", None),
        ]);
        let action = |now| known.of(&FRA, at(now)).map(|found| found.action);
        assert_eq!([9, 10, 11].map(action), [Some(Action::Up), Some(Action::Down), Some(Action::Down)]);
    }

    #[test]
    fn an_expiry_is_the_first_moment_without_it() {
        let mut known =
            overrides(&[(Action::Up, "check:a", Some(10)), (Action::Up, "check:b", Some(5)), (Action::Up, "check:c", None)]);
        assert_eq!(
            [0, 4, 5, 9, 10].map(|now| known.next_expiry(at(now))),
            [Some(5), Some(5), Some(10), Some(10), None].map(|s| s.map(at))
        );
        assert_eq!(known.expire(at(4)), []);
        assert_eq!(known.expire(at(5)).iter().map(|gone| gone.id).collect::<Vec<_>>(), [2]);
        assert_eq!(known.iter().map(|kept| kept.id).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn ids_are_never_given_twice_even_after_a_restart() {
        let mut known = overrides(&[(Action::Up, "check:a", None), (Action::Up, "check:b", None)]);
        assert_eq!(known.remove(2).map(|gone| gone.id), Some(2));
        assert_eq!(known.remove(2), None);
        let mut known = Overrides::restore(known.iter().cloned().collect(), known.next_id()).unwrap();
        assert_eq!(known.add(new(Action::Up, "check:c", None)).unwrap().id, 3);
        let list: Vec<_> = known.iter().cloned().collect();
        assert_eq!(Overrides::restore(list.clone(), 3), Err(InvalidOverrides::Disordered { id: 3 }));
        assert_eq!(Overrides::restore(list.into_iter().rev().collect(), 4), Err(InvalidOverrides::Disordered { id: 1 }));
    }

    #[test]
    fn a_thousand_are_enough() {
        let mut known = Overrides::default();
        for _ in 0..OVERRIDES_MAX {
            known.add(new(Action::Up, "check:a", None)).unwrap();
        }
        assert_eq!(known.add(new(Action::Up, "check:a", None)), Err(InvalidOverrides::Full));
        assert_eq!(known.next_id(), OVERRIDES_MAX as u64 + 1);
    }

    #[test]
    fn what_is_no_pattern_says_what_would_be() {
        for (text, words) in [
            ("fra", "does not say what it is for; check:NAME"),
            ("server:fra", "begins with \"server\"; check:NAME"),
            ("check:", "has a pattern that is empty"),
            ("check:[", "has a pattern that has a [ without"),
        ] {
            let message = text.parse::<Pattern>().unwrap_err().to_string();
            assert!(message.starts_with(words), "{text}: {message}");
        }
        for text in ["check:fra", "region:aws:eu-*", "route:*"] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
    }

    fn any_override() -> impl Strategy<Value = NewOverride> {
        let target =
            prop::sample::select(vec!["check:a", "check:b", "check:*", "endpoint:a", "endpoint:?", "region:a", "route:[ab]"]);
        let action = prop::sample::select(Action::ALL.to_vec());
        (action, target, prop::option::of(0i64..20)).prop_map(|(action, target, expires)| new(action, target, expires))
    }

    proptest! {
        #[test]
        fn what_holds_is_the_last_that_matches_and_has_not_expired(
            list in prop::collection::vec(any_override(), 0..12), removed in 0u64..12, now in 0i64..20, name in "[ab]",
        ) {
            let subject = Subject { check: Some(&name), endpoint: Some("a"), region: None, route: Some("b.") };
            let mut known = Overrides::default();
            for new in list {
                known.add(new).unwrap();
            }
            known.remove(removed);
            let expected = known.iter().filter(|one| one.expires_at.is_none_or(|end| now < end.as_second())).rfind(|one| one.target.matches(&subject));
            let found = known.of(&subject, at(now));
            prop_assert_eq!(found, expected);
            // Removing what has expired changes nothing, and nothing changes before the next expiry.
            let mut kept = known.clone();
            kept.expire(at(now));
            prop_assert_eq!(kept.of(&subject, at(now)), found);
            let until = known.next_expiry(at(now)).map_or(20, |end| end.as_second());
            prop_assert!((now..until).all(|later| known.of(&subject, at(later)) == found));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|(check|route|region|endpoint):[\\[\\]*?.a!-]{0,9}") {
            let _ = text.parse::<Pattern>();
            let _ = text.parse::<Action>();
        }
    }
}
