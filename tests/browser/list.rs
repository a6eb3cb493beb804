//! The list: deliveries as they arrive, the filter, and many of them.

use super::{
    browser::Browser,
    program::{CYANITE, Listener},
};

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_appear_as_they_arrive() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    browser.open(&listener).await;
    browser.wait_for("document.body.innerText.includes('Waiting for the first delivery')").await;
    let command = browser.text("document.querySelector('.command code').textContent").await;
    assert!(command.starts_with("hookdev send cyanite.v2.finished"), "{command}");
    let limits = "[...document.querySelectorAll('.urls tbody tr')].map((row) => [
        row.querySelector('th').innerText, row.querySelector('.number').innerText])";
    let expected = serde_json::json!([
        ["Cyanite", "3 s"],
        ["Auphonic", "no limit published"],
        ["Aspect", "15 s"],
        ["JewelMusic", "no limit published"],
    ]);
    assert_eq!(browser.value(limits).await, expected);

    assert_eq!(listener.post_genuine(), 200);
    assert_eq!(cells(&browser, 1).await[..2], ["verified, dev", "1"]);
    assert_eq!(cells(&browser, 1).await[3..6], ["cyanite.v2.finished", "/cyanite", "200"]);

    assert_eq!(listener.post("/cyanite", &[("signature", &"0".repeat(128))], CYANITE), 401);
    assert_eq!(cells(&browser, 2).await[..2], ["rejected", "2"]);
    assert_eq!(listener.post("/auphonic", &[("content-type", "application/x-www-form-urlencoded")], "status=3"), 200);
    assert_eq!(cells(&browser, 3).await[..2], ["unsigned", "3"]);
    assert_eq!(listener.post("/", &[], "hello"), 200);
    assert_eq!(cells(&browser, 4).await[..2], ["unrecognised", "4"]);
    browser.lists("4,3,2,1").await;
    // Colour is not the only difference: each verdict has a shape of its own.
    let shapes = "new Set([...document.querySelectorAll('.list-rows .shape')].map((shape) => shape.innerHTML)).size";
    assert_eq!(browser.value(shapes).await, 4);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_finds_events_verdicts_paths_headers_and_bodies() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post("/cyanite?from=staging", &[("signature", "00")], CYANITE);
    listener.post("/", &[("x-trace", "Marmalade")], "only in this body: Zanzibar");
    browser.open_with(&listener, "3,2,1").await;
    browser.press("/").await;
    for (text, found) in [
        ("v2.finished", "2,1"),
        ("rejected", "2"),
        ("cyanite verified", "1"),
        ("from=staging", "2"),
        ("marmalade", "3"),
        ("ZANZIBAR", "3"),
        ("LibraryTrack", "2,1"),
        // Words of the list, of headers and of bodies, in any order.
        ("verified LibraryTrack", "1"),
        ("librarytrack staging rejected", "2"),
        ("zanzibar x-trace: marmalade only", "3"),
    ] {
        browser.press(text).await;
        browser.wait_for("document.querySelector('.matches')?.textContent !== 'searching…'").await;
        browser.lists(found).await;
        browser.press("\u{e00c}").await;
        browser.wait_for("document.querySelector('#filter').value === ''").await;
        browser.lists("3,2,1").await;
    }
    browser.press("in no delivery").await;
    browser.wait_for("document.querySelector('.list-empty')?.textContent === 'No delivery matches the filter.'").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_finds_bodies_while_others_keep_arriving() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post("/", &[], "Zanzibar");
    browser.open_with(&listener, "1").await;
    // Typed all at once, and then one delivery per frame, so that no other search is under way when the last one
    // arrives.
    let type_and_flood = "import('/assets/store.js').then(({ store }) => new Promise((done) => {
        store.setFilter({ text: 'zanzibar' });
        const [row] = store.rows;
        const flood = () => {
            if (store.shown.length === 1) done();
            store.add({ ...row, seq: Math.max(1000, store.lastSeq + 1) });
            store.changed();
            requestAnimationFrame(flood);
        };
        flood();
    }))";
    browser.promise(type_and_flood).await;
    listener.post("/", &[], "Zanzibar");
    browser.wait_for("document.querySelector('.matches')?.textContent === '2'").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_in_place_while_deliveries_arrive_that_are_not_drawn_yet() {
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&[]);
    listener.drain();
    listener.post_genuine_again_and_again("/cyanite", 200);
    browser.open(&listener).await;
    browser.wait_for("document.querySelector('.total').textContent === '200 deliveries'").await;
    // The event of a scroll comes with the next frame, and what arrived is drawn later still.
    let arrive = |count: u64, before: &str, after: &str| {
        format!(
            "import('/assets/store.js').then(({{ store }}) => {{
                 {before};
                 for (let seq = 1; seq <= {count}; seq += 1) store.add({{ ...store.rows.at(-1), seq: store.lastSeq + 1 }});
                 {after};
             }})"
        )
    };
    let top = "[...document.querySelectorAll('.list-rows [data-seq]')].find((row) =>
        row.getBoundingClientRect().bottom > document.querySelector('.list-rows').getBoundingClientRect().top).dataset.seq";
    // Rows are 30 pixels high: 33 of them are above, and a third of the next.
    browser.promise(&arrive(50, "document.querySelector('.list-rows').scrollTop = 1000", "")).await;
    browser.wait_for("document.querySelector('.total').textContent === '250 deliveries'").await;
    assert_eq!(browser.text(top).await, "167");

    // A key scrolls by no more than it takes to show what it selects.
    let key = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', bubbles: true }))";
    browser.promise(&arrive(50, "store.select(167)", key)).await;
    browser.wait_for("document.querySelector('.total').textContent === '300 deliveries'").await;
    browser.wait_for("document.querySelector('.list-rows .active')?.dataset.seq === '168'").await;
    assert_eq!(browser.text(top).await, "168");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_deliveries_survive_a_clear() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    for _ in 0..3 {
        listener.post_genuine();
    }
    browser.open_with(&listener, "3,2,1").await;
    browser.press("jj").await;
    browser.press("p").await;
    browser.wait_for("document.querySelector('.notice').textContent.startsWith('Pinned #2')").await;
    browser.click_button("Clear").await;
    browser.lists("2").await;
    listener.post_genuine();
    browser.lists("4,2").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_deliveries_survive_a_reload_and_no_new_run() {
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&["--history", "1"]);
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    browser.press("jp").await;
    browser.wait_for("document.querySelector('.notice').textContent.startsWith('Pinned #1')").await;
    listener.post_genuine();
    browser.lists("2,1").await;
    browser.click_button("Clear").await;
    browser.lists("1").await;
    browser.driver().refresh().await.unwrap();
    browser.lists("1").await;
    listener.post_genuine();
    browser.lists("3,1").await;
    // hookdev has forgotten it, and the tab has it whole.
    browser.press("G").await;
    browser
        .wait_for("document.querySelector('.delivery .line-text')?.textContent.startsWith('{\"version\":\"2\"')")
        .await;
    browser.press("2").await;
    browser.wait_for("document.querySelector('#panel .pairs')?.innerText.includes('content-length')").await;

    listener.kill();
    let port = listener.port();
    let listener = Listener::start(&["--inspect", &format!("127.0.0.1:{port}")]);
    browser.open_with(&listener, "").await;
    listener.post_genuine();
    browser.lists("1").await;
    assert_eq!(browser.value("document.querySelector('.tag.pin')").await, serde_json::Value::Null);
    // Until the new URL is open, the page may call the new run with the old token.
    browser.finish_but(&["404", "401", "net::ERR_"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_storage_of_the_tab_everything_works_until_a_reload() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post_genuine();
    browser.open_with(&listener, "2,1").await;
    let fill = "(() => { for (let size = 1 << 22; size > 0;) {
        try { sessionStorage.setItem(`fill-${size}`, (sessionStorage.getItem(`fill-${size}`) ?? '') + 'x'.repeat(size)); }
        catch { size >>= 1; } } return true; })()";
    browser.value(fill).await;
    browser.press("jjp").await;
    browser.wait_for("document.querySelector('.notice').textContent.endsWith('the storage of this tab is full')").await;
    browser.click_button("Clear").await;
    browser.lists("1").await;
    listener.post_genuine();
    browser.lists("3,1").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reloaded_page_shows_the_same_delivery() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    listener.post_genuine();
    browser.open_with(&listener, "2,1").await;
    browser.press("jj2").await;
    browser.wait_for("document.querySelector('#panel .pairs') !== null").await;
    browser.driver().refresh().await.unwrap();
    browser.wait_for("document.querySelector('#panel .pairs') !== null").await;
    assert_eq!(browser.text("document.querySelector('.facts span').textContent").await, "#1");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_a_delivery_came_from_is_listed_with_its_url_and_limit() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    // GitHub is not among the providers that are listed before any delivery. It documents 10 s.
    listener.post("/github", &[], "{}");
    browser.open_with(&listener, "1").await;
    browser.press("t").await;
    let text = browser.wait_for("document.querySelector('.overview h2 + .muted')?.innerText").await;
    let expected = "How long each response took, forwards included. GitHub gives up after 10 s.";
    assert_eq!(text, expected);
    let last = "[...document.querySelector('.overview .urls tbody').lastElementChild.children].slice(0, 3).map((cell) => cell.innerText)";
    assert_eq!(browser.value(last).await, serde_json::json!(["GitHub", listener.url("/github"), "10 s"]));
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_are_listed_as_the_history_of_a_delivery() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    for _ in 0..3 {
        listener.post_genuine();
    }
    browser.open_with(&listener, "3,2,1").await;
    browser.press("j5").await;
    browser.wait_for("document.querySelectorAll('.history tbody tr').length === 3").await;
    let firsts = "[...document.querySelectorAll('.history tbody th')].map((cell) => cell.textContent).join()";
    assert_eq!(browser.text(firsts).await, "#1,#2,#3");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_deliveries_leave_the_page_quick_and_the_sender_unharmed() {
    const COUNT: usize = 20_000;
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&["--history", "20000"]);
    listener.drain();
    browser.open(&listener).await;
    listener.post_genuine_again_and_again("/cyanite", COUNT);

    browser.wait_for("document.querySelector('.total').textContent === '20,000 deliveries'").await;
    // Only the rows in view are in the document.
    let rows = browser.value("document.querySelectorAll('.list-rows [data-seq]').length").await.as_u64().unwrap();
    assert!(rows < 100, "{rows} rows");
    browser.press("G").await;
    browser.wait_for("document.activeElement.dataset.seq === '1'").await;
    browser.press("g").await;
    browser.wait_for("document.activeElement.dataset.seq === '20000'").await;
    browser.wait_for("document.querySelector('.tree-row .key')?.textContent === '\"version\"'").await;
    browser.press("/#777").await;
    browser.wait_for("document.querySelector('.total').textContent === '11 of 20,000 deliveries'").await;
    browser.finish().await;
}

/// The texts of the cells of a delivery's row, once it is there.
async fn cells(browser: &Browser, seq: u64) -> Vec<String> {
    let row = format!("document.querySelector('.list-rows [data-seq=\"{seq}\"]')");
    let cells = format!("{row} && [...{row}.children].map((cell) => cell.innerText.trim())");
    serde_json::from_value(browser.wait_for(&cells).await).unwrap()
}
