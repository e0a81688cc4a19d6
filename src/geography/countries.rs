//! The countries that geolocation routing can name: the continent that each lies on, and its middle.
//!
//! Route 53's table, not the geographer's: TR, CY and RU are in Europe; AM, AZ, GE and KZ in Asia; UM in Oceania; GS and TF
//! in Antarctica. It does not name BV, CX, EH and HM: they are not known here, and their clients have the continent that
//! the geo database gives. The middles place clients of whom only the country is known: for large countries where most
//! of the people are (RU), else about the centre.
//! Invariant: rows are sorted by code, without duplicates.
//! Sources: Route 53 developer guide, "Values specific for geolocation records"; middles from general knowledge.

use super::area::{Continent, Country};
use super::coordinates::Coordinates;

/// The continent of a country; none for one that Route 53 does not name.
pub fn continent_of(country: Country) -> Option<Continent> {
    find(country).map(|row| row.continent)
}

/// About the middle of a country.
pub fn coordinates_of(country: Country) -> Option<Coordinates> {
    find(country).map(|row| row.middle)
}

/// Whether a geolocation record can name the country.
pub fn is_known(country: Country) -> bool {
    find(country).is_some()
}

/// Every country of Route 53's geolocation, by code.
pub fn countries() -> impl Iterator<Item = Country> {
    COUNTRIES.iter().map(|row| row.country)
}

fn find(country: Country) -> Option<&'static Row> {
    COUNTRIES.binary_search_by_key(&country, |row| row.country).ok().map(|at| &COUNTRIES[at])
}

struct Row {
    country: Country,
    continent: Continent,
    middle: Coordinates,
}

const fn row(code: [u8; 2], continent: Continent, north: f64, east: f64) -> Row {
    Row { country: Country::constant(code), continent, middle: Coordinates::constant(north, east) }
}

const AF: Continent = Continent::ALL[0];
const AN: Continent = Continent::ALL[1];
const AS: Continent = Continent::ALL[2];
const EU: Continent = Continent::ALL[3];
const NA: Continent = Continent::ALL[4];
const OC: Continent = Continent::ALL[5];
const SA: Continent = Continent::ALL[6];

