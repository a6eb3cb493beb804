//! The differences between two requests. Payloads are compared by path and by spelling: `1.0` and `1` differ, and so do
//! two escapes of the same character, and `%20` and `+` in a form.

use std::{borrow::Cow, collections::HashMap, fmt};

use super::{
    json::{self, Kind, Member, Node, PointerToken, writer::escape_hidden},
    provider::payload::{self, Payload, PayloadKind},
    request::{self, Headers, Request},
};

/// How many bytes are quoted from where two bodies begin to differ.
const EXCERPT: usize = 48;

/// The longest character of UTF-8, in bytes.
const MAX_UTF8_LEN: usize = 4;

/// One difference between two requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where they differ.
    pub place: DifferingPart,
    /// The left value as JSON text; `None` if it is absent there.
    pub left: Option<String>,
    /// The right value as JSON text; `None` if it is absent there.
    pub right: Option<String>,
}

/// Where two requests differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferingPart {
    Method,
    /// Path and query.
    Target,
    /// A header, by its lower-case name.
    Header(String),
    /// A value of the payload, by its RFC 6901 pointer.
    Value(String),
    /// The order of an object's members, by the object's pointer.
    Order(String),
    /// The bytes of the body from an offset on, if the bodies have no fields to compare, or their fields are the same.
    Bytes(usize),
}

impl fmt::Display for DifferingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Target => f.write_str("target"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Value(pointer) => write!(f, "body:{pointer}"),
            Self::Order(pointer) => write!(f, "body-order:{pointer}"),
            Self::Bytes(offset) => write!(f, "body-bytes:{offset}"),
        }
    }
}

/// Compares two requests: method, target, headers regardless of their order, and bodies. A compressed body is compared
/// as its content, of at most `decoded_limit` bytes. If the contents are equal, so must be the compressed bytes.
#[must_use]
pub fn diff(left: &Request, right: &Request, decoded_limit: usize) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |place, left: &str, right: &str| {
        if left != right {
            let [left, right] = [left, right].map(|text| Some(json::quote(text)));
            differences.push(Difference { place, left, right });
        }
    };
    compare(DifferingPart::Method, left.method.as_str(), right.method.as_str());
    compare(DifferingPart::Target, &left.target, &right.target);
    headers(&left.headers, &right.headers, &mut differences);
    bodies(left, right, decoded_limit, &mut differences);
    differences
}

/// Compares the values of each name in their order.
fn headers(left: &Headers, right: &Headers, differences: &mut Vec<Difference>) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in left.iter().chain(right.iter()) {
        if !names.contains(&name.as_str()) {
            names.push(name.as_str());
        }
    }
    for name in names {
        let values = |headers: &Headers| -> Vec<String> {
            headers.all(name).map(|value| json::quote(&request::text(value))).collect()
        };
        let (mut left, mut right) = (values(left).into_iter(), values(right).into_iter());
        loop {
            let (left, right) = (left.next(), right.next());
            if left.is_none() && right.is_none() {
                break;
            }
            if left != right {
                differences.push(Difference { place: DifferingPart::Header(name.to_owned()), left, right });
            }
        }
    }
}

fn bodies(left: &Request, right: &Request, decoded_limit: usize, differences: &mut Vec<Difference>) {
    let is_encoded_alike = left.headers.text("content-encoding") == right.headers.text("content-encoding");
    if left.body == right.body && is_encoded_alike {
        return;
    }
    // A body that can't be decoded is compared as it is.
    let decoded = |request| payload::decoded(request, decoded_limit);
    let (left_body, right_body) = match (decoded(left), decoded(right)) {
        (Ok(left), Ok(right)) => (left, right),
        _ => (Cow::Borrowed(left.body.as_ref()), Cow::Borrowed(right.body.as_ref())),
    };
    if left_body == right_body {
        if is_encoded_alike {
            bytes(&left.body, &right.body, differences);
        }
        return;
    }
    let before = differences.len();
    let payloads = (Payload::parse(left, &left_body), Payload::parse(right, &right_body));
    if let (Some(left), Some(right)) = (payloads.0.root(), payloads.1.root())
        && payloads.0.kind == payloads.1.kind
    {
        let forms =
            (payloads.0.kind == PayloadKind::Urlencoded).then(|| (as_spelled(&left_body), as_spelled(&right_body)));
        let (left, right) = forms.as_ref().map_or((left, right), |(left, right)| (left, right));
        let mut walk = DiffWalk {
            texts: [&left_body, &right_body].map(|body| str::from_utf8(body).unwrap_or_default()),
            pointer: String::new(),
            differences,
        };
        walk.node(left, right);
    }
    if differences.len() == before {
        bytes(&left_body, &right_body, differences);
    }
}

