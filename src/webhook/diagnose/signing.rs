//! Hypotheses about the way of signing: every way to read a request, and the schemes of other providers.

use std::cmp::{Ordering, Reverse};

use super::{Code, Finding, RejectedRequest, found::signatures, reading::Reading, time, url};
use crate::webhook::{
    place::{Lookup, ValueSource},
    provider::Provider,
    remedy::Remedy,
    request::Request,
    signature::{Scheme, SigningSecret},
    words::count,
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
    all.extend(of_others(case));
    all.sort_by_key(|reading| reading.findings.len());
    all.truncate(MOST);
    all
}

/// Readings by which a URL other than the configured one was signed.
pub fn urls(case: &RejectedRequest<'_>) -> Vec<Reading> {
    case.provider.schemes.iter().flat_map(|scheme| url::readings(case, scheme)).collect()
}

/// A way in which other providers sign.
struct OtherWay<'a> {
    scheme: Scheme,
    /// The secrets to try, if they aren't read as this provider reads them.
    secrets: Option<Vec<SigningSecret>>,
    /// Of the providers that sign so, those that the request resembles most.
    providers: Vec<&'a Provider>,
    resemblance: usize,
}

/// The maximum number of other providers that a message names.
const MOST_NAMED: usize = 3;

/// Readings by other providers' schemes, in their own headers and in this one's. Those of the providers that the
/// request resembles most come first.
fn of_others(case: &RejectedRequest<'_>) -> Vec<Reading> {
    let (mut deliveries, mut own_headers, mut our_headers) = (Vec::new(), Vec::new(), Vec::new());
    let known = case.catalog.by_headers(&Lookup::new(case.request));
    for other in case.catalog.providers().filter(|other| other.name != case.provider.name) {
        let Some(rule) = &other.secret else { continue };
        let read = |secrets: &[SigningSecret]| -> Vec<SigningSecret> {
            secrets.iter().filter_map(|secret| SigningSecret::parse(secret.expose(), &rule.format).ok()).collect()
        };
        let is_known = known.iter().any(|provider| provider.name == other.name);
        for scheme in &other.schemes {
            let resemblance = usize::from(is_known) + usize::from(is_named_like(other, case.request, scheme));
            let way = |scheme, secrets| OtherWay { scheme, secrets, providers: vec![other], resemblance };
            if let Some(scheme) = as_sent(scheme.clone(), case.request) {
                deliveries.push(way(scheme.clone(), Some(read(case.keyring.secrets(&other.name)))));
                add(&mut own_headers, way(scheme.clone(), None));
                add(&mut own_headers, way(scheme, Some(read(case.secrets()))));
            }
            for own in &case.provider.schemes {
                let scheme = Scheme { signature: own.signature.clone(), ..scheme.clone() };
                if let Some(scheme) = as_sent(scheme, case.request) {
                    add(&mut our_headers, way(scheme, None));
                }
            }
        }
    }
    let deliveries = by_resemblance(deliveries).map(|way| {
        let finding = delivery_from(case, way.providers[0]);
        Reading { secrets: way.secrets, ..Reading::new(way.scheme, case, vec![finding]) }
    });
    let ways = by_resemblance(own_headers).chain(by_resemblance(our_headers)).map(|way| {
        let finding = signed_like(case, &way);
        Reading { secrets: way.secrets, ..Reading::new(way.scheme, case, vec![finding]) }
    });
    deliveries.chain(ways).collect()
}

fn by_resemblance(mut ways: Vec<OtherWay<'_>>) -> impl Iterator<Item = OtherWay<'_>> {
    ways.sort_by_key(|way| Reverse(way.resemblance));
    ways.into_iter()
}

/// Adds a way of signing, or its provider to those that sign alike.
fn add<'a>(ways: &mut Vec<OtherWay<'a>>, new: OtherWay<'a>) {
    let known = ways.iter_mut().find(|way| signs_alike(&way.scheme, &new.scheme) && way.secrets == new.secrets);
    let Some(way) = known else { return ways.push(new) };
    match new.resemblance.cmp(&way.resemblance) {
        Ordering::Less => {}
        Ordering::Equal => {
            way.providers.extend(new.providers);
            way.providers.dedup_by_key(|provider| &provider.name);
        }
        Ordering::Greater => *way = new,
    }
}

