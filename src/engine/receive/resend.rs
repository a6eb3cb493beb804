//! Resends a delivery to the user's own handlers: as it was, or edited and re-signed.

use http::header::CONTENT_LENGTH;
use reqwest::Url;

use super::{forwards::Forwarder, settings::ReceiverSettings};
use crate::{
    engine::{
        clock::now,
        entropy::{EntropyError, send_context},
    },
    webhook::{
        assessment::Assessment,
        provider::resign::renewal,
        record::Forwarded,
        request::{HeaderValue, Request},
        signature::Verdict,
    },
};

/// A resent delivery.
#[derive(Debug)]
pub struct Resent {
    /// The request. Each handler got it with its own host.
    pub request: Request,
    /// What re-signing changed, in words; `None` if it was not re-signed.
    pub renewal: Option<String>,
    /// The results, in the order of the handlers.
    pub forwards: Vec<Forwarded>,
}

/// Why an edited delivery can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum ResignError {
    /// Its provider has no secret.
    #[error("there is no {0} secret to sign it with")]
    NoSecret(String),
    /// Its provider has secrets that only verify.
    #[error("the secret of {0} is a public key, which can't sign")]
    OnlyPublic(String),
    /// The operating system provides no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Sends a request to each of these handlers. An edited one is re-signed, if its provider signs it.
///
/// # Errors
///
/// If it can't be signed. Then nothing is sent.
pub async fn resend(
    forwarder: &Forwarder,
    settings: &ReceiverSettings,
    targets: &[&Url],
    assessment: &Assessment,
    mut request: Request,
    is_edited: bool,
) -> Result<Resent, ResignError> {
    let renewal = if is_edited { sign(settings, assessment, &mut request)? } else { None };
    if is_edited && request.headers.contains("content-length") {
        request.headers.set(&CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    let forwards = forwarder.resend(targets, &request).await;
    Ok(Resent { request, renewal, forwards })
}

/// Re-signs a request. Returns what that changes, in words; `None` if its provider doesn't sign it.
fn sign(
    settings: &ReceiverSettings,
    assessment: &Assessment,
    request: &mut Request,
) -> Result<Option<String>, ResignError> {
    let Some(provider) = assessment.provider.as_deref() else { return Ok(None) };
    if assessment.verdict == Verdict::Unsigned || provider.schemes.is_empty() {
        return Ok(None);
    }
    let secrets = settings.keyring.secrets(&provider.name);
    let signs = |secret: &&_| provider.schemes.iter().any(|scheme| scheme.can_sign(secret));
    let Some(secret) = secrets.iter().find(signs) else {
        let title = provider.title.clone();
        return Err(if secrets.is_empty() { ResignError::NoSecret(title) } else { ResignError::OnlyPublic(title) });
    };
    let context = send_context(now(), None)?;
    let event = assessment.event.as_deref().and_then(|name| name.split_once('.')).map_or("", |(_, event)| event);
    let url = settings.called_url(request);
    Ok(Some(renewal(&provider.resign(request, event, secret, &context, url.as_deref()))))
}
