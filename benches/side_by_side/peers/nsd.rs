//! NSD's configuration. Source: nsd.conf(5).

use std::io;
use std::process::Command;

use super::Site;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let Some(zones) = site.each_zone("zone:\n    name: {zone}\n    zonefile: \"{zones}/{zone}.zone\"\n") else { return Ok(None) };
    let file = site.write_filled("nsd.conf", &[SERVER, &zones].concat())?;
    let mut command = Command::new("/usr/sbin/nsd");
    command.arg("-d").arg("-c").arg(file);
    Ok(Some(command))
}

const SERVER: &str = r#"
server:
    ip-address: {host}@{port}
    server-count: 1
    username: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    logfile: "{folder}/nsd.log"
    receive-buffer-size: 4194304
    minimal-responses: yes
    rrl-ratelimit: 0
remote-control:
    control-enable: no
"#;
