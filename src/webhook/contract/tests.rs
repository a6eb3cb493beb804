//! Which cases a provider has, and that each request is what its case says: the provider's own verification accepts
//! the valid ones and rejects the others for the right reason.

use std::{borrow::Cow, time::Duration};

use super::{
    CaseContext, CaseName, CaseOutcome, CaseRequest, EarlierResults, Expectation, Tamper, cases,
    cause::{self, Observation},
    judge::{Exchange, NoResponse, ResponseFault, judge},
    probes,
    signed_request::OriginalDelivery,
};
use crate::webhook::{
    keyring::{Keyring, SecretSource},
    provider::{
        Provider,
        compose::{AttemptParams, BodySource, SendContext},
        files::ProviderFiles,
    },
    remedy::Remedy,
    request::{Headers, Request},
    signature::SigningSecret,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_735_732_800);

const FIXTURE: &str = r#"{ "type": "made", "n": 12, "price": 7, "who": { "name": "Zoë / Bar", "id": "A9" } }"#;

const SCHEMA: &str = r#"{"$defs":{"made":{"type":"object","required":["type","price","n"],"properties":{
    "type":{"const":"made"},"price":{"type":"number"},"n":{"type":"integer"}}}}}"#;

fn provider(scheme: &str) -> Provider {
    let scheme = if scheme.is_empty() {
        String::new()
    } else {
        format!("[secret]\ndevelopment = 'acme-secret'\n[[scheme]]\nname = 'only'\n{scheme}\n")
    };
    let manifest = format!(
        "name = 'acme'\ntitle = 'Acme'\nabout = 'A test'\n{scheme}[delivery]\nid = 'x{{digits:9}}'\nsuccess = ['2xx']\n\
         [recognise]\nevent = 'type'\n[[event]]\nname = 'made'\nabout = 'An event'\nschema = 'made'\n"
    );
    let files = [("provider.toml", manifest), ("schema.json", SCHEMA.into()), ("events/made.json", FIXTURE.into())];
    let files = files.map(|(path, text)| (Cow::Borrowed(path), Cow::Owned(text)));
    Provider::load(ProviderFiles::new("acme", files.into())).unwrap()
}

const STRIPE: &str = r#"algorithm = "hmac-sha256"
content = "{timestamp}.{body}"
signature = { header = "stripe-signature", value = "t={timestamp},v1={hex}", separator = "," }
timestamp = { unit = "s", tolerance = "5m" }"#;

const SVIX: &str = r#"algorithm = "hmac-sha256"
content = "{id}.{timestamp}.{body}"
signature = { header = "svix-signature", value = "v1,{base64}", separator = " " }
id = { header = "svix-id" }
timestamp = { header = "svix-timestamp", unit = "ms", tolerance = "10s" }"#;

const GITHUB: &str = r#"algorithm = "hmac-sha1"
content = "{body}"
signature = { header = "x-hub-signature", value = "sha1={hex}" }"#;

const BARE: &str = r#"algorithm = "hmac-sha512"
content = "{body}"
signature = { header = "signature", value = "{base64}" }"#;

const TOKEN: &str = r#"algorithm = "token"
content = "{body}"
signature = { header = "x-token", value = "{token}" }"#;

fn secret() -> SigningSecret {
    SigningSecret::parse("acme-secret", &crate::webhook::signature::SecretFormat::default()).unwrap()
}

fn keyring(secrets: &[&str]) -> Keyring {
    let mut keyring = Keyring::default();
    for text in secrets {
        let secret = SigningSecret::parse(text, &crate::webhook::signature::SecretFormat::default()).unwrap();
        keyring.add("acme", secret, SecretSource::Env((*text).to_uppercase()));
    }
    keyring
}

fn context<'a>(provider: &'a Provider, keyring: &'a Keyring, own_headers: &'a Headers) -> CaseContext<'a> {
    CaseContext { provider, now: NOW, entropy: [3; 32], target: "/acme", keyring, own_headers }
}

