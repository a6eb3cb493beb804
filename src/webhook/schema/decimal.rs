//! JSON numbers, compared and divided exactly, however large or precise they are.

use std::cmp::Ordering;

/// A number in decimal: its digits, read as an integer, times a power of ten.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    is_negative: bool,
    /// ASCII digits without zeros at either end; none for zero.
    digits: Vec<u8>,
    /// The power of ten of the last digit; 0 for zero.
    scale: i64,
}

impl Decimal {
    /// Reads a JSON number.
    pub(super) fn parse(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        let significant = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        let zeros = digits.len() - significant;
        digits.truncate(significant);
        if digits.is_empty() {
            return Self { is_negative: false, digits, scale: 0 };
        }
        // An exponent that does not fit makes the number larger than any in a schema.
        let farthest = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
        let exponent = exponent.parse().unwrap_or(farthest).clamp(i64::MIN / 4, i64::MAX / 4);
        Self { is_negative, digits, scale: exponent + length(zeros) - length(fraction.len()) }
    }

    pub(super) fn is_integer(&self) -> bool {
        self.scale >= 0
    }

    pub(super) fn is_positive(&self) -> bool {
        !self.is_negative && !self.digits.is_empty()
    }

    /// Whether this is an integer times `divisor`, which is not zero.
    pub(super) fn is_multiple_of(&self, divisor: &Self) -> bool {
        let Some(modulus) = divisor.mantissa() else {
            // A divisor of more than 19 digits: as precise as a double.
            let quotient = self.approximate() / divisor.approximate();
            return quotient.fract() == 0.0;
        };
        // Where the divisor's last digit is of a higher power of ten, the quotient would have to end in zeros, which
        // have been taken off.
        let Ok(power) = u64::try_from(self.scale - divisor.scale) else { return self.digits.is_empty() };
        let modulus = u128::from(modulus);
        let mantissa = self.digits.iter().fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % modulus);
        (mantissa * power_of_ten(power, modulus)).is_multiple_of(modulus)
    }

    /// The digits as an integer.
    fn mantissa(&self) -> Option<u64> {
        self.text().parse().ok()
    }

    fn approximate(&self) -> f64 {
        format!("{}e{}", self.text(), self.scale).parse().unwrap_or(f64::INFINITY)
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.digits).unwrap_or_default()
    }

    /// The power of ten above the first digit.
    fn magnitude(&self) -> i64 {
        self.scale + length(self.digits.len())
    }

    fn sign(&self) -> i8 {
        i8::from(self.is_positive()) - i8::from(self.is_negative)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let absolute = |a: &Self, b: &Self| a.magnitude().cmp(&b.magnitude()).then_with(|| a.digits.cmp(&b.digits));
        self.sign().cmp(&other.sign()).then_with(|| match self.sign() {
            0 => Ordering::Equal,
            1 => absolute(self, other),
            _ => absolute(other, self),
        })
    }
}

/// Compares a number's text with a number.
pub(super) fn compare(text: &str, other: &Decimal) -> Ordering {
    Decimal::parse(text).cmp(other)
}

/// Whether a number's value is an integer, as that of `1.0` and `1e400`.
pub(super) fn is_integer(text: &str) -> bool {
    is_written_as_integer(text) || Decimal::parse(text).is_integer()
}

/// Whether a number's text has neither a fraction nor an exponent, which is what draft 4 calls an integer.
pub(super) fn is_written_as_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

fn power_of_ten(mut power: u64, modulus: u128) -> u128 {
    let (mut result, mut base) = (1 % modulus, 10 % modulus);
    while power > 0 {
        if power & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        power >>= 1;
    }
    result
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(a: &str, b: &str) -> Ordering {
        Decimal::parse(a).cmp(&Decimal::parse(b))
    }

    fn divides(number: &str, divisor: &str) -> bool {
        Decimal::parse(number).is_multiple_of(&Decimal::parse(divisor))
    }

    #[test]
    fn numbers_are_compared_by_value() {
        for (a, b) in [("1.0", "1"), ("-0", "0.0e5"), ("1e2", "100"), ("0.50", "5e-1"), ("1E+400", "10e399")] {
            assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
        }
        assert_eq!(order("9007199254740993", "9007199254740992"), Ordering::Greater);
        assert_eq!(order("1.00000000000000000001", "1"), Ordering::Greater);
    }

    #[test]
    fn order_holds_across_signs_and_exponents_of_any_size() {
        let ascending =
            ["-1e99999999999999999999", "-10", "-9.5", "0", "1e-99999999999999999999", "0.1", "0.12", "1e400"];
        for pair in ascending.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn integers_may_have_a_fraction_or_an_exponent() {
        for integer in ["0", "-7", "1.0", "1E0", "1e400", "2.50e1", "0e-5"] {
            assert!(is_integer(integer), "{integer}");
        }
        for fraction in ["0.5", "1e-1", "-2.55e1", "10000000000000000000.5"] {
            assert!(!is_integer(fraction), "{fraction}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (number, divisor) in
            [("1.1", "0.1"), ("0", "7"), ("1e300", "2"), ("4.5", "1.5"), ("-6", "3"), ("3", "1.50")]
        {
            assert!(divides(number, divisor), "{number} {divisor}");
        }
        for (number, divisor) in [("1.11", "0.1"), ("1e300", "7"), ("0.0075", "0.01"), ("5", "1e1"), ("35", "1.5")] {
            assert!(!divides(number, divisor), "{number} {divisor}");
        }
    }

    proptest! {
        #[test]
        fn integers_compare_and_divide_as_such(a in any::<i64>(), b in 1_i64..1000) {
            prop_assert_eq!(order(&a.to_string(), &b.to_string()), a.cmp(&b));
            prop_assert_eq!(divides(&a.to_string(), &b.to_string()), a % b == 0);
        }

        #[test]
        fn doubles_compare_as_such(a in any::<f64>(), b in -1e3..1e3_f64) {
            prop_assume!(a.is_finite());
            prop_assert_eq!(Some(order(&a.to_string(), &b.to_string())), a.partial_cmp(&b));
        }
    }
}
