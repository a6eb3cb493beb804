//! What is said of several causes, of none, and of what is only seen.

use super::*;

#[test]
fn what_is_only_seen_is_said_when_nothing_is_proven() {
    let wrong = "0".repeat(128);
    let seen = |body: &[u8], headers: &[(&str, &str)]| {
        let headers = [&[("signature", wrong.as_str())], headers].concat();
        World::usual().codes("cyanite", &request(&headers, body))
    };
    let cases: [(&[u8], &str); 8] = [
        (b"", "seen-empty-body"),
        (b"7\r\n{\"a\":1}\r\n0\r\n\r\n", "seen-chunk-sizes"),
        (b"--b123\r\nContent-Type: text/plain\r\n\r\nx\r\n--b123--\r\n", "seen-boundary"),
        (br"{\x22a\x22:1}", "seen-log-escapes"),
        (b"{&quot;a&quot;:1}", "seen-log-escapes"),
        (b"{\\\"a\\\":1}", "seen-log-escapes"),
        (b"b'{\"a\":1}'", "seen-log-escapes"),
        ("{\"a\":\"caf\u{fffd}\"}".as_bytes(), "seen-replacement-character"),
    ];
    for (body, code) in cases {
        assert_eq!(seen(body, &[]), [code, "unexplained"], "{:?}", String::from_utf8_lossy(body));
    }
    assert_eq!(seen(b"{\"a\":1}", &[("content-length", "8")]), ["seen-missing-bytes", "unexplained"]);
    assert_eq!(seen(b"{\"a\":{\"b\":1", &[]), ["seen-missing-bytes", "unexplained"]);
    for value in ["[redacted]", "***", "<REDACTED>", "sha512=[redacted]"] {
        assert_eq!(World::usual().codes("cyanite", &request(&[("signature", value)], b"{}")), ["redacted"], "{value}");
    }
}

#[test]
fn one_missing_byte_is_singular() {
    let headers = [("signature", "00"), ("content-length", "8")];
    let found = World::usual().findings("cyanite", &request(&headers, b"{\"a\":1}"));
    assert_eq!(found[0].message, "Content-Length says 8 bytes, but the body has 7: 1 is missing");
}

#[test]
fn what_was_tried_is_counted_by_kind() {
    let headers = [("signature", "0".repeat(128))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let found = World::usual().findings("cyanite", &request(&headers, b"{\"a\":1}"));
    let detail = found[0].detail.as_deref().unwrap();
    let kinds = [
        "tried: changes to the body ",
        ", forms of the secret ",
        ", ways of signing ",
        ", rewritten bodies ",
        ", combinations ",
    ];
    assert!(kinds.iter().all(|kind| detail.contains(kind)), "{detail}");
}

#[test]
fn a_wrong_secret_and_a_changed_body_are_found_together() {
    let world = World::usual();
    let signature = cyanite_signature(b"hookdev-development-secret-cyanite", BODY.as_bytes());
    let received = request(&[("signature", &signature)], format!("{BODY}\n").as_bytes());
    assert_eq!(world.codes("cyanite", &received), ["secret-development", "body-trailing-newline"]);
    let sha256 = hex(&mac(Algorithm::HmacSha256, CYANITE.as_bytes(), b"{\"a\": 1}"));
    let received = request(&[("signature", &sha256)], b"{\"a\":1}");
    assert_eq!(world.codes("cyanite", &received), ["wrong-algorithm", "body-reserialised"]);
}

#[test]
fn findings_that_hold_only_in_combination_say_so() {
    let signature = cyanite_signature(CYANITE.as_bytes(), b"{\"a\": 1}\n");
    let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], b"{\"a\":1}"));
    assert!(found[0].message.ends_with("(only in combination with body-trailing-newline)"), "{}", found[0].message);
    assert!(found[1].message.ends_with("(only in combination with body-reserialised)"), "{}", found[1].message);
}

#[test]
fn a_rejection_that_says_everything_has_no_findings() {
    let world = World::usual();
    let none: [&str; 0] = [];
    assert_eq!(world.codes("cyanite", &request(&[], BODY.as_bytes())), none);
    assert_eq!(world.codes("cyanite", &request(&[("signature", "")], BODY.as_bytes())), none);
    assert_eq!(world.codes("cyanite", &request(&[("signature", "garbage!")], BODY.as_bytes())), none);
}

#[test]
fn missing_bytes_are_counted() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let headers = [("signature", signature.as_str()), ("content-length", "116")];
    let found = World::usual().findings("cyanite", &request(&headers, &BODY.as_bytes()[..50]));
    let said: Vec<(&str, &str)> =
        found.iter().map(|finding| (finding.code.as_str(), finding.message.as_str())).collect();
    assert_eq!(said[0], ("seen-missing-bytes", "Content-Length says 116 bytes, but the body has 50: 66 are missing"));
    assert_eq!(said[1].0, "unexplained");
}
