//! Text for a terminal: nothing that controls the terminal is left, and clean text is unchanged.

use hookdev::render::text::{printable, printable_bytes, printable_lines, truncate, width};

use super::{Input, assert_printable};

/// Any bytes, and a width to cut them to.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let columns = input.choice(90);
    let bytes = input.rest();
    let shown = printable_bytes(bytes);
    assert_printable(&shown);
    assert!(!shown.contains('\n'), "{shown:?}");
    assert_eq!(printable(&shown), shown, "what is printable already is left alone");
    for line in printable_lines(bytes) {
        assert_printable(&line);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(printable(text), shown);
    }
    let cut = truncate(&shown, columns);
    assert!(width(&cut) <= columns, "{cut:?} in {columns} columns");
    assert!(width(&shown) > columns || cut == shown, "{shown:?} fits");
}
