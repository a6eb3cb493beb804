//! `[delivery]`: how a provider delivers, and when it retries.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use toml::Spanned;

use super::values::{self, DurationText, ParsedText, Wrong};
use crate::webhook::{
    delivery::{Encoding, HeaderTemplate, Media, Policy, Retry, StatusPattern},
    fresh::Fresh,
    signature::Scheme,
    size::parse_size,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDelivery {
    method: Option<Spanned<String>>,
    encodings: Option<Spanned<Vec<RawEncoding>>>,
    #[serde(default)]
    indented: bool,
    #[serde(default)]
    repeat_on_timeout: u32,
    user_agent: Option<Spanned<String>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    id: Option<Spanned<String>>,
    success: Spanned<Vec<Spanned<String>>>,
    timeout: Option<Spanned<ParsedText<DurationText>>>,
    retry: Option<RawRetry>,
    max_body: Option<Spanned<String>>,
    #[serde(default)]
    logs: Vec<Spanned<String>>,
    redelivery: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    waits: Vec<ParsedText<DurationText>>,
    renews_timestamp: Option<bool>,
    #[serde(default)]
    retry_after: bool,
    #[serde(default)]
    stop: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEncoding {
    #[serde(rename = "type")]
    media: Media,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl RawDelivery {
    /// The policy. If the payload is in a form field, the default encoding is a form. A delivery gets an id if a
    /// scheme, a header or the payload (`has_id`) has one.
    pub(super) fn policy(self, schemes: &[Scheme], is_form: bool, has_id: bool) -> Result<Policy, Wrong> {
        if self.success.get_ref().is_empty() {
            return Err(Wrong::new(self.success.span(), "`success` needs at least one status"));
        }
        let usual = Encoding { media: if is_form { Media::Urlencoded } else { Media::Json }, headers: Vec::new() };
        if let Some(name) = self.headers.keys().find(|name| signs_in(schemes, name.get_ref())) {
            let message = format!("`{}` is the signature's header, which hookdev adds; leave it out", name.get_ref());
            return Err(Wrong::new(name.span(), message));
        }
        let headers = headers(self.headers, HeaderTemplate::try_from)?;
        let has_id = has_id
            || schemes.iter().any(|scheme| scheme.id.is_some())
            || headers.iter().any(|(_, template)| template.has_id());
        Ok(Policy {
            method: self.method.as_ref().map(values::method).transpose()?.unwrap_or(Method::POST),
            encodings: self.encodings.map_or_else(|| Ok(vec![usual]), encodings)?,
            indented: self.indented,
            repeat_on_timeout: self.repeat_on_timeout,
            user_agent: self.user_agent.as_ref().map(user_agent).transpose()?,
            headers,
            id: self.id.as_ref().map(id).transpose()?.or_else(|| has_id.then(Fresh::uuid)),
            success: statuses(self.success.get_ref())?,
            timeout: self.timeout.as_ref().map(timeout).transpose()?,
            retry: RawRetry::retry(self.retry, schemes)?,
            max_body: self.max_body.as_ref().map(max_body).transpose()?,
            logs: self.logs.iter().map(values::line).collect::<Result<_, _>>()?,
            redelivery: self.redelivery.as_ref().map(values::line).transpose()?,
        })
    }
}

fn signs_in(schemes: &[Scheme], header: &str) -> bool {
    schemes.iter().flat_map(Scheme::headers).any(|name| header.eq_ignore_ascii_case(name.as_str()))
}

fn encodings(list: Spanned<Vec<RawEncoding>>) -> Result<Vec<Encoding>, Wrong> {
    if list.get_ref().is_empty() {
        return Err(Wrong::new(list.span(), "`encodings` needs at least one encoding; without the key, it is JSON"));
    }
    let encoding = |raw: RawEncoding| Ok(Encoding { media: raw.media, headers: headers(raw.headers, Ok)? });
    list.into_inner().into_iter().map(encoding).collect()
}

fn user_agent(text: &Spanned<String>) -> Result<HeaderValue, Wrong> {
    values::line(text).and_then(|_| values::fixed_value(text))
}

fn id(text: &Spanned<String>) -> Result<Fresh, Wrong> {
    values::line(text).and_then(|_| values::parse(text, |text| Fresh::try_from(text.to_owned())))
}

fn timeout(timeout: &Spanned<ParsedText<DurationText>>) -> Result<Duration, Wrong> {
    match timeout.get_ref().0.0 {
        Duration::ZERO => Err(Wrong::new(timeout.span(), "the timeout is zero, so every delivery would fail")),
        timeout => Ok(timeout),
    }
}

fn max_body(text: &Spanned<String>) -> Result<usize, Wrong> {
    values::parse(text, |text| match parse_size(text) {
        Ok(0) => Err("the size is zero, so every body would be too large".to_owned()),
        Ok(size) => Ok(size),
        Err(hint) => Err(format!("invalid size `{text}`: {hint}")),
    })
}

impl RawRetry {
    fn retry(raw: Option<Self>, schemes: &[Scheme]) -> Result<Retry, Wrong> {
        // An old signed timestamp would be rejected as stale.
        let signs_timestamp = schemes.first().is_some_and(Scheme::signs_timestamp);
        Ok(match raw {
            None => Retry { renews_timestamp: signs_timestamp, ..Retry::assumed() },
            Some(raw) => Retry {
                waits: raw.waits.into_iter().map(|ParsedText(wait)| wait.0).collect(),
                assumed: false,
                renews_timestamp: raw.renews_timestamp.unwrap_or(signs_timestamp),
                retry_after: raw.retry_after,
                stop: statuses(&raw.stop)?,
            },
        })
    }
}

fn statuses(texts: &[Spanned<String>]) -> Result<Vec<StatusPattern>, Wrong> {
    texts.iter().map(|text| values::parse(text, |text| StatusPattern::try_from(text.to_owned()))).collect()
}

/// Headers by name. Each value must be valid in a header and accepted by `read`.
fn headers<T>(
    table: BTreeMap<Spanned<String>, Spanned<String>>,
    read: impl Fn(String) -> Result<T, String>,
) -> Result<Vec<(HeaderName, T)>, Wrong> {
    let header = |(name, text): (Spanned<String>, Spanned<String>)| {
        let (name, value) = (values::sent_header_name(&name)?, values::header_value(&text)?);
        Ok((name, read(value).map_err(|message| Wrong::new(text.span(), message))?))
    };
    table.into_iter().map(header).collect()
}