/// The verdict on each request of a case: its name, or the code of the rejection.
fn verdicts(provider: &Provider, name: CaseName) -> Vec<&'static str> {
    let verdict = |sent: &CaseRequest| {
        let verdict = provider.verify(&[secret()], &sent.request, None, Some(NOW).into());
        verdict.rejection().map_or(verdict.name(), |rejection| rejection.reason.code())
    };
    requests(provider, name).iter().map(verdict).collect()
}

fn requests(provider: &Provider, name: CaseName) -> Vec<CaseRequest> {
    requests_with(provider, &["acme-secret"], name)
}

fn requests_with(provider: &Provider, secrets: &[&str], name: CaseName) -> Vec<CaseRequest> {
    let (keyring, headers) = (keyring(secrets), Headers::new());
    let exemplar = probes(provider)[0];
    let case = cases(provider, exemplar, secrets.len()).into_iter().find(|case| case.name == name).unwrap();
    assert_eq!(case.skipped, None, "{name:?}");
    case.requests(&context(provider, &keyring, &headers)).unwrap()
}

#[test]
fn valid_deliveries_verify_and_forgeries_are_rejected_for_the_right_reason() {
    let (no_match, malformed) = ("no-matching-signature", "malformed-header");
    for scheme in [STRIPE, SVIX, GITHUB, BARE] {
        let provider = provider(scheme);
        assert_eq!(verdicts(&provider, CaseName::EventAccepted), ["verified"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyReserialised), ["verified"; 7], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::DeliveryDuplicated), ["verified"; 2], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::EventUnknown), ["verified"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::Burst), ["verified"; 20], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyTampered), [no_match], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::SecretWrong), [no_match], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::SignatureMissing), ["missing-header"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::SignatureTruncated), [no_match], "{scheme}");
        let empty = verdicts(&provider, CaseName::SignatureEmpty);
        assert_eq!(empty, if scheme == BARE { vec![malformed] } else { vec![malformed; 2] }, "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::SignatureGarbage), [malformed; 3], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyUnicode), ["verified"; 3], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyLarge), ["verified"; 3], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyEmptyValues), ["verified"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyMalformed), ["missing-header"; 4], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::BodyChunked), ["verified"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::HeaderCase), ["verified"], "{scheme}");
    }
    assert_eq!(verdicts(&provider(SVIX), CaseName::HeaderMissing), ["missing-header"; 2]);
    for scheme in [STRIPE, SVIX] {
        let provider = provider(scheme);
        assert_eq!(verdicts(&provider, CaseName::TimestampStale), ["timestamp-too-old"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::TimestampFuture), ["timestamp-too-new"], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::TimestampGarbage), [malformed; 3], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::SignatureRotated), ["verified"; 2], "{scheme}");
        assert_eq!(verdicts(&provider, CaseName::VersionUnknown), ["verified"; 2], "{scheme}");
    }
}

#[test]
fn a_case_that_does_not_apply_is_skipped_with_the_reason() {
    let skipped = |scheme: &str| -> Vec<(&'static str, String)> {
        let provider = provider(scheme);
        let cases = cases(&provider, probes(&provider)[0], 1);
        cases.into_iter().filter_map(|case| Some((case.name.as_str(), case.skipped?))).collect()
    };
    assert_eq!(skipped(SVIX), []);
    let headers = ("header-missing", "Acme signs no header besides the one with the signature".to_owned());
    assert_eq!(skipped(STRIPE), vec![headers.clone()]);
    let replayed =
        "Acme does not sign a timestamp: a replayed delivery can't be distinguished from a new one".to_owned();
    let single = "Acme sends one signature: give both secrets to check that the handler tries both".to_owned();
    let versions = "Acme's signatures have no versions".to_owned();
    let unprotected = [
        headers,
        ("timestamp-garbage", replayed.clone()),
        ("timestamp-stale", replayed.clone()),
        ("timestamp-future", replayed),
        ("signature-rotated", single),
        ("version-unknown", versions),
    ];
    assert_eq!(skipped(GITHUB), unprotected);
    let body = "Acme does not sign the body: a changed one can't be distinguished from the original".to_owned();
    let token = [("body-reserialised", "Acme does not sign the body".to_owned()), ("body-tampered", body)];
    assert_eq!(skipped(TOKEN), [&token[..], &unprotected].concat());
    assert_eq!(skipped("").len(), 14);
}

