//! Tries the cases on a handler, one after the other, and tells of each. A handler that takes no good delivery is not
//! tried further, and neither is one that is gone.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;

use super::{Chosen, targets::Target, teller::Teller};
use crate::{
    cli::Check,
    commands::{
        context::now,
        failure::{Exit, Failure},
        send::moment,
        target::path_and_query,
    },
    net::sender::{SendError, Sender, Sent},
    webhook::{
        contract::{
            Case, CaseName, CaseRecord, Delivery, Outcome, Tally, Trial, Want,
            cause::{self, Explained, Known, Met},
            judge::{Fault, NoAnswer, Seen, judge},
            probes,
        },
        keyring::Keyring,
        provider::{Provider, event::Event},
        request::Headers,
    },
};

/// Tries cases.
pub struct Runner<'a> {
    sender: Sender,
    timeout: Option<Duration>,
    keyring: &'a Keyring,
    own_headers: &'a Headers,
    chosen: &'a Chosen,
    teller: Teller<'a>,
    tally: Tally,
    /// What the cases have shown of the handler that is tried.
    known: Known,
    /// Cases that are told of together, as one explains the other.
    pending: Vec<Tried<'a>>,
}

/// A case that was tried.
struct Tried<'a> {
    provider: &'a Provider,
    case: Case<'a>,
    record: CaseRecord,
    failed: Option<Failed>,
    patience: Duration,
}

/// How a case failed.
struct Failed {
    fault: Fault,
    how: Option<String>,
    elapsed: Duration,
    /// What is to be said, when that is known already.
    explained: Option<Explained>,
}

/// The handler that is tried.
struct Handler<'a> {
    provider: &'a Provider,
    url: &'a Url,
    target: String,
    patience: Duration,
}

