//! A tree's nodes in words: short enough for a line of text, a box of a drawing.
//!
//! The words are the zone files' where those have one. Not for scripts: they read the fields.

use super::{Branch, Drawn, Group, LeadsTo, Tree};
use crate::control::modes;
use crate::geography::area::Area;
use crate::geography::site::Site;
use crate::zone::group_options::{GroupOptions, MinHealthy, Share, TtlRange};
use crate::zone::record_set::{CidrLocation, RoutingPolicy};

impl Tree {
    /// `www.example.org. A, AAAA`
    pub fn title(&self) -> String {
        let rtypes: Vec<String> = self.rtypes.iter().map(ToString::to_string).collect();
        format!("{} {}", self.root.name, rtypes.join(", "))
    }
}

impl Group {
    /// `latency, fence continent EU, nearest 2`: the policy and what the group does beyond it.
    pub fn rule(&self) -> String {
        let options = options(&self.options);
        std::iter::once(self.policy.to_owned()).chain(options).collect::<Vec<_>>().join(", ")
    }
}

fn options(options: &GroupOptions) -> Vec<String> {
    let GroupOptions { min_healthy, fence, trickle, panic, ttl, modes, sticky, nearest } = options;
    let mut words = Vec::new();
    match *min_healthy {
        least if least == MinHealthy::default() => {}
        MinHealthy::Count(count) => words.push(format!("min_healthy {count}")),
        MinHealthy::Share(share) => words.push(format!("min_healthy {}%", share.percent())),
    }
    if !fence.is_empty() {
        words.push(format!("fence {}", fence.iter().map(area).collect::<Vec<_>>().join(" or ")));
    }
    if *trickle != Share::default() {
        words.push(format!("trickle {}%", trickle.percent()));
    }
    if *panic != Share::default() {
        words.push(format!("panic {}%", panic.percent()));
    }
    if let Some(TtlRange { min, max }) = ttl {
        words.push(format!("ttl {min} to {max}"));
    }
    words.extend(modes::lines(modes).into_iter().map(|(key, value)| format!("{key} {}", value.replace('"', ""))));
    if *sticky {
        words.push("sticky".to_owned());
    }
    if *nearest > 1 {
        words.push(format!("nearest {nearest}"));
    }
    words
}

impl Branch {
    /// `fra: primary, check fra`: the member, its part, and its health check.
    pub fn part(&self) -> String {
        let name = self.set_identifier.as_ref().map(|identifier| identifier.as_str().to_owned());
        let check = match (&self.health_check, &self.leads_to) {
            (Some(id), _) => Some(format!("check {id}")),
            (None, LeadsTo::Values) => Some("no check".to_owned()),
            (None, LeadsTo::Alias { .. }) => None,
        };
        let said = [decides(&self.policy), check].into_iter().flatten().collect::<Vec<_>>().join(", ");
        match (name, said.is_empty()) {
            (Some(name), false) => format!("{name}: {said}"),
            (Some(name), true) => name,
            (None, _) => said,
        }
    }

    /// `eu.example.org. latency`: the alias's target and its rule; none for values.
    pub fn target(&self) -> Option<String> {
        let LeadsTo::Alias { target, evaluate_target_health, drawn } = &self.leads_to else { return None };
        let drawn = match drawn {
            Drawn::Plain => String::new(),
            Drawn::Here(group) => format!(" {}", group.rule()),
            Drawn::Above => " (drawn above)".to_owned(),
            Drawn::Outside => " outside the zone".to_owned(),
        };
        let evaluated = if *evaluate_target_health { "" } else { ", target health not evaluated" };
        Some(format!("{target}{drawn}{evaluated}"))
    }
}

/// What the policy asks of the member; nothing where members are alike.
fn decides(policy: &RoutingPolicy) -> Option<String> {
    Some(match policy {
        RoutingPolicy::Simple | RoutingPolicy::Multivalue => return None,
        RoutingPolicy::Weighted(weight) => format!("weight {}", weight.get()),
        RoutingPolicy::Failover(0) => "primary".to_owned(),
        RoutingPolicy::Failover(1) => "secondary".to_owned(),
        RoutingPolicy::Failover(tier) => format!("number {} in order", u32::from(*tier) + 1),
        RoutingPolicy::Latency(site) => latency(site)?,
        RoutingPolicy::Geolocation(found) => area(found),
        RoutingPolicy::Geoproximity(coordinates, bias) if bias.percent() == 0 => format!("at {coordinates}"),
        RoutingPolicy::Geoproximity(coordinates, bias) => format!("at {coordinates}, bias {:+}", bias.percent()),
        RoutingPolicy::IpBased(location) => cidr(location),
    })
}

/// The coordinates of a region that is known are its own: they say nothing more.
fn latency(site: &Site) -> Option<String> {
    let place = site.coordinates.map(|coordinates| format!("at {coordinates}"));
    site.region.as_ref().map(ToString::to_string).or(place)
}

fn cidr(CidrLocation { collection, location }: &CidrLocation) -> String {
    match location {
        Some(location) => format!("{location} of {collection}"),
        None => OTHERS.to_owned(),
    }
}

/// A continent and a country may look the same (`NA`).
fn area(area: &Area) -> String {
    let kind = match area {
        Area::Anywhere => return OTHERS.to_owned(),
        Area::Continent(_) => "continent",
        Area::Country(_) => "country",
        Area::Subdivision(..) => "subdivision",
    };
    format!("{kind} {area}")
}

const OTHERS: &str = "all others";
