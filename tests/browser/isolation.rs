//! Who stays out: names that are rebound to this machine, and pages on other ports of it.

use serde_json::{Value, json};

use super::{
    browser::Browser,
    program::{Listener, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_rebound_to_this_machine_gets_nothing() {
    let rules = ["--host-resolver-rules=MAP evil.test 127.0.0.1"];
    let Some(browser) = Browser::with(&rules).await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    let (port, token) = (listener.port(), listener.token());
    browser.driver().goto(format!("http://evil.test:{port}/")).await.unwrap();
    let page = browser.text("document.body.innerText").await;
    assert!(page.contains("host"), "{page}");
    assert_eq!(browser.value("document.scripts.length").await, 0);
    // Even with the token, which such a page can't know.
    let asks = |path: &str| {
        format!("fetch('{path}', {{headers: {{authorization: 'Bearer {token}'}}}}).then((response) => response.status)")
    };
    for path in ["/", "/assets/app.js", "/api/deliveries", "/api/deliveries/1", "/api/stream"] {
        assert_eq!(browser.promise(&asks(path)).await, 400, "{path}");
    }
    browser.finish_but(&["400", "Cross-Origin-Opener-Policy header has been ignored"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_another_port_gets_nothing_and_changes_nothing() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::new("text/plain", "ok");
    let listener = Listener::inspected(&["--forward", &target.url("/")]);
    listener.post_genuine();
    target.next();
    let other = Server::new("text/html", "<!doctype html><title>other</title><body>other");
    browser.driver().goto(other.url("/")).await.unwrap();
    let (inspector, token) = (listener.origin(), listener.token());

    let bearer = format!("{{authorization: 'Bearer {token}'}}");
    for request in [
        format!("fetch('{inspector}/api/deliveries')"),
        format!("fetch('{inspector}/api/deliveries', {{headers: {bearer}}})"),
        format!("fetch('{inspector}/api/stream', {{headers: {bearer}}})"),
        format!("fetch('{inspector}/', {{mode: 'no-cors'}})"),
        format!("fetch('{inspector}/assets/app.js', {{mode: 'no-cors'}})"),
        format!(
            "fetch('{inspector}/api/deliveries/1/resend', {{method: 'POST', headers: {bearer}, body: '{{\"to\":null,\"body\":null}}'}})"
        ),
        format!(
            "fetch('{inspector}/api/deliveries/1/resend', {{method: 'POST', mode: 'no-cors', body: '{{\"to\":null,\"body\":null}}'}})"
        ),
    ] {
        let result =
            browser.promise(&format!("{request}.then((response) => `${{response.status}} ${{response.type}}`)")).await;
        assert_eq!(result, json!({"rejected": "TypeError: Failed to fetch"}), "{request}");
    }
    for path in ["/assets/app.js", "/api/deliveries/1", "/"] {
        let script = format!(
            "new Promise((resolve) => {{
                 const script = document.createElement('script');
                 script.src = '{inspector}{path}';
                 script.onload = () => resolve('loaded');
                 script.onerror = () => resolve('refused');
                 document.head.append(script);
             }})"
        );
        assert_eq!(browser.promise(&script).await, "refused", "{path}");
    }
    let form = format!(
        "new Promise((resolve) => {{
             const form = Object.assign(document.createElement('form'), {{method: 'post', enctype: 'text/plain', target: 'frame'}});
             form.action = '{inspector}/api/deliveries/1/resend';
             const frame = Object.assign(document.createElement('iframe'), {{name: 'frame'}});
             document.body.append(form, frame);
             frame.onload = () => resolve(frame.contentDocument === null ? 'unreadable' : 'readable');
             form.submit();
         }})"
    );
    assert_eq!(browser.promise(&form).await, "unreadable");
    let framed = format!(
        "new Promise((resolve) => {{
             const frame = Object.assign(document.createElement('iframe'), {{src: '{inspector}/'}});
             frame.onload = () => resolve(frame.contentWindow.length === 0 && frame.contentDocument === null);
             document.body.append(frame);
         }})"
    );
    assert_eq!(browser.promise(&framed).await, Value::Bool(true));
    assert!(!target.has_request(), "nothing was resent");

    // A person who follows a link there does get the page, which asks for the token.
    browser.driver().goto(listener.inspector()).await.unwrap();
    browser.lists("1").await;
    browser.finish_but(&["net::ERR_", "403", "CORS", "Refused to frame", "frame-ancestors", "Framing"]).await;
}
