//! Client maps against plain evaluation of the rules: orders, scopes, explanations.
//!
//! The world is small on purpose: everything is decided by the first [`BITS`] bits of an address (in IPv6 by those behind
//! 2001), so that every client that can be told from another is tried, with every number of bits known of it.
//! Sources: Route 53 developer guide, "Choosing a routing policy"; RFC 7871 §7.2.1.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use proptest::prelude::*;
use waypost::geography::area::{Area, Continent, Country, Subdivision};
use waypost::geography::coordinates::Coordinates;
use waypost::geography::countries::{continent_of, coordinates_of};
use waypost::geography::regions::regions;
use waypost::geography::site::{Bias, RegionName, Site};
use waypost::ids::{CollectionId, LocationName};
use waypost::places::Places;
use waypost::places::cidr::CidrCollection;
use waypost::places::client::{Client, ClientSource};
use waypost::places::database::Database;
use waypost::places::latency::LatencyTable;
use waypost::places::map::{ClientMap, Reason, Standing, explain};
use waypost::places::rules::Rules;
use waypost::text::Text;

#[path = "support/mmdb.rs"]
mod mmdb;

use mmdb::Place;

/// Bits that tell clients apart.
const BITS: u8 = 10;
const SLOTS: u16 = 1 << BITS;

/// What there is in the world, as it was written.
#[derive(Clone, Debug)]
struct World {
    networks: Vec<(IpNet, Place)>,
    rows: Vec<(IpNet, &'static str, u32)>,
    blocks: Vec<(IpNet, &'static str)>,
}

const PLACES: [Place; 6] = [
    Place { continent: Some("NA"), country: Some("US"), subdivision: Some("CA"), coordinates: Some((37.4, -122.1)), city: None },
    Place { continent: Some("NA"), country: Some("US"), subdivision: None, coordinates: Some((39.8, -98.6)), city: None },
    Place { continent: Some("EU"), country: Some("DE"), subdivision: None, coordinates: Some((50.1, 8.7)), city: None },
    Place { continent: Some("AS"), country: Some("JP"), subdivision: None, coordinates: Some((35.7, 139.7)), city: None },
    Place { continent: Some("EU"), country: Some("FR"), subdivision: None, coordinates: None, city: None },
    Place { continent: Some("AF"), country: None, subdivision: None, coordinates: None, city: None },
];
const REGIONS: [&str; 5] = ["aws:eu-central-1", "aws:us-east-1", "gcp:asia-northeast1", "azure:westeurope", "home:berlin"];
const LOCATIONS: [&str; 3] = ["fra", "iad", "nrt"];

fn address(slot: u16, wide: bool) -> IpAddr {
    if wide {
        IpAddr::V6([0x2001, slot << (16 - BITS), 0, 0, 0, 0, 0, 0].into())
    } else {
        IpAddr::V4((u32::from(slot) << (32 - BITS)).into())
    }
}

/// Bits that stand before those that tell clients apart.
fn base(wide: bool) -> u8 {
    if wide { 16 } else { 0 }
}

fn client(slot: u16, wide: bool, known: u8) -> Client {
    let network = IpNet::new(address(slot, wide), base(wide) + known).unwrap().trunc();
    Client { address: network.addr(), prefix_len: network.prefix_len(), source: ClientSource::Subnet }
}

fn network() -> impl Strategy<Value = IpNet> {
    (0..SLOTS, any::<bool>(), 1..=BITS)
        .prop_map(|(slot, wide, len)| IpNet::new(address(slot, wide), base(wide) + len).unwrap().trunc())
}

/// Each network once.
fn each<V: Clone + std::fmt::Debug>(value: impl Strategy<Value = V>, max: usize) -> impl Strategy<Value = Vec<(IpNet, V)>> {
    proptest::collection::btree_map(network(), value, 0..max).prop_map(|map| map.into_iter().collect())
}

fn world() -> impl Strategy<Value = World> {
    let networks = each(prop::sample::select(&PLACES[..]), 300);
    let rows = each(proptest::collection::btree_map(prop::sample::select(&REGIONS[..]), 0u32..200, 1..3), 20);
    let blocks = each(prop::sample::select(&LOCATIONS[..]), 40);
    (networks, rows, blocks).prop_map(|(networks, rows, blocks)| {
        let rows = rows.into_iter().flat_map(|(network, rows)| rows.into_iter().map(move |(region, ms)| (network, region, ms)));
        World { networks, rows: rows.collect(), blocks }
    })
}

impl World {
    fn places(&self) -> Places {
        let database = Database::read(mmdb::write_with(mmdb::Layout::default(), &self.networks)).ok();
        let lines: String = self.rows.iter().map(|(network, region, ms)| format!("{network},{region},{ms}\n")).collect();
        let (latency, problems) = LatencyTable::read(&Text::new("latency.csv".into(), lines));
        assert!(problems.is_empty(), "{problems}");
        Places { database: database.map(Arc::new), latency: latency.map(Arc::new), margin_micros: 0 }
    }

    fn collection(&self) -> Arc<CidrCollection> {
        let blocks = self.blocks.iter().map(|(block, name)| (*block, location(name)));
        Arc::new(CidrCollection::new(blocks).expect("the blocks are valid"))
    }

    fn place(&self, address: IpAddr) -> Option<&Place> {
        longest(self.networks.iter().map(|(network, place)| (network, place)), address).map(|(_, place)| place)
    }
}

fn longest<'n, V>(networks: impl Iterator<Item = (&'n IpNet, V)>, address: IpAddr) -> Option<(&'n IpNet, V)> {
    networks.filter(|(network, _)| network.contains(&address)).max_by_key(|(network, _)| network.prefix_len())
}

