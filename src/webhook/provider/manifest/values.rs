//! Values of a manifest beyond serde's own: parsed texts, and values that may be written in two ways.

use std::{fmt, ops::Range, str::FromStr, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use crate::webhook::{
    nearest, request,
    time::{InvalidDuration, Tolerance, parse_duration},
};

/// An error, with its bytes in the manifest, or with its position in a fixture.
#[derive(Debug)]
pub(super) struct Wrong {
    pub span: Option<Range<usize>>,
    pub message: String,
    /// The path of the fixture, with line and column, from 1.
    pub fixture: Option<(String, (usize, usize))>,
}

impl Wrong {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into(), fixture: None }
    }

    pub fn in_fixture(path: &str, position: (usize, usize), message: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), fixture: Some((path.to_owned(), position)) }
    }
}

/// Parses a text so that an error has its exact position; serde would report that of the whole list.
pub(super) fn parse<T, E: fmt::Display>(
    text: &Spanned<String>,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Wrong> {
    read(text.get_ref()).map_err(|error| Wrong::new(text.span(), error.to_string()))
}

pub(super) fn header_name(text: &Spanned<String>) -> Result<HeaderName, Wrong> {
    parse(text, |name| {
        name.parse().map_err(|_| match name.strip_prefix("header:") {
            Some(name) => format!("the key `header` takes only the header's name: write `{name}`"),
            None => format!("invalid header name `{name}`"),
        })
    })
}

/// The name of a header that is sent.
pub(super) fn sent_header_name(text: &Spanned<String>) -> Result<HeaderName, Wrong> {
    let name = header_name(text)?;
    if ["connection", "content-length", "host", "transfer-encoding"].contains(&name.as_str()) {
        return Err(Wrong::new(text.span(), format!("`{name}` is set by the connection; leave it out")));
    }
    Ok(name)
}

/// A method by which webhooks are sent, or an API is called.
pub(super) fn method(text: &Spanned<String>) -> Result<Method, Wrong> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = |text: &str| METHODS.contains(&text).then(|| text.parse().ok()).flatten();
    parse(text, |text| known(text).ok_or_else(|| nearest::unknown("method", text, METHODS)))
}

/// The name of an environment variable.
pub(super) fn variable(text: &Spanned<String>) -> Result<String, Wrong> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name =
        |text: &str| !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_plain);
    parse(text, |text| {
        if is_name(text) {
            return Ok(text.to_owned());
        }
        let meant = text.trim_start_matches("env:").trim_matches(['$', '{', '}', ' ']);
        let meant = meant.replace(|c| !is_plain(c), "_");
        let meant = if meant.starts_with(|c: char| c.is_ascii_digit()) { format!("_{meant}") } else { meant };
        let hint = if is_name(&meant) { format!("; did you mean `{meant}`?") } else { String::new() };
        Err(format!("invalid variable name `{text}`: use letters, digits and `_`{hint}"))
    })
}

/// A text for people that isn't empty.
pub(super) fn text(text: &Spanned<String>) -> Result<String, Wrong> {
    parse(text, |text| if text.trim().is_empty() { Err("the text is empty") } else { Ok(text.to_owned()) })
}

/// A text for people on one line.
pub(super) fn line(text: &Spanned<String>) -> Result<String, Wrong> {
    parse(text, |text| match text {
        _ if text.trim().is_empty() => Err("the text is empty"),
        _ if text.contains(char::is_control) => Err("the text has a control character or a line break"),
        _ => Ok(text.to_owned()),
    })
}

/// A header value without placeholders.
pub(super) fn fixed_value(text: &Spanned<String>) -> Result<HeaderValue, Wrong> {
    parse(text, request::value)
}

/// A text that is valid in a header.
pub(super) fn header_value(text: &Spanned<String>) -> Result<String, Wrong> {
    parse(text, |value| request::value(value).map(|_| value.to_owned()))
}

/// A value parsed from a text, whose error names the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ParsedText<T>(pub T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for ParsedText<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(ParsedText).map_err(Error::custom)
    }
}

/// A duration as people write it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DurationText(pub Duration);

impl FromStr for DurationText {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_duration(text).map(Self)
    }
}

/// One text, or several.
pub(super) enum Texts {
    One(String),
    Several(Vec<Spanned<String>>),
}

impl Texts {
    /// Each text with its own place. `what` names them in an error, in the singular.
    pub fn list(texts: Spanned<Self>, what: &str) -> Result<Vec<Spanned<String>>, Wrong> {
        let span = texts.span();
        match texts.into_inner() {
            Self::One(text) => Ok(vec![Spanned::new(span, text)]),
            Self::Several(texts) if texts.is_empty() => {
                Err(Wrong::new(span, format!("at least one {what} is required")))
            }
            Self::Several(texts) => Ok(texts),
        }
    }

    /// Header names, of which the first is sent and all are read.
    pub fn header_names(names: Spanned<Self>) -> Result<Vec<HeaderName>, Wrong> {
        Self::list(names, "header name")?.iter().map(header_name).collect()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;

        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts::Several(texts))
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

/// A duration, or `any` for no limit.
#[derive(Clone, Copy)]
struct Limit(Duration);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "any" => Ok(Self(Tolerance::ANY)),
            _ => parse_duration(text).map(Self).map_err(|error| format!("{error}, or `any`")),
        }
    }
}

/// A text, or a number or truth value written without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, an integer, `true` or `false`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Scalar, E> {
                Ok(Scalar(truth.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A tolerance: one duration both ways, or one each.
#[derive(Clone, Copy)]
pub(super) struct ToleranceText(pub Tolerance);

impl<'de> Deserialize<'de> for ToleranceText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Each {
            past: ParsedText<Limit>,
            future: ParsedText<Limit>,
        }
        struct BothOrEach;

        impl<'de> Visitor<'de> for BothOrEach {
            type Value = Tolerance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"5m\", \"any\", or { past = \"5m\", future = \"any\" }")
            }

            fn visit_str<E: Error>(self, both: &str) -> Result<Tolerance, E> {
                both.parse().map(|Limit(both)| Tolerance::both(both)).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tolerance, A::Error> {
                let each = Each::deserialize(MapAccessDeserializer::new(map))?;
                let (ParsedText(past), ParsedText(future)) = (each.past, each.future);
                Ok(Tolerance { past: past.0, future: future.0 })
            }
        }
        deserializer.deserialize_any(BothOrEach).map(Self)
    }
}
