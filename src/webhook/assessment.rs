//! Everything that is said of one received request: whose it is, which event, whether it is
//! genuine, whether its payload is what the provider documents.

use std::sync::Arc;

use crate::webhook::{
    diagnose::{self, Case, Clock, Code, Finding},
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

/// What requests are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The providers that are known.
    pub catalog: &'a Catalog,
    /// The secrets in force.
    pub keyring: &'a Keyring,
    /// The provider that all requests are taken for, whatever they look like.
    pub provider: Option<&'a Arc<Provider>>,
    /// The longest decoded body that is read, in bytes.
    pub decoded_limit: usize,
}

/// What is said of one request.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The provider's name.
    pub provider: Option<Arc<Provider>>,
    /// The event's whole name.
    pub event: Option<String>,
    /// Whether it is genuine.
    pub verdict: Verdict,
    /// Where the secret that matched came from.
    pub secret: Option<SecretSource>,
    /// Whether the payload is what the provider documents.
    pub payload: PayloadCheck,
    /// The line for people.
    pub summary: Option<String>,
    /// Why it is refused, as far as [`Judge::explain`] could prove it.
    pub findings: Vec<Finding>,
    /// What is odd and no reason to refuse it.
    pub warnings: Vec<Warning>,
}

/// Whether a payload satisfies the provider's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadCheck {
    /// It does.
    Valid,
    /// It does not, for these reasons.
    Invalid(Vec<Violation>),
    /// There is no schema for it.
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

    /// What is wrong; nothing unless it is invalid.
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
            warnings.extend(self.nearly(request));
            return Assessment::unrecognised(warnings);
        };
        let event = provider.event_of(&payload);
        let listed = event.as_ref().and_then(EventName::listed);
        if let Some(EventName::Unlisted(name)) = &event {
            let message = format!("`{name}` is not in the list of {}'s documented events", provider.title);
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
    /// Explains a refusal. That takes a moment, up to some tenths of a second where the body is
    /// large, so that it is not part of [`Self::assess`]: whoever sent the request waits for that.
    pub fn explain(&self, request: &Request, receipt: Receipt, clock: Clock, assessment: &mut Assessment) {
        let (Some(provider), Verdict::Rejected(rejection)) = (&assessment.provider, &assessment.verdict) else {
            return;
        };
        let case = Case { provider, request, rejection, receipt, catalog: self.catalog, keyring: self.keyring };
        let findings = diagnose::diagnose(&case);
        if findings.first().is_some_and(|cause| cause.code != Code::Unexplained) {
            // What was only likely is not said beside what is proven.
            let likely = self.no_secret_set(provider, &assessment.verdict);
            assessment.warnings.retain(|warning| Some(warning) != likely.as_ref());
        } else {
            assessment.warnings.extend(diagnose::clock(&case, clock));
        }
        assessment.findings = findings;
    }

    /// The provider that the path of a request nearly names.
    fn nearly(&self, request: &Request) -> Option<Warning> {
        let segment = request.path().trim_start_matches('/').split('/').next()?;
        let near = nearest::nearest(segment, self.catalog.names())?;
        Some(format!("no provider is called `{segment}`; did you mean /{near}?").into())
    }

    /// A request at one provider's path that looks like another's.
    fn misdirected(&self, provider: &Provider, request: &Request, payload: &Payload<'_>) -> Option<Warning> {
        let other = self.catalog.by_content(request, payload).filter(|other| other.name != provider.name)?;
        let event = other.event_of(payload);
        let name = event.as_ref().map_or(other.title.as_str(), EventName::full_name);
        Some(format!("it looks like {name}: is it sent to the right URL?").into())
    }

    /// The usual reason why no signature matches: nobody has set the secret.
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
    /// The title of what no provider is recognised in.
    pub const UNRECOGNISED: &str = "unrecognised";

    /// That of a request in which no provider is recognised.
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

    /// What is said of a body that was signed as another, when only the development secret is set.
    fn explained(signed: &[u8], key: &str) -> Assessment {
        let catalog = Catalog::builtin();
        let secret = |text| SigningSecret::parse(text, &SecretFormat::default()).unwrap();
        let mut keyring = Keyring::default();
        keyring.add("cyanite", secret(DEVELOPMENT), SecretSource::Development);
        let mut mac = secret(key).mac(Algorithm::HmacSha512);
        mac.update(signed);
        let mut headers = Headers::new();
        let signature = TextEncoding::Hex.encode(&mac.finalize());
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
    fn what_is_proven_takes_the_place_of_what_is_likely() {
        let proven = explained(b"{\"a\": 1}", DEVELOPMENT);
        assert_eq!((codes(&proven), proven.warnings), (vec![Code::BodyReserialised], vec![]));
        let unproven = explained(b"{\"a\": 1}", "the user's own secret");
        assert_eq!((codes(&unproven), unproven.warnings.len()), (vec![Code::Unexplained], 1));
    }

    #[test]
    fn what_is_genuine_needs_no_explanation() {
        assert_eq!(codes(&explained(b"{\"a\":1}", DEVELOPMENT)), []);
    }
}
