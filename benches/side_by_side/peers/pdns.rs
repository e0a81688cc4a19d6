//! PowerDNS's configuration: the BIND backend, one receiver, its packet and query caches on as they come.
//!
//! Source: the PowerDNS Authoritative Server's "Settings" and "BIND zone file backend".

use std::io;
use std::process::Command;

use super::Site;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let piece = "zone \"{zone}\" { type master; file \"{zones}/{zone}.zone\"; };\n";
    let Some(zones) = site.each_zone(piece) else { return Ok(None) };
    site.write_filled("named.conf", &zones)?;
    site.write_filled("pdns.conf", SERVER)?;
    let mut command = Command::new("/usr/sbin/pdns_server");
    command.arg(format!("--config-dir={}", site.folder.display()));
    Ok(Some(command))
}

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
any-to-tcp=no
";
