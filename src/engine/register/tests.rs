//! A fake provider built from the manifests' own calls, and what is left there if the process dies after any of its
//! steps.

use std::{
    collections::BTreeMap,
    path::Path,
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

use super::*;
use crate::{
    net::client::{SendError, SendResult},
    webhook::{
        provider::{
            catalog::Catalog,
            registration::{ApiCall, CallBody, ListCall},
        },
        record::Response,
        request::{Headers, Request},
    },
};

const PUBLIC: &str = "https://dev.example";

/// What the provider has: endpoints by their ids, and the value of a resource.
#[derive(Debug, Default)]
struct ProviderState {
    endpoints: BTreeMap<u64, Value>,
    created: u64,
    value: String,
    calls: Vec<String>,
    is_down: bool,
    /// The body of all responses to GET requests, instead of the usual ones.
    page: Option<&'static str>,
    /// What happens to the next call that changes something.
    fault: Option<Fault>,
}

/// What can happen to a call.
#[derive(Clone, Copy, Debug)]
enum Fault {
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
struct Fake {
    account: Account,
    state: Arc<Mutex<ProviderState>>,
    /// How many calls get through before the process dies. The last one takes effect, but its response is lost.
    calls_left: AtomicUsize,
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

fn empty(status: u16) -> Response {
    Response { status, headers: Headers::new(), body: Bytes::new() }
}

/// The endpoints in the shape that the manifest's `list` reads.
fn list(state: &ProviderState, list: &ListCall) -> Value {
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
fn fields(call: &ApiCall, request: &Request) -> Value {
    match call.body {
        CallBody::Form(_) => form_urlencoded::parse(&request.body)
            .map(|(name, value)| (name.into_owned(), json!(value)))
            .collect::<Map<_, _>>()
            .into(),
        _ => serde_json::from_slice(&request.body).unwrap(),
    }
}

/// Puts a value at a JSON pointer, with the objects above it.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut at = body;
    for key in pointer.split('/').skip(1) {
        at = &mut at[key];
    }
    *at = value;
}

fn account(name: &str) -> Account {
    let catalog = Catalog::builtin();
    let provider = Arc::clone(catalog.get(name).unwrap());
    let registration = provider.registration.as_ref().unwrap();
    let resource = match name {
        "auphonic" => "production/zeigtvDv8jH6NaK52Z5eXH",
        "github" => "octo/hello",
        _ => "",
    };
    let api = registration.api.clone().unwrap_or_else(|| "https://api.example".to_owned());
    Account { resource: resource.to_owned(), api, key: SecretText::from("the-key".to_owned()), provider }
}

/// A process with this journal that dies after this number of calls.
fn process(dir: &Path, account: &Account, state: &Arc<Mutex<ProviderState>>, calls: usize) -> Registrations<Fake> {
    let fake = Fake { account: account.clone(), state: Arc::clone(state), calls_left: AtomicUsize::new(calls) };
    Registrations::new(fake, journal(dir))
}

fn journal(dir: &Path) -> Journal {
    let home = dir.as_os_str().to_owned();
    Journal::of_user(move |_| Some(home.clone())).unwrap()
}

/// A provider with someone else's endpoint or value.
fn with_others(account: &Account) -> Arc<Mutex<ProviderState>> {
    let mut state = ProviderState { value: "https://other.example/hook".to_owned(), ..ProviderState::default() };
    if let How::Endpoint(calls) = &account.provider.registration.as_ref().unwrap().how {
        let mut other = json!({});
        put(&mut other, &calls.list.mark, json!(format!("{PUBLIC}/{} hookdev", account.provider.name)));
        state.endpoints.insert(1_000_000, other);
    }
    Arc::new(Mutex::new(state))
}

fn of_others(state: &Arc<Mutex<ProviderState>>) -> (Vec<u64>, String) {
    let state = state.lock();
    (state.endpoints.keys().copied().collect(), state.value.clone())
}

fn are_removed(removals: &[Removal]) -> bool {
    removals.iter().all(|removal| matches!(removal.result, Ok(Found::Ours)))
}

/// Whether it is not reported.
fn is_silent(removal: &Removal) -> bool {
    matches!(removal.result, Ok(Found::Ours | Found::Nothing))
}

/// The providers whose manifests have calls.
const PROVIDERS: [&str; 5] = ["aspect", "auphonic", "github", "jewelmusic", "stripe"];

/// Runs a future while it makes progress by itself; `None` once it waits for a response that never comes.
async fn until_stuck<O>(future: impl Future<Output = O>) -> Option<O> {
    tokio::time::timeout(Duration::from_millis(1), future).await.ok()
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_is_removed_and_what_others_have_stays() {
    for name in PROVIDERS {
        let (dir, account) = (tempfile::tempdir().unwrap(), account(name));
        let state = with_others(&account);
        let before = of_others(&state);
        let mut process = process(dir.path(), &account, &state, usize::MAX);
        let (secret, removals) = process.register(account.clone(), PUBLIC).await.unwrap();
        assert_eq!(secret.is_some(), ["aspect", "github", "stripe"].contains(&name), "{name}");
        assert!(removals.is_empty());
        assert_eq!(journal(dir.path()).entries().unwrap().len(), 1);
        assert_ne!(of_others(&state), before, "{name}");

        let change = process.url_changed("https://new.example").await;
        let urls: Vec<&str> = change.changed.iter().map(|entry| entry.url.as_str()).collect();
        assert_eq!(urls, [format!("https://new.example/{name}")]);
        assert!(change.errors.is_empty(), "{:?}", change.errors);
        let text = format!("{:?}", state.lock());
        assert!(text.contains(&format!("https://new.example/{name}")), "{text}");

        assert!(are_removed(&process.unregister().await));
        assert_eq!(of_others(&state), before, "{name}");
        assert_eq!(journal(dir.path()).entries().unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_url_that_could_not_be_changed_is_changed_by_the_next_try_and_by_no_more() {
    for name in PROVIDERS {
        let (dir, account) = (tempfile::tempdir().unwrap(), account(name));
        let state = with_others(&account);
        let before = of_others(&state);
        let mut process = process(dir.path(), &account, &state, usize::MAX);
        process.register(account.clone(), PUBLIC).await.unwrap();
        let new = format!("https://new.example/{name}");

        state.lock().is_down = true;
        let change = process.url_changed("https://new.example").await;
        assert_eq!((change.changed.len(), change.errors.len()), (0, 1), "{name}");
        assert_eq!(process.list().map(|entry| entry.url.clone()).collect::<Vec<_>>(), [format!("{PUBLIC}/{name}")]);

        state.lock().is_down = false;
        let change = process.url_changed("https://new.example").await;
        assert_eq!((change.changed.len(), change.errors.len()), (1, 0), "{name}");
        assert_eq!(process.list().map(|entry| entry.url.clone()).collect::<Vec<_>>(), [new]);
        let calls = state.lock().calls.len();
        let change = process.url_changed("https://new.example").await;
        assert_eq!((change.changed.len(), change.errors.len()), (0, 0), "{name}");
        assert_eq!(state.lock().calls.len(), calls);

        assert!(are_removed(&process.unregister().await));
        assert_eq!(of_others(&state), before, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_step_the_process_is_killed_at_the_next_start_leaves_nothing_behind() {
    for name in PROVIDERS {
        let account = account(name);
        for steps in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let state = with_others(&account);
            let before = of_others(&state);
            let mut killed = process(dir.path(), &account, &state, steps);
            let whole = until_stuck(async {
                killed.register(account.clone(), PUBLIC).await.unwrap();
                killed.unregister().await
            });
            let is_whole = whole.await.is_some();
            drop(killed);

            let mut next = process(dir.path(), &account, &state, usize::MAX);
            let (_, removals) = next.register(account.clone(), PUBLIC).await.unwrap();
            assert!(removals.iter().all(is_silent), "{name} after {steps} calls: {removals:?}");
            let journal = journal(dir.path());
            assert_eq!(journal.entries().unwrap().len(), 1, "{name} after {steps} calls");
            assert!(are_removed(&next.unregister().await));
            assert_eq!(of_others(&state), before, "{name} after {steps} calls: {:?}", state.lock().calls);
            assert_eq!(journal.entries().unwrap(), [], "{name} after {steps} calls");
            if is_whole {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_change_of_the_journal_the_process_is_killed_at_the_next_start_leaves_nothing_behind() {
    for name in PROVIDERS {
        let account = account(name);
        for steps in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let state = with_others(&account);
            let before = of_others(&state);
            let mut killed = process(dir.path(), &account, &state, usize::MAX);
            killed.journal = killed.journal.gone_after(steps);
            let to_register = account.clone();
            let run = async move {
                killed.register(to_register, PUBLIC).await.unwrap();
                killed.url_changed("https://new.example").await;
                killed.unregister().await
            };
            let is_whole = tokio::spawn(run).await.is_ok();

            let mut next = process(dir.path(), &account, &state, usize::MAX);
            let (_, removals) = next.register(account.clone(), PUBLIC).await.unwrap();
            assert!(removals.iter().all(is_silent), "{name} after {steps} steps: {removals:?}");
            let journal = journal(dir.path());
            assert_eq!(journal.entries().unwrap().len(), 1, "{name} after {steps} steps");
            assert!(are_removed(&next.unregister().await));
            assert_eq!(of_others(&state), before, "{name} after {steps} steps: {:?}", state.lock().calls);
            assert_eq!(journal.entries().unwrap(), [], "{name} after {steps} steps");
            if is_whole {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_do_not_remove_each_others_endpoints() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("stripe"));
    let state = with_others(&account);
    let [mut one, mut two] = [(); 2].map(|()| process(dir.path(), &account, &state, usize::MAX));
    one.register(account.clone(), PUBLIC).await.unwrap();
    two.register(account.clone(), PUBLIC).await.unwrap();
    assert_eq!(of_others(&state).0, [1_000_000, 7_000_001, 7_000_002]);
    assert!(are_removed(&two.unregister().await));
    assert_eq!(of_others(&state).0, [1_000_000, 7_000_001]);
    assert!(are_removed(&one.unregister().await));
    assert_eq!(of_others(&state).0, [1_000_000]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_another_process_has_set_is_not_taken_over() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("auphonic"));
    let state = with_others(&account);
    let [mut one, mut two] = [(); 2].map(|()| process(dir.path(), &account, &state, usize::MAX));
    one.register(account.clone(), PUBLIC).await.unwrap();
    let error = two.register(account.clone(), PUBLIC).await.unwrap_err();
    assert_eq!(error.to_string(), "another hookdev has registered auphonic=production/zeigtvDv8jH6NaK52Z5eXH");
    assert!(are_removed(&one.unregister().await));
    assert_eq!(of_others(&state).1, "https://other.example/hook");
}

#[tokio::test(start_paused = true)]
async fn the_new_endpoint_is_created_before_the_old_one_is_deleted() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("stripe"));
    let state = with_others(&account);
    let mut killed = process(dir.path(), &account, &state, usize::MAX);
    killed.register(account.clone(), PUBLIC).await.unwrap();
    drop(killed);
    state.lock().calls.clear();
    process(dir.path(), &account, &state, usize::MAX).register(account.clone(), PUBLIC).await.unwrap();
    let calls = state.lock().calls.clone();
    assert_eq!(calls, ["POST /v1/webhook_endpoints", "DELETE /v1/webhook_endpoints/7000001"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_can_not_be_read_is_not_replaced() {
    let account = account("auphonic");
    for (page, actual) in [
        ("<html>Maintenance", "not JSON: <html>Maintenance"),
        ("", "empty"),
        ("[]", "an array"),
        ("null", "null"),
        (r#"{"error":"no such production"}"#, "an object with `error`"),
        (r#"{"data":{}}"#, "an object with `data`"),
        (r#"{"data":{"webhook":false}}"#, "an object with `data`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let state = with_others(&account);
        state.lock().page = Some(page);
        let mut process = process(dir.path(), &account, &state, usize::MAX);
        let error = process.register(account.clone(), PUBLIC).await.unwrap_err();
        let url = "https://auphonic.com/api/production/zeigtvDv8jH6NaK52Z5eXH.json";
        let expected = format!("expected a string or null at /data/webhook in the response, but it is {actual}");
        assert_eq!(error.to_string(), format!("GET {url}: {expected}"));
        assert_eq!(state.lock().calls, ["GET /production/zeigtvDv8jH6NaK52Z5eXH.json"]);
        assert_eq!(of_others(&state).1, "https://other.example/hook");
        assert!(std::fs::read_dir(journal(dir.path()).dir()).unwrap().next().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_not_set_is_unset_again() {
    let account = account("auphonic");
    for page in [r#"{"data":{"webhook":null}}"#, r#"{"data":{"webhook":""}}"#] {
        let dir = tempfile::tempdir().unwrap();
        let state = with_others(&account);
        state.lock().page = Some(page);
        let mut process = process(dir.path(), &account, &state, usize::MAX);
        process.register(account.clone(), PUBLIC).await.unwrap();
        assert_eq!(of_others(&state).1, format!("{PUBLIC}/auphonic"));
        state.lock().page = None;
        assert!(are_removed(&process.unregister().await));
        assert_eq!(of_others(&state).1, "");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_stays_in_the_journal_until_the_api_says_which_endpoints_there_are() {
    for name in PROVIDERS.into_iter().filter(|name| *name != "auphonic") {
        let (dir, account) = (tempfile::tempdir().unwrap(), account(name));
        let state = with_others(&account);
        let before = of_others(&state);
        let mut killed = process(dir.path(), &account, &state, 1);
        assert!(until_stuck(killed.register(account.clone(), PUBLIC)).await.is_none());
        drop(killed);
        let [entry] = &journal(dir.path()).entries().unwrap()[..] else { panic!("no entry of {name}") };

        let next = process(dir.path(), &account, &state, usize::MAX);
        for page in ["<html>Maintenance", r#"{"message":"maintenance"}"#, r#"{"data":null}"#, "", "null"] {
            state.lock().page = Some(page);
            let leftover = next.remove(&account, entry.clone()).await.result.unwrap_err();
            assert!(matches!(leftover.error, RegisterError::Unexpected { .. }), "{name}: {leftover:?}");
            assert_eq!(journal(dir.path()).entries().unwrap(), std::slice::from_ref(entry));
        }
        state.lock().page = None;
        assert_eq!(next.remove(&account, entry.clone()).await.result.unwrap(), Found::Ours);
        assert_eq!(of_others(&state), before, "{name}");
        assert_eq!(journal(dir.path()).entries().unwrap(), []);
    }
}

#[test]
fn an_endpoint_with_the_mark_must_have_a_usable_id() {
    let account = account("stripe");
    let How::Endpoint(calls) = &account.provider.registration.as_ref().unwrap().how else { panic!("no endpoint") };
    let other = json!({ "id": "a/b", "description": "somebody else's" });
    let mine = |id: Value| json!({ "data": [other, { "id": id, "description": "hookdev MARK" }] });
    assert_eq!(calls.list.marked(&mine(json!("we_1")), "MARK"), Some(vec!["we_1".to_owned()]));
    assert_eq!(calls.list.marked(&mine(json!("../we_1")), "MARK"), None);
    assert_eq!(calls.list.marked(&mine(Value::Null), "MARK"), None);
    assert_eq!(calls.list.marked(&json!({ "data": [] }), "MARK"), Some(Vec::new()));
}

/// Removes what the journal has, as `hookdev unregister` does.
async fn remove_all(dir: &Path, account: &Account, state: &Arc<Mutex<ProviderState>>) {
    let process = process(dir, account, state, usize::MAX);
    for entry in journal(dir).entries().unwrap() {
        process.remove(account, entry).await.result.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_had_an_effect_is_undone() {
    for name in PROVIDERS {
        let account = account(name);
        for fault in [
            Fault::Failed(500),
            Fault::Failed(504),
            Fault::Failed(408),
            Fault::Failed(302),
            Fault::Lost,
            Fault::Invalid,
        ] {
            let dir = tempfile::tempdir().unwrap();
            let state = with_others(&account);
            let before = of_others(&state);
            state.lock().fault = Some(fault);
            let mut first = process(dir.path(), &account, &state, usize::MAX);
            let error = first.register(account.clone(), PUBLIC).await.unwrap_err();
            assert!(error.may_have_had_effect(), "{error}");
            drop(first);
            remove_all(dir.path(), &account, &state).await;
            assert_eq!(of_others(&state), before, "{name} after {fault:?}");
            assert_eq!(journal(dir.path()).entries().unwrap(), []);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_appears_after_its_creation_seemed_to_fail_is_removed() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("stripe"));
    let state = with_others(&account);
    let before = of_others(&state);
    state.lock().fault = Some(Fault::Failed(504));
    state.lock().page = Some(r#"{"data":[]}"#);
    process(dir.path(), &account, &state, usize::MAX).register(account.clone(), PUBLIC).await.unwrap_err();
    state.lock().page = None;
    assert_ne!(of_others(&state), before);
    remove_all(dir.path(), &account, &state).await;
    assert_eq!(of_others(&state), before);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_had_no_effect_leaves_no_entry() {
    for name in PROVIDERS {
        let account = account(name);
        for fault in [Fault::Rejected(400), Fault::Rejected(401), Fault::Rejected(422), Fault::NotSent] {
            let dir = tempfile::tempdir().unwrap();
            let state = with_others(&account);
            state.lock().fault = Some(fault);
            let mut process = process(dir.path(), &account, &state, usize::MAX);
            process.register(account.clone(), PUBLIC).await.unwrap_err();
            let files = std::fs::read_dir(journal(dir.path()).dir()).unwrap().count();
            assert_eq!(files, 0, "{name} after {fault:?}");
        }
    }
}

/// The value that the user sets meanwhile.
const OWN: &str = "https://prod.example/new";

#[tokio::test(start_paused = true)]
async fn a_value_that_the_user_has_set_since_is_kept() {
    let account = account("auphonic");
    let dir = tempfile::tempdir().unwrap();
    let state = with_others(&account);
    let mut one = process(dir.path(), &account, &state, usize::MAX);
    one.register(account.clone(), PUBLIC).await.unwrap();
    state.lock().value = OWN.to_owned();
    let [removal] = &one.unregister().await[..] else { panic!("one entry") };
    assert_eq!(removal.result.as_ref().unwrap(), &Found::Other);
    assert_eq!((of_others(&state).1.as_str(), journal(dir.path()).entries().unwrap()), (OWN, vec![]));

    // After a crash, the next start restores what the user has set.
    one.register(account.clone(), PUBLIC).await.unwrap();
    drop(one);
    state.lock().value = "https://prod.example/newer".to_owned();
    let mut next = process(dir.path(), &account, &state, usize::MAX);
    let (_, removals) = next.register(account.clone(), "https://new.example").await.unwrap();
    let found: Vec<_> =
        removals.iter().map(|removal| (&*removal.entry.url, *removal.result.as_ref().unwrap())).collect();
    assert_eq!(found, [("https://dev.example/auphonic", Found::Other)]);
    assert_eq!(of_others(&state).1, "https://new.example/auphonic");
    assert!(are_removed(&next.unregister().await));
    assert_eq!(of_others(&state).1, "https://prod.example/newer");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_the_user_has_set_before_the_url_changes_is_restored() {
    let account = account("auphonic");
    for fault in [None, Some(Fault::Lost), Some(Fault::Rejected(503))] {
        let dir = tempfile::tempdir().unwrap();
        let state = with_others(&account);
        let mut one = process(dir.path(), &account, &state, usize::MAX);
        one.register(account.clone(), PUBLIC).await.unwrap();
        {
            let mut state = state.lock();
            (state.value, state.fault) = (OWN.to_owned(), fault);
        }
        one.url_changed("https://new.example").await;
        one.unregister().await;
        assert_eq!((of_others(&state).1.as_str(), journal(dir.path()).entries().unwrap()), (OWN, vec![]), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_restored_whichever_of_its_urls_it_has() {
    let account = account("auphonic");
    let new = "https://new.example";
    for (fault, value) in [
        (None, "https://new.example/auphonic"),
        (Some(Fault::Rejected(503)), "https://dev.example/auphonic"),
        (Some(Fault::Lost), "https://new.example/auphonic"),
    ] {
        for is_killed in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let state = with_others(&account);
            let before = of_others(&state);
            let mut one = process(dir.path(), &account, &state, usize::MAX);
            one.register(account.clone(), PUBLIC).await.unwrap();
            state.lock().fault = fault;
            one.url_changed(new).await;
            assert_eq!(of_others(&state).1, value, "{fault:?}");
            if is_killed {
                drop(one);
                remove_all(dir.path(), &account, &state).await;
            } else {
                assert!(are_removed(&one.unregister().await));
            }
            assert_eq!(of_others(&state), before, "{fault:?}, killed: {is_killed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_value_leaves_what_an_earlier_process_set_to_unregister() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("auphonic"));
    let state = with_others(&account);
    let before = of_others(&state);
    process(dir.path(), &account, &state, usize::MAX).register(account.clone(), PUBLIC).await.unwrap();
    state.lock().fault = Some(Fault::Rejected(401));
    let mut next = process(dir.path(), &account, &state, usize::MAX);
    next.register(account.clone(), "https://new.example").await.unwrap_err();
    drop(next);
    remove_all(dir.path(), &account, &state).await;
    assert_eq!(of_others(&state), before);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_several_killed_processes_set_is_restored() {
    let account = account("auphonic");
    for steps in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let state = with_others(&account);
        let before = of_others(&state);
        process(dir.path(), &account, &state, usize::MAX).register(account.clone(), PUBLIC).await.unwrap();
        let mut killed = process(dir.path(), &account, &state, usize::MAX);
        killed.journal = killed.journal.gone_after(steps);
        let to_register = account.clone();
        let run = async move { killed.register(to_register, "https://new.example").await.map(drop) };
        let is_whole = tokio::spawn(run).await.is_ok();

        let mut last = process(dir.path(), &account, &state, usize::MAX);
        let (_, removals) = last.register(account.clone(), "https://newer.example").await.unwrap();
        assert!(removals.iter().all(is_silent), "after {steps} steps: {removals:?}");
        drop(last);
        remove_all(dir.path(), &account, &state).await;
        assert_eq!(of_others(&state), before, "after {steps} steps");
        if is_whole {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_the_api_normalises_is_restored() {
    let (dir, account) = (tempfile::tempdir().unwrap(), account("auphonic"));
    let state = with_others(&account);
    let before = of_others(&state);
    let mut process = process(dir.path(), &account, &state, usize::MAX);
    process.register(account.clone(), PUBLIC).await.unwrap();
    let set = state.lock().value.clone();
    state.lock().value = set.replace("https://", "HTTPS://");
    assert_ne!(state.lock().value, set);
    let left = process.unregister().await;
    assert!(matches!(&left[..], [Removal { result: Ok(Found::Ours), .. }]), "{left:?}");
    assert_eq!(of_others(&state), before);
}
