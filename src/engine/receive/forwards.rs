//! Forwards deliveries to the user's own handlers.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use glob::Pattern;
use reqwest::Url;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    causes::{Cause, explain, kind_of},
    loops::{InFlightDelivery, LoopDetector},
    pending::{PendingEntry, PendingForwards},
    rest::{Exchange, ResponseRest},
    targets::{ForwardTargets, InFlightPermit, max_in_flight},
};
use crate::{
    net::{
        client::{Client, MAX_PIECE_BYTES, Priority, ResponseBody, SendError, end_to_end, sent_headers, set_host},
        receiver::{BodyPermit, UNMETERED_BYTES},
        url::{target_with_query, with_target},
    },
    webhook::{
        assessment::Assessment,
        record::{ForwardFailure, ForwardFailureKind, Forwarded, Response},
        request::{Headers, Method, Request},
    },
};

/// The memory for a response that is passed on in pieces, in bytes: one piece being read, one in transit, and one being
/// written.
const PIECES_BYTES: usize = 3 * MAX_PIECE_BYTES;

/// What to do about a target that is too slow, given once for each.
const BUSY_ADVICE: &str = ": they arrive faster than it responds; respond first, and do the work afterwards";

/// Which events are forwarded, and where to.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The names of the events.
    pub events: Pattern,
    /// The handler.
    pub url: Url,
}

impl Forward {
    /// Whether it applies to a delivery: one matching event in a list is enough.
    fn matches(&self, assessment: &Assessment) -> bool {
        assessment.titles().any(|title| self.events.matches(&title))
    }

    /// The handlers to forward a delivery to, each once, in the order of the forwards.
    #[must_use]
    pub fn targets<'a>(forwards: &'a [Self], assessment: &Assessment) -> Vec<&'a Url> {
        let mut targets: Vec<&Url> = Vec::new();
        for forward in forwards.iter().filter(|forward| forward.matches(assessment)) {
            if !targets.contains(&&forward.url) {
                targets.push(&forward.url);
            }
        }
        targets
    }
}

/// Forwards deliveries.
#[derive(Clone, Debug)]
pub struct Forwarder {
    client: Arc<Client>,
    targets: Arc<ForwardTargets>,
    loops: Arc<LoopDetector>,
    pending: Option<Arc<PendingForwards>>,
    timeout: Duration,
    wait: Duration,
    cancel: CancellationToken,
}

/// What a forward needs to know about a delivery besides its request.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The delivery's number.
    pub seq: u64,
    /// Whether the user's own secret verifies it.
    pub is_verified: bool,
    /// Cancelled when the sender closes its side.
    pub closed: &'a CancellationToken,
    /// The budget that the responses take from.
    pub memory: &'a BodyPermit,
}

/// The results of the forwards of one delivery.
pub struct Forwards {
    /// The forward that provides the response.
    pub first: FinishedForward,
    /// The other forwards, which may still be running.
    pub others: Vec<PendingForward>,
}

/// A forward that has ended, except for the rest of a long response.
#[derive(Debug)]
pub struct FinishedForward {
    /// The result. The response's body is only its start, of up to [`UNMETERED_BYTES`].
    pub forwarded: Forwarded,
    /// The response for the sender, with the start of its body, unless there is none.
    pub response: Option<Response>,
    /// The rest of that body.
    pub rest: Option<ResponseRest>,
    /// Writes the rest of the request, if the whole response came before the handler had read it.
    pub writing: Option<JoinHandle<()>>,
}

/// What a forward holds while in flight.
#[derive(Debug)]
struct Journey {
    _in_flight: Arc<InFlightDelivery>,
    _pending: Option<PendingEntry>,
    /// Whether it is counted among the deliveries, which a resend isn't.
    is_delivery: bool,
}

/// A forward that runs whether or not it is awaited.
#[derive(Debug)]
pub struct PendingForward {
    url: String,
    started: Instant,
    task: JoinHandle<Forwarded>,
}

