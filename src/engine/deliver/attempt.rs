//! Makes the attempts of one delivery, and judges the responses as the provider would.

use std::time::Duration;

use url::Position;

use super::{DeliverError, Dispatcher, Job, JobContent};
use crate::{
    net::{
        client::{SendError, SendResult, Transport, set_host},
        url::with_target,
    },
    webhook::{
        contract::{OriginalDelivery, Tamper, cause},
        delivery::{AttemptSequence, FailedAttempt, Media, retry_after},
        payload::DecodedBody,
        payload::MAX_DECODED_BYTES,
        place::Lookup,
        provider::{
            Provider,
            compose::{AttemptParams, DeliveryDraft, SendContext},
        },
        record::{Attempt, Outcome, OutcomeChange, Response},
        remedy::Remedy,
        request::Request,
        response::{clue::clue, form_clue::unexplained},
        signature::{Reason, Scheme, SigningSecret},
        time::{Timestamp, words},
    },
};

/// One delivery in progress.
pub struct OngoingDelivery<'a> {
    /// The job being delivered.
    pub job: &'a Job,
    secrets: &'a [SigningSecret],
    attempts: AttemptSequence<'a>,
    /// Whether to follow the provider's retry schedule.
    retries: bool,
    state: Option<DeliveryState>,
    number: u32,
}

/// What stays the same in all attempts of a delivery.
#[derive(Debug)]
pub struct DeliveryState {
    context: SendContext,
    /// The payload and the id, if it is an event.
    draft: Option<DeliveryDraft>,
}

impl DeliveryState {
    pub(super) fn new(job: &Job, context: SendContext) -> Self {
        let draft = match &job.content {
            JobContent::Event(prepared) => Some(prepared.draft(&context)),
            JobContent::Capture(_) => None,
        };
        Self { context, draft }
    }

    /// Whether it is an event that the provider does not sign.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.unsigned)
    }

    /// The request of the next attempt.
    ///
    /// # Errors
    ///
    /// If the request can't be tampered with as the job requires.
    pub fn request(
        &self,
        job: &Job,
        attempts: &AttemptSequence<'_>,
        now: Timestamp,
        secrets: &[SigningSecret],
    ) -> Result<Request, DeliverError> {
        let secret = secrets.first();
        match (&job.content, &job.provider, &self.draft) {
            (JobContent::Event(_), Some(provider), Some(draft)) => {
                // To split a URL and join it again takes 5% of the instructions of `send --repeat`.
                let target = if provider.schemes.iter().any(Scheme::needs_url) {
                    job.url.as_str()
                } else {
                    &job.url[Position::BeforePath..Position::AfterQuery]
                };
                let attempt = AttemptParams {
                    encoding: attempts.encoding(),
                    target,
                    now,
                    secret,
                    sent_along: secrets.get(1..).unwrap_or_default(),
                    own_headers: &job.headers,
                };
                match job.tamper {
                    None => Ok(provider.request(draft, &attempt)),
                    Some(tamper) => {
                        tamper.request(&OriginalDelivery { provider, draft, attempt }).map_err(DeliverError::Tamper)
                    }
                }
            }
            (JobContent::Capture(resend), provider, _) => {
                let context = SendContext { now, ..self.context.clone() };
                let mut request = resend.attempt(provider.as_deref(), secret, &context, &job.url, job.target());
                set_host(&mut request.headers, &job.url);
                request.headers.set_all(&job.headers);
                Ok(request)
            }
            (JobContent::Event(_), ..) => unreachable!("an event has a provider and a draft"),
        }
    }
}

/// A finished attempt.
#[derive(Debug)]
pub struct AttemptResult {
    pub attempt: Attempt,
    /// The provider's wait before the next attempt; `None` if this was the last one.
    pub next: Option<Duration>,
}

impl<'a> OngoingDelivery<'a> {
    /// Starts a delivery that is due now. `retries` says whether to follow the provider's schedule.
    #[must_use]
    pub fn new(job: &'a Job, secrets: &'a [SigningSecret], retries: bool) -> Self {
        Self { job, secrets, attempts: job.attempts(retries), retries, state: None, number: 0 }
    }

    /// The number of the next attempt, and the maximum number of attempts.
    #[must_use]
    pub const fn next(&self) -> (u32, u32) {
        (self.number + 1, self.attempts.max_attempts())
    }

