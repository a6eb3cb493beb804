//! The inspector's engine: what its page can show of a receiver's deliveries, and do with them. It reads the history,
//! which is a consumer of the receiver like any other, so nothing that a page does holds up a delivery.
//!
//! The stream of a tab has the lines of `listen --json`, except for bodies, which are read on demand:
//!
//! - `ready`, first, and again whenever it changes: a tunnel has a new URL, or the config has other targets;
//! - `delivery`, `findings`, `forwards` (with `"resent":true` for the results of a resend), `missed`;
//! - `alive`, if there was nothing else for a while.

mod curl;
mod ready;
mod resend;
mod search;
mod stream;
mod tree;

use std::sync::Arc;

use http::Method;
use reqwest::Url;
use tokio::{sync::Semaphore, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use self::tree::PayloadTrees;
pub use self::{curl::curl_command, ready::Surroundings};
use super::receive::{CurrentSettings, History, HistoryEntry, Resender, forwarded_headers};
use crate::{
    net::{
        inspector::{ErrorReply, InspectorApi, PageRequest, Reply},
        receiver::ReceiveError,
    },
    render::json,
    webhook::{
        capture,
        diff::diff,
        payload::MAX_DECODED_BYTES,
        record::{Delivery, Forwarded},
        redact,
        remedy::Wording,
        request::{Headers, Request},
    },
};

/// How many tabs may have a stream. A browser has six connections to a host, and streams must not use all of them.
const MAX_STREAMS: usize = 4;

/// How many calls compute at the same time. Large payloads take long, and must not use up the blocking threads.
const MAX_WORKERS: usize = 2;

/// The components of an inspection.
pub struct InspectorSetup {
    /// The deliveries.
    pub history: History,
    /// How deliveries are verified, and where they can be resent.
    pub settings: Arc<CurrentSettings>,
    /// Resends deliveries.
    pub resender: Resender,
    /// Where the receiver is reached.
    pub surroundings: Surroundings,
    /// Puts hints into words.
    pub wording: Wording,
    /// Hints for calls that fail.
    pub hints: Hints,
    /// Whether credentials are hidden.
    pub redact: bool,
    /// Gets every problem outside a request.
    pub on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    /// Ends the streams.
    pub stop: CancellationToken,
}

/// Hints for calls that fail, in the front end's words.
#[derive(Clone, Copy, Debug)]
pub struct Hints {
    /// The delivery is no longer in memory.
    pub forgotten: &'static str,
    /// There is no target.
    pub no_target: &'static str,
    /// No target gets the event.
    pub no_match: &'static str,
    /// There is no secret to sign with.
    pub no_secret: &'static str,
}

/// Responds to the page's calls.
pub struct Inspection {
    shared: Arc<CallContext>,
    trees: Arc<PayloadTrees>,
    streams: Arc<Semaphore>,
    workers: Semaphore,
    on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    stop: CancellationToken,
}

/// What all calls share.
struct CallContext {
    history: History,
    settings: Arc<CurrentSettings>,
    resender: Resender,
    surroundings: Surroundings,
    wording: Wording,
    hints: Hints,
    redact: bool,
}

impl Inspection {
    /// An inspection without any tab yet.
    #[must_use]
    pub fn new(setup: InspectorSetup) -> Self {
        let InspectorSetup { history, settings, resender, surroundings, wording, hints, redact, on_error, stop } =
            setup;
        Self {
            shared: Arc::new(CallContext { history, settings, resender, surroundings, wording, hints, redact }),
            trees: Arc::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            workers: Semaphore::new(MAX_WORKERS),
            on_error,
            stop,
        }
    }

    fn stream(&self, query: &Query) -> Reply {
        let Ok(after) = query.number("after") else { return invalid("after") };
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            let error = format!("{MAX_STREAMS} tabs have a stream already");
            return Reply::Error(ErrorReply { status: 503, error, hint: None, poll: true });
        };
        Reply::Stream(stream::start(Arc::clone(&self.shared), after.unwrap_or(0), permit, self.stop.clone()))
    }

    /// Computes a reply on a thread that may block.
    async fn compute(&self, work: impl FnOnce(&CallContext) -> Reply + Send + 'static) -> Reply {
        let _worker = self.workers.acquire().await;
        let shared = Arc::clone(&self.shared);
        match spawn_blocking(move || work(&shared)).await {
            Ok(reply) => reply,
            // The server reports the panic and responds 500.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn lines(&self, query: &Query) -> Reply {
        let Ok(after) = query.number("after") else { return invalid("after") };
        self.shared.history.catch_up().await;
        self.compute(move |shared| Reply::Lines(stream::snapshot(shared, after.unwrap_or(0)))).await
    }

    async fn tree(&self, entry: HistoryEntry, query: &Query) -> Reply {
        let Ok(from) = query.number("from") else { return invalid("from") };
        let trees = Arc::clone(&self.trees);
        let page = move |_: &CallContext| match trees.get(&entry.delivery) {
            Ok(tree) => json(|out| tree.page(from.unwrap_or(0), out)),
            Err(why) => Reply::error(422, why),
        };
        self.compute(page).await
    }

    async fn diff(&self, query: &Query) -> Reply {
        let (Ok(Some(left)), Ok(Some(right))) = (query.number("left"), query.number("right")) else {
            return invalid("left` or `right");
        };
        self.shared.history.catch_up().await;
        let compare = move |shared: &CallContext| match (shared.history.get(left), shared.history.get(right)) {
            (Some(left), Some(right)) => {
                let differences = diff(&shared.shown(&left), &shared.shown(&right), MAX_DECODED_BYTES);
                json(|out| json::differences(&differences, out))
            }
            (None, _) => shared.forgotten(left),
            (_, None) => shared.forgotten(right),
        };
        self.compute(compare).await
    }

    async fn search(&self, query: &Query) -> Reply {
        let words: Vec<String> = query.texts("word").map(str::to_owned).collect();
        let length: usize = words.iter().map(String::len).sum();
        if length == 0 || length > search::MAX_TEXT {
            return Reply::error(400, format!("invalid `word`: write 1 to {} bytes in all", search::MAX_TEXT));
        }
        self.shared.history.catch_up().await;
        let find = move |shared: &CallContext| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            json(|out| json::found(&search::find(&shared.history.all(), &words), out))
        };
        self.compute(find).await
    }

    async fn resend(&self, entry: HistoryEntry, request: PageRequest) -> Reply {
        let PageRequest { body, permit, .. } = request;
        let result = resend::resend(&self.shared, &entry.delivery, &body).await;
        drop(permit);
        match result {
            Ok(reply) => Reply::Json(reply.into()),
            Err(error) => {
                let (status, hint) = (error.status(), error.hint(&self.shared.hints).map(str::to_owned));
                Reply::Error(ErrorReply { status, error: error.to_string(), hint, poll: false })
            }
        }
    }

    /// Responds to a request about one delivery.
    async fn delivery(&self, seq: &str, what: &[&str], query: &Query, request: PageRequest) -> Reply {
        let Ok(seq) = seq.parse() else { return Reply::not_found() };
        let is_get = request.method == Method::GET;
        let is_known = match what {
            ["resend"] => !is_get,
            [] | ["tree" | "body" | "curl"] => is_get,
            _ => return Reply::not_found(),
        };
        if !is_known {
            return Reply::wrong_method();
        }
        // A delivery may be responded to before it is in the history.
        self.shared.history.catch_up().await;
        let Some(entry) = self.shared.history.entry(seq) else { return self.shared.forgotten(seq) };
        match what {
            ["tree"] => self.tree(entry, query).await,
            ["body"] => attachment(&entry.delivery),
            ["curl"] => self.compute(move |shared| Reply::Text(shared.curl(&entry.delivery))).await,
            ["resend"] => self.resend(entry, request).await,
            _ => self.compute(move |shared| json(|out| shared.whole(&entry, out))).await,
        }
    }
}

