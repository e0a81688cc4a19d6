//! gdnsd's configuration: master files as they are, groups as resources of its plugins.
//!
//! Its members' state is looked at in each query, and always up: it probes nothing here. Sources: gdnsd.config(5),
//! gdnsd-plugin-metafo(8), gdnsd-plugin-weighted(8), gdnsd-plugin-multifo(8), gdnsd-plugin-geoip(8).

use std::fs;
use std::io;
use std::process::Command;

use super::Site;
use crate::content::{Content, NETWORKS, Policy, address, apex, group_name};
use crate::questions::Networks;

pub fn configure(site: &Site<'_>) -> io::Result<Option<Command>> {
    let plugins = match site.content {
        Content::Groups { count, policy } => {
            site.write("zones/groups.test", &zone(count, policy))?;
            site.write("nets", &nets())?;
            plugins(count, policy)
        }
        content => {
            link_zones(site, content)?;
            String::new()
        }
    };
    site.write_filled("config", &[OPTIONS, &plugins].concat())?;
    let mut command = Command::new("/usr/sbin/gdnsd");
    command.arg("-c").arg(site.folder).arg("start");
    Ok(Some(command))
}

/// A zone's file is named after it, and is in this folder.
fn link_zones(site: &Site<'_>, content: Content) -> io::Result<()> {
    let folder = site.folder.join("zones");
    fs::create_dir_all(&folder)?;
    let zones = content.zones();
    zones.iter().try_for_each(|zone| fs::hard_link(site.zones.join(format!("{zone}.zone")), folder.join(zone)))
}

const OPTIONS: &str = r"
options => {
    listen => { {host}:{port} => { udp_threads = 1, tcp_threads = 1, udp_rcvbuf = 1048576 } }
    run_dir = {folder}/run
    state_dir = {folder}/state
}
";

fn zone(count: u32, policy: Policy) -> String {
    let plugin = match policy {
        Policy::Failover => "metafo",
        Policy::Weighted => "weighted",
        Policy::Multivalue => "multifo",
        Policy::ByNetwork | Policy::Tree => "geoip",
    };
    let records = (0..count).map(|group| format!("{0} 60 DYNA {plugin}!{0}\n", group_name(group)));
    records.fold(apex("groups.test"), |text, record| text + &record)
}

fn nets() -> String {
    let net = |network| format!("{}/20 => dc{}\n", Networks::first(network), NETWORKS.data_centre(network));
    (0..NETWORKS.count).map(net).collect()
}

fn plugins(count: u32, policy: Policy) -> String {
    let each = |resource: fn(u32) -> String| (0..count).map(resource).collect::<String>();
    let plugins = match policy {
        Policy::Failover => plugin("metafo", &resources(&each(failover))),
        Policy::Weighted => plugin("weighted", &each(|group| format!("{} => {}\n", group_name(group), weighted(group, 0)))),
        Policy::Multivalue => plugin("multifo", &each(multivalue)),
        Policy::ByNetwork => plugin("geoip", &(map() + &resources(&each(by_network)))),
        Policy::Tree => [
            plugin(
                "weighted",
                &each(|group| each_centre(|at| format!("{}-w{at} => {}\n", group_name(group), weighted(group, at * 2)))),
            ),
            plugin("metafo", &resources(&each(|group| each_centre(|at| level_below(group, at))))),
            plugin("geoip", &(map() + &resources(&each(tree)))),
        ]
        .concat(),
    };
    format!("plugins => {{\n{plugins}}}\n")
}

fn plugin(name: &str, inside: &str) -> String {
    format!("{name} => {{ service_types = up\n{inside} }}\n")
}

fn resources(inside: &str) -> String {
    format!("resources => {{\n{inside}}}")
}

fn map() -> String {
    format!("maps => {{ all => {{ datacenters => [{}], nets = {{folder}}/nets }} }}\n", each_centre(|at| format!("dc{at}, ")))
}

fn each_centre(text: impl Fn(u32) -> String) -> String {
    (0..NETWORKS.data_centres).map(text).collect()
}

fn failover(group: u32) -> String {
    let (first, second) = (address(group, 0), address(group, 1));
    format!("{} => {{ datacenters => [a, b], dcmap => {{ a => {first}, b => {second} }} }}\n", group_name(group))
}

fn multivalue(group: u32) -> String {
    let members: String = (0..8).map(|at| format!("m{at} => {}, ", address(group, at))).collect();
    format!("{} => {{ {members} }}\n", group_name(group))
}

fn by_network(group: u32) -> String {
    let members = each_centre(|at| format!("dc{at} => {}, ", address(group, at)));
    format!("{} => {{ map => all, dcmap => {{ {members} }} }}\n", group_name(group))
}

fn tree(group: u32) -> String {
    let name = group_name(group);
    let members = each_centre(|at| format!("dc{at} => %metafo!{name}-f{at}, "));
    format!("{name} => {{ map => all, dcmap => {{ {members} }} }}\n")
}

/// A failover whose first is weighted.
fn level_below(group: u32, at: u32) -> String {
    let name = group_name(group);
    format!("{name}-f{at} => {{ datacenters => [a, b], dcmap => {{ a => %weighted!{name}-w{at}, b => 192.0.2.254 }} }}\n")
}

/// Two members, nine to one.
fn weighted(group: u32, first: u32) -> String {
    format!("{{ a => [{}, 90], b => [{}, 10] }}", address(group, first), address(group, first + 1))
}
