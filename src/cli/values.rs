//! Parsers of option values.

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{DiffEntries, FormatArg};

/// Parses the output format of a command that has no reports.
pub(super) fn parse_plain_format() -> impl TypedValueParser<Value = FormatArg> {
    let plain = FormatArg::value_variants().iter().filter(|format| !format.is_report());
    let names = plain.filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(names).try_map(|name| FormatArg::from_str(&name, false))
}

/// Parses a delivery's id, which must be visible ASCII. It is sent in a header and signed, and libraries disagree about
/// other characters.
pub(super) fn parse_id(text: &str) -> Result<String, String> {
    let is_valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid { Ok(text.to_owned()) } else { Err("use visible ASCII characters only".to_owned()) }
}

/// Parses the numbers of `diff --entry`.
pub(super) fn parse_entries(text: &str) -> Result<DiffEntries, String> {
    let number =
        |text: &str| text.parse().map_err(|_| "write the number of a request, such as `3`, or two: `3,5`".to_owned());
    match text.split_once(',') {
        None => number(text).map(DiffEntries::Same),
        Some((left, right)) => Ok(DiffEntries::Each(number(left)?, number(right)?)),
    }
}

/// The smallest factor for `--speed`: it stretches an hour to more than a year.
const SLOWEST: f64 = 0.0001;

/// Parses the factor of `--speed`.
pub(super) fn parse_speed(text: &str) -> Result<f64, String> {
    let invalid = || "write how many times faster, such as `60`".to_owned();
    text.trim_end_matches('x')
        .parse()
        .ok()
        .filter(|speed: &f64| speed.is_finite() && *speed >= SLOWEST)
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii() {
        assert_eq!(parse_id("msg_2aYh.3-~"), Ok("msg_2aYh.3-~".to_owned()));
        for invalid in ["", "a b", "a\nb", "\u{e9}"] {
            assert_eq!(parse_id(invalid), Err("use visible ASCII characters only".to_owned()), "{invalid:?}");
        }
    }

    #[test]
    fn entries_are_one_number_or_two() {
        assert_eq!(parse_entries("3"), Ok(DiffEntries::Same(3)));
        assert_eq!(parse_entries("3,5"), Ok(DiffEntries::Each(3, 5)));
        for invalid in ["", ",", "3,", ",5", "3,5,7", "3, 5", "-1", "a"] {
            let expected = "write the number of a request, such as `3`, or two: `3,5`";
            assert_eq!(parse_entries(invalid), Err(expected.to_owned()), "{invalid:?}");
        }
    }
}