fn location(name: &str) -> LocationName {
    LocationName::new(name).unwrap()
}

/// What a group may be, before it has a world.
#[derive(Clone, Debug)]
enum Wanted {
    Geolocation(Vec<Area>),
    Latency(Vec<Site>),
    Geoproximity(Vec<(Coordinates, Bias)>),
    IpBased(Vec<Option<&'static str>>),
}

fn areas() -> Vec<Area> {
    let country = |code: &str| code.parse::<Country>().unwrap();
    let continent = |code: &str| Area::Continent(code.parse::<Continent>().unwrap());
    let state = Area::Subdivision(country("US"), "CA".parse::<Subdivision>().unwrap());
    let countries = ["US", "DE", "JP", "FR"].map(|code| Area::Country(country(code)));
    let continents = ["NA", "EU", "AS", "AF"].map(continent);
    [&[Area::Anywhere, state][..], &countries, &continents].concat()
}

fn coordinates() -> impl Strategy<Value = Coordinates> {
    (-90.0..90.0f64, -180.0..180.0f64).prop_map(|(north, east)| Coordinates::new(north, east).unwrap())
}

fn site() -> impl Strategy<Value = Site> {
    let region = prop::option::of(prop::sample::select(&REGIONS[..]).prop_map(|name| RegionName::parse(name).unwrap()));
    (region, prop::option::of(coordinates())).prop_map(|(region, coordinates)| Site { region, coordinates })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let locations = vec![Some("fra"), Some("iad"), Some("nrt"), None];
    prop_oneof![
        prop::sample::subsequence(areas(), 0..=9).prop_shuffle().prop_map(Wanted::Geolocation),
        proptest::collection::vec(site(), 1..7).prop_map(Wanted::Latency),
        proptest::collection::vec((coordinates(), (-99i64..=99).prop_map(|bias| Bias::new(bias).unwrap())), 1..7)
            .prop_map(Wanted::Geoproximity),
        prop::sample::subsequence(locations, 0..=4).prop_shuffle().prop_map(Wanted::IpBased),
    ]
}

impl Wanted {
    fn rules(&self, world: &World) -> Rules {
        match self.clone() {
            Self::Geolocation(areas) => Rules::Geolocation(areas),
            Self::Latency(sites) => Rules::Latency(sites),
            Self::Geoproximity(sites) => Rules::Geoproximity(sites),
            Self::IpBased(locations) => Rules::IpBased {
                id: CollectionId::new("users").unwrap(),
                collection: world.collection(),
                locations: locations.into_iter().map(|name| name.map(location)).collect(),
            },
        }
    }