/// What the first deliveries showed.
enum Probed<'a> {
    /// The handler takes this event; and what came back for each that was sent.
    Usable(&'a Event, Vec<(&'a Event, Seen)>),
    /// It takes none.
    Unusable(Box<(&'a Event, Failed)>),
}

impl<'a> Runner<'a> {
    /// A runner that tells of what it sees.
    pub fn new(
        args: &Check,
        keyring: &'a Keyring,
        own_headers: &'a Headers,
        chosen: &'a Chosen,
        teller: Teller<'a>,
    ) -> Self {
        Self {
            // What one case does to its connection is nothing to the next.
            sender: Sender::new(args.insecure).one_request_a_connection(),
            timeout: args.timeout,
            keyring,
            own_headers,
            chosen,
            teller,
            tally: Tally::default(),
            known: Known::default(),
            pending: Vec::new(),
        }
    }

    /// Checks one handler after the other.
    ///
    /// # Errors
    ///
    /// When a request can't be made, or the output not be written.
    pub async fn check_all(&mut self, targets: &'a [Target]) -> Result<Exit, Failure> {
        let mut exit = Exit::Good;
        for target in targets {
            let one = self.check(target).await?;
            self.tell_pending()?;
            self.known = Known::default();
            exit = if one as u8 > exit as u8 { one } else { exit };
        }
        Ok(if exit == Exit::Good && self.tally.failed > 0 { Exit::No } else { exit })
    }

    /// Tells what is left to tell.
    ///
    /// # Errors
    ///
    /// When the output can't be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.tell_pending()?;
        self.teller.finish(self.tally)
    }

    async fn check(&mut self, target: &'a Target) -> Result<Exit, Failure> {
        let provider = target.provider.as_ref();
        let handler = Handler {
            provider,
            url: &target.url,
            target: path_and_query(&target.url),
            patience: self.timeout.unwrap_or_else(|| provider.delivery.patience()),
        };
        let probes = probes(provider);
        let Some(first) = probes.first().copied() else { return Ok(Exit::Good) };
        match self.probe(&handler, &probes).await? {
            Probed::Usable(exemplar, seen) => {
                let cases = self.chosen.cases(provider, exemplar);
                self.teller.begin(target, &cases)?;
                self.try_all(&handler, cases, seen).await?;
                Ok(Exit::Good)
            }
            Probed::Unusable(shown) => {
                let (event, failed) = *shown;
                let exit = match failed.fault {
                    Fault::None(NoAnswer::Unreachable(_)) => Exit::Unreachable,
                    _ => Exit::No,
                };
                let cases = self.chosen.cases(provider, first);
                self.teller.begin(target, &cases)?;
                self.stop(&handler, cases, event, failed)?;
                Ok(exit)
            }
        }
    }

    /// Looks whether the handler takes any good delivery: the events one after the other, then the other forms.
    async fn probe(&self, handler: &Handler<'a>, events: &[&'a Event]) -> Result<Probed<'a>, Failure> {
        let provider = handler.provider;
        let trial = self.trial(handler)?;
        let mut seen: Vec<(&Event, Seen)> = Vec::new();
        for (form, _) in provider.delivery.encodings.iter().enumerate() {
            for event in if form == 0 { events } else { &events[..1] } {
                let deliveries = trial.plain(event).map_err(Failure::usage)?;
                let came = self.send(handler, &deliveries[form]).await?;
                // Any 2xx is what the handler takes for success; that it is the right one is for the cases to say.
                let accepts = |status: &u16| (200..300).contains(status) || provider.delivery.accepts(*status);
                let taken = came.answer.as_ref().is_ok_and(accepts);
                let silent = came.answer.is_err();
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
            if seen.iter().any(|(_, came)| came.answer.is_err()) {
                break;
            }
        }
        let (event, came) = seen.swap_remove(0);
        let Err(fault) = judge(Want::Accepted, &provider.delivery, &came) else {
            return Ok(Probed::Usable(event, vec![(event, came)]));
        };
        let refused = matches!(fault, Fault::Refused(400 | 401 | 403));
        let spaced = match trial.spaced(event).filter(|_| refused) {
            Some(delivery) => {
                let came = self.send(handler, &delivery).await?;
                came.answer.is_ok_and(|status| (200..300).contains(&status))
            }
            None => false,
        };
        let elapsed = came.elapsed;
        let met = Met { provider, fault: &fault, how: None, elapsed, patience: handler.patience };
        let source = self.keyring.source(&provider.name, 0).filter(|_| !event.unsigned);
        let explained = Some(cause::unusable(&met, source, spaced));
        Ok(Probed::Unusable(Box::new((event, Failed { fault, how: None, elapsed, explained }))))
    }

    /// Tells of a handler that takes no good delivery: of the one that it was shown, and of all that is left out.
    fn stop(
        &mut self,
        handler: &Handler<'a>,
        cases: Vec<Case<'a>>,
        event: &'a Event,
        failed: Failed,
    ) -> Result<(), Failure> {
        let provider = handler.provider;
        let case = Case::plain(event);
        let mut record = case.record(provider);
        record.status = status_of(&failed.fault);
        record.elapsed = Some(failed.elapsed);
        self.pending.push(Tried { provider, case, record, failed: Some(failed), patience: handler.patience });
        let is_told = |case: &Case<'_>| {
            case.name == CaseName::EventAccepted && case.variant.is_none() && case.event.name == event.name
        };
        for case in cases.into_iter().filter(|case| !is_told(case)) {
            self.skip(handler, case, "not tried, as the handler takes no good delivery")?;
        }
        Ok(())
    }

    async fn try_all(
        &mut self,
        handler: &Handler<'a>,
        cases: Vec<Case<'a>>,
        mut probed: Vec<(&'a Event, Seen)>,
    ) -> Result<(), Failure> {
        let mut cases = cases.into_iter();
        let mut before: Option<(CaseName, bool)> = None;
        while let Some(case) = cases.next() {
            let trial = self.trial(handler)?;
            let deliveries = match &case.skipped {
                Some(why) => Err(why.clone()),
                None => case.deliveries(&trial),
            };
            let deliveries = match deliveries {
                Ok(deliveries) => deliveries,
                Err(why) => {
                    self.skip(handler, case, &why)?;
                    continue;
                }
            };
            let is_probe = case.name == CaseName::EventAccepted && case.variant.is_none();
            let known = probed.iter().position(|(event, _)| is_probe && event.name == case.event.name);
            let seen = match known {
                Some(place) => vec![probed.swap_remove(place).1],
                None => self.send_all(handler, &case, &deliveries).await?,
            };
            let name = case.name;
            let (mut tried, place) = judged(handler, case, &deliveries, &seen);
            let gone = match &tried.failed {
                Some(Failed { fault: Fault::None(NoAnswer::Unreachable(how)), .. }) => Some(how.clone()),
                _ => None,
            };
            let Some(how) = gone else {
                let broke = matches!(&tried.failed, Some(Failed { fault: Fault::None(NoAnswer::Broken(_)), .. }));
                before = Some((name, broke));
                self.learn(tried)?;
                continue;
            };
            // What was sent last before it was gone is what it did not survive.
            let culprit = match before {
                Some((before, _)) if place == 0 && !tried.case.is_at_once() => before,
                _ => name,
            };
            let reason = format!("not tried, as the handler is gone since `{}`", culprit.as_str());
            if culprit != name && before.is_some_and(|(_, broke)| broke) {
                self.skip(handler, tried.case, &reason)?;
            } else {
                if let Some(failed) = &mut tried.failed {
                    failed.explained = Some(ended(&how, culprit));
                }
                self.learn(tried)?;
            }
            for case in cases.by_ref() {
                self.skip(handler, case, &reason)?;
            }
        }
        Ok(())
    }

    /// Takes in how a case came out. Forgeries are told of together: what one shows explains the others.
    fn learn(&mut self, tried: Tried<'a>) -> Result<(), Failure> {
        let name = tried.case.name;
        self.known.learn(name, tried.failed.as_ref().map(|failed| failed.fault.clone()));
        if name.want() != Want::Refused {
            self.tell_pending()?;
        }
        self.pending.push(tried);
        if name.want() == Want::Refused { Ok(()) } else { self.tell_pending() }
    }

    fn skip(&mut self, handler: &Handler<'a>, case: Case<'a>, why: &str) -> Result<(), Failure> {
        if case.name.want() != Want::Refused {
            self.tell_pending()?;
        }
        let mut record = case.record(handler.provider);
        // What makes no sense at all is not left out for another reason.
        record.outcome = Outcome::Skipped(case.skipped.clone().unwrap_or_else(|| why.to_owned()));
        let patience = handler.patience;
        self.pending.push(Tried { provider: handler.provider, case, record, failed: None, patience });
        Ok(())
    }

    fn tell_pending(&mut self) -> Result<(), Failure> {
        for tried in self.pending.drain(..) {
            let Tried { provider, case, mut record, failed, patience } = tried;
            match failed {
                Some(Failed { fault, how, elapsed, explained }) => {
                    let met = Met { provider, fault: &fault, how: how.as_deref(), elapsed, patience };
                    let Explained { message, hint } =
                        explained.unwrap_or_else(|| cause::explain(&case, &met, &self.known));
                    record.outcome = Outcome::Failed { message, hint };
                }
                None if matches!(record.outcome, Outcome::Skipped(_)) => {}
                None => record.outcome = Outcome::Passed,
            }
            self.tally.count(&record.outcome);
            self.teller.tell(&record)?;
        }
        Ok(())
    }

    fn trial<'t>(&'t self, handler: &'t Handler<'a>) -> Result<Trial<'t>, Failure> {
        let moment = moment(now(), None)?;
        Ok(Trial {
            provider: handler.provider,
            now: moment.now,
            entropy: moment.entropy,
            target: &handler.target,
            secret: self.keyring.secrets(&handler.provider.name).first(),
            own_headers: self.own_headers,
        })
    }

    /// Sends a case's requests: all at once, or one after the other up to the first that decides the case.
    async fn send_all(
        &self,
        handler: &Handler<'a>,
        case: &Case<'a>,
        deliveries: &[Delivery],
    ) -> Result<Vec<Seen>, Failure> {
        if case.is_at_once() {
            let sent = join_all(deliveries.iter().map(|delivery| self.send(handler, delivery))).await;
            return sent.into_iter().collect();
        }
        let mut seen = Vec::new();
        for delivery in deliveries {
            let answered = self.send(handler, delivery).await?;
            let good = judge(case.name.want(), &handler.provider.delivery, &answered).is_ok();
            seen.push(answered);
            if !good {
                break;
            }
        }
        Ok(seen)
    }

    async fn send(&self, handler: &Handler<'a>, delivery: &Delivery) -> Result<Seen, Failure> {
        let Sent { answer, elapsed } = self.sender.send(handler.url, &delivery.request, handler.patience).await;
        let answer = match answer {
            // The status is all that a provider looks at.
            Ok(answer) | Err(SendError::Cut(answer, _)) => Ok(answer.status),
            Err(SendError::TimedOut(_)) => Err(NoAnswer::TimedOut),
            Err(SendError::Broken(how)) => Err(NoAnswer::Broken(how)),
            Err(SendError::Unreachable(how)) => Err(NoAnswer::Unreachable(how)),
            Err(error @ (SendError::Url { .. } | SendError::Unsendable(_))) => {
                return Err(Failure::new(Exit::Unreachable, error.to_string()));
            }
        };
        Ok(Seen { answer, elapsed })
    }
}

