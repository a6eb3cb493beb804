//! Timestamps: their spelling, tolerance, and whether they prove anything.

use std::time::Duration;

use super::*;

#[test]
fn the_bounds_of_the_tolerance_are_included_and_a_second_more_is_not() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let five_minutes = Tolerance::both(Duration::from_secs(300));
    let fresh = |millis| verified("svix", 0, Freshness::Fresh(age(millis)));
    let too_old = |millis| rejected("svix", Reason::TimestampTooOld { skew: age(millis), tolerance: five_minutes });
    let too_new = |millis| rejected("svix", Reason::TimestampTooNew { skew: age(millis), tolerance: five_minutes });
    let cases = [
        (0, fresh(0)),
        (300_000, fresh(300_000)),
        // The libraries compare whole seconds.
        (300_999, fresh(300_000)),
        (301_000, too_old(301_000)),
        (-300_000, fresh(-300_000)),
        (-300_001, too_new(-301_000)),
        (-301_000, too_new(-301_000)),
        (86_400_000, too_old(86_400_000)),
    ];
    for (later, expected) in cases {
        let received = Timestamp::from_unix_millis(SENT * 1000 + later);
        assert_eq!(judge(&provider, &secrets, &published(None), Some(received).into()), expected, "{later} ms");
    }
}

#[test]
fn a_tolerance_may_differ_by_direction_and_be_overridden() {
    let scheme = SVIX.replace("tolerance = \"5m\"", "tolerance = { past = \"1m\", future = \"0s\" }");
    let provider = signing(BASE64_SECRET, &scheme);
    let secrets = secrets(&provider, &[SECRET]);
    let own = Tolerance { past: Duration::from_secs(60), future: Duration::ZERO };
    let other = Tolerance { past: Duration::from_secs(5), future: Duration::from_secs(10) };
    let fresh = |seconds: i64| verified("svix", 0, Freshness::Fresh(age(seconds * 1000)));
    let too_old =
        |seconds: i64, tolerance| rejected("svix", Reason::TimestampTooOld { skew: age(seconds * 1000), tolerance });
    let too_new =
        |seconds: i64, tolerance| rejected("svix", Reason::TimestampTooNew { skew: age(seconds * 1000), tolerance });
    let cases = [
        (60, None, fresh(60)),
        (61, None, too_old(61, own)),
        (-1, None, too_new(-1, own)),
        (5, Some(other), fresh(5)),
        (6, Some(other), too_old(6, other)),
        (-10, Some(other), fresh(-10)),
        (-11, Some(other), too_new(-11, other)),
    ];
    for (later, tolerance, expected) in cases {
        let receipt = Receipt { tolerance, ..at(SENT + later) };
        assert_eq!(judge(&provider, &secrets, &published(None), receipt), expected, "{later} s");
    }
}

#[test]
fn milliseconds_are_checked_to_the_millisecond() {
    let scheme = r#"
[[scheme]]
name = "millis"
algorithm = "hmac-sha256"
content = "{timestamp}:{body}"
signature = { header = "x", value = "{hex}" }
timestamp = { header = "x-time", unit = "ms", tolerance = "5m" }
"#;
    let provider = signing(TEXT_SECRET, scheme);
    let secrets = secrets(&provider, &["key"]);
    // Python: hmac.new(b"key", b"1700000000500:{}", "sha256")
    let signature = "2d4c068e6946b4c220f81bebd86ebab7c005cb5e031a49e7645cecf6dfc9738c";
    let request = post(&[("x", signature), ("x-time", "1700000000500")], "{}");
    let five_minutes = Tolerance::both(Duration::from_secs(300));
    let fresh = |millis| verified("millis", 0, Freshness::Fresh(age(millis)));
    let cases = [
        (0, fresh(0)),
        (300_000, fresh(300_000)),
        (300_001, rejected("millis", Reason::TimestampTooOld { skew: age(300_001), tolerance: five_minutes })),
        (-300_000, fresh(-300_000)),
        (-300_001, rejected("millis", Reason::TimestampTooNew { skew: age(-300_001), tolerance: five_minutes })),
    ];
    for (later, expected) in cases {
        let received = Timestamp::from_unix_millis(1_700_000_000_500 + later);
        assert_eq!(judge(&provider, &secrets, &request, Some(received).into()), expected, "{later} ms");
    }
    let unsigned = post(&[], "{}");
    let signed =
        SigningInput { request: &unsigned, id: "", time: Timestamp::from_unix_millis(1_700_000_000_500), url: None };
    assert_eq!(
        provider.schemes[0].sign(&secrets[0], &signed).map(fields),
        Some(vec![field("x-time", "1700000000500"), field("x", signature)])
    );
}

#[test]
fn without_a_time_of_receipt_the_age_is_not_checked() {
    let provider = svix();
    let verdict = judge(&provider, &secrets(&provider, &[SECRET]), &published(None), UNKNOWN);
    assert_eq!(verdict, verified("svix", 0, Freshness::NotChecked));
}

#[test]
fn a_timestamp_is_a_whole_number_in_its_only_spelling() {
    let provider = svix();
    let secrets = secrets(&provider, &[SECRET]);
    let no_number = rejected("svix", malformed("svix-timestamp", "the timestamp is not a whole number"));
    let wrong = [
        "",
        " ",
        "-",
        "+1614265330",
        "01614265330",
        "-0",
        "1614265330.0",
        "1614265330 ",
        " 1614265330",
        "1.61e9",
        "0x6037b5f2",
        "1_614_265_330",
        "١٦١٤",
        "9223372036854775808",
        "2021-02-25T15:02:10Z",
    ];
    for text in wrong.into_iter().filter(|text| hookdev::webhook::request::value(text).is_ok()) {
        let request = published(Some(("svix-timestamp", text)));
        assert_eq!(judge(&provider, &secrets, &request, at(SENT)), no_number, "{text:?}");
    }
    for text in ["0", "-1", "1614265331", "9223372036854775807", "-9223372036854775808"] {
        let request = published(Some(("svix-timestamp", text)));
        assert_eq!(judge(&provider, &secrets, &request, at(SENT)), rejected("svix", no_match(1, 1)), "{text:?}");
    }
}

#[test]
fn an_unsigned_time_does_not_prove_freshness() {
    let unsigned = |algorithm: &str, content: &str, value: &str| {
        let scheme = format!(
            "[[scheme]]\nname = 's'\nalgorithm = '{algorithm}'\ncontent = '{content}'\n\
             signature = {{ header = 'x', value = '{value}' }}\n\
             timestamp = {{ header = 'x-time', tolerance = '5m' }}"
        );
        signing(TEXT_SECRET, &scheme)
    };
    // Python: hmac.new(b"key", b"", "sha256")
    let of_nothing = "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0";
    let token = unsigned("token", "{timestamp}.{body}", "{token}");
    let body_alone = unsigned("hmac-sha256", "{body}", "{hex}");
    for (provider, signature) in [(token, "key"), (body_alone, of_nothing)] {
        let secrets = secrets(&provider, &["key"]);
        let request = post(&[("x", signature), ("x-time", "1700000000")], "");
        let verdict = |received| judge(&provider, &secrets, &request, at(received));
        assert_eq!(verdict(1_700_000_000), verified("s", 0, Freshness::NoTimestamp));
        assert!(!provider.has_replay_protection());
        // It is rejected nevertheless, as the provider's handlers would.
        let tolerance = Tolerance::both(Duration::from_secs(300));
        let too_old = Reason::TimestampTooOld { skew: age(301_000), tolerance };
        assert_eq!(verdict(1_700_000_301), rejected("s", too_old));
    }
}
