//! Where an endpoint stands, as latency and geoproximity routing take it.
//!
//! Invariant: a region's name has a provider, `aws:` where none was written; a bias is within Route 53's -99 to 99.
//! Source: Route 53 API reference, `ResourceRecordSet` (`Region`) and `GeoProximityLocation`.

use std::fmt;
use std::sync::Arc;

use super::coordinates::Coordinates;

/// A region of a cloud, or one that the operator names: `aws:eu-central-1`, `gcp:europe-west3`, `home:berlin`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(Arc<str>);

/// Where an endpoint stands. What is none cannot be used: without a region no latency is known, without
/// coordinates no distance.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    pub region: Option<RegionName>,
    pub coordinates: Option<Coordinates>,
}

/// How much nearer (above 0) or farther (below 0) a site counts than it is, in percent; within -99 to 99.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bias(i8);

/// A name that no region can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRegion {
    pub found: String,
}

impl RegionName {
    /// Reads a region's name; one without a provider is Amazon's, as in Route 53.
    ///
    /// # Errors
    /// [`InvalidRegion`] unless it is letters, digits, `-`, `_` and `.`, perhaps behind a provider and a colon.
    pub fn parse(found: &str) -> Result<Self, InvalidRegion> {
        let (provider, region) = found.split_once(':').unwrap_or(("aws", found));
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet));
        if !is_word(provider) || !is_word(region) {
            return Err(InvalidRegion { found: found.to_owned() });
        }
        Ok(Self(format!("{provider}:{region}").to_ascii_lowercase().into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Bias {
    /// None outside -99 to 99.
    pub fn new(percent: i64) -> Option<Self> {
        i8::try_from(percent).ok().filter(|percent| (-99..=99).contains(percent)).map(Self)
    }

    pub fn percent(self) -> i8 {
        self.0
    }

    /// The distance as it counts (Route 53 developer guide, "Geoproximity routing"): 150 km with a bias of 50 are 75 km.
    pub fn biased(self, distance_km: f64) -> f64 {
        let share = f64::from(self.0) / 100.0;
        if share > 0.0 { distance_km * (1.0 - share) } else { distance_km / (1.0 + share) }
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name of a region", self.found)
    }
}

impl std::error::Error for InvalidRegion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_without_a_provider_is_amazons() {
        assert_eq!(RegionName::parse("eu-central-1").expect("a region").as_str(), "aws:eu-central-1");
        assert_eq!(RegionName::parse("GCP:Europe-West3").expect("a region").as_str(), "gcp:europe-west3");
        for found in ["", "aws:", ":eu", "a b", "aws:eu:1", "é"] {
            assert!(RegionName::parse(found).is_err(), "{found}");
        }
    }

    #[test]
    fn a_bias_moves_a_site_as_route_53s_example_has_it() {
        let biased = |percent, km| Bias::new(percent).expect("within the range").biased(km);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        near(biased(50, 150.0), 75.0);
        near(biased(0, 100.0), 100.0);
        near(biased(-50, 100.0), 200.0);
        near(biased(-99, 100.0), 10_000.0);
        near(biased(99, 100.0), 1.0);
        assert_eq!(Bias::new(100), None);
        assert_eq!(Bias::new(-100), None);
    }
}
