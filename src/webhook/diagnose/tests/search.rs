//! The limits of the search, and what it must not find or show.

use super::*;

/// Each of these once ended the search with a panic, or kept it from its budget for longer than a minute.
#[test]
fn bodies_made_to_stop_the_search_do_not_stop_it() {
    let digits = format!(r#"{{"a":0.{}e-5}}"#, "1".repeat(70_000));
    let exponent = format!(r#"{{"a":1e{}}}"#, i64::MIN);
    let chunks = "1\r\na\r\n".repeat(20_000) + &" ".repeat(1_000_000);
    let boundary = format!("{}x\n{}", "-".repeat(300_000), "-".repeat(600_000));
    let signature = cyanite_signature(b"a wrong secret", b"");
    for body in [digits, exponent, chunks, boundary] {
        let found = World::usual().findings("cyanite", &request(&[("signature", &signature)], body.as_bytes()));
        let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
        assert!(codes.contains(&"unexplained"), "{codes:?}");
    }
}

#[test]
fn large_and_deep_bodies_stay_within_the_budget() {
    let mut large = vec![b'['];
    large.extend(b"1.0,".repeat((10 << 20) / 4));
    large.extend(b"1]");
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let signature = cyanite_signature(b"a wrong secret", b"");
    for body in [large, deep] {
        let mut trials = Trials::new(PER_SEARCH, &|| false);
        let request = request(&[("signature", &signature)], &body);
        let world = World::usual();
        let provider = world.catalog.get("cyanite").unwrap();
        let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, Receipt::default());
        let rejection = verdict.rejection().unwrap();
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let case = case_of(provider, &request, rejection, catalog, keyring);
        let outcome = trials.search(&case);
        let is_exhausted = matches!(outcome, ControlFlow::Break(SearchEnd::Exhausted));
        // Nothing is found, so the search ends with the last hypothesis or with the budget.
        assert_eq!(outcome.is_continue(), !is_exhausted);
        assert!(is_exhausted, "{} bytes", body.len());
        assert!(trials.attempted() < 10_000, "{} attempts", trials.attempted());
        let found = diagnose(&case);
        assert_eq!(found[0].message.contains("the rest skipped because of the body's size"), is_exhausted, "{found:?}");
    }
}

#[test]
fn requests_after_the_budget_of_a_run_is_spent_get_a_short_search_that_says_so() {
    let world = World::usual();
    let found = |body: &str, signed: &str, mut bytes: usize| {
        let request =
            request(&[("signature", &cyanite_signature(CYANITE.as_bytes(), signed.as_bytes()))], body.as_bytes());
        let (catalog, keyring) = (&world.catalog, &world.keyring);
        let provider = catalog.get("cyanite").unwrap();
        let verdict = provider.verify(keyring.secrets("cyanite"), &request, None, Receipt::default());
        diagnose_within(
            &case_of(provider, &request, verdict.rejection().unwrap(), catalog, keyring),
            &mut bytes,
            &|| false,
        )
    };
    let spent = 2 << 20;
    assert_eq!(found(BODY, &format!("{BODY}\n"), spent)[0].code, Code::BodyTrailingNewline);
    let large = format!(r#"{{"version":"2","text":"{}"}}"#, "x".repeat(100 << 10));
    let message = &found(&large, "another body", spent)[0].message;
    assert!(
        message.contains(" tried, the rest skipped because earlier requests used up the limit; verify this one alone to try them all): "),
        "{message}"
    );
}

#[test]
fn a_search_that_runs_late_ends_and_says_so() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("signature", &cyanite_signature(b"a wrong secret", BODY.as_bytes()))], BODY.as_bytes());
    let receipt = Receipt::default();
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let case = RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) };
    let asked = Cell::new(0);
    let is_late = || {
        asked.set(asked.get() + 1);
        asked.get() > 20
    };
    let found = diagnose_within(&case, &mut { PER_SEARCH }, &is_late);
    assert_eq!((found.len(), found[0].code, asked.get()), (1, Code::Unexplained, 21));
    assert!(
        found[0].message.contains(" variants tried, the rest skipped for lack of time): most likely "),
        "{}",
        found[0].message
    );
}

