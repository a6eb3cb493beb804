//! Tries the cases on a handler, one after the other, and tells of each. A handler that takes no good delivery is not
//! tried further, and neither is one that is gone.

use std::time::Duration;

use super::{
    Chosen,
    handler::{Failed, Handler, Means, Probed},
    targets::Target,
    teller::Teller,
};
use crate::{
    commands::exit::{Exit, Failure},
    webhook::{
        contract::{
            Case, CaseName, CaseRecord, Delivery, Outcome, Tally, Want,
            cause::{self, Explained, Known, Met},
            judge::{Fault, NoAnswer, Seen, judge},
            probes,
        },
        provider::{Provider, event::Event},
    },
};

/// Tries cases.
pub struct Runner<'a> {
    means: Means<'a>,
    chosen: &'a Chosen,
    teller: Teller<'a>,
    tally: Tally,
    /// What the cases have shown of the handler that is tried.
    known: Known,
    /// Cases that are told of together, as one explains the other.
    pending: Vec<Tried<'a>>,
}

/// A case that was tried, or is left out.
struct Tried<'a> {
    provider: &'a Provider,
    case: Case<'a>,
    record: CaseRecord,
    failed: Option<Failed>,
    patience: Duration,
}

/// The case that was tried last, and whether the connection was closed without an answer.
type Last = Option<(CaseName, bool)>;

impl<'a> Runner<'a> {
    /// A runner that tells of what it sees.
    pub fn new(means: Means<'a>, chosen: &'a Chosen, teller: Teller<'a>) -> Self {
        Self { means, chosen, teller, tally: Tally::default(), known: Known::default(), pending: Vec::new() }
    }

    /// Checks one handler after the other.
    ///
    /// # Errors
    ///
    /// When a request can't be made, or the output not be written.
    pub async fn check_all(&mut self, targets: &'a [Target]) -> Result<Exit, Failure> {
        let mut exit = Exit::Success;
        for target in targets {
            let one = self.check(target).await?;
            self.tell_pending()?;
            self.known = Known::default();
            exit = if one as u8 > exit as u8 { one } else { exit };
        }
        Ok(if exit == Exit::Success && self.tally.failed > 0 { Exit::Failed } else { exit })
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
        let handler = Handler::new(target, self.means);
        let events = probes(handler.provider);
        if events.is_empty() {
            return Ok(Exit::Success);
        }
        match handler.probe(&events).await? {
            Probed::Usable(exemplar, seen) => {
                let cases = self.chosen.cases(handler.provider, exemplar);
                self.teller.begin(target, &cases)?;
                self.try_all(&handler, cases, seen).await?;
                Ok(Exit::Success)
            }
            Probed::Unusable(event, failed) => {
                let unreachable = matches!(failed.fault, Fault::None(NoAnswer::Unreachable(_)));
                let cases = self.chosen.cases(handler.provider, event);
                self.teller.begin(target, &cases)?;
                self.stop(&handler, cases, event, failed)?;
                Ok(if unreachable { Exit::Unreachable } else { Exit::Failed })
            }
        }
    }

    /// Tells of a handler that takes no good delivery: of the one that it was shown, and of all that is left out.
    fn stop(
        &mut self,
        handler: &Handler<'a>,
        cases: Vec<Case<'a>>,
        event: &'a Event,
        failed: Failed,
    ) -> Result<(), Failure> {
        let reason = match failed.fault {
            Fault::None(NoAnswer::Unreachable(_)) => "not tried, as the handler can't be reached",
            _ => "not tried, as the handler takes no good delivery",
        };
        let mut tried = Tried::new(handler, Case::plain(event));
        tried.record.status = failed.fault.status();
        tried.record.elapsed = Some(failed.elapsed);
        tried.failed = Some(failed);
        self.pending.push(tried);
        for case in cases.into_iter().filter(|case| !case.is_plain(event)) {
            self.skip(handler, case, reason)?;
        }
        Ok(())
    }