    /// The order for one client, from the rules as they are documented.
    fn order(&self, world: &World, client: &Client) -> Vec<u16> {
        match self {
            Self::Geolocation(areas) => chain(areas, world.place(client.address)),
            Self::Latency(sites) => {
                let key = |at: &u16| {
                    let site = &sites[usize::from(*at)];
                    let micros = micros(site, world, client).unwrap_or(u32::MAX);
                    (micros, site.region.is_none(), site.region.clone(), *at)
                };
                sorted(sites.len(), key)
            }
            Self::Geoproximity(sites) => {
                let position = position(world.place(client.address));
                let biased =
                    |(site, bias): (Coordinates, Bias)| position.map_or(0.0, |position| bias.biased(site.distance_km(position)));
                // No distance is below zero, and then numbers sort as their bits do.
                sorted(sites.len(), |at| (biased(sites[usize::from(*at)]).to_bits(), *at))
            }
            Self::IpBased(locations) => {
                let holds = |block: &IpNet| block.prefix_len() <= client.prefix_len && block.contains(&client.address);
                let mut blocks: Vec<_> = world.blocks.iter().filter(|(block, _)| holds(block)).collect();
                blocks.sort_by_key(|(block, _)| std::cmp::Reverse(block.prefix_len()));
                let wanted = blocks.into_iter().map(|(_, name)| Some(*name)).chain([None]);
                let members = wanted.filter_map(|name| locations.iter().position(|location| *location == name));
                once_each(members.map(|at| at as u16))
            }
        }
    }
}

fn sorted<K: Ord>(count: usize, key: impl Fn(&u16) -> K) -> Vec<u16> {
    let mut order: Vec<u16> = (0..count as u16).collect();
    order.sort_by_key(key);
    order
}

fn once_each(members: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut once = Vec::new();
    for member in members {
        if !once.contains(&member) {
            once.push(member);
        }
    }
    once
}

fn chain(areas: &[Area], place: Option<&Place>) -> Vec<u16> {
    let country = place.and_then(|place| place.country).map(|code| code.parse::<Country>().unwrap());
    let state = place.and_then(|place| place.subdivision).map(|code| code.parse::<Subdivision>().unwrap());
    let continent = country.and_then(continent_of).or_else(|| place?.continent.map(|code| code.parse().unwrap()));
    let wanted = [
        country.zip(state).map(|(country, state)| Area::Subdivision(country, state)),
        country.map(Area::Country),
        continent.map(Area::Continent),
        Some(Area::Anywhere),
    ];
    wanted.into_iter().flatten().filter_map(|area| areas.iter().position(|own| *own == area)).map(|at| at as u16).collect()
}

fn position(place: Option<&Place>) -> Option<Coordinates> {
    let place = place?;
    let own = place.coordinates.map(|(north, east)| Coordinates::new(north, east).unwrap());
    own.or_else(|| coordinates_of(place.country?.parse().unwrap()))
}

/// Measured, or 5 ms and 15 µs a kilometre.
fn micros(site: &Site, world: &World, client: &Client) -> Option<u32> {
    let rows = world.rows.iter().filter(|(_, region, _)| site.region.as_ref().is_some_and(|own| own.as_str() == *region));
    if let Some((_, ms)) = longest(rows.map(|(network, _, ms)| (network, ms)), client.address) {
        return Some(ms * 1_000);
    }
    let built_in = || regions().iter().find(|region| Some(region.name) == site.region.as_ref().map(RegionName::as_str));
    let to = site.coordinates.or_else(|| Some(built_in()?.coordinates))?;
    let km = to.distance_km(position(world.place(client.address))?);
    Some((5_000.0 + 15.0 * km).round() as u32)
}

/// What is decided of an order.
#[derive(Clone, Debug)]
enum Decision {
    /// The first member that is healthy, else the first.
    Healthy([bool; 10]),
    /// Whatever, as long as it is the same for the same order.
    Arbitrary { seed: u64, of: u64 },
}

impl Decision {
    fn of(&self, order: &[u16]) -> Option<u64> {
        match self {
            Self::Healthy(healthy) => {
                let first = order.iter().find(|member| healthy[usize::from(**member)]).or(order.first());
                first.map(|member| u64::from(*member))
            }
            Self::Arbitrary { seed, of } => {
                let mixed = order.iter().fold(*seed, |hash, member| (hash ^ u64::from(*member)).wrapping_mul(0x0100_0000_01b3));
                Some((mixed >> 20) % of)
            }
        }
    }
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        any::<[bool; 10]>().prop_map(Decision::Healthy),
        (any::<u64>(), 2u64..6).prop_map(|(seed, of)| Decision::Arbitrary { seed, of }),
    ]
}