impl CallContext {
    fn forgotten(&self, seq: u64) -> Reply {
        let (error, hint) = (format!("delivery {seq} is not in memory"), Some(self.hints.forgotten.to_owned()));
        Reply::Error(ErrorReply { status: 404, error, hint, poll: false })
    }

    /// A request as it may be shown: redacted if required.
    fn shown(&self, delivery: &Delivery) -> Request {
        let provider = delivery.assessment.provider.as_deref();
        if self.redact { redact::request(&delivery.request, provider) } else { delivery.request.clone() }
    }

    /// The headers of a delivery's request, perhaps edited, as this target gets them; redacted if required.
    fn sent_headers(&self, delivery: &Delivery, request: &Request, target: &Url) -> Headers {
        let headers = forwarded_headers(request, target);
        let provider = delivery.assessment.provider.as_deref();
        if self.redact { redact::request(&Request { headers, ..request.clone() }, provider).headers } else { headers }
    }

    fn curl(&self, delivery: &Delivery) -> String {
        curl_command(delivery, &self.surroundings.local, self.redact)
    }

    /// Appends everything about a delivery.
    fn whole(&self, HistoryEntry { delivery, resends, .. }: &HistoryEntry, out: &mut Vec<u8>) {
        let sent = |forwarded: &Forwarded| {
            let url = Url::parse(&forwarded.url).ok()?;
            Some(self.sent_headers(delivery, &delivery.request, &url))
        };
        let sent: Vec<Option<Headers>> = delivery.forwards.iter().map(sent).collect();
        if self.redact {
            let resends: Vec<Forwarded> = resends.iter().map(|forwarded| redact::forwarded(forwarded)).collect();
            capture::write_with_responses(&redact::delivery(delivery), &sent, resends.iter(), self.wording, out);
        } else {
            capture::write_with_responses(delivery, &sent, resends.iter().map(Arc::as_ref), self.wording, out);
        }
    }
}

