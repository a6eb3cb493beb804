//! What an answer means: whether it is what the contract wants, and in which way it is not.

use std::time::Duration;

use super::{Gist, cases::Want};
use crate::webhook::delivery::Policy;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The status of the answer, or why there is none.
    pub answer: Result<u16, NoAnswer>,
    /// What the answer's body says.
    pub gist: Option<Gist>,
    /// From the request to the end of the answer, or to the failure.
    pub elapsed: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// None came in time.
    TimedOut,
    /// The endpoint was reached and gave none; in words.
    Broken(String),
    /// The endpoint could not be reached; in words.
    Unreachable(String),
}

/// In which way an answer is not what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A forgery was taken.
    Taken(u16),
    /// A 2xx that the provider does not count.
    OtherSuccess(u16),
    /// A redirect.
    Redirect(u16),
    /// A good delivery was refused.
    Refused(u16),
    /// The handler failed.
    Crashed(u16),
    /// The right answer, too late.
    Late(u16),
    /// No answer.
    None(NoAnswer),
}

impl Fault {
    /// The status of the answer, if there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Taken(status)
            | Self::OtherSuccess(status)
            | Self::Redirect(status)
            | Self::Refused(status)
            | Self::Crashed(status)
            | Self::Late(status) => Some(*status),
            Self::None(_) => None,
        }
    }
}

/// Judges an answer.
///
/// # Errors
///
/// The fault in it.
pub fn judge(want: Want, policy: &Policy, seen: &Seen) -> Result<(), Fault> {
    let status = *seen.answer.as_ref().map_err(|problem| Fault::None(problem.clone()))?;
    let late = policy.timeout.is_some_and(|limit| seen.elapsed > limit);
    Err(match (want, status) {
        (Want::Refused, 400..500) => return Ok(()),
        (Want::Accepted, _) if policy.accepts(status) && !late => return Ok(()),
        (Want::Accepted, _) if policy.accepts(status) => Fault::Late(status),
        (_, 500..) => Fault::Crashed(status),
        (Want::Survived, _) if !late => return Ok(()),
        (Want::Survived, _) => Fault::Late(status),
        (_, 300..400) => Fault::Redirect(status),
        (Want::Refused, _) => Fault::Taken(status),
        (Want::Accepted, 400..) => Fault::Refused(status),
        (Want::Accepted, _) => Fault::OtherSuccess(status),
    })
}
