//! What a handler's error response says: the lines that help a developer most, and the likely cause in the handler.
//!
//! [`Excerpt`] picks the lines, from a page, a stack trace, JSON or plain text. [`clue`] recognises the error messages of
//! frameworks and libraries, and [`proxy()`] what is in front of the handler. None knows the request's case; `contract::cause` does.

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

/// How much of a body is read, in bytes.
const MAX_READ_BYTES: usize = 1 << 20;

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