/// The fields of a URL-encoded form, with their values as they are spelled.
fn as_spelled(form: &[u8]) -> Node<'static> {
    let member = |field: &[u8]| {
        let (key, _) = form_urlencoded::parse(field).next()?;
        let value = field.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default();
        let value = Node { span: 0..0, kind: Kind::String(readable(value).into()) };
        Some(Member { key: key.into_owned().into(), key_span: 0..0, value })
    };
    Node { span: 0..0, kind: Kind::Object(form.split(|byte| *byte == b'&').filter_map(member).collect()) }
}

/// Reports where two bodies begin to differ.
fn bytes(left: &[u8], right: &[u8], differences: &mut Vec<Difference>) {
    let offset = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let rest = |body: &[u8]| {
        let rest = &body[offset..];
        // Not within a character.
        let is_end = |at: &usize| rest.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let end = EXCERPT.min(rest.len());
        let end = (end..end + MAX_UTF8_LEN).find(is_end).unwrap_or(end);
        (!rest.is_empty()).then(|| json::quote(&readable(&rest[..end])))
    };
    differences.push(Difference { place: DifferingPart::Bytes(offset), left: rest(left), right: rest(right) });
}

/// Bytes as text. Those that aren't UTF-8 become `\xNN`.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    text
}

/// A walk through two payloads side by side.
struct DiffWalk<'d, 't> {
    texts: [&'t str; 2],
    pointer: String,
    differences: &'d mut Vec<Difference>,
}

impl DiffWalk<'_, '_> {
    fn node(&mut self, left: &Node<'_>, right: &Node<'_>) {
        match (&left.kind, &right.kind) {
            (Kind::Object(left), Kind::Object(right)) => self.members(left, right),
            (Kind::Array(left), Kind::Array(right)) => self.items(left, right),
            _ => {
                let (left, right) = (self.token(0, left), self.token(1, right));
                if left != right {
                    self.push(Some(left), Some(right));
                }
            }
        }
    }

    /// Compares members with the same key; occurrences of a repeated key are compared in order.
    fn members(&mut self, left: &[Member<'_>], right: &[Member<'_>]) {
        let mut others: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, member) in right.iter().enumerate().rev() {
            others.entry(&member.key).or_default().push(index);
        }
        let mut is_matched = vec![false; right.len()];
        let mut order = Vec::new();
        for member in left {
            let other = others.get_mut(&*member.key).and_then(Vec::pop);
            self.below(&member.key, |walk| match other {
                Some(index) => walk.node(&member.value, &right[index].value),
                None => walk.only(0, &member.value),
            });
            if let Some(index) = other {
                is_matched[index] = true;
                order.push(index);
            }
        }
        for (member, _) in right.iter().zip(is_matched).filter(|(_, is_matched)| !is_matched) {
            self.below(&member.key, |walk| walk.only(1, &member.value));
        }
        if !order.is_sorted() {
            let keys = |members: &[Member<'_>]| {
                let keys: Vec<String> = members.iter().map(|member| json::quote(&member.key)).collect();
                Some(format!("[{}]", keys.join(",")))
            };
            let place = DifferingPart::Order(self.pointer.clone());
            self.differences.push(Difference { place, left: keys(left), right: keys(right) });
        }
    }

    /// Compares items by index, except those that are the same at the end.
    fn items(&mut self, left: &[Node<'_>], right: &[Node<'_>]) {
        let is_same = |(left, right): &(&Node<'_>, &Node<'_>)| self.raw(0, left) == self.raw(1, right);
        let same = left.iter().rev().zip(right.iter().rev()).take_while(is_same).count();
        let same = if left.len() == right.len() { 0 } else { same };
        let (left, right) = (&left[..left.len() - same], &right[..right.len() - same]);
        for index in 0..left.len().max(right.len()) {
            self.below(&index.to_string(), |walk| match (left.get(index), right.get(index)) {
                (Some(left), Some(right)) => walk.node(left, right),
                (Some(left), None) => walk.only(0, left),
                (None, Some(right)) => walk.only(1, right),
                (None, None) => {}
            });
        }
    }

