//! Secrets that were changed, replaced, or decoded in another way.

use super::*;

#[test]
fn changes_to_the_secret_are_found() {
    let cyanite = |key: &[u8], ours: &str| {
        let world = World::new(&[("cyanite", ours), ("aspect", ASPECT), ("jewelmusic", JEWELMUSIC)]);
        let signature = cyanite_signature(key, BODY.as_bytes());
        world.codes("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()))
    };
    let quoted = format!("\"{CYANITE}\"");
    let cases: [(&[u8], &str, &[&str]); 21] = [
        (b"topsecret", "topsecret\\n", &["secret-whitespace"]),
        (b"topsecret\\n", "topsecret", &["secret-whitespace"]),
        (b"top/secret", "top%2Fsecret", &["secret-not-decoded"]),
        (b"top%2Fsecret", "top/secret", &["secret-not-decoded"]),
        (b"746f70736563726574", "topsecret", &["secret-not-decoded"]),
        (b"dG9wc2VjcmV0", "topsecret", &["secret-not-decoded"]),
        (b"topsecret\n", "topsecret", &["secret-whitespace"]),
        (b"topsecret ", "topsecret", &["secret-whitespace"]),
        (b"topsecret", "top secret", &["secret-whitespace"]),
        (quoted.as_bytes(), CYANITE, &["secret-quoted"]),
        (b"'topsecret'", "topsecret", &["secret-quoted"]),
        (b"topsecret", "topsecret\"", &["secret-quoted"]),
        (b"TOPSECRET", "topsecret", &["secret-case"]),
        (b"topsecret", "TopSecret", &["secret-case"]),
        (b"hello world", "aGVsbG8gd29ybGQ=", &["secret-not-decoded"]),
        (b"hello world", "68656c6c6f20776f726c64", &["secret-not-decoded"]),
        (b"topsecret", "whsec_topsecret", &["secret-prefix"]),
        (b"whsec_topsecret", "topsecret", &["secret-prefix"]),
        (b"hello world", "whsec_aGVsbG8gd29ybGQ=", &["secret-not-decoded", "secret-prefix"]),
        (b"hookdev-development-secret-cyanite", CYANITE, &["secret-development"]),
        (JEWELMUSIC.as_bytes(), CYANITE, &["secret-of-other-provider"]),
    ];
    for (key, ours, expected) in cases {
        assert_eq!(cyanite(key, ours), expected, "{ours}");
    }
    assert_eq!(cyanite(ASPECT.as_bytes(), CYANITE), ["secret-of-other-provider"]);
    assert_eq!(cyanite(&aspect_key(), CYANITE), ["secret-of-other-provider"]);
    assert_eq!(cyanite(b"hookdev-development-secret-jewelmusic", CYANITE), ["secret-of-other-provider"]);
}

#[test]
fn a_shadowed_secret_is_named_by_its_source_and_never_shown() {
    let mut world = World::usual();
    let format = &world.catalog.get("cyanite").unwrap().secret.as_ref().unwrap().format;
    let (origin, shadowed_by) = ("the config".to_owned(), "--secret".to_owned());
    for text in ["an older one", "the oldest"] {
        let secret = SigningSecret::parse(text, format).unwrap();
        world.keyring.add_shadowed(
            "cyanite",
            ShadowedSecret { secret, origin: origin.clone(), shadowed_by: Some(shadowed_by.clone()) },
        );
    }
    let signed = |key: &[u8], body: &str| request(&[("signature", &cyanite_signature(key, body.as_bytes()))], b"{}");
    let finding = Finding {
        code: Code::SecretSuperseded,
        message: "the signature matches the secret from the config, which --secret overrides".to_owned(),
        remedy: Remedy::advice(
            "if that secret is right, remove the one from --secret; if it is outdated, set the new one at the sender too",
        ),
        detail: None,
    };
    for key in [b"an older one".as_slice(), b"the oldest"] {
        assert_eq!(world.findings("cyanite", &signed(key, "{}")), std::slice::from_ref(&finding));
    }
    assert_eq!(
        world.codes("cyanite", &signed(b"an older one", "{}\n")),
        ["secret-superseded", "body-trailing-newline"]
    );
    assert_eq!(world.codes("cyanite", &signed(b"an older one\n", "{}")), ["unexplained"]);
}

#[test]
fn a_secret_that_was_replaced_is_remembered() {
    let old = World::new(&[("cyanite", "the old one"), ("jewelmusic", JEWELMUSIC)]);
    let mut world = World::new(&[("cyanite", CYANITE), ("jewelmusic", JEWELMUSIC)]);
    world.keyring.remember(&old.keyring);
    let signed = request(&[("signature", &cyanite_signature(b"the old one", b"{}"))], b"{}");
    let found = world.findings("cyanite", &signed);
    assert_eq!((found.len(), found[0].code), (1, Code::SecretSuperseded));
    assert_eq!(
        found[0].message,
        "the signature matches the secret from the command line that was in use before it changed"
    );
    // A secret that is still in use isn't an old one, and an old one is remembered even after the next change.
    assert_eq!(world.keyring.shadowed("jewelmusic").len(), 0);
    let mut next = World::new(&[("cyanite", "a third")]);
    next.keyring.remember(&world.keyring);
    assert_eq!(next.codes("cyanite", &signed), ["secret-superseded"]);
}

#[test]
fn other_ways_to_decode_a_base64_secret_are_found() {
    let aspect = |key: &[u8], ours: &str| {
        let world = World::new(&[("aspect", ours)]);
        let time = TIME.to_string();
        world.codes("aspect", &aspect_request(&svix(key, Algorithm::HmacSha256, &aspect_content(&time)), &time))
    };
    let bare = &ASPECT[6..];
    // As Node reads it, prefix and all: `_` is a digit of URL-safe base64.
    let node = secret::forgiving_base64(ASPECT).unwrap();
    let hex_digits = "0123456789abcdef0123456789abcdef";
    assert_eq!(aspect(bare.as_bytes(), ASPECT), ["secret-not-decoded"]);
    assert_eq!(aspect(ASPECT.as_bytes(), ASPECT), ["secret-not-decoded"]);
    assert_eq!(aspect(&node, ASPECT), ["secret-prefix"]);
    assert_eq!(aspect(&decode_hex(hex_digits).unwrap(), hex_digits), ["secret-not-decoded"]);
    assert_eq!(aspect(format!("\"{ASPECT}\"").as_bytes(), ASPECT), ["secret-not-decoded", "secret-quoted"]);
    assert_eq!(aspect(format!("{ASPECT}\n").as_bytes(), ASPECT), ["secret-not-decoded", "secret-whitespace"]);
}

#[test]
fn a_token_of_a_sender_without_a_secret_is_no_hmac() {
    let world = World::new(&[("gitlab", "s3cret")]);
    for text in ["undefined", "null", "None", "nil"] {
        let found = world.findings("gitlab", &request(&[("x-gitlab-token", text)], BODY.as_bytes()));
        assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::Unexplained]);
        let end = format!("most likely the sender's secret is not set: the token is the text `{text}`");
        assert!(found[0].message.ends_with(&end), "{found:?}");
        assert_eq!(found[0].remedy, Remedy::advice(secret::SET_THE_SENDERS));
    }
    let found = world.findings("gitlab", &request(&[("x-gitlab-token", "other")], BODY.as_bytes()));
    assert!(found[0].message.ends_with("most likely a different secret"), "{found:?}");
}
