//! Signature headers: several entries, secrets and names, and repeated headers.

use super::*;

#[test]
fn every_entry_of_a_signature_header_is_read_on_its_own() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let genuine = verified("svix", 0, Freshness::Fresh(age(0)));
    let header = "svix-signature";
    let no_form = malformed(header, "it is not in the provider's format, `v1,{base64}`");
    let no_version = malformed(header, "an entry has no version, and no other entry matches");
    let no_base64 = malformed(header, "the signature is not base64 (standard alphabet, padded)");
    let bare = &SIGNATURE["v1,".len()..];
    let cases = [
        (format!("{WRONG} {SIGNATURE}"), genuine.clone()),
        (format!("{SIGNATURE} {WRONG}"), genuine.clone()),
        (format!("{SIGNATURE} {SIGNATURE}"), genuine.clone()),
        (format!("v1a,AAAA  {SIGNATURE} "), genuine.clone()),
        (format!("v1, {SIGNATURE}"), genuine.clone()),
        (format!("nonsense {SIGNATURE}"), genuine),
        (WRONG.to_owned(), rejected("svix", no_match(1, 1))),
        (format!("{WRONG} {WRONG}"), rejected("svix", no_match(2, 1))),
        (format!("{WRONG} v1,AAAA v2,AAAA"), rejected("svix", no_match(2, 1))),
        (format!("v1,no_base64 {WRONG}"), rejected("svix", no_match(2, 1))),
        (format!("{SIGNATURE},"), rejected("svix", no_base64.clone())),
        (format!("{SIGNATURE},AAAA"), rejected("svix", no_base64.clone())),
        ("v1,no_base64".to_owned(), rejected("svix", no_base64.clone())),
        ("v1,".to_owned(), rejected("svix", no_base64)),
        (format!("v2,{bare}"), rejected("svix", unsupported(header, &["v2"]))),
        (format!("V1,{bare}"), rejected("svix", unsupported(header, &["V1"]))),
        (format!("v1a,{bare} ,{bare}"), rejected("svix", unsupported(header, &["v1a", ""]))),
        (format!("{WRONG} {bare}"), rejected("svix", no_version)),
        (bare.to_owned(), rejected("svix", no_form.clone())),
        ("v1".to_owned(), rejected("svix", no_form)),
        (String::new(), rejected("svix", malformed(header, "it has no signature"))),
        ("   ".to_owned(), rejected("svix", malformed(header, "it has no signature"))),
    ];
    for (value, expected) in cases {
        let request = published(Some((header, &value)));
        assert_eq!(judge(&provider, &secrets, &request, at(SENT)), expected, "{value:?}");
    }
}

#[test]
fn at_most_64_signatures_in_one_header_are_checked() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let header = "svix-signature";
    let with = |others: &[&str]| published(Some((header, &format!("{} {SIGNATURE}", others.join(" ")))));
    let genuine = verified("svix", 0, Freshness::Fresh(age(0)));
    assert_eq!(judge(&provider, &secrets, &with(&[WRONG; 63]), at(SENT)), genuine);
    for (other, count) in [(WRONG, 65), ("v2,AAAA", 65), (WRONG, 100_000)] {
        let reason = Reason::TooManySignatures { header: header.to_owned(), signatures: count };
        let verdict = judge(&provider, &secrets, &with(&vec![other; count - 1]), at(SENT));
        assert_eq!(verdict, rejected("svix", reason.clone()));
        assert_eq!(reason.code(), "malformed-header");
        let message = format!("invalid `{header}` header: {count} signatures in one header; at most 64 are checked");
        assert_eq!(reason.to_string(), message);
    }
}

