//! Signed URLs that differ from the known one.

use super::*;

/// A request of Twilio's own test, with its signature: `twilio/twilio-node`, `spec/validation.spec.js`.
fn published_form(target: &str, headers: &[(&str, &str)]) -> Request {
    let body = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let own =
        [("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("content-type", "application/x-www-form-urlencoded")];
    Request { target: target.to_owned(), ..request(&[&own, headers].concat(), body) }
}

#[test]
fn another_signed_url_than_the_known_one_is_found() {
    let world = World::new(&[("twilio", "12345")]);
    let signed = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let target = "/myapp.php?foo=1&bar=2";
    let found = |url: Option<&str>, target: &str, headers: &[(&str, &str)]| {
        let receipt = Receipt { url, ..Receipt::default() };
        let found = world.findings_with("twilio", &published_form(target, headers), receipt);
        (found.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), found[0].message.clone())
    };
    let proven = |known: &str| (vec!["wrong-url"], format!("the signature covers the URL `{signed}`, not `{known}`"));
    for known in [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        "https://www.mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "http://mycompany.com:8080/myapp.php/?bar=2&foo=1",
        "https://mycompany.com/api/myapp.php?foo=1&bar=2",
        "http://mycompany.com/hooks/v1/myapp.php?foo=1&bar=2",
    ] {
        assert_eq!(found(Some(known), target, &[]), proven(known), "{known}");
    }
    let host = ("host", "mycompany.com");
    assert_eq!(found(None, target, &[host]), proven("http://mycompany.com/myapp.php?foo=1&bar=2"));
    assert_eq!(
        found(Some("https://other.example/x"), target, &[("x-forwarded-host", "mycompany.com")]),
        proven("https://other.example/x")
    );
    // A proxy rewrote the path.
    let https = ("x-forwarded-proto", "https");
    for kept in [("x-original-uri", target), ("x-rewrite-url", target)] {
        assert_eq!(found(None, "/hook", &[host, https, kept]), proven("https://mycompany.com/hook"), "{kept:?}");
    }
    assert_eq!(
        found(None, "?foo=1&bar=2", &[host, https, ("x-forwarded-prefix", "/myapp.php")]),
        proven("https://mycompany.com?foo=1&bar=2")
    );
}

#[test]
fn a_redacted_value_that_is_signed_is_named() {
    let found = |provider: &str, secret: &str, request: &Request| {
        let world = World::new(&[(provider, secret)]);
        let found = world.findings(provider, request);
        assert_eq!((found.len(), found[0].code), (1, Code::Redacted), "{found:?}");
        found[0].message.clone()
    };
    let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&TIME.to_string()));
    let mut request_of_aspect = aspect_request(&signature, &TIME.to_string());
    request_of_aspect.headers.set(&HeaderName::from_static("svix-id"), HeaderValue::from_static("[redacted]"));
    assert_eq!(
        found("aspect", ASPECT, &request_of_aspect),
        "the `svix-id` header was redacted, but it is part of what is signed"
    );
    let form = published_form("/myapp.php?foo=[redacted]&bar=[redacted]", &[("host", "mycompany.com")]);
    assert_eq!(found("twilio", "12345", &form), "the URL's query was redacted, but it is part of what is signed");
    // As `listen` captures Notion's first request.
    let signature = format!("sha256={}", "00".repeat(32));
    let headers = [("x-notion-signature", signature.as_str()), ("content-length", "80")];
    assert_eq!(
        found("notion", "a token", &request(&headers, br#"{"verification_token":"[redacted]"}"#)),
        "the field `verification_token` of the body was redacted because it is a secret, but it is part of what is signed"
    );
}

#[test]
fn a_signed_url_of_which_only_this_machine_is_known_is_said() {
    let world = World::new(&[("twilio", "12345")]);
    let request = published_form("/myapp.php?foo=1&bar=2", &[("host", "127.0.0.1:4400")]);
    let found = world.findings_with("twilio", &request, Receipt::default());
    let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["seen-local-url", "unexplained"]);
    assert_eq!(
        found[0].message,
        "Twilio signs the URL that it calls, but the request shows only `http://127.0.0.1:4400/myapp.php?foo=1&bar=2`, a URL of this machine"
    );
    assert_eq!(found[0].remedy, Remedy::GiveUrl);
    // Another provider signs no URL.
    let signature = cyanite_signature(b"a wrong secret", b"{}");
    let request = Request { target: "/".to_owned(), ..super::tests::request(&[("signature", &signature)], b"{}") };
    assert_eq!(world.codes("cyanite", &request), ["unexplained"]);
}

#[test]
fn the_url_of_a_signature_that_matches_is_not_suspected() {
    let world = World::new(&[("twilio", "12345")]);
    let target = "/twilio?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    // Computed with Python's hmac and hashlib, for the body {"a":1} at this URL.
    let headers = [
        ("host", "127.0.0.1:4400"),
        ("content-type", "application/json"),
        ("x-twilio-signature", "NiIjVarfmEGWT5LsCRkHOrXM+A0="),
    ];
    let request = Request { target: target.to_owned(), ..super::request(&headers, br#"{"a":2}"#) };
    assert_eq!(world.codes("twilio", &request), ["unexplained"]);
}

#[test]
fn a_url_that_is_signed_without_decoding_it_is_found() {
    let world = World::new(&[("hubspot", "sec")]);
    // Computed with Python's hmac.
    let headers = [
        ("x-hubspot-signature-v3", "Of7VEEI/bqrlC1W4wBgFMbCNhrgSFgP/+GoWQ07xM3M="),
        ("x-hubspot-request-timestamp", "1772442925000"),
    ];
    let request = Request { target: "/h?a=x%3Ay".to_owned(), ..super::request(&headers, b"[]") };
    let receipt = Receipt { url: Some("https://example.com/h?a=x%3Ay"), ..Receipt::default() };
    let found = world.findings_with("hubspot", &request, receipt);
    assert_eq!(found[0].message, "the signature covers the URL `https://example.com/h?a=x%3Ay` as it is sent");
    let advice = "decode the characters `:/?@!$'()*,;` before you sign, as HubSpot does";
    assert_eq!((found.len(), &found[0].remedy), (1, &Remedy::advice(advice)));
}
