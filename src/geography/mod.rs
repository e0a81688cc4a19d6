//! The Earth as routing needs it: codes of its areas, coordinates and distances, and the tables that are built in.
//!
//! Knows no client and no record. Everything here is constant; who asks from where is `places`' question.
//! Sources: ISO 3166-1 and -2; Route 53 developer guide, "Values specific for geolocation records".

pub mod area;
pub mod coordinates;
pub mod countries;
pub mod regions;
pub mod site;
pub mod states;
