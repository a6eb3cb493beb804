//! The schemes that sign a delivery, depending on the secrets at hand.

use std::sync::Arc;

use super::{Provider, compose::AttemptParams};
use crate::webhook::signature::{Scheme, SecretRule, SigningSecret};

impl Provider {
    /// The provider as seen by someone who signs with this secret: the secret's scheme comes first, and only signatures
    /// that go together with it are sent along.
    #[must_use]
    pub fn signing_with(self: &Arc<Self>, secret: Option<&SigningSecret>) -> Arc<Self> {
        let at = secret.and_then(|secret| self.schemes.iter().position(|scheme| scheme.reads(secret)));
        let Some(at) = at.filter(|at| *at > 0) else { return Arc::clone(self) };
        let mut provider = Self::clone(self);
        let mut signing = provider.schemes.remove(at);
        let is_together = signing.is_sent_along;
        for (index, scheme) in provider.schemes.iter_mut().enumerate() {
            scheme.is_sent_along = is_together && (scheme.is_sent_along || index == 0);
        }
        signing.is_sent_along = false;
        provider.schemes.insert(0, signing);
        Arc::new(provider)
    }

    /// The schemes that sign an attempt, each with its secret: the first one, and those that are sent along.
    pub(in crate::webhook) fn signers<'a>(
        &'a self,
        attempt: &AttemptParams<'a>,
    ) -> Vec<(&'a Scheme, &'a SigningSecret)> {
        let Some((first, secret)) = self.schemes.first().zip(attempt.secret) else { return Vec::new() };
        std::iter::once((first, secret)).chain(self.sent_together(first, attempt.sent_along)).collect()
    }

    /// The form of a scheme's secrets: its own, or else the provider's.
    pub(in crate::webhook) fn secret_rule<'a>(&'a self, scheme: &'a Scheme) -> Option<&'a SecretRule> {
        scheme.secret.as_deref().or(self.secret.as_ref())
    }
}
