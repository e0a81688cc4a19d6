//! What the load generator asks, and what must come back.
//!
//! A question is a number: its octets, and the addresses that answer it, are computed from the number, so that a million
//! of them need no memory and every answer can be checked. Invariant: equal numbers give equal octets.
//! Sources: RFC 1035 §4.1, RFC 6891 §6.1.2, RFC 7871 §6.

use std::net::Ipv4Addr;

/// The octets of a message's header.
pub const HEADER_LEN: usize = 12;

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This one address.
    Address(Ipv4Addr),
    /// One of so many addresses from this one on.
    OneOf(Ipv4Addr, u32),
    /// All of so many addresses from this one on, in any order.
    All(Ipv4Addr, u32),
    /// NXDOMAIN.
    Nothing,
}

/// Questions of one kind: names that differ in a number, and the addresses by that number.
#[derive(Clone, Debug)]
pub struct Questions {
    /// A query without EDNS, its id 0 and its digits too.
    template: Vec<u8>,
    /// Where the digits of the number are in it, the last digit first.
    digits: Vec<usize>,
    /// How many there are.
    pub count: u32,
    answers: Answers,
}

/// How addresses follow from a question's number.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Name n has 10.0.0.0 + n, and names from `existing` on do not exist.
    OfName { existing: u32 },
    /// Name n has one of `members` addresses from 10.0.0.0 + 16n on, or all of them.
    OfGroup { members: u32, all: bool },
    /// The first of them, always.
    FirstOfGroup,
    /// The address is that of the data centre in which the client's network is, one of `members` from there on.
    OfNetwork(Networks, u32),
}

/// Client networks and their data centres, side by side from 10.0.0.0 on, of [`Networks::SIZE`] addresses each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    pub count: u32,
    pub data_centres: u32,
}

impl Networks {
    /// Addresses of a network; /24 networks in it.
    pub const SIZE: u32 = 4_096;
    const SUBNETS: u32 = Self::SIZE / 256;

    /// Which data centre serves a network: scattered, so that neighbours seldom merge.
    pub fn data_centre(self, network: u32) -> u32 {
        (network.wrapping_mul(2_654_435_761) >> 16) % self.data_centres
    }

    /// Its first address.
    pub fn first(network: u32) -> Ipv4Addr {
        (FIRST + network * Self::SIZE).into()
    }
}

impl Questions {
    /// Questions for type A of the names that `pattern` makes: each `0` in it is a digit of the number, the first label's
    /// digits the last ones. `h00.z0000.test.`: number 123,456 is `h56.z1234.test.`.
    pub fn new(pattern: &str, count: u32, answers: Answers) -> Self {
        let mut template = vec![0; HEADER_LEN];
        template[5] = 1;
        let mut digits = Vec::new();
        for label in pattern.trim_end_matches('.').split('.') {
            template.push(label.len() as u8);
            let start = template.len();
            template.extend_from_slice(label.as_bytes());
            digits.extend((start..template.len()).rev().filter(|at| template[*at] == b'0'));
        }
        template.extend_from_slice(&[0, 0, 1, 0, 1]);
        if let Answers::OfNetwork(..) = answers {
            template[11] = 1;
            template.extend_from_slice(&OPT_WITH_SUBNET);
        }
        Self { template, digits, count, answers }
    }

    /// Writes a query to the start of `out`, its id left 0, and gives its length. `chance` chooses the client's network.
    #[inline]
    pub fn put(&self, number: u32, chance: u32, out: &mut [u8]) -> usize {
        let out = &mut out[..self.template.len()];
        out.copy_from_slice(&self.template);
        let mut left = number;
        for at in &self.digits {
            out[*at] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        if let Answers::OfNetwork(networks, _) = &self.answers {
            let address = FIRST + scaled(chance, networks.count * Networks::SUBNETS) * 256;
            let end = out.len();
            out[end - 3..].copy_from_slice(&address.to_be_bytes()[..3]);
        }
        self.template.len()
    }

    /// What answers a query that [`Questions::put`] wrote with the same arguments.
    #[inline]
    pub fn expected(&self, number: u32, chance: u32) -> Expected {
        let group = Ipv4Addr::from(FIRST + number * GROUP_ROOM);
        match &self.answers {
            Answers::OfName { existing } if number < *existing => Expected::Address((FIRST + number).into()),
            Answers::OfName { .. } => Expected::Nothing,
            Answers::OfGroup { members, all: true } => Expected::All(group, *members),
            Answers::OfGroup { members, all: false } => Expected::OneOf(group, *members),
            Answers::FirstOfGroup => Expected::Address(group),
            Answers::OfNetwork(networks, members) => {
                let network = scaled(chance, networks.count * Networks::SUBNETS) / Networks::SUBNETS;
                let first = u32::from(group) + networks.data_centre(network) * members;
                if *members == 1 { Expected::Address(first.into()) } else { Expected::OneOf(first.into(), *members) }
            }
        }
    }
}

/// The first address of all that are answered, and of all clients.
pub const FIRST: u32 = 10 << 24;
/// Addresses kept for each group.
pub const GROUP_ROOM: u32 = 16;

/// A number below `bound` from 32 random bits.
#[inline]
pub fn scaled(chance: u32, bound: u32) -> u32 {
    ((u64::from(chance) * u64::from(bound)) >> 32) as u32
}

/// 1,232 octets, one option: IPv4, 24 bits, and room for them.
const OPT_WITH_SUBNET: [u8; 22] = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0, 0, 0, 0];

/// Random numbers of a seed, fast and good enough to spread load (Vigna, splitmix64).
pub struct Chance(pub u64);

impl Chance {
    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The time to the next of arrivals that come at random, `mean` apart.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        // In (0, 1], so that the logarithm is finite.
        let uniform = ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        -uniform.ln() * mean
    }
}