#[test]
fn a_time_without_a_limit_is_not_forged() {
    let skipped = |tolerance: &str| -> Vec<(&'static str, String)> {
        let mut provider = provider(STRIPE);
        let rule = provider.schemes[0].timestamp.as_mut().unwrap();
        match tolerance {
            "future" => rule.tolerance.future = Duration::MAX,
            _ => rule.tolerance.past = Duration::MAX,
        }
        let cases = cases(&provider, probes(&provider)[0], 1);
        cases.into_iter().filter_map(|case| Some((case.name.as_str(), case.skipped?))).skip(1).collect()
    };
    let future = "Acme lets handlers accept any timestamp in the future".to_owned();
    assert_eq!(skipped("future"), [("timestamp-future", future)]);
    let past = "Acme lets handlers accept deliveries of any age".to_owned();
    assert_eq!(skipped("past"), [("timestamp-garbage", past.clone()), ("timestamp-stale", past)]);
    // A number beyond every calendar is a time in the future.
    let mut provider = provider(STRIPE);
    provider.schemes[0].timestamp.as_mut().unwrap().tolerance.future = Duration::MAX;
    assert_eq!(verdicts(&provider, CaseName::TimestampGarbage), ["malformed-header"; 2]);
}

#[test]
fn with_several_secrets_each_signs_one_delivery() {
    let secrets = ["acme-secret", "acme-next"];
    for (scheme, more) in [(GITHUB, 0), (STRIPE, 2)] {
        let provider = provider(scheme);
        let sent = requests_with(&provider, &secrets, CaseName::SignatureRotated);
        assert_eq!(sent.len(), 2 + more, "{scheme}");
        for (sent, text) in sent.iter().zip(secrets) {
            let secret = SigningSecret::parse(text, &crate::webhook::signature::SecretFormat::default()).unwrap();
            assert_eq!(provider.verify(&[secret], &sent.request, None, Some(NOW).into()).name(), "verified", "{text}");
        }
        let variations: Vec<&str> = sent.iter().take(2).filter_map(|sent| sent.variation.as_deref()).collect();
        let expected = ["signed with secret 1 of 2 (env:ACME-SECRET)", "signed with secret 2 of 2 (env:ACME-NEXT)"];
        assert_eq!(variations, expected);
    }
}

#[test]
fn large_bodies_are_as_large_as_the_provider_sends() {
    let lengths = |provider: &Provider| -> Vec<usize> {
        requests(provider, CaseName::BodyLarge).iter().map(|sent| sent.request.body.len()).collect()
    };
    let mut provider = provider(GITHUB);
    assert_eq!(lengths(&provider), [65_536, 262_144, 1_048_576]);
    provider.delivery.max_body = Some(131_072);
    assert_eq!(lengths(&provider), [65_536, 131_072]);
    provider.delivery.max_body = Some(10_000);
    assert_eq!(lengths(&provider), [10_000]);
    provider.delivery.max_body = Some(26_214_400);
    assert_eq!(lengths(&provider), [65_536, 262_144, 1_048_576]);
}

#[test]
fn unicode_is_sent_as_utf_8() {
    let bodies: Vec<String> = requests(&provider(GITHUB), CaseName::BodyUnicode)
        .into_iter()
        .map(|sent| String::from_utf8(sent.request.body.to_vec()).unwrap())
        .collect();
    for (body, text) in bodies.iter().zip(["Zo\u{eb}", "\u{6771}\u{4eac}", "\u{1f3b5}"]) {
        assert!(body.contains(text), "{body}");
    }
}