impl Forwarder {
    /// Waits up to `timeout` for each handler, and no longer than until `cancel`. A handler that accepts no connection
    /// is tried again for up to `wait`. The forwards in progress are listed in `pending`, if that is given.
    pub fn new(
        timeout: Duration,
        wait: Duration,
        pending: Option<Arc<PendingForwards>>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            client: Arc::new(Client::new(false)),
            targets: Arc::default(),
            loops: Arc::default(),
            pending,
            timeout,
            wait,
            cancel,
        }
    }

    /// Forwards to each of these targets, and waits for the response of the first. `None` without targets. A delivery
    /// that has come back from a target is not forwarded.
    pub async fn forward(
        &self,
        targets: &[&Url],
        assessment: &Assessment,
        request: &Request,
        arrival: Arrival<'_>,
    ) -> Option<Forwards> {
        let (first, others) = targets.split_first()?;
        if let Some(target) = self.loops.returned(request) {
            return Some(Forwards { first: FinishedForward::returned(target), others: Vec::new() });
        }
        let in_flight = Arc::new(self.loops.track(request));
        let mark = |target: &Url, mut request: Request| {
            if in_flight.is_repeated {
                self.loops.mark(target.as_str(), &mut request);
            }
            request
        };
        let Arrival { seq, is_verified, closed, memory } = arrival;
        let pending =
            |target: &Url, is_response| Some(self.pending.as_ref()?.add(seq, assessment.title(), target, is_response));
        let others = others
            .iter()
            .map(|url| {
                let journey =
                    Journey { _in_flight: Arc::clone(&in_flight), _pending: pending(url, false), is_delivery: true };
                self.start(url, mark(url, request.clone()), is_verified, memory.clone(), journey)
            })
            .collect();
        let _pending = pending(first, true);
        let finished = self.exchange(first, mark(first, request.clone()), is_verified, closed, memory).await;
        self.targets.count(first.as_str(), finished.forwarded.outcome.is_ok());
        Some(Forwards { first: finished, others })
    }

    /// The targets of the deliveries so far, with what each of them missed.
    #[must_use]
    pub fn targets(&self) -> Arc<ForwardTargets> {
        Arc::clone(&self.targets)
    }

    /// Resends a request to each of these targets, and returns the results in order. Failures come with advice, whether
    /// or not it was given before.
    pub async fn resend(&self, targets: &[&Url], request: &Request) -> Vec<Forwarded> {
        let in_flight = Arc::new(self.loops.track(request));
        let start = |url: &&Url| {
            let journey = Journey { _in_flight: Arc::clone(&in_flight), _pending: None, is_delivery: false };
            let mut request = request.clone();
            if in_flight.is_repeated {
                self.loops.mark(url.as_str(), &mut request);
            }
            self.targets.forget_advice(url.as_str());
            self.start(url, request, true, BodyPermit::default(), journey)
        };
        let started: Vec<PendingForward> = targets.iter().map(start).collect();
        let mut results = Vec::new();
        for mut pending in started {
            results.push(pending.result().await);
        }
        results
    }

    /// Starts a forward whose response nobody waits for.
    fn start(
        &self,
        target: &Url,
        request: Request,
        is_verified: bool,
        memory: BodyPermit,
        journey: Journey,
    ) -> PendingForward {
        let url = with_target(target, &target_with_query(target, &request.target));
        let (forwarder, target) = (self.clone(), target.clone());
        let task = tokio::spawn(async move {
            let journey = journey;
            let FinishedForward { mut forwarded, rest, .. } =
                forwarder.exchange(&target, request, is_verified, &CancellationToken::new(), &memory).await;
            if let Some(rest) = rest
                && let Err(problem) = rest.discard().await
            {
                forwarded.outcome = Err(problem);
            }
            if journey.is_delivery {
                forwarder.targets.count(target.as_str(), forwarded.outcome.is_ok());
            }
            forwarded
        });
        PendingForward { url, started: Instant::now(), task }
    }

    async fn exchange(
        &self,
        target: &Url,
        request: Request,
        is_verified: bool,
        closed: &CancellationToken,
        memory: &BodyPermit,
    ) -> FinishedForward {
        let request = addressed(request, target);
        let url = with_target(target, &request.target);
        let started = Instant::now();
        let Some(permit) = self.targets.take(target.as_str(), is_verified) else {
            let mut message = format!("busy with {} deliveries", max_in_flight(is_verified));
            if self.targets.is_first_refusal(target.as_str()) {
                message.push_str(BUSY_ADVICE);
            }
            return FinishedForward::failed(url, started, ForwardFailure::new(ForwardFailureKind::Busy, message));
        };
        let until = started + self.timeout;
        let result = tokio::select! {
            result = self.begin(target, &request, until, memory, &permit) => result,
            () = self.cancel.cancelled() => {
                Err(ForwardFailure::new(ForwardFailureKind::Abandoned, "hookdev was stopped before the handler responded"))
            }
            () = async { closed.cancelled().await; permit.offered().await } => {
                let message = "the sender had disconnected, and another delivery took its place";
                Err(ForwardFailure::new(ForwardFailureKind::Abandoned, message))
            }
        };
        match result {
            Err(problem) => FinishedForward::failed(url, started, problem),
            Ok((response, body, memory_for_rest)) => {
                let status = response.status;
                let (timeout, cancel) = (self.timeout, self.cancel.clone());
                let exchange = Exchange { timeout, cancel, place: permit, memory: memory.clone() };
                let (rest, writing) = match memory_for_rest {
                    None => (None, exchange.write_request(body)),
                    Some(memory) => {
                        let left = body.length().and_then(|length| length.checked_sub(response.body.len() as u64));
                        (Some(ResponseRest { body, left, status, until, exchange, _memory: memory }), None)
                    }
                };
                let for_sender = for_sender(&response, &request.method);
                let excerpt = response.body.slice(..response.body.len().min(UNMETERED_BYTES));
                let excerpt = Response { body: excerpt, ..response };
                let forwarded = Forwarded { url, outcome: Ok(excerpt), elapsed: started.elapsed() };
                FinishedForward { forwarded, response: Some(for_sender), rest, writing }
            }
        }
    }

    /// Sends a request and reads the start of the response. If the body has not ended, also returns memory for the
    /// pieces of the rest.
    async fn begin(
        &self,
        url: &Url,
        request: &Request,
        until: Instant,
        memory: &BodyPermit,
        permit: &InFlightPermit,
    ) -> Result<(Response, ResponseBody, Option<BodyPermit>), ForwardFailure> {
        let timed_out = || SendError::TimedOut(self.timeout);
        let priority = if permit.is_verified() { Priority::High } else { Priority::Low };
        let response = timeout_at(until, self.client.begin(url, request, priority, self.wait)).await;
        let mut response = match response.unwrap_or_else(|_| Err(timed_out())) {
            Ok(response) => response,
            Err(error) => return Err(self.explain(&error, url, permit).await),
        };
        permit.set_responded();
        let status = response.status;
        if status < 200 {
            let message = format!("your handler responded {status}, which is not a final response");
            return Err(ForwardFailure::new(ForwardFailureKind::Broken, message));
        }
        let incomplete = |problem: &str| {
            let message = format!("your handler responded {status}, but {problem}");
            ForwardFailure::new(ForwardFailureKind::Incomplete(status), message)
        };
        let mut start = BytesMut::new();
        while start.len() <= UNMETERED_BYTES {
            match timeout_at(until, response.body.piece()).await {
                Ok(Ok(Some(piece))) => start.extend_from_slice(&piece),
                Ok(Ok(None)) => {
                    let start = Response { status, headers: response.headers, body: start.freeze() };
                    return Ok((start, response.body, None));
                }
                Err(_) => return Err(self.explain(&timed_out(), url, permit).await),
                Ok(Err(problem)) => return Err(incomplete(&problem)),
            }
        }
        let memory = timeout_at(until, memory.another(PIECES_BYTES))
            .await
            .map_err(|_| incomplete("there are too many large bodies at once"))?;
        let start = Response { status, headers: response.headers, body: start.freeze() };
        Ok((start, response.body, Some(memory)))
    }

    /// Why there is no response. The advice is given once, and again after the next response.
    async fn explain(&self, error: &SendError, url: &Url, permit: &InFlightPermit) -> ForwardFailure {
        let Cause { problem, advice } = explain(error, &self.client, url, permit.has_responded()).await;
        let message = if permit.is_new_advice(&advice) { format!("{problem}{advice}") } else { problem };
        ForwardFailure::new(kind_of(error), message)
    }
}

