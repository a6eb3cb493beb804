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
        send::plan::{Content, Job},
        target::path_and_query,
    },
    net::sender::{SendError, Sender, Sent},
    render::json,
    store::captures::{CaptureName, CaptureStore},
    webhook::{
        contract::{Tamper, cause, tamper::Original},
        delivery::{Course, Policy},
        provider::{Provider, compose::AttemptOf},
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
    pinned: Option<Timestamp>,
    captures: Option<CaptureStore>,
    tamper: Option<Tamper>,
    /// How many requests were kept.
    kept: AtomicU64,
}

impl Courier {
    /// A courier that accepts any certificate if `insecure`, waits `timeout` instead of what the
    /// provider waits, dates requests with `pinned` instead of the clock, and keeps what it sends.
    pub const fn new(
        insecure: bool,
        timeout: Option<Duration>,
        pinned: Option<Timestamp>,
        captures: Option<CaptureStore>,
    ) -> Self {
        Self { sender: Sender::new(insecure), timeout, pinned, captures, tamper: None, kept: AtomicU64::new(0) }
    }

    /// A courier that spoils what it sends.
    #[must_use]
    pub fn tampering(self, tamper: Option<Tamper>) -> Self {
        Self { tamper, ..self }
    }

    fn now(&self) -> Timestamp {
        self.pinned.unwrap_or_else(now)
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
    let mut course = policy.filter(|_| matches!(job.content, Content::Draft(_))).map(Policy::course);
    let of = course.as_ref().and(policy).filter(|_| courier.tamper.is_none()).map_or(1, Policy::most_attempts);
    let patience = courier.timeout.or_else(|| policy.map(Policy::patience)).unwrap_or(Policy::ASSUMED_TIMEOUT);
    let mut number = 0;
    loop {
        number += 1;
        let request = request_of(courier, job, course.as_ref(), secret)?;
        courier.keep(&request, job)?;
        let sent = courier.sender.send(&job.url, &request, patience).await;
        let (outcome, mut reason) = judge(job.provider.as_deref(), &sent)?;
        let mut exit = outcome_exit(outcome);
        if let (Some(tamper), Some(provider), Ok(answer) | Err(SendError::Cut(answer, _))) =
            (courier.tamper, &job.provider, &sent.answer)
        {
            let objection = cause::objection_to(tamper, &provider.title, answer.status);
            exit = if objection.is_none() { Exit::Good } else { Exit::No };
            reason = objection.unwrap_or_else(|| format!("refused, as it should be: {}", tamper.words()));
        }
        if matches!(&job.content, Content::Draft(draft) if draft.unsigned) {
            reason.push_str("; sent unsigned, as the provider does");
        }
        let attempt = Attempt {
            provider: job.provider.as_ref().map(|provider| provider.name.clone()),
            event: job.event.clone(),
            url: job.url.to_string(),
            number,
            of,
            outcome,
            good: exit == Exit::Good,
            elapsed: sent.elapsed,
            reason,
            answer: match sent.answer {
                Ok(answer) | Err(SendError::Cut(answer, _)) => Some(answer),
                Err(_) => None,
            },
        };
        tell(&attempt)?;
        let again = match (outcome, &mut course) {
            // What is wanted of a forgery is one answer.
            _ if courier.tamper.is_some() => false,
            (Outcome::Refused, Some(course)) => course.after_error(),
            (Outcome::TimedOut, Some(course)) => course.after_timeout(),
            _ => false,
        };
        if !again {
            return Ok(exit);
        }
    }
}

const fn outcome_exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Accepted => Exit::Good,
        Outcome::Refused | Outcome::TimedOut => Exit::No,
        Outcome::Unreachable => Exit::Unreachable,
    }
}

/// The request of the attempt that is due.
///
/// # Errors
///
/// When it is to be spoilt in a way that it can't be.
pub fn request_of(
    courier: &Courier,
    job: &Job,
    course: Option<&Course<'_>>,
    secret: Option<&SigningSecret>,
) -> Result<Request, Failure> {
    let target = path_and_query(&job.url);
    match (&job.content, &job.provider, course) {
        (Content::Draft(draft), Some(provider), Some(course)) => {
            let attempt = AttemptOf {
                encoding: course.encoding(),
                target: &target,
                now: courier.now(),
                secret,
                own_headers: &job.headers,
            };
            match courier.tamper {
                None => Ok(provider.request(draft, &attempt)),
                Some(tamper) => tamper
                    .request(&Original { provider, draft, attempt })
                    .map_err(|problem| Failure::usage(format!("it can't be tampered with: {problem}"))),
            }
        }
        (Content::Capture(request), ..) => {
            let mut request = Request { target, ..(**request).clone() };
            request.headers.set_all(&job.headers);
            Ok(request)
        }
        (Content::Draft(_), ..) => unreachable!("a draft has a provider and a course"),
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
