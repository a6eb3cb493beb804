//! What is told of one delivery received and of one attempt sent: the values behind every line of
//! output and every capture.

use std::time::Duration;

use bytes::Bytes;

use crate::webhook::{
    assessment::Assessment,
    remedy::{Remedy, Warning},
    request::{Headers, Request},
    signature::Verdict,
    time::Timestamp,
};

/// One request received, judged and answered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number in this run, from 1.
    pub seq: u64,
    /// When its head had been read.
    pub received_at: Timestamp,
    /// What was received.
    pub request: Request,
    /// What is said of it.
    pub assessment: Assessment,
    /// The status that it is answered with.
    pub status: u16,
    /// From its head to its answer.
    pub elapsed: Duration,
    /// What became of it at the user's own handlers.
    pub forwards: Vec<Forwarded>,
    /// The file that it was kept in.
    pub capture: Option<String>,
    /// Why it could not be kept.
    pub capture_error: Option<String>,
}

impl Delivery {
    /// Everything that people should be warned of: what is odd in the request, and an answer that
    /// the provider would have counted as failed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.assessment.warnings.clone();
        if let Some(error) = &self.capture_error {
            warnings.push(format!("not captured, and so answered 503: {error}").into());
        } else if let (Some(provider), true) = (&self.assessment.provider, self.assessment.verdict.is_genuine()) {
            let objection = provider.delivery.objection(&provider.title, self.status, self.elapsed);
            warnings.extend(objection.map(Warning::from));
        }
        warnings.extend(self.disagreement());
        warnings
    }

    /// The user's handler refuses what is verified here: the usual two reasons.
    fn disagreement(&self) -> Option<Warning> {
        let Verdict::Verified(_) = self.assessment.verdict else { return None };
        let refused = |forwarded: &Forwarded| {
            forwarded.outcome.as_ref().is_ok_and(|answer| matches!(answer.status, 400 | 401 | 403))
        };
        self.forwards.iter().any(refused).then(|| {
            Warning::new(
                "verified here and refused by your handler",
                Remedy::advice(
                    "does it have the same secret, and does it verify the raw body, before any JSON parser?",
                ),
            )
        })
    }
}

/// What became of a delivery at one of the user's own handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The handler.
    pub url: String,
    /// Its answer, or why there is none.
    pub outcome: Result<Answer, String>,
    /// How long that took.
    pub elapsed: Duration,
}

/// An endpoint's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

/// One HTTP request of a delivery that was sent, and what came of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The provider's name, if the request is known to be one's.
    pub provider: Option<String>,
    /// The event's whole name.
    pub event: Option<String>,
    /// The place of the captured request that was sent, if one was: its file, and its line.
    pub source: Option<String>,
    /// Where it went.
    pub url: String,
    /// Which attempt of the delivery it is, from 1.
    pub number: u32,
    /// The most attempts that the delivery can take.
    pub of: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that is as it should be: accepted, or refused if it is a forgery.
    pub good: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it came out so, in words.
    pub reason: String,
    /// The endpoint's answer, if there was one.
    pub answer: Option<Answer>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider would count it as delivered.
    Accepted,
    /// The endpoint was reached, and the provider would count it as failed.
    Refused,
    /// No answer came in time.
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
