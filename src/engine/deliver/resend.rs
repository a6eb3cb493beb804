//! Resends captured requests: byte for byte, or with the user's changes.

use std::iter;

use reqwest::Url;

use super::ResendError;
use crate::{
    net::url::with_target,
    webhook::{
        assessment::Assessment,
        overrides::Override,
        payload::MAX_DECODED_BYTES,
        provider::{
            Provider,
            compose::SendContext,
            resign::{changed, renewal},
        },
        request::Request,
        signature::{SigningSecret, Verdict},
    },
};

/// A captured request to resend.
#[derive(Debug)]
pub struct Resend {
    /// The request, with the user's changes to its payload.
    pub request: Request,
    /// Whether each attempt is re-signed, with a new timestamp.
    pub is_signed: bool,
    /// How the request differs from the capture, in words; empty if it doesn't.
    pub changes: String,
    /// The event's name without the provider's.
    event: String,
}

/// How a request should differ from its capture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes<'a> {
    /// The changes to the payload. A changed payload is always re-signed.
    pub overrides: &'a [Override],
    /// Whether to re-sign with the current time.
    pub resign: bool,
    /// Whether the payload is about to be edited: [`Resend::edit`] or [`Resend::restore`] follows.
    pub edit: bool,
}

impl Resend {
    /// Applies these changes to a captured request.
    ///
    /// # Errors
    ///
    /// If there are changes and the provider is unknown, or a change does not fit the payload.
    pub fn new(
        request: Request,
        assessment: &Assessment,
        changes: Changes<'_>,
        secret: Option<&SigningSecret>,
        context: &SendContext,
    ) -> Result<Self, ResendError> {
        let Changes { overrides, resign, edit } = changes;
        let name = assessment.event.as_deref().and_then(|name| name.split_once('.'));
        let event = name.map(|(_, event)| event.to_owned()).unwrap_or_default();
        if overrides.is_empty() && !resign && !edit {
            return Ok(Self { request, is_signed: false, changes: String::new(), event });
        }
        let provider = assessment.provider.as_deref().ok_or(ResendError::UnknownProvider)?;
        let mut differences = Vec::new();
        if resign && provider.schemes.is_empty() {
            differences.push(format!("unchanged: {} signs nothing", provider.title));
        }
        let request = if overrides.is_empty() {
            request
        } else {
            differences.push("payload changed".to_owned());
            changed(&request, overrides, MAX_DECODED_BYTES)
                .map_err(|error| ResendError::Change { title: assessment.title().to_owned(), error })?
        };
        let is_signed = assessment.verdict != Verdict::Unsigned;
        let mut resend = Self { request, is_signed, changes: String::new(), event };
        differences.extend(resend.renewed(provider, secret, context));
        resend.changes = differences.join("; ");
        Ok(resend)
    }

    /// Replaces the request with one whose payload was edited.
    pub fn edit(
        &mut self,
        request: Request,
        provider: Option<&Provider>,
        secret: Option<&SigningSecret>,
        context: &SendContext,
    ) {
        self.request = request;
        let renewed = provider.and_then(|provider| self.renewed(provider, secret, context));
        self.changes = iter::once("payload edited".to_owned()).chain(renewed).collect::<Vec<_>>().join("; ");
    }

    /// Keeps the request and its signature as captured.
    pub fn restore(&mut self) {
        self.is_signed = false;
        self.changes.clear();
    }

    /// What re-signing changes, in words; `None` if the request is not re-signed.
    fn renewed(&self, provider: &Provider, secret: Option<&SigningSecret>, context: &SendContext) -> Option<String> {
        let secret = secret.filter(|_| self.is_signed)?;
        // Only signing shows which headers change.
        let renewed = provider.resign(&mut self.request.clone(), &self.event, secret, context, None);
        Some(renewal(&renewed))
    }

    /// The request of an attempt made now, with this target at the host of a URL.
    #[must_use]
    pub fn attempt(
        &self,
        provider: Option<&Provider>,
        secret: Option<&SigningSecret>,
        context: &SendContext,
        url: &Url,
        target: String,
    ) -> Request {
        let url = with_target(url, &target);
        let mut request = Request { target, ..self.request.clone() };
        if let (true, Some(provider), Some(secret)) = (self.is_signed, provider, secret) {
            let _ = provider.resign(&mut request, &self.event, secret, context, Some(&url));
        }
        request
    }
}
