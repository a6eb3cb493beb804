//! Hypotheses about headers: their names were changed in transit, or their values split. Undoing that yields the
//! request as it was sent, on which everything else is then tried.

use http::{HeaderName, HeaderValue};

use super::{Code, Finding, RejectedRequest};
use crate::webhook::{
    remedy::Remedy,
    request::{self, FieldName, Headers, Request},
    signature::{Scheme, timestamp::TimestampRule},
};

/// A request with its headers as they were sent, if a hypothesis holds.
#[derive(Debug)]
pub struct Repaired {
    pub request: Request,
    /// What was wrong with the headers.
    pub finding: Finding,
}

/// The maximum number of requests that are tried.
const MOST: usize = 12;

/// The longest value that is shown, in characters: shorter than a signature.
const LONGEST_SHOWN: usize = 40;

/// All repaired requests, the most likely first.
pub fn repaired(case: &RejectedRequest<'_>) -> Vec<Repaired> {
    let mut all = Vec::new();
    let renamed = renamed(case);
    if let Some((request, names)) = renamed {
        let shown: Vec<String> =
            names.iter().map(|(own, found)| format!("`{own}` is named `{}`", spelled(found))).collect();
        let message = format!("the signature matches once each header has its own name: {}", shown.join(", "));
        all.extend(joined(case, &request));
        all.insert(0, Repaired { request, finding: Finding::new(Code::HeaderRenamed, message) });
    }
    all.extend(joined(case, case.request));
    all.extend(percent_decoded(case));
    all.truncate(MOST);
    all
}

/// The request with the headers that the schemes need under their own names, and what these were called; `None` if none
/// was renamed.
pub fn renamed(case: &RejectedRequest<'_>) -> Option<(Request, Vec<(HeaderName, FieldName)>)> {
    let mut request = case.request.clone();
    let mut names = Vec::new();
    for wanted in case.provider.schemes.iter().flat_map(needed) {
        if wanted.iter().any(|name| request.headers.contains(name.as_str())) {
            continue;
        }
        let found = wanted.iter().find_map(|name| {
            let mut others = case.request.headers.iter();
            others
                .find(|(other, _)| other != name && is_renamed(name, other.as_str()))
                .map(|(other, _)| (name, other.clone()))
        });
        let Some((own, other)) = found else { continue };
        let values: Vec<HeaderValue> = case.request.headers.all(other.as_str()).cloned().collect();
        request.headers.remove(other.as_str());
        for value in values {
            request.headers.push(own.clone(), value);
        }
        names.push((own.clone(), other));
    }
    (!names.is_empty()).then_some((request, names))
}

/// The headers that a scheme needs, each as a list of alternative names.
fn needed(scheme: &Scheme) -> Vec<Vec<HeaderName>> {
    let time = scheme.timestamp.as_ref().map_or(&[][..], TimestampRule::headers);
    let signed = scheme.content.headers().map(|name| vec![name.clone()]);
    let own = [scheme.headers(), scheme.id_headers(), time].into_iter().filter(|names| !names.is_empty());
    own.map(<[HeaderName]>::to_vec).chain(signed).collect()
}

/// Whether a name is that of another header after CGI, a template or a database changed it: `HTTP_X_NAME`, `x_name`,
/// `xName`, `headers.x-name`; or with or without its `x-`.
fn is_renamed(own: &HeaderName, other: &str) -> bool {
    let own = own.as_str();
    let bare = |name: &str| name.bytes().filter(u8::is_ascii_alphanumeric).map(char::from).collect::<String>();
    let without_x = |name: &str| bare(name.strip_prefix("x-").or_else(|| name.strip_prefix("x_")).unwrap_or(name));
    let prefixes = [
        "redirect_http_",
        "http_",
        "http-",
        "header_",
        "header-",
        "headers.",
        "request-header-",
        "x-original-",
        "x-forwarded-",
    ];
    let rests = prefixes.iter().filter_map(|prefix| other.strip_prefix(prefix));
    std::iter::once(other).chain(rests).any(|name| bare(name) == bare(own) || without_x(name) == without_x(own))
}

/// A name as it is spelled where it comes from: CGI's are in uppercase.
fn spelled(name: &FieldName) -> String {
    let is_cgi = name.as_str().starts_with("http_") || name.as_str().starts_with("redirect_http_");
    if is_cgi {
        format!("{}, as CGI and PHP's $_SERVER name it", name.as_str().to_uppercase())
    } else {
        name.to_string()
    }
}