#[test]
fn any_of_several_secrets_may_match_and_the_verdict_names_it() {
    let provider = svix();
    let request = published(None);
    let fresh = Freshness::Fresh(age(0));
    let cases = [
        (vec![SECRET], verified("svix", 0, fresh)),
        (vec![OTHER_SECRET, SECRET], verified("svix", 1, fresh)),
        (vec![SECRET, OTHER_SECRET], verified("svix", 0, fresh)),
        (vec![SECRET, SECRET], verified("svix", 0, fresh)),
        (vec!["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], verified("svix", 0, fresh)),
        (vec![OTHER_SECRET], rejected("svix", no_match(1, 1))),
        (vec![OTHER_SECRET, OTHER_SECRET, "whsec_AAAA"], rejected("svix", no_match(1, 3))),
    ];
    for (texts, expected) in cases {
        assert_eq!(judge(&provider, &secrets(&provider, &texts), &request, at(SENT)), expected, "{texts:?}");
    }
    // While a secret is rotated, a provider signs with both and a handler may have either.
    let rotation = published(Some(("svix-signature", &format!("{WRONG} {SIGNATURE}"))));
    let both = secrets(&provider, &[OTHER_SECRET, SECRET]);
    assert_eq!(judge(&provider, &both, &rotation, at(SENT)), verified("svix", 1, fresh));
}

#[test]
fn without_a_secret_nothing_is_genuine() {
    for (vector, provider) in published::vectors() {
        let scheme = &provider.schemes[0].name;
        let verdict = judge(&provider, &[], &vector.request(), at(vector.at));
        assert_eq!(verdict, rejected(scheme, no_match(1, 0)), "{}", vector.id);
    }
    let token = signing(TEXT_SECRET, TOKEN);
    for value in ["", "key"] {
        let verdict = judge(&token, &[], &post(&[("x-token", value)], BODY), UNKNOWN);
        assert!(matches!(verdict, Verdict::Rejected(_)), "{value:?}: {verdict:?}");
    }
}

#[test]
fn a_missing_header_is_reported_with_all_its_names() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    for name in ["id", "timestamp", "signature"] {
        let (branded, unbranded) = (format!("svix-{name}"), format!("webhook-{name}"));
        let mut request = published(None);
        request.headers.remove(&branded);
        let verdict = judge(&provider, &secrets, &request, at(SENT));
        assert_eq!(verdict, rejected("svix", missing(&[&branded, &unbranded])));
    }
}

#[test]
fn a_repeated_header_is_ambiguous_even_if_both_values_are_right() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    for (name, right, other) in [
        ("svix-id", ID, "msg_other"),
        ("svix-timestamp", "1614265330", "1614265331"),
        ("svix-signature", SIGNATURE, WRONG),
    ] {
        for (second, times) in [(vec![right], 2), (vec![other], 2), (vec![other, right], 3)] {
            let mut request = published(None);
            for text in second {
                let (name, value) = field(name, text);
                request.headers.push(name, value);
            }
            let verdict = judge(&provider, &secrets, &request, at(SENT));
            assert_eq!(verdict, rejected("svix", ambiguous(name, times)), "{name}");
        }
        // Under its other name it is another header; the first name counts.
        let mut request = published(None);
        let (name, value) = field(&name.replace("svix", "webhook"), other);
        request.headers.push(name, value);
        let verdict = judge(&provider, &secrets, &request, at(SENT));
        assert_eq!(verdict, verified("svix", 0, Freshness::Fresh(age(0))));
    }
}

#[test]
fn a_right_header_under_another_name_does_not_fix_a_wrong_one() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let names = ["svix-id", "svix-timestamp", "svix-signature"];
    let problems = [
        ("msg_other", no_match(1, 1)),
        ("1614265331", no_match(1, 1)),
        ("", malformed("svix-signature", "it has no signature")),
    ];
    for (name, (wrong, reason)) in names.into_iter().zip(problems) {
        let mut request = published(Some((name, wrong)));
        for (name, value) in &published(None).headers {
            request.headers.push(
                name.as_str().replace("svix", "webhook").parse::<http::HeaderName>().expect("a name"),
                value.clone(),
            );
        }
        assert_eq!(judge(&provider, &secrets, &request, at(SENT)), rejected("svix", reason), "{name}");
    }
}

#[test]
fn a_repeated_signed_header_is_ambiguous() {
    let scheme = r#"
[[scheme]]
name = "extra"
algorithm = "hmac-sha256"
content = "{header:x-extra}{body}"
signature = { header = "x", value = "{hex}" }
"#;
    let provider = signing(TEXT_SECRET, scheme);
    let secrets = secrets(&provider, &["key"]);
    // Python: hmac.new(b"key", b"POST{}", "sha256")
    let signature = "5e50ab2f1c3c19ca4f1dc790bc6970755b17b8e2082b7ed462023e25eec19dea";
    let verdict = |fields: &[(&str, &str)]| judge(&provider, &secrets, &post(fields, "{}"), UNKNOWN);
    let once = [("x", signature), ("x-extra", "POST")];
    assert_eq!(verdict(&once), verified("extra", 0, Freshness::NoTimestamp));
    assert_eq!(
        verdict(&[once[0], once[1], ("x-extra", "PUT")]),
        rejected("extra", ambiguous("x-extra", 2)),
        "a handler might read the other one"
    );
    assert_eq!(verdict(&once[..1]), rejected("extra", no_match(1, 1)));
}

#[test]
fn a_non_ascii_header_is_rejected() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let beside = format!("v1,\u{e9} {SIGNATURE}");
    for (name, text) in [("svix-signature", beside.as_str()), ("svix-id", "msg_\u{e9}")] {
        let verdict = judge(&provider, &secrets, &published(Some((name, text))), at(SENT));
        assert_eq!(verdict, rejected("svix", malformed(name, "it has a non-ASCII character")));
    }
    // A token is the user's own text.
    let token = signing(TEXT_SECRET, TOKEN);
    let verdict =
        judge(&token, &acme::secrets(&token, &["s\u{e9}same"]), &post(&[("x-token", "s\u{e9}same")], BODY), UNKNOWN);
    assert_eq!(verdict, verified("token", 0, Freshness::NoTimestamp));
}
