//! How JSON libraries write numbers.

use std::borrow::Cow;

/// How a library writes the numbers that it has parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbers {
    /// As in the source.
    Kept,
    /// As doubles, including integers.
    JavaScript,
    /// As doubles, including integers.
    Go,
    /// Integers exactly, other numbers as doubles.
    Python,
    /// Integers exactly, other numbers as doubles.
    Ruby,
    /// 64-bit integers exactly, other numbers as doubles.
    Php,
    /// Integers exactly, other numbers as doubles.
    Java,
    /// As doubles, including integers: `1.0`.
    JavaDoubles,
    /// Integers exactly, other numbers as doubles.
    DotNet,
    /// Exact decimals without an exponent.
    Postgres,
}

/// The largest exponent that is written out in digits.
const MOST_DIGITS: i64 = 400;

impl Numbers {
    /// Whether a number written as a fraction stays one.
    pub const fn keeps_fractions(self) -> bool {
        matches!(self, Self::Kept | Self::Python | Self::Ruby | Self::Java | Self::DotNet | Self::Postgres)
    }

    /// Whether every library except those that turn integers into doubles keeps this number.
    pub fn is_plain(text: &str) -> bool {
        text.len() <= 15 && text != "-0" && !text.contains(['.', 'e', 'E'])
    }

    /// Writes a number as the library does; `None` if the library can't.
    pub fn write(self, text: &str) -> Option<Cow<'_, str>> {
        let is_integer = !text.contains(['.', 'e', 'E']);
        match self {
            Self::Kept => return Some(text.into()),
            Self::Postgres => return Some(decimal(text)?.into()),
            Self::Python | Self::Ruby | Self::Php | Self::Java | Self::DotNet if text == "-0" => {
                return Some("0".into());
            }
            Self::Python | Self::Ruby | Self::Java | Self::DotNet if is_integer => return Some(text.into()),
            Self::Php if is_integer && text.parse::<i64>().is_ok() => return Some(text.into()),
            _ => {}
        }
        let number: f64 = text.parse().ok()?;
        if number.is_infinite() {
            return match self {
                Self::JavaScript => Some("null".into()),
                Self::Python => Some(if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }),
                _ => None,
            };
        }
        Some(self.double(number).into())
    }

    /// The shortest digits that parse to the same double, laid out as the library does.
    fn double(self, number: f64) -> String {
        let sign = if number.is_sign_negative() { "-" } else { "" };
        let is_java = matches!(self, Self::Java | Self::JavaDoubles);
        let has_fraction = is_java || matches!(self, Self::Python | Self::Ruby | Self::DotNet);
        let fraction = if has_fraction { ".0" } else { "" };
        if number == 0.0 {
            let sign = if matches!(self, Self::JavaScript | Self::DotNet) { "" } else { sign };
            return format!("{sign}0{fraction}");
        }
        let scientific = format!("{:e}", number.abs());
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits = mantissa.replace('.', "");
        // The position of the decimal point, counted from the first digit.
        let point = exponent.parse::<i32>().unwrap_or_default() + 1;
        let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let (lowest, highest) = match self {
            Self::JavaScript | Self::Go | Self::Kept | Self::Postgres => (-5, 21),
            Self::Python => (-3, 16),
            Self::Ruby => (-3, if length < point { 15 } else { 16 }),
            Self::Php => (-3, 17),
            Self::Java | Self::JavaDoubles => (-2, 7),
            Self::DotNet => (-3, 15),
        };
        let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
        if point < lowest || point > highest {
            let (first, rest) = digits.split_at(1);
            let tail = match self {
                _ if !rest.is_empty() => format!(".{rest}"),
                Self::Ruby | Self::Php | Self::Java | Self::JavaDoubles => ".0".to_owned(),
                _ => String::new(),
            };
            let exponent = (point - 1).unsigned_abs();
            match self {
                _ if is_java => format!("{sign}{first}{tail}E{}", point - 1),
                Self::DotNet => format!("{sign}{first}{tail}E{}{exponent:02}", if point > 0 { '+' } else { '-' }),
                _ => {
                    let width = if matches!(self, Self::Python | Self::Ruby) { 2 } else { 1 };
                    format!("{sign}{first}{tail}e{}{exponent:0width$}", if point > 0 { '+' } else { '-' })
                }
            }
        } else if point <= 0 {
            format!("{sign}0.{}{digits}", zeros(-point))
        } else if length <= point {
            format!("{sign}{digits}{}{fraction}", zeros(point - length))
        } else {
            let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or_default());
            format!("{sign}{whole}.{rest}")
        }
    }
}

/// A number without an exponent, with the decimal places that it had.
fn decimal(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i64 = exponent
        .trim_start_matches('+')
        .parse()
        .ok()
        .filter(|exponent: &i64| (-MOST_DIGITS..=MOST_DIGITS).contains(exponent))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()? + exponent;
    let places = usize::try_from(i64::try_from(digits.len()).ok()? - point).unwrap_or_default();
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => (format!("{digits}{}", "0".repeat(point - digits.len())), String::new()),
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
        Err(_) => (String::new(), format!("{}{digits}", "0".repeat(places - digits.len()))),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_doubles_are_written_as_each_library_does() {
        let all = [Numbers::JavaScript, Numbers::Python, Numbers::Go, Numbers::Ruby, Numbers::Php];
        let written = all.map(|numbers| numbers.write("-1e400"));
        assert_eq!(written, [Some("null".into()), Some("-Infinity".into()), None, None, None]);
        assert_eq!(Numbers::Postgres.write("1e100000"), None);
    }
}
