//! The assessment of one received request: its provider and event, whether it is genuine, and whether
//! its payload is what the provider documents.

mod contents;
mod warnings;

use std::{borrow::Cow, sync::Arc};

use http::HeaderName;

use crate::webhook::{
    diagnose::{self, Clock, Finding, RejectedRequest},
    keyring::{Keyring, SecretSource},
    payload::{DecodedBody, Payload},
    place::Lookup,
    provider::{
        Provider,
        catalog::Catalog,
        event::{Event, EventName},
        handshake::Handshake,
    },
    remedy::Warning,
    request::Request,
    schema::SchemaViolation,
    signature::{Reason, Receipt, Rejection, Verdict},
    trust::{Exactness, Trust},
};
use contents::EventContents;
use warnings::{near_handshake, signature_headers};

/// Judges requests by the known providers and secrets.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The known providers.
    pub catalog: &'a Catalog,
    /// The configured secrets.
    pub keyring: &'a Keyring,
    /// The provider of every request; `None` detects it for each request.
    pub provider: Option<&'a Arc<Provider>>,
    /// Whether a signature made with the public development secret is accepted, although anyone can make one.
    pub accepts_development: bool,
    /// The maximum size of a decoded body, in bytes.
    pub decoded_limit: usize,
}

/// The result for one request.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The provider, if one was recognised.
    pub provider: Option<Arc<Provider>>,
    /// The URL that the provider called, if the receiver knows more about it than the request does.
    pub url: Option<String>,
    /// The event's full name; for a list of events, that of the first.
    pub event: Option<String>,
    /// The other names of the events in a list, each once.
    pub further_events: Vec<String>,
    /// The provider's id of the delivery, if it has one. Retries have the same id.
    pub id: Option<String>,
    /// Whether the request is genuine.
    pub verdict: Verdict,
    /// The source of the secret that matched.
    pub secret: Option<SecretSource>,
    /// Whether the payload is what the provider documents.
    pub payload: PayloadCheck,
    /// Whether an unsigned payload is exactly what the provider documents.
    pub exactness: Exactness,
    /// A line about the payload, for people.
    pub summary: Option<String>,
    /// Why it was rejected, as far as [`Judge::explain`] could prove it.
    pub findings: Vec<Finding>,
    /// Oddities that are no reason to reject the request.
    pub warnings: Vec<Warning>,
}

/// Whether a payload matches the provider's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadCheck {
    /// It matches.
    Valid,
    /// It does not match.
    Invalid(Vec<SchemaViolation>),
    /// There is a schema, but the payload can't be read.
    Unreadable,
    /// There is no schema for this payload.
    Unknown,
}

impl PayloadCheck {
    /// Its name in all output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid(_) => "invalid",
            Self::Unreadable | Self::Unknown => "unknown",
        }
    }

    /// The violations; empty unless it is invalid.
    #[must_use]
    pub fn errors(&self) -> &[SchemaViolation] {
        match self {
            Self::Invalid(errors) => errors,
            Self::Valid | Self::Unreadable | Self::Unknown => &[],
        }
    }
}

