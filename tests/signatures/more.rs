//! Requests published by providers whose schemes need more than an HMAC of the body in a header. Each verifies through
//! a manifest, and not with another body, secret or URL.

use std::collections::BTreeMap;

use hookdev::webhook::{
    place::{self, Place},
    provider::Provider,
    signature::Receipt,
};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct PublishedFile {
    count: usize,
    vectors: Vec<Published>,
}

#[derive(Deserialize)]
struct Published {
    id: String,
    secret: Option<String>,
    public_key: Option<String>,
    headers: BTreeMap<String, String>,
    at: Option<i64>,
    body: String,
    url: Option<String>,
}

/// The lines of `[secret]` for a secret that is a text.
const TEXT: &str = "development = 'hookdev-development'";

/// The lines of `[secret]` and those of `[[scheme]]` that a vector needs.
fn manifest(id: &str) -> (&'static str, &'static str) {
    const SHARED: &str = "encoding = 'base64'\nprefix = 'whsec_'\ndevelopment = 'whsec_aG9va2Rldg=='";
    let hmac = |rest| (TEXT, rest);
    match id {
        "openai" => (
            SHARED,
            "algorithm = 'hmac-sha256'\ncontent = '{id}.{timestamp}.{body}'\nid = { header = 'webhook-id' }\n\
             signature = { header = 'webhook-signature', value = 'v1,{base64}', separator = ' ' }\n\
             timestamp = { header = 'webhook-timestamp', tolerance = '5m' }",
        ),
        "paddle" | "paddle-two-and-unknown" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{timestamp}:{body}'\n\
             signature = { header = 'paddle-signature', value = 'ts={timestamp};h1={hex}', separator = ';' }\n\
             timestamp = { tolerance = { past = '5s', future = 'any' } }",
        ),
        "circleci-1" | "circleci-2" | "circleci-3" | "circleci-4" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\n\
             signature = { header = 'circleci-signature', value = 'v1={hex}', separator = ',' }",
        ),
        "agora-v2" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'agora-signature-v2', value = '{hex}' }",
        ),
        "agora-v1" => hmac(
            "algorithm = 'hmac-sha1'\ncontent = '{body}'\nsignature = { header = 'agora-signature', value = '{hex}' }",
        ),
        "coinbase-commerce" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\n\
             signature = { header = 'x-cc-webhook-signature', value = '{hex}' }",
        ),
        "box-primary" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}{timestamp}'\n\
             signature = { header = 'box-signature-primary', value = '{base64}' }\n\
             timestamp = { header = 'box-delivery-timestamp', unit = 'rfc3339', tolerance = '10m' }",
        ),
        "box-secondary" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}{timestamp}'\n\
             signature = { header = 'box-signature-secondary', value = '{base64}' }\n\
             timestamp = { header = 'box-delivery-timestamp', unit = 'rfc3339', tolerance = '10m' }",
        ),
        "square" | "square-angle-brackets" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{url}{body}'\n\
             signature = { header = 'x-square-hmacsha256-signature', value = '{base64}' }",
        ),
        "hubspot-v1" => hmac(
            "algorithm = 'sha256'\ncontent = '{secret}{body}'\nsignature = { header = 'x-hubspot-signature', value = '{hex}' }",
        ),
        "hubspot-v2" => hmac(
            "algorithm = 'sha256'\ncontent = '{secret}{method}{url}{body}'\n\
             signature = { header = 'x-hubspot-signature', value = '{hex}' }",
        ),
        "twilio-form" => hmac(
            "algorithm = 'hmac-sha1'\ncontent = '{url}{form:sorted}'\n\
             signature = { header = 'x-twilio-signature', value = '{base64}' }",
        ),
        "twilio-json-bodysha256" => hmac(
            "algorithm = 'hmac-sha1'\ncontent = '{url}'\nsignature = { header = 'x-twilio-signature', value = '{base64}' }",
        ),
        other => further_manifest(other),
    }
}

