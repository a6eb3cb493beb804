//! `[delivery]`: how a provider delivers, and when it retries.

use std::collections::BTreeMap;

use http::{HeaderName, Method};
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
    #[serde(default)]
    encodings: Vec<RawEncoding>,
    #[serde(default)]
    indented: bool,
    #[serde(default)]
    repeat_on_timeout: u32,
    user_agent: Option<Spanned<String>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    id: Option<Fresh>,
    success: Spanned<Vec<Spanned<String>>>,
    timeout: Option<ParsedText<DurationText>>,
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
    /// The policy; a payload in a form field makes a form the usual encoding. A delivery gets an id if a scheme or a
    /// header has one, or the payload, as `has_id` says.
    pub(super) fn policy(self, schemes: &[Scheme], is_form: bool, has_id: bool) -> Result<Policy, Wrong> {
        if self.success.get_ref().is_empty() {
            return Err(Wrong::new(self.success.span(), "`success` needs at least one status"));
        }
        let method = |text: &Spanned<String>| {
            values::parse(text, |text| text.parse().map_err(|_| format!("invalid method `{text}`")))
        };
        let mut encodings = Vec::new();
        for encoding in self.encodings {
            encodings.push(Encoding { media: encoding.media, headers: headers(encoding.headers, Ok)? });
        }
        if encodings.is_empty() {
            let media = if is_form { Media::Urlencoded } else { Media::Json };
            encodings.push(Encoding { media, headers: Vec::new() });
        }
        let headers = headers(self.headers, HeaderTemplate::try_from)?;
        let has_id = has_id
            || schemes.iter().any(|scheme| scheme.id.is_some())
            || headers.iter().any(|(_, template)| template.has_id());
        Ok(Policy {
            method: self.method.as_ref().map(method).transpose()?.unwrap_or(Method::POST),
            encodings,
            indented: self.indented,
            repeat_on_timeout: self.repeat_on_timeout,
            user_agent: self.user_agent.as_ref().map(values::fixed_value).transpose()?,
            headers,
            id: self.id.or_else(|| has_id.then(Fresh::uuid)),
            success: statuses(self.success.get_ref())?,
            timeout: self.timeout.map(|ParsedText(timeout)| timeout.0),
            retry: RawRetry::retry(self.retry, schemes)?,
            max_body: self.max_body.as_ref().map(|text| values::parse(text, parse_size)).transpose()?,
            logs: self.logs.iter().map(line).collect::<Result<_, _>>()?,
            redelivery: self.redelivery.as_ref().map(line).transpose()?,
        })
    }
}

/// A text for people on one line.
fn line(text: &Spanned<String>) -> Result<String, Wrong> {
    values::parse(text, |text| match text {
        _ if text.trim().is_empty() => Err("the text is empty".to_owned()),
        _ if text.contains(char::is_control) => Err("the text has a control character or a line break".to_owned()),
        _ => Ok(text.to_owned()),
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
        let (name, value) = (values::header_name(&name)?, values::header_value(&text)?);
        Ok((name, read(value).map_err(|message| Wrong::new(text.span(), message))?))
    };
    table.into_iter().map(header).collect()
}
