//! The tables of a `[[scheme]]` that say where a value is sent.

use serde::Deserialize;
use toml::Spanned;

use super::values::{self, Texts, ToleranceText, Wrong};
use crate::webhook::{
    place::{Place, ValueSource},
    signature::{
        grammar::{Grammar, TextEncoding},
        timestamp::{TimeUnit, TimestampRule},
    },
};

/// Where the delivery's id is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawId {
    pub header: Option<Spanned<Texts>>,
    pub query: Option<Spanned<String>>,
    pub body: Option<Spanned<String>>,
    pub form: Option<Spanned<String>>,
}

/// Where the timestamp is sent, and how it is checked. Without a place, it is part of the signature's value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTimestamp {
    pub header: Option<Spanned<Texts>>,
    pub query: Option<Spanned<String>>,
    pub body: Option<Spanned<String>>,
    pub form: Option<Spanned<String>>,
    /// `s` (the default) or `ms` since 1970, or `rfc3339`; `rfc3339-ms` and `rfc3339-ns` are written with a fraction.
    /// Or `http-date`, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[serde(default)]
    unit: TimeUnit,
    /// How far it may be from the time of receipt: `"5m"` both ways, `{ past = "5m", future = "any" }`, or `"any"`.
    tolerance: ToleranceText,
}

/// The keys of a table that say where a value is sent. At most one of them may be given.
pub(super) struct PlaceKeys {
    pub header: Option<Spanned<Texts>>,
    pub query: Option<Spanned<String>>,
    pub body: Option<Spanned<String>>,
    pub form: Option<Spanned<String>>,
}

impl PlaceKeys {
    /// The place; `None` if the table names none.
    pub(super) fn source(self) -> Result<Option<ValueSource>, Wrong> {
        let mut found: Vec<(std::ops::Range<usize>, ValueSource)> = Vec::new();
        if let Some(names) = self.header {
            found.push((names.span(), ValueSource::Headers(Texts::header_names(names)?.into())));
        }
        for (key, text) in [("query", self.query), ("body", self.body), ("form", self.form)] {
            if let Some(text) = text {
                let place = values::parse(&text, |text| {
                    match text.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')) {
                        Some(rest) => {
                            Err(format!("the key `{key}` takes only what comes after the colon: write `{rest}`"))
                        }
                        None => Place::parse(&format!("{key}:{text}")),
                    }
                })?;
                if !place.is_writable() {
                    return Err(Wrong::new(text.span(), format!("`{place}` is not a single value")));
                }
                found.push((text.span(), ValueSource::At(place)));
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop().map(|(_, source)| source)),
            _ => Err(Wrong::new(found[1].0.clone(), "the value has two places; keep one of them")),
        }
    }
}

/// The rule of a timestamp. That of a JWT is in its claims.
pub(super) fn timestamp_rule(rule: Spanned<RawTimestamp>, grammar: &Grammar) -> Result<TimestampRule, Wrong> {
    let span = rule.span();
    let RawTimestamp { header, query, body, form, unit, tolerance: ToleranceText(tolerance) } = rule.into_inner();
    let source = PlaceKeys { header, query, body, form }.source()?;
    match (&source, grammar.carries_timestamp()) {
        (Some(ValueSource::Headers(names)), true) => Err(Wrong::new(
            span,
            format!(
                "the timestamp is given twice: in the header `{}`, and in the signature's value as {{timestamp}}",
                names[0]
            ),
        )),
        (Some(ValueSource::At(place)), true) => Err(Wrong::new(
            span,
            format!(
                "the timestamp is given twice: in {}, and in the signature's value as {{timestamp}}",
                place.words()
            ),
        )),
        (None, false) if grammar.encoding() != TextEncoding::Jwt => Err(Wrong::new(
            span,
            "the timestamp has no source: add a `header`, or {timestamp} in the signature's value",
        )),
        _ => Ok(TimestampRule { source, unit, tolerance }),
    }
}
