//! How much of a text a message quotes.

use std::borrow::Cow;

/// How much of a value a message shows, in characters.
const MAX_SHOWN: usize = 60;

/// The start of a long text.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
