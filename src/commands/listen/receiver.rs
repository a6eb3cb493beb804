//! Answers each request: judges it, forwards it, keeps it, and hands it to the writer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderName, HeaderValue, Method};
use tokio::{
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
};

use super::{
    ending::Cut,
    explainer::Explainer,
    keeper::{Capture, Keeper},
    output::Output,
    settings::{Current, Settings},
    troubles::Troubles,
};
use crate::{
    commands::remedies,
    engine::clock::now,
    net::{
        client::{Client, SendError, Transport, end_to_end},
        receiver::{Handler, Received},
        url::with_query_of,
    },
    store::captures::CaptureStore,
    webhook::{
        assessment::{Assessment, PayloadCheck},
        capture,
        record::{Delivery, Forwarded, Response},
        redact,
        request::{Headers, Request},
        signature::Verdict,
        time::Timestamp,
    },
};

/// How requests are answered, whatever they hold.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Status codes that are given by turn.
    pub respond: Vec<u16>,
    /// A wait before each answer.
    pub delay: Option<Duration>,
    /// Whether only genuine deliveries are forwarded.
    pub only_verified: bool,
    /// How long a handler may take.
    pub patience: Duration,
}

/// The bodies beyond [`LIGHT`] that are read at once. Each may take some hundred times its size.
const WEIGHTY: usize = 2;

/// A body of no more bytes is read on the spot, unless it is compressed.
const LIGHT: usize = 64 << 10;

/// About so many bytes of a capture are not its body.
const OTHER_BYTES: usize = 1 << 10;

/// The receiver behind `listen`.
#[derive(Debug)]
pub struct Receiver {
    settings: Arc<Current>,
    answers: Answers,
    keeper: Option<Keeper>,
    /// Whether captures have no credentials.
    redacts: bool,
    outputs: mpsc::Sender<Output>,
    troubles: Troubles,
    pinned: Option<Timestamp>,
    client: Arc<Client>,
    explainer: Explainer,
    weighty: Semaphore,
    cut: Cut,
    seq: AtomicU64,
    turn: AtomicUsize,
    under_way: Arc<AtomicUsize>,
}

impl Receiver {
    /// A receiver that hands its deliveries to `outputs`; `pinned` stands for the clock, and `cut`
    /// ends the waits for handlers.
    pub fn new(
        settings: Arc<Current>,
        answers: Answers,
        captures: Option<CaptureStore>,
        outputs: mpsc::Sender<Output>,
        troubles: Troubles,
        pinned: Option<Timestamp>,
        cut: Cut,
    ) -> Self {
        let client = Arc::new(Client::new(false));
        Self {
            settings,
            answers,
            keeper: captures.map(Keeper::start),
            redacts: false,
            outputs,
            troubles,
            pinned,
            client,
            explainer: Explainer::default(),
            weighty: Semaphore::new(WEIGHTY),
            cut,
            seq: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            under_way: Arc::default(),
        }
    }

    /// The same, whose captures have no credentials if it `redacts`.
    #[must_use]
    pub fn redacting(self, redacts: bool) -> Self {
        Self { redacts, ..self }
    }

