//! The handler that is tried: what it is sent, what came back, and whether it takes anything at all.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;

use super::targets::Target;
use crate::{
    commands::{
        exit::{Exit, Failure},
        remedies,
    },
    engine::{clock::now, entropy::moment},
    net::{
        sender::{SendError, Sender, Sent, Transport},
        url::path_and_query,
    },
    webhook::{
        contract::{
            Case, Delivery, Gist, Trial, Want,
            cause::{self, Explained, Met},
            judge::{Fault, NoAnswer, Seen, judge},
        },
        keyring::Keyring,
        provider::{Provider, event::Event},
        request::Headers,
    },
};

/// What handlers are tried with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// What sends.
    pub sender: &'a Sender,
    /// How long to wait, instead of what the provider waits.
    pub timeout: Option<Duration>,
    /// What signs.
    pub keyring: &'a Keyring,
    /// The user's own headers.
    pub own_headers: &'a Headers,
}

/// A handler.
pub struct Handler<'a> {
    /// Whose contract it is to keep.
    pub provider: &'a Provider,
    /// How long an answer is waited for.
    pub patience: Duration,
    url: &'a Url,
    target: String,
    means: Means<'a>,
}

/// What the first deliveries showed.
pub enum Probed<'a> {
    /// The handler takes this event; and what came back for each that was sent.
    Usable(&'a Event, Vec<(&'a Event, Seen)>),
    /// It takes none: what came back for the first of them, and what it means.
    Unusable(&'a Event, Failed),
}

/// How a case failed.
pub struct Failed {
    /// The fault.
    pub fault: Fault,
    /// What the delivery has of its own among those of its case.
    pub how: Option<String>,
    /// What the answer's body says.
    pub gist: Option<Gist>,
    /// How long the answer took.
    pub elapsed: Duration,
    /// What is to be said, when that is known already.
    pub explained: Option<Explained>,
}

impl<'a> Handler<'a> {
    /// The handler of a target.
    pub fn new(target: &'a Target, means: Means<'a>) -> Self {
        let provider = target.provider.as_ref();
        Self {
            provider,
            patience: means.timeout.unwrap_or_else(|| provider.delivery.timeout_or_default()),
            url: &target.url,
            target: path_and_query(&target.url),
            means,
        }
    }

    /// What the requests of a case are made with.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn trial(&self) -> Result<Trial<'_>, Failure> {
        let moment = moment(now(), None)?;
        Ok(Trial {
            provider: self.provider,
            now: moment.now,
            entropy: moment.entropy,
            target: &self.target,
            secret: self.means.keyring.secrets(&self.provider.name).first(),
            own_headers: self.means.own_headers,
        })
    }

    /// Looks whether the handler takes any good delivery: these events one after the other, then the other forms of
    /// the first.
    ///
    /// # Errors
    ///
    /// When a request can't be made.
    pub async fn probe(&self, events: &[&'a Event]) -> Result<Probed<'a>, Failure> {
        let trial = self.trial()?;
        let forms = self.provider.delivery.encodings.len();
        let probes = events.iter().map(|event| (*event, 0)).chain((1..forms).map(|form| (events[0], form)));
        let mut seen: Vec<(&Event, Seen)> = Vec::new();
        for (event, form) in probes {
            let deliveries = trial.plain(event).map_err(Failure::usage)?;
            let came = self.send(&deliveries[form]).await?;
            let (taken, silent) = (self.takes(&came), came.answer.is_err());
            if form == 0 {
                seen.push((event, came));
            }
            if taken {
                return Ok(Probed::Usable(event, seen));
            }
            if silent {
                break;
            }
        }
        let (event, first) = seen.swap_remove(0);
        self.unusable(event, &first).await
    }

    /// Whether the handler takes a delivery. Any 2xx says so; that it is the right one is for the cases to say.
    fn takes(&self, seen: &Seen) -> bool {
        let accepts = |status: &u16| (200..300).contains(status) || self.provider.delivery.accepts(*status);
        seen.answer.as_ref().is_ok_and(accepts)
    }

    async fn unusable(&self, event: &'a Event, seen: &Seen) -> Result<Probed<'a>, Failure> {
        let Err(fault) = judge(Want::Accepted, &self.provider.delivery, seen) else {
            return Ok(Probed::Usable(event, vec![(event, seen.clone())]));
        };
        let refused = matches!(fault, Fault::Refused(400 | 401 | 403));
        let spaced = match self.trial()?.spaced(event).filter(|_| refused) {
            Some(delivery) => self.takes(&self.send(&delivery).await?),
            None => false,
        };
        let met =
            Met { provider: self.provider, fault: &fault, how: None, elapsed: seen.elapsed, patience: self.patience };
        let source = self.means.keyring.source(&self.provider.name, 0).filter(|_| !event.unsigned);
        let explained = Some(cause::unusable(&met, source, spaced));
        Ok(Probed::Unusable(
            event,
            Failed { fault, how: None, gist: seen.gist.clone(), elapsed: seen.elapsed, explained },
        ))
    }

    /// Sends a case's requests: all at once, or one after the other up to the first that decides the case.
    ///
    /// # Errors
    ///
    /// When a request can't be made.
    pub async fn send_all(&self, case: &Case<'_>, deliveries: &[Delivery]) -> Result<Vec<Seen>, Failure> {
        if case.is_at_once() {
            let sent = join_all(deliveries.iter().map(|delivery| self.send(delivery))).await;
            return sent.into_iter().collect();
        }
        let mut seen = Vec::new();
        for delivery in deliveries {
            let answered = self.send(delivery).await?;
            let good = judge(case.name.want(), &self.provider.delivery, &answered).is_ok();
            seen.push(answered);
            if !good {
                break;
            }
        }
        Ok(seen)
    }

    async fn send(&self, delivery: &Delivery) -> Result<Seen, Failure> {
        let sending = Transport::send(self.means.sender, self.url, &delivery.request, self.patience);
        let Sent { answer, elapsed } = sending.await;
        let mut gist = None;
        let answer = match answer {
            // The status is all that a provider looks at.
            Ok(answer) | Err(SendError::Cut(answer, _)) => {
                gist = Gist::of(&answer.body);
                Ok(answer.status)
            }
            Err(SendError::TimedOut(_)) => Err(NoAnswer::TimedOut),
            Err(SendError::Broken(how)) => Err(NoAnswer::Broken(how)),
            Err(error @ (SendError::Unreachable(_) | SendError::Untrusted(_))) => {
                Err(NoAnswer::Unreachable(remedies::with_remedy(&error)))
            }
            Err(error @ (SendError::Url { .. } | SendError::Unsendable(_))) => {
                return Err(Failure::new(Exit::Unreachable, error.to_string()));
            }
        };
        Ok(Seen { answer, gist, elapsed })
    }
}
