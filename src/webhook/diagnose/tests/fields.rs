//! Headers that were renamed, split or sent twice.

use super::*;

#[test]
fn renamed_headers_are_found() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let world = World::usual();
    for name in [
        "http_signature",
        "redirect_http_signature",
        "http-signature",
        "x-original-signature",
        "headers.signature",
        "x-signature",
        "http_x_signature",
    ] {
        let found = world.codes("cyanite", &request(&[(name, &signature)], BODY.as_bytes()));
        assert_eq!(found, ["header-renamed"], "{name}");
    }
    let spaced = request(&[("http_signature", signature.as_str())], BODY.replace(':', ": ").as_bytes());
    assert_eq!(world.codes("cyanite", &spaced), ["header-renamed", "body-reserialised"]);
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let names = [["svix_id", "svix_timestamp", "svix_signature"], ["http_svix_id", "svix-timestamp", "svixsignature"]];
    for [id, timestamp, signature] in names {
        let headers = [(id, "msg_1"), (timestamp, time.as_str()), (signature, svix.as_str())];
        assert_eq!(world.codes("aspect", &request(&headers, BODY.as_bytes())), ["header-renamed"], "{id}");
    }
    let with_x = ["x-webhook-id", "x-webhook-timestamp", "x-webhook-signature"];
    let headers = [(with_x[0], "msg_1"), (with_x[1], time.as_str()), (with_x[2], svix.as_str())];
    let standard = World::new(&[("standard-webhooks", ASPECT)]);
    let found = standard.codes("standard-webhooks", &request(&headers, BODY.as_bytes()));
    assert_eq!(found, ["header-renamed"]);
    // The other way round.
    let signature = format!("sha256={}", hex(&mac(Algorithm::HmacSha256, b"s3cret", BODY.as_bytes())));
    for name in ["hub-signature-256", "xhubsignature256", "http_hub_signature_256"] {
        let found =
            World::new(&[("github", "s3cret")]).codes("github", &request(&[(name, &signature)], BODY.as_bytes()));
        assert_eq!(found, ["header-renamed"], "{name}");
    }
    assert_eq!(world.codes("cyanite", &request(&[("http_signature", "00")], BODY.as_bytes())), ["seen-renamed-header"]);
}

#[test]
fn split_headers_are_found() {
    let world = World::usual();
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let base64 = svix.strip_prefix("v1,").unwrap();
    let split = |values: &[&str]| {
        let mut headers = vec![("svix-id", "msg_1"), ("svix-timestamp", time.as_str())];
        headers.extend(values.iter().map(|value| ("svix-signature", *value)));
        world.codes("aspect", &request(&headers, BODY.as_bytes()))
    };
    assert_eq!(split(&["v1", base64]), ["header-split"]);
    let wrong = STANDARD.encode([0; 32]);
    assert_eq!(split(&["v1", &format!("{wrong} v1"), base64]), ["header-split"]);
    assert_eq!(split(&["v1", &format!("{base64} v1"), &wrong]), ["header-split"]);
    assert_eq!(split(&[&svix, &format!("v1,{wrong}")]), ["header-split"]);
    assert_eq!(split(&["v1"]), ["seen-cut-at-comma"]);
    assert_eq!(split(&["v1,x", "v1,y"]), ["seen-two-values"]);
}

#[test]
fn a_header_that_was_sent_twice_is_proven_where_one_value_matches() {
    let signature = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    let codes = |first: &str, second: &str| {
        World::usual().codes("cyanite", &request(&[("signature", first), ("signature", second)], BODY.as_bytes()))
    };
    let wrong = "0".repeat(128);
    assert_eq!(codes(&signature, &wrong), ["header-repeated"]);
    assert_eq!(codes(&wrong, &signature), ["header-repeated"]);
    assert_eq!(codes(&wrong, &wrong), ["seen-two-values"]);
}
