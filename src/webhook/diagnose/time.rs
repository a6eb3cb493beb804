//! Hypotheses about the timestamp, and findings and warnings about clocks that are off.

use std::time::Duration;

use http::HeaderValue;

use super::{
    Code, Finding, RejectedRequest,
    reading::{Reading, timestamp_header},
};
use crate::webhook::{
    remedy::{Remedy, Warning},
    signature::{
        Reason, Receipt, Scheme,
        content::SignedContent,
        timestamp::{TimeUnit, TimestampRule},
    },
    time::{Tolerance, words},
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

/// Explains a genuine request that is too old or too new. The rejection says by how much.
#[must_use]
pub fn clock(case: &RejectedRequest<'_>) -> Option<Warning> {
    let is_old = match &case.rejection.reason {
        Reason::TimestampTooOld { .. } | Reason::Expired { .. } => true,
        Reason::TimestampTooNew { .. } => false,
        _ => return None,
    };
    let compare = || Remedy::advice("compare both with `date -u`");
    Some(match (case.clock, is_old) {
        (Clock::Chosen, true) => {
            Warning::new("captured requests age, so this check fails sooner or later", Remedy::CheckAgeAtReceipt)
        }
        (Clock::Chosen, false) => {
            Warning::new("it was signed later than the time you are checking against", Remedy::CorrectCheckedTime)
        }
        (_, true) => Warning::new(
            "it was delayed, or sent again with its old signature, or one of the clocks is wrong (the sender's is slow, or this machine's is fast)",
            compare(),
        ),
        (_, false) => Warning::new("the sender's clock is fast, or this machine's is slow", compare()),
    })
}

const fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "seconds",
        TimeUnit::Milliseconds => "milliseconds",
        TimeUnit::Rfc3339 | TimeUnit::Rfc3339Millis | TimeUnit::Rfc3339Nanos => "RFC 3339",
        TimeUnit::HttpDate => "an HTTP date",
    }
}

/// A valid value in this unit, in words.
const fn value(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "a whole number of seconds in plain digits",
        TimeUnit::Milliseconds => "a whole number of milliseconds in plain digits",
        TimeUnit::Rfc3339 | TimeUnit::Rfc3339Millis | TimeUnit::Rfc3339Nanos => "a time in RFC 3339",
        TimeUnit::HttpDate => "an HTTP date",
    }
}

/// How to write a time that is not a number; `None` for numbers, of which the code's remedy speaks.
const fn as_date(unit: TimeUnit) -> Option<&'static str> {
    match unit {
        TimeUnit::Seconds | TimeUnit::Milliseconds => None,
        TimeUnit::Rfc3339 | TimeUnit::Rfc3339Millis | TimeUnit::Rfc3339Nanos => Some(
            "send the time as the provider does: new Date().toISOString() in Node, datetime.now(timezone.utc).isoformat() in Python, gmdate('Y-m-d\\TH:i:s\\Z') in PHP",
        ),
        TimeUnit::HttpDate => Some(
            "send the time as the provider does: new Date().toUTCString() in Node, email.utils.formatdate(usegmt=True) in Python, gmdate('D, d M Y H:i:s \\G\\M\\T') in PHP",
        ),
    }
}

const fn other(unit: TimeUnit) -> TimeUnit {
    match unit {
        TimeUnit::Seconds => TimeUnit::Milliseconds,
        _ => TimeUnit::Seconds,
    }
}

/// How far from its receipt a timestamp in another unit may be, even if the provider allows any distance, because every
/// number is a time in some year.
const NEAR: Duration = Duration::from_secs(24 * 60 * 60);

/// Tries the timestamp of a genuine request in the other unit.
pub fn unit(case: &RejectedRequest<'_>) -> Option<Finding> {
    case.receipt.at?;
    case.provider.schemes.iter().find_map(|scheme| {
        let rule = scheme.timestamp.as_ref()?;
        let unit = other(rule.unit);
        let changed = Scheme { timestamp: Some(TimestampRule { unit, ..rule.clone() }), ..scheme.clone() };
        let Tolerance { past, future } = case.receipt.tolerance.unwrap_or(rule.tolerance);
        let near = Tolerance { past: past.min(NEAR), future: future.min(NEAR) };
        changed.verify(case.secrets(), case.request, Receipt { tolerance: Some(near), ..case.receipt }).ok()?;
        let message = format!(
            "the signature matches, and the timestamp is valid when read as {}; {} sends {}",
            name(unit),
            case.provider.title,
            name(rule.unit)
        );
        Some(Finding::new(Code::TimestampUnit, message))
    })
}

