//! What the page says about a delivery: why it is rejected, whether its payload was checked, where it was forwarded.

use serde_json::json;

use super::{browser::Browser, program::Listener};

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
        let first = browser.value("['.reason p', '.causes p'].map((text) => document.querySelector(text).innerText)").await;
        assert_eq!(first, json!([reason, reason]));
    }
    browser.finish_but(&["422"]).await;
}
