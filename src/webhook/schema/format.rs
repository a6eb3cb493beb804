//! The formats that a schema may require of a string, as defined by their RFCs. `idn-hostname` and `uri-template` are
//! not checked, nor are formats that JSON Schema does not define.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use jiff::civil::Date;

use super::pattern::SchemaPattern;
use crate::webhook::json::Path;

/// A `format` keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatKeyword {
    /// A full date of RFC 3339.
    Date,
    /// A date and time of RFC 3339, with an offset.
    DateTime,
    /// A duration of RFC 3339, appendix A.
    Duration,
    /// A mailbox of RFC 5321.
    Email,
    /// A host name of RFC 1123.
    Hostname,
    /// A mailbox of RFC 6531, which need not be ASCII.
    IdnEmail,
    /// An IPv4 address in dotted decimal.
    Ipv4,
    /// An IPv6 address of RFC 4291.
    Ipv6,
    /// An absolute IRI of RFC 3987.
    Iri,
    /// An IRI of RFC 3987, absolute or relative.
    IriReference,
    /// A JSON pointer of RFC 6901.
    JsonPointer,
    /// A regular expression.
    Regex,
    RelativeJsonPointer,
    /// A full time of RFC 3339, with an offset.
    Time,
    /// An absolute URI of RFC 3986.
    Uri,
    /// A URI of RFC 3986, absolute or relative.
    UriReference,
    /// A UUID of RFC 4122 with its hyphens, in either case.
    Uuid,
}

impl FormatKeyword {
    /// The names in a schema, and the wording in messages.
    const NAMES: [(Self, &str, &str); 17] = [
        (Self::Date, "date", "a date as in RFC 3339 (`2025-01-01`)"),
        (Self::DateTime, "date-time", "a time as in RFC 3339 (`2025-01-01T12:00:00Z`)"),
        (Self::Duration, "duration", "a duration as in ISO 8601 (`P1DT12H`)"),
        (Self::Email, "email", "an email address"),
        (Self::Hostname, "hostname", "a host name"),
        (Self::IdnEmail, "idn-email", "an email address"),
        (Self::Ipv4, "ipv4", "an IPv4 address"),
        (Self::Ipv6, "ipv6", "an IPv6 address"),
        (Self::Iri, "iri", "an absolute IRI"),
        (Self::IriReference, "iri-reference", "an IRI"),
        (Self::JsonPointer, "json-pointer", "a JSON pointer"),
        (Self::Regex, "regex", "a regular expression"),
        (Self::RelativeJsonPointer, "relative-json-pointer", "a relative JSON pointer"),
        (Self::Time, "time", "a time of day as in RFC 3339 (`12:00:00Z`)"),
        (Self::Uri, "uri", "an absolute URI"),
        (Self::UriReference, "uri-reference", "a URI"),
        (Self::Uuid, "uuid", "a UUID"),
    ];

    /// The format with this name in JSON Schema.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known, _)| *known == name).map(|(format, ..)| *format)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(_, name, _)| *name)
    }

    /// Whether JSON Schema or OpenAPI defines this name, but it is not checked here.
    pub(super) fn is_unchecked(name: &str) -> bool {
        matches!(name, "idn-hostname" | "uri-template" | "utc-millisec" | "double" | "byte" | "int32" | "int64")
    }

    /// A string of this format, as worded in messages.
    pub(super) fn words(self) -> &'static str {
        Self::NAMES.iter().find(|(format, ..)| *format == self).map_or("", |(.., words)| words)
    }

    pub(super) fn admits(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Self::Date => is_date(bytes).is_some_and(<[u8]>::is_empty),
            Self::DateTime => is_date_time(bytes).unwrap_or(false),
            Self::Duration => is_duration(text),
            Self::Email => text.is_ascii() && is_email(text),
            Self::Hostname => is_hostname(text),
            Self::IdnEmail => is_email(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Iri => is_reference(text, CharacterSet::Any) && has_scheme(text),
            Self::IriReference => is_reference(text, CharacterSet::Any),
            Self::JsonPointer => is_json_pointer(text),
            Self::Regex => SchemaPattern::new(text).is_ok(),
            Self::RelativeJsonPointer => is_relative_json_pointer(text),
            Self::Time => is_time(bytes).unwrap_or(false),
            Self::Uri => is_reference(text, CharacterSet::Ascii) && has_scheme(text),
            Self::UriReference => is_reference(text, CharacterSet::Ascii),
            Self::Uuid => is_uuid(text),
        }
    }
}

