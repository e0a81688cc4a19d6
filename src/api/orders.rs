//! `/v1/failback` and `/v1/failover`: an operator brings members back, takes them out, or keeps them in service.
//!
//! Reads requests and writes responses; the [`Desk`] carries out. Invariants: a change is read only after who asks is
//! known; what is answered with success is kept.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Peer;
use super::auth::admit_changer;
use super::desk::{Desk, Moved, Refused, RouteOrder};
use super::overrides::{read_json, read_reason};
use crate::config::http::Permission;
use crate::health::gate::Order;

/// The pages, by path.
pub(super) fn router() -> Router<Arc<dyn Desk>> {
    Router::new().route("/v1/failback", post(fail_back)).route("/v1/failover", post(fail_over))
}

/// The body of both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    route: String,
    member: Option<String>,
    reason: String,
    author: Option<String>,
    /// Of a failover: keeps in service what is proposed to leave.
    #[serde(default)]
    refuse: bool,
}

async fn fail_back(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    carry_out(desk, peer, request, |wanted| match wanted.refuse {
        true => Err(Refused::bad_request("refuse means something only for a failover")),
        false => Ok(Order::BringBack),
    })
    .await
}

async fn fail_over(
    State(desk): State<Arc<dyn Desk>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Json<Value>, Refused> {
    carry_out(desk, peer, request, |wanted| Ok(if wanted.refuse { Order::Keep } else { Order::TakeOut })).await
}

async fn carry_out(
    desk: Arc<dyn Desk>,
    peer: Peer,
    request: Request,
    order: impl FnOnce(&Wanted) -> Result<Order, Refused>,
) -> Result<Json<Value>, Refused> {
    let (parts, body) = request.into_parts();
    let caller = admit_changer(&desk.tokens(), &parts.headers, peer, Permission::Override)?;
    let wanted: Wanted = read_json(&parts.headers, body).await?;
    let order = order(&wanted)?;
    let (author, reason) = (caller.author(wanted.author.as_deref())?, read_reason(&wanted.reason)?);
    let moved = desk.order(RouteOrder { route: wanted.route, member: wanted.member, order, author, reason }).await?;
    let show = |Moved { route, member, became }: &Moved| json!({ "route": route, "member": member, "became": became });
    Ok(Json(json!({ "moved": moved.iter().map(show).collect::<Vec<_>>() })))
}