    /// How many deliveries are received and not yet answered.
    pub fn under_way(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.under_way)
    }

    /// Judges a request: a weighty one beside the others, which it would hold up, and few at a time, so
    /// that no number of them fills the memory.
    async fn assess(&self, settings: &Arc<Settings>, request: &Request, received_at: Timestamp) -> Assessment {
        if request.body.len() > LIGHT || request.headers.contains("content-encoding") {
            let place = self.weighty.acquire().await;
            let (settings, request) = (Arc::clone(settings), request.clone());
            let judged = spawn_blocking(move || settings.judge().assess(&request, Some(received_at).into())).await;
            drop(place);
            return match judged {
                Ok(assessment) => assessment,
                // As it would have done here.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
        }
        settings.judge().assess(request, Some(received_at).into())
    }

    /// What the answer is, and the forwards that it did not wait for.
    async fn decide(
        &self,
        settings: &Settings,
        request: &Request,
        assessment: &Assessment,
    ) -> (Response, Vec<Forwarded>, Vec<Pending>) {
        if let Some(delay) = self.answers.delay {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.cut.clone().comes() => {}
            }
        }
        if !self.answers.respond.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.answers.respond.len();
            return (plain(self.answers.respond[turn], "answered as --respond says\n"), Vec::new(), Vec::new());
        }
        let mut pending = self.forwards(settings, request, assessment);
        if pending.is_empty() {
            return (default_answer(request, assessment), Vec::new(), Vec::new());
        }
        let first = pending.remove(0).await;
        (answer_of(&first), vec![first], pending)
    }

    /// The forwards of a delivery, all of them started.
    fn forwards(&self, settings: &Settings, request: &Request, assessment: &Assessment) -> Vec<Pending> {
        if self.answers.only_verified && !is_trusted(assessment) {
            return Vec::new();
        }
        let matching = settings.forwards.iter().filter(|forward| forward.events.matches(assessment.title()));
        let mut matching = matching.peekable();
        if matching.peek().is_none() {
            return Vec::new();
        }
        let mut request = request.clone();
        // It was met when the body was read here.
        request.headers.remove("expect");
        // It names this receiver, not the handler.
        request.headers.remove("host");
        matching
            .map(|forward| {
                let url = with_query_of(&forward.url, &request.target);
                let (client, request, patience) = (Arc::clone(&self.client), request.clone(), self.answers.patience);
                let task = tokio::spawn(async move {
                    let sent = client.send(&url, &request, patience).await;
                    let outcome = sent.response.map_err(|error| advice(&error));
                    Forwarded { url: url.to_string(), outcome, elapsed: sent.elapsed }
                });
                let (lost, cut, begun) = (forward.url.to_string(), self.cut.clone(), Instant::now());
                async move {
                    let failed = tokio::select! {
                        forwarded = task => match forwarded {
                            Ok(forwarded) => return forwarded,
                            Err(error) => error.to_string(),
                        },
                        () = cut.comes() => "hookdev was ended before it answered; answered 502".to_owned(),
                    };
                    Forwarded { url: lost, outcome: Err(failed), elapsed: begun.elapsed() }
                }
                .boxed()
            })
            .collect()
    }

    /// Keeps a delivery, if captures are kept; why not, if it can't be.
    async fn capture(&self, delivery: &mut Delivery) {
        let Some(keeper) = &self.keeper else { return };
        let mut object = Vec::with_capacity(delivery.request.body.len() / 3 * 4 + OTHER_BYTES);
        if self.redacts {
            capture::write_delivery(&redact::delivery(delivery), remedies::words, &mut object);
        } else {
            capture::write_delivery(delivery, remedies::words, &mut object);
        }
        let (received_at, seq) = (delivery.received_at, delivery.seq);
        let label =
            delivery.assessment.event.clone().or_else(|| delivery.assessment.provider_name().map(str::to_owned));
        match keeper.keep(Capture { received_at, seq, label, object }).await {
            Ok(path) => delivery.capture = Some(path),
            Err(problem) => delivery.capture_error = Some(problem),
        }
    }

    async fn receive(&self, received: Received) -> Response {
        let Received { request, started, share, .. } = received;
        let received_at = self.pinned.unwrap_or_else(now);
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        let settings = self.settings.get();
        let assessment = self.assess(&settings, &request, received_at).await;
        // Taken before the answer goes out, so that no more than the channel holds can wait.
        let place = self.outputs.clone().reserve_owned().await;
        let (mut answer, forwards, pending) = self.decide(&settings, &request, &assessment).await;
        let mut delivery = Delivery {
            seq,
            received_at,
            request,
            assessment,
            status: answer.status,
            elapsed: started.elapsed(),
            forwards,
            capture: None,
            capture_error: None,
        };
        self.capture(&mut delivery).await;
        if delivery.capture_error.is_some() {
            answer = plain(503, "the delivery could not be kept; send it again\n");
            delivery.status = answer.status;
        }
        let Ok(place) = place else { return answer };
        let explanation = self.explainer.explain(settings, &delivery);
        if pending.is_empty() {
            place.send(Output::Delivery(Box::new(delivery), explanation, share));
        } else {
            tokio::spawn(async move {
                delivery.forwards.extend(futures_util::future::join_all(pending).await);
                place.send(Output::Delivery(Box::new(delivery), explanation, share));
            });
        }
        answer
    }
}

/// One delivery among those under way, until it is dropped: by a panic, too.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn among(under_way: &'a AtomicUsize) -> Self {
        under_way.fetch_add(1, Ordering::Relaxed);
        Self(under_way)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A forward that is under way.
type Pending = BoxFuture<'static, Forwarded>;

impl Handler for Receiver {
    async fn handle(&self, received: Received) -> Response {
        let _counted = Counted::among(&self.under_way);
        self.receive(received).await
    }

    fn trouble(&self, message: String) {
        self.troubles.tell(message);
    }
}

/// Whether a delivery is passed on where only genuine ones are: without a signature, only what is
/// wholly as the provider documents it.
fn is_trusted(assessment: &Assessment) -> bool {
    match assessment.verdict {
        Verdict::Verified(_) => true,
        Verdict::Unsigned => assessment.payload == PayloadCheck::Valid,
        Verdict::Rejected(_) | Verdict::Unrecognised => false,
    }
}

/// What a visitor reads, such as a browser.
const PAGE: &str = "\
This is `hookdev listen`. It receives webhooks: POST one to this address and see in its terminal
whether it is genuine. `hookdev send` sends some, and `hookdev listen --help` says what else there is.
";

/// What a correct handler answers.
fn default_answer(request: &Request, assessment: &Assessment) -> Response {
    let is_visit = [Method::GET, Method::HEAD].contains(&request.method);
    if is_visit && assessment.verdict == Verdict::Unrecognised {
        return plain(200, PAGE);
    }
    if assessment.verdict.rejection().is_some() {
        return plain(401, "rejected\n");
    }
    let status = assessment.provider.as_ref().map_or(200, |provider| provider.delivery.first_success());
    plain(status, "")
}

/// The handler's answer, unchanged; without one, why not.
fn answer_of(forwarded: &Forwarded) -> Response {
    match &forwarded.outcome {
        Ok(answer) => Response { headers: end_to_end(&answer.headers).cloned().collect(), ..answer.clone() },
        Err(_) => plain(502, "the handler behind hookdev gave no answer\n"),
    }
}

fn plain(status: u16, text: &'static str) -> Response {
    let mut headers = Headers::new();
    if !text.is_empty() {
        headers.push(HeaderName::from_static("content-type"), HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    Response { status, headers, body: Bytes::from_static(text.as_bytes()) }
}

/// What went wrong with a forward, and what to do about it.
fn advice(error: &SendError) -> String {
    match error {
        SendError::Unreachable(problem) => format!("{problem}: is your handler running? answered 502"),
        SendError::TimedOut(_) => format!("{error}: --forward-timeout allows more; answered 502"),
        SendError::Broken(problem) => format!("{problem}: did your handler crash? answered 502"),
        SendError::Incomplete(answer, problem) => format!("{} came, but {problem}; answered 502", answer.status),
        SendError::Untrusted(_) => format!("{}; answered 502", remedies::with_remedy(error)),
        SendError::Unsendable(_) => format!("{error}; answered 502"),
    }
}
