//! What is left at a fake provider if the process dies after any of its steps.

mod fake;
mod values;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::webhook::provider::catalog::Catalog;
use fake::{Fake, Fault, ProviderState, put};

const PUBLIC: &str = "https://dev.example";

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
