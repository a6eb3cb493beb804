//! Delivers events and captured requests as their providers would, on their schedules and by their rules for success.
//!
//! The caller makes [`Job`]s. A [`Dispatcher`] makes single attempts; [`run`] makes all of them when they are due, and
//! reports each to a [`DeliveryObserver`].

mod attempt;
mod job;
mod resend;
mod schedule;
#[cfg(test)]
pub(super) mod tests;

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use reqwest::Url;

use super::{
    clock::now,
    entropy::{EntropyError, entropy},
};
use crate::{
    net::client::{SendError, SendResult, Series, Transport},
    store::captures::{CaptureName, CaptureStore},
    webhook::{
        capture,
        provider::{compose::SendContext, resign::ChangeError},
        record::Attempt,
        redact,
        request::Request,
        time::Timestamp,
    },
};

pub use self::{
    attempt::{AttemptResult, DeliveryState, OngoingDelivery},
    job::{Batch, InvalidJob, Job, JobContent},
    resend::{Changes, Resend},
    schedule::{DeliveryObserver, Retries, RunOutcome, Wait, run},
};
pub(super) use attempt::{OutcomeReason, explain, explain_status, outcome, report};

/// How requests are made and sent.
pub struct DeliverySettings<T> {
    /// The client.
    pub transport: T,
    /// How long to wait for a response, in place of the provider's own limit.
    pub timeout: Option<Duration>,
    /// The time of every request, in place of the clock's.
    pub now: Option<Timestamp>,
    /// The id of every delivery, in place of individual ones.
    pub id: Option<String>,
    /// Where sent requests are saved.
    pub captures: Option<CaptureStore>,
    /// Whether captures and reports are redacted. Sent requests never are.
    pub redact: bool,
}

/// Makes requests and sends them.
pub struct Dispatcher<T> {
    transport: T,
    timeout: Option<Duration>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    id: Option<String>,
    captures: Option<CaptureStore>,
    redact: bool,
    /// The number of requests saved so far.
    saved: AtomicU64,
}

/// Why a delivery can't continue, whatever the endpoint does.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The operating system provides no randomness for ids.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The request can't be sent to any endpoint.
    #[error(transparent)]
    Send(SendError),
    /// The delivery can't be tampered with as requested, for this reason.
    #[error("can't tamper with the delivery: {0}")]
    Tamper(String),
    /// The request can't be saved before it is sent.
    #[error("can't save the request")]
    Capture(#[source] io::Error),
    /// The observer failed.
    #[error("can't write the report")]
    Report(#[source] io::Error),
}

/// Why a captured request can't be sent with changes.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// Only a provider's own captures can be signed again.
    #[error("can't sign the captured request: it matches no known provider")]
    UnknownProvider,
    /// The payload can't be changed.
    #[error("{title}: {error}")]
    Change {
        /// The event, or the provider.
        title: String,
        /// What is wrong.
        error: ChangeError,
    },
}

impl<T> Dispatcher<T> {
    /// A dispatcher with these settings.
    #[must_use]
    pub fn new(settings: DeliverySettings<T>) -> Self {
        let DeliverySettings { transport, timeout, now: fixed, id, captures, redact } = settings;
        let clock = Box::new(move || fixed.unwrap_or_else(now));
        Self { transport, timeout, clock, id, captures, redact, saved: AtomicU64::new(0) }
    }

    /// Gives every delivery this id.
    pub fn set_id(&mut self, id: String) {
        self.id = Some(id);
    }

    /// The time to use for a request now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Begins a delivery: chooses the values that stay the same in all its attempts.
    ///
    /// # Errors
    ///
    /// If the operating system provides no randomness.
    pub fn begin(&self, job: &Job) -> Result<DeliveryState, EntropyError> {
        Ok(self.begin_with(job, self.now(), entropy()?))
    }

    /// Like [`Self::begin`], with the caller's time and randomness.
    #[must_use]
    pub fn begin_with(&self, job: &Job, now: Timestamp, entropy: [u8; 32]) -> DeliveryState {
        DeliveryState::new(job, SendContext { now, id: self.id.clone(), entropy })
    }

    /// How long an attempt of this job waits for a response.
    #[must_use]
    pub fn timeout(&self, job: &Job) -> Duration {
        self.timeout.unwrap_or_else(|| job.policy().timeout_or_default())
    }

    /// The attempt to report: redacted if the settings say so.
    #[must_use]
    pub fn redacted(&self, attempt: Attempt) -> Attempt {
        if self.redact { redact::attempt(&attempt) } else { attempt }
    }

    /// Saves a request that is about to be sent, if there is a capture store.
    ///
    /// # Errors
    ///
    /// If it can't be written.
    pub fn save(&self, request: &Request, job: &Job) -> Result<(), DeliverError> {
        let Some(store) = &self.captures else { return Ok(()) };
        let received_at = self.now();
        let seq = self.saved.fetch_add(1, Ordering::Relaxed) + 1;
        let mut object = Vec::new();
        if self.redact {
            capture::write_sent(&redact::request(request, job.provider.as_deref()), received_at, &mut object);
        } else {
            capture::write_sent(request, received_at, &mut object);
        }
        let name = CaptureName { received_at, seq, label: job.event.as_deref() };
        store.write(&name, object.trim_ascii_end()).map(drop).map_err(DeliverError::Capture)
    }
}

impl<T: Transport> Dispatcher<T> {
    /// Sends a request, and waits up to `timeout` for the whole response.
    ///
    /// # Errors
    ///
    /// If it can't be sent to any endpoint.
    pub async fn send(&self, url: &Url, request: &Request, timeout: Duration) -> Result<SendResult, DeliverError> {
        sendable(self.transport.send(url, request, timeout).await)
    }

    /// Like [`Self::send`], for the next request of a series.
    ///
    /// # Errors
    ///
    /// If it can't be sent to any endpoint.
    pub async fn send_in_series(
        &self,
        series: &mut Series,
        url: &Url,
        request: &Request,
        timeout: Duration,
    ) -> Result<SendResult, DeliverError> {
        sendable(self.transport.send_in_series(series, url, request, timeout).await)
    }
}

/// The result of a request, unless it can't be sent to any endpoint.
fn sendable(sent: SendResult) -> Result<SendResult, DeliverError> {
    match sent.response {
        Err(error @ SendError::Unsendable(_)) => Err(DeliverError::Send(error)),
        _ => Ok(sent),
    }
}
