//! The assessment of one received request: its provider and event, whether it is genuine, and whether
//! its payload is what the provider documents.

use std::sync::Arc;

use crate::webhook::{
    diagnose::{self, Clock, Code, Finding, RejectedRequest},
    keyring::{Keyring, SecretSource},
    nearest,
    provider::{
        Provider,
        catalog::Catalog,
        event::{Event, EventName},
        payload::{self, Payload},
    },
    remedy::{Remedy, Warning},
    request::Request,
    schema::Violation,
    signature::{Reason, Receipt, Rejection, Verdict},
};

/// The size limit of a decoded body, in bytes. A body that decompresses to more is not parsed.
pub const MAX_DECODED_BYTES: usize = 64 << 20;

/// What a request is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The known providers.
    pub catalog: &'a Catalog,
    /// The configured secrets.
    pub keyring: &'a Keyring,
    /// The provider to assume, regardless of what a request looks like.
    pub provider: Option<&'a Arc<Provider>>,
    /// The maximum size of a decoded body, in bytes.
    pub decoded_limit: usize,
}

/// The result for one request.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The provider, if one was recognised.
    pub provider: Option<Arc<Provider>>,
    /// The event's full name.
    pub event: Option<String>,
    /// Whether the request is genuine.
    pub verdict: Verdict,
    /// The source of the secret that matched.
    pub secret: Option<SecretSource>,
    /// Whether the payload is what the provider documents.
    pub payload: PayloadCheck,
    /// A line about the payload, for people.
    pub summary: Option<String>,
    /// Why it was rejected, as far as [`Judge::explain`] could prove it.
    pub findings: Vec<Finding>,
    /// Anything odd that is not a reason to reject the request.
    pub warnings: Vec<Warning>,
}

/// Whether a payload matches the provider's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadCheck {
    /// It matches.
    Valid,
    /// It does not match.
    Invalid(Vec<Violation>),
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
            Self::Unknown => "unknown",
        }
    }

    /// The violations; empty unless it is invalid.
    #[must_use]
    pub fn errors(&self) -> &[Violation] {
        match self {
            Self::Invalid(errors) => errors,
            Self::Valid | Self::Unknown => &[],
        }
    }
}

impl Judge<'_> {
    /// Judges a request.
    #[must_use]
    pub fn assess(&self, request: &Request, receipt: Receipt) -> Assessment {
        let mut warnings = Vec::new();
        let body = payload::decoded(request, self.decoded_limit).unwrap_or_else(|problem| {
            warnings.push(problem.into());
            (&[] as &[u8]).into()
        });
        let payload = Payload::parse(request, &body);
        let provider = self
            .provider
            .or_else(|| self.catalog.by_path(request))
            .or_else(|| self.catalog.by_content(request, &payload));
        let Some(provider) = provider else {
            warnings.extend(self.near_miss(request));
            return Assessment::unrecognised(warnings);
        };
        let event = provider.event_of(&payload);
        let listed = event.as_ref().and_then(EventName::listed);
        if let Some(EventName::Unlisted(name)) = &event {
            let message = format!("`{name}` is not one of {}'s documented events", provider.title);
            warnings.push(message.into());
        }
        let verdict = provider.verify(self.keyring.secrets(&provider.name), request, listed, receipt);
        let secret = match &verdict {
            Verdict::Verified(verified) => self.keyring.source(&provider.name, verified.secret).cloned(),
            _ => None,
        };
        warnings.extend(self.no_secret_set(provider, &verdict));
        if matches!(&verdict, Verdict::Rejected(Rejection { reason: Reason::MissingHeader { .. }, .. })) {
            warnings.extend(self.misdirected(provider, request, &payload));
        }
        Assessment {
            summary: provider.summary(listed, &payload),
            payload: check(provider, listed, &payload, &mut warnings),
            event: event.map(|event| event.full_name().to_owned()),
            provider: Some(Arc::clone(provider)),
            verdict,
            secret,
            findings: Vec::new(),
            warnings,
        }
    }
}

