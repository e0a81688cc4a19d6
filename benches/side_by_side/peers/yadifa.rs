//! YADIFA's configuration; its own loggers, or it would log every query. Source: yadifad.conf(5).

use std::io;
use std::process::Command;

use super::Site;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let piece = "<zone>\n    domain {zone}\n    file {zones}/{zone}.zone\n    type master\n</zone>\n";
    let Some(zones) = site.each_zone(piece) else { return Ok(None) };
    let file = site.write_filled("yadifad.conf", &[SERVER, &zones].concat())?;
    let mut command = Command::new("/usr/sbin/yadifad");
    command.arg("-c").arg(file);
    Ok(Some(command))
}

const SERVER: &str = r"
<main>
    chroot off
    daemonize off
    logpath {folder}
    pidfile {folder}/yadifad.pid
    datapath {folder}
    keyspath {folder}
    xfrpath {folder}
    user root
    group root
    port {port}
    listen {host}
    network-model multi
    thread-count-by-address 1
    statistics off
    answer-formerr-packets on
</main>
<channels>
    all all.log 0644
</channels>
<loggers>
    database err,crit,alert,emerg all
    server err,crit,alert,emerg all
    system err,crit,alert,emerg all
    zone err,crit,alert,emerg all
</loggers>
";
