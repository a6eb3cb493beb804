//! Makes the attempts of a delivery, each in the form that the provider's policy has due, and
//! judges the answers as the provider would.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use reqwest::Url;

use crate::{
    commands::{
        exit::{Exit, Failure},
        remedies,
        send::plan::{Content, Job},
    },
    engine::{clock::now, entropy::entropy},
    net::{
        sender::{SendError, Sender, Sent, Transport},
        url::path_and_query,
    },
    store::captures::{CaptureName, CaptureStore},
    webhook::{
        capture,
        contract::{Tamper, cause, tamper::Original},
        delivery::{self, AttemptSequence, FailedAttempt, Policy, retry_after},
        provider::{
            Provider,
            compose::{AttemptParams, Draft, SendContext},
        },
        record::{Attempt, Outcome, Response},
        redact,
        request::Request,
        signature::{Reason, SigningSecret},
        time::{Timestamp, words},
    },
};

/// What deliveries are made with.
pub struct Courier<T = Sender> {
    transport: T,
    timeout: Option<Duration>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    id: Option<String>,
    captures: Option<CaptureStore>,
    /// Whether what is kept and told has no credentials.
    redacts: bool,
    /// How many requests were kept.
    kept: AtomicU64,
}

/// What the user holds fast, where each delivery would have its own.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    /// The time.
    pub now: Option<Timestamp>,
    /// The delivery's id.
    pub id: Option<String>,
}

impl Courier {
    /// A courier that waits `timeout` instead of what the provider waits, and keeps what it sends.
    pub fn new(transport: Sender, timeout: Option<Duration>, pins: Pins, captures: Option<CaptureStore>) -> Self {
        let clock = Box::new(move || pins.now.unwrap_or_else(now));
        Self { transport, timeout, clock, id: pins.id, captures, redacts: false, kept: AtomicU64::new(0) }
    }

    /// The same, which keeps and tells no credentials if it `redacts`.
    pub fn redacting(self, redacts: bool) -> Self {
        Self { redacts, ..self }
    }
}

impl Courier {
    /// Sends a request to a URL and waits up to `patience` for the whole answer.
    pub async fn send(&self, url: &Url, request: &Request, patience: Duration) -> Sent {
        self.transport.send(url, request, patience).await
    }
}

impl<T> Courier<T> {
    /// The time that the request which is made now is dated with.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What stays the same in all attempts of a delivery that begins now.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn begin(&self, job: &Job) -> Result<Begun, Failure> {
        Ok(self.begin_with(job, self.now(), entropy()?))
    }

    /// The same with a time and randomness of the caller's.
    pub fn begin_with(&self, job: &Job, now: Timestamp, entropy: [u8; 32]) -> Begun {
        let moment = SendContext { now, id: self.id.clone(), entropy };
        let draft = match &job.content {
            Content::Event(recipe) => Some(recipe.draft(&moment)),
            Content::Capture(_) => None,
        };
        Begun { moment, draft }
    }

    /// How long an attempt of a job waits for its answer.
    pub fn patience(&self, job: &Job) -> Duration {
        self.timeout.unwrap_or_else(|| job.policy().timeout_or_default())
    }

    /// An attempt as it is told.
    pub fn told(&self, attempt: Attempt) -> Attempt {
        if self.redacts { redact::attempt(&attempt) } else { attempt }
    }

    /// Keeps a request that is about to be sent, if that is wanted.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn keep(&self, request: &Request, job: &Job) -> Result<(), Failure> {
        let Some(store) = &self.captures else { return Ok(()) };
        let time = self.now();
        let seq = self.kept.fetch_add(1, Ordering::Relaxed) + 1;
        let mut object = Vec::new();
        if self.redacts {
            capture::write_sent(&redact::request(request), time, &mut object);
        } else {
            capture::write_sent(request, time, &mut object);
        }
        let name = CaptureName { received_at: time, seq, label: job.event.as_deref() };
        let kept = store.write(&name, object.trim_ascii_end());
        kept.map(drop)
            .map_err(|error| Failure::new(Exit::Failed, "what was to be sent could not be kept").because(&error))
    }
}

/// One delivery under way.
pub struct Delivery<'a> {
    /// What is delivered.
    pub job: &'a Job,
    secret: Option<&'a SigningSecret>,
    course: AttemptSequence<'a>,
    /// Whether the provider's schedule is followed.
    retries: bool,
    begun: Option<Begun>,
    number: u32,
}

/// What stays the same in all attempts of a delivery.
pub struct Begun {
    /// Its beginning.
    moment: SendContext,
    /// Its payload and id, of an event.
    draft: Option<Draft>,
}

impl Begun {
    /// Whether it is an event that the provider does not sign.
    pub fn is_unsigned(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.unsigned)
    }
}

