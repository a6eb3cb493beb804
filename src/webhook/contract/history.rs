//! What the cases so far showed about a handler, which helps to explain the next ones.

use super::{
    judge::{Fault, NoResponse},
    name::CaseName,
};

/// What earlier cases showed about a handler: each case with its fault, if it failed.
#[derive(Clone, Debug, Default)]
pub struct History(Vec<(CaseName, Option<Fault>)>);

impl History {
    /// Adds the outcome of a case.
    pub fn add(&mut self, name: CaseName, fault: Option<Fault>) {
        self.0.push((name, fault));
    }

    /// Whether at least one of these cases ran, and `is` holds for all of those that did.
    fn all(&self, names: &[CaseName], is: impl Fn(Option<&Fault>) -> bool) -> bool {
        let mut tried = self.0.iter().filter(|(name, _)| names.contains(name)).peekable();
        tried.peek().is_some() && tried.all(|(_, fault)| is(fault.as_ref()))
    }

    /// Whether the handler accepted every plain forgery. One that only checks for the header's presence does, too.
    pub(super) fn never_verifies(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::ForgeryAccepted(_))))
    }

    /// Whether the handler passed a case, and was not only spared it.
    pub(super) fn passed(&self, name: CaseName) -> bool {
        self.all(&[name], |fault| fault.is_none())
    }

    /// Whether the handler failed a case in any way.
    pub(super) fn failed(&self, name: CaseName) -> bool {
        self.all(&[name], |fault| fault.is_some())
    }

    /// Whether the handler crashed on every plain forgery.
    pub(super) fn crashes_on_forgeries(&self) -> bool {
        let forged = [CaseName::SecretWrong, CaseName::BodyTampered];
        self.all(&forged, |fault| matches!(fault, Some(Fault::Crashed(_) | Fault::NoResponse(NoResponse::Broken(_)))))
    }
}