#[test]
fn every_serialisation_means_the_same() {
    let provider = provider(GITHUB);
    let original: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
    let sent = requests(&provider, CaseName::BodyReserialised);
    let texts: Vec<&str> = sent.iter().map(|sent| std::str::from_utf8(&sent.request.body).unwrap()).collect();
    let expected = [
        r#"{"type": "made", "n": 12, "price": 7, "who": {"name": "Zoë / Bar", "id": "A9"}}"#,
        "{\n\t\"who\" : {\n\t\t\"id\" : \"A9\",\n\t\t\"name\" : \"Zoë / Bar\"\n\t},\n\t\"price\" : 7,\n\t\"n\" : 12,\n\t\"type\" : \"made\"\n}",
        r#"{"who":{"id":"A9","name":"Zoë / Bar"},"price":7,"n":12,"type":"made"}"#,
        r#"{"\u0074ype":"\u006dade","\u006e":12,"\u0070rice":7,"\u0077ho":{"\u006eame":"\u005aoë \/ Bar","\u0069d":"\u00419"}}"#,
        r#"{"type":"made","n":12,"price":7,"who":{"name":"Zo\u00eb / Bar","id":"A9"}}"#,
        // The schema allows a fraction for the price only.
        r#"{"type":"made","n":12,"price":7.0,"who":{"name":"Zoë / Bar","id":"A9"}}"#,
        " {\"type\":\"made\",\"n\":12,\"price\":7,\"who\":{\"name\":\"Zoë / Bar\",\"id\":\"A9\"}}\n",
    ];
    assert_eq!(texts, expected);
    for text in texts[..5].iter().chain(&texts[6..]) {
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), original, "{text}");
    }
}

#[test]
fn every_delivery_but_a_duplicate_has_its_own_id() {
    let provider = provider(SVIX);
    let ids = |name| {
        let mut ids: Vec<String> = requests(&provider, name)
            .iter()
            .map(|sent| sent.request.headers.text("svix-id").unwrap().into_owned())
            .collect();
        ids.sort();
        ids.dedup();
        ids.len()
    };
    assert_eq!(ids(CaseName::Burst), 20);
    assert_eq!(ids(CaseName::SignatureRotated), 2);
    assert_eq!(ids(CaseName::BodyReserialised), requests(&provider, CaseName::BodyReserialised).len());
    assert_eq!(ids(CaseName::DeliveryDuplicated), 1);
}

fn tampered(scheme: &str, tamper: Tamper, body: &'static [u8]) -> (Request, Request) {
    let (provider, secret, headers) = (provider(scheme), secret(), Headers::new());
    let moment = SendContext { now: NOW, id: Some("x1".into()), entropy: [0; 32] };
    let bytes = body.into();
    let draft = provider.draft(&provider.events[0], BodySource::Bytes(&bytes), &moment).unwrap();
    let attempt = AttemptParams {
        encoding: &provider.delivery.encodings[0],
        target: "/",
        now: NOW,
        secret: Some(&secret),
        sent_along: &[],
        own_headers: &headers,
    };
    let good = provider.request(&draft, &attempt);
    (good, tamper.request(&OriginalDelivery { provider: &provider, draft: &draft, attempt }).unwrap())
}

