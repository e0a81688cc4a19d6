//! What happens on a board beside changes of status: what brakes and gates do. What operators say is told by those who
//! tell the board.

use std::sync::Arc;

use crate::health::brakes::Brake;
use crate::health::doubt::Sign;
use crate::health::gate::Passage;
use crate::ids::HealthCheckId;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A brake keeps a check in service; for a member, `id` is its gate's.
    Held { id: HealthCheckId, brake: Brake, because: Arc<str> },
    /// It does so no longer.
    Released { id: HealthCheckId, brake: Brake },
    /// A member left its group's service, came back, or awaits a decision.
    Passed { owner: Arc<str>, member: Arc<str>, passage: Passage, because: Arc<str> },
    /// This checker doubts itself, or has stopped to.
    Doubt(Option<Sign>),
}
