//! What a handler's error response says: the lines that help a developer most, and the likely cause in the handler.
//!
//! [`Excerpt`] picks the lines, from a page, a stack trace, JSON or plain text. [`clue`] recognises the error messages
//! of frameworks and libraries, and [`proxy()`] a proxy in front of the handler. None of them knows the request's case;
//! `contract::cause` does.

pub mod clue;
mod excerpt;
pub mod form_clue;
mod header_clue;
mod markup;
mod proxy;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use excerpt::Excerpt;
pub use proxy::proxy;

use super::{http_response::Response, payload::decoded_body};

/// What a response reveals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// The likely cause, and how to fix it.
    pub advice: Cow<'static, str>,
    /// Whether it explains only why a valid delivery fails, because a library rightly throws the same error for a
    /// forged one.
    pub only_if_valid: bool,
    /// Whether it names only one of many causes, as a message that the signature does not match does.
    pub is_unspecific: bool,
}

impl Clue {
    fn new(advice: impl Into<Cow<'static, str>>) -> Self {
        Self { advice: advice.into(), only_if_valid: false, is_unspecific: false }
    }

    /// A clue that explains only why a valid delivery fails.
    pub fn for_valid(advice: impl Into<Cow<'static, str>>) -> Self {
        Self { only_if_valid: true, ..Self::new(advice) }
    }

    /// A clue that names one of many causes.
    fn unspecific(advice: impl Into<Cow<'static, str>>) -> Self {
        Self { is_unspecific: true, ..Self::for_valid(advice) }
    }
}

/// How much of a body is read, in bytes.
const MAX_READ_BYTES: usize = 1 << 20;

/// The body without its `content-encoding`. If it can't be decoded, or is larger than what is read, as it is.
fn decoded(response: &Response) -> Cow<'_, [u8]> {
    let body = response.body.as_ref();
    decoded_body(&response.headers, body, MAX_READ_BYTES).unwrap_or(Cow::Borrowed(body))
}

/// The body as text without markup; `None` if it is binary. A character that is cut off at the end is ignored.
fn readable(body: &[u8]) -> Option<Cow<'_, str>> {
    let text = text(&body[..body.len().min(MAX_READ_BYTES)])?;
    if !text.trim_start().starts_with('<') {
        return Some(Cow::Borrowed(text));
    }
    let plain = markup::text(text);
    Some(if plain.trim().is_empty() { Cow::Borrowed(text) } else { Cow::Owned(plain) })
}

/// The bytes as text, if they are text.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}