/// The same for the rest of the vectors.
fn further_manifest(id: &str) -> (&'static str, &'static str) {
    let hmac = |rest| (TEXT, rest);
    match id {
        "retell" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}{timestamp}'\n\
             signature = { header = 'x-retell-signature', value = 'v={timestamp},d={hex}', separator = ',' }\n\
             timestamp = { unit = 'ms', tolerance = '5m' }",
        ),
        "sanity" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{timestamp}.{body}'\n\
             signature = { header = 'sanity-webhook-signature', value = 't={timestamp},v1={base64url}', separator = ',' }\n\
             timestamp = { unit = 'ms', tolerance = '5m' }",
        ),
        "razorpay" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'x-razorpay-signature', value = '{hex}' }",
        ),
        "gocardless" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'webhook-signature', value = '{hex}' }",
        ),
        "atlassian" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'x-hub-signature', value = 'sha256={hex}' }",
        ),
        "adyen-payment" => (
            "encoding = 'hex'\ndevelopment = '00ff'",
            "algorithm = 'hmac-sha256'\n\
             content = '{body:notificationItems.0.NotificationRequestItem.pspReference}:{body:notificationItems.0.NotificationRequestItem.originalReference}:{body:notificationItems.0.NotificationRequestItem.merchantAccountCode}:{body:notificationItems.0.NotificationRequestItem.merchantReference}:{body:notificationItems.0.NotificationRequestItem.amount.value}:{body:notificationItems.0.NotificationRequestItem.amount.currency}:{body:notificationItems.0.NotificationRequestItem.eventCode}:{body:notificationItems.0.NotificationRequestItem.success}'\n\
             signature = { body = 'notificationItems.0.NotificationRequestItem.additionalData.hmacSignature', value = '{base64}' }",
        ),
        "adyen-platform" => (
            "encoding = 'hex'\ndevelopment = '00ff'",
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'hmacsignature', value = '{base64}' }",
        ),
        "cloudinary-sha256" => hmac(
            "algorithm = 'sha256'\ncontent = '{body}{timestamp}{secret}'\n\
             signature = { header = 'x-cld-signature', value = '{hex}' }\n\
             timestamp = { header = 'x-cld-timestamp', tolerance = { past = '2h', future = 'any' } }",
        ),
        "sendgrid" => (
            "encoding = 'base64'\ndevelopment = 'hookdev-development'",
            "algorithm = 'ecdsa-p256'\ncontent = '{timestamp}{body}'\n\
             signature = { header = 'x-twilio-email-event-webhook-signature', value = '{base64}' }\n\
             timestamp = { header = 'x-twilio-email-event-webhook-timestamp', tolerance = 'any' }",
        ),
        "svix-v1a" => (
            "encoding = 'base64'\nprefix = 'whpk_'\ndevelopment = 'hookdev-development'",
            "algorithm = 'ed25519'\ncontent = '{id}.{timestamp}.{body}'\nid = { header = 'svix-id' }\n\
             signature = { header = 'svix-signature', value = 'v1a,{base64}', separator = ' ' }\n\
             timestamp = { header = 'svix-timestamp', tolerance = '5m' }",
        ),
        "uploadcare" => hmac(
            "algorithm = 'hmac-sha256'\ncontent = '{body}'\nsignature = { header = 'x-uc-signature', value = 'v1={hex}' }",
        ),
        other => panic!("a published vector that no scheme is written for: {other}"),
    }
}

fn vectors() -> Vec<(Published, Provider)> {
    let file: PublishedFile = serde_json::from_str(include_str!("../vectors/more_signatures.json")).expect("vectors");
    assert_eq!((file.vectors.len(), file.count), (29, 29));
    let with_provider = |vector: Published| {
        let (secret, scheme) = manifest(&vector.id);
        let provider = signing(secret, &format!("[[scheme]]\nname = 'published'\n{scheme}"));
        (vector, provider)
    };
    file.vectors.into_iter().map(with_provider).collect()
}

