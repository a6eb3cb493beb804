//! Records of a received delivery and of a sent attempt: the values that output and captures show.

use std::time::Duration;

pub use crate::webhook::http_response::Response;
use crate::webhook::{
    assessment::Assessment,
    provider::Provider,
    remedy::{Remedy, Warning},
    request::Request,
    response::{Clue, clue::clue},
    signature::Verdict,
    time::Timestamp,
};

/// One request received and assessed, with its response.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The number in this run, from 1.
    pub seq: u64,
    /// When its head was read.
    pub received_at: Timestamp,
    /// The earlier delivery that it repeats, if any.
    pub repeat: Option<Repeat>,
    pub request: Request,
    /// The assessment of the request.
    pub assessment: Assessment,
    /// The status of the response.
    pub status: u16,
    /// From the head of the request to the response.
    pub elapsed: Duration,
    /// The results of forwarding it to the user's handlers.
    pub forwards: Vec<Forwarded>,
    /// Why it was not forwarded, although there are forwards.
    pub not_forwarded: Option<Warning>,
    /// The file that it was saved in.
    pub capture: Option<String>,
    /// Why it could not be saved.
    pub capture_error: Option<String>,
    /// Whether the sender closed its side of the connection before the response.
    pub sender_closed: bool,
}

/// The warning about a sender that closed its side of the connection. It may still read the response.
const SENDER_CLOSED: &str =
    "the sender closed its side of the connection before the response, so it may count the delivery as failed";

/// How a delivery repeats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The number of the first one.
    pub of: u64,
    /// What is the same.
    pub by: SameAs,
    /// How many there were, with this one: at least 2.
    pub number: u64,
    /// The time since the first one.
    pub after: Duration,
}

/// What is the same in two deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameAs {
    /// The provider's id of the delivery.
    Id,
    /// The signed bytes.
    Bytes,
}

impl SameAs {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Bytes => "bytes",
        }
    }
}

impl Delivery {
    /// Records that it could not be saved, for this reason, so that its response is a 503.
    pub fn fail(&mut self, reason: String) {
        self.status = 503;
        self.capture_error = Some(reason);
    }

    /// All warnings: what is odd about the request, and a response that the provider would have counted as
    /// failed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.assessment.warnings.clone();
        if let Some(error) = &self.capture_error {
            warnings.push(format!("not saved, so the response is 503: {error}").into());
        } else if self.assessment.trust().is_some() {
            warnings.extend(self.objection(self.status, self.elapsed).map(Warning::from));
        }
        if self.sender_closed {
            warnings.push(SENDER_CLOSED.to_owned().into());
        }
        warnings.extend(self.disagreement());
        warnings
    }

    /// Whether the provider would count it as delivered, and the response of each handler that has responded as well.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        let is_accepted = |forwarded: &Forwarded| {
            let response = forwarded.outcome.as_ref();
            response.is_ok_and(|response| self.objection(response.status, forwarded.elapsed).is_none())
        };
        let mut ended = self.forwards.iter().filter(|forwarded| !forwarded.is_pending());
        !self.sender_closed && self.objection(self.status, self.elapsed).is_none() && ended.all(is_accepted)
    }

    /// Why the provider would count a response as failed. The responses to handshakes are judged by their own rules.
    fn objection(&self, status: u16, elapsed: Duration) -> Option<String> {
        let provider = self.assessment.provider.as_ref().filter(|_| self.assessment.handshake().is_none())?;
        provider.delivery.objection(&provider.title, status, elapsed)
    }

    /// Warns that the user's handler and hookdev disagree.
    fn disagreement(&self) -> Option<Warning> {
        disagreement(&self.assessment.verdict, &self.forwards)
    }
}

/// Warns if one of the user's handlers rejects what is verified here, with the two usual reasons, or accepts what is
/// rejected. A response that itself names another reason, such as CSRF protection, needs no warning.
#[must_use]
pub fn disagreement(verdict: &Verdict, forwards: &[Forwarded]) -> Option<Warning> {
    let mut responses = forwards.iter().filter_map(|forwarded| forwarded.outcome.as_ref().ok());
    let is_refusal = |response: &Response| {
        let has_other_reason = || clue(response, None, None).is_some_and(|clue| !clue.is_unspecific);
        matches!(response.status, 400 | 401 | 403) && !has_other_reason()
    };
    match verdict {
        Verdict::Verified(_) if responses.any(is_refusal) => Some(Warning::new(
            "verified here, but rejected by your handler",
            Remedy::advice("does it use the same secret, and does it verify the raw body, before any JSON parser?"),
        )),
        Verdict::Rejected(_) if responses.any(|response| (200..300).contains(&response.status)) => Some(
            "your handler accepted a delivery that hookdev rejects: check that it verifies the signature"
                .to_owned()
                .into(),
        ),
        _ => None,
    }
}