/// What follows a date, if the text begins with one.
fn is_date(text: &[u8]) -> Option<&[u8]> {
    let (date, rest) = text.split_at_checked(10)?;
    let year = i16::try_from(number(&date[..4])?).ok()?;
    let [month, day] = [number(&date[5..7])?, number(&date[8..10])?].map(i8::try_from);
    let is_date = date[4] == b'-' && date[7] == b'-' && Date::new(year, month.ok()?, day.ok()?).is_ok();
    is_date.then_some(rest)
}

/// `2025-01-01T12:00:00.25+01:00`. `None` counts as false: the text ends early, or has something other than a digit.
fn is_date_time(text: &[u8]) -> Option<bool> {
    match is_date(text)? {
        [b'T' | b't', time @ ..] => is_time(time),
        _ => Some(false),
    }
}

/// `12:00:00.25+01:00`. `None` counts as false: the text ends early, or has something other than a digit.
fn is_time(text: &[u8]) -> Option<bool> {
    let (time, rest) = text.split_at_checked(8)?;
    let [hour, minute, second] = [0, 3, 6].map(|at| number(&time[at..at + 2]));
    let minutes = hour.filter(|hour| *hour < 24)? * 60 + minute.filter(|minute| *minute < 60)?;
    let offset = offset_minutes(after_fraction(rest)?)?;
    // A leap second is at the end of a day in UTC (RFC 3339, section 5.7).
    let is_second = match second? {
        60 => (minutes - offset).rem_euclid(24 * 60) == 24 * 60 - 1,
        second => second < 60,
    };
    Some(time[2] == b':' && time[5] == b':' && is_second)
}

/// `P1Y2M3DT4H5M6S`, without a gap between its units, or `P4W`.
fn is_duration(text: &str) -> bool {
    let Some(parts) = text.strip_prefix('P') else { return false };
    let (date, time) = parts.split_once('T').map_or((parts, None), |(date, time)| (date, Some(time)));
    match (date.strip_suffix('W'), time) {
        (Some(weeks), None) => is_digits(weeks),
        (_, None) => has_units(date, "YMD"),
        (_, Some(time)) => has_units(time, "HMS") && (date.is_empty() || has_units(date, "YMD")),
    }
}

/// Whether a text is a sequence of numbers with consecutive units.
fn has_units(text: &str, units: &str) -> bool {
    let (mut rest, mut places) = (text, Vec::new());
    while let Some(end) = rest.find(|character: char| !character.is_ascii_digit()) {
        let place = rest[end..].chars().next().and_then(|unit| units.find(unit));
        let (Some(place), true) = (place, end > 0) else { return false };
        places.push(place);
        rest = &rest[end + 1..];
    }
    rest.is_empty() && !places.is_empty() && places.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `local@domain`, the local part a row of atoms or quoted, the domain a host name or an address in brackets.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
    };
    let is_quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).is_some_and(is_quotable);
    let is_domain = match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => address.parse::<Ipv4Addr>().is_ok(),
        },
        None if domain.is_ascii() => is_hostname(domain),
        None => domain.split('.').all(|label| !label.is_empty() && !label.contains(char::is_whitespace)),
    };
    local.len() <= 64 && (is_quoted || local.split('.').all(is_atom)) && is_domain
}

/// Whether a text may be between the quotes of a local part.
fn is_quotable(text: &str) -> bool {
    const PRINTABLE: RangeInclusive<char> = ' '..='~';
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let shown = if character == '\\' { characters.next() } else { Some(character).filter(|c| *c != '"') };
        if !shown.is_some_and(|c| PRINTABLE.contains(&c) || !c.is_ascii()) {
            return false;
        }
    }
    true
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            // Two hyphens there are reserved for encoded labels (RFC 5891, section 4.2.3.1).
            && (label.get(2..4) != Some("--") || label.to_ascii_lowercase().starts_with("xn--"))
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_json_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/') && text.parse::<Path>().is_ok()
}

/// A count of levels to go up, and a pointer from there or `#`.
fn is_relative_json_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (levels, pointer) = text.split_at(digits);
    (levels == "0" || is_digits(levels) && !levels.starts_with('0')) && (pointer == "#" || is_json_pointer(pointer))
}

