//! Warnings about a request: why it is not recognised, and what is probably wrong with it.

use std::sync::Arc;

use http::HeaderName;

use super::Judge;
use crate::webhook::{
    nearest,
    place::Lookup,
    provider::{
        Provider,
        catalog::reason,
        event::{Event, EventName},
    },
    remedy::{Remedy, Warning},
    request::Request,
    signature::{Reason, Rejection, Scheme, Verdict},
};

impl Judge<'_> {
    /// Why a request is not recognised. A provider that can't be loaded may be the reason.
    pub(super) fn unrecognised(&self, request: &Request) -> Vec<Warning> {
        let failures = self.catalog.failures();
        let failures =
            failures.map(|(name, error)| format!("can't load the provider `{name}`: {}", reason(error)).into());
        let is_named = self.catalog.by_path(request).is_some();
        let guess = (!is_named).then(|| self.near_miss(request).unwrap_or_else(|| self.no_provider()));
        guess.into_iter().chain(failures).collect()
    }

    /// A provider whose name is close to a segment of the path.
    fn near_miss(&self, request: &Request) -> Option<Warning> {
        // A word inside a name is not a misspelling of it: `hooks`, or `webhooks`.
        let is_meant = |segment: &str, near: &str| near.starts_with(segment) || !near.contains(segment);
        let near = |segment| {
            let near = nearest::ranked(segment, self.catalog.names());
            Some((segment, near.into_iter().find(|near| is_meant(segment, near))?))
        };
        let (segment, near) = request.path().split('/').find_map(near)?;
        Some(format!("not verified, because no provider is named `{segment}`; did you mean /{near}?").into())
    }

    /// Why a request is not recognised, and what would make it recognised.
    fn no_provider(&self) -> Warning {
        let message = "not verified, because no provider was recognised: the path doesn't name one, and neither the headers nor the body match one";
        let example = self.catalog.example().map(|entry| entry.name().to_owned()).unwrap_or_default();
        Warning::new(message, Remedy::NameProvider { example })
    }

    /// Warnings that add to a verdict; `total` is the number of events.
    pub(super) fn about_verdict(
        &self,
        verdict: &Verdict,
        provider: &Provider,
        lookup: &Lookup<'_>,
        total: usize,
    ) -> Option<Warning> {
        match verdict {
            Verdict::Rejected(Rejection {
                reason: Reason::MissingHeader { .. } | Reason::MissingValue { .. }, ..
            }) => self.misdirected(provider, lookup).or_else(|| other_header_chosen(provider)),
            Verdict::Verified(verified) if verified.before_compression => Some(Warning::new(
                "the signature covers the body before its content-encoding",
                Remedy::advice("decompress the body before you verify it"),
            )),
            Verdict::Verified(verified) if total > 1 => only_first_signed(provider, &verified.scheme, total),
            _ => None,
        }
    }

    /// Another provider whose request this looks like.
    fn misdirected(&self, provider: &Provider, lookup: &Lookup<'_>) -> Option<Warning> {
        let other = self.catalog.by_content(lookup).filter(|other| other.name != provider.name)?;
        let event = other.event_of(lookup);
        let name = event.as_ref().map_or(other.title.as_str(), EventName::full_name);
        Some(Warning::from(format!("it looks like {name}; was it sent to the right URL?")).as_guess())
    }

    /// Warns if other providers sign in the same header as one that was recognised only by its headers.
    pub(super) fn ambiguous(&self, provider: &Provider, request: &Request) -> Option<Warning> {
        let header = signature_headers(provider).find(|header| request.headers.contains(header.as_str()))?;
        let others = self.catalog.providers().filter(|other| other.name != provider.name);
        let others = others.filter(|other| signature_headers(other).any(|other| other == header));
        let others: Vec<&Arc<Provider>> = others.take(3).collect();
        let example = others.first()?.name.clone();
        let titles: Vec<&str> = others.iter().map(|other| other.title.as_str()).collect();
        let (title, titles) = (&provider.title, titles.join(", "));
        let message = format!("taken for {title} because of `{header}`, which is also a header of {titles}");
        Some(Warning::new(message, Remedy::NameProvider { example }).as_guess())
    }

    /// The usual reason why no signature matches: the secret is not set.
    pub(super) fn only_development_tried(&self, provider: &Provider, verdict: &Verdict) -> Option<Warning> {
        let Rejection { scheme, reason } = verdict.rejection()?;
        let unmatched = matches!(reason, Reason::NoMatchingSignature { .. } | Reason::DevelopmentSecret);
        (unmatched && self.keyring.has_only_development(&provider.name)).then(|| {
            Warning::new(
                "only the public development secret was tried",
                provider.set_secret(scheme, matches!(reason, Reason::DevelopmentSecret)),
            )
            .as_guess()
        })
    }
}

/// The headers in which a provider sends its signatures.
pub(super) fn signature_headers(provider: &Provider) -> impl Iterator<Item = &HeaderName> {
    provider.schemes.iter().flat_map(Scheme::headers)
}

/// Warns if only the first event of a list is verified, because the scheme signs only its values.
fn only_first_signed(provider: &Provider, scheme: &str, total: usize) -> Option<Warning> {
    let list = provider.list()?;
    let scheme = provider.schemes.iter().find(|known| *known.name == *scheme).filter(|scheme| !scheme.signs_body())?;
    let signs_first = scheme.content.places().any(|place| list.is_in_first(place));
    let advice = Remedy::advice("verify each event by its own signature");
    signs_first.then(|| Warning::new(format!("only the first of {total} events is verified"), advice))
}

/// Warns about a request that is meant as a handshake but isn't one, with what it lacks.
pub(super) fn near_handshake(provider: &Provider, lookup: &Lookup<'_>) -> Option<Warning> {
    let lacking = |event: &Event| {
        let lacking = event.missing_for_handshake(lookup)?;
        Some(format!("not the handshake `{}`: {lacking}", event.full_name).into())
    };
    provider.events.iter().find_map(lacking)
}

/// Warns that the user may have chosen another signature header, if the provider allows that.
fn other_header_chosen(provider: &Provider) -> Option<Warning> {
    let configurable = provider.schemes.iter().find(|scheme| scheme.configurable_header)?;
    let message = format!(
        "you choose the name of the signature header at {}; assuming `{}`",
        provider.title,
        configurable.headers().first()?
    );
    let remedy = Remedy::NameSignatureHeader { provider: provider.name.clone(), title: provider.title.clone() };
    Some(Warning::new(message, remedy))
}
