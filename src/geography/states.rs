//! The states of the US and their codes: geo databases write some of them out.
//!
//! Route 53's geolocation knows subdivisions of the US only; its territories (PR, GU, VI, AS, MP, UM) are countries.
//! Invariant: rows are sorted by name, without duplicates. Source: USPS Publication 28, appendix B.

use super::area::Subdivision;

/// The state of this English name.
pub fn state_named(name: &str) -> Option<Subdivision> {
    let at = STATES.binary_search_by_key(&name, |(state, _)| state).ok()?;
    Some(STATES[at].1.parse().expect("the table holds codes of two letters"))
}

/// Whether geolocation can name this state of the US.
pub fn is_state(code: Subdivision) -> bool {
    STATES.iter().any(|(_, state)| *state == code.as_str())
}

#[rustfmt::skip]
static STATES: &[(&str, &str)] = &[
    ("Alabama", "AL"),
    ("Alaska", "AK"),
    ("Arizona", "AZ"),
    ("Arkansas", "AR"),
    ("California", "CA"),
    ("Colorado", "CO"),
    ("Connecticut", "CT"),
    ("Delaware", "DE"),
    ("District of Columbia", "DC"),
    ("Florida", "FL"),
    ("Georgia", "GA"),
    ("Hawaii", "HI"),
    ("Idaho", "ID"),
    ("Illinois", "IL"),
    ("Indiana", "IN"),
    ("Iowa", "IA"),
    ("Kansas", "KS"),
    ("Kentucky", "KY"),
    ("Louisiana", "LA"),
    ("Maine", "ME"),
    ("Maryland", "MD"),
    ("Massachusetts", "MA"),
    ("Michigan", "MI"),
    ("Minnesota", "MN"),
    ("Mississippi", "MS"),
    ("Missouri", "MO"),
    ("Montana", "MT"),
    ("Nebraska", "NE"),
    ("Nevada", "NV"),
    ("New Hampshire", "NH"),
    ("New Jersey", "NJ"),
    ("New Mexico", "NM"),
    ("New York", "NY"),
    ("North Carolina", "NC"),
    ("North Dakota", "ND"),
    ("Ohio", "OH"),
    ("Oklahoma", "OK"),
    ("Oregon", "OR"),
    ("Pennsylvania", "PA"),
    ("Rhode Island", "RI"),
    ("South Carolina", "SC"),
    ("South Dakota", "SD"),
    ("Tennessee", "TN"),
    ("Texas", "TX"),
    ("Utah", "UT"),
    ("Vermont", "VT"),
    ("Virginia", "VA"),
    ("Washington", "WA"),
    ("West Virginia", "WV"),
    ("Wisconsin", "WI"),
    ("Wyoming", "WY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_by_its_name_and_nothing_else_is() {
        assert!(STATES.is_sorted());
        assert_eq!(STATES.len(), 51);
        for (name, code) in STATES {
            let state = state_named(name).expect("in the table");
            assert_eq!(state.as_str(), *code);
            assert!(is_state(state));
        }
        assert_eq!(state_named("Puerto Rico"), None);
        assert_eq!(state_named("california"), None);
    }
}
