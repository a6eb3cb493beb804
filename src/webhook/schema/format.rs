//! The formats that a schema may ask of a string, as their RFCs have them. Verdicts agree with those of the `jsonschema`
//! crate, which a test asks each time.

use core::net::Ipv6Addr;

use jiff::civil::Date;

/// A `format` keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A date and time of RFC 3339, with an offset.
    DateTime,
    /// A UUID of RFC 4122 with its hyphens, in either case.
    Uuid,
    /// An absolute URI of RFC 3986.
    Uri,
}

impl Format {
    const NAMES: [(Self, &str); 3] = [(Self::DateTime, "date-time"), (Self::Uuid, "uuid"), (Self::Uri, "uri")];

    /// The format that JSON Schema calls by that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(format, _)| *format)
    }

    /// The names that are known.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(_, name)| *name)
    }

    /// What a string of this format is, for a message.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::DateTime => "a time as in RFC 3339 (`2025-01-01T12:00:00Z`)",
            Self::Uuid => "a UUID",
            Self::Uri => "an absolute URI",
        }
    }

    pub(super) fn admits(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text.as_bytes()).unwrap_or(false),
            Self::Uuid => is_uuid(text.as_bytes()),
            Self::Uri => is_uri(text),
        }
    }
}

/// `2025-01-01T12:00:00.25+01:00`. None, as false, where the text ends early or a digit is none.
fn is_date_time(text: &[u8]) -> Option<bool> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let separators = [4, 7, 10, 13, 16].map(|at| date_and_time[at].to_ascii_uppercase());
    let year = i16::try_from(number(&date_and_time[..4])?).ok()?;
    let [month, day] = [number(&date_and_time[5..7])?, number(&date_and_time[8..10])?];
    let [hour, minute, second] = [11, 14, 17].map(|at| number(&date_and_time[at..at + 2]));
    let minutes = hour.filter(|hour| *hour < 24)? * 60 + minute.filter(|minute| *minute < 60)?;
    let is_date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).is_ok();
    let offset = offset_minutes(after_fraction(rest)?)?;
    // A leap second comes at the end of a day in UTC (RFC 3339, section 5.7).
    let is_second = match second? {
        60 => (minutes - offset).rem_euclid(24 * 60) == 24 * 60 - 1,
        second => second < 60,
    };
    Some(separators == *b"--T::" && is_date && is_second)
}

/// What follows a fraction of a second, if there is one; none when it has no digits.
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

/// The number that up to four digits mean.
fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 10 + i32::try_from(char::from(*digit).to_digit(10)?).ok()?))
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `scheme ":" ["//" authority] path ["?" query] ["#" fragment]`.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && is_authority(authority)
        && consists_of(path, b":@/")
        && consists_of(query, b":@/?")
        && consists_of(fragment, b":@/?")
}

/// `[userinfo "@"] host [":" port]`.
fn is_authority(text: &str) -> bool {
    let (user, host) = text.split_once('@').unwrap_or(("", text));
    let (is_host, port) = if let Some(literal) = host.strip_prefix('[') {
        let (address, port) = literal.split_once(']').unwrap_or_default();
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
        (consists_of(name, b""), port)
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    consists_of(user, b":") && is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Whether a text holds nothing but unreserved characters, sub-delimiters, percent escapes and the bytes of `besides`.
fn consists_of(text: &str, besides: &[u8]) -> bool {
    let mut parts = text.split('%');
    let is_plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b) || besides.contains(&b))
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
        let (format, oracle) = (Format::named(name).unwrap(), oracle(name));
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
    fn a_sign_is_no_digit() {
        // Here `jsonschema` 0.60 errs: it takes the four bytes `+025` for a year.
        assert_eq!(
            ["+025-01-01T12:00:00Z", "2025-01-01T12:00:00+-1:00"].map(|text| Format::DateTime.admits(text)),
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
                prop_assert_eq!(Format::named(name).unwrap().admits(&text), expected, "{}", text);
            }
        }
    }
}
