//! Forwards deliveries to the user's own handlers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use glob::Pattern;
use reqwest::Url;
use tokio_util::sync::CancellationToken;

use crate::{
    net::{
        client::{Client, SendError, Transport, end_to_end},
        url::with_query_of,
    },
    webhook::{
        record::{Forwarded, Response},
        request::Request,
    },
};

/// Which events are forwarded, and where to.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The names of the events.
    pub events: Pattern,
    /// The handler.
    pub url: Url,
}

/// A forward in progress. It runs whether or not it is awaited.
pub type PendingForward = BoxFuture<'static, Forwarded>;

/// Starts forwards.
#[derive(Debug)]
pub struct Forwarder {
    client: Arc<Client>,
    timeout: Duration,
    cancel: CancellationToken,
}

impl Forwarder {
    /// Waits up to `timeout` for each handler, and no longer than until `cancel`.
    pub fn new(timeout: Duration, cancel: CancellationToken) -> Self {
        Self { client: Arc::new(Client::new(false)), timeout, cancel }
    }

    /// Starts every forward whose glob matches the event, in their order.
    pub fn start(&self, forwards: &[Forward], event: &str, request: &Request) -> Vec<PendingForward> {
        let mut matching = forwards.iter().filter(|forward| forward.events.matches(event)).peekable();
        if matching.peek().is_none() {
            return Vec::new();
        }
        let mut request = request.clone();
        // It was met when the body was read here.
        request.headers.remove("expect");
        // It names this receiver, not the handler.
        request.headers.remove("host");
        matching.map(|forward| self.start_one(forward, &request)).collect()
    }

    fn start_one(&self, forward: &Forward, request: &Request) -> PendingForward {
        let url = with_query_of(&forward.url, &request.target);
        let (client, request, timeout) = (Arc::clone(&self.client), request.clone(), self.timeout);
        let task = tokio::spawn(async move {
            let sent = client.send(&url, &request, timeout).await;
            let outcome = sent.response.map_err(|error| explain(&error));
            Forwarded { url: url.to_string(), outcome, elapsed: sent.elapsed }
        });
        let (url, cancel, started) = (forward.url.to_string(), self.cancel.clone(), Instant::now());
        async move {
            let error = tokio::select! {
                forwarded = task => match forwarded {
                    Ok(forwarded) => return forwarded,
                    Err(error) => error.to_string(),
                },
                () = cancel.cancelled() => "hookdev was stopped before the handler responded; responded 502".to_owned(),
            };
            Forwarded { url, outcome: Err(error), elapsed: started.elapsed() }
        }
        .boxed()
    }
}

/// The handler's response for the sender, without the headers of its connection. `None` if there is none.
pub fn response(forwarded: &Forwarded) -> Option<Response> {
    let response = forwarded.outcome.as_ref().ok()?;
    Some(Response { headers: end_to_end(&response.headers).cloned().collect(), ..response.clone() })
}

/// What went wrong, what to check, and what the sender got.
fn explain(error: &SendError) -> String {
    match error {
        SendError::Unreachable(problem) => format!("{problem}: is your handler running? responded 502"),
        SendError::TimedOut(_) => format!("{error} (the forward timeout); responded 502"),
        SendError::Broken(problem) => format!("{problem}: did your handler crash? responded 502"),
        SendError::Incomplete(response, problem) => {
            format!("your handler responded {}, but {problem}; responded 502", response.status)
        }
        SendError::Unsendable(_) | SendError::Untrusted(_) => format!("{error}; responded 502"),
    }
}