impl InspectorApi for Inspection {
    async fn respond(&self, request: PageRequest) -> Reply {
        let query = Query::parse(&request.query);
        let path = request.path.clone();
        let segments: Vec<&str> = path.split('/').collect();
        let is_get = request.method == Method::GET;
        match segments.as_slice() {
            ["deliveries", seq, what @ ..] => self.delivery(seq, what, &query, request).await,
            ["stream"] if is_get => self.stream(&query),
            ["deliveries"] if is_get => self.lines(&query).await,
            ["diff"] if is_get => self.diff(&query).await,
            ["search"] if is_get => self.search(&query).await,
            ["stream" | "deliveries" | "diff" | "search"] => Reply::wrong_method(),
            _ => Reply::not_found(),
        }
    }

    fn on_error(&self, error: ReceiveError) {
        (self.on_error)(error);
    }
}

fn json(write: impl FnOnce(&mut Vec<u8>)) -> Reply {
    let mut out = Vec::new();
    write(&mut out);
    Reply::Json(out.into())
}

/// The body of a delivery as a file.
fn attachment(delivery: &Delivery) -> Reply {
    let media = delivery.request.media_type().unwrap_or_default();
    let extension = if media.ends_with("json") { "json" } else { "bin" };
    Reply::Attachment { name: format!("delivery-{}.{extension}", delivery.seq), bytes: delivery.request.body.clone() }
}

/// The query parameters of a call.
struct Query(Vec<(String, String)>);

/// A parameter that is not a number.
struct NotANumber;

impl Query {
    fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, NotANumber> {
        self.texts(name).next().map(|text| text.parse().map_err(|_| NotANumber)).transpose()
    }
}

fn invalid(name: &str) -> Reply {
    Reply::error(400, format!("invalid `{name}`: write a number"))
}