impl Judge<'_> {
    /// Explains a rejection. This takes up to some tenths of a second for a large body, so it is not part of
    /// [`Self::assess`], which the sender of the request waits for.
    pub fn explain(&self, request: &Request, receipt: Receipt, clock: Clock, assessment: &mut Assessment) {
        let (Some(provider), Verdict::Rejected(rejection)) = (&assessment.provider, &assessment.verdict) else {
            return;
        };
        let case =
            RejectedRequest { provider, request, rejection, receipt, catalog: self.catalog, keyring: self.keyring };
        let findings = diagnose::diagnose(&case);
        if findings.first().is_some_and(|cause| cause.code != Code::Unexplained) {
            // A proven cause replaces the likely one.
            let likely = self.no_secret_set(provider, &assessment.verdict);
            assessment.warnings.retain(|warning| Some(warning) != likely.as_ref());
        } else {
            assessment.warnings.extend(diagnose::clock(&case, clock));
        }
        assessment.findings = findings;
    }

    /// A provider whose name is close to the first segment of the path.
    fn near_miss(&self, request: &Request) -> Option<Warning> {
        let segment = request.path().trim_start_matches('/').split('/').next()?;
        let near = nearest::nearest(segment, self.catalog.names())?;
        Some(format!("no provider is named `{segment}`; did you mean /{near}?").into())
    }

    /// Another provider whose request this looks like.
    fn misdirected(&self, provider: &Provider, request: &Request, payload: &Payload<'_>) -> Option<Warning> {
        let other = self.catalog.by_content(request, payload).filter(|other| other.name != provider.name)?;
        let event = other.event_of(payload);
        let name = event.as_ref().map_or(other.title.as_str(), EventName::full_name);
        Some(format!("it looks like {name}; is it sent to the right URL?").into())
    }

    /// The usual reason why no signature matches: the secret is not set.
    fn no_secret_set(&self, provider: &Provider, verdict: &Verdict) -> Option<Warning> {
        let unmatched = matches!(&verdict.rejection()?.reason, Reason::NoMatchingSignature { .. });
        let development = self.keyring.source(&provider.name, 0) == Some(&SecretSource::Development);
        let remedy = || Remedy::SetSecret {
            provider: provider.name.clone(),
            title: provider.title.clone(),
            env: provider.secret.as_ref().and_then(|rule| rule.env.clone()),
        };
        (unmatched && development).then(|| Warning::new("only the public development secret was tried", remedy()))
    }
}

impl Assessment {
    /// The title of a request without a recognised provider.
    pub const UNRECOGNISED: &str = "unrecognised";

    /// The assessment of a request without a recognised provider.
    pub(crate) fn unrecognised(warnings: Vec<Warning>) -> Self {
        Self {
            provider: None,
            event: None,
            verdict: Verdict::Unrecognised,
            secret: None,
            payload: PayloadCheck::Unknown,
            summary: None,
            findings: Vec::new(),
            warnings,
        }
    }

    /// The name to show: the event's, else the provider's, else [`Self::UNRECOGNISED`].
    #[must_use]
    pub fn title(&self) -> &str {
        self.event.as_deref().or_else(|| self.provider_name()).unwrap_or(Self::UNRECOGNISED)
    }

    /// The provider's name.
    #[must_use]
    pub fn provider_name(&self) -> Option<&str> {
        self.provider.as_ref().map(|provider| provider.name.as_str())
    }
}

fn check(
    provider: &Provider,
    event: Option<&Event>,
    payload: &Payload<'_>,
    warnings: &mut Vec<Warning>,
) -> PayloadCheck {
    let (Some(name), Some(root)) = (provider.schema_of(event), payload.root()) else { return PayloadCheck::Unknown };
    let Some(definition) = provider.schema().ok().and_then(|schema| schema.definition(name)) else {
        return PayloadCheck::Unknown;
    };
    let report = definition.check(root);
    warnings
        .extend(report.warnings.iter().map(|violation| format!("{}: {}", violation.pointer, violation.message).into()));
    if report.errors.is_empty() { PayloadCheck::Valid } else { PayloadCheck::Invalid(report.errors) }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Method};

    use super::*;
    use crate::webhook::{
        request::Headers,
        signature::{Algorithm, SecretFormat, SigningSecret, grammar::TextEncoding},
    };

    const DEVELOPMENT: &str = "hookdev-development-secret-cyanite";

    /// The explanation for a body that was signed as another one, with only the development secret set.
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
        let judge = Judge { catalog: &catalog, keyring: &keyring, provider: None, decoded_limit: 1 << 20 };
        let mut assessment = judge.assess(&request, Receipt::default());
        assert_eq!(assessment.findings, []);
        judge.explain(&request, Receipt::default(), Clock::Live, &mut assessment);
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
    fn a_genuine_request_has_no_findings() {
        assert_eq!(codes(&explained(b"{\"a\":1}", DEVELOPMENT)), []);
    }
}