    /// A value that only one side has.
    fn only(&mut self, side: usize, node: &Node<'_>) {
        let token = Some(self.token(side, node));
        let (left, right) = if side == 0 { (token, None) } else { (None, token) };
        self.push(left, right);
    }

    fn push(&mut self, left: Option<String>, right: Option<String>) {
        self.differences.push(Difference { place: DifferingPart::Value(self.pointer.clone()), left, right });
    }

    fn below(&mut self, key: &str, work: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push_str(&PointerToken(key).to_string());
        work(self);
        self.pointer.truncate(length);
    }

    /// A value's own text; `None` for a field of a form, which has no JSON text.
    fn raw(&self, side: usize, node: &Node<'_>) -> Option<&str> {
        self.texts[side].get(node.span.clone()).filter(|raw| !raw.is_empty())
    }

    /// A value as JSON text in its own spelling, without whitespace between tokens, and with invisible characters
    /// escaped.
    fn token(&self, side: usize, node: &Node<'_>) -> String {
        let mut token = String::new();
        match &node.kind {
            Kind::String(text) if self.raw(side, node).is_none() => return json::quote(text),
            _ => json::compact(self.texts[side], node, &mut token),
        }
        escape_hidden(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::request::{HeaderName, Method};

    fn request(headers: &[(&'static str, &str)], body: &str) -> Request {
        let headers =
            headers.iter().map(|(name, text)| (HeaderName::from_static(name), request::value(text).unwrap())).collect();
        Request { method: Method::POST, target: "/a".to_owned(), headers, body: body.to_owned().into() }
    }

    fn differences(left: &Request, right: &Request) -> Vec<String> {
        let side = |text: Option<String>| text.unwrap_or_else(|| "absent".to_owned());
        let found = diff(left, right, 1 << 20).into_iter();
        found.map(|found| format!("{} {} {}", found.place, side(found.left), side(found.right))).collect()
    }

    fn of_bodies(left: &str, right: &str) -> Vec<String> {
        differences(&request(&[], left), &request(&[], right))
    }

    #[test]
    fn values_are_compared_by_path_in_their_own_spelling() {
        assert_eq!(of_bodies(r#"{"a":1,"b":[true]}"#, r#"{"a":1,"b":[true]}"#), [""; 0]);
        assert_eq!(
            of_bodies(
                r#"{"id":9007199254740993,"n":1.0,"s":"\u00e9","o":{"x/y":null},"gone":{"a": [1, 2]}}"#,
                r#"{"id":9007199254740992,"n":1,"s":"é","o":{"x/y":[]},"new":"\u202e"}"#
            ),
            [
                "body:/id 9007199254740993 9007199254740992",
                "body:/n 1.0 1",
                "body:/s \"\\u00e9\" \"é\"",
                "body:/o/x~1y null []",
                "body:/gone {\"a\":[1,2]} absent",
                "body:/new absent \"\\u202e\"",
            ]
        );
    }

    #[test]
    fn a_hidden_character_is_escaped() {
        assert_eq!(of_bodies("{\"a\":\"\u{202e}x\"}", "{\"a\":1}"), ["body:/a \"\\u202ex\" 1"]);
    }

    #[test]
    fn an_item_inserted_in_an_array_is_one_difference() {
        assert_eq!(of_bodies("[1,2,3]", "[1,9,2,3]"), ["body:/1 absent 9"]);
        assert_eq!(of_bodies("[1,2,3]", "[1,3]"), ["body:/1 2 absent"]);
        assert_eq!(of_bodies("[[1],2]", "[[3],2]"), ["body:/0/0 1 3"]);
    }

    #[test]
    fn repeated_keys_are_compared_in_their_order() {
        assert_eq!(of_bodies(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":3}"#), ["body:/a 2 3"]);
        assert_eq!(of_bodies(r#"{"a":1}"#, r#"{"a":1,"a":3}"#), ["body:/a absent 3"]);
    }

    #[test]
    fn another_order_of_members_is_said_once() {
        assert_eq!(
            of_bodies(r#"{"o":{"a":1,"b":2}}"#, r#"{"o":{"b":2,"a":1}}"#),
            [r#"body-order:/o ["a","b"] ["b","a"]"#]
        );
    }

    #[test]
    fn bodies_with_the_same_values_differ_in_their_bytes() {
        assert_eq!(of_bodies(r#"{"a":1}"#, r#"{"a": 1}"#), [r#"body-bytes:5 "1}" " 1}""#]);
        assert_eq!(of_bodies("plain", "plain text"), [r#"body-bytes:5 absent " text""#]);
    }

    #[test]
    fn forms_are_compared_by_field_in_their_own_spelling() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let differences = |left: &str, right: &str| differences(&request(&form, left), &request(&form, right));
        assert_eq!(differences("a=1&b=x+y", "a=1&b=x%20z&c="), [r#"body:/b "x+y" "x%20z""#, r#"body:/c absent """#]);
        assert_eq!(differences("a=1&b=%20x", "a=2&b=+x"), [r#"body:/a "1" "2""#, r#"body:/b "%20x" "+x""#]);
        assert_eq!(differences("a=1&a=2", "a=2&a=1"), [r#"body:/a "1" "2""#, r#"body:/a "2" "1""#]);
        // A field without a value, and an empty one.
        assert_eq!(differences("a&b=1", "a=&b=1"), [r#"body-bytes:1 "&b=1" "=&b=1""#]);
    }

    #[test]
    fn bytes_that_are_not_text_are_shown() {
        let binary = |body: &'static [u8]| Request { body: body.into(), ..request(&[], "") };
        assert_eq!(
            differences(&binary(b"\0\x01\xff\x02"), &binary(b"\0\x01\xfe\x02")),
            [r#"body-bytes:2 "\\xff\u0002" "\\xfe\u0002""#]
        );
        let long = [b"a".repeat(EXCERPT - 1), "€b".into()].concat();
        let continuations = Request { body: vec![0x80; 1000].into(), ..binary(b"") };
        let excerpt = r"\\x80".repeat(EXCERPT);
        assert_eq!(differences(&continuations, &binary(b"")), [format!(r#"body-bytes:0 "{excerpt}" absent"#)]);
        let expected = format!(r#"body-bytes:0 "{}€" absent"#, "a".repeat(EXCERPT - 1));
        assert_eq!(differences(&Request { body: long.into(), ..binary(b"") }, &binary(b"")), [expected]);
    }

    #[test]
    fn bodies_compressed_differently_differ_though_their_content_is_the_same() {
        // `printf '{}' | gzip -n`, and the same with the time 1 in the header.
        const GZIP: [u8; 22] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0];
        let mut timed = GZIP;
        timed[4] = 1;
        let compressed =
            |body: [u8; 22]| Request { body: body.to_vec().into(), ..request(&[("content-encoding", "gzip")], "") };
        assert_eq!(
            differences(&compressed(GZIP), &compressed(timed)),
            [
                r#"body-bytes:4 "\u0000\u0000\u0000\u0000\u0000\u0003\\xab\\xae\u0005\u0000C\\xbf\\xa6\\xa3\u0002\u0000\u0000\u0000" "\u0001\u0000\u0000\u0000\u0000\u0003\\xab\\xae\u0005\u0000C\\xbf\\xa6\\xa3\u0002\u0000\u0000\u0000""#
            ]
        );
        assert_eq!(differences(&compressed(GZIP), &request(&[], "{}")), [r#"header:content-encoding "gzip" absent"#]);
    }

    #[test]
    fn headers_are_compared_regardless_of_their_order() {
        let left = request(&[("a", "1"), ("b", "2"), ("b", "3")], "");
        assert_eq!(differences(&left, &request(&[("b", "2"), ("b", "3"), ("a", "1")], "")), [""; 0]);
        assert_eq!(
            differences(&left, &request(&[("b", "3"), ("c", "é")], "")),
            [r#"header:a "1" absent"#, r#"header:b "2" "3""#, r#"header:b "3" absent"#, r#"header:c absent "é""#]
        );
        let other = Request { method: Method::PUT, target: "/b?c".to_owned(), ..left.clone() };
        assert_eq!(differences(&left, &other), [r#"method "POST" "PUT""#, r#"target "/a" "/b?c""#]);
    }
}
