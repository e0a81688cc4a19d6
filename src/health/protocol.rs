//! How an endpoint shows that it works: what is asked of it, and what passes.
//!
//! Plain data; the prober asks. Invariant: a request that exists can be written.
//! Source: Route 53 API reference, `HealthCheckConfig`.

use std::fmt;

use super::command::CommandCheck;
use super::role::RoleCheck;

/// How an endpoint shows that it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The connection is accepted.
    Tcp,
    Http(HttpRequest),
    /// `server_name` is sent as SNI; none sends none. `verify` checks the certificate for it (or for the address).
    Https {
        request: HttpRequest,
        server_name: Option<String>,
        verify: bool,
    },
    /// The database has the role that is wanted.
    Role(Box<RoleCheck>),
    /// A command says so.
    Command(CommandCheck),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The Host header, with the port already added where it is needed (Route 53: any port but 80 and 443).
    pub host: String,
    /// Begins with `/`.
    pub path: String,
    /// Must lie wholly within the first [`SEARCH_WITHIN`] octets of the body.
    pub search: Option<String>,
}

/// `GET /healthz Host: www.example.org search "ready"`
impl fmt::Display for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GET {} Host: {}", self.path, self.host)?;
        match &self.search {
            Some(search) => write!(f, " search {search:?}"),
            None => Ok(()),
        }
    }
}

/// Octets of a body that may hold the search string (Route 53).
pub const SEARCH_WITHIN: usize = 5_120;