impl FinishedForward {
    fn failed(url: String, started: Instant, problem: ForwardFailure) -> Self {
        let forwarded = Forwarded { url, outcome: Err(problem), elapsed: started.elapsed() };
        Self { forwarded, response: None, rest: None, writing: None }
    }

    /// The result for a delivery that has come back from this target, and is not forwarded.
    fn returned(target: String) -> Self {
        let message = "this URL leads back to hookdev: the delivery was forwarded there, and came back";
        let problem = ForwardFailure::new(ForwardFailureKind::Returned, message);
        Self {
            forwarded: Forwarded { url: target, outcome: Err(problem), elapsed: Duration::ZERO },
            response: None,
            rest: None,
            writing: None,
        }
    }
}

impl PendingForward {
    /// Waits for the result until the deadline.
    pub async fn by(&mut self, deadline: Instant) -> Option<Forwarded> {
        timeout_at(deadline, self.result()).await.ok()
    }

    /// Waits for the result. Cancel safe.
    pub async fn result(&mut self) -> Forwarded {
        match (&mut self.task).await {
            Ok(forwarded) => forwarded,
            Err(error) => self.without_response(ForwardFailure::new(ForwardFailureKind::Abandoned, error.to_string())),
        }
    }

    /// The state of the forward while it runs.
    pub fn so_far(&self) -> Forwarded {
        self.without_response(ForwardFailure::new(ForwardFailureKind::Pending, "no response yet"))
    }

    fn without_response(&self, problem: ForwardFailure) -> Forwarded {
        Forwarded { url: self.url.clone(), outcome: Err(problem), elapsed: self.started.elapsed() }
    }
}

/// A request to be forwarded, with the path and host of this target.
fn addressed(mut request: Request, target: &Url) -> Request {
    request.target = target_with_query(target, &request.target);
    set_host(&mut request.headers, target);
    // The expectation was met when the body was read.
    request.headers.remove("expect");
    request
}

/// The headers of a request as this target gets them, except for the `via` header of one that equals others in flight.
#[must_use]
pub fn forwarded_headers(request: &Request, target: &Url) -> Headers {
    sent_headers(target, &addressed(request.clone(), target))
}

/// The handler's response for the sender: without the headers of its connection, and without those that would let a web
/// page read it. Where the `content-length` is that of a body which isn't sent, it stays.
fn for_sender(response: &Response, method: &Method) -> Response {
    let states_length = *method == Method::HEAD || response.status == 304;
    let length = response.headers.iter().find(|(name, _)| states_length && name.as_str() == "content-length");
    let headers = end_to_end(&response.headers)
        .filter(|(name, _)| !name.as_str().starts_with("access-control-"))
        .chain(length)
        .cloned()
        .collect();
    Response { status: response.status, headers, body: response.body.clone() }
}
