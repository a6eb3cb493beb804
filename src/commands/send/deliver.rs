//! Makes one delivery: attempt by attempt, in the forms and with the repeats of the provider's
//! policy, until one is accepted or none is left.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    commands::{
        context::now,
        failure::{Exit, Failure},
        send::plan::{Content, Job, moment},
        target::path_and_query,
    },
    net::sender::{SendError, Sender, Sent},
    render::json,
    store::captures::{CaptureName, CaptureStore},
    webhook::{
        delivery::{Course, Policy},
        provider::{
            Provider,
            compose::{AttemptOf, Draft},
        },
        record::{Attempt, Outcome},
        request::Request,
        signature::SigningSecret,
        time::Timestamp,
    },
};

/// What deliveries are made with.
pub struct Courier {
    sender: Sender,
    timeout: Option<Duration>,
    pins: Pins,
    captures: Option<CaptureStore>,
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
    /// A courier that accepts any certificate if `insecure`, waits `timeout` instead of what the
    /// provider waits, and keeps what it sends.
    pub const fn new(insecure: bool, timeout: Option<Duration>, pins: Pins, captures: Option<CaptureStore>) -> Self {
        Self { sender: Sender::new(insecure), timeout, pins, captures, kept: AtomicU64::new(0) }
    }

    fn now(&self) -> Timestamp {
        self.pins.now.unwrap_or_else(now)
    }

    /// A new delivery of a job; none of a captured request.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn draft(&self, job: &Job) -> Result<Option<Draft>, Failure> {
        match &job.content {
            Content::Event(recipe) => Ok(Some(recipe.draft(&moment(self.now(), self.pins.id.clone())?))),
            Content::Capture(_) => Ok(None),
        }
    }

    fn keep(&self, request: &Request, job: &Job) -> Result<(), Failure> {
        let Some(store) = &self.captures else { return Ok(()) };
        let time = self.now();
        let seq = self.kept.fetch_add(1, Ordering::Relaxed) + 1;
        let mut object = Vec::new();
        json::sent_capture(request, time, &mut object);
        let name = CaptureName { received_at: time, seq, label: job.event.as_deref() };
        let kept = store.write(&name, object.trim_ascii_end());
        kept.map(drop).map_err(|error| Failure::new(Exit::No, "what was to be sent could not be kept").because(&error))
    }
}

/// Delivers a job and tells of each attempt; the exit code is that of the last one.
///
/// # Errors
///
/// When the request can't be sent at all, or an attempt not be told.
pub async fn deliver(
    courier: &Courier,
    job: &Job,
    secret: Option<&SigningSecret>,
    mut tell: impl FnMut(&Attempt) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let policy = job.provider.as_ref().map(|provider| &provider.delivery);
    let draft = courier.draft(job)?;
    let mut course = policy.filter(|_| draft.is_some()).map(Policy::course);
    let of = course.as_ref().and(policy).map_or(1, Policy::most_attempts);
    let patience = courier.timeout.or_else(|| policy.map(Policy::patience)).unwrap_or(Policy::ASSUMED_TIMEOUT);
    let mut number = 0;
    loop {
        number += 1;
        let request = request_of(courier, job, draft.as_ref().zip(course.as_ref()), secret);
        courier.keep(&request, job)?;
        let sent = courier.sender.send(&job.url, &request, patience).await;
        let (outcome, mut reason) = judge(job.provider.as_deref(), &sent)?;
        if draft.as_ref().is_some_and(|draft| draft.unsigned) {
            reason.push_str("; sent unsigned, as the provider does");
        }
        let attempt = Attempt {
            provider: job.provider.as_ref().map(|provider| provider.name.clone()),
            event: job.event.clone(),
            url: job.url.to_string(),
            number,
            of,
            outcome,
            elapsed: sent.elapsed,
            reason,
            answer: match sent.answer {
                Ok(answer) | Err(SendError::Cut(answer, _)) => Some(answer),
                Err(_) => None,
            },
        };
        tell(&attempt)?;
        let again = match (outcome, &mut course) {
            (Outcome::Refused, Some(course)) => course.after_error(),
            (Outcome::TimedOut, Some(course)) => course.after_timeout(),
            _ => false,
        };
        if !again {
            return Ok(match outcome {
                Outcome::Accepted => Exit::Good,
                Outcome::Refused | Outcome::TimedOut => Exit::No,
                Outcome::Unreachable => Exit::Unreachable,
            });
        }
    }
}

/// The request of the attempt of a draft that is due, or the captured one.
pub fn request_of(
    courier: &Courier,
    job: &Job,
    due: Option<(&Draft, &Course<'_>)>,
    secret: Option<&SigningSecret>,
) -> Request {
    let target = path_and_query(&job.url);
    match (&job.content, &job.provider, due) {
        (Content::Event(_), Some(provider), Some((draft, course))) => {
            let attempt = AttemptOf {
                encoding: course.encoding(),
                target: &target,
                now: courier.now(),
                secret,
                own_headers: &job.headers,
            };
            provider.request(draft, &attempt)
        }
        (Content::Capture(request), ..) => {
            let mut request = Request { target, ..(**request).clone() };
            request.headers.set_all(&job.headers);
            request
        }
        (Content::Event(_), ..) => unreachable!("an event has a provider, and is drafted first"),
    }
}

/// What the provider would say of an answer, and why.
fn judge(provider: Option<&Provider>, sent: &Sent) -> Result<(Outcome, String), Failure> {
    let answer = match &sent.answer {
        // The status is all that a provider looks at.
        Ok(answer) | Err(SendError::Cut(answer, _)) => answer,
        Err(error @ SendError::TimedOut(_)) => return Ok((Outcome::TimedOut, error.to_string())),
        Err(error @ SendError::Unreachable(_)) => return Ok((Outcome::Unreachable, error.to_string())),
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
