//! Who is in service: what overrides, brakes and gates make of health, seen in what is answered.
//!
//! One world for all: a zone as an operator writes it, a board fed by hand on a clock of its own, and queries. The laws
//! are proved exhaustively in small worlds: `gate` against a specification, `brakes` over every sequence of events.

mod support;

#[path = "service/brakes.rs"]
mod brakes;
#[path = "service/gate.rs"]
mod gate;
#[path = "service/observed.rs"]
mod observed;
#[path = "service/overrides.rs"]
mod overrides;
#[path = "service/restarts.rs"]
mod restarts;
#[path = "service/routes.rs"]
mod routes;
#[path = "service/words.rs"]
mod words;
#[path = "service/world.rs"]
mod world;
