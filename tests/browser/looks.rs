//! How the page looks, for people with and without good eyes: axe-core finds nothing serious, and each view is saved as
//! a picture below `target/inspector/`. `HOOKDEV_UPDATE=1 cargo test --locked --test browser screenshots` also renews
//! `docs/inspector.png`.

use std::{env, fs, path::Path};

use serde_json::Value;

use super::{
    browser::Browser,
    packages,
    program::{Listener, Server, hookdev},
};

/// A listener with a handler and deliveries of each kind.
fn busy() -> (Listener, Server) {
    let handler = Server::new("application/json", r#"{"received":true}"#);
    let listener = Listener::inspected(&["--forward", &handler.url("/webhooks")]);
    let send = |event: &str, arguments: &[&str]| {
        let url = listener.url(&format!("/{}", event.split('.').next().unwrap()));
        hookdev(&[&["send", event, "--to", &url, "--no-config"], arguments].concat());
    };
    send("auphonic.done", &[]);
    send("jewelmusic.release.live", &[]);
    send("aspect.task.completed", &["--id", "msg_2bZ6"]);
    send("aspect.task.completed", &["--id", "msg_2bZ6"]);
    send("github.push", &[]);
    send("stripe.checkout.session.completed", &[]);
    send("cyanite.v2.finished", &[]);
    listener.post("/hooks", &[("content-type", "application/json")], r#"{"hello":"world"}"#);
    // A body that a JSON library wrote in another way after it was signed, with a number in the place of a string.
    let printed = |arguments: &[&str]| -> Value {
        let fixed = ["send", "aspect.task.completed", "--no-config", "--print", "json"];
        serde_json::from_str(&hookdev(&[&fixed, arguments].concat())).unwrap()
    };
    let mut body: Value = serde_json::from_str(printed(&[])["body"].as_str().unwrap()).unwrap();
    body["data"]["task"]["asset_id"] = 7.into();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, body.to_string()).unwrap();
    let signed = printed(&["--data", file.path().to_str().unwrap()]);
    let headers: Vec<(String, String)> = serde_json::from_value(signed["headers"].clone()).unwrap();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")).collect();
    listener.post("/aspect", &headers, serde_json::to_vec_pretty(&body).unwrap());
    (listener, handler)
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_serious() {
    let Some(modules) = packages::installed("browser") else { return };
    let Some(browser) = Browser::start().await else { return };
    let axe = fs::read_to_string(modules.join("node_modules/axe-core/axe.min.js")).unwrap();
    let (listener, _handler) = busy();
    for (width, scheme) in [(1600, "light"), (1600, "dark"), (360, "light"), (360, "dark")] {
        browser.size(width, 900).await;
        browser.scheme(scheme).await;
        browser.driver().goto("about:blank").await.unwrap();
        browser.open(&listener).await;
        browser.wait_for("document.querySelectorAll('.list-rows [data-seq]').length >= 8").await;
        browser.driver().execute(axe.as_str(), Vec::new()).await.unwrap();
        for keys in ["", "t", "\u{e00c}j\u{e007}", "2", "3", "4", "5", "1", "e", "\u{e00c}?"] {
            browser.press(keys).await;
            browser
                .promise("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
                .await;
            let found = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations
                .filter(({impact}) => impact === 'serious' || impact === 'critical')
                .map(({id, nodes}) => [id, nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary)]))";
            let found = browser.promise(found).await;
            assert_eq!(found, serde_json::json!([]), "{width} {scheme} {keys:?}: {found:#}");
        }
    }
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn screenshots() {
    let Some(browser) = Browser::start().await else { return };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("inspector");
    fs::create_dir_all(&directory).unwrap();
    let (listener, _handler) = busy();
    let rejected = "document.querySelector('.list-rows .list-row.bad')";
    for (width, height) in [(1600, 900), (360, 740)] {
        for scheme in ["light", "dark"] {
            browser.size(width, height).await;
            browser.scheme(scheme).await;
            browser.driver().goto("about:blank").await.unwrap();
            browser.open(&listener).await;
            browser.wait_for(&format!("{rejected} !== null && document.fonts.status === 'loaded'")).await;
            let save = async |name: &str| {
                let path = directory.join(format!("{name}-{width}-{scheme}.png"));
                browser.driver().screenshot(&path).await.unwrap();
                let size = fs::metadata(&path).unwrap().len();
                assert!(size > 5000, "{} has {size} bytes", path.display());
            };
            save("list").await;
            browser.press("t").await;
            browser.wait_for("document.querySelector('.u-over')").await;
            save("overview").await;
            browser.press("\u{e00c}").await;
            browser.wait_for("document.querySelector('.list')").await;
            browser.click(".list-rows .list-row.bad").await;
            browser.wait_for("document.querySelector('.tree-row .key')").await;
            save("payload").await;
            for (key, name, drawn) in [
                ("2", "headers", ".pairs"),
                ("3", "why", ".why"),
                ("4", "forwards", ".exchange .pairs"),
                ("5", "history", ".delivery"),
            ] {
                browser.press(key).await;
                browser.wait_for(&format!("document.querySelector('#panel {drawn}, {drawn}')")).await;
                save(name).await;
            }
            browser.press("1").await;
        }
    }
    if env::var_os("HOOKDEV_UPDATE").is_some() {
        browser.size(1480, 720).await;
        browser.scheme("light").await;
        browser.driver().goto("about:blank").await.unwrap();
        browser.open(&listener).await;
        browser.click(".list-rows .list-row.bad").await;
        browser.click(".notes .link").await;
        browser.wait_for("document.querySelector('.tree-row.noted.active')").await;
        browser.driver().screenshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inspector.png")).await.unwrap();
    }
    browser.finish().await;
}
