//! The XML of the Route 53 API as texts: requests put together, and elements found in responses.
//!
//! Not a parser: it finds what waypost writes, and would miss what another server may write.

#![allow(dead_code, reason = "each test file uses its part")]

/// What the API's elements are of.
pub const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// The whole body of a request.
pub fn root(operation: &str, content: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<{operation}Request xmlns=\"{NAMESPACE}\">{content}</{operation}Request>")
}

/// The content of the first element of this name.
#[track_caller]
pub fn element(body: &str, name: &str) -> String {
    elements(body, name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// The content of each element of this name.
pub fn elements(body: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    body.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(inner, _)| inner.to_owned()).collect()
}

/// An element's text.
pub fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// XML of an element's text.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
