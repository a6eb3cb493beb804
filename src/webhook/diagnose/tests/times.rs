//! Timestamps in another unit or spelling, and clocks that are off.

use super::*;

#[test]
fn timestamps_in_the_wrong_unit_are_found() {
    let world = World::usual();
    let seconds = TIME.to_string();
    let millis = format!("{seconds}250");
    let cases = [
        (millis.as_str(), millis.as_str()),
        (&millis, &seconds),
        ("2025-01-01T12:00:00Z", "2025-01-01T12:00:00Z"),
        ("2025-01-01T12:00:00Z", &seconds),
    ];
    for (sent, signed) in cases {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(signed));
        assert_eq!(world.codes("aspect", &aspect_request(&signature, sent)), ["timestamp-unit"], "{sent} {signed}");
    }
}

#[test]
fn timestamps_in_another_spelling_are_found() {
    let world = World::usual();
    let seconds = TIME.to_string();
    let cases = [
        ("1735732800.25", "1735732800.25"),
        (seconds.as_str(), "1735732800.0"),
        (&seconds, "1735732800.000000"),
        (&seconds, "1.7357328E9"),
        (&seconds, "1.7357328e+09"),
        (&seconds, "\"1735732800\""),
        (&seconds, "2025-01-01T12:00:00Z"),
        (&seconds, "2025-01-01T12:00:00.000Z"),
        (&seconds, "2025-01-01T12:00:00+00:00"),
        (&seconds, "undefined"),
        (&seconds, ""),
        ("1735732800.0", &seconds),
        ("1735732800.000", &seconds),
        ("2025-01-01T12:00:00Z", "2025-01-01T12:00:00.000Z"),
    ];
    for (sent, signed) in cases {
        let signature = svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(signed));
        let found = world.codes("aspect", &aspect_request(&signature, sent));
        assert_eq!(found, ["timestamp-spelling"], "{sent} {signed}");
    }
}

/// The signatures are from `openssl dgst -sha256 -hmac`.
#[test]
fn a_time_that_is_not_in_the_providers_format_is_found() {
    let world = World::new(&[("twitch", "0123456789ab")]);
    for (sent, signature) in [
        ("2025-01-01 12:00:00", "sha256=2740c01239af41ffdd45636d5021e9428f3871033caa15f90a48b2262c9cb434"),
        ("1735732800", "sha256=41f0fac98a9a9a629b7f11ac7b8e5fbfaa80a4112218bdeb8917e6229fd90357"),
    ] {
        let headers = [
            ("twitch-eventsub-message-id", "e76c6bd4"),
            ("twitch-eventsub-message-timestamp", sent),
            ("twitch-eventsub-message-signature", signature),
        ];
        let findings = world.findings("twitch", &request(&headers, br#"{"a":1}"#));
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.code, Code::TimestampUnit);
        assert_eq!(
            finding.message,
            "the signature matches the `twitch-eventsub-message-timestamp` header as sent, but that is not a time in RFC 3339"
        );
        let Remedy::Advice(advice) = &finding.remedy else { panic!("{finding:?}") };
        assert!(advice.contains("toISOString()"), "{advice}");
    }
}

#[test]
fn a_clock_that_is_off_gets_a_warning() {
    let world = World::usual();
    let provider = world.catalog.get("aspect").unwrap();
    let finding = |distance: i64, clock_of: Clock| {
        let time = (TIME + distance).to_string();
        let request = aspect_request(&svix(&aspect_key(), Algorithm::HmacSha256, &aspect_content(&time)), &time);
        let receipt = Receipt { at: Some(Timestamp::from_unix_seconds(TIME)), tolerance: None, url: None };
        let verdict = provider.verify(world.keyring.secrets("aspect"), &request, None, receipt);
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let case =
            RejectedRequest { receipt, clock: clock_of, ..case_of(provider, &request, rejection, catalog, keyring) };
        (diagnose(&case), clock(&case).unwrap())
    };
    let (found, warning) = finding(-420, Clock::Live);
    assert_eq!(found, []);
    assert!(
        warning
            .message
            .starts_with("it was delayed, or sent again with its old signature, or one of the clocks is wrong (")
    );
    assert_eq!(finding(420, Clock::Recorded).1.message, "the sender's clock is fast, or this machine's is slow");
    for (distance, remedy) in [(-86_400, Remedy::CheckAgeAtReceipt), (86_400, Remedy::CorrectCheckedTime)] {
        let (found, warning) = finding(distance, Clock::Chosen);
        assert_eq!((found, warning.remedy), (vec![], Some(remedy)), "{distance}");
    }
    for (distance, message) in [
        (420, "it was signed 7 min after it was received: the sender's clock is fast, or this machine's is slow"),
        (7199, "the timestamp is 2 h ahead, the offset of a time zone: a local time may have been signed as UTC"),
        (
            -20_701,
            "the timestamp is 5 h 45 min behind, the offset of a time zone: a local time may have been signed as UTC, or this is an old delivery, sent again",
        ),
    ] {
        for clock in [Clock::Live, Clock::Recorded] {
            let (found, _) = finding(distance, clock);
            assert_eq!((found.len(), found[0].code), (1, Code::ClockSkew), "{distance}");
            assert!(found[0].message.ends_with(message), "{}", found[0].message);
        }
    }
    // Not the offset of a time zone.
    assert_eq!(finding(-7260, Clock::Live).0, []);
}

#[test]
fn the_tolerance_does_not_affect_the_explanation() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("signature", &cyanite_signature(b"x", b"y"))], BODY.as_bytes());
    let receipt = Receipt { at: None, tolerance: Some(Tolerance::both(Duration::ZERO)), url: None };
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let found = diagnose(&RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) });
    assert_eq!(found[0].code, Code::Unexplained);
}

#[test]
fn a_clock_that_is_read_twice_is_named() {
    let key = STANDARD.decode(&ASPECT["whsec_".len()..]).unwrap();
    let signature = svix(&key, Algorithm::HmacSha256, &aspect_content(&TIME.to_string()));
    let found = World::usual().findings("aspect", &aspect_request(&signature, &(TIME + 1).to_string()));
    assert_eq!(found[0].code, Code::WrongSignedContent, "{found:?}");
    assert!(found[0].message.contains("`1735732801` was sent, 1 s later"), "{found:?}");
    let codes = World::usual().codes("aspect", &aspect_request(&signature, &(TIME + 9).to_string()));
    assert_eq!(codes, ["unexplained"]);
}