fn asked() -> impl Strategy<Value = Vec<(u16, bool, u8)>> {
    proptest::collection::vec((0..SLOTS, any::<bool>(), 1..=BITS), 30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn a_map_has_the_order_that_the_rules_give(world in world(), wanted in wanted(), asked in asked()) {
        let (places, rules) = (world.places(), wanted.rules(&world));
        let map = ClientMap::build(&rules, &places, None);
        for (slot, wide, known) in asked {
            let client = client(slot, wide, known);
            let found = once_each(map.lookup(&client).order());
            prop_assert_eq!(&found, &wanted.order(&world, &client), "{}", client);
            let explained = explain(&rules, &places, &map, &client);
            prop_assert_eq!(once_each(explained.members.iter().map(|member| member.member)), found);
            for member in &explained.members {
                check_reason(&member.reason, &wanted, &world, member.member, &client)?;
            }
        }
    }

    #[test]
    fn a_scope_is_the_shortest_prefix_with_one_decision(
        world in world(), wanted in wanted(), decision in decision(), asked in asked(),
    ) {
        let map = ClientMap::build(&wanted.rules(&world), &world.places(), None);
        for wide in [false, true] {
            // Every client that can be told from another, by how many bits are known.
            let orders: Vec<Vec<Vec<u16>>> = (0..=BITS)
                .map(|known| (0..SLOTS).map(|slot| once_each(map.lookup(&client(slot, wide, known)).order())).collect())
                .collect();
            let decided: Vec<Vec<_>> =
                orders.iter().map(|known| known.iter().map(|order| decision.of(order)).collect()).collect();
            for (slot, _, known) in asked.iter().filter(|(_, family, _)| *family == wide) {
                let client = client(*slot, wide, *known);
                let found = map.lookup(&client);
                let made = decision.of(&once_each(found.order()));
                let scope = found.scope(|order| decision.of(&once_each(order.into_iter())) == made);
                check_scope(scope, &client, wide, |known, slot| decided[known][slot] == made, |known, slot| &orders[known][slot])?;
                if let Decision::Healthy(healthy) = &decision {
                    let standing = |member| if healthy[usize::from(member)] { Standing::Counts } else { Standing::LastResort };
                    prop_assert_eq!(found.scope_of_first(1, standing), scope, "{}", client);
                }
                let member = found.order().next();
                if let Some(first) = map.first(&client) {
                    let scope = found.scope(|order| order.into_iter().next() == member);
                    prop_assert_eq!((first.member, first.prefix_len), (member, scope), "{}", client);
                }
            }
        }
    }

    #[test]
    fn an_order_changes_only_where_somebody_gains_more_than_the_margin(
        world in world(),
        sites in proptest::collection::vec(site(), 1..7),
        later in proptest::collection::vec(0u32..200, 20 * 3),
        margin_ms in 1u32..60,
        healthy in any::<[bool; 10]>(),
        asked in asked(),
    ) {
        let wanted = Wanted::Latency(sites.clone());
        let rules = wanted.rules(&world);
        let before = ClientMap::build(&rules, &world.places(), None);
        let rows = world.rows.iter().zip(&later).map(|((network, region, _), ms)| (*network, *region, *ms)).collect();
        let world = World { rows, ..world };
        let margin = margin_ms * 1_000;
        let after = ClientMap::build(&rules, &Places { margin_micros: margin, ..world.places() }, Some(&before));
        for (slot, wide, known) in asked {
            let client = client(slot, wide, known);
            let (old, new): (Vec<u16>, Vec<u16>) = (before.lookup(&client).order().collect(), after.lookup(&client).order().collect());
            let number = |member: &u16| micros(&sites[usize::from(*member)], &world, &client).unwrap_or(u32::MAX);
            let gains = |(at, member): (usize, &u16)| old[..at].iter().any(|ahead| number(member).saturating_add(margin) < number(ahead));
            prop_assert_eq!(old != new, old.iter().enumerate().any(gains));
            let counts = |member: &&u16| healthy[usize::from(**member)];
            if let Some(best) = new.iter().filter(counts).map(number).min() {
                let chosen = new.iter().find(counts).map(number).unwrap();
                prop_assert!(chosen <= best.saturating_add(margin));
            }
        }
        let again = ClientMap::build(&rules, &Places { margin_micros: margin, ..world.places() }, Some(&after));
        for slot in 0..SLOTS {
            let client = client(slot, slot % 2 == 0, BITS);
            prop_assert!(after.lookup(&client).order().eq(again.lookup(&client).order()));
        }
    }
}

/// `scope` holds exactly what is decided as for the client, and no shorter one does.
fn check_scope<'o>(
    scope: u8,
    client: &Client,
    wide: bool,
    is_same: impl Fn(usize, usize) -> bool,
    order: impl Fn(usize, usize) -> &'o Vec<u16>,
) -> Result<(), TestCaseError> {
    let first = slot_of(client.address, wide);
    // The slots of the client's prefix of `len` bits, with each number of bits that may be known of clients there.
    let inside = |len: u8| {
        let base = first & !((SLOTS as usize - 1) >> len);
        let slots = base..base + (SLOTS as usize >> len);
        (usize::from(len)..=usize::from(BITS)).flat_map(move |known| slots.clone().map(move |slot| (known, slot)))
    };
    let is_scope = |len: u8| inside(len).all(|(known, slot)| is_same(known, slot));
    match (0..=BITS).find(|len| is_scope(*len)) {
        // What stands in front of the bits that vary is the same for everyone, unless nothing outside of it differs.
        Some(shortest) if shortest > 0 => prop_assert_eq!(scope, base(wide) + shortest, "{}", client),
        Some(_) => prop_assert!(scope <= base(wide), "{}: {}", client, scope),
        None => {
            prop_assert!(scope > client.prefix_len, "{}: {}", client, scope);
            let len = scope - base(wide);
            let mut orders = inside(len).map(|(known, slot)| order(known, slot));
            let one = orders.next().unwrap();
            prop_assert!(orders.all(|other| other == one), "{}: {}", client, scope);
        }
    }
    Ok(())
}

