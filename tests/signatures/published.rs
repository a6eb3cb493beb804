//! Requests published by providers and their libraries.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

const GITHUB: &str = r#"
[[scheme]]
name = "github"
algorithm = "hmac-sha256"
content = "{body}"
signature = { header = "x-hub-signature-256", value = "sha256={hex}" }
"#;

const SLACK: &str = r#"
[[scheme]]
name = "slack"
algorithm = "hmac-sha256"
content = "v0:{timestamp}:{body}"
signature = { header = "x-slack-signature", value = "v0={hex}" }
timestamp = { header = "x-slack-request-timestamp", tolerance = "5m" }
"#;

#[derive(Deserialize)]
struct PublishedFile {
    count: usize,
    vectors: Vec<Published>,
}

#[derive(Deserialize)]
pub struct Published {
    pub id: String,
    pub secret: String,
    pub headers: BTreeMap<String, String>,
    pub at: Option<i64>,
    pub body: String,
}

/// Every published request with the provider to verify it.
pub fn vectors() -> Vec<(Published, Provider)> {
    let file: PublishedFile = serde_json::from_str(include_str!("../vectors/signatures.json")).expect("vectors");
    assert_eq!((file.vectors.len(), file.count), (4, 4));
    let with_provider = |vector: Published| {
        let provider = match vector.id.as_str() {
            "svix-js" | "svix-rust" => svix(),
            "github" => signing(TEXT_SECRET, GITHUB),
            "slack" => signing(TEXT_SECRET, SLACK),
            other => panic!("a published vector that no scheme is written for: {other}"),
        };
        (vector, provider)
    };
    file.vectors.into_iter().map(with_provider).collect()
}

impl Published {
    pub fn request(&self) -> Request {
        carrying(self.headers.iter().map(|(name, text)| field(name, text)), self.body.clone())
    }
}

#[test]
fn published_requests_verify_when_they_were_sent() {
    for (vector, provider) in vectors() {
        let scheme = &provider.schemes[0].name;
        let secrets = secrets(&provider, &[&vector.secret]);
        let freshness = if vector.at.is_some() { Freshness::Fresh(age(0)) } else { Freshness::NoTimestamp };
        let verdict = judge(&provider, &secrets, &vector.request(), at(vector.at));
        assert_eq!(verdict, verified(scheme, 0, freshness), "{}", vector.id);
    }
}

#[test]
fn signing_gives_the_published_headers() {
    for (vector, provider) in vectors() {
        let secrets = secrets(&provider, &[&vector.secret]);
        let unsigned = carrying([], vector.body.clone());
        let message = SigningInput {
            request: &unsigned,
            id: vector.headers.get("svix-id").map_or("", String::as_str),
            time: Timestamp::from_unix_seconds(vector.at.unwrap_or(0)),
            url: None,
        };
        let signed = fields(provider.schemes[0].sign(&secrets[0], &message).expect("a secret signs"));
        let signed: BTreeMap<_, _> = signed.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let lower: BTreeMap<_, _> = vector.headers.iter().map(|(name, text)| (name.to_lowercase(), text)).collect();
        let expected: BTreeMap<_, _> = lower.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        assert_eq!(signed, expected, "{}", vector.id);
    }
}
