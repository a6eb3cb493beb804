//! Resending from the page: byte for byte, edited and signed again, as curl.

use serde_json::Value;

use super::{
    browser::Browser,
    machine::Port,
    program::{CYANITE, Listener, Server},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_resent_delivery_is_the_same_byte_for_byte() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::new("application/json", r#"{"ok":true}"#);
    let listener = Listener::inspected(&["--forward", &target.url("/hooks")]);
    let body = "{\"amount\":1.0,\n  \"id\": 12345678901234567890}\r\n";
    listener.post("/cyanite?x=1", &[("X-Odd-Case", "a  b"), ("Content-Type", "application/json")], body);
    let forwarded = target.next();
    browser.open_with(&listener, "1").await;
    browser.press("jr").await;
    let notice = browser.wait_for("document.querySelector('.notice.good')?.textContent").await;
    assert!(notice.as_str().unwrap().starts_with("Resent #1: 200 in "), "{notice}");
    let resent = target.next();
    assert_eq!(String::from_utf8_lossy(&resent), String::from_utf8_lossy(&forwarded));
    assert!(resent.ends_with(body.as_bytes()));

    browser.press("4").await;
    let response = browser.wait_for("document.querySelector('.resent .sides .response .body')?.innerText").await;
    assert_eq!(response, r#"{"ok":true}"#);
    assert!(!target.has_request());

    // Another tab lists the same two requests.
    let count = "document.querySelector('#tab-forwards .count')?.textContent";
    assert_eq!(browser.text(count).await, "2");
    let tab = browser.driver().new_tab().await.unwrap();
    browser.driver().switch_to_window(tab).await.unwrap();
    browser.open_with(&listener, "1").await;
    browser.press("j4").await;
    let text = browser.wait_for("document.querySelector('.resent')?.innerText").await;
    let expected = format!("Resent elsewhere to {}: 200 in ", target.url("/hooks?x=1"));
    assert!(text.as_str().unwrap().starts_with(&expected), "{text}");
    assert_eq!(browser.text(count).await, "2");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_delivery_is_signed_again() {
    let Some(browser) = Browser::start().await else { return };
    let mut target = Listener::start(&[]);
    let listener = Listener::inspected(&["--forward", &target.url("/cyanite")]);
    assert_eq!(listener.post_genuine(), 200);
    assert_eq!(target.next()["verdict"], "verified");
    browser.open_with(&listener, "1").await;
    browser.press("je").await;
    browser.wait_for("document.activeElement.id === 'edit-body'").await;
    let replace = format!(
        "document.querySelector('#edit-body').setRangeText('1234', {0}, {1}), 1",
        CYANITE.find("999").unwrap(),
        CYANITE.find("999").unwrap() + 3
    );
    browser.value(&replace).await;
    browser.press_with_control('\u{e007}').await;
    let result = browser.wait_for("document.querySelector('.edit-result .meaning')?.innerText").await;
    assert_eq!(result, "Sent with your changes; renewed: signature.");
    let changes = "[...document.querySelectorAll('.edit-result .differences tbody tr')].map((row) =>
        [...row.children].map((cell) => cell.innerText))";
    let changes = browser.value(changes).await;
    assert_eq!(changes[0], serde_json::json!(["body:/resource/id", "\"999\"", "\"1234\""]));

    let sent = target.next();
    assert_eq!((&sent["verdict"], &sent["payload"]["status"]), (&Value::from("verified"), &Value::from("valid")));
    assert_eq!(sent["request"]["body"], CYANITE.replace("999", "1234"));
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_response_that_was_cut_off_the_page_shows_what_is_known() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::sending("HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nok".to_owned());
    let listener = Listener::inspected(&["--forward", &target.url("/hooks")]);
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    let shown = "(exchange) => [exchange.querySelector('.result'), exchange.querySelector('.response p'),
        exchange.querySelector('.reason')].map((part) => part.innerText)";
    let problem = "your handler responded 200, but the connection was closed before the response body was complete";
    let expected = serde_json::json!(["200", "incomplete", problem]);
    browser.press("j4").await;
    browser.wait_for("document.querySelector('.exchange .reason')").await;
    assert_eq!(browser.value(&format!("({shown})(document.querySelector('.exchange'))")).await, expected);
    browser.press("r").await;
    let notice = browser.wait_for("document.querySelector('.notice.bad')?.textContent").await;
    assert_eq!(notice, format!("Resent #1: {problem}"));
    browser.wait_for("document.querySelector('.resent .exchange')").await;
    assert_eq!(browser.value(&format!("({shown})(document.querySelector('.resent .exchange'))")).await, expected);
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_that_reaches_no_target_is_reported_as_not_delivered() {
    let Some(browser) = Browser::start().await else { return };
    let gone = Port::reserve();
    let address = format!("127.0.0.1:{}", gone.number());
    let listener = Listener::inspected(&["--forward", &format!("http://{address}/hooks"), "--forward-wait", "0ms"]);
    assert_eq!(listener.post_genuine(), 502);
    browser.open_with(&listener, "1").await;
    browser.press("jr").await;
    let notice = browser.wait_for("document.querySelector('.notice.bad')?.textContent").await;
    let problem = format!("nothing listens on {address} (connection refused): is your handler running?");
    assert!(notice.as_str().unwrap().starts_with(&format!("#1 was not delivered: {problem}")), "{notice}");
    browser.press("4").await;
    let result = browser.wait_for("document.querySelector('.resent h3')?.innerText").await;
    assert!(result.as_str().unwrap().starts_with("Not delivered at "), "{result}");
    assert!(browser.text("document.querySelector('.resent .reason').innerText").await.starts_with(&problem));

    browser.press("e").await;
    browser.wait_for("document.activeElement.id === 'edit-body'").await;
    browser.press(" ").await;
    browser.press_with_control('\u{e007}').await;
    let result = browser.wait_for("document.querySelector('.edit-result .meaning')?.innerText").await;
    assert_eq!(result, "Not delivered.");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_the_page_says_what_to_add() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.open_with(&listener, "1").await;
    browser.press("jr").await;
    let notice = browser.wait_for("document.querySelector('.notice.bad')?.textContent").await;
    assert!(notice.as_str().unwrap().contains("--forward"), "{notice}");
    browser.finish_but(&["409"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_thing_that_is_said_of_a_failed_forward_is_its_cause() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::with("500 Internal Server Error", "text/html", "<h1>TypeError: id is undefined</h1>");
    let listener = Listener::inspected(&["--forward", &target.url("/hooks")]);
    assert_eq!(listener.post_genuine(), 500);
    browser.size(400, 800).await;
    browser.open_with(&listener, "1").await;
    browser.press("j\u{e007}").await;
    let reasons = "[...document.querySelectorAll('.reason p')].map((text) => text.innerText)";
    browser.wait_for(&format!("{reasons}.length > 0")).await;
    let expected = ["Your handler responded 500", "Cyanite counts 500 as failed; it expects exactly 200"];
    assert_eq!(browser.value(reasons).await, serde_json::json!(expected));
    assert_eq!(browser.text("document.querySelector('.reason .quote').innerText").await, "TypeError: id is undefined");
    // On a narrow page the response is above the request.
    browser.press("4").await;
    let top = |title: &str| {
        format!(
            "[...document.querySelectorAll('.sides h4')].find((title) => title.innerText === '{title}').getBoundingClientRect().top"
        )
    };
    browser.wait_for(&format!("{} < {}", top("Response"), top("Request"))).await;

    let missing = Server::with("404 Not Found", "application/json", "{}");
    let listener = Listener::inspected(&["--forward", &missing.url("/hooks")]);
    assert_eq!(listener.post_genuine(), 404);
    browser.open_with(&listener, "1").await;
    browser.press("j\u{e007}").await;
    let hint = browser.wait_for("document.querySelector('.reason .hint')?.innerText").await;
    let expected = "Hint your handler has no route for /hooks: check the path of the URL, and the handler's routes";
    assert_eq!(hint, expected);
    browser.finish_but(&["net::ERR_"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_refuses_a_verified_delivery_is_explained_and_one_that_refuses_a_rejected_one_is_right() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::with("401 Unauthorized", "application/json", r#"{"error":"bad signature"}"#);
    let listener = Listener::inspected(&["--forward", &target.url("/hooks")]);
    assert_eq!(listener.post_genuine(), 401);
    assert_eq!(listener.post("/cyanite", &[], CYANITE), 401);
    browser.open_with(&listener, "2,1").await;
    let tags = "[...document.querySelectorAll('.list-rows .tag')].map((tag) => tag.innerText).join()";
    assert_eq!(browser.text(tags).await, "refused");
    browser.press("jj").await;
    browser.wait_for("document.querySelector('.reason')?.innerText.includes('does it use the same secret')").await;
    browser.press("k").await;
    let reason = browser.wait_for("document.querySelector('.delivery .facts')?.textContent.includes('#2') && document.querySelector('.reason')?.innerText").await;
    assert_eq!(reason, "Missing header signature");
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_into_a_payload_stays_and_a_slip_in_it_is_said() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.size(480, 800).await;
    browser.open_with(&listener, "1").await;
    browser.press("je").await;
    browser.wait_for("document.activeElement.id === 'edit-body'").await;
    assert_eq!(browser.text("document.querySelector('#edit-problem').innerText").await, "");
    browser.press("{").await;
    browser.wait_for("document.querySelector('#edit-problem').innerText.startsWith('No longer JSON: ')").await;
    browser.press("\u{e00c}").await;
    browser.wait_for("document.activeElement.matches('.tree')").await;
    browser.press("e").await;
    browser.wait_for(&format!("document.querySelector('#edit-body')?.value === '{{' + {CYANITE:?}")).await;
    browser.wait_for("document.querySelector('#edit-problem').innerText !== ''").await;
    browser.click_button("Undo all changes").await;
    browser.wait_for(&format!("document.querySelector('#edit-body').value === {CYANITE:?}")).await;
    browser.wait_for("document.querySelector('#edit-problem').innerText === ''").await;
    browser.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_an_edited_delivery_is_not_sent_and_the_page_says_what_to_add() {
    let Some(browser) = Browser::start().await else { return };
    let target = Server::new("text/plain", "ok");
    // The public key of the first test of RFC 8032: it verifies, and can't sign.
    let secret = "discord=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let arguments = ["--secret", secret, "--provider", "discord", "--forward", &target.url("/")];
    let listener = Listener::inspected(&arguments);
    listener.post("/", &[("content-type", "application/json")], "{\"type\":1}");
    browser.open_with(&listener, "1").await;
    browser.press("je").await;
    browser.wait_for("document.activeElement.id === 'edit-body'").await;
    browser.press(" ").await;
    browser.press_with_control('\u{e007}').await;
    let notice = browser.wait_for("document.querySelector('.notice.bad')?.textContent").await;
    let expected = "#1 was not resent: the secret of Discord is a public key, which can't sign (pass one that can sign with --secret PROVIDER=SOURCE)";
    assert_eq!(notice, expected);
    browser.finish_but(&["409"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_copied_as_curl_and_as_a_link() {
    let Some(browser) = Browser::start().await else { return };
    let listener = Listener::inspected(&[]);
    listener.post_genuine();
    browser.open(&listener).await;
    let permissions = serde_json::json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": listener.origin()});
    browser.devtools("Browser.grantPermissions", permissions).await;
    browser.lists("1").await;
    browser.press("jc").await;
    browser.wait_for("document.querySelector('.notice.good')?.textContent === 'Copied #1 as a curl command'").await;
    let curl = browser.promise("navigator.clipboard.readText()").await;
    assert!(curl.as_str().unwrap().starts_with("curl "), "{curl}");
    assert!(curl.as_str().unwrap().contains(CYANITE), "{curl}");

    browser.press("y").await;
    browser.wait_for("document.querySelector('.notice.good')?.textContent === 'Copied a link to #1'").await;
    let link = browser.promise("navigator.clipboard.readText()").await;
    assert_eq!(link, format!("{}/#seq=1", listener.origin()));
    browser.press("\u{e00c}").await;
    browser.value("void (location.hash = '#seq=1'), 1").await;
    browser.wait_for("document.querySelector('.facts')?.textContent.includes('#1')").await;
    browser.finish().await;
}