    /// Makes the next attempt.
    ///
    /// # Errors
    ///
    /// If the request can't be made, saved or sent, whatever the endpoint does.
    pub async fn attempt<T: Transport>(&mut self, dispatcher: &Dispatcher<T>) -> Result<AttemptResult, DeliverError> {
        let job = self.job;
        self.number += 1;
        let now = dispatcher.now();
        let state = match self.state.take() {
            Some(state) => state,
            None => dispatcher.begin(job)?,
        };
        let signed_at = if job.policy().retry.renews_timestamp { now } else { state.context.now };
        let request = state.request(job, &self.attempts, signed_at, self.secrets)?;
        dispatcher.save(&request, job)?;
        let sent = dispatcher.send(&job.url, &request, dispatcher.timeout(job)).await?;
        let (outcome, reason) = outcome(job, &request, self.secrets.first(), &sent);
        let mut explanation = explain(job, state.is_unsigned(), self.secrets.first(), now, &sent, outcome);
        if let Some(reason) = reason {
            explanation.reason = reason;
        }
        let mut attempt =
            report(job, &request, (self.number, self.attempts.max_attempts()), sent, outcome, explanation);
        if let (Some(tamper), Some(provider), Some(response)) = (job.tamper, &job.provider, &attempt.response) {
            (attempt.good, attempt.reason) = judge_forgery(tamper, provider, response.status);
        }
        let failed = failed(outcome, attempt.response.as_ref(), now);
        let next = failed.and_then(|failed| self.attempts.after(failed));
        if let (true, Some(failed), None) = (self.retries, failed, next) {
            attempt.reason.push_str(&self.why_last(failed));
        }
        self.state = Some(state);
        Ok(AttemptResult { attempt: dispatcher.redacted(attempt), next })
    }

    fn why_last(&self, failed: FailedAttempt) -> String {
        match failed {
            FailedAttempt::Refused { status: Some(status), .. } if self.job.policy().retry.stops_at(status) => {
                format!("; {status} ends the attempts")
            }
            _ => "; that was the last attempt".to_owned(),
        }
    }
}

/// The outcome of a request, and the reason if the handler completed a handshake.
pub(in crate::engine) fn outcome(
    job: &Job,
    request: &Request,
    secret: Option<&SigningSecret>,
    sent: &SendResult,
) -> (Outcome, Option<String>) {
    let handshake = || {
        let (provider, handshake) = (job.provider.as_deref()?, job.handshake()?);
        Some(provider.objection_to_handshake(handshake, request, sent.received()?, secret))
    };
    match handshake() {
        Some(None) => (Outcome::Accepted, Some("the handler completed the handshake".to_owned())),
        Some(Some(objection)) => (Outcome::Refused, Some(objection)),
        None => (judge(job.provider.as_deref(), sent), None),
    }
}

/// How the provider would count the result of a request.
pub(in crate::engine) fn judge(provider: Option<&Provider>, sent: &SendResult) -> Outcome {
    let accepts = |response: &Response| match provider {
        Some(provider) => provider.delivery.objection(&provider.title, response.status, sent.elapsed).is_none(),
        None => (200..300).contains(&response.status),
    };
    match (sent.received(), &sent.response) {
        (Some(response), _) if accepts(response) => Outcome::Accepted,
        (Some(_), _) | (None, Err(SendError::Broken(_) | SendError::Invalid(_) | SendError::OtherProtocol(_))) => {
            Outcome::Refused
        }
        (None, Err(SendError::TimedOut(_))) => Outcome::TimedOut,
        (None, _) => Outcome::Unreachable,
    }
}

/// The reason for an outcome.
pub(in crate::engine) struct OutcomeReason {
    /// In words.
    pub reason: String,
    /// What the user can do about it.
    pub remedy: Option<Remedy>,
}

/// Explains an outcome by the response, then by the request.
pub(in crate::engine) fn explain(
    job: &Job,
    is_unsigned: bool,
    secret: Option<&SigningSecret>,
    now: Timestamp,
    sent: &SendResult,
    outcome: Outcome,
) -> OutcomeReason {
    let (mut reason, mut remedy) = match (&sent.response, sent.received(), job.provider.as_deref()) {
        (Err(error), None, _) => (error.to_string(), error.remedy()),
        (_, Some(response), provider) => {
            let remedy = (response.status == 404).then_some(Remedy::CorrectHandlerPath);
            (explain_status(provider, response.status, sent.elapsed), remedy)
        }
        (Ok(_), None, _) => unreachable!("a response has been received"),
    };
    let remark = match (&job.content, &job.provider) {
        (JobContent::Event(_), _) if is_unsigned => "sent unsigned, as the provider does".to_owned(),
        (JobContent::Capture(resend), _) if !resend.changes.is_empty() => resend.changes.clone(),
        (JobContent::Capture(resend), Some(provider)) if outcome == Outcome::Refused => {
            let secrets = secret.map(std::slice::from_ref).unwrap_or_default();
            match provider.verify(secrets, &resend.request, None, Some(now).into()).rejection().map(|r| &r.reason) {
                Some(Reason::TimestampTooOld { skew, .. } | Reason::Expired { skew, .. }) => {
                    remedy = Some(Remedy::SignAgain);
                    format!("the capture was signed {} ago", words(skew.distance()))
                }
                Some(Reason::NoMatchingSignature { secrets: 1.., .. }) => {
                    remedy = Some(Remedy::SignAgain);
                    "the capture's signature does not match the configured secret".to_owned()
                }
                _ => String::new(),
            }
        }
        _ => String::new(),
    };
    if !remark.is_empty() {
        reason.push_str("; ");
        reason.push_str(&remark);
    }
    OutcomeReason { reason, remedy }
}

