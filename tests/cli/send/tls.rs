//! Endpoints behind TLS.

use crate::harness::{CYANITE, Dir, Endpoint, respond, text};

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
    assert!(reason.ends_with("(--insecure accepts any certificate)"), "{reason}");
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
