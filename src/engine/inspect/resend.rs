//! Resends a delivery for the page: to configured targets by name, never to a URL from the page.

use bytes::Bytes;
use serde::Deserialize;

use super::{CallContext, Hints, ready::targets as named_targets};
use crate::{
    engine::{
        deliver::explain_status,
        receive::{Forward, Resent, ResignError, resend as send_again},
    },
    render::json::{self, ResentAttempt, ResentDelivery},
    webhook::{
        diff::diff,
        edit::{self, NotEditable},
        forward_hint::advice,
        payload::MAX_DECODED_BYTES,
        record::{
            Attempt, Delivery, ForwardFailure, ForwardFailureKind, Forwarded, Outcome, RecordedResponse, Response,
        },
        redact,
        request::Headers,
    },
};

/// The body of the page's request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    /// The name of a target; `None` means every target that the event is forwarded to.
    #[serde(default)]
    to: Option<String>,
    /// The edited payload; `None` keeps the request as it is.
    #[serde(default)]
    body: Option<String>,
}

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum NotResent {
    /// The request's body is malformed.
    #[error("invalid body: {0}")]
    Invalid(#[from] serde_json::Error),
    /// There is no target.
    #[error("no target is configured")]
    NoTarget,
    /// No target gets this event.
    #[error("no target gets {0}")]
    NoMatch(String),
    /// There is no target with this name.
    #[error("there is no target `{0}`")]
    UnknownTarget(String),
    /// The payload is not text.
    #[error(transparent)]
    NotEditable(#[from] NotEditable),
    /// The edited payload can't be signed.
    #[error(transparent)]
    Unsigned(#[from] ResignError),
}

impl NotResent {
    /// The status of the response.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::NotEditable(_) => 422,
            Self::NoTarget | Self::NoMatch(_) | Self::UnknownTarget(_) | Self::Unsigned(_) => 409,
        }
    }

    /// What to do about it.
    pub fn hint(&self, hints: &Hints) -> Option<&'static str> {
        match self {
            Self::NoTarget => Some(hints.no_target),
            Self::NoMatch(_) => Some(hints.no_match),
            Self::UnknownTarget(_) => Some("reload the page: the targets may have changed"),
            Self::Unsigned(_) => Some(hints.no_secret),
            Self::Invalid(_) | Self::NotEditable(_) => None,
        }
    }
}

/// Resends a delivery as the page's request asks, and returns a JSON object with the results.
///
/// # Errors
///
/// If nothing can be sent.
pub async fn resend(shared: &CallContext, delivery: &Delivery, request: &[u8]) -> Result<Vec<u8>, NotResent> {
    let ResendRequest { to, body } = serde_json::from_slice(request)?;
    let settings = shared.settings.get();
    let named = named_targets(&settings, shared.redact);
    let targets = match to {
        Some(name) => {
            let target = named.iter().find(|target| target.name == name);
            let Some(target) = target else { return Err(NotResent::UnknownTarget(name)) };
            vec![&target.url]
        }
        None if settings.forwards.is_empty() => return Err(NotResent::NoTarget),
        None => Forward::targets(&settings.forwards, &delivery.assessment),
    };
    if targets.is_empty() {
        return Err(NotResent::NoMatch(delivery.assessment.title().to_owned()));
    }
    let original = &delivery.request;
    let edited = match body {
        Some(after) => edit::edited(original, &edit::text(original, MAX_DECODED_BYTES)?, after),
        None => None,
    };
    let is_edited = edited.is_some();
    let request = edited.unwrap_or_else(|| original.clone());
    let assessment = &delivery.assessment;
    let Resent { request, renewal, forwards } =
        send_again(&shared.resender, &settings, &targets, assessment, request, is_edited).await?;
    let attempts: Vec<ResentAttempt> = forwards
        .iter()
        .zip(&targets)
        .map(|(forwarded, target)| {
            let attempt = attempt(delivery, forwarded);
            let (attempt, forwarded) = if shared.redact {
                (redact::attempt(&attempt), &redact::forwarded(forwarded))
            } else {
                (attempt, forwarded)
            };
            let sent_headers = shared.sent_headers(delivery, &request, target);
            let (incomplete_status, hint) = (forwarded.incomplete_status(), advice(forwarded, Some(delivery)));
            ResentAttempt { attempt, incomplete_status, sent_headers, hint }
        })
        .collect();
    let provider = assessment.provider.as_deref();
    let (before, after) = if shared.redact {
        (redact::request(original, provider), redact::request(&request, provider))
    } else {
        (original.clone(), request)
    };
    let changes = diff(&before, &after, MAX_DECODED_BYTES);
    shared.history.add_resends(delivery.seq, forwards);
    let mut out = Vec::new();
    let resent =
        ResentDelivery { attempts: &attempts, changes: &changes, renewal: renewal.as_deref(), request: &after };
    json::resent(resent, &mut out);
    Ok(out)
}

/// The result for one target, judged as the provider would.
fn attempt(delivery: &Delivery, forwarded: &Forwarded) -> Attempt {
    let assessment = &delivery.assessment;
    let provider = assessment.provider.as_deref();
    let Forwarded { url, outcome, elapsed } = forwarded.clone();
    let judge = |status| {
        let recorded = RecordedResponse { status: Some(status), elapsed };
        if recorded.is_accepted(provider) { Outcome::Accepted } else { Outcome::Refused }
    };
    let (outcome, reason, response) = match outcome {
        Ok(response) => {
            let status = response.status;
            (judge(status), explain_status(provider, status, elapsed), Some(response))
        }
        Err(ForwardFailure { kind, message }) => {
            let (outcome, status) = match kind {
                ForwardFailureKind::Incomplete(status) => (judge(status), Some(status)),
                ForwardFailureKind::Broken => (Outcome::Refused, None),
                ForwardFailureKind::TimedOut => (Outcome::TimedOut, None),
                ForwardFailureKind::Busy
                | ForwardFailureKind::Returned
                | ForwardFailureKind::Unreachable
                | ForwardFailureKind::Abandoned
                | ForwardFailureKind::Pending => (Outcome::Unreachable, None),
            };
            // Only the status of an incomplete response is kept.
            let response = status.map(|status| Response { status, headers: Headers::default(), body: Bytes::new() });
            (outcome, message, response)
        }
    };
    Attempt {
        provider: provider.map(|provider| provider.name.clone()),
        event: assessment.event.clone(),
        id: assessment.id.clone(),
        source: None,
        url,
        number: 1,
        of: 1,
        outcome,
        good: outcome == Outcome::Accepted,
        elapsed,
        reason,
        remedy: None,
        was: None,
        response,
        clue: None,
    }
}
