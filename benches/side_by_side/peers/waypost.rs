//! waypost's configuration: master files as they are, groups as routes whose endpoints are checked.
//!
//! Every member has a health check that connects; all pass. Source: docs/zone-files.md.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Site;
use crate::content::{Content, NETWORKS, Policy, address, group_name};
use crate::questions::Networks;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    serve(site, Path::new(env!("CARGO_BIN_EXE_waypost"))).map(Some)
}

/// The same of another build, if there is one: a change and what was before it, side by side.
pub fn configure_before(site: &Site<'_>) -> io::Result<Option<Command>> {
    site.before.map(|program| serve(site, program)).transpose()
}

fn serve(site: &Site<'_>, program: &Path) -> io::Result<Command> {
    let files = match site.content {
        Content::Groups { count, policy } => {
            let endpoint = site.endpoint.to_string();
            site.write("groups.test.toml", &zone(count, policy).replace("{endpoint}", &endpoint))?;
            "groups.test.toml".to_owned()
        }
        _ => format!("{}/*.zone", site.zones.display()),
    };
    let file = site.write_filled("waypost.toml", &SERVER.replace("{files}", &files))?;
    let mut command = Command::new(program);
    command.arg("serve").arg("-c").arg(file);
    Ok(command)
}

const SERVER: &str = r#"
[server]
listen  = ["{host}:{port}"]
workers = 1

[zones]
files = ["{files}"]
"#;

const ZONE: &str = r#"
zone = "groups.test."
ns   = ["ns1.groups.test."]
ttl  = 60

[[record]]
name   = "ns1"
type   = "A"
values = ["192.0.2.1"]

[probe.connect]
type     = "tcp"
interval = "30s"
"#;

fn zone(count: u32, policy: Policy) -> String {
    let mut text = ZONE.to_owned();
    if matches!(policy, Policy::ByNetwork | Policy::Tree) {
        put_networks(&mut text);
    }
    (0..count).for_each(|group| put_group(&mut text, group, policy));
    text
}

fn put_networks(text: &mut String) {
    text.push_str("\n[cidr.networks]\n");
    for data_centre in 0..NETWORKS.data_centres {
        let networks = (0..NETWORKS.count).filter(|network| NETWORKS.data_centre(*network) == data_centre);
        let blocks: Vec<String> = networks.map(|network| format!("\"{}/20\"", Networks::first(network))).collect();
        writeln!(text, "dc{data_centre} = [{}]", blocks.join(", ")).expect("a string takes everything");
    }
}

fn put_group(text: &mut String, group: u32, policy: Policy) {
    let name = group_name(group);
    let members = policy.members() * if matches!(policy, Policy::ByNetwork | Policy::Tree) { NETWORKS.data_centres } else { 1 };
    for member in 0..members {
        put_endpoint(text, &format!("{name}-{member}"), &address(group, member));
    }
    let plain = |from: u32, to: u32| {
        let members: Vec<String> = (from..to).map(|member| format!("\"{name}-{member}\"")).collect();
        members.join(", ")
    };
    let weighted = |first: u32| {
        let second = first + 1;
        format!("{{ use = \"{name}-{first}\", weight = 90 }}, {{ use = \"{name}-{second}\", weight = 10 }}")
    };
    match policy {
        Policy::Failover => put_route(text, &name, "failover", &plain(0, 2)),
        Policy::Multivalue => put_route(text, &name, "multivalue", &plain(0, 8)),
        Policy::Weighted => put_route(text, &name, "weighted", &weighted(0)),
        Policy::ByNetwork => put_route(text, &name, "ip_based\"\ncidr = \"networks", &located(|at| format!("{name}-{at}"))),
        Policy::Tree => {
            put_endpoint(text, &format!("{name}-last"), "192.0.2.254");
            for at in 0..NETWORKS.data_centres {
                put_route(text, &format!("{name}-w{at}"), "weighted", &weighted(at * 2));
                put_route(text, &format!("{name}-f{at}"), "failover", &format!("\"route:{name}-w{at}\", \"{name}-last\""));
            }
            put_route(text, &name, "ip_based\"\ncidr = \"networks", &located(|at| format!("route:{name}-f{at}")));
        }
    }
}

/// A member for each data centre, and the first for everyone else.
fn located(member: impl Fn(u32) -> String) -> String {
    let place = |at| format!("{{ use = \"{}\", location = \"dc{at}\" }}", member(at));
    let members: Vec<String> = (0..NETWORKS.data_centres).map(place).collect();
    format!("{}, {{ use = \"{}\", default = true }}", members.join(", "), member(0))
}

fn put_endpoint(text: &mut String, name: &str, address: &str) {
    write!(text, "\n[endpoint.{name}]\naddress = [\"{address}\"]\nprobe = \"connect\"\ntarget = \"{{endpoint}}\"\n")
        .expect("a string takes everything");
}

fn put_route(text: &mut String, name: &str, policy: &str, members: &str) {
    write!(text, "\n[route.{name}]\npolicy = \"{policy}\"\nmembers = [{members}]\n").expect("a string takes everything");
}
