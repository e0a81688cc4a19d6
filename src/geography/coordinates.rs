//! Places on Earth, and how far they are from each other.
//!
//! The Earth is a sphere here: off by at most 0.6 %, which no routing decision notices. Invariant: coordinates that
//! exist are on Earth. Source: the haversine formula (Sinnott 1984), which keeps its precision for near places.

use std::fmt;

/// A place, in ten-thousandths of a degree (11 m), as geo databases have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    north: i32,
    east: i32,
}

/// Parts of a degree that coordinates count in.
const PER_DEGREE: f64 = 10_000.0;
/// The Earth's mean radius (IUGG), in kilometres.
const RADIUS_KM: f64 = 6_371.008_8;

impl Coordinates {
    /// Degrees north (-90 to 90) and east (-180 to 180); none outside these ranges.
    pub fn new(north: f64, east: f64) -> Option<Self> {
        let is_on_earth = north.abs() <= 90.0 && east.abs() <= 180.0;
        is_on_earth.then(|| Self::constant(north, east))
    }

    /// Coordinates known to be right, for tables.
    pub(super) const fn constant(north: f64, east: f64) -> Self {
        Self { north: rounded(north * PER_DEGREE), east: rounded(east * PER_DEGREE) }
    }

    /// Degrees north.
    pub fn north(self) -> f64 {
        f64::from(self.north) / PER_DEGREE
    }

    /// Degrees east.
    pub fn east(self) -> f64 {
        f64::from(self.east) / PER_DEGREE
    }

    /// The great-circle distance, in kilometres.
    pub fn distance_km(self, other: Self) -> f64 {
        let (here, there) = (self.north().to_radians(), other.north().to_radians());
        let north = (there - here) / 2.0;
        let east = (other.east() - self.east()).to_radians() / 2.0;
        let haversine = north.sin().powi(2) + here.cos() * there.cos() * east.sin().powi(2);
        2.0 * RADIUS_KM * haversine.sqrt().min(1.0).asin()
    }
}

const fn rounded(number: f64) -> i32 {
    (if number < 0.0 { number - 0.5 } else { number + 0.5 }) as i32
}

/// `50.11, 8.68`: degrees north and east.
impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.north(), self.east())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn km(from: (f64, f64), to: (f64, f64)) -> f64 {
        let place = |(north, east)| Coordinates::new(north, east).expect("on Earth");
        place(from).distance_km(place(to))
    }

    #[test]
    fn distances_are_right_across_the_antimeridian_and_the_poles() {
        let degree = 2.0 * std::f64::consts::PI * RADIUS_KM / 360.0;
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
        near(km((0.0, 179.5), (0.0, -179.5)), degree);
        near(km((89.5, 0.0), (89.5, 180.0)), degree);
        near(km((-90.0, 17.0), (90.0, -40.0)), 180.0 * degree);
        near(km((0.0, 0.0), (0.0, 180.0)), 180.0 * degree);
        near(km((0.0, 180.0), (0.0, -180.0)), 0.0);
        near(km((50.0, 8.0), (50.0, 8.0)), 0.0);
        // Frankfurt to New York is about 6,200 km.
        assert!((km((50.11, 8.68), (40.71, -74.01)) - 6_200.0).abs() < 50.0);
    }

    #[test]
    fn what_is_not_on_earth_does_not_exist() {
        assert_eq!(Coordinates::new(90.01, 0.0), None);
        assert_eq!(Coordinates::new(0.0, 180.1), None);
        assert_eq!(Coordinates::new(f64::NAN, 0.0), None);
        assert_eq!(Coordinates::new(-33.86, 151.21).expect("Sydney").to_string(), "-33.86, 151.21");
    }
}
