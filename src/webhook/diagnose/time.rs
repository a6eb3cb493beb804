//! Hypotheses about the timestamp, and warnings about clocks that are off.

use http::HeaderValue;

use super::{
    Code, Finding, RejectedRequest,
    reading::{Reading, timestamp_header},
};
use crate::webhook::{
    remedy::{Remedy, Warning},
    signature::{
        Reason, Scheme,
        content::SignedContent,
        scheme::{TimeUnit, TimestampRule},
    },
};

/// The time against which a request's age was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time of receipt, just now.
    Live,
    /// The time of receipt, as recorded in a capture.
    Recorded,
    /// A time that the user chose.
    Chosen,
}

/// Explains a genuine request that is too old or too new. By how much is in the rejection.
#[must_use]
pub fn clock(case: &RejectedRequest<'_>, clock: Clock) -> Option<Warning> {
    let is_old = match &case.rejection.reason {
        Reason::TimestampTooOld { .. } => true,
        Reason::TimestampTooNew { .. } => false,
        _ => return None,
    };
    let compare = || Remedy::advice("compare both with `date -u`");
    Some(match (clock, is_old) {
        (Clock::Chosen, true) => Warning::new("captures become too old with time", Remedy::CheckAgeAtReceipt),
        (Clock::Chosen, false) => {
            Warning::new("it was signed after the time that its age is checked against", Remedy::CorrectCheckedTime)
        }
        (_, true) => Warning::new(
            "it was delayed, or sent again with its old signature; or the sender's clock is slow, or this one is fast",
            compare(),
        ),
        (_, false) => Warning::new("the sender's clock is fast, or this one is slow", compare()),
    })
}

const fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "seconds",
        TimeUnit::Milliseconds => "milliseconds",
        TimeUnit::Rfc3339 | TimeUnit::Rfc3339Millis | TimeUnit::Rfc3339Nanos => "RFC 3339",
    }
}

const fn other(unit: TimeUnit) -> TimeUnit {
    match unit {
        TimeUnit::Seconds => TimeUnit::Milliseconds,
        _ => TimeUnit::Seconds,
    }
}

/// Tries the timestamp of a genuine request in the other unit.
pub fn unit(case: &RejectedRequest<'_>) -> Option<Finding> {
    case.receipt.at?;
    case.provider.schemes.iter().find_map(|scheme| {
        let rule = scheme.timestamp.as_ref()?;
        let unit = other(rule.unit);
        let changed = Scheme { timestamp: Some(TimestampRule { unit, ..rule.clone() }), ..scheme.clone() };
        changed.verify(case.secrets(), case.request, case.receipt).ok()?;
        let message = format!(
            "the signature matches, and the timestamp is valid when read as {}; {} sends {}",
            name(unit),
            case.provider.title,
            name(rule.unit)
        );
        Some(Finding::new(Code::TimestampUnit, message))
    })
}

/// Readings for a timestamp header that differs from the signed timestamp.
pub fn readings(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
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
        _ => Vec::new(),
    };
    for digits in millis {
        let message = format!(
            "the signature matches with the `{header}` header in another unit: the sender signs seconds and sends milliseconds, or vice versa; {title} uses {} for both",
            name(rule.unit)
        );
        add(scheme.clone(), Some(digits.to_string()), message);
    }
    if number.is_none() {
        let named = scheme.content.as_str().replace("{timestamp}", &format!("{{header:{header}}}"));
        if let Ok(content) = SignedContent::try_from(named) {
            let message = format!(
                "the signature matches the `{header}` header as sent, but that is not a whole number of {}",
                name(rule.unit)
            );
            add(Scheme { content, timestamp: None, ..scheme.clone() }, None, message);
        }
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            for digits in [time.as_second(), time.as_millisecond()] {
                let message = format!(
                    "the signature covers the timestamp as a number, but the `{header}` header has it as text; {title} sends {}",
                    name(rule.unit)
                );
                add(scheme.clone(), Some(digits.to_string()), message);
            }
        }
    }
    readings
}
