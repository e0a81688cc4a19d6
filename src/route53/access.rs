//! Who may do what: access keys with their zones, and requests from this host where there are no keys.
//!
//! Not how a signature is verified: see `sigv4`. Knows no operation but whether it reads or writes, and no zone but its
//! name. Invariants: nobody is let in but by a key's signature, or from a loopback address where the configuration says
//! so; a principal with a list of zones writes nothing else, and what is the whole account's least of all.
//! Source: docs/configuration.md, "The Route 53 API".

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::name::parse_name;
use super::sigv4::{self, AccessKey, Refusal, Request};
use crate::wire::name::Name;

/// Everybody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    auth: Auth,
    by_id: BTreeMap<String, Key>,
}

/// How clients show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// By a signature made with a key.
    Keys,
    /// By asking from this host; signatures are not looked at.
    Loopback,
}

/// One access key, whose it is, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub access_key: AccessKey,
    pub principal: Principal,
}

/// Who asks, for the audit log and for `permits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// As the operator calls them.
    pub name: Arc<str>,
    /// The id of the access key; none for this host.
    pub key_id: Option<Arc<str>>,
    pub access: Access,
    pub zones: Zones,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    /// Reads too.
    Write,
}

/// The zones that a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zones {
    /// These and those to come, and what is no zone's: health checks, traffic policies, the account.
    All,
    /// Those of exactly these names, not zones below them.
    Only(Vec<Name>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    Write,
}

/// Why a request is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    Signature(Refusal),
    /// There are no keys, and it is not from this host.
    NotLoopback,
    /// There are no keys, and it is from this host for somebody else, as this header says.
    Relayed(&'static str),
}

impl Keys {
    pub fn new(auth: Auth, keys: Vec<Key>) -> Self {
        Self { auth, by_id: keys.into_iter().map(|key| (key.access_key.id.clone(), key)).collect() }
    }

    /// Says who sent the request that came from `peer` at `now_secs` (since 1970).
    ///
    /// # Errors
    /// [`Unauthenticated`], with an error code, a status and a text for the client.
    pub fn authenticate(&self, request: &Request<'_>, peer: IpAddr, now_secs: u64) -> Result<Principal, Unauthenticated> {
        match self.auth {
            Auth::Loopback => from_this_host(request, peer),
            Auth::Keys => {
                let find = |id: &str| self.by_id.get(id).map(|key| &key.access_key);
                let access_key = sigv4::verify(request, now_secs, find).map_err(Unauthenticated::Signature)?;
                let key = self.by_id.get(&access_key.id).expect("the key was found under its id");
                Ok(key.principal.clone())
            }
        }
    }
}

impl Keys {
    /// As [`Self::authenticate`], of a request whose body nobody has read yet; where that is signed, returns its hash too.
    ///
    /// # Errors
    /// [`Unauthenticated`], with an error code, a status and a text for the client.
    pub fn authenticate_head(
        &self,
        request: &Request<'_>,
        peer: IpAddr,
        now_secs: u64,
    ) -> Result<(Principal, Option<String>), Unauthenticated> {
        match self.auth {
            Auth::Loopback => from_this_host(request, peer).map(|principal| (principal, None)),
            Auth::Keys => {
                let find = |id: &str| self.by_id.get(id).map(|key| &key.access_key);
                let verified = sigv4::verify_head(request, now_secs, find).map_err(Unauthenticated::Signature)?;
                let (access_key, hash) = verified;
                let key = self.by_id.get(&access_key.id).expect("the key was found under its id");
                Ok((key.principal.clone(), Some(hash)))
            }
        }
    }
}

fn from_this_host(request: &Request<'_>, peer: IpAddr) -> Result<Principal, Unauthenticated> {
    if !peer.to_canonical().is_loopback() {
        return Err(Unauthenticated::NotLoopback);
    }
    match relaying_header(|name| request.headers.iter().any(|(sent, _)| sent.eq_ignore_ascii_case(name))) {
        Some(header) => Err(Unauthenticated::Relayed(header)),
        None => Ok(Principal { name: "loopback".into(), key_id: None, access: Access::Write, zones: Zones::All }),
    }
}

/// The header, if such a one was sent, which says that a request may be somebody else's.
pub fn relaying_header(is_sent: impl Fn(&str) -> bool) -> Option<&'static str> {
    RELAYING.into_iter().find(|name| is_sent(name))
}

/// Sent by proxies, for clients that are elsewhere, and by browsers, for pages that are.
const RELAYING: [&str; 5] = ["Forwarded", "X-Forwarded-For", "Via", "Origin", "Sec-Fetch-Site"];

impl Principal {
    /// Whether they may do this to the zone, or to the account where there is none.
    ///
    /// ```text
    /// action  zone      key with all zones   key with a list
    /// read    listed    yes                  yes
    /// read    another   yes                  no
    /// read    none      yes                  yes: lists, of which they see what `sees` says
    /// write   listed    with write access    with write access
    /// write   another   with write access    no
    /// write   none      with write access    no
    /// ```
    /// A zone to be created counts as a zone of its name.
    pub fn permits(&self, action: Action, zone: Option<&Name>) -> bool {
        let may_act = action == Action::Read || self.access == Access::Write;
        let is_within = match zone {
            Some(zone) => self.sees(zone),
            None => action == Action::Read || self.zones == Zones::All,
        };
        may_act && is_within
    }

    /// Whether lists show them this zone.
    pub fn sees(&self, zone: &Name) -> bool {
        match &self.zones {
            Zones::All => true,
            Zones::Only(zones) => zones.contains(zone),
        }
    }

    /// As [`Self::sees`], of a zone's name as it is shown.
    pub fn sees_shown(&self, zone: &str) -> bool {
        self.zones == Zones::All || parse_name(zone).is_ok_and(|zone| self.sees(&zone))
    }
}

impl Unauthenticated {
    /// AWS's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature(refusal) => refusal.code(),
            Self::NotLoopback | Self::Relayed(_) => "AccessDenied",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Signature(refusal) => refusal.status(),
            Self::NotLoopback | Self::Relayed(_) => 403,
        }
    }
}

impl fmt::Display for Unauthenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(refusal) => refusal.fmt(f),
            Self::NotLoopback => f.write_str("Without access keys, requests are accepted from the server's own host only."),
            Self::Relayed(header) => {
                write!(f, "Without access keys, requests are accepted from the server's own host only, and not with {header}.")
            }
        }
    }
}

impl std::error::Error for Unauthenticated {}
