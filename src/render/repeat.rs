//! The mark of a repeated delivery.

use std::time::Duration;

use super::size;
use crate::webhook::{
    record::{Repeat, SameAs},
    time,
};

/// How often a delivery has arrived: `2nd time, after 61 s (same id as #12)`.
pub(super) fn words(repeat: &Repeat) -> String {
    let Repeat { of, by, number, after } = repeat;
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    let same = match by {
        SameAs::Id => "id",
        SameAs::Bytes => "bytes",
    };
    format!("{number}{suffix} time, after {} (same {same} as #{of})", elapsed(*after))
}

/// An elapsed time. Up to two minutes, it is in seconds, which are easy to compare with providers' retry schedules.
fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        1..10 => size::elapsed(time).to_string(),
        seconds @ 10..=120 => format!("{seconds} s"),
        _ => time::words(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_says_which_time_it_is_and_of_which_delivery() {
        let repeat = |number, by| words(&Repeat { of: 12, by, number, after: Duration::from_secs(61) });
        assert_eq!(repeat(2, SameAs::Id), "2nd time, after 61 s (same id as #12)");
        assert_eq!(repeat(3, SameAs::Bytes), "3rd time, after 61 s (same bytes as #12)");
        let ordinals = [4, 11, 12, 13, 21, 22, 101, 111].map(|number| repeat(number, SameAs::Id));
        let ordinals = ordinals.map(|text| text.split(' ').next().unwrap_or_default().to_owned());
        assert_eq!(ordinals, ["4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]);
    }

    #[test]
    fn the_time_between_is_rounded() {
        let after = |millis| elapsed(Duration::from_millis(millis));
        let words = ["0 s", "274 ms", "8.40 s", "15 s", "61 s", "1 h"];
        assert_eq!([0, 274, 8399, 15_020, 61_000, 3_600_000].map(after), words);
    }
}