/// How far a skew may be from the offset of a time zone, in seconds: the time that a delivery takes.
const MOST_DELAY: u64 = 20;

/// The offsets of time zones from UTC, in minutes, without their sign.
const ZONES: [u64; 24] = [
    60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825,
    840,
];

/// Whether a genuine request that is too old or too new proves that one of the clocks is wrong: no delay makes a
/// timestamp too new, and one that is off by the offset of a time zone is a local time.
pub fn skew(case: &RejectedRequest<'_>) -> Option<Finding> {
    let (Reason::TimestampTooOld { skew, .. } | Reason::Expired { skew, .. } | Reason::TimestampTooNew { skew, .. }) =
        &case.rejection.reason
    else {
        return None;
    };
    // An unsigned timestamp may have been changed by anyone.
    let scheme = case.provider.schemes.iter().find(|scheme| scheme.name == case.rejection.scheme)?;
    if case.clock == Clock::Chosen || !scheme.signs_timestamp() {
        return None;
    }
    let distance = skew.distance();
    let zone = ZONES.iter().map(|minutes| Duration::from_secs(minutes * 60));
    let zone = zone.into_iter().find(|zone| zone.abs_diff(distance) <= Duration::from_secs(MOST_DELAY));
    let message = match (zone, skew.is_past()) {
        (Some(zone), true) => format!(
            "the signature matches, and the timestamp is {} behind, the offset of a time zone: a local time may have been signed as UTC, or this is an old delivery, sent again",
            words(zone)
        ),
        (Some(zone), false) => format!(
            "the signature matches, but the timestamp is {} ahead, the offset of a time zone: a local time may have been signed as UTC",
            words(zone)
        ),
        (None, false) => format!(
            "the signature matches, but it was signed {} after it was received: the sender's clock is fast, or this machine's is slow",
            words(distance)
        ),
        (None, true) => return None,
    };
    Some(Finding::new(Code::ClockSkew, message))
}

/// Readings for a timestamp header that differs from the signed timestamp.
pub fn readings(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
    let Some(rule) = &scheme.timestamp else { return Vec::new() };
    let mut readings = spellings(case, scheme);
    let Some((header, text)) = timestamp_header(case.request, scheme) else { return readings };
    let mut add = |code: Code, scheme: Scheme, digits: Option<String>, message: String| {
        let finding = Finding::new(code, message);
        let finding = match as_date(rule.unit) {
            Some(advice) => Finding { remedy: Remedy::advice(advice), ..finding },
            None => finding,
        };
        let mut reading = Reading::new(scheme, case, vec![finding]);
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
        add(Code::TimestampUnit, scheme.clone(), Some(digits.to_string()), message);
    }
    if rule.unit.read(&text).is_none() {
        let named = scheme.content.as_str().replace("{timestamp}", &format!("{{header:{header}}}"));
        if let Ok(content) = SignedContent::try_from(named) {
            let message =
                format!("the signature matches the `{header}` header as sent, but that is not {}", value(rule.unit));
            let is_number = as_date(rule.unit).is_none() && text.parse::<f64>().is_ok();
            let code = if is_number { Code::TimestampSpelling } else { Code::TimestampUnit };
            add(code, Scheme { content, timestamp: None, ..scheme.clone() }, None, message);
        }
    }
    if number.is_none()
        && let Ok(time) = text.parse::<jiff::Timestamp>()
    {
        for digits in [time.as_second(), time.as_millisecond()] {
            let message = format!(
                "the signature covers the timestamp as a number, but the `{header}` header has it as text; {title} sends {}",
                name(rule.unit)
            );
            add(Code::TimestampUnit, scheme.clone(), Some(digits.to_string()), message);
        }
    }
    readings
}