/// An attempt that was made, and the wait until the next one; none when there is none.
pub struct Made {
    /// The attempt.
    pub attempt: Attempt,
    /// The provider's wait.
    pub next: Option<Duration>,
}

impl Made {
    /// The exit code, should this be the last attempt.
    pub const fn exit(&self) -> Exit {
        match self.attempt.outcome {
            _ if self.attempt.good => Exit::Success,
            Outcome::Accepted | Outcome::Refused | Outcome::TimedOut => Exit::Failed,
            Outcome::Unreachable => Exit::Unreachable,
        }
    }
}

impl<'a> Delivery<'a> {
    /// A delivery that is due now; `retry` says whether the provider's schedule is followed.
    pub fn new(job: &'a Job, secret: Option<&'a SigningSecret>, retry: bool) -> Self {
        Self { job, secret, course: job.course(retry), retries: retry, begun: None, number: 0 }
    }

    /// The number of the attempt that is due, and of how many.
    pub const fn due(&self) -> (u32, u32) {
        (self.number + 1, self.course.max_attempts())
    }

    /// Why there is no attempt after one that failed.
    fn end_of(&self, failed: FailedAttempt) -> String {
        match failed {
            FailedAttempt::Refused { status: Some(status), .. } if self.job.policy().retry.stops_at(status) => {
                format!("; {status} ends the attempts")
            }
            _ => "; that was the last attempt".to_owned(),
        }
    }

    /// Makes the attempt that is due.
    ///
    /// # Errors
    ///
    /// When the request can't be sent at all, or not be kept.
    pub async fn attempt<T: Transport>(&mut self, courier: &Courier<T>) -> Result<Made, Failure> {
        let (job, policy) = (self.job, self.job.policy());
        self.number += 1;
        let now = courier.now();
        let begun = match &mut self.begun {
            Some(begun) => begun,
            none => none.insert(courier.begin(job)?),
        };
        let dated = if policy.retry.renews_timestamp { now } else { begun.moment.now };
        let request = request_of(job, begun, &self.course, dated, self.secret)?;
        courier.keep(&request, job)?;
        let sent = courier.transport.send(&job.url, &request, courier.patience(job)).await;
        let (outcome, mut reason) = judge(job.provider.as_deref(), &sent)?;
        reason.push_str(&remark(job, begun.is_unsigned(), outcome, self.secret, now));
        let answer = match sent.answer {
            Ok(answer) | Err(SendError::Cut(answer, _)) => Some(answer),
            Err(_) => None,
        };
        let mut good = outcome == Outcome::Accepted;
        if let (Some(tamper), Some(provider), Some(answer)) = (job.tamper, &job.provider, &answer) {
            (good, reason) = forged(tamper, provider, answer.status);
        }
        let failed = failed(outcome, answer.as_ref(), now);
        let next = failed.and_then(|failed| self.course.after(failed));
        if let (true, Some(failed), None) = (self.retries, failed, next) {
            reason.push_str(&self.end_of(failed));
        }
        let attempt = Attempt {
            provider: job.provider.as_ref().map(|provider| provider.name.clone()),
            event: job.event.clone(),
            source: job.source.clone(),
            url: job.url.to_string(),
            number: self.number,
            of: self.course.max_attempts(),
            outcome,
            good,
            elapsed: sent.elapsed,
            reason,
            response: answer,
        };
        Ok(Made { attempt: courier.told(attempt), next })
    }
}

/// Whether a forgery was refused, and that in words.
fn forged(tamper: Tamper, provider: &Provider, status: u16) -> (bool, String) {
    if let Some(objection) = cause::objection_to(tamper, &provider.title, status) {
        return (false, objection);
    }
    let doubt = match status {
        404 | 405 | 410 => format!("; but {status} may say that no handler is at this URL"),
        _ => String::new(),
    };
    (true, format!("refused, as it should be: {}{doubt}", tamper.words()))
}

/// What is to be said of a request that may explain its outcome.
pub fn remark(job: &Job, unsigned: bool, outcome: Outcome, secret: Option<&SigningSecret>, now: Timestamp) -> String {
    match (&job.content, &job.provider) {
        (Content::Event(_), _) if unsigned => "; sent unsigned, as the provider does".to_owned(),
        (Content::Capture(captured), _) if !captured.changes.is_empty() => format!("; {}", captured.changes),
        (Content::Capture(captured), Some(provider)) if outcome == Outcome::Refused => {
            let secrets = secret.map(std::slice::from_ref).unwrap_or_default();
            match provider.verify(secrets, &captured.request, None, Some(now).into()).rejection().map(|r| &r.reason) {
                Some(Reason::TimestampTooOld { skew, .. }) => {
                    format!("; it was signed {} ago, and --resign signs it anew", words(skew.distance()))
                }
                Some(Reason::NoMatchingSignature { secrets: 1.., .. }) => {
                    "; its signature does not match under the secret that is set here, and --resign signs it anew"
                        .to_owned()
                }
                _ => String::new(),
            }
        }
        _ => String::new(),
    }
}

