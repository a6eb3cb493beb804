//! Payloads: shown as they were sent, and never as anything but text.

use serde_json::json;

use super::{
    browser::Browser,
    program::{CYANITE, Listener, hookdev},
};

const HOSTILE: &str = concat!(
    r#"{"html":"<script>document.title='owned'</script><img src=x onerror=alert(1)>","link":"javascript:alert(1)","#,
    r#""huge":1e400,"big":12345678901234567890,"one":1.0,"same":1,"same":2,"escaped":"\u003cb\u003e","#,
    "\"bidi\":\"invoice\u{202e}fdp.exe\"}"
);

#[tokio::test(flavor = "multi_thread")]
async fn hostile_payloads_are_text() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    let path = "/%3Cscript%3Ealert(1)%3C/script%3E?to=javascript:alert(1)";
    listener.post(path, &[("x-markup", "<img src=x onerror=alert(1)>"), ("content-type", "application/json")], HOSTILE);
    browser.open_with(&listener, "1").await;
    browser.press("j").await;
    browser.wait_for("document.querySelectorAll('.tree-row').length === 11").await;
    let pairs = "[...document.querySelectorAll('.tree-row')].slice(1, -1).map((row) => [
        row.querySelector('.key').innerText, row.querySelector('.value').innerText])";
    let expected = json!([
        ["\"html\"", "\"<script>document.title='owned'</script><img src=x onerror=alert(1)>\""],
        ["\"link\"", "\"javascript:alert(1)\""],
        ["\"huge\"", "1e400"],
        ["\"big\"", "12345678901234567890"],
        ["\"one\"", "1.0"],
        ["\"same\"", "1"],
        ["\"same\"", "2"],
        ["\"escaped\"", r#""\u003cb\u003e""#],
        ["\"bidi\"", "\"invoiceU+202Efdp.exe\""],
    ]);
    assert_eq!(browser.value(pairs).await, expected);

    browser.click_button("raw").await;
    let raw = "[...document.querySelectorAll('.line-text')].map((line) => line.innerText).join('')";
    browser.wait_for(&format!("{raw} === {}", json!(HOSTILE.replace('\u{202e}', "U+202E")))).await;
    browser.press("2").await;
    browser.wait_for("document.querySelector('.pairs')?.innerText.includes('<img src=x onerror=alert(1)>')").await;
    browser.press("3").await;
    browser.wait_for("document.querySelector('.why')").await;
    // The only scripts and images are the page's own; no link leads anywhere.
    let foreign =
        "document.querySelectorAll('main script, main img, main a, main iframe, main object, [style*=url]').length";
    assert_eq!(browser.value(foreign).await, 0);
    assert_eq!(browser.text("document.title").await, "hookdev (1)");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_text_are_shown_as_hex() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post("/", &[("content-type", "application/octet-stream")], [0, 1, 0xfe, 0xff, b'A', b'<']);
    browser.open_with(&listener, "1").await;
    browser.press("j").await;
    browser.wait_for("document.querySelector('.payload .line')").await;
    browser.click_button("hex").await;
    let line = "[...document.querySelector('.hex .line').children].map((part) => part.innerText.trim()).join(' ')";
    let line = browser.wait_for(line).await;
    assert_eq!(line, "000000 00 01 fe ff 41 3c ····A<");
    // There is no tree of it.
    browser.finish_but(&["/tree?from=0 - Failed to load resource: the server responded with a status of 422"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_errors_are_shown_at_their_place() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let body = r#"{"version":"2","resource":{"type":"LibraryTrack","id":999},"event":{"type":"AudioAnalysisV6","status":"finished"}}"#;
    std::fs::write(&file, body).unwrap();
    let (path, url) = (file.path().to_str().unwrap(), listener.url("/cyanite"));
    hookdev(&["send", "cyanite.v2.finished", "--no-config", "--data", path, "--to", &url]);
    browser.open_with(&listener, "1").await;
    browser.press("j").await;
    let noted = browser.wait_for("document.querySelector('.tree-row.noted .key')?.innerText").await;
    assert_eq!(noted, "\"id\"");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_payload_comes_in_parts() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    let items: Vec<u32> = (0..12_000).collect();
    listener.post("/", &[("content-type", "application/json")], serde_json::to_vec(&items).unwrap());
    browser.open_with(&listener, "1").await;
    browser.press("j").await;
    browser.wait_for("document.querySelector('.more')?.innerText.includes('5,000 rows so far')").await;
    browser.click(".more button").await;
    browser.wait_for("document.querySelector('.more')?.innerText.includes('10,000 rows so far')").await;
    browser.click(".more button").await;
    browser.wait_for("document.querySelector('.more') === null").await;
    let rows = browser.value("document.querySelectorAll('.tree-row').length").await.as_u64().unwrap();
    assert!(rows < 100, "{rows} rows are in the document");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_sentences_that_keep_identifiers_as_they_are() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    let to = listener.url("/stripe");
    hookdev(&["send", "stripe.checkout.session.completed", "--set", "type=weird.event", "--to", &to]);
    let content_type = ("content-type", "application/json");
    listener.post("/github", &[content_type, ("x-github-event", "push")], "[1]");
    listener.post("/cyanite", &[content_type], CYANITE.replace("\"999\"", "5"));
    browser.open_with(&listener, "3,2,1").await;
    for (seq, expected) in [
        (3, "/resource/id: expected a string, found 5"),
        (2, "Payload: expected an object, found an array"),
        (1, "stripe.weird.event is not one of the Stripe events that hookdev knows"),
    ] {
        browser.press("j").await;
        browser.wait_for(&format!("document.querySelector('.facts span')?.textContent === '#{seq}'")).await;
        let last = "[...document.querySelectorAll('.reason p:first-child')].at(-1).innerText";
        assert_eq!(browser.text(last).await, expected);
    }
    browser.finish().await;
}
