//! Compares texts, with a readable diff on failure.

use snapbox::{
    Data,
    report::{Palette, write_diff},
};

/// Asserts that two texts are equal, byte for byte. Texts of several lines fail with a diff.
#[track_caller]
pub fn assert_text(actual: &str, expected: &str, of: &str) {
    if actual == expected {
        return;
    }
    let is_one_line = actual.lines().count().max(expected.lines().count()) < 2;
    assert!(!is_one_line, "{of}\n  actual: {actual:?}\nexpected: {expected:?}");
    let mut difference = String::new();
    let (expected, actual) = (Data::text(expected).raw(), Data::text(actual).raw());
    write_diff(&mut difference, &expected, &actual, Some(&"expected"), Some(&"actual"), Palette::plain())
        .expect("a text grows");
    panic!("{of}{difference}");
}
