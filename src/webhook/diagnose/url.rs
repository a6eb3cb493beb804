//! Hypotheses about the signed URL: the provider signed it as it calls it, and the configured one differs in its scheme,
//! host, port, slash or query.

use std::collections::HashSet;

use super::{Code, Finding, RejectedRequest, reading::Reading};
use crate::webhook::{
    request::Request,
    signature::{Scheme, content::SignedContent},
};

/// The maximum number of URLs that are tried.
const MOST: usize = 160;

/// The longest URL that messages show, in characters.
const LONGEST_SHOWN: usize = 200;

/// Readings by a scheme that signs a URL, each with another one.
pub fn readings(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
    let template = scheme.content.as_str();
    let Some((before, configured, after)) = literal(template) else { return Vec::new() };
    let Some(parts) = Parts::of(configured) else { return Vec::new() };
    let mut readings = Vec::new();
    for url in variants(&parts, case.request) {
        if url == configured || url.contains(['{', '}']) || readings.len() == MOST {
            continue;
        }
        let Ok(content) = SignedContent::try_from(format!("{before}{url}{after}")) else { continue };
        let shown: String = url.chars().take(LONGEST_SHOWN).collect();
        let message = format!("the signature covers the URL `{shown}`, not the configured `{configured}`");
        let finding = Finding::new(Code::WrongUrl, message);
        readings.push(Reading::new(Scheme { content, ..scheme.clone() }, case.request, vec![finding]));
    }
    readings
}

/// The URL that a template has as literal text, with what is before and after it.
fn literal(template: &str) -> Option<(&str, &str, &str)> {
    let start = [template.find("https://"), template.find("http://")].into_iter().flatten().min()?;
    let length = template[start..].find(['{', '}', ' ', '\n']).unwrap_or(template.len() - start);
    Some((&template[..start], &template[start..start + length], &template[start + length..]))
}

/// The parts of a URL as they are written.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
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
fn variants(configured: &Parts<'_>, request: &Request) -> Vec<String> {
    let header = |name: &str| {
        request.headers.text(name).map(|value| value.split(',').next().unwrap_or_default().trim().to_owned())
    };
    let forwarded = header("forwarded").unwrap_or_default();
    let forwarded = |key: &str| {
        let parts = forwarded.split(';').filter_map(|part| part.trim().split_once('='));
        parts
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim_matches('"').to_owned())
    };
    let mut authorities: Vec<(String, Option<String>)> =
        vec![(configured.host.to_owned(), configured.port.map(str::to_owned))];
    for host in
        [header("host"), header("x-forwarded-host"), header("x-original-host"), forwarded("host")].into_iter().flatten()
    {
        let (host, port) = split_port(&host);
        authorities.push((host.to_owned(), port.map(str::to_owned)));
        authorities.push((configured.host.to_owned(), port.map(str::to_owned)));
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

/// Paths and queries, that of the configured URL first.
fn targets(configured: &Parts<'_>, request: &Request) -> Vec<String> {
    let with_query = |path: &str, query: Option<&str>| match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let received = split_query(&request.target);
    let mut targets = vec![with_query(configured.path, configured.query)];
    for (path, query) in [(configured.path, configured.query), received] {
        let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        for path in [path, &other] {
            for query in [query, None, configured.query, received.1] {
                targets.push(with_query(path, query));
                if let Some(sorted) = query.map(sorted) {
                    targets.push(with_query(path, Some(&sorted)));
                }
            }
        }
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        targets.push(with_query(&decoded, query));
    }
    targets.push(String::new());
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    targets
}

/// A query with its parameters sorted.
fn sorted(query: &str) -> String {
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    parameters.join("&")
}