/// It was sent by another provider.
fn delivery_from(case: &RejectedRequest<'_>, other: &Provider) -> Finding {
    let (title, name) = (&case.provider.title, &other.title);
    let message =
        format!("this is a delivery from {name}: it verifies with {name}'s scheme and secret, not with {title}'s");
    let remedy = Remedy::ChooseProvider { other: other.name.clone() };
    Finding { remedy, ..Finding::new(Code::SchemeOfOtherProvider, message) }
}

/// It is signed with this provider's secret, but as another provider does. Where several do, and the request resembles
/// none of them more than the others, none is advised.
fn signed_like(case: &RejectedRequest<'_>, way: &OtherWay<'_>) -> Finding {
    let (title, scheme) = (&case.provider.title, &way.scheme);
    let finding = |message| Finding::new(Code::SchemeOfOtherProvider, message);
    if let [other] = way.providers.as_slice() {
        let remedy = Remedy::ChooseProvider { other: other.name.clone() };
        let message =
            format!("it is signed with {title}'s secret, but the way {} signs (scheme {})", other.title, scheme.name);
        return Finding { remedy, ..finding(message) };
    }
    let named: Vec<&str> = way.providers.iter().take(MOST_NAMED).map(|provider| provider.title.as_str()).collect();
    let more = way.providers.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {}", count(more, "other")) };
    finding(format!(
        "it is signed with {title}'s secret, but in a way in which other providers sign: {} of `{}`, sent as `{}` ({}{more})",
        scheme.algorithm,
        scheme.content.as_str(),
        scheme.grammar,
        named.join(", ")
    ))
}

/// A scheme with only those of its headers that a request has; `None` if it has none for the signature.
fn as_sent(mut scheme: Scheme, request: &Request) -> Option<Scheme> {
    let narrow = |source: &mut ValueSource| {
        let ValueSource::Headers(names) = source else { return true };
        let sent = names.iter().find(|name| request.headers.contains(name.as_str())).cloned();
        let is_sent = sent.is_some();
        if let Some(name) = sent {
            *source = ValueSource::Headers(vec![name].into());
        }
        is_sent
    };
    let has_signature = narrow(&mut scheme.signature);
    scheme.id.as_mut().map(narrow);
    scheme.timestamp.as_mut().and_then(|rule| rule.source.as_mut()).map(narrow);
    has_signature.then_some(scheme)
}

/// Whether two schemes verify the same requests, but for their age.
fn signs_alike(one: &Scheme, other: &Scheme) -> bool {
    let parts = |scheme: &Scheme| {
        let time = scheme.timestamp.as_ref().map(|rule| (rule.source.clone(), rule.unit));
        let sources = (scheme.signature.clone(), scheme.id.clone(), time);
        let claims = (scheme.claims.clone(), scheme.place_claims.clone());
        let format = scheme.secret.as_ref().map(|rule| rule.format.clone());
        (scheme.algorithm, scheme.before_compression, sources, claims, format)
    };
    one.content == other.content && one.grammar == other.grammar && parts(one) == parts(other)
}

/// Whether the signature's header is named like a provider: `svix-signature`, or `webhook-signature` for Standard
/// Webhooks.
fn is_named_like(provider: &Provider, request: &Request, scheme: &Scheme) -> bool {
    let sent = scheme.headers().iter().find(|name| request.headers.contains(name.as_str()));
    let family = sent.and_then(|name| name.as_str().trim_start_matches("x-").split('-').next());
    let mut words = provider.name.split('-');
    family.is_some_and(|family| words.any(|word| word == family || word.strip_suffix('s') == Some(family)))
}
