//! Whether a response is what the contract expects and, if not, what is wrong with it.

use std::time::Duration;

use super::expectation::Expectation;
use crate::webhook::{
    delivery::Policy,
    response::{Clue, Excerpt},
};

/// What people see of a response: its status, and the most helpful lines of its body.
pub type Seen = (u16, Option<Excerpt>);

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The status of the response.
    pub response: Result<u16, NoResponse>,
    /// The most helpful lines of the response's body.
    pub excerpt: Option<Excerpt>,
    /// What the response reveals about the handler.
    pub clue: Option<Clue>,
    /// The proxy that the response came through, if its headers name one.
    pub proxy: Option<String>,
    /// From the request to the end of the response, or to the failure.
    pub elapsed: Duration,
    /// For a handshake, whether the response is the prescribed one and, if not, why not.
    pub handshake: Option<Result<(), String>>,
}

impl Exchange {
    /// The status of the response, if there is one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().ok().copied()
    }

    /// What people see of the response.
    #[must_use]
    pub fn seen(&self) -> Option<Seen> {
        Some((*self.response.as_ref().ok()?, self.excerpt.clone()))
    }
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoResponse {
    /// None arrived in time.
    TimedOut,
    /// The endpoint was reached, but did not respond, for this reason.
    Broken(String),
    /// The endpoint could not be reached, for this reason.
    Unreachable(String),
    /// The endpoint's TLS certificate is not trusted, for this reason.
    Untrusted(String),
}

/// What is wrong with a response. Each holds the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFault {
    /// A forgery was accepted.
    ForgeryAccepted(u16),
    /// A forgery got a success status, but a different response from valid deliveries.
    RefusedAsSuccess(u16),
    /// A forgery got a 4xx that says nothing about its signature.
    NotRejected(u16),
    /// A 2xx that the provider does not count as success.
    WrongSuccess(u16),
    /// Not the response that the handshake prescribes, for this reason.
    WrongHandshake(u16, String),
    Redirect(u16),
    /// A valid delivery was rejected.
    Rejected(u16),
    /// The handler failed with a 5xx.
    Crashed(u16),
    /// The right response, too late.
    Late(u16),
    NoResponse(NoResponse),
}

impl ResponseFault {
    /// The status of the response, if there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::ForgeryAccepted(status)
            | Self::RefusedAsSuccess(status)
            | Self::WrongHandshake(status, _)
            | Self::NotRejected(status)
            | Self::WrongSuccess(status)
            | Self::Redirect(status)
            | Self::Rejected(status)
            | Self::Crashed(status)
            | Self::Late(status) => Some(*status),
            Self::NoResponse(_) => None,
        }
    }

    /// Whether no connection could be made.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::NoResponse(NoResponse::Unreachable(_) | NoResponse::Untrusted(_)))
    }
}

/// What a 429 means.
pub const RATE_LIMITED: &str = "the handler, or a proxy in front of it, rate-limits requests";

/// What a 4xx means that says nothing about a signature, worded to follow "means that"; `None` for any other status.
#[must_use]
pub const fn unrelated(status: u16) -> Option<&'static str> {
    Some(match status {
        404 => "nothing is served at this URL",
        405 => "this URL does not allow the method",
        410 => "this URL is no longer in use",
        413 => "the body is too large for the handler, or for a proxy in front of it",
        429 => RATE_LIMITED,
        _ => return None,
    })
}

/// Compares a response with the expected one.
///
/// # Errors
///
/// If it is not as expected.
pub fn judge(expectation: Expectation, policy: &Policy, exchange: &Exchange) -> Result<(), ResponseFault> {
    let status = *exchange.response.as_ref().map_err(|problem| ResponseFault::NoResponse(problem.clone()))?;
    let late = policy.timeout.is_some_and(|limit| exchange.elapsed > limit);
    match (expectation, &exchange.handshake, status) {
        (Expectation::Accepted, Some(Ok(())), _) if !late => return Ok(()),
        (Expectation::Accepted, Some(Err(problem)), ..300) => {
            return Err(ResponseFault::WrongHandshake(status, problem.clone()));
        }
        _ => {}
    }
    Err(match (expectation, status) {
        (Expectation::Rejected, 400..500) if unrelated(status).is_some() => ResponseFault::NotRejected(status),
        (Expectation::Rejected, 400..500) => return Ok(()),
        (Expectation::Accepted, _) if policy.accepts(status) && !late => return Ok(()),
        (Expectation::Accepted, _) if policy.accepts(status) => ResponseFault::Late(status),
        (_, 500..) => ResponseFault::Crashed(status),
        (Expectation::Survived, _) if !late => return Ok(()),
        (Expectation::Survived, _) => ResponseFault::Late(status),
        (_, 300..400) => ResponseFault::Redirect(status),
        (Expectation::Rejected, _) => ResponseFault::ForgeryAccepted(status),
        (Expectation::Accepted, 400..) => ResponseFault::Rejected(status),
        (Expectation::Accepted, _) => ResponseFault::WrongSuccess(status),
    })
}
