//! The contract between a provider and a handler, as cases to try on the handler: what it must take, what it must
//! refuse, and what it must survive.
//!
//! [`cases`] derives them from a manifest alone, so that a user's own provider has them too. [`deliveries`] makes the
//! requests of a case, [`tamper`] spoils them, and what came back is judged by [`judge`] and explained by [`cause`].

mod cases;
pub mod cause;
mod deliveries;
pub mod judge;
mod record;
mod spelling;
pub mod tamper;

pub use cases::{Case, CaseName, Want, cases};
pub use deliveries::{Delivery, Trial, probes};
pub use record::{CaseRecord, Outcome, Tally};
pub use tamper::Tamper;

#[cfg(test)]
mod tests;