/// What the policy is told of an attempt; nothing of one that was accepted.
fn failed(outcome: Outcome, answer: Option<&Response>, now: Timestamp) -> Option<FailedAttempt> {
    match outcome {
        Outcome::Accepted => None,
        Outcome::TimedOut => Some(FailedAttempt::TimedOut),
        Outcome::Unreachable => Some(FailedAttempt::Unreachable),
        Outcome::Refused => Some(FailedAttempt::Refused {
            status: answer.map(|answer| answer.status),
            retry_after: answer
                .and_then(|answer| answer.headers.text("retry-after"))
                .and_then(|value| retry_after(&value, now)),
        }),
    }
}

impl Job {
    /// How its provider delivers, or what is assumed of one that is not known.
    pub fn policy(&self) -> &Policy {
        self.provider.as_ref().map_or(&*delivery::UNKNOWN, |provider| &provider.delivery)
    }

    /// Where its delivery begins.
    pub fn course(&self, retry: bool) -> AttemptSequence<'_> {
        match self.content {
            // What is wanted of a forgery is one answer.
            Content::Event(_) if self.tamper.is_some() => self.policy().attempts_of_bytes(false),
            Content::Event(_) => self.policy().attempts(retry),
            Content::Capture(_) => self.policy().attempts_of_bytes(retry),
        }
    }
}

/// The request of the attempt that is due.
///
/// # Errors
///
/// When it is to be spoilt in a way that it can't be.
pub fn request_of(
    job: &Job,
    begun: &Begun,
    course: &AttemptSequence<'_>,
    now: Timestamp,
    secret: Option<&SigningSecret>,
) -> Result<Request, Failure> {
    let target = path_and_query(&job.url);
    match (&job.content, &job.provider, &begun.draft) {
        (Content::Event(_), Some(provider), Some(draft)) => {
            let attempt =
                AttemptParams { encoding: course.encoding(), target: &target, now, secret, own_headers: &job.headers };
            match job.tamper {
                None => Ok(provider.request(draft, &attempt)),
                Some(tamper) => tamper
                    .request(&Original { provider, draft, attempt })
                    .map_err(|problem| Failure::usage(format!("it can't be tampered with: {problem}"))),
            }
        }
        (Content::Capture(captured), provider, _) => {
            let moment = SendContext { now, ..begun.moment.clone() };
            let mut request = Request { target, ..captured.attempt(provider.as_deref(), secret, &moment) };
            // The one that it was captured at is not the one that it goes to.
            request.headers.remove("host");
            request.headers.set_all(&job.headers);
            Ok(request)
        }
        (Content::Event(_), ..) => unreachable!("an event has a provider, and is drafted first"),
    }
}

/// What the provider would say of an answer, and why.
///
/// # Errors
///
/// When the request can't be sent at all.
pub fn judge(provider: Option<&Provider>, sent: &Sent) -> Result<(Outcome, String), Failure> {
    let answer = match &sent.answer {
        // The status is all that a provider looks at.
        Ok(answer) | Err(SendError::Cut(answer, _)) => answer,
        Err(error @ SendError::TimedOut(_)) => return Ok((Outcome::TimedOut, error.to_string())),
        Err(error @ (SendError::Unreachable(_) | SendError::Untrusted(_))) => {
            return Ok((Outcome::Unreachable, remedies::with_remedy(error)));
        }
        Err(error @ SendError::Broken(_)) => return Ok((Outcome::Refused, error.to_string())),
        Err(error @ (SendError::Url { .. } | SendError::Unsendable(_))) => {
            return Err(Failure::new(Exit::Unreachable, error.to_string()));
        }
    };
    Ok(match provider {
        Some(provider) => match provider.delivery.objection(&provider.title, answer.status, sent.elapsed) {
            None => (Outcome::Accepted, format!("{} wants {}", provider.title, provider.delivery.success_in_words())),
            Some(objection) => (Outcome::Refused, objection),
        },
        None if (200..300).contains(&answer.status) => (Outcome::Accepted, "any 2xx counts as delivered".to_owned()),
        None => (Outcome::Refused, format!("{} is no 2xx", answer.status)),
    })
}

#[cfg(test)]
impl<T> Courier<T> {
    /// A courier of a test, which brings its own transport and clock.
    pub fn with(transport: T, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            transport,
            timeout: None,
            clock: Box::new(clock),
            id: Some("msg_1".to_owned()),
            captures: None,
            redacts: false,
            kept: AtomicU64::new(0),
        }
    }
}
