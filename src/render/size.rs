//! Sizes and elapsed times for people: `1.2 KiB`, `0.4 ms`. They are rounded; programs get exact numbers (`elapsed_ms`)
//! elsewhere.

use std::fmt;
use std::time::Duration;

/// A number of bytes: `812 B`, `1.2 KiB`, `64 KiB`, `10 MiB`.
#[must_use]
pub fn bytes(count: usize) -> Bytes {
    Bytes(count)
}

/// A count: `7`, `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let group = |(place, digit): (usize, char)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

/// An elapsed time: `0.04 ms`, `0.4 ms`, `12 ms`, `3.20 s`, `2 min 05 s`, `1 h 30 min`.
#[must_use]
pub fn elapsed(time: Duration) -> Elapsed {
    Elapsed(time)
}

/// A size, from [`bytes()`].
#[derive(Clone, Copy, Debug)]
pub struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let count = self.0 as u128;
        let mut unit = 1024;
        let mut names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
        let mut name = names.next().unwrap_or_default();
        while rounded(count, unit) >= 1024
            && let Some(larger) = names.next()
        {
            unit *= 1024;
            name = larger;
        }
        match rounded(count * 10, unit) {
            tenths @ ..100 => write!(f, "{}.{} {name}", tenths / 10, tenths % 10),
            _ => write!(f, "{} {name}", rounded(count, unit)),
        }
    }
}

/// A time, from [`elapsed()`].
#[derive(Clone, Copy, Debug)]
pub struct Elapsed(Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each range ends where a longer time would round up out of it.
        let micros = self.0.as_micros();
        match micros {
            0..=94 => write!(f, "0.{:02} ms", rounded(micros, 10)),
            95..=9_949 => {
                let tenths = rounded(micros, 100);
                write!(f, "{}.{} ms", tenths / 10, tenths % 10)
            }
            9_950..=999_499 => write!(f, "{} ms", rounded(micros, 1000)),
            999_500..=59_994_999 => {
                let hundredths = rounded(micros, 10_000);
                write!(f, "{}.{:02} s", hundredths / 100, hundredths % 100)
            }
            59_995_000..=3_599_499_999 => {
                let seconds = rounded(micros, 1_000_000);
                write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
            }
            _ => {
                let minutes = rounded(micros, 60_000_000);
                write!(f, "{} h {:02} min", minutes / 60, minutes % 60)
            }
        }
    }
}

/// `count` in whole units, halves rounded up.
fn rounded(count: u128, unit: u128) -> u128 {
    (count + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_significant_digits_below_ten_units() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1229, "1.2 KiB"),
            (10_188, "9.9 KiB"),
            (10_189, "10 KiB"),
            (65_536, "64 KiB"),
            (1_048_063, "1023 KiB"),
            (1_048_064, "1.0 MiB"),
            (10 << 20, "10 MiB"),
            (usize::MAX, "16 EiB"),
        ];
        for (count, expected) in cases {
            assert_eq!(bytes(count).to_string(), expected, "{count}");
        }
    }

    #[test]
    fn elapsed_times_round_into_the_next_unit_without_a_gap() {
        let cases = [
            (0, "0.00 ms"),
            (42, "0.04 ms"),
            (94, "0.09 ms"),
            (95, "0.1 ms"),
            (400, "0.4 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (12_345, "12 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (3_200_000, "3.20 s"),
            (59_994_999, "59.99 s"),
            (59_995_000, "1 min 00 s"),
            (125_000_000, "2 min 05 s"),
            (3_599_499_999, "59 min 59 s"),
            (3_599_500_000, "1 h 00 min"),
            (5_400_000_000, "1 h 30 min"),
        ];
        for (micros, expected) in cases {
            assert_eq!(elapsed(Duration::from_micros(micros)).to_string(), expected, "{micros}");
        }
    }
}
