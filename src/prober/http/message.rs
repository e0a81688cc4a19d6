//! A request as it is sent.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::http::request::Builder;
use hyper::{Method, Request};

use super::hop::Hop;
use crate::health::observation::NotRun;
use crate::health::protocol::http::HttpRequest;
use crate::ids::HealthCheckId;
use crate::prober::exchange::Message;

/// The request of a check, to be sent to one place; what the check adds to it is sent to its endpoint only.
pub(super) fn message(request: &HttpRequest, hop: &Hop, id: &HealthCheckId) -> Result<Message, NotRun> {
    let method = request.method.as_str();
    let builder = Request::builder().method(Method::from_bytes(method.as_bytes()).expect("the methods are tokens"));
    let mut builder = addressed(builder, hop, request.http2);
    let added: &[(String, String)] = if hop.is_own { &request.headers } else { &[] };
    if !added.iter().any(|(name, _)| name == USER_AGENT.as_str()) {
        builder = builder.header(USER_AGENT, agent(id));
    }
    for (name, value) in added {
        builder = builder.header(name, value);
    }
    if !request.http2 {
        builder = builder.header(CONNECTION, "close");
    }
    let body = request.body.clone().unwrap_or_default();
    builder
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| NotRun::Impossible(format!("{method} {} Host: {}: {error}", hop.path, hop.host)))
}

/// Says what is asked for: in the request line and Host, or by HTTP/2's pseudo-headers, which hyper takes from the URI.
fn addressed(builder: Builder, hop: &Hop, http2: bool) -> Builder {
    let path = escaped(&hop.path);
    if http2 {
        return builder.uri(format!("{}://{}{path}", hop.scheme(), hop.host));
    }
    builder.uri(path).header(HOST, &hop.host)
}

fn agent(id: &HealthCheckId) -> String {
    let plain: String = id.as_str().chars().map(|char| if char.is_ascii_graphic() { char } else { '?' }).collect();
    format!("waypost/{} (health check; +{plain})", env!("CARGO_PKG_VERSION"))
}

/// The path and query as a request line may have them: what RFC 3986 §3.3 and §3.4 do not allow there, written as `%XX`.
fn escaped(path: &str) -> String {
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&octet);
    let mut written = String::with_capacity(path.len());
    for octet in path.bytes() {
        match is_allowed(octet) {
            true => written.push(octet.into()),
            false => written.push_str(&format!("%{octet:02X}")),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_asked_for_whatever_is_in_it() {
        assert_eq!(escaped("/a/b;c=1?d=%20&e=(f)"), "/a/b;c=1?d=%20&e=(f)");
        assert_eq!(escaped("/<a>#\"{b}|\u{e9}"), "/%3Ca%3E%23%22%7Bb%7D%7C%C3%A9");
        let every: String = (1..=0x10FF).filter_map(char::from_u32).collect();
        for http2 in [false, true] {
            let request = HttpRequest { http2, ..HttpRequest::get("a", format!("/{every}")) };
            let hop = Hop::of_own("127.0.0.1:80".parse().unwrap(), &request);
            assert!(message(&request, &hop, &HealthCheckId::new("a").unwrap()).is_ok());
        }
    }
}