fn slot_of(address: IpAddr, wide: bool) -> usize {
    (0..SLOTS).find(|slot| self::address(*slot, wide) == address).expect("in the world").into()
}

fn check_reason(reason: &Reason, wanted: &Wanted, world: &World, member: u16, client: &Client) -> Result<(), TestCaseError> {
    match (reason, wanted) {
        (Reason::Measured { micros: found, prefix }, Wanted::Latency(sites)) => {
            prop_assert_eq!(Some(*found), micros(&sites[usize::from(member)], world, client));
            prop_assert!(world.rows.iter().any(|(network, _, ms)| network == prefix && ms * 1_000 == *found));
        }
        (Reason::Estimated { micros: found, .. }, Wanted::Latency(sites)) => {
            prop_assert_eq!(Some(*found), micros(&sites[usize::from(member)], world, client));
        }
        (Reason::Distance { biased_km, bias, km, .. }, Wanted::Geoproximity(sites)) => {
            prop_assert_eq!(*bias, sites[usize::from(member)].1);
            prop_assert_eq!(*biased_km, bias.biased(*km));
        }
        (Reason::Unknown, Wanted::Latency(sites)) => {
            prop_assert_eq!(micros(&sites[usize::from(member)], world, client), None);
        }
        (Reason::Unknown, Wanted::Geoproximity(_)) => prop_assert_eq!(position(world.place(client.address)), None),
        (Reason::Area(area), Wanted::Geolocation(areas)) => prop_assert_eq!(*area, areas[usize::from(member)]),
        (Reason::Block { block, location, .. }, Wanted::IpBased(_)) => {
            prop_assert!(block.contains(&client.address) && block.prefix_len() <= client.prefix_len);
            prop_assert!(world.blocks.iter().any(|(own, name)| own == block && *name == location.as_str()));
        }
        (Reason::EveryoneElse, Wanted::IpBased(locations)) => prop_assert_eq!(locations[usize::from(member)], None),
        (reason, wanted) => prop_assert!(false, "{:?} explains no member of {:?}", reason, wanted),
    }
    Ok(())
}

/// A client of this address or subnet.
fn of(text: &str) -> Client {
    let network: IpNet = text.parse().unwrap();
    Client { address: network.addr(), prefix_len: network.prefix_len(), source: ClientSource::Subnet }
}