impl Judge<'_> {
    /// Judges a request.
    #[must_use]
    pub fn assess(&self, request: &Request, receipt: Receipt<'_>) -> Assessment {
        let named = self.provider.map(Ok).or_else(|| Some(self.catalog.by_path(request)?.load()));
        if let Some(provider) = named {
            return self.assess_as(|_| provider.ok(), request, receipt);
        }
        let by_content = |body: &DecodedBody| self.catalog.by_content(&Lookup::of(request, &body.payload(request)));
        let mut guess = self.assess_as(by_content, request, receipt);
        if guess.trust().is_some() {
            return guess;
        }
        if let Some(own) = self.set_up_for(request, receipt, &guess) {
            guess = self.assess_as(|_| Some(own), request, receipt);
        }
        if let (Some(provider), None, Verdict::Rejected(_)) = (&guess.provider, &guess.event, &guess.verdict) {
            guess.warnings.extend(self.ambiguous(provider, request));
        }
        guess
    }

    /// The provider of a request that isn't genuine by the guess, if a secret of the user's own decides it: several
    /// providers may send the same headers. It is the first with a secret that verifies the request. Without any, it is
    /// the only one with a secret, if the guess has none, signs in the same header, and doesn't document the event.
    fn set_up_for(&self, request: &Request, receipt: Receipt<'_>, guess: &Assessment) -> Option<&Arc<Provider>> {
        let is_sent = |name: &&HeaderName| request.headers.contains(name.as_str());
        let entries = self.catalog.entries().filter(|entry| self.keyring.has_own(entry.name()));
        let providers = entries.filter_map(|entry| entry.load().ok());
        let set_up: Vec<&Arc<Provider>> =
            providers.filter(|provider| signature_headers(provider).any(|name| is_sent(&name))).collect();
        let verifies = |provider: &&&Arc<Provider>| {
            let secrets = self.keyring.secrets(&provider.name);
            let Verdict::Verified(verified) = provider.verify(secrets, request, None, receipt) else { return false };
            self.keyring.source(&provider.name, verified.secret) != Some(&SecretSource::Development)
        };
        if let Some(provider) = set_up.iter().find(verifies) {
            return Some(provider);
        }
        if guess.has_listed_event() {
            return None;
        }
        let guess = guess.provider.as_ref().filter(|guess| !self.keyring.has_own(&guess.name))?;
        let shared: Vec<&HeaderName> = signature_headers(guess).filter(is_sent).collect();
        let mut alike = set_up.into_iter().filter(|other| signature_headers(other).any(|name| shared.contains(&name)));
        alike.next().filter(|_| alike.next().is_none())
    }

    /// Judges a request as one of the provider that is found for it.
    fn assess_as<'p>(
        &self,
        find: impl FnOnce(&DecodedBody) -> Option<&'p Arc<Provider>>,
        request: &Request,
        receipt: Receipt<'_>,
    ) -> Assessment {
        let mut warnings = Vec::new();
        let body = DecodedBody::of(request, self.decoded_limit).unwrap_or_else(|problem| {
            warnings.push(problem.into());
            DecodedBody::empty()
        });
        let Some(provider) = find(&body) else {
            warnings.extend(self.unrecognised(request));
            return Assessment::unrecognised(warnings);
        };
        let body = provider.find_payload(request, body);
        let payload = body.payload(request);
        warnings.extend(payload.mislabelled.clone().map(Warning::from));
        let lookup = Lookup { url: receipt.url, ..Lookup::of(request, &payload) };
        let event = provider.event_of(&lookup);
        let listed = event.as_ref().and_then(EventName::listed);
        let mut content = EventContents::of(provider, event.as_ref(), &lookup, &payload);
        let unlisted =
            |name: &String| format!("`{name}` is not one of the {} events that hookdev knows", provider.title).into();
        warnings.extend(content.unlisted.iter().map(unlisted));
        if listed.is_none() {
            warnings.extend(near_handshake(provider, &lookup));
        }
        let (verdict, exactness) = self.verify(provider, request, listed, &payload, receipt);
        let secret = match &verdict {
            Verdict::Verified(verified) => self.keyring.source(&provider.name, verified.secret).cloned(),
            _ => None,
        };
        warnings.extend(self.only_development_tried(provider, &verdict));
        if let (Verdict::Rejected(_), Exactness::Inexact(reason)) = (&verdict, &exactness) {
            let title = &provider.title;
            warnings.push(format!("{title} sends this event unsigned, but never with this payload: {reason}").into());
        }
        warnings.extend(self.about_verdict(&verdict, provider, &lookup, content.total()));
        Assessment {
            summary: content.summary(provider),
            payload: content.check(&mut warnings),
            event: event.map(|event| event.full_name().to_owned()),
            further_events: content.further(),
            id: provider.delivery_id(&lookup),
            provider: Some(Arc::clone(provider)),
            url: None,
            exactness,
            verdict,
            secret,
            findings: Vec::new(),
            warnings,
        }
    }

    /// The verdict, and for an event that the provider sends unsigned, how the payload compares with the schema.
    fn verify(
        &self,
        provider: &Provider,
        request: &Request,
        event: Option<&Event>,
        payload: &Payload<'_>,
        receipt: Receipt<'_>,
    ) -> (Verdict, Exactness) {
        let secrets = self.keyring.secrets(&provider.name);
        match provider.verify(secrets, request, event, receipt) {
            Verdict::Unsigned => {
                let exactness = exactness(provider, event, payload);
                // If the user has set a secret, the name of an unsigned event must not let another payload through.
                let has_only_development =
                    self.accepts_development && self.keyring.has_only_development(&provider.name);
                let must_be_exact = !provider.schemes.is_empty() && !has_only_development;
                let is_handshake = event.is_some_and(|event| event.handshake.is_some());
                if must_be_exact && !is_handshake && exactness != Exactness::Exact {
                    return (provider.verify(secrets, request, None, receipt), exactness);
                }
                (Verdict::Unsigned, exactness)
            }
            Verdict::Verified(verified)
                if !self.accepts_development
                    && self.keyring.source(&provider.name, verified.secret) == Some(&SecretSource::Development) =>
            {
                let rejection = Rejection { scheme: verified.scheme, reason: Reason::DevelopmentSecret };
                (Verdict::Rejected(rejection), Exactness::NotChecked)
            }
            verdict => (verdict, Exactness::NotChecked),
        }
    }
}

