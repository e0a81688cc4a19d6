//! Scenarios: routing policy as unit tests, offline, on a virtual clock, by the code that serves.
//!
//! ```text
//! file ──read──> Case ──Stage::run──> Outcome            a table of verdicts (supposed, or made by probes: timeline)
//!                                                        what names outside the zones have (elsewhere)
//!                                                        every path of chance (ask), what was expected of it (judge)
//! configuration ──search──> Finding, the fewest failures that bring it about
//! ```
//!
//! Decides nothing that the server decides: answers come from `answer::respond_traced`, verdicts from `health::board`.
//! Opens no file and prints nothing: the command `waypost test` does.
//! Invariant: equal files give equal outcomes, on every machine and at every time. Format: `docs/scenarios.md`.

mod ask;
mod case;
pub mod elsewhere;
pub mod failures;
mod judge;
mod read;
mod stage;
pub mod supposed;
mod timeline;

pub use case::{Case, Expect, Health, Scenarios, Setting, Share};
pub use judge::{Got, Mismatch};
pub use read::read;
pub use stage::{Outcome, Stage};
pub use timeline::{Behaviour, Change, Start, Timeline};