#[test]
fn nested_blocks_count_only_as_far_as_the_client_is_known() {
    let blocks = [("10.0.0.0/8", "l1"), ("10.1.0.0/16", "l2"), ("20.0.0.0/9", "l1"), ("20.128.0.0/9", "l1")]
        .map(|(block, name)| (block.parse().unwrap(), location(name)));
    let rules = Rules::IpBased {
        id: CollectionId::new("users").unwrap(),
        collection: Arc::new(CidrCollection::new(blocks).unwrap()),
        locations: vec![None, Some(location("l1")), Some(location("l2"))],
    };
    let map = ClientMap::build(&rules, &Places::default(), None);
    // Whom a look tells at once is said last: whoever is known as well as the blocks that hold them are long.
    for (client, expected, scope, looked) in [
        ("10.1.2.0/24", &[2, 1, 0][..], 16, true),
        ("10.1.0.0/16", &[2, 1, 0], 16, true),
        ("10.1.0.0/15", &[1, 0], 16, false),
        ("10.0.0.0/15", &[1, 0], 16, true),
        ("10.2.0.0/15", &[1, 0], 15, true),
        ("10.200.0.0/32", &[1, 0], 9, true),
        ("10.0.0.0/7", &[0], 16, false),
        ("11.0.0.0/8", &[0], 8, true),
        // Both halves have one order, which is not that of clients of whom only the whole is known.
        ("20.0.0.0/8", &[0], 9, false),
        ("20.0.0.0/9", &[1, 0], 9, true),
        ("192.0.2.53/32", &[0], 1, true),
        ("2001:db8::/56", &[0], 0, true),
    ] {
        let client = of(client);
        let found = map.lookup(&client);
        assert!(found.order().eq(expected.iter().copied()), "{client}: {:?}", found.order().collect::<Vec<_>>());
        assert_eq!(found.scope(|order| order.into_iter().next() == expected.first().copied()), scope, "{client}");
        let first = map.first(&client).map(|first| (first.member, first.prefix_len));
        assert_eq!(first, looked.then(|| (expected.first().copied(), scope)), "{client}");
    }
    let explained = explain(&rules, &Places::default(), &map, &of("10.1.2.0/24"));
    let reasons: Vec<String> = explained.members.iter().map(|member| member.reason.to_string()).collect();
    assert_eq!(
        reasons,
        [
            "10.1.0.0/16 is in location l2 of users",
            "10.0.0.0/8 is in location l1 of users",
            "for everyone whom no other location holds"
        ]
    );
}

#[test]
fn a_bias_can_make_the_farther_site_the_nearer() {
    // 150 km with a bias of 50 count as 75 km, less than 100 km.
    let degree = 111.195;
    let site = |km: f64, bias| (Coordinates::new(0.0, km / degree).unwrap(), Bias::new(bias).unwrap());
    let places = Places {
        database: Some(Arc::new(
            Database::read(mmdb::write(&[(
                "192.0.2.0/24",
                mmdb::Place { country: Some("GA"), coordinates: Some((0.0, 1e-9)), ..Place::default() },
            )]))
            .unwrap(),
        )),
        ..Places::default()
    };
    let rules = Rules::Geoproximity(vec![site(100.0, 0), site(150.0, 50)]);
    let map = ClientMap::build(&rules, &places, None);
    assert!(map.lookup(&of("192.0.2.1/32")).order().eq([1, 0]));
    assert!(map.lookup(&of("198.51.100.1/32")).order().eq([0, 1]), "an unlocated client has the order written");
    let told = explain(&rules, &places, &map, &of("192.0.2.1/32")).members[0].reason.to_string();
    assert_eq!(told, "150 km from 0, 0, counted as 75 km for its bias of 50");
}

#[test]
fn the_nearest_region_is_nearest() {
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let clients: Vec<(f64, f64)> = (0..10_000).map(|_| (random() * 180.0 - 90.0, random() * 360.0 - 180.0)).collect();
    let network = |at: usize| IpNet::new(IpAddr::V4((0x0a00_0000 + at as u32).into()), 32).unwrap();
    let located =
        |(at, coordinates): (usize, &(f64, f64))| (network(at), Place { coordinates: Some(*coordinates), ..Place::default() });
    let networks: Vec<(IpNet, Place)> = clients.iter().enumerate().map(located).collect();
    let database = Database::read(mmdb::write_with(mmdb::Layout::default(), &networks)).unwrap();
    let places = Places { database: Some(Arc::new(database)), ..Places::default() };
    let none = Bias::default();
    let sites = regions().iter().map(|region| (region.coordinates, none)).collect();
    let named = regions().iter().map(|region| Site { region: Some(RegionName::parse(region.name).unwrap()), coordinates: None });
    let maps = [Rules::Geoproximity(sites), Rules::Latency(named.collect())].map(|rules| ClientMap::build(&rules, &places, None));
    for (at, (north, east)) in clients.iter().enumerate() {
        let client = Coordinates::new(*north, *east).unwrap();
        let nearest = regions().iter().map(|region| region.coordinates.distance_km(client)).fold(f64::INFINITY, f64::min);
        for (map, slack) in maps.iter().zip([0.0, 0.1]) {
            // Latency is told in microseconds, of which 15 make a kilometre.
            let first = map.lookup(&of(&network(at).to_string())).order().next().unwrap();
            let km = regions()[usize::from(first)].coordinates.distance_km(client);
            assert!(km <= nearest + slack, "{client}: {km} km, the nearest is {nearest} km");
        }
    }
}
