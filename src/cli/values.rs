//! Parsers of option values.

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::Format;

/// Parses the output formats of commands without reports.
pub(super) fn parse_plain_format() -> impl TypedValueParser<Value = Format> {
    let plain = Format::value_variants().iter().filter(|format| !format.is_report());
    let names = plain.filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(names).try_map(|name| Format::from_str(&name, false))
}

/// Parses a delivery's id. It is sent in a header and signed, and libraries disagree about other characters.
pub(super) fn parse_id(text: &str) -> Result<String, String> {
    let is_valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid { Ok(text.to_owned()) } else { Err("use visible ASCII characters only".to_owned()) }
}

/// Parses the factor of `--speed`.
pub(super) fn parse_speed(text: &str) -> Result<f64, String> {
    let invalid = || "write how many times faster, such as `60`".to_owned();
    text.trim_end_matches('x').parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0).ok_or_else(invalid)
}

/// Parses a size, such as `64KiB`, `10MiB`, `1GiB`, or a number of bytes.
pub(super) fn parse_size(text: &str) -> Result<usize, String> {
    let invalid = || "write a number and a unit, such as `64KiB` or `10MiB`".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: usize = match unit {
        "" | "B" => 1,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return Err(invalid()),
    };
    number.parse::<usize>().ok().and_then(|number| number.checked_mul(scale)).ok_or_else(invalid)
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
    fn a_size_is_a_number_with_an_optional_unit() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("10MiB"), Ok(10_485_760));
        assert_eq!(parse_size("7"), Ok(7));
        for invalid in ["", "MiB", "1.5MiB", "1 MiB", "1TB", "99999999999999999999"] {
            let expected = "write a number and a unit, such as `64KiB` or `10MiB`";
            assert_eq!(parse_size(invalid), Err(expected.to_owned()), "{invalid}");
        }
    }
}
