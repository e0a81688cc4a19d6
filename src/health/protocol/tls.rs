//! How TLS is spoken with an endpoint, and which certificates will do.
//!
//! Plain data, shared by every kind that speaks TLS. Sources: RFC 6066 §3 (server name), RFC 7301 (ALPN).

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Sent as SNI; none sends none.
    pub server_name: Option<String>,
    /// The certificate is checked, for the server name or else for the address.
    pub verify: bool,
    /// A certificate that expires in fewer days fails.
    pub days_left: Option<u16>,
}

/// A handshake and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCheck {
    pub tls: TlsOptions,
    /// Of these protocols the endpoint must choose one; none offers none.
    pub alpn: Vec<String>,
}

/// `sni=www.example.org verify=true`
impl fmt::Display for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sni={} verify={}", self.server_name.as_deref().unwrap_or("-"), self.verify)?;
        match self.days_left {
            Some(days) => write!(f, " days_left={days}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TlsCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tls.fmt(f)?;
        if self.alpn.is_empty() { Ok(()) } else { write!(f, " alpn={:?}", self.alpn) }
    }
}
