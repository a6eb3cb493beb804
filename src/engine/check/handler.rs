//! One handler under test: sends it requests, and determines whether it accepts valid deliveries at all.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;
use tokio::time::timeout;

use super::{CheckError, CheckSettings, CheckTarget};
use crate::{
    net::client::{SendError, SendResult, Transport},
    webhook::{
        contract::{
            Case, CaseContext, CaseName, CaseRequest, Expectation,
            cause::{Explanation, Observation},
            deviations::{Deviation, alters_bodies, deviations, short_deliveries},
            judge::{Exchange, NoResponse, ResponseFault, judge},
            unusable::{DeviationResult, unusable},
        },
        forward_hint::redirected,
        http_response::Response,
        provider::{Provider, event::Event},
        request::Request,
        response::{Clue, Excerpt, clue::clue, proxy},
    },
};

/// How long to search for a delivery that the handler accepts, if it rejects the usual ones. A delivery that it was too
/// slow for is then tried once more.
const MAX_SEARCH: Duration = Duration::from_secs(20);

/// How many of these deliveries are sent concurrently.
const BATCH: usize = 8;

/// A handler under test.
pub(super) struct TestedHandler<'a, T> {
    pub provider: &'a Provider,
    /// How long to wait for a response.
    pub timeout: Duration,
    url: &'a Url,
    target: String,
    settings: CheckSettings<'a, T>,
}

/// What the first deliveries showed.
pub(super) enum ProbeResult<'a> {
    /// The handler accepts this event. Lists each plain event sent so far, with its exchange.
    Usable(&'a Event, Vec<(&'a Event, Exchange)>),
    /// The handler accepts none. Holds the first event that was sent, and how it failed.
    Unusable(&'a Event, Box<Failed>),
}

/// The result of a search for a deviation that the handler accepts.
enum DeviationSearch<'d> {
    Ended(DeviationResult),
    /// The handler takes too long for this deviation, but not for those that it refuses.
    TooSlow(&'d Deviation),
}

/// How a case failed.
pub(super) struct Failed {
    pub fault: ResponseFault,
    /// How the request differs from the others in its case, in words.
    pub variation: Option<String>,
    /// The variation of the previous request, which passed.
    pub passed_before: Option<String>,
    pub excerpt: Option<Excerpt>,
    pub clue: Option<Clue>,
    pub elapsed: Duration,
    /// The explanation, if it does not depend on later cases.
    pub explanation: Option<Explanation>,
}

impl<'a, T: Transport> TestedHandler<'a, T> {
    pub(super) fn new(target: &'a CheckTarget, settings: CheckSettings<'a, T>) -> Self {
        let provider = target.provider.as_ref();
        Self {
            provider,
            timeout: settings.timeout.unwrap_or_else(|| provider.delivery.timeout_or_default()),
            url: &target.url,
            target: target.url.to_string(),
            settings,
        }
    }

