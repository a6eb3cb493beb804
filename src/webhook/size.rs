//! Sizes in bytes, as people write them.

/// Parses a size, such as `64KiB`, `10MiB`, `1GiB`, or a number of bytes.
///
/// # Errors
///
/// A message that says how to write a size.
pub fn parse_size(text: &str) -> Result<usize, String> {
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
