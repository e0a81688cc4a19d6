//! Knot's configuration. Source: knot.conf(5).

use std::io;
use std::process::Command;

use super::Site;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let Some(zones) = site.each_zone("  - domain: {zone}\n") else { return Ok(None) };
    let file = site.write_filled("knot.conf", &[SERVER, &zones].concat())?;
    let mut command = Command::new("/usr/sbin/knotd");
    command.arg("-c").arg(file);
    Ok(Some(command))
}

const SERVER: &str = r#"
server:
    rundir: "{folder}"
    listen: "{host}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    automatic-acl: off
log:
  - target: stderr
    any: warning
database:
    storage: "{folder}"
template:
  - id: default
    storage: "{zones}"
    file: "%s.zone"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
"#;
