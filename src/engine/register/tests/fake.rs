//! A fake provider built from the manifests' own calls.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::super::*;
use crate::{
    net::client::{SendError, SendResult},
    webhook::{
        provider::registration::{ApiCall, CallBody, ListCall},
        record::Response,
        request::{Headers, Request},
    },
};

/// What the provider has: endpoints by their ids, and the value of a resource.
#[derive(Debug, Default)]
pub(super) struct ProviderState {
    pub(super) endpoints: BTreeMap<u64, Value>,
    pub(super) created: u64,
    pub(super) value: String,
    pub(super) calls: Vec<String>,
    pub(super) is_down: bool,
    /// The body of all responses to GET requests, instead of the usual ones.
    pub(super) page: Option<&'static str>,
    /// What happens to the next call that changes something.
    pub(super) fault: Option<Fault>,
}

/// What can happen to a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// It has no effect, and gets this status.
    Rejected(u16),
    /// It takes effect, but gets this status.
    Failed(u16),
    /// It takes effect, but its response is lost.
    Lost,
    /// It takes effect, but its response is not valid HTTP.
    Invalid,
    /// It is not sent, because nothing listens.
    NotSent,
}

/// A provider's API, which responds to the calls of one manifest in the formats that it describes.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) account: Account,
    pub(super) state: Arc<Mutex<ProviderState>>,
    /// How many calls get through before the process dies. The last one takes effect, but its response is lost.
    pub(super) calls_left: AtomicUsize,
}

impl Transport for Fake {
    async fn send(&self, url: &Url, request: &Request, _: Duration) -> SendResult {
        let left = self.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let response = match left {
            // Never responds, so that the caller is dropped while it waits.
            Err(_) => std::future::pending().await,
            Ok(1) => {
                self.answer(url, request);
                std::future::pending().await
            }
            Ok(_) => self.respond(url, request),
        };
        SendResult { response, elapsed: Duration::ZERO }
    }
}

impl Fake {
    fn respond(&self, url: &Url, request: &Request) -> Result<Response, SendError> {
        let changes = request.method != http::Method::GET;
        let fault = changes.then(|| self.state.lock().fault.take()).flatten();
        match fault {
            None => Ok(self.answer(url, request)),
            Some(Fault::Rejected(status)) => Ok(empty(status)),
            Some(Fault::Failed(status)) => {
                self.answer(url, request);
                Ok(empty(status))
            }
            Some(Fault::Lost) => {
                self.answer(url, request);
                Err(SendError::TimedOut(CALL_TIMEOUT))
            }
            Some(Fault::Invalid) => {
                self.answer(url, request);
                Err(SendError::Invalid("invalid HTTP header parsed".to_owned()))
            }
            Some(Fault::NotSent) => Err(SendError::NotListening("nothing listens".to_owned())),
        }
    }

    fn answer(&self, url: &Url, request: &Request) -> Response {
        let mut state = self.state.lock();
        let path = url.as_str().strip_prefix(self.account.api.as_str()).unwrap().to_owned();
        state.calls.push(format!("{} {path}", request.method));
        let key = request.headers.text("authorization").unwrap().into_owned();
        assert!(key.ends_with(" the-key"), "{key}");
        if state.is_down {
            return empty(503);
        }
        if let Some(page) = state.page.filter(|_| request.method == http::Method::GET) {
            return Response { status: 200, headers: Headers::new(), body: Bytes::from_static(page.as_bytes()) };
        }
        let registration = self.account.provider.registration.as_ref().unwrap();
        let (status, body) = match &registration.how {
            How::Endpoint(calls) => {
                let id = state.endpoints.keys().copied().find(|id| path.contains(&id.to_string()));
                let is = |call: &ApiCall| {
                    let id = id.map(|id| id.to_string()).unwrap_or_default();
                    let values = CallValues { id: &id, resource: &self.account.resource, ..CallValues::default() };
                    request.method == call.method && path == call.path.fill(&values)
                };
                if is(&calls.list.call) {
                    (200, list(&state, &calls.list))
                } else if is(&calls.create) {
                    state.created += 1;
                    let id = 7_000_000 + state.created;
                    state.endpoints.insert(id, fields(&calls.create, request));
                    let mut body = json!({});
                    put(&mut body, calls.create.id.as_deref().unwrap(), json!(id));
                    if let Some(at) = &calls.create.secret {
                        put(&mut body, at, json!(format!("whsec_{}", "c2VjcmV0IHNlY3JldCBzZWNyZXQh")));
                    }
                    (201, body)
                } else if is(&calls.update)
                    && let Some(id) = id
                {
                    let new = fields(&calls.update, request);
                    let old = state.endpoints.get_mut(&id).unwrap();
                    for (name, value) in new.as_object().unwrap() {
                        old[name] = value.clone();
                    }
                    (200, json!({}))
                } else if is(&calls.delete)
                    && let Some(id) = id
                {
                    state.endpoints.remove(&id);
                    (200, json!({}))
                } else {
                    (404, json!({}))
                }
            }
            How::Value(calls) => {
                let values = CallValues { resource: &self.account.resource, ..CallValues::default() };
                assert_eq!(path, calls.read.path.fill(&values));
                if request.method == calls.read.method {
                    let mut body = json!({});
                    put(&mut body, calls.read.previous.as_deref().unwrap(), json!(state.value));
                    (200, body)
                } else {
                    let body: Value = serde_json::from_slice(&request.body).unwrap();
                    state.value = body.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
                    (200, json!({}))
                }
            }
            How::Manual(_) => panic!("no calls"),
        };
        Response { status, headers: Headers::new(), body: Bytes::from(body.to_string()) }
    }
}

pub(super) fn empty(status: u16) -> Response {
    Response { status, headers: Headers::new(), body: Bytes::new() }
}

/// The endpoints in the shape that the manifest's `list` reads.
pub(super) fn list(state: &ProviderState, list: &ListCall) -> Value {
    let items: Vec<Value> = state
        .endpoints
        .iter()
        .map(|(id, fields)| {
            let mut item = fields.clone();
            put(&mut item, &list.id, json!(id));
            item
        })
        .collect();
    if list.items.is_empty() {
        return items.into();
    }
    let mut body = json!({});
    put(&mut body, &list.items, items.into());
    body
}

/// The fields of a request's body.
pub(super) fn fields(call: &ApiCall, request: &Request) -> Value {
    match call.body {
        CallBody::Form(_) => form_urlencoded::parse(&request.body)
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect::<Map<_, _>>()
            .into(),
        _ => serde_json::from_slice(&request.body).unwrap(),
    }
}

/// Puts a value at a JSON pointer, with the objects above it.
pub(super) fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut at = body;
    for key in pointer.split('/').skip(1) {
        at = &mut at[key];
    }
    *at = value;
}
