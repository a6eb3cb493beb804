//! Values that are set, and restored to what they were.

use super::*;

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