/// Readings under which the signed timestamp is the sent one in another spelling, because a program parsed it as a
/// number or a date and wrote it again.
fn spellings(case: &RejectedRequest<'_>, scheme: &Scheme) -> Vec<Reading> {
    let template = scheme.content.as_str();
    let Some(sent) = sent(case, scheme).filter(|_| template.contains("{timestamp}")) else { return Vec::new() };
    let mut readings = Vec::new();
    for text in respelled(&sent) {
        let Ok(content) = SignedContent::try_from(template.replace("{timestamp}", &text)) else { continue };
        if text.is_empty() && content.as_str() == "{body}" {
            // The sender signs no timestamp at all, which is another cause.
            continue;
        }
        let scheme = Scheme { content, timestamp: None, ..scheme.clone() };
        if let Some(earlier) = seconds_between(&text, &sent) {
            let message = format!(
                "the signature covers the timestamp `{text}`, but `{sent}` was sent, {earlier}: the sender reads the clock once to sign and again to send"
            );
            let remedy =
                Remedy::advice("read the clock once, and use that time in the header and in the signed content");
            let finding = Finding { remedy, ..Finding::new(Code::WrongSignedContent, message) };
            readings.push(Reading::new(scheme, case, vec![finding]));
            continue;
        }
        let message = match text.as_str() {
            "" => format!("the signature covers an empty timestamp, but it was sent as `{sent}`"),
            text => format!("the signature covers the timestamp as `{text}`, but it was sent as `{sent}`"),
        };
        readings.push(Reading::new(scheme, case, vec![spelling(message)]));
    }
    readings
}

fn spelling(message: String) -> Finding {
    Finding::new(Code::TimestampSpelling, message)
}

/// The timestamp as it was sent, in its header or in that of the signature.
fn sent(case: &RejectedRequest<'_>, scheme: &Scheme) -> Option<String> {
    if let Some((_, text)) = timestamp_header(case.request, scheme) {
        return Some(text).filter(|text| text.len() <= LONGEST);
    }
    let header = scheme.headers().iter().find_map(|name| case.request.headers.text(name.as_str()))?;
    let parsed = scheme.grammar.read(&header);
    parsed.timestamps.first().map(|text| (*text).to_owned()).filter(|text| text.len() <= LONGEST)
}

/// How many seconds may pass between two readings of the clock.
const MOST_SECONDS: i64 = 3;

/// The distance between the sent and the signed timestamp, in words, if both are seconds and differ.
fn seconds_between(signed: &str, sent: &str) -> Option<String> {
    let seconds = |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == UNIX_SECONDS);
    let difference = seconds(sent)? - seconds(signed)?;
    let after = if difference > 0 { "later" } else { "earlier" };
    (difference != 0).then(|| format!("{} s {after}", difference.abs()))
}

/// The number of digits of current Unix seconds.
const UNIX_SECONDS: usize = 10;

/// The longest timestamp that is respelled, in bytes.
const LONGEST: usize = 40;

/// Other spellings of a timestamp, and placeholders for a lost one.
fn respelled(sent: &str) -> Vec<String> {
    let mut all = Vec::new();
    let trimmed = sent.trim().trim_matches('"');
    let whole = trimmed.split('.').next().unwrap_or_default();
    let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole && trimmed.parse::<f64>().is_ok() {
        all.push(whole.to_owned());
        all.extend([1, 2, 3, 6].map(|places| format!("{whole}.{}", "0".repeat(places))));
        let (first, rest) = whole.split_at(1);
        let mantissa = match rest.trim_end_matches('0') {
            "" => format!("{first}.0"),
            rest => format!("{first}.{rest}"),
        };
        all.extend(["E", "e+", "E+", "e"].map(|e| format!("{mantissa}{e}{}", rest.len())));
        all.push(format!("{mantissa}e+{:02}", rest.len()));
        all.extend([format!("\"{whole}\""), format!("+{whole}"), format!("{whole}n")]);
        let number: i64 = whole.parse().unwrap_or_default();
        if whole.len() == UNIX_SECONDS {
            all.extend(
                (1..=MOST_SECONDS).flat_map(|seconds| [number - seconds, number + seconds]).map(|at| at.to_string()),
            );
        }
        for time in
            [jiff::Timestamp::from_second(number), jiff::Timestamp::from_millisecond(number)].into_iter().flatten()
        {
            all.extend(dates(time));
        }
    } else if let Ok(time) = trimmed.parse::<jiff::Timestamp>() {
        all.extend(dates(time));
    }
    all.extend([format!(" {sent}"), format!("{sent} "), trimmed.to_owned()]);
    all.extend(["", "undefined", "null", "None", "NaN"].map(str::to_owned));
    all.retain(|text| text != sent && !text.contains(['{', '}']));
    all
}

/// A time as libraries write it, in UTC.
fn dates(time: jiff::Timestamp) -> Vec<String> {
    let formats = [
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.%3fZ",
        "%Y-%m-%dT%H:%M:%S.%6fZ",
        "%Y-%m-%dT%H:%M:%S+00:00",
        "%Y-%m-%dT%H:%M:%S.%3f+00:00",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S+00:00",
    ];
    formats.iter().map(|format| time.strftime(format).to_string()).collect()
}
