//! Signatures with another hash, encoding, prefix, content or scheme than the provider's.

use super::*;

#[test]
fn another_hash_or_encoding_is_found() {
    let world = World::usual();
    let sha = |algorithm| mac(algorithm, CYANITE.as_bytes(), BODY.as_bytes());
    let right = sha(Algorithm::HmacSha512);
    let cases: [(String, &[&str]); 12] = [
        (hex(&sha(Algorithm::HmacSha1)), &["wrong-algorithm"]),
        (hex(&sha(Algorithm::HmacSha256)), &["wrong-algorithm"]),
        (hex(&sha(Algorithm::HmacSha384)), &["wrong-algorithm"]),
        (STANDARD.encode(&right), &["wrong-encoding"]),
        (URL_SAFE_NO_PAD.encode(&right), &["wrong-encoding"]),
        (format!("sha512={}", hex(&right)), &["wrong-encoding"]),
        (format!("v1,{}", STANDARD.encode(&right)), &["wrong-encoding"]),
        (hex(&right).to_uppercase(), &["signature-case"]),
        (hex(&right[..32]), &["signature-truncated"]),
        (hex(&right)[..63].to_owned(), &["signature-truncated"]),
        (STANDARD.encode(&right)[..40].to_owned(), &["signature-truncated", "wrong-encoding"]),
        (hex(&sha(Algorithm::HmacSha256)).to_uppercase(), &["wrong-algorithm", "signature-case"]),
    ];
    for (signature, expected) in cases {
        let found = world.codes("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        assert_eq!(found, expected, "{signature}");
    }
}

#[test]
fn a_hash_without_a_key_is_found() {
    use sha2::{Digest, Sha256, Sha512};
    let world = World::usual();
    let hashes = [
        hex(&Sha512::digest(BODY)),
        hex(&Sha256::digest(BODY)),
        hex(&Sha512::digest(format!("{CYANITE}{BODY}"))),
        hex(&Sha512::digest(format!("{BODY}{CYANITE}"))),
        cyanite_signature(b"", BODY.as_bytes()),
        cyanite_signature(b"undefined", BODY.as_bytes()),
        cyanite_signature(b"null", BODY.as_bytes()),
        cyanite_signature(b"None", BODY.as_bytes()),
    ];
    for signature in hashes {
        let found = world.findings("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["wrong-algorithm"], "{found:?}");
    }
    let time = TIME.to_string();
    let hash = format!("v1,{}", STANDARD.encode(Sha256::digest(aspect_content(&time))));
    assert_eq!(world.codes("aspect", &aspect_request(&hash, &time)), ["wrong-algorithm"]);
}

#[test]
fn a_missing_or_doubled_prefix_is_found() {
    let world = World::usual();
    let signature = hex(&mac(Algorithm::HmacSha256, JEWELMUSIC.as_bytes(), BODY.as_bytes()));
    for value in [signature.clone(), format!("sha256=sha256={signature}"), format!("SHA256={signature}")] {
        let found = world.codes("jewelmusic", &request(&[("x-jewelmusic-signature", &value)], BODY.as_bytes()));
        assert_eq!(found, ["wrong-encoding"], "{value}");
    }
    let time = TIME.to_string();
    let svix = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    for value in [&svix[3..], &format!("v1,{svix}"), &svix.replace("v1,", "v2,"), &svix.replace("v1,", "v1=")] {
        assert_eq!(world.codes("aspect", &aspect_request(value, &time)), ["wrong-encoding"], "{value}");
    }
}

#[test]
fn other_signed_content_is_found() {
    let world = World::usual();
    let time = TIME.to_string();
    for content in [BODY.to_owned(), format!("{time}.{BODY}"), format!("v0:{time}:{BODY}"), format!("msg_1.{BODY}")] {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &content);
        assert_eq!(world.codes("aspect", &aspect_request(&signature, &time)), ["wrong-signed-content"], "{content}");
    }
    // A body alone needs no timestamp, so this explains a missing one too.
    let signature = svix(&aspect_key(), Algorithm::HmacSha256, BODY);
    let without_timestamp = request(&[("svix-id", "msg_1"), ("svix-signature", &signature)], BODY.as_bytes());
    assert_eq!(world.codes("aspect", &without_timestamp), ["wrong-signed-content"]);
    // Stripe's format, in the header of a provider without one.
    let stripe = hex(&mac(Algorithm::HmacSha512, CYANITE.as_bytes(), format!("{time}.{BODY}").as_bytes()));
    let stripe = request(&[("signature", &format!("t={time},v1={stripe}"))], BODY.as_bytes());
    assert_eq!(world.codes("cyanite", &stripe), ["wrong-signed-content"]);
}

#[test]
fn schemes_and_headers_of_other_providers_are_found() {
    let world = World::usual();
    let time = TIME.to_string();
    let theirs = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let found = world.findings("cyanite", &aspect_request(&theirs, &time));
    assert_eq!(found[0].code, Code::SchemeOfOtherProvider);
    assert!(found[0].message.starts_with("this is a delivery from Aspect: "), "{}", found[0].message);
    let ours = svix(CYANITE.as_bytes(), Algorithm::HmacSha256, &aspect_content(&time));
    let found = world.findings("cyanite", &aspect_request(&ours, &time));
    assert_eq!(found[0].code, Code::SchemeOfOtherProvider);
    assert!(
        found[0].message.starts_with("it is signed with Cyanite's secret, but the way Svix signs"),
        "{}",
        found[0].message
    );
    let as_github = format!("sha256={}", hex(&mac(Algorithm::HmacSha256, CYANITE.as_bytes(), BODY.as_bytes())));
    assert_eq!(
        world.codes("cyanite", &request(&[("x-jewelmusic-signature", &as_github)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
    assert_eq!(
        world.codes("cyanite", &request(&[("signature", &as_github)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
    let elsewhere = cyanite_signature(CYANITE.as_bytes(), BODY.as_bytes());
    assert_eq!(
        world.codes("cyanite", &request(&[("x-cyanite-signature", &elsewhere)], BODY.as_bytes())),
        ["scheme-of-other-provider"]
    );
}

#[test]
fn only_the_provider_that_fits_is_named_among_those_that_sign_alike() {
    let time = TIME.to_string();
    let world = World::new(&[("standard-webhooks", ASPECT), ("gitlab", "s3cret"), ("cyanite", CYANITE)]);
    let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time));
    let found = world.findings("standard-webhooks", &aspect_request(&signature, &time));
    assert_eq!(found[0].remedy, Remedy::ChooseProvider { other: "svix".to_owned() }, "{found:?}");
    // Of the hexadecimal HMACs of a body, none is more likely than another.
    let signature = hex(&mac(Algorithm::HmacSha256, b"s3cret", BODY.as_bytes()));
    let sent = |headers: &[(&str, &str)]| {
        let headers = [&[("x-gitlab-token", signature.as_str())], headers].concat();
        let [found] = &world.findings("gitlab", &request(&headers, BODY.as_bytes()))[..] else { panic!() };
        found.clone()
    };
    let found = sent(&[]);
    assert_eq!((found.code, found.remedy), (Code::SchemeOfOtherProvider, Code::SchemeOfOtherProvider.remedy()));
    let start = "it is signed with GitLab's secret, but in a way in which other providers sign: \
                 HMAC-SHA256 of `{body}`, sent as `{hex}` (Agora, Asana, ";
    assert!(found.message.starts_with(start), "{}", found.message);
    let found = sent(&[("sentry-hook-resource", "issue")]);
    assert_eq!(found.remedy, Remedy::ChooseProvider { other: "sentry".to_owned() }, "{}", found.message);
}

#[test]
fn a_signature_that_was_percent_encoded_or_lost_its_letter_case_is_found() {
    // Shopify's own example: the secret `hush` of its documentation, and a body of this test.
    let world = World::new(&[("shopify", "hush"), ("github", "It's a Secret to Everybody")]);
    let shopify = |signature: &str| {
        let headers = [("x-shopify-hmac-sha256", signature), ("x-shopify-topic", "orders/create")];
        world.codes("shopify", &request(&headers, BODY.as_bytes()))
    };
    let right = STANDARD.encode(mac(Algorithm::HmacSha256, b"hush", BODY.as_bytes()));
    let encoded = right.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert_eq!(shopify(&encoded), ["wrong-encoding"]);
    assert_eq!(shopify(&right.to_lowercase()), ["signature-case"]);
    assert_eq!(shopify(&right.to_uppercase()), ["signature-case"]);
    assert_eq!(shopify(&right.to_lowercase().replace('a', "b")), ["unexplained"]);
    // GitHub's documented example: `Hello, World!`.
    let hash = "sha256%3D757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let hello = |headers: &[(&str, &str)]| world.codes("github", &request(headers, b"Hello, World!"));
    assert_eq!(hello(&[("x-hub-signature-256", hash)]), ["wrong-encoding"]);
    // The older header alone, with another hash, is one cause.
    let sha1 = hex(&mac(Algorithm::HmacSha1, b"It's a Secret to Everybody", b"Hello, World!"));
    assert_eq!(hello(&[("x-hub-signature", &format!("sha1={sha1}"))]), ["scheme-of-other-provider"]);
}

/// PHP's `base64_encode(hash_hmac('sha512', '{"id":1}', $secret))`, which should have been hexadecimal alone.
#[test]
fn base64_of_hexadecimal_digits_is_named() {
    let body = b"{\"id\":1}";
    let signature = STANDARD.encode(hex(&mac(Algorithm::HmacSha512, CYANITE.as_bytes(), body)));
    let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], body));
    assert_eq!(found[0].code, Code::WrongEncoding, "{found:?}");
    assert!(found[0].message.contains("base64 of its hexadecimal digits"), "{found:?}");
}
