//! Of a provider's schemes, one may cover less of a request than another: a genuine delivery of either must not verify
//! with another body, whatever the body is called.

use std::{collections::BTreeSet, path::Path};

use hookdev::{store::providers, webhook::request};
use http::header::CONTENT_TYPE;

use super::*;

const BODIES: [&str; 6] = ["", "=", "&=", "{}", "x", "a=1"];

const TYPES: [Option<&str>; 4] = [
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=b"),
];

/// The request with each of the other bodies, as each type.
fn others(genuine: &Request) -> impl Iterator<Item = Request> {
    let bodies = BODIES.into_iter().filter(|body| body.as_bytes() != genuine.body);
    bodies.flat_map(move |body| {
        TYPES.map(|media| {
            let mut other = Request { body: body.into(), ..genuine.clone() };
            other.headers.remove("content-type");
            if let Some(media) = media {
                other.headers.set(&CONTENT_TYPE, request::value(media).expect("a value"));
            }
            other
        })
    })
}

fn shipped(folder: &str) -> Vec<Provider> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    providers::read(&fixtures.join(folder)).expect("fixtures")
}

#[test]
fn another_body_does_not_verify_under_another_scheme() {
    let mut tried = BTreeSet::new();
    for provider in shipped("").into_iter().filter(|one| one.schemes.len() > 1) {
        for vector in vectors::of(&provider).iter().filter(|vector| vector.verdict == "verified") {
            let name = vector.scheme.as_deref().expect("a scheme");
            let scheme = provider.schemes.iter().find(|scheme| &*scheme.name == name).expect("the scheme");
            // A token covers nothing.
            if !scheme.algorithm.covers_content() {
                continue;
            }
            let secrets = vector.secrets.iter().map(|text| provider.parse_secret(text).expect("a secret"));
            let secrets: Vec<SigningSecret> = secrets.collect();
            let genuine = vector.request();
            // The URL that the provider called.
            let url = Some(&*genuine.target).filter(|target| target.contains("://"));
            let verdict = |request: &Request| judge(&provider, &secrets, request, Receipt { url, ..at(vector.at) });
            assert!(matches!(verdict(&genuine), Verdict::Verified(_)), "{} {}", provider.name, vector.id);
            for other in others(&genuine) {
                let verdict = verdict(&other);
                assert!(
                    matches!(verdict, Verdict::Rejected(_)),
                    "{} {}: {other:?}: {verdict:?}",
                    provider.name,
                    vector.id
                );
            }
            tried.insert(format!("{} {name}", provider.name));
        }
    }
    let expected = [
        "agora v1",
        "agora v2",
        "cloudinary sha1",
        "cloudinary sha256",
        "gitlab standard-webhooks",
        "hubspot v1",
        "hubspot v2",
        "hubspot v3",
        "jewelmusic sdk",
        "jewelmusic sha256",
        "transloadit sha1",
        "transloadit sha384",
        "twilio body-sha256",
        "twilio sha1",
    ];
    assert_eq!(tried.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

const OF_FORM: &str = r#"
[[scheme]]
name = "form"
algorithm = "hmac-sha1"
content = "{url}{form:sorted}"
signature = { header = "x-twilio-signature", value = "{base64}" }
"#;

const OF_HASH: &str = r#"
[[scheme]]
name = "hash"
algorithm = "hmac-sha1"
content = "{url}"
signature = { header = "x-twilio-signature", value = "{base64}" }
claims = { "query:bodySHA256" = "{sha256:body}" }
"#;

#[test]
fn a_false_claim_rejects_in_either_order_of_the_schemes() {
    let twilio = shipped("twilio").remove(0);
    let vectors = vectors::of(&twilio);
    let request = |id| vectors.iter().find(|vector| vector.id == id).expect("a vector").request();
    let claim = Claim::Place("the query parameter `bodySHA256`".to_owned());
    for schemes in [[OF_FORM, OF_HASH], [OF_HASH, OF_FORM]] {
        let provider = signing(TEXT_SECRET, &schemes.concat());
        let secrets = secrets(&provider, &["12345"]);
        let verdict = |id| {
            let request = request(id);
            judge(&provider, &secrets, &request, Receipt { url: Some(&request.target), ..at(None) })
        };
        assert_eq!(verdict("published-json"), verified("hash", 0, Freshness::NoTimestamp));
        assert_eq!(verdict("published-twilio-form"), verified("form", 0, Freshness::NoTimestamp));
        for id in ["published-json-changed", "published-json-emptied", "published-json-empty-field"] {
            assert_eq!(verdict(id), rejected("hash", Reason::ClaimMismatch { claim: claim.clone() }), "{id}");
        }
    }
}

#[test]
fn a_form_of_empty_fields_is_not_covered() {
    let provider = signing(TEXT_SECRET, OF_FORM);
    // What the signature of the URL alone is, by Python's hmac.
    let signature = "K1DILKTriWA/w0ndtza/642Zhuw=";
    let secrets = secrets(&provider, &["12345"]);
    for body in ["=", "&", "=&="] {
        let fields = [
            ("host", "mycompany.com"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature),
        ];
        let reason = Reason::NotInBody { place: "the fields of a URL-encoded form".to_owned() };
        assert_eq!(judge(&provider, &secrets, &post(&fields, body), at(None)), rejected("form", reason), "{body}");
    }
}
