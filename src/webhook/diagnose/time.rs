//! Hypotheses about the time, and the words for a clock that is off.

use http::HeaderValue;

use super::{
    Case, Code, Finding,
    signing::{Reading, timestamp_header},
};
use crate::webhook::{
    remedy::{Remedy, Warning},
    signature::{
        Reason, Scheme,
        content::SignedContent,
        scheme::{TimeUnit, TimestampRule},
    },
};

/// By which time a request was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// When it was received, just now.
    Live,
    /// When it was received, as a capture records it.
    Recorded,
    /// Another time than that of its receipt.
    Chosen,
}

/// What a genuine request that is too old or too new says about the clocks. The rejection itself says
/// by how much it is off.
#[must_use]
pub fn clock(case: &Case<'_>, clock: Clock) -> Option<Warning> {
    let is_old = match &case.rejection.reason {
        Reason::TimestampTooOld { .. } => true,
        Reason::TimestampTooNew { .. } => false,
        _ => return None,
    };
    let compare = || Remedy::advice("compare both with `date -u`");
    Some(match (clock, is_old) {
        (Clock::Chosen, true) => {
            Warning::new("the capture is older than the tolerance allows", Remedy::CheckAgeAtReceipt)
        }
        (Clock::Chosen, false) => {
            Warning::new("it was signed after the time that its age is checked at", Remedy::CorrectCheckedTime)
        }
        (_, true) => Warning::new(
            "it was delayed, or sent again with its old signature; or the sender's clock is slow, or this one fast",
            compare(),
        ),
        (_, false) => Warning::new("the sender's clock is fast, or this one slow", compare()),
    })
}

const fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "seconds",
        TimeUnit::Milliseconds => "milliseconds",
    }
}

const fn other(unit: TimeUnit) -> TimeUnit {
    match unit {
        TimeUnit::Seconds => TimeUnit::Milliseconds,
        TimeUnit::Milliseconds => TimeUnit::Seconds,
    }
}

/// A genuine request whose time is right once it is read in the other unit.
pub fn unit(case: &Case<'_>) -> Option<Finding> {
    case.receipt.at?;
    case.provider.schemes.iter().find_map(|scheme| {
        let rule = scheme.timestamp.as_ref()?;
        let unit = other(rule.unit);
        let changed = Scheme { timestamp: Some(TimestampRule { unit, ..rule.clone() }), ..scheme.clone() };
        changed.verify(case.secrets(), case.request, case.receipt).ok()?;
        let message = format!(
            "the signature matches, and the timestamp is right once it is read as {}: {} counts {}",
            name(unit),
            case.provider.title,
            name(rule.unit)
        );
        Some(Finding::new(Code::TimestampUnit, message))
    })
}

/// The readings of a scheme whose header carries one time and whose signature is over another.
pub fn readings(case: &Case<'_>, scheme: &Scheme) -> Vec<Reading> {
    let Some(rule) = &scheme.timestamp else { return Vec::new() };
    let Some((header, text)) = timestamp_header(case.request, scheme) else { return Vec::new() };
    let mut readings = Vec::new();
    let mut add = |scheme: Scheme, digits: Option<String>, message: String| {
        let mut reading = Reading::new(scheme, case.request, vec![Finding::new(Code::TimestampUnit, message)]);
        if let Some(value) = digits.and_then(|digits| HeaderValue::try_from(digits).ok()) {
            reading.request.headers.set(&header, value);
        }
        readings.push(reading);
    };
    let title = &case.provider.title;
    let number = text.parse::<i64>().ok();
    let millis = match (number, rule.unit) {
        (Some(number), TimeUnit::Seconds) => vec![number / 1000, number.saturating_mul(1000)],
        (Some(number), TimeUnit::Milliseconds) => vec![number.saturating_mul(1000), number / 1000],
        (None, _) => Vec::new(),
    };
    for digits in millis {
        let message = format!(
            "the signature matches once the `{header}` header is in another unit: the sender signs seconds and sends milliseconds, or the reverse; {title} does both in {}",
            name(rule.unit)
        );
        add(scheme.clone(), Some(digits.to_string()), message);
    }
    if number.is_none() {
        let named = scheme.content.as_str().replace("{timestamp}", &format!("{{header:{header}}}"));
        if let Ok(content) = SignedContent::try_from(named) {
            let message = format!(
                "the signature matches over the `{header}` header as it stands, which is no whole number of {}",
                name(rule.unit)
            );
            add(Scheme { content, timestamp: None, ..scheme.clone() }, None, message);
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            for digits in [time.as_second(), time.as_millisecond()] {
                let message = format!(
                    "the signature is over the time as a number, and the `{header}` header holds it as text; {title} sends {}",
                    name(rule.unit)
                );
                add(scheme.clone(), Some(digits.to_string()), message);
            }
        }
    }
    readings
}
