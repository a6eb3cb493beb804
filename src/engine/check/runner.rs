//! Runs the cases against one handler after the other and reports each. The remaining cases are skipped for a handler
//! that accepts no valid delivery or stops running.

use std::time::Duration;

use super::{
    CheckError, CheckObserver, CheckSettings, CheckSummary, CheckTarget, Selection,
    handler::{Failed, ProbeResult, TestedHandler},
};
use crate::{
    net::client::Transport,
    webhook::{
        contract::{
            BodySizes, Case, CaseName, CaseOutcome, CaseProblem, CaseRecord, CaseRequest, EarlierResults, Expectation,
            cause::{self, Explanation, Observation},
            judge::{Exchange, NoResponse, ResponseFault, Seen, judge},
            probes,
        },
        provider::{Provider, event::Event},
    },
};

/// Runs cases and reports them to an observer.
pub struct Runner<'a, T, O> {
    settings: CheckSettings<'a, T>,
    selection: &'a Selection,
    observer: O,
    summary: CheckSummary,
    /// What the cases have shown about the current handler.
    history: EarlierResults,
    /// Cases to be reported together, because the later ones help to explain the earlier ones.
    pending: Vec<Attempted<'a>>,
}

/// A case that ran or was skipped, but has not been reported.
struct Attempted<'a> {
    provider: &'a Provider,
    case: Case<'a>,
    record: CaseRecord,
    failed: Option<Failed>,
    /// The last response.
    response: Option<Seen>,
    sizes: BodySizes,
    timeout: Duration,
}

/// The case that ran last, and whether the connection was closed without a response.
type Last = Option<(CaseName, bool)>;

impl<'a, T: Transport, O: CheckObserver> Runner<'a, T, O> {
    /// A runner of the selected cases.
    pub fn new(settings: CheckSettings<'a, T>, selection: &'a Selection, observer: O) -> Self {
        let (summary, history) = (CheckSummary::default(), EarlierResults::default());
        Self { settings, selection, observer, summary, history, pending: Vec::new() }
    }

    /// Checks one handler after the other. This future may be dropped at any time; [`Runner::finish`] then reports the
    /// results so far.
    ///
    /// # Errors
    ///
    /// If a request can't be made, or the observer fails.
    pub async fn run(&mut self, targets: &'a [CheckTarget]) -> Result<(), CheckError> {
        for target in targets {
            self.check(target).await?;
            self.report_pending()?;
            self.history = EarlierResults::default();
        }
        Ok(())
    }

    /// Reports pending cases, and returns the observer and the summary.
    ///
    /// # Errors
    ///
    /// If the observer fails.
    pub fn finish(mut self) -> Result<(O, CheckSummary), CheckError> {
        self.report_pending()?;
        Ok((self.observer, self.summary))
    }

    async fn check(&mut self, target: &'a CheckTarget) -> Result<(), CheckError> {
        let handler = TestedHandler::new(target, self.settings);
        let events = probes(handler.provider);
        if events.is_empty() {
            return Ok(());
        }
        let probe = handler.probe(&events).await?;
        let (ProbeResult::Usable(exemplar, _) | ProbeResult::Unusable(exemplar, _)) = probe;
        let secrets = handler.provider.rotation_secrets(self.settings.keyring.secrets(&handler.provider.name));
        let cases = self.selection.cases(handler.provider, exemplar, secrets.len());
        let planned: Vec<CaseRecord> = cases.iter().map(|case| case.record(handler.provider)).collect();
        self.observer.target(target, &planned).map_err(CheckError::Report)?;
        match probe {
            ProbeResult::Usable(_, exchanges) => self.run_cases(&handler, cases, exchanges).await,
            ProbeResult::Unusable(event, failed) => self.give_up(&handler, cases, event, *failed),
        }
    }

