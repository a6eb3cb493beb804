//! What the cases so far have shown about a handler, which helps to explain later ones.

use super::{
    expectation::Expectation,
    judge::{NoResponse, ResponseFault, Seen},
    name::CaseName,
};

/// What earlier cases have shown about a handler.
#[derive(Clone, Debug, Default)]
pub struct EarlierResults {
    /// Each case with its fault, if it failed.
    cases: Vec<(CaseName, Option<ResponseFault>)>,
    /// The responses to valid deliveries that were accepted.
    accepted: Vec<Seen>,
    /// The sizes of the valid deliveries of each case.
    sizes: Vec<(CaseName, BodySizes)>,
}

/// The sizes of the bodies of valid deliveries, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodySizes {
    /// The largest that was accepted.
    pub accepted: Option<usize>,
    /// The smallest that was rejected.
    pub rejected: Option<usize>,
}

impl BodySizes {
    /// The sizes, combined with those of more deliveries.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        let smaller = |one: Option<usize>, other| one.into_iter().chain(other).min();
        Self { accepted: self.accepted.max(more.accepted), rejected: smaller(self.rejected, more.rejected) }
    }

    /// Whether some deliveries were rejected and some accepted, and every rejected one was larger than every accepted
    /// one.
    fn tell_apart(self) -> bool {
        self.accepted.zip(self.rejected).is_some_and(|(accepted, rejected)| rejected > accepted)
    }
}

impl EarlierResults {
    /// Adds the outcome of a case, and the response to its last request.
    pub fn add(&mut self, name: CaseName, fault: Option<ResponseFault>, response: Option<Seen>) {
        if fault.is_none() && name.expectation() == Expectation::Accepted && name != CaseName::Handshake {
            self.accepted.extend(response);
        }
        self.cases.push((name, fault));
    }

    /// Adds the sizes of the bodies of a case's valid deliveries.
    pub fn add_sizes(&mut self, name: CaseName, sizes: BodySizes) {
        self.sizes.push((name, sizes));
    }

    /// Whether the size of a body alone decides whether it is accepted, in the cases that count.
    pub(super) fn is_about_size(&self, counts: impl Fn(CaseName) -> bool) -> bool {
        let sizes = self.sizes.iter().filter(|(name, _)| counts(*name)).map(|(_, sizes)| *sizes);
        sizes.fold(BodySizes::default(), BodySizes::and).tell_apart()
    }

    /// The fault, given how the handler responds to valid deliveries: if a forgery is accepted with a response that
    /// differs from theirs, it was refused with the wrong status.
    #[must_use]
    pub fn refine(&self, fault: ResponseFault, response: Option<&Seen>) -> ResponseFault {
        match (fault, response) {
            (ResponseFault::ForgeryAccepted(status), Some(response)) if self.differs(response) => {
                ResponseFault::RefusedAsSuccess(status)
            }
            (fault, _) => fault,
        }
    }

    /// Whether a response differs from the one that all valid deliveries got. False, because unknown, unless several
    /// got the same one.
    fn differs(&self, response: &Seen) -> bool {
        match self.accepted.as_slice() {
            [first, others @ ..] => {
                !others.is_empty() && others.iter().all(|other| other == first) && response != first
            }
            [] => false,
        }
    }

    /// Whether at least one of these cases ran, and `is` holds for all of those that did.
    fn all(&self, names: &[CaseName], is: impl Fn(Option<&ResponseFault>) -> bool) -> bool {
        let mut tried = self.cases.iter().filter(|(name, _)| names.contains(name)).peekable();
        tried.peek().is_some() && tried.all(|(_, fault)| is(fault.as_ref()))
    }

    /// Whether the handler accepted every plain forgery. One that only checks for the header's presence does, too.
    pub(super) fn never_verifies(&self) -> bool {
        self.all(&[CaseName::SecretWrong, CaseName::BodyTampered], is_accepted)
    }

    /// Whether the handler accepted the forgeries of a case.
    pub(super) fn accepts(&self, name: CaseName) -> bool {
        self.all(&[name], is_accepted)
    }

    /// Whether the handler passed a case that ran. A refusal with a success status counts.
    pub(super) fn passed(&self, name: CaseName) -> bool {
        self.all(&[name], |fault| matches!(fault, None | Some(ResponseFault::RefusedAsSuccess(_))))
    }

    /// Whether the handler failed a case in any other way.
    pub(super) fn failed(&self, name: CaseName) -> bool {
        self.all(&[name], |fault| !matches!(fault, None | Some(ResponseFault::RefusedAsSuccess(_))))
    }

    /// Whether the handler accepted at least one valid delivery.
    pub(super) fn accepts_some(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Whether the handler crashed on every plain forgery.
    pub(super) fn crashes_on_forgeries(&self) -> bool {
        self.all(&[CaseName::SecretWrong, CaseName::BodyTampered], is_crash)
    }

    /// Whether the handler crashed in a case.
    pub(super) fn crashed_on(&self, name: CaseName) -> bool {
        self.all(&[name], is_crash)
    }
}

fn is_accepted(fault: Option<&ResponseFault>) -> bool {
    matches!(fault, Some(ResponseFault::ForgeryAccepted(_)))
}

fn is_crash(fault: Option<&ResponseFault>) -> bool {
    matches!(fault, Some(ResponseFault::Crashed(_) | ResponseFault::NoResponse(NoResponse::Broken(_))))
}