/// The request with the values of a repeated signature header joined in the ways in which they may have been split.
fn joined(case: &RejectedRequest<'_>, request: &Request) -> Vec<Repaired> {
    let mut all = Vec::new();
    for name in case.provider.schemes.iter().flat_map(Scheme::headers) {
        let values: Vec<String> =
            request.headers.all(name.as_str()).map(|value| request::text(value).into_owned()).collect();
        if values.len() < 2 || all.len() >= MOST {
            continue;
        }
        let mut add = |value: &str, code, message: String| {
            let Ok(value) = request::value(value) else { return };
            let mut request = request.clone();
            request.headers.set(name, value);
            all.push(Repaired { request, finding: Finding::new(code, message) });
        };
        for (separator, what) in [(",", "commas"), (", ", "commas"), (" ", "spaces"), (";", "semicolons")] {
            let message = format!(
                "the signature matches once the {} values of the `{name}` header are joined again: its value was split at its {what}",
                values.len()
            );
            add(&values.join(separator), Code::HeaderSplit, message);
        }
        for (index, value) in values.iter().enumerate().take(4) {
            let message = format!(
                "the signature matches with only value {} of the {} in the `{name}` header",
                index + 1,
                values.len()
            );
            add(value, Code::HeaderRepeated, message);
        }
    }
    all
}

/// The request with the `%XX` in its signature headers decoded.
fn percent_decoded(case: &RejectedRequest<'_>) -> Option<Repaired> {
    let mut request = case.request.clone();
    let mut names = Vec::new();
    for name in case.provider.schemes.iter().flat_map(Scheme::headers) {
        let Some(value) = case.request.headers.text(name.as_str()).filter(|value| value.contains('%')) else {
            continue;
        };
        let decoded = percent_encoding::percent_decode_str(&value).decode_utf8().ok();
        if let Some(decoded) = decoded.and_then(|decoded| request::value(&decoded).ok()) {
            request.headers.set(name, decoded);
            names.push(format!("`{name}`"));
        }
    }
    names.dedup();
    let message = format!(
        "the signature matches once the %XX escapes in the {} header are decoded: it was percent-encoded",
        names.join(" and ")
    );
    let remedy =
        Remedy::advice("pass the header's value on as it is, without encodeURIComponent(), urlencode or a query");
    let finding = Finding { remedy, ..Finding::new(Code::WrongEncoding, message) };
    (!names.is_empty()).then_some(Repaired { request, finding })
}

/// What the headers suggest, without proof.
pub fn seen(case: &RejectedRequest<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    let headers = &case.request.headers;
    if let Some((_, names)) = renamed(case) {
        let shown: Vec<String> = names
            .iter()
            .map(|(own, found)| format!("there is no `{own}` header, but one named `{}`", spelled(found)))
            .collect();
        all.push(Finding::new(Code::SeenRenamedHeader, shown.join("; ")));
    }
    for scheme in &case.provider.schemes {
        for name in scheme.headers() {
            let count = headers.all(name.as_str()).count();
            if count > 1 {
                let message = format!("the `{name}` header has {count} values; expected one");
                all.push(Finding::new(Code::SeenTwoValues, message));
            } else if let Some(value) = cut_at_comma(scheme, headers, name) {
                let message = format!(
                    "the `{name}` header is only `{value}`: it ends where a comma would follow, so the rest seems to be cut off"
                );
                all.push(Finding::new(Code::SeenCutAtComma, message));
            }
        }
    }
    all.dedup();
    all
}

/// The value of a header whose format has a comma, if only the part before the comma is there.
fn cut_at_comma(scheme: &Scheme, headers: &Headers, name: &HeaderName) -> Option<String> {
    let form = scheme.grammar.to_string();
    let (first, _) = form.split_once(',')?;
    let (tag, has_value) = first.split_once('{').map_or((first, false), |(tag, _)| (tag, true));
    let value = headers.text(name.as_str())?.trim().to_owned();
    let rest = value.strip_prefix(tag)?;
    let is_cut = if has_value { !rest.is_empty() } else { rest.is_empty() };
    (is_cut && !value.contains(',') && value.chars().count() <= LONGEST_SHOWN).then_some(value)
}
