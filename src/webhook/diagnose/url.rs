//! Hypotheses about the signed URL: the provider signs the URL that it calls, but the one that is configured, given or
//! named by the request differs in scheme, host, port, slash or query.

use std::collections::HashSet;

use super::{Code, Finding, RejectedRequest, reading::Reading};
use crate::webhook::{
    called_url::{self, forwarded},
    place::Place,
    remedy::Remedy,
    request::Request,
    signature::{Reason, Scheme, content::SignedContent},
    url_redaction,
};

/// The maximum number of URLs that are tried.
const MOST: usize = 240;

/// The longest URL that messages show, in characters.
const LONGEST_SHOWN: usize = 200;

/// Readings by a scheme that signs a URL, each with another URL in place of the request's, or of one written out in the
/// manifest.
pub fn readings(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
    if scheme.content.signs_url() {
        let mut readings = of_request(case, scheme);
        readings.extend(undecoded(case, scheme));
        return readings;
    }
    let template = scheme.content.as_str();
    let Some((before, configured, after)) = literal(template) else { return Vec::new() };
    let changed = variants_of(configured, case.request).filter_map(|url| {
        let content = SignedContent::try_from(format!("{before}{url}{after}")).ok()?;
        let message = format!("the signature covers the URL {}, not the configured `{configured}`", shown(&url));
        let finding = Finding::new(Code::WrongUrl, message);
        Some(Reading::new(Scheme { content, ..scheme.clone() }, case, vec![finding]))
    });
    changed.take(MOST).collect()
}

/// Readings with a URL other than the one that is given, or that the request names.
fn of_request(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
    let known = known(case);
    let changed = variants_of(&known, case.request).map(|url| {
        let (signed, known) = (shown(&url), shown(&known));
        let message = if signed == known {
            format!("the signature covers the URL {signed}, but with a redacted value that is written differently")
        } else {
            format!("the signature covers the URL {signed}, not {known}")
        };
        let remedy = Remedy::CorrectUrl { url: url_redaction::tokens(&url).into_owned() };
        let finding = Finding { remedy, ..Finding::new(Code::WrongUrl, message) };
        Reading { url: Some(url), ..Reading::new(scheme.clone(), case, vec![finding]) }
    });
    changed.take(MOST).collect()
}

/// The reading by a scheme that decodes characters of the URL, but without decoding them.
fn undecoded(case: &RejectedRequest<'_>, scheme: &Scheme) -> Option<Reading> {
    let (place, characters) = scheme.content.places().find_map(|place| match place {
        Place::DecodedUrl(characters) => Some((place, characters)),
        _ => None,
    })?;
    let template = scheme.content.as_str().replace(&format!("{{{place}}}"), "{url}");
    let scheme = Scheme { content: SignedContent::try_from(template).ok()?, ..scheme.clone() };
    let message = format!("the signature covers the URL {} as it is sent", shown(&known(case)));
    let title = &case.provider.title;
    let remedy = Remedy::advice(format!("decode the characters `{characters}` before you sign, as {title} does"));
    Some(Reading::new(scheme, case, vec![Finding { remedy, ..Finding::new(Code::WrongUrl, message) }]))
}

/// The URL that the signature was verified with.
fn known(case: &RejectedRequest<'_>) -> String {
    case.receipt.url.map_or_else(|| called_url::of(case.request), str::to_owned)
}

/// The scheme signs the URL, but no URL is known that a provider could have called.
pub fn seen(case: &RejectedRequest<'_>) -> Option<Finding> {
    // A signature that matches was made for this URL.
    if let Reason::ClaimMismatch { .. } | Reason::NotInBody { .. } = case.rejection.reason {
        return None;
    }
    let known = known(case);
    let signs = |scheme: &Scheme| scheme.algorithm.covers_content() && scheme.content.signs_url();
    if !case.provider.schemes.iter().any(signs) || !called_url::is_local(&known) {
        return None;
    }
    let message = format!(
        "{} signs the URL that it calls, but the request shows only {}, a URL of this machine",
        case.provider.title,
        shown(&known)
    );
    Some(Finding { remedy: Remedy::GiveUrl, ..Finding::new(Code::SeenLocalUrl, message) })
}

/// The URLs that may have been signed instead of this one, the fewest differences first.
fn variants_of(known: &str, request: &Request) -> impl Iterator<Item = String> {
    let variants = UrlParts::of(known).map(|parts| variants(&parts, request)).unwrap_or_default();
    let known = known.to_owned();
    variants.into_iter().filter(move |url| *url != known && !url.contains(['{', '}']))
}

/// A URL as messages quote it.
fn shown(url: &str) -> String {
    let url: String = url_redaction::tokens(url).replace('`', "%60").chars().take(LONGEST_SHOWN).collect();
    format!("`{url}`")
}

/// The URL that a template has as literal text, with what is before and after it.
fn literal(template: &str) -> Option<(&str, &str, &str)> {
    let start = [template.find("https://"), template.find("http://")].into_iter().flatten().min()?;
    let length = template[start..].find(['{', '}', ' ', '\n']).unwrap_or(template.len() - start);
    Some((&template[..start], &template[start..start + length], &template[start + length..]))
}

/// The parts of a URL as they are written.
struct UrlParts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> UrlParts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_port(authority);
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = split_query(target);
        Some(Self { scheme, host, port, path, query })
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

