//! The regions of AWS, Google Cloud and Azure: where each stands.
//!
//! Providers publish a city at best, so these are about there; no routing decision needs more. What is not here
//! an operator names with coordinates of their own. Isolated regions (`us-iso*`) are left out: nobody says where they are.
//! Invariant: rows are sorted by name, without duplicates; regions of the US have their state.
//! Sources: Route 53 API reference, `ResourceRecordSetRegion`; Google Cloud, "Regions and zones"; Azure, "Regions".

use super::area::{Area, Country, Subdivision};
use super::coordinates::Coordinates;
use super::site::RegionName;

/// One region of a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// With its provider, as `aws:eu-central-1`.
    pub name: &'static str,
    pub coordinates: Coordinates,
    /// The country it stands in; in the US, the state.
    pub place: Area,
}

/// The region of this name, if it is built in.
pub fn region(name: &RegionName) -> Option<&'static Region> {
    REGIONS.binary_search_by_key(&name.as_str(), |region| region.name).ok().map(|at| &REGIONS[at])
}

/// Every region that is built in, by name.
pub fn regions() -> &'static [Region] {
    REGIONS
}

const fn region_of(name: &'static str, north: f64, east: f64, place: Area) -> Region {
    Region { name, coordinates: Coordinates::constant(north, east), place }
}

const fn country(code: [u8; 2]) -> Area {
    Area::Country(Country::constant(code))
}

/// A state of the US.
const fn state(code: [u8; 2]) -> Area {
    Area::Subdivision(Country::constant(*b"US"), Subdivision::constant(code))
}

