//! Findings: each is a proof. The claims of a finding about the signed body and the received one are true, and a change
//! without a cause is not explained.

use std::sync::LazyLock;

use bytes::Bytes;
use hookdev::webhook::{
    diagnose::{Clock, Code, Finding, RejectedRequest, diagnose},
    keyring::{Keyring, SecretSource},
    provider::{Provider, catalog::Catalog},
    request::{Headers, Method, Request},
    signature::{SigningSecret, Verdict},
    time::Timestamp,
};

use super::Input;

const TIME: i64 = 1_735_732_800;

/// Longer bodies make the search slow and nothing new.
const LONGEST: usize = 2 << 10;

struct World {
    catalog: Catalog,
    keyring: Keyring,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (catalog, mut keyring) = (Catalog::builtin(), Keyring::default());
    for provider in catalog.providers() {
        if let Some(rule) = &provider.secret {
            let secret = SigningSecret::parse(&rule.development, &rule.format).expect("a development secret");
            keyring.add(&provider.name, secret, SecretSource::Flag);
        }
    }
    World { catalog, keyring }
});

/// A body, a provider, and what happened to the body between its signature and its receipt.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let signing: Vec<_> = WORLD.catalog.providers().filter(|provider| signs_bytes(provider)).collect();
    let provider = signing[input.choice(signing.len())];
    let change = input.choice(6);
    let place = input.choice(256);
    let body = input.rest();
    let body = &body[..body.len().min(LONGEST)];
    let received = match change {
        0 => [body, b"\n"].concat(),
        1 => [b"\xef\xbb\xbf", body].concat(),
        2 => body.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] }).collect(),
        3 => body[..body.len().saturating_sub(place)].to_vec(),
        4 => match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) => value.to_string().into_bytes(),
            Err(_) => return,
        },
        _ => body.iter().enumerate().map(|(at, &byte)| if at == place { byte ^ 1 } else { byte }).collect(),
    };
    let own = WORLD.keyring.secrets(&provider.name);
    let findings = findings(provider, &own[0], body, &received);
    // If there are several, none of them is the whole cause.
    if let [finding] = findings.as_slice() {
        holds(finding.code, body, &received);
    }
    if change == 0 && !findings.is_empty() {
        assert_eq!(findings[0].code, Code::BodyTrailingNewline, "{findings:?}");
    }
    // An unknown secret explains nothing, regardless of the bodies.
    let unknown = super::secret(provider, &provider.schemes[0], "unknown");
    for finding in self::findings(provider, &unknown, body, &received) {
        assert!(!finding.code.is_proof(), "{finding:?}");
    }
}

/// Whether a provider signs the body's bytes, whatever they are: no value of the payload is part of its scheme.
fn signs_bytes(provider: &Provider) -> bool {
    provider.schemes.first().is_some_and(|scheme| scheme.signs_body() && !scheme.needs_payload())
}

/// The findings for a body that was signed as another one; empty if it is genuine nevertheless.
fn findings(provider: &Provider, secret: &SigningSecret, signed: &[u8], received: &[u8]) -> Vec<Finding> {
    let time = Timestamp::from_unix_seconds(TIME);
    let body = Bytes::copy_from_slice(signed);
    let mut request = Request { method: Method::POST, target: "/".to_owned(), headers: Headers::new(), body };
    assert!(provider.schemes[0].sign_request(secret, &mut request, "msg_1", time), "a secret signs");
    request.body = Bytes::copy_from_slice(received);
    let secrets = WORLD.keyring.secrets(&provider.name);
    let Verdict::Rejected(rejection) = provider.verify(secrets, &request, None, Some(time).into()) else {
        assert_eq!(signed, received, "another body is taken");
        return Vec::new();
    };
    diagnose(&RejectedRequest {
        provider,
        request: &request,
        rejection: &rejection,
        receipt: Some(time).into(),
        clock: Clock::Live,
        catalog: &WORLD.catalog,
        keyring: &WORLD.keyring,
    })
}

/// Checks the claims of a finding.
#[track_caller]
fn holds(code: Code, signed: &[u8], received: &[u8]) {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let bare = |body: &[u8]| body.strip_prefix(BOM).unwrap_or(body).to_vec();
    let lines = |body: &[u8]| body.iter().copied().filter(|&byte| !matches!(byte, b'\r' | b'\n')).collect::<Vec<_>>();
    let claim = match code {
        Code::BodyTrailingNewline => signed.trim_ascii_end() == received.trim_ascii_end(),
        Code::BodyBom => bare(signed) == bare(received),
        Code::BodyLineEndings => {
            lines(signed) == lines(received) || lines(signed).trim_ascii_end() == lines(received).trim_ascii_end()
        }
        Code::BodyTruncated => signed.starts_with(received) || received.starts_with(signed),
        // Serialisers differ in what they make of numbers beyond a double, and of half a surrogate
        // pair: that the text means JSON on both sides is what is known here.
        Code::BodyReserialised => {
            is_structured(signed) && is_structured(received)
                || is_quoted(signed, received)
                || is_quoted(received, signed)
        }
        // What surrounds or escapes the signed bytes takes forms of its own.
        Code::BodyInside | Code::BodyFraming | Code::BodyLogged => signed != received,
        Code::BodyReencoded => true,
        Code::WrongSignedContent => signed.is_empty(),
        // What is only seen claims nothing.
        code if !code.is_proof() => true,
        _ => false,
    };
    let text = |body| String::from_utf8_lossy(body).into_owned();
    assert!(claim, "{code:?} of {:?}, received as {:?}", text(signed), text(received));
}

/// Whether one is the other as a JSON string.
fn is_quoted(one: &[u8], other: &[u8]) -> bool {
    serde_json::from_slice::<String>(one).is_ok_and(|text| text.as_bytes() == other)
}

/// JSON, or something that may be a form.
fn is_structured(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body.trim_ascii()).is_ok() || body.contains(&b'=')
}
