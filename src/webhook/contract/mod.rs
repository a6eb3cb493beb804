//! The contract between a provider and a handler, as cases to try on the handler: what it must take, what it must
//! refuse, and what it must survive.
//!
//! [`cases()`] derives them from a manifest alone, so that a user's own provider has them too. [`Case::deliveries`]
//! makes the requests of a case, [`tamper`] spoils them, and what came back is judged by [`mod@judge`] and explained by
//! [`cause`].

mod body;
mod cases;
pub mod cause;
mod deliveries;
mod gist;
pub mod judge;
mod record;
mod spelling;
pub mod tamper;
mod terms;

pub use cases::{Case, CaseName, Want, cases};
pub use deliveries::{Delivery, Trial, probes};
pub use gist::Gist;
pub use record::{CaseRecord, Outcome, Tally};
pub use tamper::Tamper;
pub use terms::{Term, terms};

#[cfg(test)]
mod tests;