    /// Reports the delivery that the handler did not accept, and skips all cases.
    fn give_up(
        &mut self,
        handler: &TestedHandler<'a, T>,
        cases: Vec<Case<'a>>,
        event: &'a Event,
        failed: Failed,
    ) -> Result<(), CheckError> {
        let unreachable = failed.fault.is_unreachable();
        self.summary.unreachable |= unreachable;
        let reason = if unreachable {
            "not tried: the handler can't be reached"
        } else {
            "not tried: the handler accepts no valid delivery"
        };
        let mut attempted = Attempted::new(handler, Case::plain(event));
        attempted.record.status = failed.fault.status();
        attempted.record.elapsed = Some(failed.elapsed);
        attempted.failed = Some(failed);
        self.pending.push(attempted);
        cases.into_iter().filter(|case| !case.is_plain(event)).try_for_each(|case| self.skip(handler, case, reason))
    }

    /// Runs all cases. The plain events in `probed` are not sent again.
    async fn run_cases(
        &mut self,
        handler: &TestedHandler<'a, T>,
        cases: Vec<Case<'a>>,
        mut probed: Vec<(&'a Event, Exchange)>,
    ) -> Result<(), CheckError> {
        let mut cases = cases.into_iter();
        let mut last: Last = None;
        while let Some(case) = cases.next() {
            let requests = match &case.skipped {
                Some(reason) => Err(reason.clone()),
                None => case.requests(&handler.context()?),
            };
            let requests = match requests {
                Ok(requests) => requests,
                Err(reason) => {
                    self.skip(handler, case, &reason)?;
                    continue;
                }
            };
            let exchanges = match probed.iter().position(|(event, _)| case.is_plain(event)) {
                Some(position) => vec![probed.swap_remove(position).1],
                None => handler.send_all(&case, &requests).await?,
            };
            let (attempted, decisive) = Attempted::judged(handler, case, &requests, &exchanges);
            if attempted.is_unreachable() {
                let reason = self.stopped(handler, attempted, decisive, last)?;
                return cases.try_for_each(|case| self.skip(handler, case, &reason));
            }
            last = Some((attempted.case.name, attempted.is_broken()));
            self.learn(attempted)?;
        }
        Ok(())
    }

    /// Reports a handler that is no longer running: the request before the failed one made it stop. Returns why the
    /// remaining cases are skipped.
    fn stopped(
        &mut self,
        handler: &TestedHandler<'a, T>,
        mut attempted: Attempted<'a>,
        decisive: usize,
        last: Last,
    ) -> Result<String, CheckError> {
        let (culprit, reported) = match last {
            Some(last) if decisive == 0 && !attempted.case.is_concurrent() => last,
            _ => (attempted.case.name, false),
        };
        let reason = format!("not tried: the handler stopped after `{}`", culprit.as_str());
        if reported {
            self.skip(handler, attempted.case, &reason)?;
            return Ok(reason);
        }
        if let Some(Failed { fault: ResponseFault::NoResponse(NoResponse::Unreachable(how)), explanation, .. }) =
            &mut attempted.failed
        {
            *explanation = Some(cause::stopped(how, culprit));
        }
        self.learn(attempted)?;
        Ok(reason)
    }

    fn learn(&mut self, mut attempted: Attempted<'a>) -> Result<(), CheckError> {
        let response = attempted.response.take();
        if let Some(failed) = &mut attempted.failed {
            failed.fault = self.history.refine(failed.fault.clone(), response.as_ref());
        }
        let fault = attempted.failed.as_ref().map(|failed| failed.fault.clone());
        self.history.add(attempted.case.name, fault, response);
        self.history.add_sizes(attempted.case.name, attempted.sizes);
        self.hold(attempted)
    }

    fn skip(&mut self, handler: &TestedHandler<'a, T>, case: Case<'a>, reason: &str) -> Result<(), CheckError> {
        let mut attempted = Attempted::new(handler, case);
        attempted.record.outcome = CaseOutcome::Skipped(reason.to_owned());
        self.hold(attempted)
    }

    /// Reports a case at once, unless it is a forgery: forgeries are reported together, because each helps to explain
    /// the others.
    fn hold(&mut self, attempted: Attempted<'a>) -> Result<(), CheckError> {
        let is_forgery = attempted.case.name.expectation() == Expectation::Rejected;
        if !is_forgery {
            self.report_pending()?;
        }
        self.pending.push(attempted);
        if is_forgery { Ok(()) } else { self.report_pending() }
    }

    fn report_pending(&mut self) -> Result<(), CheckError> {
        for attempted in self.pending.drain(..) {
            let record = attempted.into_record(&self.history);
            self.summary.tally.add(&record.outcome);
            self.observer.case(&record).map_err(CheckError::Report)?;
        }
        Ok(())
    }
}

impl<'a> Attempted<'a> {
    fn new<T>(handler: &TestedHandler<'a, T>, case: Case<'a>) -> Self {
        let (provider, timeout) = (handler.provider, handler.timeout);
        Self {
            provider,
            record: case.record(provider),
            case,
            failed: None,
            response: None,
            sizes: BodySizes::default(),
            timeout,
        }
    }