#[test]
fn a_request_without_a_signature_is_only_read_in_other_ways() {
    let world = World::usual();
    let provider = world.catalog.get("cyanite").unwrap();
    let request = request(&[("x-cyanite-hmac", "not one")], &b"[1.0, 2.50]".repeat(5000));
    let receipt = Receipt::default();
    let verdict = provider.verify(world.keyring.secrets("cyanite"), &request, None, receipt);
    let rejection = verdict.rejection().unwrap();
    let (catalog, keyring) = (&world.catalog, &world.keyring);
    let case = RejectedRequest { receipt, ..case_of(provider, &request, rejection, catalog, keyring) };
    let mut trials = Trials::new(PER_SEARCH, &|| false);
    assert!(trials.search(&case).is_continue());
    assert!(trials.attempted() <= 256, "{} attempts", trials.attempted());
    assert_eq!(diagnose(&case), []);
}

#[test]
fn many_secrets_and_signatures_stay_within_the_budget() {
    let texts: Vec<String> = (0..3000).map(|number| format!("secret {number}")).collect();
    let world = World::new(&texts.iter().map(|text| ("cyanite", text.as_str())).collect::<Vec<_>>());
    let (wrong, body) = ("00".repeat(64), vec![b'x'; 100_000]);
    let findings = world.findings("cyanite", &request(&[("signature", &wrong)], &body));
    // With all 3,000 secrets, a single variant would cost more than the budget.
    let message = "cause not found (311 variants tried, with 20 of 3000 secrets, the rest skipped because of the body's size): \
                   most likely a different secret or a changed body";
    assert_eq!(findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>(), [message]);
    let header = vec![format!("v1,{}", STANDARD.encode([0; 32])); 65].join(" ");
    assert_eq!(World::usual().codes("aspect", &aspect_request(&header, &TIME.to_string())), [""; 0]);
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let json =
        proptest::collection::vec(("[a-zé]{1,8}", -1000_i64..100_000, "[ -~é]{0,12}"), 1..5).prop_map(|members| {
            let members = members.iter().enumerate();
            let members = members.map(|(i, (key, number, text))| {
                format!("\"{key}{i}\":{number},\"t{i}\":{}", crate::webhook::json::quote(text))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
        });
    prop_oneof![4 => json, 1 => proptest::collection::vec(any::<u8>(), 1..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn unrelated_secrets_and_bodies_stay_unexplained(
        key in "[A-Za-z0-9+/]{32}",
        signed in bodies(),
        received in bodies(),
        provider in 0_usize..3,
    ) {
        let world = World::usual();
        let time = TIME.to_string();
        let (name, request) = match provider {
            0 => {
                let signature = cyanite_signature(key.as_bytes(), &signed);
                ("cyanite", request(&[("signature", &signature)], &received))
            }
            1 => {
                let signature = svix(key.as_bytes(), Algorithm::HmacSha256, &String::from_utf8_lossy(&signed));
                let headers = [("svix-id", "msg_1"), ("svix-timestamp", &time), ("svix-signature", &signature)];
                ("aspect", request(&headers, &received))
            }
            _ => {
                let signature = hex(&mac(Algorithm::HmacSha256, key.as_bytes(), &signed));
                ("jewelmusic", request(&[("x-jewelmusic-signature", &format!("sha256={signature}"))], &received))
            }
        };
        prop_assert_eq!(world.codes(name, &request), ["unexplained"]);
    }

    #[test]
    fn no_finding_contains_a_secret_or_the_expected_signature(
        ours in "[A-Za-z0-9]{12,40}",
        how in 0_usize..6,
    ) {
        let world = World::new(&[("cyanite", &ours), ("jewelmusic", JEWELMUSIC)]);
        let key = match how {
            0 => format!("\"{ours}\""),
            1 => format!("{ours}\n"),
            2 => JEWELMUSIC.to_owned(),
            3 => format!("whsec_{ours}"),
            4 => "hookdev-development-secret-cyanite".to_owned(),
            _ => "unrelated".to_owned(),
        };
        let signature = cyanite_signature(key.as_bytes(), BODY.as_bytes());
        let expected = cyanite_signature(ours.as_bytes(), BODY.as_bytes());
        let findings = world.findings("cyanite", &request(&[("signature", &signature)], BODY.as_bytes()));
        prop_assert!(!findings.is_empty());
        for finding in findings {
            let text = format!("{finding:?}");
            for hidden in [ours.as_str(), JEWELMUSIC, &expected, &expected[..16]] {
                prop_assert!(!text.contains(hidden), "{}", text);
            }
        }
    }
}
