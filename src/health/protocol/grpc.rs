//! What is asked of the health service of gRPC.
//!
//! Plain data. Source: `grpc.health.v1`, <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

use std::fmt;

use super::tls::TlsOptions;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcCheck {
    /// `:authority`, with the port.
    pub authority: String,
    /// Empty for the server as a whole.
    pub service: String,
    /// None speaks HTTP/2 in the clear.
    pub tls: Option<TlsOptions>,
}

/// `www.example.org:50051 "shop.Cart" sni=www.example.org verify=true`
impl fmt::Display for GrpcCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.authority, self.service)?;
        match &self.tls {
            Some(tls) => write!(f, " {tls}"),
            None => Ok(()),
        }
    }
}
