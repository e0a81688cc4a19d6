//! Asking a running server over HTTP, for the commands that take `--server`.
//!
//! Follows no redirects and waits at most [`ANSWER_WITHIN`]. A server that can't be asked, or may not do what is asked, is a
//! [`Failure::Failed`]; what it finds wrong with a request is bad input.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Method, StatusCode, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;
use crate::problem::Problem;

/// Where a server's HTTP pages are.
#[derive(Clone, Debug)]
pub(super) struct BaseUrl(Url);

impl BaseUrl {
    /// The URL of a page below it, without parameters.
    pub fn at(&self, path: &str) -> Url {
        self.page(path, &[])
    }

    /// The URL of a page below it, by the names on the way there, whatever characters they have.
    pub fn below(&self, names: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(names);
        url
    }

    /// The URL of a page below it, with its parameters.
    pub fn page(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let accepted = "a URL such as http://127.0.0.1:8053 is accepted";
        let url: Url = text.parse().map_err(|error| format!("{error}; {accepted}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            _ => Err(accepted.to_owned()),
        }
    }
}

/// A server that is asked to change something, and by whom.
#[derive(Clone, Debug, Args)]
pub(super) struct Remote {
    /// The server's `[http] listen`, as a URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8053")]
    server: BaseUrl,
    /// A file with a token of the server's [[http.token]] and nothing else
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Who does something, for the audit log.
#[derive(Clone, Debug, Args)]
pub(super) struct Author {
    /// Who does it, for the audit log; the user of this machine if left out
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
}

impl Author {
    /// Their name, as far as anybody says it.
    pub fn name(&self) -> Option<String> {
        let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok().filter(|user| !user.is_empty()));
        self.author.clone().or_else(user)
    }
}

/// What a server says against a request.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Remote {
    /// The URL of a page, by the segments of its path.
    pub fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.server.at("");
        url.path_segments_mut().expect("the URL of a server has a path").pop_if_empty().extend(segments);
        url
    }

    /// Asks for a page, with a body where something is to be changed, and reads its JSON.
    pub fn ask<T: DeserializeOwned>(&self, method: Method, url: Url, body: Option<&Value>) -> Result<T, Failure> {
        let token = self.token_file.as_ref().map(read_token).transpose()?;
        let failed = |reason: String| Failure::Failed(format!("asking {url}: {reason}"));
        let (status, body) = super::block_on(send(method, &url, token, body))?.map_err(failed)?;
        if status.is_success() {
            let unread = |error| failed(format!("the server answered what is no such page: {error}"));
            return serde_json::from_slice(&body).map_err(unread);
        }
        let said = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => refusal.error,
            Err(_) => String::from_utf8_lossy(&body).trim().to_owned(),
        };
        match status {
            StatusCode::BAD_REQUEST => Err(Failure::bad_input(Problem::error(said))),
            _ => Err(failed(format!("the server answered {status}: {said}"))),
        }
    }
}

fn read_token(path: &PathBuf) -> Result<String, Failure> {
    let found = |what: String| Failure::bad_input(Problem::error(format!("reading the token in {}: {what}", path.display())));
    let text = fs::read_to_string(path).map_err(|error| found(error.to_string()))?;
    let token = text.trim_end();
    match !token.is_empty() && token.bytes().all(|octet| octet.is_ascii_graphic()) {
        true => Ok(token.to_owned()),
        false => Err(found("it is no token: one line of ASCII characters without spaces is accepted".to_owned())),
    }
}

async fn send(method: Method, url: &Url, token: Option<String>, body: Option<&Value>) -> Result<(StatusCode, Vec<u8>), String> {
    let client = Client::builder().timeout(ANSWER_WITHIN).redirect(redirect::Policy::none()).build();
    let mut request = client.map_err(|error| in_full(&error))?.request(method, url.clone());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.map_err(|error| in_full(&error))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| in_full(&error))?;
    Ok((status, body.to_vec()))
}

/// Fetches one page and reads its JSON.
pub(super) fn fetch<T: DeserializeOwned>(url: Url) -> Result<T, Failure> {
    super::block_on(fetch_json(&url))?.map_err(|reason| Failure::Failed(format!("asking {url}: {reason}")))
}

async fn fetch_json<T: DeserializeOwned>(url: &Url) -> Result<T, String> {
    let client = Client::builder().timeout(ANSWER_WITHIN).redirect(redirect::Policy::none()).build();
    let client = client.map_err(|error| in_full(&error))?;
    let response = client.get(url.clone()).send().await.map_err(|error| in_full(&error))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| in_full(&error))?;
    if !status.is_success() {
        return Err(format!("the server answered {status}: {}", String::from_utf8_lossy(&body).trim()));
    }
    serde_json::from_slice(&body).map_err(|error| format!("the server answered what is no such page: {error}"))
}

/// An error with its causes: reqwest's own text leaves them out.
pub(super) fn in_full(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

/// How long the server may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lie_below_the_base_and_their_parameters_are_escaped() {
        for (base, expected) in [
            ("http://127.0.0.1:8053", "http://127.0.0.1:8053/v1/explain?name=a%26b&type=A"),
            ("http://[::1]:8053/", "http://[::1]:8053/v1/explain?name=a%26b&type=A"),
            ("https://ns.example/waypost/", "https://ns.example/waypost/v1/explain?name=a%26b&type=A"),
        ] {
            let base: BaseUrl = base.parse().unwrap();
            assert_eq!(base.page("/v1/explain", &[("name", "a&b"), ("type", "A")]).as_str(), expected);
        }
    }

    #[test]
    fn names_on_the_way_to_a_page_are_escaped() {
        for (base, expected) in [
            ("http://127.0.0.1:8053", "http://127.0.0.1:8053/v1/checks/a%2Fb%3Fc%20%25"),
            ("https://ns.example/waypost/", "https://ns.example/waypost/v1/checks/a%2Fb%3Fc%20%25"),
        ] {
            let base: BaseUrl = base.parse().unwrap();
            assert_eq!(base.below(&["v1", "checks", "a/b?c %"]).as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for text in ["127.0.0.1:8053", "localhost", "file:///etc/passwd", "unix:/x", ""] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }
}
