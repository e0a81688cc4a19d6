//! An HTTP check: asks, follows redirects as far as the check says, and judges the last response.
//!
//! Reads no more than it needs, and decodes nothing: a body is searched as it is sent. What is looked for must lie
//! wholly within the first 5,120 octets. Sources: RFC 9110; Route 53 developer guide, "How Route 53 determines whether
//! a health check is healthy".

mod body;
mod hop;
mod message;

use hyper::Response;
use hyper::body::Incoming;
use tokio::time::timeout;

use self::hop::Hop;
use super::dial::Way;
use super::exchange::{Turning, respond};
use super::{Log, Prober};
use crate::health::observation::{Failure, Outcome, Passed};
use crate::health::protocol::http::HttpRequest;
use crate::health::timing::Deadlines;
use crate::ids::HealthCheckId;

/// Asks, and judges the response; `way` leads to the endpoint.
pub(super) async fn ask(
    prober: &Prober,
    way: Way<'_>,
    request: &HttpRequest,
    id: &HealthCheckId,
    deadlines: Deadlines,
    log: &mut Log,
) -> Result<Passed, Outcome> {
    let way = Way { alpn: if request.http2 { &["h2"] } else { &[] }, ..way };
    let mut hop = Hop::first(&way, request);
    let mut left = request.follow;
    loop {
        let message = message::message(request, &hop, id)?;
        let known = log.certificate_not_after;
        let stream = prober.dial(&hop.way(&way), log).await;
        if !hop.is_own {
            // The certificate of another place is not the endpoint's.
            log.certificate_not_after = known;
        }
        let asked = timeout(deadlines.status, respond(stream?, message, request.http2)).await;
        log.end("status");
        let (response, turning) = asked.map_err(|_| Failure::StatusTimeout(deadlines.status))??;
        let Some(location) = hop::location(&response).filter(|_| request.follow > 0) else {
            return judge(response, turning, request, deadlines, log).await;
        };
        if left == 0 {
            return Err(Failure::BadRedirect(format!("{} have been, and there is one more", request.follow)).into());
        }
        left -= 1;
        hop = prober.next_hop(&hop, &location, &way, request, log).await?;
    }
}

async fn judge(
    response: Response<Incoming>,
    mut turning: Turning,
    request: &HttpRequest,
    deadlines: Deadlines,
    log: &mut Log,
) -> Result<Passed, Outcome> {
    let status = response.status().as_u16();
    if !request.expect.passes(status) {
        return Err(Failure::BadStatus(status).into());
    }
    if let Some(search) = &request.search {
        let body = response.into_body();
        let found = timeout(deadlines.body, turning.driving(body::find(body, search))).await;
        log.end("body");
        found.map_err(|_| Failure::BodyTimeout(deadlines.body))??;
    }
    Ok(request.passed(status))
}