    /// The case with its outcome, and the index of the request that decided it.
    fn judged<T>(
        handler: &TestedHandler<'a, T>,
        case: Case<'a>,
        requests: &[CaseRequest],
        exchanges: &[Exchange],
    ) -> (Self, usize) {
        let mut attempted = Self::new(handler, case);
        attempted.record.status = exchanges.last().and_then(|exchange| exchange.response.clone().ok());
        attempted.record.elapsed = exchanges.iter().map(|exchange| exchange.elapsed).max();
        attempted.response = exchanges.last().and_then(Exchange::seen);
        let expectation = attempted.case.name.expectation();
        let has_usual_body = matches!(attempted.case.name, CaseName::EventAccepted | CaseName::BodyLarge);
        for (index, (request, exchange)) in requests.iter().zip(exchanges).enumerate() {
            let judged = judge(expectation, &handler.provider.delivery, exchange);
            if expectation == Expectation::Accepted {
                let size = Some(request.request.body.len());
                attempted.sizes = attempted.sizes.and(match &judged {
                    Ok(()) => BodySizes { accepted: size, rejected: None },
                    // An unusual body is more likely to be rejected for its content than for its size, unless another
                    // form of it was accepted.
                    Err(_) if index == 0 && !has_usual_body => BodySizes::default(),
                    Err(_) => BodySizes { accepted: None, rejected: size },
                });
            }
            if let Err(fault) = judged {
                attempted.record.status = fault.status();
                attempted.record.elapsed = Some(exchange.elapsed);
                attempted.failed = Some(Failed {
                    fault,
                    variation: request.variation.clone(),
                    passed_before: index.checked_sub(1).and_then(|before| requests[before].variation.clone()),
                    excerpt: exchange.excerpt.clone(),
                    clue: exchange.clue.clone(),
                    elapsed: exchange.elapsed,
                    explanation: None,
                });
                return (attempted, index);
            }
        }
        (attempted, 0)
    }

    fn is_unreachable(&self) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.fault.is_unreachable())
    }

    fn is_broken(&self) -> bool {
        matches!(&self.failed, Some(Failed { fault: ResponseFault::NoResponse(NoResponse::Broken(_)), .. }))
    }

    /// The final record, explained by what is known about the handler.
    fn into_record(self, history: &EarlierResults) -> CaseRecord {
        let Self { provider, case, mut record, failed, timeout, .. } = self;
        if let Some(Failed { fault, variation, passed_before, excerpt, clue, elapsed, explanation }) = failed {
            let observation = Observation {
                provider,
                fault: &fault,
                variation: variation.as_deref(),
                passed_before: passed_before.as_deref(),
                clue,
                elapsed,
                timeout,
            };
            let Explanation { message, remedy } =
                explanation.unwrap_or_else(|| cause::explain(&case, &observation, history));
            let problem = CaseProblem { message, remedy, response: excerpt };
            let is_advisory = case.name.is_advisory();
            record.outcome = if is_advisory { CaseOutcome::Warned(problem) } else { CaseOutcome::Failed(problem) };
        }
        record
    }
}
