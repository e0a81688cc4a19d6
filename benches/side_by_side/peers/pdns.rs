//! PowerDNS's configuration: the BIND backend, one receiver, its packet and query caches on as they come; groups as LUA
//! records in one shared state, where that needs no probe.
//!
//! Source: the PowerDNS Authoritative Server's "Settings", "BIND zone file backend" and "LUA Records".

use std::io;
use std::process::Command;

use super::Site;
use crate::content::{Content, Policy, address, apex, group_name};

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let zones = match site.content {
        Content::Groups { count, policy } => match groups(count, policy) {
            Some(zone) => {
                site.write("groups.test.zone", &zone)?;
                ZONE.replace("{zone}", "groups.test").replace("{zones}", "{folder}")
            }
            None => return Ok(None),
        },
        content => content.zones().iter().map(|zone| ZONE.replace("{zone}", zone)).collect(),
    };
    site.write_filled("named.conf", &zones)?;
    site.write_filled("pdns.conf", SERVER)?;
    let mut command = Command::new("/usr/sbin/pdns_server");
    command.arg(format!("--config-dir={}", site.folder.display()));
    Ok(Some(command))
}

const ZONE: &str = "zone \"{zone}\" { type master; file \"{zones}/{zone}.zone\"; };\n";

const SERVER: &str = r"
launch=bind
bind-config={folder}/named.conf
local-address={host}
local-port={port}
socket-dir={folder}
daemon=no
guardian=no
disable-syslog=yes
loglevel=3
receiver-threads=1
distributor-threads=1
reuseport=no
security-poll-suffix=
enable-lua-records=shared
";

/// A zone of LUA records; none for policies that have probes or places in them.
fn groups(count: u32, policy: Policy) -> Option<String> {
    let record: &dyn Fn(u32) -> String = match policy {
        Policy::Weighted => {
            &|group| format!("pickwrandom({{ {{90, '{}'}}, {{10, '{}'}} }})", address(group, 0), address(group, 1))
        }
        Policy::Multivalue => &|group| {
            let members: Vec<String> = (0..8).map(|member| format!("'{}'", address(group, member))).collect();
            format!("{{ {} }}", members.join(", "))
        },
        Policy::Failover | Policy::ByNetwork | Policy::Tree => return None,
    };
    let records = (0..count).map(|group| format!("{} LUA A \"{}\"\n", group_name(group), record(group)));
    Some(apex("groups.test") + &records.collect::<String>())
}
