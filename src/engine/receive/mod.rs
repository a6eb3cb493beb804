//! Receives deliveries: verifies each request, forwards it, saves it, responds, and publishes it to every consumer.
//!
//! The caller binds the socket, opens the captures, adds the consumers and decides when to stop. A front end is one
//! more call of [`Consumers::add`]:
//!
//! ```text
//! let mut consumers = Consumers::default();
//! let mut deliveries = consumers.add(128, WhenFull::Skip);
//! let receiver = Receiver::new(ReceiverSetup { consumers, .. });
//! tokio::spawn(net::receiver::serve(listener, limits, Arc::new(receiver), stop.cancelled_owned()));
//! while let Some(update) = deliveries.next().await { .. }
//! ```

mod browsers;
mod capture_writer;
mod causes;
mod consumers;
mod expectations;
mod explainer;
mod forwards;
mod history;
mod loops;
mod pending;
mod publication;
mod receiver;
mod repeats;
mod resend;
mod response;
mod rest;
mod settings;
pub mod shutdown;
mod targets;
#[cfg(test)]
pub(in crate::engine) mod tests;
mod verdict_counter;

pub use self::{
    capture_writer::{CaptureWriter, SHORT_GATHER_TIME, SaveChange},
    consumers::{Confirmation, Consumers, Deliveries, LateForwards, Published, Update, WhenFull},
    expectations::{DeliveryExpectation, DeliveryExpectations, ExpectationCounter, ReceivedDeliveries, Shortfall},
    forwards::{Forward, Forwarder as Resender, forwarded_headers},
    history::{Change, History, HistoryEntry},
    pending::{PendingForwards, WaitingForward},
    receiver::{Receiver, ReceiverSetup},
    resend::{Resent, ResignError, resend},
    response::{ForwardPolicy, ResponsePolicy},
    settings::{CurrentSettings, ReceiverSettings, UnusedSecret},
    targets::{ForwardTargets, MAX_IN_FLIGHT, MAX_VERIFIED_IN_FLIGHT, MissedDeliveries},
    verdict_counter::{VerdictCounter, VerdictCounts},
};
