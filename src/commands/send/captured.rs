//! Captured requests that are sent again: byte for byte, or with what was asked to change, which is
//! then said.

use crate::{
    commands::exit::Failure,
    webhook::{
        assessment::{Assessment, MAX_DECODED_BYTES},
        overrides::Override,
        provider::{Provider, compose::SendContext, resign::changed},
        request::Request,
        signature::{SigningSecret, Verdict},
    },
};

/// A captured request that is sent again.
pub struct Captured {
    /// The request, with the user's changes to its payload.
    pub request: Request,
    /// Whether each attempt is dated and signed anew.
    pub resign: bool,
    /// What is not as it was captured, in words; empty when all is.
    pub changes: String,
    /// The event's name without the provider's.
    event: String,
}

/// What shall not be as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    /// The changes to the payload; a changed payload is always signed anew.
    pub overrides: &'a [Override],
    /// Whether it is dated and signed anew.
    pub resign: bool,
}

impl Captured {
    /// A captured request with these changes.
    ///
    /// # Errors
    ///
    /// When there are changes and no provider that could sign them, or a change does not fit.
    pub fn new(
        request: Request,
        assessment: &Assessment,
        changes: Changes<'_>,
        secret: Option<&SigningSecret>,
        moment: &SendContext,
    ) -> Result<Self, Failure> {
        let Changes { overrides, resign } = changes;
        let name = assessment.event.as_deref().and_then(|name| name.split_once('.'));
        let event = name.map(|(_, event)| event.to_owned()).unwrap_or_default();
        if overrides.is_empty() && !resign {
            return Ok(Self { request, resign: false, changes: String::new(), event });
        }
        let provider = assessment.provider.as_deref().ok_or_else(|| {
            Failure::usage("a captured request can't be signed anew, as no provider is recognised in it")
                .hint("`hookdev verify` shows what is seen in it; its path, headers and payload tell whose it is")
        })?;
        let mut said = Vec::new();
        if resign && provider.schemes.is_empty() {
            said.push(format!("as it was, for {} signs nothing", provider.title));
        }
        let request = if overrides.is_empty() {
            request
        } else {
            said.push("payload changed".to_owned());
            changed(&request, overrides, MAX_DECODED_BYTES)
                .map_err(|error| Failure::usage(format!("{}: {error}", assessment.title())))?
        };
        let resign = assessment.verdict != Verdict::Unsigned;
        let mut captured = Self { request, resign, changes: String::new(), event };
        if let (true, Some(secret)) = (resign, secret) {
            // What will be new is known by doing it.
            let renewed = provider.resign(&mut captured.request.clone(), &captured.event, secret, moment);
            let names: Vec<&str> = renewed.iter().map(http::HeaderName::as_str).collect();
            said.push(match names.as_slice() {
                [] => "signed anew, to the same signature".to_owned(),
                names => format!("renewed: {}", names.join(", ")),
            });
        }
        captured.changes = said.join("; ");
        Ok(captured)
    }

    /// The request of an attempt that is made now.
    pub fn attempt(
        &self,
        provider: Option<&Provider>,
        secret: Option<&SigningSecret>,
        moment: &SendContext,
    ) -> Request {
        let mut request = self.request.clone();
        if let (true, Some(provider), Some(secret)) = (self.resign, provider, secret) {
            let _ = provider.resign(&mut request, &self.event, secret, moment);
        }
        request
    }
}