    /// Tries all cases; of those in `probed` it is known what came back.
    async fn try_all(
        &mut self,
        handler: &Handler<'a>,
        cases: Vec<Case<'a>>,
        mut probed: Vec<(&'a Event, Seen)>,
    ) -> Result<(), Failure> {
        let mut cases = cases.into_iter();
        let mut last: Last = None;
        while let Some(case) = cases.next() {
            let deliveries = match &case.skipped {
                Some(why) => Err(why.clone()),
                None => case.deliveries(&handler.trial()?),
            };
            let deliveries = match deliveries {
                Ok(deliveries) => deliveries,
                Err(why) => {
                    self.skip(handler, case, &why)?;
                    continue;
                }
            };
            let seen = match probed.iter().position(|(event, _)| case.is_plain(event)) {
                Some(place) => vec![probed.swap_remove(place).1],
                None => handler.send_all(&case, &deliveries).await?,
            };
            let (tried, place) = Tried::judged(handler, case, &deliveries, &seen);
            if tried.is_gone() {
                let reason = self.lose(handler, tried, place, last)?;
                return cases.try_for_each(|case| self.skip(handler, case, &reason));
            }
            last = Some((tried.case.name, tried.is_broken()));
            self.learn(tried)?;
        }
        Ok(())
    }

    /// Takes in that the handler is gone: what was sent last before that is what it did not survive. The answer is why
    /// the rest is left out.
    fn lose(
        &mut self,
        handler: &Handler<'a>,
        mut tried: Tried<'a>,
        place: usize,
        last: Last,
    ) -> Result<String, Failure> {
        let (culprit, broke) = match last {
            Some(last) if place == 0 && !tried.case.is_at_once() => last,
            _ => (tried.case.name, false),
        };
        let reason = format!("not tried, as the handler is gone since `{}`", culprit.as_str());
        if broke {
            self.skip(handler, tried.case, &reason)?;
            return Ok(reason);
        }
        if let Some(Failed { fault: Fault::None(NoAnswer::Unreachable(how)), explained, .. }) = &mut tried.failed {
            *explained = Some(cause::ended(how, culprit));
        }
        self.learn(tried)?;
        Ok(reason)
    }

    /// Takes in how a case came out. Forgeries are told of together: what one shows explains the others.
    fn learn(&mut self, tried: Tried<'a>) -> Result<(), Failure> {
        let name = tried.case.name;
        self.known.learn(name, tried.failed.as_ref().map(|failed| failed.fault.clone()));
        self.hold(tried)
    }

    fn skip(&mut self, handler: &Handler<'a>, case: Case<'a>, why: &str) -> Result<(), Failure> {
        let mut tried = Tried::new(handler, case);
        tried.record.outcome = Outcome::Skipped(why.to_owned());
        self.hold(tried)
    }

    fn hold(&mut self, tried: Tried<'a>) -> Result<(), Failure> {
        let waits = tried.case.name.want() == Want::Refused;
        if !waits {
            self.tell_pending()?;
        }
        self.pending.push(tried);
        if waits { Ok(()) } else { self.tell_pending() }
    }

    fn tell_pending(&mut self) -> Result<(), Failure> {
        for tried in self.pending.drain(..) {
            let record = tried.told(&self.known);
            self.tally.count(&record.outcome);
            self.teller.tell(&record)?;
        }
        Ok(())
    }
}

impl<'a> Tried<'a> {
    fn new(handler: &Handler<'a>, case: Case<'a>) -> Self {
        let (provider, patience) = (handler.provider, handler.patience);
        Self { provider, record: case.record(provider), case, failed: None, patience }
    }

    /// The case with what came of it, and the place of the delivery that decided it.
    fn judged(handler: &Handler<'a>, case: Case<'a>, deliveries: &[Delivery], seen: &[Seen]) -> (Self, usize) {
        let mut tried = Self::new(handler, case);
        tried.record.status = seen.last().and_then(|seen| seen.answer.clone().ok());
        tried.record.elapsed = seen.iter().map(|seen| seen.elapsed).max();
        for (place, (delivery, seen)) in deliveries.iter().zip(seen).enumerate() {
            if let Err(fault) = judge(tried.case.name.want(), &handler.provider.delivery, seen) {
                tried.record.status = fault.status();
                tried.record.elapsed = Some(seen.elapsed);
                let (how, gist) = (delivery.how.clone(), seen.gist.clone());
                tried.failed = Some(Failed { fault, how, gist, elapsed: seen.elapsed, explained: None });
                return (tried, place);
            }
        }
        (tried, 0)
    }

    fn is_gone(&self) -> bool {
        matches!(&self.failed, Some(Failed { fault: Fault::None(NoAnswer::Unreachable(_)), .. }))
    }

    fn is_broken(&self) -> bool {
        matches!(&self.failed, Some(Failed { fault: Fault::None(NoAnswer::Broken(_)), .. }))
    }

    /// What is told of it, with what is known of the handler.
    fn told(self, known: &Known) -> CaseRecord {
        let Self { provider, case, mut record, failed, patience } = self;
        if let Some(Failed { fault, how, gist, elapsed, explained }) = failed {
            let met = Met { provider, fault: &fault, how: how.as_deref(), elapsed, patience };
            let Explained { message, remedy } = explained.unwrap_or_else(|| cause::explain(&case, &met, known));
            record.outcome = Outcome::Failed { message, remedy, answered: gist };
        }
        record
    }
}