    /// A context for the requests of one case, with fresh randomness.
    pub(super) fn context(&self) -> Result<CaseContext<'_>, CheckError> {
        Ok(self.settings.context(self.provider, &self.target)?)
    }

    /// Determines whether the handler accepts any valid delivery. Tries these events in turn, then the first event in
    /// the provider's other encodings.
    pub(super) async fn probe(&self, events: &[&'a Event]) -> Result<ProbeResult<'a>, CheckError> {
        let context = self.context()?;
        let encodings = self.provider.delivery.encodings.len();
        let probes = events.iter().map(|event| (*event, 0)).chain((1..encodings).map(|encoding| (events[0], encoding)));
        let mut exchanges: Vec<(&Event, Exchange)> = Vec::new();
        for (event, encoding) in probes {
            let requests = context.plain(event).map_err(CheckError::Fixture)?;
            let exchange = self.send(&requests[encoding]).await?;
            let (accepted, silent) = (self.accepts(&exchange), exchange.response.is_err());
            if encoding == 0 {
                exchanges.push((event, exchange));
            }
            if accepted {
                return Ok(ProbeResult::Usable(event, exchanges));
            }
            if silent {
                break;
            }
        }
        let (event, first) = exchanges.swap_remove(0);
        self.explain_unusable(event, first).await
    }

    /// Whether the handler accepted a delivery. Any 2xx counts here; the cases check whether it is the right one.
    fn accepts(&self, exchange: &Exchange) -> bool {
        let accepts = |status: &u16| (200..300).contains(status) || self.provider.delivery.accepts(*status);
        exchange.response.as_ref().is_ok_and(accepts)
    }

    async fn explain_unusable(&self, event: &'a Event, exchange: Exchange) -> Result<ProbeResult<'a>, CheckError> {
        let Err(fault) = judge(Expectation::Accepted, &self.provider.delivery, &exchange) else {
            return Ok(ProbeResult::Usable(event, vec![(event, exchange)]));
        };
        let deviation = if may_be_unverified(&fault, exchange.clue.as_ref()) {
            self.search_deviations(event, &exchange).await?
        } else {
            DeviationResult::Unknown
        };
        let Exchange { excerpt, clue, proxy, elapsed, .. } = exchange;
        let observation = Observation {
            provider: self.provider,
            fault: &fault,
            variation: None,
            passed_before: None,
            clue: clue.clone(),
            elapsed,
            timeout: self.timeout,
        };
        let source = self.settings.keyring.source(&self.provider.name, 0).filter(|_| !event.unsigned);
        let explanation = Some(unusable(&observation, source, proxy.as_deref(), deviation));
        let failed = Failed { fault, variation: None, passed_before: None, excerpt, clue, elapsed, explanation };
        Ok(ProbeResult::Unusable(event, Box::new(failed)))
    }

    /// Searches for a deviation that the handler accepts; `exchange` is its response to a usual delivery.
    async fn search_deviations(&self, event: &Event, exchange: &Exchange) -> Result<DeviationResult, CheckError> {
        let deviations = deviations(&self.context()?, event).map_err(CheckError::Fixture)?;
        let search = timeout(MAX_SEARCH, self.search(event, exchange, &deviations));
        Ok(match search.await.unwrap_or(Ok(DeviationSearch::Ended(DeviationResult::Unfinished)))? {
            DeviationSearch::Ended(result) => result,
            DeviationSearch::TooSlow(deviation) if self.is_slow_alone(event, exchange, deviation).await? => {
                DeviationResult::Accepted(deviation.advice.clone())
            }
            DeviationSearch::TooSlow(_) => DeviationResult::Unknown,
        })
    }

    async fn search<'d>(
        &self,
        event: &Event,
        valid: &Exchange,
        deviations: &'d [Deviation],
    ) -> Result<DeviationSearch<'d>, CheckError> {
        // In batches: the results don't depend on each other, and one by one, a slow handler would take too long.
        for batch in deviations.chunks(BATCH) {
            let exchanges = join_all(batch.iter().map(|deviation| self.send(&deviation.request))).await;
            let exchanges = exchanges.into_iter().collect::<Result<Vec<_>, _>>()?;
            let refuses_in_time = exchanges.iter().any(|other| other.status() == valid.status());
            for (deviation, exchange) in batch.iter().zip(exchanges) {
                // A handler that redirects this delivery, but not the usual one, which it refuses, has accepted it.
                let is_redirected = exchange.status().is_some_and(|status| (300..400).contains(&status));
                if is_redirected || self.accepts(&exchange) {
                    return Ok(DeviationSearch::Ended(DeviationResult::Accepted(deviation.advice.clone())));
                }
                if refuses_in_time && exchange.response == Err(NoResponse::TimedOut) {
                    return Ok(DeviationSearch::TooSlow(deviation));
                }
                // An overloaded handler's responses say nothing.
                if exchange.status().is_none_or(is_busy) {
                    return Ok(DeviationSearch::Ended(DeviationResult::Unknown));
                }
            }
        }
        if let Some(advice) = self.altered_bodies(event, valid).await? {
            return Ok(DeviationSearch::Ended(DeviationResult::Accepted(advice)));
        }
        let forgery = self.response_to_forgery(event, valid).await?;
        Ok(DeviationSearch::Ended(forgery.map_or(DeviationResult::None, DeviationResult::Verified)))
    }

    /// Whether the handler takes too long for this deviation alone, but refuses a usual delivery in time. In a batch,
    /// it may only have been waiting for the others.
    async fn is_slow_alone(&self, event: &Event, valid: &Exchange, deviation: &Deviation) -> Result<bool, CheckError> {
        let usual = self.context()?.plain(event).map_err(CheckError::Fixture)?.swap_remove(0);
        let is_refused = self.send(&usual).await?.status() == valid.status();
        Ok(is_refused && self.send(&deviation.request).await?.response == Err(NoResponse::TimedOut))
    }

    /// What may be wrong with a handler that distinguishes valid from forged deliveries with one of the shortest
    /// bodies, although it responds to the event's valid delivery (as `valid` shows) as it does to a forged one.
    async fn altered_bodies(&self, event: &Event, valid: &Exchange) -> Result<Option<String>, CheckError> {
        let Some(refusal) = valid.status() else { return Ok(None) };
        // Other statuses may come from a proxy.
        let is_own = |status: u16| !matches!(status, 429 | 502..=504);
        for delivery in short_deliveries(&self.context()?, event).map_err(CheckError::Fixture)? {
            let [signed, forged] = [self.send(&delivery.signed).await?, self.send(&delivery.forged).await?];
            let differs = signed.status().is_some_and(|status| status != refusal && is_own(status));
            if differs && forged.status() == Some(refusal) {
                return Ok(Some(alters_bodies(refusal, &self.provider.delivery)));
            }
        }
        Ok(None)
    }

    /// The status with which the handler refuses a delivery signed with another secret; `None` if it doesn't, or
    /// responds as it did to a valid one.
    async fn response_to_forgery(&self, event: &Event, valid: &Exchange) -> Result<Option<u16>, CheckError> {
        let case = Case { name: CaseName::SecretWrong, ..Case::plain(event) };
        let context = self.context()?;
        let Some(forged) = case.requests(&context).ok().and_then(|mut requests| requests.pop()) else {
            return Ok(None);
        };
        let forged = self.send(&forged).await?;
        let usual = context.plain(event).map_err(CheckError::Fixture)?.swap_remove(0);
        // Some handlers respond differently each time.
        let is_stable = self.send(&usual).await?.seen() == valid.seen();
        let differs = forged.status() != valid.status() || (is_stable && forged.seen() != valid.seen());
        Ok(forged.status().filter(|status| differs && *status >= 400))
    }

    /// Sends the requests of a case: concurrently, or in turn until one fails.
    pub(super) async fn send_all(
        &self,
        case: &Case<'_>,
        requests: &[CaseRequest],
    ) -> Result<Vec<Exchange>, CheckError> {
        if case.is_concurrent() {
            return join_all(requests.iter().map(|request| self.send(request))).await.into_iter().collect();
        }
        let mut exchanges = Vec::new();
        for request in requests {
            let mut exchange = self.send(request).await?;
            exchange.handshake = exchange.handshake.filter(|_| case.name == CaseName::Handshake);
            let passed = judge(case.name.expectation(), &self.provider.delivery, &exchange).is_ok();
            exchanges.push(exchange);
            if !passed {
                break;
            }
        }
        Ok(exchanges)
    }

    /// Whether a response is what a handshake prescribes; `None` if the request is not a handshake.
    fn judge_handshake(&self, request: &Request, response: &Response) -> Option<Result<(), String>> {
        let name = self.provider.handshake_of(request)?;
        let secret = self.settings.keyring.secrets(&self.provider.name).first();
        Some(match self.provider.objection_to_handshake(name, request, response, secret) {
            None => Ok(()),
            Some(problem) => Err(problem),
        })
    }

    async fn send(&self, request: &CaseRequest) -> Result<Exchange, CheckError> {
        let CaseRequest { request, form, media, .. } = request;
        let SendResult { response, elapsed } =
            self.settings.transport.send_in_form(*form, self.url, request, self.timeout).await;
        let (mut excerpt, mut hint, mut sent_on_by, mut handshake) = (None, None, None, None);
        let response = match response {
            // Providers look only at the status, so a response without its whole body counts.
            Ok(response) | Err(SendError::Incomplete(response, _)) => {
                excerpt = Excerpt::of(&response);
                hint = clue(&response, Some(*media), Some(&request.headers)).or_else(|| redirect(self.url, &response));
                sent_on_by = proxy(&response.headers);
                handshake = self.judge_handshake(request, &response);
                Ok(response.status)
            }
            Err(SendError::TimedOut(_)) => Err(NoResponse::TimedOut),
            Err(SendError::Broken(reason) | SendError::Invalid(reason)) => Err(NoResponse::Broken(reason)),
            Err(
                SendError::Unreachable(reason)
                | SendError::NotListening(reason)
                | SendError::TlsFailed(reason)
                | SendError::UnknownHost(reason)
                | SendError::Unresolved(reason),
            ) => Err(NoResponse::Unreachable(reason)),
            Err(error @ SendError::OtherProtocol(_)) => Err(NoResponse::Broken(error.to_string())),
            Err(error @ SendError::Untrusted(_)) => Err(NoResponse::Untrusted(error.to_string())),
            Err(error @ SendError::Unsendable(_)) => return Err(error.into()),
        };
        Ok(Exchange { response, excerpt, clue: hint, proxy: sent_on_by, elapsed, handshake })
    }
}

/// Whether a status says that a handler or proxy gets too many requests.
fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Whether a handler that refuses a valid delivery may have failed to verify it, on which some throw an exception.
fn may_be_unverified(fault: &ResponseFault, clue: Option<&Clue>) -> bool {
    match fault {
        ResponseFault::Rejected(400 | 401 | 403 | 422) => true,
        ResponseFault::Crashed(500) => clue.is_none_or(|clue| clue.is_unspecific),
        _ => false,
    }
}

/// What a redirect reveals about the handler.
fn redirect(url: &Url, response: &Response) -> Option<Clue> {
    let location = response.headers.text("location").filter(|_| (300..400).contains(&response.status))?;
    redirected(url, &location).map(Clue::for_valid)
}