/// The result of forwarding a delivery to one of the user's handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The handler's URL.
    pub url: String,
    /// Its response, or why there is none.
    pub outcome: Result<Response, ForwardFailure>,
    /// How long that took.
    pub elapsed: Duration,
}

impl Forwarded {
    /// The status of a response that did not come as a whole.
    #[must_use]
    pub fn incomplete_status(&self) -> Option<u16> {
        match self.outcome {
            Err(ForwardFailure { kind: ForwardFailureKind::Incomplete(status), .. }) => Some(status),
            _ => None,
        }
    }

    /// Whether its response is still awaited.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.outcome.as_ref().is_err_and(|failure| failure.kind == ForwardFailureKind::Pending)
    }
}

/// Why there is no whole response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardFailure {
    /// What kind of failure it is.
    pub kind: ForwardFailureKind,
    /// The reason in words.
    pub message: String,
}

impl ForwardFailure {
    /// A failure of this kind, with the reason in words.
    pub fn new(kind: ForwardFailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Why there is no whole response, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardFailureKind {
    /// The handler had too many deliveries already and did not get this one.
    Busy,
    /// The delivery had been forwarded before, and came back.
    Returned,
    /// The handler could not be reached.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// It was reached, but did not send a valid response.
    Broken,
    /// The response has this status, but not its whole body.
    Incomplete(u16),
    /// It is no longer awaited.
    Abandoned,
    /// It is still awaited.
    Pending,
}

/// A handler's response as recorded in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedResponse {
    /// The status; `None` if there was no response.
    pub status: Option<u16>,
    /// How long that took.
    pub elapsed: Duration,
}

impl RecordedResponse {
    /// Whether the provider counts it as delivered; for an unknown provider, whether it is a 2xx.
    #[must_use]
    pub fn is_accepted(self, provider: Option<&Provider>) -> bool {
        let Some(status) = self.status else { return false };
        match provider {
            Some(provider) => provider.delivery.objection(&provider.title, status, self.elapsed).is_none(),
            None => (200..300).contains(&status),
        }
    }
}

/// How the result of a resent capture compares with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeChange {
    /// It failed, and is accepted now.
    Fixed,
    /// It was accepted, and fails now.
    Regressed,
    /// It failed, and still fails.
    StillFailing,
    /// It was accepted, and still is.
    StillPassing,
}

impl OutcomeChange {
    /// The change between two results.
    #[must_use]
    pub const fn between(was_accepted: bool, is_accepted: bool) -> Self {
        match (was_accepted, is_accepted) {
            (false, true) => Self::Fixed,
            (true, false) => Self::Regressed,
            (false, false) => Self::StillFailing,
            (true, true) => Self::StillPassing,
        }
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Regressed => "regressed",
            Self::StillFailing => "still-failing",
            Self::StillPassing => "still-passing",
        }
    }

    /// The change in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Regressed => "regressed",
            Self::StillFailing => "still failing",
            Self::StillPassing => "still passing",
        }
    }
}

/// The source of a captured request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureSource {
    /// The file; `-` is standard input.
    pub file: String,
    /// The file, with the line or entry if it holds several requests.
    pub location: String,
}

/// One HTTP request of a delivery, with its outcome.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The provider's name, if known.
    pub provider: Option<String>,
    /// The event's full name.
    pub event: Option<String>,
    /// The delivery's id in the request, if it has one.
    pub id: Option<String>,
    /// The source of the captured request, if one was sent.
    pub source: Option<CaptureSource>,
    /// The endpoint's URL.
    pub url: String,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The maximum number of attempts of the delivery.
    pub of: u32,
    pub outcome: Outcome,
    /// Whether the outcome is the expected one: accepted, or refused for a forgery.
    pub good: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// The reason for the outcome, in words.
    pub reason: String,
    /// What the user can do about it.
    pub remedy: Option<Remedy>,
    /// The handler's recorded response, and how the result compares with it.
    pub was: Option<(RecordedResponse, OutcomeChange)>,
    /// The endpoint's response, if there was one.
    pub response: Option<Response>,
    /// What a failure's response reveals about the handler.
    pub clue: Option<Clue>,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider would count it as delivered.
    Accepted,
    /// The endpoint was reached, and the provider would count it as failed.
    Refused,
    /// There was no response in time.
    TimedOut,
    /// The endpoint could not be reached.
    Unreachable,
}

impl Outcome {
    /// Its name in all output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Unreachable => "unreachable",
        }
    }
}