impl Judge<'_> {
    /// Explains a rejection. This takes up to a few tenths of a second for a large body, so it is not part of
    /// [`Self::assess`], for which the sender of the request waits. The search ends early once `is_late` returns true,
    /// or `bytes` (see [`diagnose::diagnose_within`]) are spent.
    pub fn explain(
        &self,
        request: &Request,
        receipt: Receipt<'_>,
        clock: Clock,
        bytes: &mut usize,
        is_late: &dyn Fn() -> bool,
        assessment: &mut Assessment,
    ) {
        let (Some(provider), Verdict::Rejected(rejection)) = (&assessment.provider, &assessment.verdict) else {
            return;
        };
        let case = RejectedRequest {
            provider,
            request,
            rejection,
            receipt,
            clock,
            catalog: self.catalog,
            keyring: self.keyring,
        };
        let findings = diagnose::diagnose_within(&case, bytes, is_late);
        if findings.iter().any(|finding| finding.code.is_proof()) {
            assessment.warnings.retain(|warning| !warning.is_guess);
        } else {
            let clock = diagnose::clock(&case).filter(|clock| !assessment.warnings.contains(clock));
            assessment.warnings.extend(clock);
        }
        assessment.findings = findings;
    }
}

impl Assessment {
    /// Why the payload of a genuine delivery was not checked, in words. If only some events of a list were not, their
    /// warnings say so.
    #[must_use]
    pub fn unchecked_payload(&self) -> Option<&'static str> {
        if self.trust().is_none() || self.handshake().is_some() || !self.further_events.is_empty() {
            return None;
        }
        match self.payload {
            PayloadCheck::Unknown if self.has_listed_event() => Some("payload not checked: it has no schema"),
            PayloadCheck::Unknown => Some("event unknown, payload not checked"),
            PayloadCheck::Unreadable => Some("payload not checked: it can't be read"),
            PayloadCheck::Valid | PayloadCheck::Invalid(_) => None,
        }
    }

    /// Whether the provider documents the event.
    fn has_listed_event(&self) -> bool {
        let listed = || {
            let provider = self.provider.as_ref()?;
            provider.event(self.event.as_deref()?.strip_prefix(&provider.name)?.strip_prefix('.')?)
        };
        listed().is_some()
    }

    /// The title of a request without a recognised provider.
    pub const UNRECOGNISED: &str = "unrecognised";

    /// The assessment of a request without a recognised provider.
    pub(crate) fn unrecognised(warnings: Vec<Warning>) -> Self {
        Self {
            provider: None,
            url: None,
            event: None,
            further_events: Vec::new(),
            id: None,
            verdict: Verdict::Unrecognised,
            secret: None,
            payload: PayloadCheck::Unknown,
            exactness: Exactness::NotChecked,
            summary: None,
            findings: Vec::new(),
            warnings,
        }
    }

    /// How far the request can be trusted to come from its provider; `None` if it isn't genuine.
    #[must_use]
    pub fn trust(&self) -> Option<Trust> {
        match (&self.verdict, &self.secret) {
            (Verdict::Verified(_), Some(SecretSource::Development)) => Some(Trust::Development),
            (Verdict::Verified(_), _) => Some(Trust::Verified),
            (Verdict::Unsigned, _) => Some(Trust::UnsignedByDesign),
            (Verdict::Rejected(_) | Verdict::Unrecognised, _) => None,
        }
    }

    /// Whether the signature that matched covers the delivery's id.
    #[must_use]
    pub fn is_id_signed(&self) -> bool {
        let (Some(provider), Verdict::Verified(verified)) = (&self.provider, &self.verdict) else { return false };
        let with_id = provider.schemes.iter().find(|scheme| scheme.id.is_some());
        with_id.is_some_and(|scheme| scheme.name == verified.scheme && scheme.signs_id())
    }

    /// The handshake that the request is, if it is one.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.provider.as_ref()?.handshake(self.event.as_deref()?)
    }

    /// The name to show: the event's, else the provider's, else [`Self::UNRECOGNISED`].
    #[must_use]
    pub fn title(&self) -> &str {
        self.event.as_deref().or_else(|| self.provider_name()).unwrap_or(Self::UNRECOGNISED)
    }

    /// The names that globs are matched with: [`Self::title`], and those of further events in a list. An event without
    /// a name also matches `PROVIDER.*`.
    pub fn titles(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let unnamed = self.provider_name().filter(|_| self.event.is_none()).map(|name| Cow::Owned(format!("{name}.")));
        let further = self.further_events.iter().map(|event| Cow::Borrowed(event.as_str()));
        std::iter::once(Cow::Borrowed(self.title())).chain(further).chain(unnamed)
    }

    /// The provider's name.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        self.provider.as_ref().map(|provider| provider.name.as_str())
    }
}

