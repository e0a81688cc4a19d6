//! Asks a program whether a member may leave whose group wants that confirmed: `[failover] ask`.
//!
//! Reads proposals off the bus of events, so that a slow program holds up nobody, and carries its decision out as an
//! operator's order. Decides nothing: a program that does not answer leaves the proposal to operators and to its deadline.
//!
//! ```text
//! POST {"route": …, "member": …, "because": …, "until": …, "default": "approve"}
//! 200  {"decision": "approve"}  or  {"decision": "refuse"}, with "reason" if there is one
//! ```

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, redirect};
use serde::{Deserialize, Serialize};

use super::keeper::Keeper;
use super::operator::Operator;
use crate::api::desk::{Desk, RouteOrder};
use crate::health::gate::Order;
use crate::health::remark::Remark;
use crate::telemetry::{Event, Telemetry, events};

/// What is asked.
#[derive(Serialize)]
struct Question<'e> {
    route: &'e str,
    member: &'e str,
    because: &'e str,
    until: Timestamp,
    default: &'static str,
}

/// What is answered.
#[derive(Deserialize)]
struct Answer {
    decision: Decision,
    reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Approve,
    Refuse,
}

/// Asks about each proposal from now on, for as long as it is polled.
pub(super) async fn ask_forever(telemetry: Arc<Telemetry>, keeper: Arc<Keeper>, operator: Arc<Operator>) {
    let mut newest = telemetry.bus().listen();
    let mut read = telemetry.bus().newest();
    loop {
        let unread = telemetry.bus().after(read);
        read = unread.newest;
        if unread.lost && keeper.loaded().config.failover.ask.is_some() {
            events::warning(
                "so much happened at once that nobody may be asked about some proposals: operators or deadlines decide",
            );
        }
        for told in unread.events {
            // The file may name another program with each reload.
            if let (Event::FailoverProposed { .. }, Some(url)) = (&told.event, &keeper.loaded().config.failover.ask) {
                tokio::spawn(ask(url.clone(), told.event.clone(), operator.clone()));
            }
        }
        if newest.changed().await.is_err() {
            return;
        }
    }
}

/// Asks a few times, and carries out the answer.
async fn ask(url: String, event: Event, operator: Arc<Operator>) {
    let Event::FailoverProposed { route, member, because, until, default } = event else { return };
    let default = if default { "approve" } else { "refuse" };
    let question = Question { route: &route, member: &member, because: &because, until, default };
    let mut wrong = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        match answer(&url, &question).await {
            Ok(Answer { decision, reason }) => return carry_out(&operator, route, member, decision, reason).await,
            Err(error) => wrong = error,
        }
    }
    events::warning(&format!(
        "asking {url} whether {member} may leave {route}: {wrong}; it waits for an operator or its deadline"
    ));
}

async fn answer(url: &str, question: &Question<'_>) -> Result<Answer, String> {
    let client =
        Client::builder().timeout(WITHIN).redirect(redirect::Policy::none()).build().map_err(|error| error.to_string())?;
    let response = client.post(url).json(question).send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    response.json().await.map_err(|error| format!("{error}; {{\"decision\": \"approve\"}} or \"refuse\" is accepted"))
}

async fn carry_out(operator: &Arc<Operator>, route: String, member: String, decision: Decision, reason: Option<String>) {
    let order = match decision {
        // An operator may have refused meanwhile.
        Decision::Approve => Order::Approve,
        Decision::Refuse => Order::Keep,
    };
    let remark = |text: &str| Remark::new(text).ok();
    let reason = reason.as_deref().and_then(remark).or_else(|| remark("it gave no reason"));
    let Some((author, reason)) = remark("the program asked").zip(reason) else { return };
    let told = format!("{member} of {route}");
    let ordered = operator.clone().order(RouteOrder { route, member: Some(member), order, author, reason }).await;
    if let Err(refused) = ordered {
        events::warning(&format!("carrying out what was answered about {told}: {}", refused.error));
    }
}

/// How often a program is asked.
const ATTEMPTS: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