#[rustfmt::skip]
static COUNTRIES: &[Row] = &[
    row(*b"AD", EU, 42.5, 1.6),
    row(*b"AE", AS, 24.0, 54.0),
    row(*b"AF", AS, 33.9, 67.7),
    row(*b"AG", NA, 17.1, -61.8),
    row(*b"AI", NA, 18.2, -63.1),
    row(*b"AL", EU, 41.2, 20.2),
    row(*b"AM", AS, 40.1, 45.0),
    row(*b"AO", AF, -11.2, 17.9),
    row(*b"AQ", AN, -80.0, 0.0),
    row(*b"AR", SA, -38.4, -63.6),
    row(*b"AS", OC, -14.3, -170.1),
    row(*b"AT", EU, 47.5, 14.6),
    row(*b"AU", OC, -25.3, 133.8),
    row(*b"AW", NA, 12.5, -70.0),
    row(*b"AX", EU, 60.2, 20.0),
    row(*b"AZ", AS, 40.1, 47.6),
    row(*b"BA", EU, 43.9, 17.7),
    row(*b"BB", NA, 13.2, -59.5),
    row(*b"BD", AS, 23.7, 90.4),
    row(*b"BE", EU, 50.5, 4.5),
    row(*b"BF", AF, 12.2, -1.6),
    row(*b"BG", EU, 42.7, 25.5),
    row(*b"BH", AS, 26.0, 50.6),
    row(*b"BI", AF, -3.4, 29.9),
    row(*b"BJ", AF, 9.3, 2.3),
    row(*b"BL", NA, 17.9, -62.8),
    row(*b"BM", NA, 32.3, -64.8),
    row(*b"BN", AS, 4.5, 114.7),
    row(*b"BO", SA, -16.3, -63.6),
    row(*b"BQ", NA, 12.2, -68.3),
    row(*b"BR", SA, -14.2, -51.9),
    row(*b"BS", NA, 25.0, -77.4),
    row(*b"BT", AS, 27.5, 90.4),
    row(*b"BW", AF, -22.3, 24.7),
    row(*b"BY", EU, 53.7, 28.0),
    row(*b"BZ", NA, 17.2, -88.5),
    row(*b"CA", NA, 56.1, -106.3),
    row(*b"CC", AS, -12.2, 96.9),
    row(*b"CD", AF, -4.0, 21.8),
    row(*b"CF", AF, 6.6, 20.9),
    row(*b"CG", AF, -0.2, 15.8),
    row(*b"CH", EU, 46.8, 8.2),
    row(*b"CI", AF, 7.5, -5.5),
    row(*b"CK", OC, -21.2, -159.8),
    row(*b"CL", SA, -35.7, -71.5),
    row(*b"CM", AF, 7.4, 12.4),
    row(*b"CN", AS, 35.9, 104.2),
    row(*b"CO", SA, 4.6, -74.3),
    row(*b"CR", NA, 9.7, -83.8),
    row(*b"CU", NA, 21.5, -77.8),
    row(*b"CV", AF, 16.0, -24.0),
    row(*b"CW", NA, 12.2, -69.0),
    row(*b"CY", EU, 35.1, 33.4),
    row(*b"CZ", EU, 49.8, 15.5),
    row(*b"DE", EU, 51.2, 10.5),
    row(*b"DJ", AF, 11.8, 42.6),
    row(*b"DK", EU, 56.3, 9.5),
    row(*b"DM", NA, 15.4, -61.4),
    row(*b"DO", NA, 18.7, -70.2),
    row(*b"DZ", AF, 28.0, 1.7),
    row(*b"EC", SA, -1.8, -78.2),
    row(*b"EE", EU, 58.6, 25.0),
    row(*b"EG", AF, 26.8, 30.8),
    row(*b"ER", AF, 15.2, 39.8),
    row(*b"ES", EU, 40.5, -3.7),
    row(*b"ET", AF, 9.1, 40.5),
    row(*b"FI", EU, 61.9, 25.7),
    row(*b"FJ", OC, -17.8, 178.1),
    row(*b"FK", SA, -51.8, -59.5),
    row(*b"FM", OC, 7.4, 150.6),
    row(*b"FO", EU, 61.9, -6.9),
    row(*b"FR", EU, 46.2, 2.2),
    row(*b"GA", AF, -0.8, 11.6),
    row(*b"GB", EU, 54.0, -2.5),
    row(*b"GD", NA, 12.1, -61.7),
    row(*b"GE", AS, 42.3, 43.4),
    row(*b"GF", SA, 3.9, -53.1),
    row(*b"GG", EU, 49.5, -2.6),
    row(*b"GH", AF, 7.9, -1.0),
    row(*b"GI", EU, 36.1, -5.3),
    row(*b"GL", NA, 71.7, -42.6),
    row(*b"GM", AF, 13.4, -15.3),
    row(*b"GN", AF, 9.9, -9.7),
    row(*b"GP", NA, 16.2, -61.6),
    row(*b"GQ", AF, 1.7, 10.3),
    row(*b"GR", EU, 39.1, 21.8),
    row(*b"GS", AN, -54.4, -36.6),
    row(*b"GT", NA, 15.8, -90.2),
    row(*b"GU", OC, 13.4, 144.8),
    row(*b"GW", AF, 11.8, -15.2),
    row(*b"GY", SA, 4.9, -58.9),
    row(*b"HK", AS, 22.4, 114.1),
    row(*b"HN", NA, 15.2, -86.2),
    row(*b"HR", EU, 45.1, 15.2),
    row(*b"HT", NA, 19.0, -72.3),
    row(*b"HU", EU, 47.2, 19.5),
    row(*b"ID", AS, -0.8, 113.9),
    row(*b"IE", EU, 53.4, -8.2),
    row(*b"IL", AS, 31.0, 34.9),
    row(*b"IM", EU, 54.2, -4.5),
    row(*b"IN", AS, 20.6, 79.0),
    row(*b"IO", AS, -7.3, 72.4),
    row(*b"IQ", AS, 33.2, 43.7),
    row(*b"IR", AS, 32.4, 53.7),
    row(*b"IS", EU, 65.0, -19.0),
    row(*b"IT", EU, 41.9, 12.6),
    row(*b"JE", EU, 49.2, -2.1),
    row(*b"JM", NA, 18.1, -77.3),
    row(*b"JO", AS, 30.6, 36.2),
    row(*b"JP", AS, 36.2, 138.3),
    row(*b"KE", AF, 0.0, 37.9),
    row(*b"KG", AS, 41.2, 74.8),
    row(*b"KH", AS, 12.6, 105.0),
    row(*b"KI", OC, 1.4, 173.0),
    row(*b"KM", AF, -11.9, 43.9),
    row(*b"KN", NA, 17.3, -62.8),
    row(*b"KP", AS, 40.3, 127.5),
    row(*b"KR", AS, 35.9, 127.8),
    row(*b"KW", AS, 29.3, 47.5),
    row(*b"KY", NA, 19.5, -80.6),
    row(*b"KZ", AS, 48.0, 66.9),
    row(*b"LA", AS, 19.9, 102.5),
    row(*b"LB", AS, 33.9, 35.9),
    row(*b"LC", NA, 13.9, -61.0),
    row(*b"LI", EU, 47.2, 9.6),
    row(*b"LK", AS, 7.9, 80.8),
    row(*b"LR", AF, 6.4, -9.4),
    row(*b"LS", AF, -29.6, 28.2),
    row(*b"LT", EU, 55.2, 23.9),
    row(*b"LU", EU, 49.8, 6.1),
    row(*b"LV", EU, 56.9, 24.6),
    row(*b"LY", AF, 26.3, 17.2),
    row(*b"MA", AF, 31.8, -7.1),
    row(*b"MC", EU, 43.7, 7.4),
    row(*b"MD", EU, 47.4, 28.4),
    row(*b"ME", EU, 42.7, 19.4),
    row(*b"MF", NA, 18.1, -63.1),
    row(*b"MG", AF, -18.8, 46.9),
    row(*b"MH", OC, 7.1, 171.2),
    row(*b"MK", EU, 41.6, 21.7),
    row(*b"ML", AF, 17.6, -4.0),
    row(*b"MM", AS, 21.9, 96.0),
    row(*b"MN", AS, 46.9, 103.8),
    row(*b"MO", AS, 22.2, 113.5),
    row(*b"MP", OC, 15.2, 145.7),
    row(*b"MQ", NA, 14.6, -61.0),
    row(*b"MR", AF, 21.0, -10.9),
    row(*b"MS", NA, 16.7, -62.2),
    row(*b"MT", EU, 35.9, 14.4),
    row(*b"MU", AF, -20.3, 57.6),
    row(*b"MV", AS, 3.2, 73.2),
    row(*b"MW", AF, -13.3, 34.3),
    row(*b"MX", NA, 23.6, -102.6),
    row(*b"MY", AS, 4.2, 102.0),
    row(*b"MZ", AF, -18.7, 35.5),
    row(*b"NA", AF, -23.0, 18.5),
    row(*b"NC", OC, -20.9, 165.6),
    row(*b"NE", AF, 17.6, 8.1),
    row(*b"NF", OC, -29.0, 168.0),
    row(*b"NG", AF, 9.1, 8.7),
    row(*b"NI", NA, 12.9, -85.2),
    row(*b"NL", EU, 52.1, 5.3),
    row(*b"NO", EU, 60.5, 8.5),
    row(*b"NP", AS, 28.4, 84.1),
    row(*b"NR", OC, -0.5, 166.9),
    row(*b"NU", OC, -19.1, -169.9),
    row(*b"NZ", OC, -40.9, 174.9),
    row(*b"OM", AS, 21.5, 55.9),
    row(*b"PA", NA, 8.5, -80.8),
    row(*b"PE", SA, -9.2, -75.0),
    row(*b"PF", OC, -17.7, -149.4),
    row(*b"PG", OC, -6.3, 144.0),
    row(*b"PH", AS, 12.9, 121.8),
    row(*b"PK", AS, 30.4, 69.3),
    row(*b"PL", EU, 51.9, 19.1),
    row(*b"PM", NA, 46.9, -56.3),
    row(*b"PN", OC, -24.7, -127.4),
    row(*b"PR", NA, 18.2, -66.6),
    row(*b"PS", AS, 32.0, 35.2),
    row(*b"PT", EU, 39.4, -8.2),
    row(*b"PW", OC, 7.5, 134.6),
    row(*b"PY", SA, -23.4, -58.4),
    row(*b"QA", AS, 25.4, 51.2),
    row(*b"RE", AF, -21.1, 55.5),
    row(*b"RO", EU, 45.9, 25.0),
    row(*b"RS", EU, 44.0, 21.0),
    row(*b"RU", EU, 55.8, 50.0),
    row(*b"RW", AF, -1.9, 29.9),
    row(*b"SA", AS, 23.9, 45.1),
    row(*b"SB", OC, -9.6, 160.2),
    row(*b"SC", AF, -4.7, 55.5),
    row(*b"SD", AF, 12.9, 30.2),
    row(*b"SE", EU, 60.1, 18.6),
    row(*b"SG", AS, 1.4, 103.8),
    row(*b"SH", AF, -16.0, -5.7),
    row(*b"SI", EU, 46.2, 15.0),
    row(*b"SJ", EU, 77.6, 23.7),
    row(*b"SK", EU, 48.7, 19.7),
    row(*b"SL", AF, 8.5, -11.8),
    row(*b"SM", EU, 43.9, 12.5),
    row(*b"SN", AF, 14.5, -14.5),
    row(*b"SO", AF, 5.2, 46.2),
    row(*b"SR", SA, 3.9, -56.0),
    row(*b"SS", AF, 6.9, 31.3),
    row(*b"ST", AF, 0.2, 6.6),
    row(*b"SV", NA, 13.8, -88.9),
    row(*b"SX", NA, 18.0, -63.1),
    row(*b"SY", AS, 34.8, 39.0),
    row(*b"SZ", AF, -26.5, 31.5),
    row(*b"TC", NA, 21.7, -71.8),
    row(*b"TD", AF, 15.5, 18.7),
    row(*b"TF", AN, -49.3, 69.3),
    row(*b"TG", AF, 8.6, 0.8),
    row(*b"TH", AS, 15.9, 101.0),
    row(*b"TJ", AS, 38.9, 71.3),
    row(*b"TK", OC, -9.0, -171.9),
    row(*b"TL", OC, -8.9, 125.7),
    row(*b"TM", AS, 39.0, 59.6),
    row(*b"TN", AF, 33.9, 9.5),
    row(*b"TO", OC, -21.2, -175.2),
    row(*b"TR", EU, 39.0, 35.2),
    row(*b"TT", NA, 10.7, -61.2),
    row(*b"TV", OC, -8.5, 179.2),
    row(*b"TW", AS, 23.7, 121.0),
    row(*b"TZ", AF, -6.4, 34.9),
    row(*b"UA", EU, 48.4, 31.2),
    row(*b"UG", AF, 1.4, 32.3),
    row(*b"UM", OC, 19.3, 166.6),
    row(*b"US", NA, 39.8, -98.6),
    row(*b"UY", SA, -32.5, -55.8),
    row(*b"UZ", AS, 41.4, 64.6),
    row(*b"VA", EU, 41.9, 12.5),
    row(*b"VC", NA, 13.0, -61.3),
    row(*b"VE", SA, 6.4, -66.6),
    row(*b"VG", NA, 18.4, -64.6),
    row(*b"VI", NA, 18.3, -64.9),
    row(*b"VN", AS, 14.1, 108.3),
    row(*b"VU", OC, -15.4, 166.9),
    row(*b"WF", OC, -13.8, -177.2),
    row(*b"WS", OC, -13.8, -172.1),
    row(*b"XK", EU, 42.6, 20.9),
    row(*b"YE", AS, 15.6, 48.5),
    row(*b"YT", AF, -12.8, 45.2),
    row(*b"ZA", AF, -30.6, 22.9),
    row(*b"ZM", AF, -13.1, 27.8),
    row(*b"ZW", AF, -19.0, 29.2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_route_53_says() {
        assert!(COUNTRIES.is_sorted_by(|one, next| one.country < next.country));
        assert_eq!(countries().count(), 246);
        let continent = |code: &str| continent_of(code.parse().expect("a country")).map(|continent| continent.to_string());
        for (continents, expected) in
            [("TR CY RU DE XK", "EU"), ("AM AZ GE KZ AF", "AS"), ("UM AS GU", "OC"), ("GS TF AQ", "AN"), ("PR GL", "NA")]
        {
            for code in continents.split(' ') {
                assert_eq!(continent(code).as_deref(), Some(expected), "{code}");
            }
        }
        for code in ["BV", "CX", "EH", "HM", "ZZ"] {
            assert_eq!(continent(code), None, "{code}");
        }
    }

    #[test]
    fn each_middle_is_nearer_to_its_continent_than_to_the_far_side_of_earth() {
        // Sanity against a slip of a sign: no country lies farther than this from the middle of some other of its continent.
        for row in COUNTRIES.iter().filter(|row| row.continent != AN) {
            let others = COUNTRIES.iter().filter(|other| other.continent == row.continent && other.country != row.country);
            let nearest = others.map(|other| row.middle.distance_km(other.middle)).fold(f64::INFINITY, f64::min);
            assert!(nearest < 3_000.0, "{} is {nearest} km from its nearest neighbour", row.country);
        }
    }
}