/// How an unsigned payload compares with the provider's schema.
fn exactness(provider: &Provider, event: Option<&Event>, payload: &Payload<'_>) -> Exactness {
    if let Some(mislabelled) = &payload.mislabelled {
        return Exactness::Inexact(mislabelled.clone());
    }
    let definition = provider.schema_of(event).and_then(|name| provider.schema().ok()?.definition(name));
    let (Some(definition), Some(root)) = (definition, payload.root()) else {
        return Exactness::Inexact("there is no schema for it".to_owned());
    };
    let violation = definition.check(root).errors.into_iter().next().or_else(|| definition.inexact(root));
    match violation {
        None => Exactness::Exact,
        Some(SchemaViolation { pointer, message }) if pointer.is_empty() => Exactness::Inexact(message),
        Some(SchemaViolation { pointer, message }) => Exactness::Inexact(format!("{pointer} {message}")),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Method};

    use super::*;
    use crate::webhook::{
        diagnose::Code,
        provider::catalog::CatalogEntry,
        request::Headers,
        signature::{Algorithm, SecretFormat, SigningSecret, grammar::TextEncoding},
        time::Timestamp,
    };

    const DEVELOPMENT: &str = "hookdev-development-secret-cyanite";

    /// A judge of requests to any provider.
    fn judge<'a>(catalog: &'a Catalog, keyring: &'a Keyring) -> Judge<'a> {
        Judge { catalog, keyring, provider: None, accepts_development: true, decoded_limit: 1 << 20 }
    }

    /// The explanation for a body that differs from the signed one, with only the development secret set.
    fn explained(signed: &[u8], key: &str) -> Assessment {
        let catalog = Catalog::builtin();
        let secret = |text| SigningSecret::parse(text, &SecretFormat::default()).unwrap();
        let mut keyring = Keyring::default();
        keyring.add("cyanite", secret(DEVELOPMENT), SecretSource::Development);
        let signature = secret(key).key(Algorithm::HmacSha512).unwrap().sign([signed]).unwrap();
        let mut headers = Headers::new();
        let signature = TextEncoding::Hex.encode(&signature);
        headers.push(HeaderName::from_static("signature"), HeaderValue::try_from(signature).unwrap());
        let request =
            Request { method: Method::POST, target: "/cyanite".to_owned(), headers, body: "{\"a\":1}".into() };
        let judge = judge(&catalog, &keyring);
        let mut assessment = judge.assess(&request, Receipt::default());
        assert_eq!(assessment.findings, []);
        judge.explain(
            &request,
            Receipt::default(),
            Clock::Live,
            &mut { diagnose::PER_SEARCH },
            &|| false,
            &mut assessment,
        );
        assessment
    }

    fn codes(assessment: &Assessment) -> Vec<Code> {
        assessment.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_proven_cause_replaces_the_likely_one() {
        let proven = explained(b"{\"a\": 1}", DEVELOPMENT);
        assert_eq!((codes(&proven), proven.warnings), (vec![Code::BodyReserialised], vec![]));
        let unproven = explained(b"{\"a\": 1}", "the user's own secret");
        assert_eq!((codes(&unproven), unproven.warnings.len()), (vec![Code::Unexplained], 1));
    }

    #[test]
    fn a_provider_that_cannot_be_loaded_is_a_warning_of_an_unrecognised_request() {
        let warnings = |target: &str| {
            let mut catalog = Catalog::builtin();
            let index = catalog.entry("cyanite").unwrap().index().clone();
            let entry =
                CatalogEntry::from_index(index, "providers/cyanite".to_owned(), Box::new(|_| Err("it is gone".into())));
            catalog.add(Arc::new(entry));
            let headers =
                [(HeaderName::from_static("signature"), HeaderValue::from_static("00"))].into_iter().collect();
            let request = Request { method: Method::POST, target: target.to_owned(), headers, body: "{}".into() };
            let keyring = Keyring::default();
            let judge = judge(&catalog, &keyring);
            let warnings = judge.assess(&request, Receipt::default()).warnings;
            warnings.into_iter().map(|warning| warning.message).collect::<Vec<_>>()
        };
        let failure = "can't load the provider `cyanite`: it is gone";
        assert_eq!(warnings("/webhooks/cyanite"), [failure]);
        let unknown = "not verified, because no provider was recognised: the path doesn't name one, and neither the headers nor the body match one";
        assert_eq!(warnings("/"), [unknown, failure]);
    }

    #[test]
    fn an_id_is_signed_only_if_the_matching_signature_covers_it() {
        // Svix signs its id. GitHub's is only a header.
        for (name, is_signed) in [("aspect", true), ("github", false)] {
            let catalog = Catalog::builtin();
            let provider = catalog.entry(name).unwrap().load().unwrap();
            let rule = provider.secret.as_ref().unwrap();
            let secret = rule.read(&rule.development).unwrap();
            let headers = [(HeaderName::from_static("x-github-delivery"), HeaderValue::from_static("1"))];
            let (headers, target) = (headers.into_iter().collect(), format!("/{name}"));
            let mut request = Request { method: Method::POST, target, headers, body: "{}".into() };
            assert!(provider.schemes[0].sign_request(&secret, &mut request, "1", Timestamp::from_unix_seconds(0)));
            let mut keyring = Keyring::default();
            keyring.add(name, secret, SecretSource::Development);
            let judge = judge(&catalog, &keyring);
            let assessment = judge.assess(&request, Receipt::default());
            assert_eq!((assessment.trust(), assessment.id.as_deref()), (Some(Trust::Development), Some("1")), "{name}");
            assert_eq!(assessment.is_id_signed(), is_signed, "{name}");
        }
    }

    /// The signature of `body` under `key`, in hexadecimal, as Cyanite makes it.
    fn signature(key: &str, body: &str) -> String {
        let secret = SigningSecret::parse(key, &SecretFormat::default()).unwrap();
        TextEncoding::Hex.encode(&secret.key(Algorithm::HmacSha512).unwrap().sign([body.as_bytes()]).unwrap())
    }

    const DONE: &str = r#"{"version":"2","resource":{"type":"LibraryTrack","id":"9"},"event":{"type":"InDepthAnalysis","status":"finished"}}"#;

    /// The assessment of a request to `/cyanite`, signed or not, where these secrets are known.
    fn assessed(body: &str, signed_with: Option<&str>, secrets: &[&str], accepts_development: bool) -> Assessment {
        let catalog = Catalog::builtin();
        let mut keyring = Keyring::default();
        for text in secrets {
            let source = if *text == DEVELOPMENT { SecretSource::Development } else { SecretSource::Flag };
            keyring.add("cyanite", SigningSecret::parse(text, &SecretFormat::default()).unwrap(), source);
        }
        let headers = signed_with
            .map(|key| (HeaderName::from_static("signature"), HeaderValue::try_from(signature(key, body)).unwrap()));
        let headers: Headers = headers.into_iter().collect();
        let target = "/cyanite".to_owned();
        let request = Request { method: Method::POST, target, headers, body: body.to_owned().into() };
        let judge =
            Judge { catalog: &catalog, keyring: &keyring, provider: None, accepts_development, decoded_limit: 1 << 20 };
        let mut assessment = judge.assess(&request, Receipt::default());
        judge.explain(
            &request,
            Receipt::default(),
            Clock::Recorded,
            &mut { diagnose::PER_SEARCH },
            &|| false,
            &mut assessment,
        );
        assessment
    }

    #[test]
    fn a_signature_is_trusted_as_far_as_its_secret_is_known_to_others() {
        let trust = |signed_with, secrets: &[&str], accepts| assessed(DONE, signed_with, secrets, accepts).trust();
        for accepts in [true, false] {
            assert_eq!(trust(Some("mine"), &["mine"], accepts), Some(Trust::Verified));
            assert_eq!(trust(Some("mine"), &[DEVELOPMENT, "mine"], accepts), Some(Trust::Verified));
            assert_eq!(trust(Some("other"), &["mine"], accepts), None);
            assert_eq!(trust(Some(DEVELOPMENT), &["mine"], accepts), None);
            assert_eq!(trust(None, &["mine"], accepts), None);
        }
        assert_eq!(trust(Some(DEVELOPMENT), &[DEVELOPMENT], true), Some(Trust::Development));
        assert_eq!(trust(Some(DEVELOPMENT), &[DEVELOPMENT], false), None);
        assert_eq!(trust(Some(DEVELOPMENT), &["mine", DEVELOPMENT], false), None);
    }

    #[test]
    fn a_development_secret_that_is_not_accepted_is_named() {
        let assessment = assessed(DONE, Some(DEVELOPMENT), &[DEVELOPMENT], false);
        let rejection = assessment.verdict.rejection().unwrap();
        assert_eq!((rejection.reason.clone(), assessment.secret), (Reason::DevelopmentSecret, None));
        assert_eq!(rejection.reason.code(), "no-matching-signature");
        let remedy = || Catalog::builtin().get("cyanite").unwrap().set_secret("signature", true);
        let warning = Warning::new("only the public development secret was tried", remedy()).as_guess();
        let finding = Finding {
            code: Code::SecretDevelopment,
            message: "only the public development secret was tried".to_owned(),
            remedy: remedy(),
            detail: None,
        };
        assert_eq!((assessment.findings, assessment.warnings), (vec![finding], vec![]));
        // Without a match, it is only the likely reason.
        assert_eq!(assessed(DONE, Some("other"), &[DEVELOPMENT], false).warnings, [warning]);
    }

    #[test]
    fn an_unsigned_event_has_exactly_the_documented_members_beside_a_secret_of_the_users() {
        const EXACT: &str = r#"{"type":"TEST","data":null}"#;
        for body in [
            r#"{"type":"TEST","data":null,"Type":"IN_DEPTH_ANALYSIS_FINISHED"}"#,
            r#"{"type":"TEST","data":null,"type":"TEST"}"#,
            r#"{"type":"TEST","data":{"inDepthAnalysisId":"1"}}"#,
            r#"{"type":"TEST"}"#,
        ] {
            for (secrets, accepts) in [(&["mine"][..], true), (&[], true), (&[DEVELOPMENT], false)] {
                let assessment = assessed(body, None, secrets, accepts);
                let reason = &assessment.verdict.rejection().unwrap().reason;
                assert_eq!(reason, &Reason::MissingHeader { names: vec!["signature".to_owned()] }, "{body}");
            }
            let local = assessed(body, None, &[DEVELOPMENT], true);
            assert_eq!(local.trust(), Some(Trust::UnsignedByDesign), "{body}");
            assert!(matches!(local.exactness, Exactness::Inexact(_)), "{body}");
        }
        for (secrets, accepts) in [(&["mine"][..], true), (&["mine"], false), (&[DEVELOPMENT], true)] {
            let assessment = assessed(EXACT, None, secrets, accepts);
            assert_eq!((assessment.trust(), assessment.exactness), (Some(Trust::UnsignedByDesign), Exactness::Exact));
        }
    }

    #[test]
    fn a_rejected_unsigned_event_says_what_it_has_too_much() {
        let body = r#"{"type":"TEST","data":null,"Type":"x"}"#;
        let warning =
            "Cyanite sends this event unsigned, but never with this payload: /Type differs from `type` only in case";
        assert_eq!(assessed(body, None, &["mine"], true).warnings, [Warning::from(warning.to_owned())]);
    }

    #[test]
    fn a_genuine_request_has_no_findings() {
        assert_eq!(codes(&explained(b"{\"a\":1}", DEVELOPMENT)), []);
    }
}