fn split_query(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

/// The URLs that may have been signed, the fewest differences first.
fn variants(configured: &UrlParts<'_>, request: &Request) -> Vec<String> {
    let header = |name: &str| header(request, name);
    let mut authorities: Vec<(String, Option<String>)> =
        vec![(configured.host.to_owned(), configured.port.map(str::to_owned))];
    for host in [header("host"), header("x-original-host"), forwarded(request, "x-forwarded-host", "host")]
        .into_iter()
        .flatten()
    {
        let (host, port) = split_port(&host);
        authorities.push((host.to_owned(), port.map(str::to_owned)));
        authorities.push((configured.host.to_owned(), port.map(str::to_owned)));
    }
    let bare = configured.host.strip_prefix("www.");
    let other = bare.map_or_else(|| format!("www.{}", configured.host), str::to_owned);
    for host in [other, configured.host.to_lowercase()] {
        authorities.push((host, configured.port.map(str::to_owned)));
    }
    if let Some(port) = header("x-forwarded-port") {
        authorities.push((configured.host.to_owned(), Some(port)));
    }
    let other = if configured.scheme == "https" { "http" } else { "https" };
    let schemes = [configured.scheme, other];
    let targets = targets(configured, request);

    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |scheme: &str, host: &str, port: Option<&str>, target: &str| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let url = format!("{scheme}://{host}{port}{target}");
        if seen.insert(url.clone()) {
            found.push(url);
        }
    };
    // One difference at first, then all of them.
    let own = &targets[0];
    for scheme in schemes {
        for port in [configured.port, None, Some("443"), Some("80"), Some("8080"), Some("3000"), Some("8443")] {
            add(scheme, configured.host, port, own);
        }
    }
    for target in &targets {
        add(configured.scheme, configured.host, configured.port, target);
    }
    for target in &targets {
        add(other, configured.host, configured.port, target);
    }
    for scheme in schemes {
        for (host, port) in &authorities {
            for target in &targets {
                for port in [port.as_deref(), None, Some(if scheme == "https" { "443" } else { "80" })] {
                    add(scheme, host, port, target);
                }
            }
        }
    }
    found
}

/// The first value of a header.
fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.text(name).map(|value| value.split(',').next().unwrap_or_default().trim().to_owned())
}

/// The headers in which proxies keep the path and query that they rewrite.
const ORIGINAL_TARGETS: [&str; 5] =
    ["x-original-uri", "x-original-url", "x-rewrite-url", "x-envoy-original-path", "x-forwarded-uri"];

/// The target before a proxy rewrote it.
fn original_targets(request: &Request) -> Vec<String> {
    let stripped = header(request, "x-forwarded-prefix").map(|prefix| format!("{prefix}{}", request.target));
    let kept = ORIGINAL_TARGETS.iter().filter_map(|name| Some(request.headers.text(name)?.trim().to_owned()));
    let of_url = |text: String| match UrlParts::of(&text) {
        Some(parts) => with_query(parts.path, parts.query),
        None => text,
    };
    kept.map(of_url).chain(stripped).filter(|target| target.starts_with('/')).collect()
}

fn with_query(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Paths and queries, that of the configured URL first.
fn targets(configured: &UrlParts<'_>, request: &Request) -> Vec<String> {
    let received = split_query(&request.target);
    let mut targets = vec![with_query(configured.path, configured.query)];
    targets.extend(original_targets(request));
    for (path, query) in [(configured.path, configured.query), received] {
        let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        for path in [path, &other] {
            for query in [query, None, configured.query, received.1] {
                targets.push(with_query(path, query));
                targets.extend(query.iter().map(|query| with_query(path, Some(&sorted(query)))));
            }
        }
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        targets.push(with_query(&decoded, query));
    }
    if let Some(query) = configured.query {
        let orders = orders(query);
        targets.extend(orders.iter().map(|query| with_query(configured.path, Some(query))));
        targets.push(with_query(configured.path, Some(&query.replace("%20", "+"))));
        targets.push(with_query(configured.path, Some(&query.replace('+', "%20"))));
        let decoded = percent_encoding::percent_decode_str(query).decode_utf8_lossy();
        targets.push(with_query(configured.path, Some(&decoded)));
        targets.push(with_query(configured.path, Some(&query.replace(' ', "%20"))));
    }
    targets.push(String::new());
    targets.extend(prefixed(configured.path).into_iter().map(|path| with_query(&path, configured.query)));
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    targets
}

/// The prefixes that proxies and gateways add to a path or strip from it.
const PREFIXES: [&str; 16] = [
    "/api",
    "/webhooks",
    "/webhook",
    "/hooks",
    "/v1",
    "/api/v1",
    "/api/webhooks",
    "/app",
    "/backend",
    "/public",
    "/prod",
    "/production",
    "/staging",
    "/stage",
    "/dev",
    "/default",
];

/// The maximum number of segments that are stripped from a path.
const MOST_SEGMENTS: usize = 3;

/// The path without its first segments, and with each usual prefix.
fn prefixed(path: &str) -> Vec<String> {
    let starts = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
    let shorter = starts.take(MOST_SEGMENTS).map(|at| path[at..].to_owned());
    shorter.chain(PREFIXES.iter().map(|prefix| format!("{prefix}{path}"))).collect()
}

/// A query with its parameters sorted.
fn sorted(query: &str) -> String {
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    parameters.join("&")
}

/// The maximum number of parameters whose orders are all tried: 24 of them.
const MOST_PARAMETERS: usize = 4;

/// A query with its parameters in every order, if they are few.
fn orders(query: &str) -> Vec<String> {
    let parameters: Vec<&str> = query.split('&').collect();
    if parameters.len() > MOST_PARAMETERS {
        return Vec::new();
    }
    let mut orders: Vec<Vec<&str>> = vec![Vec::new()];
    for parameter in parameters {
        let shorter = std::mem::take(&mut orders);
        for order in shorter {
            orders.extend((0..=order.len()).map(|place| {
                let mut longer = order.clone();
                longer.insert(place, parameter);
                longer
            }));
        }
    }
    orders.iter().map(|order| order.join("&")).collect()
}
