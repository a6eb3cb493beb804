//! Which requests get past the gate, over real sockets.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::net::receiver::serve;

const TOKEN: &str = "5a";

/// Responds with a description of the request.
struct EchoApi;

impl InspectorApi for EchoApi {
    async fn respond(&self, request: PageRequest) -> Reply {
        let PageRequest { method, path, query, body, .. } = request;
        Reply::Text(format!("{method} {path} {query} {}", String::from_utf8_lossy(&body)))
    }

    fn on_error(&self, error: ReceiveError) {
        panic!("{error}");
    }
}

struct RunningInspector {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl RunningInspector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let inspector = Arc::new(Inspector::new(address, TOKEN.to_owned(), EchoApi));
        let serving = tokio::spawn(serve(listener, limits(1 << 10), inspector, stop.clone().cancelled_owned()));
        Self { address, stop, serving }
    }

    /// Sends this text, with `PORT` replaced by the port, and returns everything that comes back.
    async fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = request.replace("PORT", &self.address.port().to_string());
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut response = Vec::new();
        // A server that refuses a request may reset the connection.
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8(response).unwrap()
    }

    /// Sends a request with these lines and `connection: close`, and returns the status of the response.
    async fn status(&self, lines: &[&str]) -> u16 {
        let response = self.send(&format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"))).await;
        response
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{lines:?}: {response}"))
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

const HOST: &str = "host: 127.0.0.1:PORT";
const BEARER: &str = "authorization: Bearer 5a";
const OWN: &str = "origin: http://127.0.0.1:PORT";
const JSON: &str = "content-type: application/json";
const GET: &str = "GET /api/x HTTP/1.1";
const POST: &str = "POST /api/x HTTP/1.1";

#[tokio::test]
async fn each_check_holds_alone() {
    let inspector = RunningInspector::start().await;
    let visit = ["sec-fetch-site: cross-site", "sec-fetch-mode: navigate", "sec-fetch-dest: document"];
    let cases: &[(u16, &[&str])] = &[
        (200, &[GET, HOST, BEARER]),
        (200, &[GET, "host: localhost:PORT", BEARER]),
        (200, &[GET, "host: [::1]:PORT", BEARER]),
        // 1. The host.
        (400, &[GET, BEARER]),
        (400, &["GET /api/x HTTP/1.0", BEARER]),
        (400, &[GET, HOST, HOST, BEARER]),
        (400, &[GET, "host:", BEARER]),
        (400, &[GET, "host: 127.0.0.1", BEARER]),
        (400, &[GET, "host: 127.0.0.1:1", BEARER]),
        (400, &[GET, "host: evil.test:PORT", BEARER]),
        (400, &[GET, "host: localhost.evil.test:PORT", BEARER]),
        (400, &[GET, "host: 127.0.0.1:PORT.evil.test", BEARER]),
        (400, &[GET, "host: user@127.0.0.1:PORT", BEARER]),
        (400, &[GET, "host: 127.1:PORT", BEARER]),
        (400, &[GET, "host: 0.0.0.0:PORT", BEARER]),
        (400, &[GET, "host: ::1", BEARER]),
        (400, &["GET / HTTP/1.1", "host: evil.test"]),
        (400, &["GET /assets/app.js HTTP/1.1", "host: evil.test"]),
        (400, &["HEAD / HTTP/1.1", "host: evil.test"]),
        (400, &["OPTIONS /api/x HTTP/1.1", "host: evil.test"]),
        (400, &["POST /api/x HTTP/1.1", "host: evil.test", BEARER, OWN, JSON, "content-length: 0"]),
        (400, &["GET http://evil.test/api/x HTTP/1.1", HOST, BEARER]),
        (400, &["GET http://127.0.0.1:PORT/api/x HTTP/1.1", HOST, BEARER]),
        (400, &["OPTIONS * HTTP/1.1", HOST]),
        // 2. The page that a browser says it comes from.
        (200, &[GET, HOST, BEARER, "sec-fetch-site: same-origin"]),
        (200, &[GET, HOST, BEARER, "sec-fetch-site: none"]),
        (403, &[GET, HOST, BEARER, "sec-fetch-site: same-site"]),
        (403, &[GET, HOST, BEARER, "sec-fetch-site: cross-site"]),
        (403, &[GET, HOST, BEARER, "sec-fetch-site: Same-Origin"]),
        (403, &[GET, HOST, BEARER, "sec-fetch-site:"]),
        (403, &[GET, HOST, BEARER, "sec-fetch-site: same-origin", "sec-fetch-site: cross-site"]),
        (403, &["GET /assets/app.js HTTP/1.1", HOST, "sec-fetch-site: same-site", "sec-fetch-dest: script"]),
        (200, &["GET / HTTP/1.1", HOST, visit[0], visit[1], visit[2]]),
        (403, &["GET / HTTP/1.1", HOST, visit[0], visit[1], "sec-fetch-dest: iframe"]),
        (403, &["GET / HTTP/1.1", HOST, visit[0], "sec-fetch-mode: no-cors", visit[2]]),
        (403, &["POST / HTTP/1.1", HOST, visit[0], visit[1], visit[2], OWN, "content-length: 0"]),
        (403, &[GET, HOST, BEARER, visit[0], visit[1], visit[2]]),
        // 3. The origin.
        (200, &[GET, HOST, BEARER, OWN]),
        (403, &[GET, HOST, BEARER, "origin: http://localhost:PORT"]),
        (403, &[GET, HOST, BEARER, "origin: https://127.0.0.1:PORT"]),
        (403, &[GET, HOST, BEARER, "origin: http://127.0.0.1:1"]),
        (403, &[GET, HOST, BEARER, "origin: null"]),
        (403, &[GET, HOST, BEARER, OWN, OWN]),
        (403, &[POST, HOST, BEARER, JSON, "content-length: 0"]),
        (403, &["DELETE /api/x HTTP/1.1", HOST, BEARER]),
        (403, &["OPTIONS /api/x HTTP/1.1", HOST, "origin: http://evil.test"]),
        // 4. The token.
        (401, &[GET, HOST]),
        (401, &[GET, HOST, "authorization: Bearer 5b"]),
        (401, &[GET, HOST, "authorization: Bearer 5a5a"]),
        (401, &[GET, HOST, "authorization: Bearer "]),
        (401, &[GET, HOST, "authorization: Basic 5a"]),
        (401, &[GET, HOST, "authorization: 5a"]),
        (401, &[GET, HOST, BEARER, BEARER]),
        (401, &["GET /api/x?token=5a HTTP/1.1", HOST, "cookie: token=5a"]),
        (401, &["GET /api/ HTTP/1.1", HOST]),
        (401, &[POST, HOST, OWN, JSON, "content-length: 0"]),
        (200, &["GET / HTTP/1.1", HOST]),
        (200, &["GET /assets/app.js HTTP/1.1", HOST]),
        (404, &["GET /assets/../inspector.rs HTTP/1.1", HOST]),
        (404, &["GET /api HTTP/1.1", HOST]),
        (404, &["GET //api/x HTTP/1.1", HOST]),
        // 5. The method.
        (405, &["HEAD / HTTP/1.1", HOST]),
        (405, &["HEAD /api/x HTTP/1.1", HOST, BEARER]),
        (405, &["OPTIONS /api/x HTTP/1.1", HOST, BEARER, OWN]),
        (405, &["PUT /api/x HTTP/1.1", HOST, BEARER, OWN, JSON, "content-length: 0"]),
        (405, &["POST / HTTP/1.1", HOST, OWN, JSON, "content-length: 0"]),
        // 6. The type of the body.
        (200, &[POST, HOST, BEARER, OWN, JSON, "content-length: 0"]),
        (200, &[POST, HOST, BEARER, OWN, "content-type: Application/JSON; charset=utf-8", "content-length: 0"]),
        (415, &[POST, HOST, BEARER, OWN, "content-length: 0"]),
        (415, &[POST, HOST, BEARER, OWN, "content-type: text/plain", "content-length: 0"]),
        (415, &[POST, HOST, BEARER, OWN, "content-type: text/plain; application/json", "content-length: 0"]),
        (415, &[POST, HOST, BEARER, OWN, JSON, "content-type: text/plain", "content-length: 0"]),
        (413, &[POST, HOST, BEARER, OWN, JSON, "content-length: 99999"]),
    ];
    for (expected, lines) in cases {
        assert_eq!(inspector.status(lines).await, *expected, "{lines:?}");
    }
    inspector.end().await;
}

#[tokio::test]
async fn every_response_keeps_other_pages_out() {
    let inspector = RunningInspector::start().await;
    for (expected, lines) in [
        ("200", vec!["GET / HTTP/1.1", HOST]),
        ("200", vec!["GET /assets/style.css HTTP/1.1", HOST]),
        ("200", vec![GET, HOST, BEARER, OWN]),
        ("400", vec![GET]),
        ("400", vec![GET, "host: evil.test"]),
        ("401", vec![GET, HOST]),
        ("403", vec![GET, HOST, "origin: http://evil.test"]),
        ("404", vec!["GET /x HTTP/1.1", HOST]),
        ("405", vec!["HEAD / HTTP/1.1", HOST]),
        ("405", vec!["CONNECT 127.0.0.1:PORT HTTP/1.1", HOST]),
        ("413", vec![POST, HOST, BEARER, OWN, JSON, "content-length: 99999"]),
        ("415", vec![POST, HOST, BEARER, OWN, "content-length: 0"]),
    ] {
        let response = inspector.send(&format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"))).await;
        let (head, _) = response.split_once("\r\n\r\n").unwrap();
        let fields: Vec<&str> = head.lines().skip(1).collect();
        assert_eq!(head.split(' ').nth(1), Some(expected), "{lines:?}");
        for field in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
        ] {
            assert_eq!(fields.iter().filter(|other| **other == field).count(), 1, "{lines:?}: {head}");
        }
        let opening =
            fields.iter().filter(|field| field.starts_with("access-control-") || field.starts_with("set-cookie"));
        assert_eq!(opening.count(), 0, "{lines:?}: {head}");
    }
    inspector.end().await;
}

#[tokio::test]
async fn a_malformed_request_ends_its_connection_and_nothing_else() {
    let inspector = RunningInspector::start().await;
    let long = format!("GET /{} HTTP/1.1\r\n{HOST}\r\n\r\n", "a".repeat(100_000));
    for request in [
        "\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: \u{7f}\u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\norigin: \u{1}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        long.as_str(),
    ] {
        let response = inspector.send(request).await;
        let status = response.split(' ').nth(1).unwrap_or("400");
        assert!(["400", "414", "431", "505"].contains(&status), "{request:?}: {response}");
        assert_eq!(inspector.status(&["GET / HTTP/1.1", HOST]).await, 200);
    }
    inspector.end().await;
}

#[tokio::test]
async fn a_call_has_its_path_query_and_body() {
    let inspector = RunningInspector::start().await;
    let request = format!(
        "POST /api/a/b?c=1&d HTTP/1.1\r\n{HOST}\r\n{BEARER}\r\n{OWN}\r\n{JSON}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    let response = inspector.send(&request).await;
    assert!(response.ends_with("\r\n\r\nPOST a/b c=1&d {}"), "{response}");
    inspector.end().await;
}