#[rustfmt::skip]
static REGIONS: &[Region] = &[
    region_of("aws:af-south-1", -33.9, 18.4, country(*b"ZA")),
    region_of("aws:ap-east-1", 22.3, 114.2, country(*b"HK")),
    region_of("aws:ap-east-2", 25.0, 121.5, country(*b"TW")),
    region_of("aws:ap-northeast-1", 35.7, 139.7, country(*b"JP")),
    region_of("aws:ap-northeast-2", 37.6, 127.0, country(*b"KR")),
    region_of("aws:ap-northeast-3", 34.7, 135.5, country(*b"JP")),
    region_of("aws:ap-south-1", 19.1, 72.9, country(*b"IN")),
    region_of("aws:ap-south-2", 17.4, 78.5, country(*b"IN")),
    region_of("aws:ap-southeast-1", 1.35, 103.8, country(*b"SG")),
    region_of("aws:ap-southeast-2", -33.9, 151.2, country(*b"AU")),
    region_of("aws:ap-southeast-3", -6.2, 106.8, country(*b"ID")),
    region_of("aws:ap-southeast-4", -37.8, 145.0, country(*b"AU")),
    region_of("aws:ap-southeast-5", 3.1, 101.7, country(*b"MY")),
    region_of("aws:ap-southeast-6", -36.8, 174.8, country(*b"NZ")),
    region_of("aws:ap-southeast-7", 13.8, 100.5, country(*b"TH")),
    region_of("aws:ca-central-1", 45.5, -73.6, country(*b"CA")),
    region_of("aws:ca-west-1", 51.0, -114.1, country(*b"CA")),
    region_of("aws:cn-north-1", 39.9, 116.4, country(*b"CN")),
    region_of("aws:cn-northwest-1", 37.5, 105.2, country(*b"CN")),
    region_of("aws:eu-central-1", 50.1, 8.7, country(*b"DE")),
    region_of("aws:eu-central-2", 47.4, 8.5, country(*b"CH")),
    region_of("aws:eu-north-1", 59.3, 18.1, country(*b"SE")),
    region_of("aws:eu-south-1", 45.5, 9.2, country(*b"IT")),
    region_of("aws:eu-south-2", 41.6, -0.9, country(*b"ES")),
    region_of("aws:eu-west-1", 53.3, -6.3, country(*b"IE")),
    region_of("aws:eu-west-2", 51.5, -0.1, country(*b"GB")),
    region_of("aws:eu-west-3", 48.9, 2.4, country(*b"FR")),
    region_of("aws:eusc-de-east-1", 52.4, 13.1, country(*b"DE")),
    region_of("aws:il-central-1", 32.1, 34.8, country(*b"IL")),
    region_of("aws:me-central-1", 25.2, 55.3, country(*b"AE")),
    region_of("aws:me-south-1", 26.1, 50.6, country(*b"BH")),
    region_of("aws:mx-central-1", 20.6, -100.4, country(*b"MX")),
    region_of("aws:sa-east-1", -23.5, -46.6, country(*b"BR")),
    region_of("aws:us-east-1", 38.95, -77.45, state(*b"VA")),
    region_of("aws:us-east-2", 40.0, -83.0, state(*b"OH")),
    region_of("aws:us-gov-east-1", 40.0, -83.0, state(*b"OH")),
    region_of("aws:us-gov-west-1", 45.5, -122.7, state(*b"OR")),
    region_of("aws:us-west-1", 37.4, -121.9, state(*b"CA")),
    region_of("aws:us-west-2", 45.8, -119.7, state(*b"OR")),
    region_of("azure:australiacentral", -35.3, 149.1, country(*b"AU")),
    region_of("azure:australiacentral2", -35.3, 149.1, country(*b"AU")),
    region_of("azure:australiaeast", -33.9, 151.2, country(*b"AU")),
    region_of("azure:australiasoutheast", -37.8, 145.0, country(*b"AU")),
    region_of("azure:austriaeast", 48.2, 16.4, country(*b"AT")),
    region_of("azure:belgiumcentral", 50.8, 4.4, country(*b"BE")),
    region_of("azure:brazilsouth", -23.5, -46.6, country(*b"BR")),
    region_of("azure:brazilsoutheast", -22.9, -43.2, country(*b"BR")),
    region_of("azure:canadacentral", 43.7, -79.4, country(*b"CA")),
    region_of("azure:canadaeast", 46.8, -71.2, country(*b"CA")),
    region_of("azure:centralindia", 18.5, 73.9, country(*b"IN")),
    region_of("azure:centralus", 41.6, -93.6, state(*b"IA")),
    region_of("azure:chilecentral", -33.4, -70.7, country(*b"CL")),
    region_of("azure:chinaeast", 31.2, 121.5, country(*b"CN")),
    region_of("azure:chinaeast2", 31.2, 121.5, country(*b"CN")),
    region_of("azure:chinaeast3", 31.2, 121.5, country(*b"CN")),
    region_of("azure:chinanorth", 39.9, 116.4, country(*b"CN")),
    region_of("azure:chinanorth2", 39.9, 116.4, country(*b"CN")),
    region_of("azure:chinanorth3", 40.8, 114.9, country(*b"CN")),
    region_of("azure:denmarkeast", 55.7, 12.6, country(*b"DK")),
    region_of("azure:eastasia", 22.3, 114.2, country(*b"HK")),
    region_of("azure:eastus", 37.4, -79.8, state(*b"VA")),
    region_of("azure:eastus2", 36.7, -78.4, state(*b"VA")),
    region_of("azure:francecentral", 48.9, 2.4, country(*b"FR")),
    region_of("azure:francesouth", 43.3, 5.4, country(*b"FR")),
    region_of("azure:germanynorth", 52.5, 13.4, country(*b"DE")),
    region_of("azure:germanywestcentral", 50.1, 8.7, country(*b"DE")),
    region_of("azure:indonesiacentral", -6.2, 106.8, country(*b"ID")),
    region_of("azure:israelcentral", 32.1, 34.8, country(*b"IL")),
    region_of("azure:italynorth", 45.5, 9.2, country(*b"IT")),
    region_of("azure:japaneast", 35.7, 139.7, country(*b"JP")),
    region_of("azure:japanwest", 34.7, 135.5, country(*b"JP")),
    region_of("azure:jioindiacentral", 21.1, 79.1, country(*b"IN")),
    region_of("azure:jioindiawest", 22.5, 70.1, country(*b"IN")),
    region_of("azure:koreacentral", 37.6, 127.0, country(*b"KR")),
    region_of("azure:koreasouth", 35.2, 129.1, country(*b"KR")),
    region_of("azure:malaysiawest", 3.1, 101.7, country(*b"MY")),
    region_of("azure:mexicocentral", 20.6, -100.4, country(*b"MX")),
    region_of("azure:newzealandnorth", -36.8, 174.8, country(*b"NZ")),
    region_of("azure:northcentralus", 41.9, -87.6, state(*b"IL")),
    region_of("azure:northeurope", 53.3, -6.3, country(*b"IE")),
    region_of("azure:norwayeast", 59.9, 10.8, country(*b"NO")),
    region_of("azure:norwaywest", 59.0, 5.7, country(*b"NO")),
    region_of("azure:polandcentral", 52.2, 21.0, country(*b"PL")),
    region_of("azure:qatarcentral", 25.3, 51.5, country(*b"QA")),
    region_of("azure:southafricanorth", -26.2, 28.0, country(*b"ZA")),
    region_of("azure:southafricawest", -33.9, 18.4, country(*b"ZA")),
    region_of("azure:southcentralus", 29.4, -98.5, state(*b"TX")),
    region_of("azure:southeastasia", 1.35, 103.8, country(*b"SG")),
    region_of("azure:southindia", 13.0, 80.2, country(*b"IN")),
    region_of("azure:spaincentral", 40.4, -3.7, country(*b"ES")),
    region_of("azure:swedencentral", 60.7, 17.1, country(*b"SE")),
    region_of("azure:swedensouth", 55.6, 13.0, country(*b"SE")),
    region_of("azure:switzerlandnorth", 47.4, 8.5, country(*b"CH")),
    region_of("azure:switzerlandwest", 46.2, 6.1, country(*b"CH")),
    region_of("azure:taiwannorth", 25.0, 121.5, country(*b"TW")),
    region_of("azure:taiwannorthwest", 25.0, 121.5, country(*b"TW")),
    region_of("azure:uaecentral", 24.5, 54.4, country(*b"AE")),
    region_of("azure:uaenorth", 25.3, 55.3, country(*b"AE")),
    region_of("azure:uksouth", 51.5, -0.1, country(*b"GB")),
    region_of("azure:ukwest", 51.5, -3.2, country(*b"GB")),
    region_of("azure:usdodcentral", 41.6, -93.6, state(*b"IA")),
    region_of("azure:usdodeast", 36.7, -78.4, state(*b"VA")),
    region_of("azure:usgovarizona", 33.4, -112.1, state(*b"AZ")),
    region_of("azure:usgovtexas", 29.4, -98.5, state(*b"TX")),
    region_of("azure:usgovvirginia", 36.7, -78.4, state(*b"VA")),
    region_of("azure:westcentralus", 41.1, -104.8, state(*b"WY")),
    region_of("azure:westeurope", 52.4, 4.9, country(*b"NL")),
    region_of("azure:westindia", 19.1, 72.9, country(*b"IN")),
    region_of("azure:westus", 37.8, -122.4, state(*b"CA")),
    region_of("azure:westus2", 47.2, -119.9, state(*b"WA")),
    region_of("azure:westus3", 33.4, -112.1, state(*b"AZ")),
    region_of("gcp:africa-south1", -26.2, 28.0, country(*b"ZA")),
    region_of("gcp:asia-east1", 24.05, 120.52, country(*b"TW")),
    region_of("gcp:asia-east2", 22.3, 114.2, country(*b"HK")),
    region_of("gcp:asia-northeast1", 35.7, 139.7, country(*b"JP")),
    region_of("gcp:asia-northeast2", 34.7, 135.5, country(*b"JP")),
    region_of("gcp:asia-northeast3", 37.6, 127.0, country(*b"KR")),
    region_of("gcp:asia-south1", 19.1, 72.9, country(*b"IN")),
    region_of("gcp:asia-south2", 28.6, 77.2, country(*b"IN")),
    region_of("gcp:asia-southeast1", 1.35, 103.7, country(*b"SG")),
    region_of("gcp:asia-southeast2", -6.2, 106.8, country(*b"ID")),
    region_of("gcp:asia-southeast3", 13.8, 100.5, country(*b"TH")),
    region_of("gcp:australia-southeast1", -33.9, 151.2, country(*b"AU")),
    region_of("gcp:australia-southeast2", -37.8, 145.0, country(*b"AU")),
    region_of("gcp:europe-central2", 52.2, 21.0, country(*b"PL")),
    region_of("gcp:europe-north1", 60.57, 27.2, country(*b"FI")),
    region_of("gcp:europe-north2", 59.3, 18.1, country(*b"SE")),
    region_of("gcp:europe-southwest1", 40.4, -3.7, country(*b"ES")),
    region_of("gcp:europe-west1", 50.45, 3.82, country(*b"BE")),
    region_of("gcp:europe-west10", 52.5, 13.4, country(*b"DE")),
    region_of("gcp:europe-west12", 45.1, 7.7, country(*b"IT")),
    region_of("gcp:europe-west2", 51.5, -0.1, country(*b"GB")),
    region_of("gcp:europe-west3", 50.1, 8.7, country(*b"DE")),
    region_of("gcp:europe-west4", 53.43, 6.83, country(*b"NL")),
    region_of("gcp:europe-west6", 47.4, 8.5, country(*b"CH")),
    region_of("gcp:europe-west8", 45.5, 9.2, country(*b"IT")),
    region_of("gcp:europe-west9", 48.9, 2.4, country(*b"FR")),
    region_of("gcp:me-central1", 25.3, 51.5, country(*b"QA")),
    region_of("gcp:me-central2", 26.4, 50.1, country(*b"SA")),
    region_of("gcp:me-west1", 32.1, 34.8, country(*b"IL")),
    region_of("gcp:northamerica-northeast1", 45.5, -73.6, country(*b"CA")),
    region_of("gcp:northamerica-northeast2", 43.7, -79.4, country(*b"CA")),
    region_of("gcp:northamerica-south1", 20.6, -100.4, country(*b"MX")),
    region_of("gcp:southamerica-east1", -23.5, -46.8, country(*b"BR")),
    region_of("gcp:southamerica-west1", -33.4, -70.7, country(*b"CL")),
    region_of("gcp:us-central1", 41.26, -95.86, state(*b"IA")),
    region_of("gcp:us-east1", 33.2, -80.01, state(*b"SC")),
    region_of("gcp:us-east4", 39.0, -77.5, state(*b"VA")),
    region_of("gcp:us-east5", 40.0, -83.0, state(*b"OH")),
    region_of("gcp:us-south1", 32.8, -96.8, state(*b"TX")),
    region_of("gcp:us-west1", 45.6, -121.18, state(*b"OR")),
    region_of("gcp:us-west2", 34.05, -118.2, state(*b"CA")),
    region_of("gcp:us-west3", 40.8, -111.9, state(*b"UT")),
    region_of("gcp:us-west4", 36.2, -115.1, state(*b"NV")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geography::countries;
    use crate::geography::states::is_state;

    /// Where the regions of a country may be: this far from its middle.
    const LARGE: &[&str] = &["AU", "BR", "CA", "CN", "IN", "US", "ZA"];
    const LARGE_KM: f64 = 2_900.0;
    const OTHER_KM: f64 = 1_000.0;

    #[test]
    fn regions_are_found_by_name_and_stand_where_they_say() {
        assert!(REGIONS.is_sorted_by(|one, next| one.name < next.name));
        for found in regions() {
            assert_eq!(region(&RegionName::parse(found.name).expect("a name")), Some(found));
            let country = match found.place {
                Area::Country(country) => country,
                Area::Subdivision(country, state) => {
                    assert!(is_state(state), "{}", found.name);
                    country
                }
                other => panic!("{}: {other} is no place of a region", found.name),
            };
            let middle = countries::coordinates_of(country).expect("a country of the table");
            let far = if LARGE.contains(&country.as_str()) { LARGE_KM } else { OTHER_KM };
            let km = found.coordinates.distance_km(middle);
            assert!(km < far, "{}: {km} km from the middle of {country}", found.name);
        }
        assert_eq!(region(&RegionName::parse("aws:eu-central-9").expect("a name")), None);
    }

    #[test]
    fn regions_of_one_city_stand_together() {
        let at = |name: &str| region(&RegionName::parse(name).expect("a name")).expect("built in").coordinates;
        for (one, other) in [
            ("aws:eu-central-1", "gcp:europe-west3"),
            ("aws:eu-central-1", "azure:germanywestcentral"),
            ("aws:ap-southeast-2", "azure:australiaeast"),
            ("aws:us-east-2", "gcp:us-east5"),
            ("aws:sa-east-1", "gcp:southamerica-east1"),
        ] {
            assert!(at(one).distance_km(at(other)) < 50.0, "{one} {other}");
        }
    }
}