/// The text after a fraction of a second, if there is one; `None` if the fraction has no digits.
fn after_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some(text) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { None } else { Some(&fraction[digits..]) }
}

/// `Z` or `+01:00`, in minutes.
fn offset_minutes(text: &[u8]) -> Option<i32> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', ten, one] if hours.len() == 2 => {
            let hours = number(hours).filter(|hours| *hours < 24)?;
            let minutes = number(&[*ten, *one]).filter(|minutes| *minutes < 60)?;
            let offset = hours * 60 + minutes;
            Some(if *sign == b'+' { offset } else { -offset })
        }
        _ => None,
    }
}

/// The value of up to four digits.
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 10 + i32::try_from(char::from(*digit).to_digit(10)?).ok()?))
}

/// Whether a text is a UUID of RFC 4122 with its hyphens, in either case.
pub(in crate::webhook) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && [8, 13, 18, 23].into_iter().all(|at| bytes[at] == b'-')
        && bytes.iter().filter(|byte| byte.is_ascii_hexdigit()).count() == 32
}

/// Which characters a reference may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CharacterSet {
    /// Those of a URI.
    Ascii,
    /// Those of an IRI, outside ASCII too.
    Any,
}

/// Whether a reference begins with a scheme, and so is absolute.
fn has_scheme(text: &str) -> bool {
    let scheme = text.split([':', '/', '?', '#']).next().unwrap_or_default();
    text[scheme.len()..].starts_with(':')
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `[scheme ":"] ["//" authority] path ["?" query] ["#" fragment]`.
fn is_reference(text: &str, characters: CharacterSet) -> bool {
    let is_absolute = has_scheme(text);
    let rest = if is_absolute { text.split_once(':').map_or("", |(_, rest)| rest) } else { text };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    // A colon in the first segment would end a scheme.
    let is_path = is_absolute || !path.split('/').next().is_some_and(|segment| segment.contains(':'));
    is_authority(authority, characters)
        && is_path
        && consists_of(path, b":@/", characters)
        && consists_of(query, b":@/?", characters)
        && consists_of(fragment, b":@/?", characters)
}

/// `[userinfo "@"] host [":" port]`.
fn is_authority(text: &str, characters: CharacterSet) -> bool {
    let (user, host) = text.split_once('@').unwrap_or(("", text));
    let (is_host, port) = if let Some(literal) = host.strip_prefix('[') {
        let (address, port) = literal.split_once(']').unwrap_or_default();
        (address.parse::<Ipv6Addr>().is_ok() || is_future_address(address), port)
    } else {
        let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
        (consists_of(name, b"", characters), port)
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    consists_of(user, b":", characters) && is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// `v` and its version, a dot, and an address of that version (RFC 3986, section 3.2.2).
fn is_future_address(text: &str) -> bool {
    let version = text.strip_prefix(['v', 'V']).and_then(|rest| rest.split_once('.'));
    version.is_some_and(|(version, address)| {
        let is_hex = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex && !address.is_empty() && !address.contains('%') && consists_of(address, b":", CharacterSet::Ascii)
    })
}

/// Whether a text has only unreserved characters, sub-delimiters, percent escapes and the bytes of `besides`.
fn consists_of(text: &str, besides: &[u8], characters: CharacterSet) -> bool {
    let mut parts = text.split('%');
    let is_plain = |part: &str| {
        part.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=".contains(&b)
                || besides.contains(&b)
                || !b.is_ascii() && characters == CharacterSet::Any
        })
    };
    let is_escaped = |part: &str| {
        part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && is_plain(&part[2..])
    };
    parts.next().is_none_or(is_plain) && parts.all(is_escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The verdict of the `jsonschema` crate.
    fn oracle(name: &str) -> jsonschema::Validator {
        jsonschema::options().should_validate_formats(true).build(&json!({"format": name})).unwrap()
    }

    #[track_caller]
    fn assert_admits(name: &str, texts: &[&str], expected: bool) {
        let (format, oracle) = (FormatKeyword::named(name).unwrap(), oracle(name));
        for text in texts {
            assert_eq!((format.admits(text), oracle.is_valid(&json!(text))), (expected, expected), "{text}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        // The examples of RFC 3339, section 5.8, and variations of the grammar.
        let times = [
            "1985-04-12T23:20:50.52Z",
            "1996-12-19T16:39:57-08:00",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "1937-01-01T12:00:27.87+00:20",
            "2024-02-29t00:00:00z",
            "0000-01-01T00:00:00Z",
            "2025-01-01T00:00:00-00:00",
            "2025-01-01T00:00:00.123456789012Z",
            "2016-12-31T23:59:60.5Z",
            "2017-01-01T05:29:60+05:30",
        ];
        assert_admits("date-time", &times, true);
        let others = [
            "",
            "2025-01-01",
            "2025-01-01T12:00:00",
            "2025-01-01 12:00:00Z",
            "2025-13-01T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "2025-01-00T12:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T12:60:00Z",
            "2025-01-01T12:00:60Z",
            "2025-01-01T12:00:61Z",
            "2025-01-01T12:00:00.Z",
            "2025-01-01T12:00:00+0100",
            "2025-01-01T12:00:00+24:00",
            "2025-01-01T12:00:00+01:60",
            "2025-01-01T12:00:00Z ",
            "25-01-01T12:00:00Z",
            "2025-1-01T12:00:00Z",
            "2025-01-01T12:00Z",
            "2025-01-01T12:00:00+é:00",
            "202é-01-01T12:00:00Z",
            "2025-01-01T12:00:00[UTC]",
            "2025/01/01T12:00:00Z",
            "1735732800",
            "2025-01-01T23:59:60+01:00",
        ];
        assert_admits("date-time", &others, false);
    }

    #[test]
    fn a_sign_is_not_a_digit() {
        // `jsonschema` 0.60 is wrong here: it accepts the four bytes `+025` as a year.
        assert_eq!(
            ["+025-01-01T12:00:00Z", "2025-01-01T12:00:00+-1:00"].map(|text| FormatKeyword::DateTime.admits(text)),
            [false; 2]
        );
    }

    #[test]
    fn uuids_are_hyphenated_hex_of_either_case() {
        let uuids = [
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
            "00000000-0000-0000-0000-000000000000",
        ];
        assert_admits("uuid", &uuids, true);
        let others = [
            "",
            "f81d4fae7dec11d0a76500a0c91e6bf6",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ",
            "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
            "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "f81d4fae-7dec-11d0-a7650-0a0c91e6bf6",
        ];
        assert_admits("uuid", &others, false);
    }

    #[test]
    fn uris_are_absolute_and_of_rfc_3986() {
        // The examples of RFC 3986, section 1.1.2, and more.
        let uris = [
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "http://www.ietf.org/rfc/rfc2396.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "news:comp.infosystems.www.servers.unix",
            "tel:+1-816-555-1212",
            "telnet://192.0.2.16:80/",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "https://u:p@h:8080/a?b#c",
            "https://example.com/%C3%A9",
            "a:",
            "file:///etc/hosts",
            "http://h:/",
            "http://?q",
            "x:a#",
            "https://h/?a=b?c/d",
        ];
        assert_admits("uri", &uris, true);
        let others = [
            "",
            "/relative",
            "example.com",
            "//example.com/",
            "1a://h",
            ":a",
            "http://h/a b",
            "http://h/%zz",
            "http://h/%4",
            "http://h/é",
            "http://h/\\",
            "http://h/a#b#c",
            "http://h:port/",
            "http://[::1/",
            "http://[x]/",
            "http://a@b@c/",
            "http://h/[a]",
            "http://h/%é0",
            "http://[::1]x/",
            "a<b>:c",
            "http://a]b/",
        ];
        assert_admits("uri", &others, false);
    }

    proptest! {
        #[test]
        fn random_texts_are_judged_as_by_the_jsonschema_crate(
            time in "[0-9]{3,4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{0,3})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?",
            uuid in "[0-9a-fA-Fg]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-f]{11,13}",
            uri in "(http|a|1)?:?(//)?[a-z@:%0-9\\[\\]/?# é]{0,9}",
        ) {
            for (name, text) in [("date-time", time), ("uuid", uuid), ("uri", uri)] {
                let expected = oracle(name).is_valid(&json!(text));
                prop_assert_eq!(FormatKeyword::named(name).unwrap().admits(&text), expected, "{}", text);
            }
        }
    }
}
