//! The contract between a provider and a handler, as cases to run against the handler: what it must accept, what it
//! must reject, and what it must survive.
//!
//! [`cases()`] derives the cases from a manifest alone, so a user's own provider has them too. [`Case::requests`] makes
//! the requests of a case and [`tamper`] forges them; [`mod@judge`] compares a response with the [`Expectation`] and
//! [`cause`] explains a failure.

mod body;
mod cases;
pub mod cause;
pub mod deviations;
mod expectation;
mod history;
pub mod judge;
mod mistakes;
mod name;
mod payloads;
mod record;
mod requests;
mod serialisations;
mod signed_request;
pub mod tamper;
mod terms;
mod unknown;
pub mod unusable;

pub use cases::{Case, cases};
pub use expectation::Expectation;
pub use history::{BodySizes, EarlierResults};
pub use name::CaseName;
pub use record::{CaseOutcome, CaseProblem, CaseRecord, CaseTally};
pub use requests::{CaseContext, CaseRequest, probes};
pub use signed_request::OriginalDelivery;
pub use tamper::Tamper;
pub use terms::{Term, terms};

#[cfg(test)]
mod tests;
