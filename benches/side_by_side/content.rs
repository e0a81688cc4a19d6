//! What the servers serve, as plain data and as master files; the questions that it answers.
//!
//! Knows no server: what each makes of it is `peers`'. Invariant: whatever notation a server takes, the names and the
//! addresses are those of [`Content::questions`].

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::questions::{Answers, FIRST, GROUP_ROOM, Networks, Questions};

/// What is served in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// One zone of so many names, an address each. Of a hundred questions, `missing` are for names that are not there.
    Names { count: u32, missing: u32 },
    /// So many zones of ten names.
    Zones { count: u32 },
    /// So many groups of one policy.
    Groups { count: u32, policy: Policy },
}

/// How a group answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The first of two.
    Failover,
    /// One of two, nine to one.
    Weighted,
    /// All eight.
    Multivalue,
    /// One of four, by the client's network.
    ByNetwork,
    /// By the client's network, then the first of two, then one of two: three levels.
    Tree,
}

/// Clients' networks, and to which data centre each is sent.
pub const NETWORKS: Networks = Networks { count: 20_000, data_centres: 4 };

impl Policy {
    /// How many members are answered from, in each data centre where there are any.
    pub fn members(self) -> u32 {
        match self {
            Self::Failover | Self::Weighted | Self::Tree => 2,
            Self::Multivalue => 8,
            Self::ByNetwork => 1,
        }
    }
}

impl Content {
    /// What it is asked.
    pub fn questions(self) -> Questions {
        match self {
            Self::Names { count, missing } => {
                let asked = (u64::from(count) * 100 / u64::from(100 - missing)) as u32;
                Questions::new("h0000000.static.test.", asked, Answers::OfName { existing: count })
            }
            Self::Zones { count } => Questions::new("h0.z00000.test.", count * 10, Answers::OfName { existing: count * 10 }),
            Self::Groups { count, policy } => {
                let answers = match policy {
                    Policy::Failover => Answers::FirstOfGroup,
                    Policy::Weighted => Answers::OfGroup { members: 2, all: false },
                    Policy::Multivalue => Answers::OfGroup { members: 8, all: true },
                    Policy::ByNetwork | Policy::Tree => Answers::OfNetwork(NETWORKS, policy.members()),
                };
                Questions::new("r0000.groups.test.", count, answers)
            }
        }
    }

    /// The number of the last name that is there: who answers for it has loaded everything.
    pub fn last(self) -> u32 {
        match self {
            Self::Names { count, .. } | Self::Groups { count, .. } => count - 1,
            Self::Zones { count } => count * 10 - 1,
        }
    }

    /// Its zones, in order.
    pub fn zones(self) -> Vec<String> {
        match self {
            Self::Names { .. } => vec!["static.test".to_owned()],
            Self::Zones { count } => (0..count).map(|zone| format!("z{zone:05}.test")).collect(),
            Self::Groups { .. } => vec!["groups.test".to_owned()],
        }
    }

    /// Writes `ZONE.zone`, a master file, for each zone of records alone.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write_master_files(self, folder: &Path) -> io::Result<()> {
        match self {
            Self::Names { count, .. } => {
                let mut text = apex("static.test");
                (0..count).for_each(|name| put_address(&mut text, &format!("h{name:07}"), name));
                fs::write(folder.join("static.test.zone"), text)
            }
            Self::Zones { count } => (0..count).try_for_each(|zone| {
                let origin = format!("z{zone:05}.test");
                let mut text = apex(&origin);
                (0..10).for_each(|name| put_address(&mut text, &format!("h{name}"), zone * 10 + name));
                fs::write(folder.join(format!("{origin}.zone")), text)
            }),
            Self::Groups { .. } => Ok(()),
        }
    }
}

/// The owner of a group.
pub fn group_name(group: u32) -> String {
    format!("r{group:04}")
}

/// The address of a group's member, as text.
pub fn address(group: u32, member: u32) -> String {
    std::net::Ipv4Addr::from(FIRST + group * GROUP_ROOM + member).to_string()
}

/// What every zone begins with.
pub fn apex(origin: &str) -> String {
    format!("$ORIGIN {origin}.\n$TTL 60\n@ SOA ns1 hostmaster 1 7200 900 1209600 60\n@ NS ns1\nns1 A 192.0.2.1\n")
}

fn put_address(text: &mut String, owner: &str, number: u32) {
    let address = std::net::Ipv4Addr::from(FIRST + number);
    writeln!(text, "{owner} A {address}").expect("a string takes everything");
}
