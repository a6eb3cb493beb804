//! Endpoints behind TLS.

use crate::{
    harness::{CYANITE, Dir, Endpoint, RawEndpoint, TunnelProxy, respond, text},
    machine::Port,
};

/// An endpoint with a certificate that is not trusted.
fn endpoint() -> Endpoint {
    Endpoint::over_tls([respond(200)])
}

#[test]
fn an_untrusted_certificate_makes_the_endpoint_unreachable() {
    let endpoint = endpoint();
    let attempt = Dir::new().send("cyanite.v2.finished", endpoint.url("/hooks")).arg("--json").exits(4).line();
    assert_eq!(attempt["outcome"], "unreachable");
    let reason = text(&attempt, "/reason");
    assert!(reason.starts_with(&format!("TLS with 127.0.0.1:{} failed: ", endpoint.port())), "{reason}");
    assert!(reason.ends_with("(add --insecure to accept any certificate)"), "{reason}");
}

#[test]
fn insecure_accepts_any_certificate() {
    let endpoint = endpoint();
    Dir::new().send("cyanite.v2.finished", endpoint.url("/hooks")).arg("--insecure").exits(0);
    let request = endpoint.next();
    assert_eq!((request.start.as_str(), request.text()), ("POST /hooks HTTP/1.1", CYANITE));
}

#[test]
fn repeated_deliveries_work_over_tls() {
    let (dir, endpoint) = (Dir::new(), endpoint());
    let send = dir.send("cyanite.v2.finished", endpoint.url("/hooks")).args(["--repeat", "3", "--insecure"]);
    send.exits(0).prints("\n  accepted               3  100.00 %\n");
    (0..3).for_each(|_| assert_eq!(endpoint.next().text(), CYANITE));
    endpoint.got_no_more();
}

#[cfg(target_os = "linux")]
#[test]
fn a_certificate_that_the_system_trusts_is_accepted() {
    let (dir, endpoint) = (Dir::new(), endpoint());
    dir.write("trusted.pem", endpoint.certificate());
    let send = dir.send("cyanite.v2.finished", endpoint.url("/hooks"));
    send.env("SSL_CERT_FILE", dir.join("trusted.pem")).exits(0);
    assert_eq!(endpoint.next().text(), CYANITE);
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nX-Spelled: 1\r\ncontent-length: 0\r\nx-SPELLED: 2\r\n\r\n";

#[test]
fn what_is_printed_is_what_is_sent_over_tls() {
    let (dir, endpoint) = (Dir::new(), RawEndpoint::over_tls(OK));
    let printed = dir.send("cyanite.v2.finished", endpoint.url("/hooks")).args(["--print", "http"]).exits(0);
    let attempt =
        dir.send("cyanite.v2.finished", endpoint.url("/hooks")).args(["--insecure", "--json"]).exits(0).line();
    printed.stdout(&endpoint.next());
    let expected = serde_json::json!([["X-Spelled", "1"], ["content-length", "0"], ["x-SPELLED", "2"]]);
    assert_eq!(attempt["response"]["headers"], expected);
}

/// Sends through a proxy at this port.
fn send_through(dir: &Dir, port: u16) -> crate::harness::TestCommand {
    let proxy = format!("http://user:p%40ss@127.0.0.1:{port}");
    dir.send("cyanite.v2.finished", "https://remote.example:8443/hooks").arg("--insecure").env("HTTPS_PROXY", proxy)
}

#[test]
fn a_tunnel_through_a_proxy_changes_nothing() {
    let (dir, endpoint) = (Dir::new(), RawEndpoint::over_tls(OK));
    let proxy = TunnelProxy::to(&endpoint, "200 Connection established");
    send_through(&dir, proxy.port()).exits(0);
    let printed =
        dir.send("cyanite.v2.finished", "https://remote.example:8443/hooks").args(["--print", "http"]).exits(0);
    printed.stdout(&endpoint.next());
    let head = proxy.next().to_ascii_lowercase();
    assert!(head.starts_with("connect remote.example:8443 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nproxy-authorization: basic dxnlcjpwqhnz\r\n"), "{head}");
}

#[test]
fn a_proxy_that_opens_no_tunnel_is_named_without_its_credentials() {
    let (dir, endpoint) = (Dir::new(), RawEndpoint::over_tls(OK));
    let proxy = TunnelProxy::to(&endpoint, "407 Proxy Authentication Required\r\ncontent-length: 0");
    let attempt = send_through(&dir, proxy.port()).arg("--json").exits(4).line();
    let port = proxy.port();
    let reason = format!("the proxy 127.0.0.1:{port} can't be used: it responded 407 to CONNECT remote.example:8443");
    assert_eq!(attempt["reason"], reason);

    let port = Port::reserve();
    let attempt = send_through(&dir, port.number()).arg("--json").exits(4).line();
    let proxy = format!("127.0.0.1:{}", port.number());
    let reason = format!("the proxy {proxy} can't be used: nothing listens on {proxy} (connection refused)");
    assert_eq!(attempt["reason"], reason);

    let send = dir.send("cyanite.v2.finished", "https://remote.example/").env("ALL_PROXY", "socks5://127.0.0.1:1");
    let reason = "the proxy 127.0.0.1:1 can't be used: socks5:// proxies are not supported";
    assert_eq!(send.arg("--json").exits(4).line()["reason"], reason);
}
