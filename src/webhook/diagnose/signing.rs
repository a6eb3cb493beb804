//! Hypotheses about the way of signing: every way to read a request, and the schemes of other providers.

use super::{Code, Finding, RejectedRequest, found::signatures, reading::Reading, time, url};
use crate::webhook::{
    provider::Provider,
    remedy::Remedy,
    signature::{Scheme, SigningSecret},
};

/// The request as received, read by each of the provider's schemes.
pub fn plain(case: &RejectedRequest<'_>) -> Vec<Reading> {
    case.provider.schemes.iter().map(|scheme| Reading::new(scheme.clone(), case, Vec::new())).collect()
}

/// The maximum number of readings, however many headers look like signatures.
const MOST: usize = 256;

/// All other readings, the fewest changes first.
pub fn readings(case: &RejectedRequest<'_>) -> Vec<Reading> {
    let mut all: Vec<Reading> = Vec::new();
    for scheme in &case.provider.schemes {
        all.extend(time::readings(case, scheme));
    }
    for scheme in case.provider.schemes.iter().filter(|scheme| scheme.algorithm.covers_content()) {
        for found in signatures(case, scheme) {
            found.readings(case, scheme, &mut all);
        }
    }
    for other in case.catalog.providers().filter(|other| other.name != case.provider.name) {
        of_other(case, other, &mut all);
    }
    all.sort_by_key(|reading| reading.findings.len());
    all.truncate(MOST);
    all
}

/// Readings by which a URL other than the configured one was signed.
pub fn urls(case: &RejectedRequest<'_>) -> Vec<Reading> {
    case.provider.schemes.iter().flat_map(|scheme| url::readings(case, scheme)).collect()
}

/// Readings by another provider's schemes, in its own headers and in this one's.
fn of_other(case: &RejectedRequest<'_>, other: &Provider, all: &mut Vec<Reading>) {
    let Some(rule) = &other.secret else { return };
    let read = |secrets: &[SigningSecret]| -> Option<Vec<SigningSecret>> {
        Some(secrets.iter().filter_map(|secret| SigningSecret::parse(secret.expose(), &rule.format).ok()).collect())
    };
    let (title, name) = (&case.provider.title, &other.title);
    for scheme in &other.schemes {
        let mut add = |scheme: Scheme, secrets, message: String| {
            let remedy = Remedy::ChooseProvider { other: other.name.clone() };
            let finding = Finding { remedy, ..Finding::new(Code::SchemeOfOtherProvider, message) };
            all.push(Reading { secrets, ..Reading::new(scheme, case, vec![finding]) });
        };
        let wholly =
            format!("this is a delivery from {name}: it verifies with {name}'s scheme and secret, not with {title}'s");
        add(scheme.clone(), read(case.keyring.secrets(&other.name)), wholly);
        let signed_so =
            format!("it is signed with {title}'s secret, but the way {name} signs (scheme {})", scheme.name);
        add(scheme.clone(), None, signed_so.clone());
        add(scheme.clone(), read(case.secrets()), signed_so.clone());
        for own in &case.provider.schemes {
            add(Scheme { signature: own.signature.clone(), ..scheme.clone() }, None, signed_so.clone());
        }
    }
}
