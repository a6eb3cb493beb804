//! The page without a mouse, wide and narrow.

use super::{
    browser::Browser,
    program::{CYANITE, Listener},
};

const ESCAPE: &str = "\u{e00c}";
const ENTER: &str = "\u{e007}";
const TAB: char = '\u{e004}';
const DOWN: &str = "\u{e015}";

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_reached_by_keys() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post("/cyanite", &[("signature", "00")], CYANITE);
    listener.post("/", &[], r#"{"hello":"world"}"#);
    browser.open_with(&listener, "3,2,1").await;

    // One row alone is in the order of Tab, the newest.
    let stops = "[...document.querySelectorAll('.list-rows [tabindex=\"0\"]')].map((row) => row.dataset.seq).join()";
    assert_eq!(browser.text(stops).await, "3");
    browser.press("jj").await;
    browser.wait_for("document.activeElement.dataset.seq === '2'").await;
    assert_eq!(browser.text(stops).await, "2");
    assert_eq!(browser.text("document.activeElement.getAttribute('aria-selected')").await, "true");
    browser.press("k").await;
    browser.wait_for("document.activeElement.dataset.seq === '3'").await;
    browser.press("\u{e015}").await;
    browser.wait_for("document.activeElement.dataset.seq === '2'").await;
    let outline = browser.text("getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid", "the focus is visible");

    browser.press("3").await;
    browser.wait_for("document.querySelector('#panel .why')?.innerText.includes('signature')").await;
    browser.press("2").await;
    browser.wait_for("document.querySelector('#panel .pairs')?.innerText.includes('content-length')").await;
    browser.press(ENTER).await;
    browser.wait_for("document.activeElement.matches('#panel')").await;
    browser.press_with_shift(TAB).await;
    browser.wait_for("document.activeElement.matches('#tab-headers')").await;
    // Arrow keys move in the tree, or scroll; the key of the payload shows it in another way.
    browser.press("1").await;
    browser.wait_for("document.activeElement.matches('.tree')").await;
    browser.press(DOWN).await;
    browser.wait_for("document.querySelector('.tree-row.active .key')?.innerText === '\"version\"'").await;
    for view in [".lines:not(.hex)", ".lines.hex", ".tree"] {
        browser.press("1").await;
        browser.wait_for(&format!("document.activeElement.matches('{view}')")).await;
    }
    browser.press(ESCAPE).await;
    browser.wait_for("document.activeElement.dataset.seq === '2'").await;

    // Letters are letters in a field.
    browser.press("/").await;
    browser.press("jrecdp?").await;
    browser.wait_for("document.querySelector('#filter').value === 'jrecdp?'").await;
    assert_eq!(browser.value("document.querySelector('dialog').open").await, false);
    browser.press(ESCAPE).await;
    browser.press(ESCAPE).await;
    browser.wait_for("document.activeElement.dataset.seq === '2'").await;

    browser.press("?").await;
    browser.wait_for("document.querySelector('dialog').open").await;
    browser.press(ESCAPE).await;
    browser.wait_for("!document.querySelector('dialog').open").await;

    browser.press("x").await;
    browser.press("k").await;
    browser.wait_for("document.activeElement.dataset.seq === '3'").await;
    browser.press("x").await;
    browser.wait_for("document.querySelectorAll('.compare .differences tbody tr').length > 2").await;
    browser.press(ESCAPE).await;
    browser.wait_for("document.querySelector('.compare') === null").await;

    browser.press("t").await;
    browser.wait_for("document.querySelector('.overview .times') !== null").await;
    browser.press(ESCAPE).await;
    browser.wait_for("document.querySelector('.delivery') !== null").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_narrow_page_the_detail_takes_the_place_of_the_list() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post_genuine();
    browser.size(360, 640).await;
    browser.open_with(&listener, "2,1").await;
    browser.press("jj").await;
    browser.wait_for("document.activeElement.dataset.seq === '1'").await;
    assert_eq!(browser.value("document.querySelector('.detail')").await, serde_json::Value::Null);
    browser.press(ENTER).await;
    browser.wait_for("document.querySelector('.detail h2')?.textContent === 'cyanite.v2.finished'").await;
    assert_eq!(browser.value("document.querySelector('.list')").await, serde_json::Value::Null);
    browser.press("k").await;
    browser.wait_for("document.querySelector('.facts').textContent.includes('#2')").await;
    browser.press(ESCAPE).await;
    browser.wait_for("document.activeElement.dataset.seq === '2'").await;
    let width = "document.documentElement.scrollWidth";
    assert_eq!(browser.value(width).await, 360, "nothing is wider than the page");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lead_from_the_filter_to_what_it_finds_and_back() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post("/cyanite", &[("signature", "00")], CYANITE);
    listener.post_genuine();
    browser.size(360, 640).await;
    browser.open_with(&listener, "3,2,1").await;
    for key in [ENTER, DOWN] {
        browser.press("/verified").await;
        browser.lists("3,1").await;
        browser.press(key).await;
        browser.wait_for("document.activeElement.dataset.seq === '3'").await;
        browser.press("j").await;
        browser.wait_for("document.activeElement.dataset.seq === '1'").await;
        browser.press(ENTER).await;
        browser.wait_for("document.querySelector('.facts')?.textContent.includes('#1')").await;
        // The filter is reached from a detail that covers it, with the first letter after the key.
        browser.press("/rejected").await;
        browser.wait_for("document.querySelector('#filter').value === 'rejected'").await;
        browser.lists("2").await;
        browser.press(ESCAPE).await;
        browser.lists("3,2,1").await;
        browser.press(ESCAPE).await;
        browser.wait_for("document.activeElement.dataset.seq === '1'").await;
        browser.press(ESCAPE).await;
        browser.wait_for("document.querySelector('.list-row.active') === null").await;
    }
    browser.finish().await;
}