#[test]
fn a_tampered_body_stays_as_valid_as_possible() {
    let changed = |body| tampered(GITHUB, Tamper::Body, body).1.body;
    assert_eq!(changed(br#"{"type":"made","n":12,"price":9}"#), r#"{"type":"made","n":12,"price":0}"#);
    // The constant and the keys stay.
    assert_eq!(changed(br#"{"n":19,"price":7,"type":"made"}"#), r#"{"n":19,"price":8,"type":"made"}"#);
    assert_eq!(changed(br#"{"type":"other"}"#), r#"{"type":"othes"}"#);
    assert_eq!(changed(b"no JSON, z"), "no JSON, a");
    assert_eq!(changed(b"{}"), "{} ");
    assert_eq!(changed(b""), " ");
}

#[test]
fn a_tampered_signature_keeps_its_format() {
    let header = |request: &Request, name: &str| request.headers.text(name).unwrap().into_owned();
    for (scheme, name, tag) in [(STRIPE, "stripe-signature", "t=1735732800,v1="), (GITHUB, "x-hub-signature", "sha1=")]
    {
        let (good, bad) = tampered(scheme, Tamper::Signature, b"{}");
        let (good, bad) = (header(&good, name), header(&bad, name));
        assert!(good.starts_with(tag) && bad.starts_with(tag), "{good} {bad}");
        assert_eq!(good.len(), bad.len());
        assert_eq!(good.bytes().zip(bad.bytes()).filter(|(a, b)| a != b).count(), 1, "{good} {bad}");
    }
    let (_, bad) = tampered(TOKEN, Tamper::Signature, b"{}");
    assert_eq!(header(&bad, "x-token"), "bcme-secret");
}

#[test]
fn a_response_is_judged_by_the_expectation() {
    let after = |status, millis| Exchange {
        response: Ok(status),
        excerpt: None,
        clue: None,
        proxy: None,
        elapsed: Duration::from_millis(millis),
        handshake: None,
    };
    let mut policy = provider(GITHUB).delivery;
    policy.timeout = Some(Duration::from_secs(3));
    let judged = |expectation, status| judge(expectation, &policy, &after(status, 1));
    assert_eq!(judged(Expectation::Accepted, 204), Ok(()));
    assert_eq!(judged(Expectation::Accepted, 302), Err(ResponseFault::Redirect(302)));
    assert_eq!(judged(Expectation::Accepted, 401), Err(ResponseFault::Rejected(401)));
    assert_eq!(judged(Expectation::Accepted, 503), Err(ResponseFault::Crashed(503)));
    assert_eq!(judge(Expectation::Accepted, &policy, &after(200, 3001)), Err(ResponseFault::Late(200)));
    assert_eq!(judge(Expectation::Accepted, &policy, &after(200, 3000)), Ok(()));
    for status in [400, 401, 403, 415, 422, 499] {
        assert_eq!(judged(Expectation::Rejected, status), Ok(()), "{status}");
    }
    for status in [404, 405, 410, 413, 429] {
        assert_eq!(judged(Expectation::Rejected, status), Err(ResponseFault::NotRejected(status)), "{status}");
    }
    assert_eq!(judged(Expectation::Rejected, 200), Err(ResponseFault::ForgeryAccepted(200)));
    assert_eq!(judged(Expectation::Rejected, 301), Err(ResponseFault::Redirect(301)));
    assert_eq!(judged(Expectation::Rejected, 500), Err(ResponseFault::Crashed(500)));
    for status in [200, 302, 404, 422] {
        assert_eq!(judged(Expectation::Survived, status), Ok(()), "{status}");
    }
    assert_eq!(judged(Expectation::Survived, 500), Err(ResponseFault::Crashed(500)));
    let (response, elapsed) = (Err(NoResponse::TimedOut), Duration::ZERO);
    let silent = Exchange { response, excerpt: None, clue: None, proxy: None, elapsed, handshake: None };
    for expectation in [Expectation::Accepted, Expectation::Rejected, Expectation::Survived] {
        assert_eq!(judge(expectation, &policy, &silent), Err(ResponseFault::NoResponse(NoResponse::TimedOut)));
    }
}

#[test]
fn the_expectation_in_words() {
    let mut provider = provider(GITHUB);
    provider.delivery.success = ["200", "3xx"].map(|text| text.to_owned().try_into().unwrap()).into();
    provider.delivery.timeout = Some(Duration::from_millis(300));
    let exemplar = probes(&provider)[0];
    let words: Vec<String> =
        cases(&provider, exemplar, 1).iter().map(|case| case.record(&provider)).map(|record| record.expected).collect();
    assert_eq!(words[0], "200 or 3xx within 300 ms");
    assert_eq!(words[5], "4xx");
    assert_eq!(words[words.len() - 4], "no 5xx within 300 ms");
    assert_eq!(CaseOutcome::Passed.name(), "passed");
}

#[test]
fn the_cause_of_a_failure_takes_earlier_cases_into_account() {
    let provider = provider(STRIPE);
    let cases = cases(&provider, probes(&provider)[0], 1);
    let case = |name| cases.iter().find(|case| case.name == name).unwrap();
    let explained = |name, fault: &ResponseFault, history: &EarlierResults| {
        let timeout = Duration::from_secs(30);
        let observation = Observation {
            provider: &provider,
            fault,
            variation: None,
            passed_before: None,
            clue: None,
            elapsed: Duration::from_millis(1),
            timeout,
        };
        let explanation = cause::explain(case(name), &observation, history);
        (explanation.message, explanation.remedy.unwrap())
    };
    let accepted = ResponseFault::ForgeryAccepted(200);
    let mut verifies = EarlierResults::default();
    verifies.add(CaseName::SecretWrong, None, None);
    let mut never = EarlierResults::default();
    never.add(CaseName::SecretWrong, Some(accepted.clone()), None);
    never.add(CaseName::BodyTampered, Some(accepted.clone()), None);
    assert_eq!(
        explained(CaseName::SignatureMissing, &accepted, &verifies),
        (
            "accepted (200) although it has no signature".to_owned(),
            Remedy::advice(
                "the handler verifies only if there is a signature, as `if (signature && !valid)` does: reject \
                 deliveries without `stripe-signature`"
            )
        )
    );
    assert_eq!(
        explained(CaseName::TimestampStale, &accepted, &never).1,
        Remedy::advice(
            "the handler never verifies the signature: anyone who knows its URL can send it anything. Verify \
             HMAC-SHA256 of {timestamp}.{body} in `stripe-signature` over the raw body before anything else, and \
             respond 401 if it does not match. If it does verify, it responds before it knows the result, or ignores \
             it: respond after verifying; await the result, because a promise or a coroutine is always truthy; return or raise \
             after a mismatch; and don't continue after a catch or an except"
        )
    );
    // One that compares the beginning alone accepts an empty signature for the same reason.
    let mut beginning = verifies.clone();
    beginning.add(CaseName::SignatureMissing, None, None);
    beginning.add(CaseName::SignatureTruncated, Some(accepted.clone()), None);
    let Remedy::Advice(advice) = explained(CaseName::SignatureEmpty, &accepted, &beginning).1 else { panic!() };
    assert!(advice.starts_with("the handler compares only a part of the signature"), "{advice}");
    let Remedy::Advice(advice) = explained(CaseName::SignatureEmpty, &accepted, &verifies).1 else { panic!() };
    assert!(advice.starts_with("the handler verifies only if there is a signature"), "{advice}");
    // One that accepts a missing signature doesn't crash for lack of it.
    let mut lenient = EarlierResults::default();
    lenient.add(CaseName::SignatureMissing, Some(accepted.clone()), None);
    let Remedy::Advice(advice) = explained(CaseName::BodyMalformed, &ResponseFault::Crashed(500), &lenient).1 else {
        panic!()
    };
    assert!(advice.starts_with("verify the signature before you parse the body"), "{advice}");
    verifies.add(CaseName::TimestampStale, None, None);
    assert_eq!(
        explained(CaseName::TimestampFuture, &accepted, &verifies).1,
        Remedy::advice(
            "the handler rejects old deliveries but none from the future: compare the timestamp with the clock in \
             both directions, as Math.abs(now - timestamp) and abs(now - timestamp) do, and reject deliveries that are \
             more than 5 min ahead"
        )
    );
    assert_eq!(
        explained(CaseName::EventUnknown, &ResponseFault::Crashed(500), &verifies),
        (
            "500: the handler failed on an unknown event type".to_owned(),
            Remedy::advice(
                "respond 200 to events that you do not handle: new types arrive without notice, and a default \
                 branch is enough"
            )
        )
    );
}

#[test]
fn a_forgery_that_send_makes_is_rejected_by_a_4xx_alone() {
    let objection = |status| cause::objection_to(Tamper::Body, "Acme", status);
    assert_eq!(objection(401), None);
    assert_eq!(
        objection(404).unwrap(),
        "404 means that nothing is served at this URL; it does not show that the signature was checked (the body was changed after signing)"
    );
    assert_eq!(objection(200).unwrap(), "accepted (200) although the body was changed after signing");
    assert_eq!(
        objection(302).unwrap(),
        "redirected (302) instead of rejected, although the body was changed after signing; Acme doesn't follow redirects"
    );
    assert_eq!(
        objection(500).unwrap(),
        "failed (500) instead of rejecting the request with a 4xx: the body was changed after signing"
    );
}