/// The case with what came of it, and the place of the delivery that decided it.
fn judged<'a>(handler: &Handler<'a>, case: Case<'a>, deliveries: &[Delivery], seen: &[Seen]) -> (Tried<'a>, usize) {
    let provider = handler.provider;
    let mut record = case.record(provider);
    record.status = seen.last().and_then(|seen| seen.answer.clone().ok());
    record.elapsed = seen.iter().map(|seen| seen.elapsed).max();
    let mut failed = None;
    let mut at = 0;
    for (place, (delivery, seen)) in deliveries.iter().zip(seen).enumerate() {
        if let Err(fault) = judge(case.name.want(), &provider.delivery, seen) {
            record.status = seen.answer.clone().ok();
            record.elapsed = Some(seen.elapsed);
            failed = Some(Failed { fault, how: delivery.how.clone(), elapsed: seen.elapsed, explained: None });
            at = place;
            break;
        }
    }
    (Tried { provider, case, record, failed, patience: handler.patience }, at)
}

/// What is said of the case after which nothing listens any more.
fn ended(how: &str, culprit: CaseName) -> Explained {
    Explained {
        message: format!("{how}: the handler ended after `{}`", culprit.as_str()),
        hint: Some(
            "the handler's log says why it ended: an error that is thrown outside of the request's own handler ends the whole process, as in Node's timers and callbacks".to_owned(),
        ),
    }
}

const fn status_of(fault: &Fault) -> Option<u16> {
    match fault {
        Fault::Taken(status)
        | Fault::OtherSuccess(status)
        | Fault::Redirect(status)
        | Fault::Refused(status)
        | Fault::Crashed(status)
        | Fault::Late(status) => Some(*status),
        Fault::None(_) => None,
    }
}