/// The reason for an outcome, from the status of the response and the time it took.
pub(in crate::engine) fn explain_status(provider: Option<&Provider>, status: u16, elapsed: Duration) -> String {
    match provider {
        Some(provider) => provider
            .delivery
            .objection(&provider.title, status, elapsed)
            .unwrap_or_else(|| format!("{} expects {}", provider.title, provider.delivery.success_in_words())),
        None if (200..300).contains(&status) => "any 2xx counts as delivered".to_owned(),
        None => format!("{status} is not a 2xx"),
    }
}

/// The report of an attempt; `number` holds its number and the maximum number of attempts.
pub(in crate::engine) fn report(
    job: &Job,
    request: &Request,
    number: (u32, u32),
    sent: SendResult,
    outcome: Outcome,
    explanation: OutcomeReason,
) -> Attempt {
    let clue = sent.received().filter(|_| outcome != Outcome::Accepted).and_then(|response| {
        let media = match (&job.content, &job.provider) {
            (JobContent::Event(_), Some(provider)) => {
                let sent = request.media_type().as_deref().and_then(Media::named);
                sent.or_else(|| provider.delivery.encodings.first().map(|encoding| encoding.media))
            }
            _ => None,
        };
        let is_valid = job.tamper.is_none() && explanation.remedy != Some(Remedy::SignAgain);
        clue(response, media, Some(&request.headers))
            .or_else(|| unexplained(response, media))
            .filter(|clue| is_valid || !clue.only_if_valid && !clue.is_unspecific)
    });
    Attempt {
        provider: job.provider.as_ref().map(|provider| provider.name.clone()),
        event: job.event.clone(),
        id: job.provider.as_deref().and_then(|provider| id_in(provider, request)),
        source: job.source.clone(),
        url: with_target(&job.url, &job.target()),
        number: number.0,
        of: number.1,
        outcome,
        good: outcome == Outcome::Accepted,
        elapsed: sent.elapsed,
        reason: explanation.reason,
        remedy: explanation.remedy,
        // An unreachable handler shows nothing about how its responses have changed.
        was: job.was.filter(|_| outcome != Outcome::Unreachable).map(|was| {
            let was_accepted = was.is_accepted(job.provider.as_deref());
            (was, OutcomeChange::between(was_accepted, outcome == Outcome::Accepted))
        }),
        response: sent.into_received(),
        clue,
    }
}

/// The delivery's id in a request.
fn id_in(provider: &Provider, request: &Request) -> Option<String> {
    let body = provider.decode(request, MAX_DECODED_BYTES).unwrap_or_else(|_| DecodedBody::empty());
    provider.delivery_id(&Lookup::of(request, &body.payload(request)))
}

/// Whether a forgery was rejected, and the reason in words.
fn judge_forgery(tamper: Tamper, provider: &Provider, status: u16) -> (bool, String) {
    if let Some(objection) = cause::objection_to(tamper, &provider.title, status) {
        return (false, objection);
    }
    (true, format!("refused, as it should be: {}", tamper.words()))
}

/// How an attempt failed, for the provider's policy; `None` if it was accepted.
fn failed(outcome: Outcome, response: Option<&Response>, now: Timestamp) -> Option<FailedAttempt> {
    match outcome {
        Outcome::Accepted => None,
        Outcome::TimedOut => Some(FailedAttempt::TimedOut),
        Outcome::Unreachable => Some(FailedAttempt::Unreachable),
        Outcome::Refused => Some(FailedAttempt::Refused {
            status: response.map(|response| response.status),
            retry_after: response
                .and_then(|response| response.headers.text("retry-after"))
                .and_then(|value| retry_after(&value, now)),
        }),
    }
}
