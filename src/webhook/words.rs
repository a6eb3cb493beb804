//! Words for people: counts with their nouns.

use std::fmt::Display;

/// What is written in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A count with its noun: `1 byte`, `2 bytes`. The plural adds an `s`.
#[must_use]
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A number of bytes: `1 byte`, `2 bytes`.
#[must_use]
pub fn bytes<N: Copy + Display + PartialEq + From<u8>>(number: N) -> String {
    count(number, "byte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0_usize, 1, 2].map(bytes), ["0 bytes", "1 byte", "2 bytes"]);
        assert_eq!(count(1_u64, "variant"), "1 variant");
    }
}
