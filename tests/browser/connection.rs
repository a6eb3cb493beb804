//! The connection to hookdev: lost, found again, refused, and shared by too many tabs.

use super::{
    browser::Browser,
    program::{Listener, Relay},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_that_hookdev_has_ended_and_keeps_what_it_shows() {
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    listener.kill();
    browser
        .wait_for("document.querySelector('.trouble')?.innerText.includes('hookdev has ended or can\\'t be reached')")
        .await;
    assert_eq!(browser.value("document.querySelectorAll('[data-seq]').length").await, 1);
    browser.finish_but(&["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reconnects_by_itself_without_losing_a_delivery() {
    let listener = Listener::inspected(&[]);
    let authority = format!("127.0.0.1:{}", listener.port());
    let relay = Relay::to(authority.clone());
    // The page keeps the address of the inspector, and its connections lead to the relay.
    let rules = format!("--host-resolver-rules=MAP {authority} {}", relay.address());
    let Some(browser) = Browser::with(&[&rules]).await else { return };
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    relay.cut();
    browser.wait_for("document.querySelector('.trouble')").await;
    listener.post_genuine();
    relay.restore();
    browser.wait_for("document.querySelector('[data-seq=\"2\"]')").await;
    browser.wait_for("document.querySelector('.connection').textContent.trim() === 'live'").await;
    browser.wait_for("document.querySelector('.trouble') === null").await;
    browser.finish_but(&["net::ERR_"]).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_was_stopped_says_what_it_missed_and_has_the_newest() {
    const COUNT: usize = 10_000;
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&["--history", "100"]);
    listener.drain();
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    // The path is in each line, so that they don't fit into the buffers between hookdev and the tab.
    let path = format!("/cyanite?{}", "x".repeat(4000));
    let stopped = browser.stop_pages();
    listener.post_genuine_again_and_again(&path, COUNT);
    drop(stopped);

    browser
        .wait_for("/^[0-9,]+ missed; hookdev no longer has them$/.test(document.querySelector('.missed')?.innerText)")
        .await;
    // The newest deliveries may arrive after that notice, and the key goes to the newest there is.
    let newest = "import('/assets/store.js').then(({ store }) => new Promise((done) => {
        const check = () => store.rows.at(-1).seq === 10001 ? done(true) : setTimeout(check, 10);
        check();
    }))";
    assert_eq!(browser.promise(newest).await, true);
    browser.press("g").await;
    browser.wait_for("document.activeElement.dataset.seq === '10001'").await;
    // What it had before, in order and each once, and everything that hookdev still has.
    browser.press("G").await;
    browser.wait_for("document.activeElement.dataset.seq === '1'").await;
    let seqs = "import('/assets/store.js').then(({ store }) => store.rows.map((row) => row.seq))";
    let seqs: Vec<u64> = serde_json::from_value(browser.promise(seqs).await).unwrap();
    assert!(seqs.is_sorted_by(|left, right| left < right), "{seqs:?}");
    // Deliveries that overlap are not quite kept in the order of their numbers.
    let kept = "import('/assets/api.js').then(({ getText }) => getText('/api/deliveries?after=0'))";
    let kept: String = serde_json::from_value(browser.promise(kept).await).unwrap();
    let kept: Vec<serde_json::Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept: Vec<u64> =
        kept.iter().filter(|line| line["kind"] == "delivery").filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(kept.len(), 100);
    assert!(kept.iter().all(|seq| seqs.contains(seq)), "{kept:?} in {seqs:?}");
    let missed = browser.text("document.querySelector('.missed').innerText").await.replace(',', "");
    let missed: usize = missed.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(seqs.len() + missed, COUNT + 1);
    // hookdev no longer has the first delivery.
    browser.finish_but(&["404"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_the_token_shows_nothing() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.driver().goto(listener.origin()).await.unwrap();
    browser.wait_for("document.body.innerText.includes('Open this page from the terminal')").await;
    // A copied link to a delivery does not have it either.
    browser.driver().goto(format!("{}/#seq=1", listener.origin())).await.unwrap();
    browser.wait_for("document.body.innerText.includes('press o in the terminal')").await;
    browser.driver().goto(format!("{}/#token=00", listener.origin())).await.unwrap();
    let expected = "hookdev refused the token. It is wrong, or from an earlier start. Open the URL that hookdev printed, or press o in its terminal.";
    assert_eq!(browser.wait_for("document.querySelector('.trouble')?.innerText").await, expected);
    assert_eq!(browser.text("document.querySelector('main').innerText").await, "Not connected to hookdev");
    assert_eq!(browser.value("document.querySelectorAll('[data-seq]').length").await, 0);
    browser.finish_but(&["401"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_connected_says_that_hookdev_was_started_again() {
    let Some(browser) = Browser::start().await else { return };
    let mut listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    listener.kill();
    let _listener = Listener::start(&["--inspect", &format!("127.0.0.1:{}", listener.port())]);
    browser.wait_for("document.querySelector('.trouble')?.innerText.startsWith('hookdev was started again.')").await;
    assert_eq!(browser.value("document.querySelectorAll('[data-seq]').length").await, 1);
    browser.finish_but(&["401", "net::ERR_"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_leaves_the_address_bar() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    browser.open(&listener).await;
    assert_eq!(browser.driver().current_url().await.unwrap().as_str(), format!("{}/", listener.origin()));
    browser.driver().refresh().await.unwrap();
    browser.wait_for("document.querySelector('.connection')?.textContent.trim() === 'live'").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_beyond_the_streams_polls() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    browser.open(&listener).await;
    for _ in 0..4 {
        let driver = browser.driver();
        let tab = driver.new_tab().await.unwrap();
        driver.switch_to_window(tab).await.unwrap();
        driver.goto(listener.inspector()).await.unwrap();
        browser
            .wait_for(
                "['live', 'polling every 2 s'].includes(document.querySelector('.connection')?.textContent.trim())",
            )
            .await;
    }
    assert_eq!(browser.text("document.querySelector('.connection').textContent.trim()").await, "polling every 2 s");
    listener.post_genuine();
    browser.lists("1").await;
    browser.finish_but(&["503"]).await;
}
