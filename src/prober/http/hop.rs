//! Where a request goes: to the endpoint, and then where redirects lead.
//!
//! A redirect to the endpoint's own host stays at the address that is probed; one to another host is resolved, and gets
//! nothing of what the check adds to its requests: no headers, no PROXY header. Invariant: only `http` and `https` are
//! followed, and never from `https` down to `http`. Sources: RFC 9110 §15.4, RFC 3986 §5.2.

use std::net::SocketAddr;

use hyper::Response;
use hyper::body::Incoming;
use hyper::header::LOCATION;
use url::{Host, Url};

use crate::health::check::{Target, TargetHost, Via};
use crate::health::observation::{Failure, NotRun, Outcome};
use crate::health::protocol::http::HttpRequest;
use crate::health::protocol::tls::TlsOptions;
use crate::prober::dial::Way;
use crate::prober::{Log, Prober};

/// One place that is asked.
pub(super) struct Hop {
    address: SocketAddr,
    tls: Option<TlsOptions>,
    /// With the port, where it is not the scheme's own.
    pub host: String,
    /// With the query.
    pub path: String,
    /// It is the endpoint itself.
    pub is_own: bool,
}

impl Hop {
    /// The endpoint.
    pub(super) fn first(way: &Way<'_>, request: &HttpRequest) -> Self {
        Self { tls: way.tls.cloned(), ..Self::of_own(way.address, request) }
    }

    /// The endpoint, without TLS.
    pub(super) fn of_own(address: SocketAddr, request: &HttpRequest) -> Self {
        Self { address, tls: None, host: request.host.clone(), path: request.path.clone(), is_own: true }
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The way here, where `own` leads to the endpoint.
    pub(super) fn way<'w>(&'w self, own: &Way<'w>) -> Way<'w> {
        let proxy_protocol = own.via.proxy_protocol.filter(|_| self.is_own);
        Way { address: self.address, tls: self.tls.as_ref(), via: Via { proxy_protocol, ..own.via }, ..*own }
    }

    fn url(&self) -> Result<Url, NotRun> {
        let text = format!("{}://{}{}", self.scheme(), self.host, self.path);
        Url::parse(&text).map_err(|error| NotRun::Impossible(format!("{text} is no URL: {error}")))
    }
}

impl Prober {
    /// Where a redirect leads from `hop`; `own` is the way to the endpoint.
    pub(super) async fn next_hop(
        &self,
        hop: &Hop,
        location: &str,
        own: &Way<'_>,
        request: &HttpRequest,
        log: &mut Log,
    ) -> Result<Hop, Outcome> {
        let url = follow(&hop.url()?, location)?;
        let endpoint = Hop::first(own, request).url()?;
        let is_own = url.host() == endpoint.host();
        let port = url.port_or_known_default().expect("http and https have ports");
        let address = match target(&url) {
            _ if is_own => SocketAddr::new(own.address.ip(), port),
            host => self.address(&Target { host, port }, own.deadlines, log).await?,
        };
        let tls = (url.scheme() == "https").then(|| match own.tls {
            Some(tls) if is_own => tls.clone(),
            tls => TlsOptions { server_name: server_name(&url), verify: tls.is_none_or(|tls| tls.verify), days_left: None },
        });
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        Ok(Hop { address, tls, host: host.to_owned(), path, is_own })
    }
}

/// Where a response leads, if it is a redirect.
pub(super) fn location(response: &Response<Incoming>) -> Option<String> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The URL that a location means, seen from another.
fn follow(from: &Url, location: &str) -> Result<Url, Failure> {
    let bad = |why: &str| Failure::BadRedirect(format!("{:?}: {why}", location.chars().take(SHOWN_MAX).collect::<String>()));
    let url = from.join(location).map_err(|error| bad(&error.to_string()))?;
    match (from.scheme(), url.scheme()) {
        ("https", "http") => Err(bad("it leads from https down to http")),
        (_, "http" | "https") => Ok(url),
        _ => Err(bad("it leads neither to http nor to https")),
    }
}

fn target(url: &Url) -> TargetHost {
    match url.host() {
        Some(Host::Ipv4(address)) => TargetHost::Address(address.into()),
        Some(Host::Ipv6(address)) => TargetHost::Address(address.into()),
        // URLs of these schemes have a host.
        host => TargetHost::Name(host.map(|host| host.to_string()).unwrap_or_default()),
    }
}

fn server_name(url: &Url) -> Option<String> {
    url.domain().map(str::to_owned)
}

/// Characters of a location that a message shows.
const SHOWN_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_as_seen_from_where_they_were_sent() {
        let from = Url::parse("https://www.example.org:8443/a/b?c=1").unwrap();
        for (location, expected) in [
            ("/x", Ok("https://www.example.org:8443/x")),
            ("x?d=2", Ok("https://www.example.org:8443/a/x?d=2")),
            ("//other.example/", Ok("https://other.example/")),
            ("https://[::1]:1/", Ok("https://[::1]:1/")),
            ("", Ok("https://www.example.org:8443/a/b?c=1")),
            ("http://www.example.org/", Err("\"http://www.example.org/\": it leads from https down to http")),
            ("ftp://www.example.org/", Err("\"ftp://www.example.org/\": it leads neither to http nor to https")),
            ("javascript:1", Err("\"javascript:1\": it leads neither to http nor to https")),
            ("https://[/", Err("\"https://[/\": invalid IPv6 address")),
            ("https:///", Err("\"https:///\": empty host")),
        ] {
            let found = follow(&from, location).map(String::from);
            assert_eq!(found, expected.map(str::to_owned).map_err(|why| Failure::BadRedirect(why.into())), "{location}");
        }
    }
}