impl Published {
    fn request(&self) -> Request {
        let headers = self.headers.iter().map(|(name, text)| field(name, text));
        let request = carrying(headers, self.body.clone());
        let target = self.url.as_deref().and_then(hookdev::webhook::request::target);
        Request { target: target.unwrap_or_else(|| request.target.clone()), ..request }
    }

    fn receipt(&self) -> Receipt<'_> {
        Receipt { url: self.url.as_deref(), ..at(self.at) }
    }

    /// The key that verifies.
    fn key(&self) -> &str {
        self.public_key.as_deref().or(self.secret.as_deref()).expect("a key")
    }

    fn is_verified(&self, provider: &Provider, request: &Request, receipt: Receipt<'_>) -> bool {
        let secrets = secrets(provider, &[self.key()]);
        matches!(provider.verify(&secrets, request, None, receipt), Verdict::Verified(_))
    }
}

#[test]
fn every_published_request_verifies_through_a_manifest() {
    for (vector, provider) in vectors() {
        let secrets = secrets(&provider, &[vector.key()]);
        let verdict = provider.verify(&secrets, &vector.request(), None, vector.receipt());
        assert!(matches!(verdict, Verdict::Verified(_)), "{}: {verdict:?}", vector.id);
    }
}

#[test]
fn no_published_request_verifies_after_a_change() {
    for (vector, provider) in vectors() {
        let id = &vector.id;
        let request = vector.request();
        let scheme = &provider.schemes[0];
        if scheme.signs_body() {
            let body = [&request.body[..], b"!"].concat();
            let changed = Request { body: body.into(), ..request.clone() };
            // A form ends with its last value, which is signed.
            assert!(!vector.is_verified(&provider, &changed, vector.receipt()), "{id} with another body");
        }
        if let Some(url) = &vector.url {
            let other = format!("{url}/");
            let receipt = Receipt { url: Some(&other), ..vector.receipt() };
            assert!(!vector.is_verified(&provider, &request, receipt), "{id} at another URL");
        }
        let mut unsigned = request.clone();
        place::remove(&mut unsigned, &scheme.signature.place().expect("a place"));
        assert!(!vector.is_verified(&provider, &unsigned, vector.receipt()), "{id} without its signature");
    }
}

#[test]
fn each_scheme_verifies_what_it_signs() {
    for (vector, provider) in vectors() {
        let rule = provider.secret.as_ref().expect("it signs");
        let secrets = secrets(&provider, &[&rule.development]);
        let scheme = &provider.schemes[0];
        let mut request = vector.request();
        place::remove(&mut request, &scheme.signature.place().expect("a place"));
        let time = Timestamp::from_unix_seconds(1_700_000_000);
        assert!(scheme.sign_request(&secrets[0], &mut request, "msg_1", time), "{}", vector.id);
        let verdict = provider.verify(&secrets, &request, None, at(1_700_000_000));
        assert!(matches!(verdict, Verdict::Verified(_)), "{}: {verdict:?}", vector.id);
        // Only the public key is needed.
        if let Some(public) = &rule.public {
            let public = acme::secrets(&provider, &[public]);
            assert!(matches!(provider.verify(&public, &request, None, at(1_700_000_000)), Verdict::Verified(_)));
            assert!(!scheme.sign_request(&public[0], &mut request, "msg_1", time), "a public key signs nothing");
        }
    }
}

#[test]
fn svix_signs_with_its_private_key_as_published() {
    let (vector, provider) = vectors().into_iter().find(|(vector, _)| vector.id == "svix-v1a").expect("it is there");
    let private = secrets(&provider, &[vector.secret.as_deref().expect("a private key")]);
    let mut request = carrying([], vector.body.clone());
    let time = Timestamp::from_unix_seconds(1_614_265_330);
    assert!(provider.schemes[0].sign_request(&private[0], &mut request, "msg_p5jXN8AQM9LWM0D4loKWxJek", time));
    let header = Place::Header("svix-signature".parse().expect("a name"));
    let Place::Header(name) = &header else { unreachable!("it is a header") };
    assert_eq!(request.headers.text(name.as_str()).as_deref(), Some(vector.headers["svix-signature"].as_str()));
}
