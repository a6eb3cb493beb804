//! Hypotheses about times in JSON: a parser that takes strings for dates, as Newtonsoft.Json does, or a model with
//! dates rewrites them with other fractions, or in another time zone.

use std::ops::ControlFlow;

use super::{
    hypothesis::{Emit, ReceivedBody},
    serialise::with_document,
};
use crate::webhook::{
    diagnose::{Code, LONGEST_REWRITTEN, SearchStep},
    json::{Kind, Node, quote},
    time::Timestamp,
};

/// The numbers of digits that fractions may have had: those of libraries that always write the same number.
const FRACTIONS: [usize; 4] = [3, 6, 7, 9];

/// The offsets from UTC that are in use, in minutes.
const OFFSETS: [(&str, i64); 29] = [
    ("Z", 0),
    ("-12:00", -720),
    ("-11:00", -660),
    ("-10:00", -600),
    ("-09:00", -540),
    ("-08:00", -480),
    ("-07:00", -420),
    ("-06:00", -360),
    ("-05:00", -300),
    ("-04:00", -240),
    ("-03:00", -180),
    ("-02:00", -120),
    ("-01:00", -60),
    ("+01:00", 60),
    ("+02:00", 120),
    ("+03:00", 180),
    ("+03:30", 210),
    ("+04:00", 240),
    ("+05:00", 300),
    ("+05:30", 330),
    ("+06:00", 360),
    ("+07:00", 420),
    ("+08:00", 480),
    ("+09:00", 540),
    ("+09:30", 570),
    ("+10:00", 600),
    ("+11:00", 660),
    ("+12:00", 720),
    ("+13:00", 780),
];

/// The same JSON with its times written differently.
pub fn rewritten(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    if body.len() > LONGEST_REWRITTEN {
        return ControlFlow::Continue(());
    }
    with_document(body, |document| {
        let mut times = Vec::new();
        collect(document.root, &mut times);
        if times.is_empty() {
            return ControlFlow::Continue(());
        }
        for (rewrite, words) in rewrites() {
            let mut out = String::with_capacity(body.len());
            let mut at = 0;
            for (span, time) in &times {
                out.push_str(&document.text[at..span.start]);
                out.push_str(&quote(&rewrite(time)));
                at = span.end;
            }
            out.push_str(&document.text[at..]);
            let message = format!(
                "the signature covers the same JSON with {words}: the times were parsed as dates and serialised again after signing, as Newtonsoft.Json does with strings that look like dates"
            );
            emit(out.into_bytes(), Code::BodyReserialised, message.into())?;
        }
        ControlFlow::Continue(())
    })
}

type Rewrite = Box<dyn Fn(&Time<'_>) -> String>;

/// The ways to write a time, and what they are in words.
fn rewrites() -> Vec<(Rewrite, String)> {
    let mut all: Vec<(Rewrite, String)> = Vec::new();
    for digits in FRACTIONS {
        let words = format!("{digits} digits in the fractions of its times");
        all.push((Box::new(move |time| time.written(&time.padded(digits), time.zone)), words));
    }
    let shortest = "no zeros at the end of the fractions of its times".to_owned();
    all.push((Box::new(|time| time.written(time.fraction.trim_end_matches('0'), time.zone)), shortest));
    for zone in ["Z", "+00:00", "+0000"] {
        let written =
            move |time: &Time<'_>| if time.is_utc() { time.written(time.fraction, zone) } else { time.text.to_owned() };
        all.push((Box::new(written), format!("{zone} for UTC in its times")));
    }
    for (zone, offset) in OFFSETS {
        let words = format!("the offset {zone} in its times");
        all.push((Box::new(move |time| time.shifted(zone, offset).unwrap_or_else(|| time.text.to_owned())), words));
    }
    all
}

/// A time in RFC 3339, in parts.
#[derive(Clone, Copy)]
struct Time<'a> {
    text: &'a str,
    /// Up to the second: `2026-03-02T09:14:00`.
    seconds: &'a str,
    /// The digits after the second.
    fraction: &'a str,
    /// `Z`, an offset, or nothing.
    zone: &'a str,
}

impl<'a> Time<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
        let (seconds, rest) = text.split_at_checked(SHAPE.len())?;
        let fits = |(byte, shape): (u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == *shape };
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("", rest),
        };
        let is_zone = |c: char| c.is_ascii_digit() || matches!(c, 'Z' | '+' | '-' | ':');
        let is_time = seconds.bytes().zip(SHAPE).all(fits) && zone.len() <= 6 && zone.chars().all(is_zone);
        is_time.then_some(Self { text, seconds, fraction, zone })
    }

    fn is_utc(&self) -> bool {
        matches!(self.zone, "Z" | "+00:00" | "+0000")
    }

    /// The fraction with this many digits, or as it is if it has more.
    fn padded(&self, digits: usize) -> String {
        format!("{:0<digits$}", self.fraction)
    }

    /// The same time in another zone; `None` if it has no zone itself.
    fn shifted(&self, zone: &str, offset: i64) -> Option<String> {
        let time = Timestamp::from_rfc3339(self.text)?;
        let local = Timestamp::from_unix_seconds(time.unix_seconds() + 60 * offset).rfc3339_seconds();
        Some(Time { seconds: local.strip_suffix('Z')?, ..*self }.written(self.fraction, zone))
    }

    fn written(&self, fraction: &str, zone: &str) -> String {
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{}{point}{fraction}{zone}", self.seconds)
    }
}

/// The strings that are times, each with its place in the text, in the order of the text.
fn collect<'n>(node: &'n Node<'_>, found: &mut Vec<(std::ops::Range<usize>, Time<'n>)>) {
    match &node.kind {
        Kind::String(text) => found.extend(Time::parse(text).map(|time| (node.span.clone(), time))),
        Kind::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Kind::Object(members) => members.iter().for_each(|member| collect(&member.value, found)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spellings of a time that are tried.
    fn tried(text: &str) -> Vec<String> {
        let time = Time::parse(text).unwrap();
        rewrites().iter().map(|(rewrite, _)| rewrite(&time)).collect()
    }

    #[test]
    fn a_time_is_written_with_other_fractions_and_offsets() {
        let tried = tried("2026-03-02T15:14:00.1+01:00");
        for expected in ["2026-03-02T15:14:00.100+01:00", "2026-03-02T14:14:00.1Z", "2026-03-02T09:14:00.1-05:00"] {
            assert!(tried.contains(&expected.to_owned()), "{expected}: {tried:?}");
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in ["2026-03-02", "2026-03-02 09:14:00", "2026-03-02T09:14:00 and more", "message", ""] {
            assert!(Time::parse(text).is_none(), "{text}");
        }
    }
}
