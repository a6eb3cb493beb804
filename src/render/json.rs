//! Output for programs: one JSON object per line. Scripts rely on the keys. A delivery's object is the capture format,
//! which [`capture`](crate::webhook::capture) writes.

mod cases;
mod difference;
mod events;
mod grant;
mod inspected;
mod judged;
mod providers;
mod sent;

pub use self::{
    cases::{case, case_summary, listed_case},
    difference::difference,
    events::{event, term},
    grant::grant,
    inspected::{
        Inspected, InspectedProvider, ResentAttempt, ResentDelivery, alive, differences, found, inspected, resent,
    },
    judged::{
        Ready, RegisteredEndpoint, delivery, findings, forwards, forwards_without_bodies, missed, ready, verification,
    },
    providers::{checked_provider, provider, written_provider},
    sent::{attempt, request},
};
pub(super) use crate::webhook::json::writer::{line, millis};
