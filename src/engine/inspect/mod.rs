//! The inspector: what its page is told about the deliveries of a receiver, and what it can do with them. It reads the history,
//! which is a consumer of the receiver like any other, so nothing that a page does holds up a delivery.
//!
//! The stream of a tab has the lines of `listen --json`, but for bodies, which are read on demand:
//!
//! - `ready`, first, and again whenever it changes: a tunnel has a new URL, or the config has other targets;
//! - `delivery`, `findings`, `forwards` (with `"resent":true` for the results of sending a delivery again), `missed`;
//! - `alive`, when there has been nothing else for a while.

mod ready;
mod stream;

use std::sync::Arc;

use http::Method;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use self::ready::Surroundings;
use super::receive::{CurrentSettings, History, Resender};
use crate::{
    net::{
        inspector::{Api, Call, ErrorReply, Reply},
        receiver::ReceiveError,
    },
    webhook::remedy::Wording,
};

/// How many tabs may have a stream. A browser has six connections to a host, which must not be all of them.
const MAX_STREAMS: usize = 4;

/// What an inspector works with.
pub struct Setup {
    /// The deliveries.
    pub history: History,
    /// How they are verified, and where they can be sent again.
    pub settings: Arc<CurrentSettings>,
    /// Sends them again.
    pub resender: Resender,
    /// Where they come from.
    pub surroundings: Surroundings,
    /// Puts hints into words.
    pub wording: Wording,
    /// Whether credentials are hidden.
    pub redact: bool,
    /// Gets every problem outside a call.
    pub on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    /// Ends the streams.
    pub stop: CancellationToken,
}

/// Answers the calls of the page.
pub struct Inspection {
    shared: Arc<Shared>,
    streams: Arc<Semaphore>,
    on_error: Box<dyn Fn(ReceiveError) + Send + Sync>,
    stop: CancellationToken,
}

/// What calls have in common.
struct Shared {
    history: History,
    settings: Arc<CurrentSettings>,
    #[allow(dead_code)]
    resender: Resender,
    surroundings: Surroundings,
    wording: Wording,
    redact: bool,
}

impl Inspection {
    /// An inspection without a tab.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup { history, settings, resender, surroundings, wording, redact, on_error, stop } = setup;
        Self {
            shared: Arc::new(Shared { history, settings, resender, surroundings, wording, redact }),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
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
}

impl Api for Inspection {
    async fn respond(&self, call: Call) -> Reply {
        let query = Query::parse(&call.query);
        let segments: Vec<&str> = call.path.split('/').collect();
        match (segments.as_slice(), &call.method) {
            (["stream"], &Method::GET) => self.stream(&query),
            (["deliveries"], &Method::GET) => {
                let Ok(after) = query.number("after") else { return invalid("after") };
                Reply::Lines(stream::snapshot(&self.shared, after.unwrap_or(0)))
            }
            (["stream" | "deliveries"], _) => Reply::wrong_method(),
            _ => Reply::not_found(),
        }
    }

    fn on_error(&self, error: ReceiveError) {
        (self.on_error)(error);
    }
}

/// The parameters of a call.
struct Query(Vec<(String, String)>);

/// A parameter that is not a number.
struct NotANumber;

impl Query {
    fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, NotANumber> {
        self.text(name).map(|text| text.parse().map_err(|_| NotANumber)).transpose()
    }
}

fn invalid(name: &str) -> Reply {
    Reply::error(400, format!("invalid `{name}`: write a number"))
}
