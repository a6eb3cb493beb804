//! Requests that browsers send: refused before they are judged, unless `--allow-browsers` is given.

use serde_json::json;

use crate::harness::{
    AUPHONIC, CYANITE, CYANITE_HEADERS, Connection, Dir, Endpoint, Message, post, request, respond, text,
};

/// What a page of another origin can have a browser send without asking.
const FORM: [(&str, &str); 8] = [
    ("origin", "https://evil.example"),
    ("referer", "https://evil.example/"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("accept-language", "en-US,en;q=0.9"),
];

fn send(method: &str, url: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Message {
    let mut connection = Connection::to(url);
    connection.write(request(method, url, headers, body)).unwrap();
    connection.response().unwrap()
}

#[test]
fn a_page_is_refused_and_neither_saved_nor_forwarded_nor_counted() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    let mut listener = dir
        .listen()
        .args(["--forward", &endpoint.url("/"), "--capture", "captures", "--expect", "auphonic.done"])
        .starts();
    let url = listener.url("/auphonic");
    let refused = post(&url, &FORM, AUPHONIC);
    assert_eq!((refused.status(), refused.text()), (403, "hookdev doesn't accept requests from web pages\n"));
    assert!(refused.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{refused:?}");
    listener.says(
        "note: POST /auphonic: sent by a web page at https://evil.example; responded 403; \
         to accept such requests, use --allow-browsers\n",
    );
    let beacon = [("origin", "null"), ("content-type", "text/plain;charset=UTF-8"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(post(&url, &beacon, vec![b'x'; 64 << 10]).status(), 403);
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    assert_eq!(send("OPTIONS", &url, &preflight, "").status(), 403);
    assert_eq!(send("GET", &url, &[("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "image")], "").status(), 403);
    assert_eq!(dir.names("captures"), [""; 0]);

    // The provider's own delivery is the first, and meets the expectation.
    let delivered = post(&url, &[("content-type", "application/x-www-form-urlencoded")], AUPHONIC);
    assert_eq!(delivered.status(), 200);
    assert_eq!(listener.next()["seq"], json!(1));
    let seen = endpoint.next();
    assert_eq!((seen.header("origin"), seen.text()), (None, AUPHONIC));
    assert_eq!(dir.names("captures").len(), 1);
    let printed = listener.exits(0);
    assert_eq!(printed.stderr.matches("sent by a web page").count(), 1, "{printed}");
    printed.says("note: refused 4 requests from web pages\n");
}

#[test]
fn a_page_whose_name_leads_to_this_machine_is_refused() {
    let endpoint = Endpoint::new([respond(200).body("internal")]);
    let mut listener = Dir::new().listen().args(["--forward", &endpoint.url("/")]).starts();
    let port = listener.url("").rsplit_once(':').unwrap().1.to_owned();
    let host = format!("evil.example:{port}");
    let deliver = |method: &str, headers: &str| {
        let mut connection = Connection::to(&listener.url(""));
        let length = CYANITE.len();
        let head = format!("{method} /cyanite HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n");
        connection.write(head + CYANITE).unwrap();
        connection.response().unwrap().status()
    };
    let signature = format!("signature: {}\r\n", CYANITE_HEADERS[1].1);
    assert_eq!(deliver("POST", &format!("origin: http://{host}\r\n{signature}")), 403);
    assert_eq!(deliver("GET", &format!("accept-language: en\r\n{signature}")), 403);
    // A provider through a tunnel.
    assert_eq!(deliver("POST", &signature), 200);
    assert_eq!(text(&listener.next(), "/verdict"), "verified");
}

#[cfg(unix)]
#[test]
fn a_person_who_opens_the_address_sees_what_it_is() {
    let dir = Dir::new();
    let mut listener = dir.listen().args(["--capture", "captures"]).starts();
    let visit = [
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-dest", "document"),
    ];
    for path in ["/", "/cyanite"] {
        let page = send("GET", &listener.url(path), &visit, "");
        assert_eq!((page.status(), page.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(page.text().starts_with("This is `hookdev listen`, a local webhook receiver. "), "{page:?}");
    }
    let icon = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
    assert_eq!(send("GET", &listener.url("/favicon.ico"), &icon, "").status(), 404);
    let (_, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((delivery["seq"].clone(), dir.names("captures").len()), (json!(1), 1));
    listener.interrupt();
    let printed = listener.exits(0);
    assert!(!printed.stderr.contains("web page"), "{printed}");
}

#[test]
fn with_the_flag_a_page_is_a_sender_like_any_other() {
    let endpoint = Endpoint::new([respond(200)]);
    let mut listener = Dir::new().listen().args(["--allow-browsers", "--forward", &endpoint.url("/")]).starts();
    let (response, delivery) = listener.receives("/auphonic", &FORM, AUPHONIC);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "unsigned"));
    assert_eq!(endpoint.next().header("origin"), Some("https://evil.example"));
}

#[test]
fn a_page_is_named_without_credentials() {
    let mut listener = Dir::new().listen().starts();
    post(&listener.url("/cyanite"), &[("origin", "http://u:SECRET@evil.example/?SECRET")], "{}");
    listener.says("sent by a web page at http://[redacted]@evil.example/?[redacted]; responded 403; ");
}

#[test]
fn the_fetch_of_node_is_no_browser() {
    let mut listener = Dir::new().listen().starts();
    let headers = [
        ("accept", "*/*"),
        ("accept-language", "*"),
        ("sec-fetch-mode", "cors"),
        ("user-agent", "node"),
        CYANITE_HEADERS[1],
    ];
    let (response, delivery) = listener.receives("/cyanite", &headers, CYANITE);
    assert_eq!((response.status(), text(&delivery, "/verdict")), (200, "verified"));
}

#[test]
fn many_pages_delay_no_delivery() {
    let mut listener = Dir::new().listen().starts();
    let url = listener.url("/cyanite");
    for _ in 0..400 {
        let mut connection = Connection::to(&url);
        connection.write(request("POST", &url, &FORM, vec![b'x'; 64 << 10])).unwrap();
        // The page gives up.
    }
    let start = std::time::Instant::now();
    let (response, delivery) = listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE);
    assert_eq!((response.status(), delivery["seq"].clone()), (200, json!(1)));
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}
