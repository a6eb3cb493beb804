//! What the page says about a delivery: why it is rejected, whether its payload was checked, where it was forwarded.

use serde_json::json;

use super::{
    browser::Browser,
    program::{Listener, Server},
};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_for_a_rejection_comes_before_what_else_can_be_seen() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post("/github", &[JSON, ("x-github-event", "push")], "not json at all");
    listener.post("/cyanite", &[JSON, ("signature", "zz")], "not json at all");
    browser.open_with(&listener, "2,1").await;
    for (seq, key, reason) in [
        (1, "G", "Missing header x-hub-signature-256"),
        (2, "g", "Invalid signature header: the signature is not hexadecimal"),
    ] {
        browser.press(key).await;
        // The observation arrives later than the delivery.
        let seen = "document.querySelector('.reason')?.innerText.includes(`the body isn't valid JSON`)";
        browser.wait_for(&format!("document.querySelector('.facts').innerText.includes('#{seq}') && {seen}")).await;
        browser.press("3").await;
        browser.wait_for("document.querySelector('.why')").await;
        let first =
            browser.value("['.reason p', '.causes p'].map((text) => document.querySelector(text).innerText)").await;
        assert_eq!(first, json!([reason, reason]));
    }
    browser.finish_but(&["422"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_not_forwarded_says_why() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::new("text/plain", "ok");
    let forward = target.url("/hooks");
    for (arguments, path, headers, body, reason) in [
        (
            &["--forward", &forward, "--only-verified", "--allow-development"][..],
            "/cyanite",
            &[JSON, ("signature", "00")][..],
            "{}",
            "Not forwarded: it is rejected, and only genuine deliveries are forwarded",
        ),
        (
            &["--forward", &forward, "--only-verified"],
            "/auphonic",
            &[("content-type", "application/x-www-form-urlencoded")],
            "uuid=a&status=3&status_string=Done",
            "Not forwarded: it is unsigned; add --allow-unsigned to forward it",
        ),
        (
            &["--forward", &format!("stripe.*={forward}")],
            "/cyanite",
            &[JSON],
            "{}",
            "Not forwarded: cyanite matches none of the forwards: stripe.*",
        ),
        (
            &[],
            "/cyanite",
            &[JSON],
            "{}",
            "Not forwarded. Start hookdev with --forward http://localhost:3000/... to pass deliveries on.",
        ),
    ] {
        let listener = Listener::inspected(arguments);
        listener.post(path, headers, body);
        browser.open_with(&listener, "1").await;
        browser.press("j4").await;
        let shown = browser.wait_for("document.querySelector('#panel .message')?.innerText").await;
        assert_eq!(shown, reason);
        assert!(!target.has_request());
    }
    browser.finish_but(&["net::ERR_"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_was_not_checked_says_why() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post("/github", &[JSON, ("x-github-event", "push")], "not json at all");
    listener.post("/github", &[JSON, ("x-github-event", "no_such_event")], "{}");
    listener.post("/other", &[JSON], "not json at all");
    browser.open_with(&listener, "3,2,1").await;
    for (seq, reason) in [
        (3, "there is no schema for it"),
        (2, "there is no schema for it"),
        (1, "it can't be read as JSON or as a form"),
    ] {
        browser.press("j3").await;
        browser.wait_for(&format!("document.querySelector('.facts')?.innerText.includes('#{seq}')")).await;
        let shown = browser.wait_for("document.querySelectorAll('.why .meaning')[1]?.innerText").await;
        assert_eq!(shown, format!("The payload was not checked: {reason}."));
    }
    browser.finish_but(&["422"]).await;
}
