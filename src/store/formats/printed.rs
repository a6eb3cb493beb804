//! Headers followed by a body, as programs print them for debugging: `console.log(req.headers, body)`, `print(headers,
//! body)`, `fmt.Println(r.Header, body)`; or one object with both.
//!
//! A body is read only if it was printed as text or bytes. A parsed one is an error, because its bytes are lost.

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, json_request,
    parts::{self, ParseError, expected},
    position::Start,
    values::{are_headers, elixir, fields, go, literal, literal::Literal, maps, php},
    whole,
};
use crate::webhook::request::{Headers, Method, Request};

/// Printed headers and body.
pub(super) struct Printed;

impl Format for Printed {
    fn name(&self) -> &'static str {
        "headers and a body as a program prints them"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The head may end within a character.
        let end = str::from_utf8(head).map_or_else(|error| error.valid_up_to(), str::len);
        str::from_utf8(&head[..end]).is_ok_and(|text| find(text).is_some())
    }

    fn searches(&self) -> bool {
        true
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let text = String::from_utf8_lossy(&input);
        let entry = find(&text).ok_or_else(|| expected("headers")).and_then(PrintedRequest::entry);
        match entry.map_err(|error| EntryFault::at(Start::of_line(1), error))? {
            Some(entry) => Ok(Box::new(Collected::single(entry))),
            None => Ok(Box::new(Collected::default())),
        }
    }
}

/// How many lines are searched, and how many places in all, because a log line may have many brackets.
const MAX_LINES: usize = 64;
const MAX_PLACES: usize = 64;

/// What was printed.
enum PrintedRequest<'t> {
    /// One object with headers and a body.
    Request(Literal),
    /// Headers, and the text before and after them.
    Headers(Vec<(String, String)>, &'t str, &'t str),
}

/// The first printed headers, or the first object with headers.
fn find(text: &str) -> Option<PrintedRequest<'_>> {
    let php = php::value(text).and_then(|(value, rest)| of_language(value, "", rest));
    let elixir = || elixir::value(text).and_then(|(value, before, rest)| of_language(value, before, rest));
    if let Some(found) = php.or_else(elixir) {
        return Some(found);
    }
    let lines =
        text.split_inclusive('\n').take(MAX_LINES).map(|line| (line.as_ptr().addr() - text.as_ptr().addr(), line));
    let places = lines.flat_map(|(start, line)| line.match_indices(['{', '[']).map(move |(at, _)| start + at));
    let mut end = 0;
    places.take(MAX_PLACES).find_map(|at| {
        // A nested value is part of the outer one, such as the headers in a log without bodies.
        if at < end {
            return None;
        }
        let parsed = literal::value(&text[at..]);
        if let Some((Literal::Object(_) | Literal::List(_), rest)) = &parsed {
            end = text.len() - rest.len();
        }
        found_at(text, at, parsed)
    })
}

/// A value in a notation that only one language uses.
fn of_language<'t>(value: Literal, before: &'t str, rest: &'t str) -> Option<PrintedRequest<'t>> {
    match fields(&value) {
        Some(fields) if are_headers(&fields) => Some(PrintedRequest::Headers(fields, before, rest)),
        _ => json_request::is_request(&value.json()).then_some(PrintedRequest::Request(value)),
    }
}

fn found_at<'t>(text: &'t str, at: usize, parsed: Option<(Literal, &'t str)>) -> Option<PrintedRequest<'t>> {
    if let Some((value, rest)) = parsed {
        // Plain JSON is left to its own formats, which know what is missing from it.
        let is_json = text[at + 1..].trim_start().starts_with('"');
        let starts_line = text[..at].rsplit('\n').next().unwrap_or_default().trim().is_empty();
        match fields(&value) {
            Some(fields) if are_headers(&fields) && !(is_json && rest.trim().is_empty()) && !is_member(rest) => {
                return Some(PrintedRequest::Headers(fields, &text[..at], rest));
            }
            _ if is_json && starts_line => {}
            _ if matches!(value, Literal::Object(_)) && json_request::is_request(&value.json()) => {
                return Some(PrintedRequest::Request(value));
            }
            _ => {
                if let Some(fields) = headers_of_request(&value).filter(|_| !rest.trim().is_empty() && !is_member(rest))
                {
                    return Some(PrintedRequest::Headers(fields, &text[..at], rest));
                }
            }
        }
    }
    let start = at - if text[..at].ends_with("map") { 3 } else { 0 };
    let (fields, rest) = go::headers(&text[start..]).or_else(|| maps::headers(&text[start..]))?;
    are_headers(&fields).then_some(PrintedRequest::Headers(fields, &text[..at], rest))
}

/// The headers of a request printed without its body, such as a `Request` of `fetch` or Express.
fn headers_of_request(value: &Literal) -> Option<Vec<(String, String)>> {
    let Literal::Object(members) = value else { return None };
    let (_, headers) = members.iter().find(|(name, _)| name == "headers")?;
    fields(headers).filter(|fields| are_headers(fields))
}

/// Whether another member of the same object follows, so that the object was cut off somewhere.
fn is_member(rest: &str) -> bool {
    let next = rest.trim_start().strip_prefix(',').and_then(|next| literal::value(next.trim_start()));
    next.is_some_and(|(_, after)| after.trim_start().starts_with(':'))
}

impl PrintedRequest<'_> {
    /// The request; `None` if it has an empty body.
    fn entry(self) -> Result<Option<Entry>, ParseError> {
        let (fields, before, rest) = match self {
            Self::Request(value) => return json_request::parse(&value.json()),
            Self::Headers(fields, before, rest) => (fields, before, rest),
        };
        let headers =
            fields.iter().map(|(name, value)| parts::foreign_field(name, value)).collect::<Result<Headers, _>>()?;
        let (body, is_text) = body(before, rest)?;
        let mut request = Request { method: Method::POST, target: "/".to_owned(), headers, body: body.into() };
        let mut notes = vec!["the end of the body is where the printed text ends".to_owned()];
        if is_text {
            notes.extend(parts::body_notes(&mut request));
        } else {
            notes.clear();
        }
        Ok(Some(Entry { notes, ..Entry::new(request) }))
    }
}

/// The labels before a printed body.
const LABELS: [&str; 11] = [
    "raw body",
    "raw_body",
    "rawbody",
    "req.rawbody",
    "req.body",
    "request body before transformations",
    "request body",
    "body",
    "payload",
    "data",
    "params",
];

/// How many characters, such as a log's prefix, may precede the label of a body.
const LONGEST_BEFORE_LABEL: usize = 160;

/// The body after the headers, and whether it was printed as plain text, whose end is not marked.
fn body(before: &str, rest: &str) -> Result<(Vec<u8>, bool), ParseError> {
    let unlabelled = rest.trim_start_matches(|c: char| c.is_whitespace() || ",;)}".contains(c));
    let text = assigned(before).or_else(|| labelled(rest)).unwrap_or(unlabelled);
    if let Some(body) = php::text(text) {
        return Ok((body.into(), true));
    }
    if let Some(body) = of_entity(before, rest) {
        return Ok((body.as_bytes().to_vec(), false));
    }
    if text.is_empty() {
        return Err(expected("the raw body after the headers; print both"));
    }
    if let Some(bytes) = numbers(text).or_else(|| go::bytes(text)) {
        return Ok((bytes, false));
    }
    if text.starts_with("0x") {
        return Err(expected(
            "the body after the headers: only its address was printed; read it with io.ReadAll first",
        ));
    }
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    if text.starts_with(['{', '[']) && matches!(documents.next(), Some(Ok(_))) {
        return Ok((text[..documents.byte_offset()].into(), true));
    }
    match literal::value(text) {
        Some((Literal::Text(text), _)) => Ok((text.into_bytes(), true)),
        Some((Literal::Bytes(bytes), _)) => Ok((bytes, false)),
        Some((Literal::Lost, _)) => Err(expected(
            "the whole body after the headers: only its start was printed; print it as text, such as body.toString() in Node",
        )),
        Some((Literal::Object(_) | Literal::List(_), _)) => Err(expected(
            "the raw body after the headers: it was parsed, so the signed bytes are gone; print the raw body, before any JSON parser",
        )),
        Some((Literal::Word(_), _)) | None => {
            let line = text.lines().next().unwrap_or_default();
            if line.trim_end().ends_with("[TRUNCATED]") {
                return Err(expected(
                    "the whole body after the headers: the log has only its start; log it in the handler, in parts if need be",
                ));
            }
            Ok((line.trim_end().as_bytes().to_vec(), true))
        }
    }
}

/// The body before the headers in Spring's `<BODY,[NAME:"VALUE", …]>` or `<POST URL,BODY,[…]>`.
fn of_entity<'t>(before: &'t str, rest: &str) -> Option<&'t str> {
    let inside = before.strip_suffix(',').filter(|_| rest.starts_with('>'))?.split_once('<')?.1;
    let after_url = inside.strip_prefix("POST ").and_then(|inside| Some(inside.split_once(',')?.1));
    Some(after_url.unwrap_or(inside))
}

/// The bytes that Go or Rust prints as numbers, if they form a JSON document: a body may itself be a list of numbers.
fn numbers(text: &str) -> Option<Vec<u8>> {
    let (Literal::List(items), _) = literal::value(text).filter(|_| text.starts_with('['))? else { return None };
    let byte = |item: &Literal| if let Literal::Word(word) = item { word.parse::<u8>().ok() } else { None };
    let bytes = items.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    let is_document = bytes.starts_with(b"{") || bytes.starts_with(b"[");
    (is_document && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok()).then_some(bytes)
}

/// The quoted text that a program assigns before the headers, as in `payload = '…'`.
fn assigned(before: &str) -> Option<&str> {
    let starts = std::iter::once(0).chain(before.match_indices('\n').map(|(at, _)| at + 1));
    let text =
        |start| labelled(&before[start..]).filter(|text| text.starts_with(['\'', '"', '`']) || text.starts_with("b'"));
    starts.take(MAX_LINES).find_map(text)
}

/// The text after a label such as `body:`, in the first lines.
fn labelled(text: &str) -> Option<&str> {
    let start = &text[..text.char_indices().nth(LONGEST_BEFORE_LABEL).map_or(text.len(), |(at, _)| at)];
    let start = &start[..start.find(['{', '\'']).unwrap_or(start.len())].to_ascii_lowercase();
    let places = LABELS.iter().flat_map(|label| start.match_indices(label));
    let mut found = places.filter_map(|(at, label)| {
        let is_word = !start[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = text[at + label.len()..].trim_start_matches([' ', '\t']);
        // `console.log("body", body)` has only a space after the label.
        let is_spaced = after.len() < text.len() - at - label.len()
            && ["{", "[", "\"", "'", "b'", "<Buffer"].iter().any(|start| after.starts_with(start));
        let value = after.strip_prefix([':', '=']).or_else(|| is_spaced.then_some(after)).map(str::trim_start);
        value.filter(|value| is_word && !is_form_field(&start[..at], value))
    });
    found.next()
}

/// Whether a label is the name of a field in a form body, rather than a label printed before the body.
fn is_form_field(before: &str, value: &str) -> bool {
    let is_after_another = before.strip_suffix('&').is_some_and(|other| other.ends_with(|c: char| !c.is_whitespace()));
    is_after_another || before.trim_start().is_empty() && value.starts_with('%')
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// Headers and body of the one entry.
    fn read(text: &str) -> Result<(String, Vec<u8>), String> {
        let mut entries =
            crate::store::formats::read("x".as_ref(), text.as_bytes()).map_err(|error| error.to_string())?;
        let entry = entries.next().unwrap().map_err(|error| error.to_string())?;
        Ok((fields(&entry.request), entry.request.body.to_vec()))
    }

    const HEADERS: &str = "host: h\nx-a: b\n";

    #[test]
    fn headers_and_a_body_are_read_as_each_language_prints_them() {
        for text in [
            "{ host: 'h', 'x-a': 'b' }\n{\"n\":1.0}\n",
            "{ host: 'h', 'x-a': 'b' } {\"n\":1.0}\n",
            "headers { host: 'h', 'x-a': 'b' } body {\"n\":1.0}\n",
            "{\n  host: 'h',\n  'x-a': 'b'\n}\n<Buffer 7b 22 6e 22 3a 31 2e 30 7d>\n",
            "{'host': 'h', 'x-a': 'b'}\nb'{\"n\":1.0}'\n",
            "INFO:app:headers={'host': 'h', 'x-a': 'b'} body=b'{\"n\":1.0}'\n",
            "INFO: {'headers': {'host': 'h', 'x-a': 'b'}, 'body': '{\"n\":1.0}'}\n",
            "Headers({'host': 'h', 'x-a': 'b'}) b'{\"n\":1.0}'",
            "EnvironHeaders([('host', 'h'), ('x-a', 'b')])\n{\"n\":1.0}",
            "{'wsgi.input': <_io.BufferedReader name=7>, 'HTTP_HOST': 'h', 'HTTP_X_A': 'b', 'REQUEST_METHOD': 'POST'}\nb'{\"n\":1.0}'",
            "2026/11/20 10:00:00 map[host:[h] x-a:[b]] {\"n\":1.0}\n",
            "Headers: {host=h, x-a=b}\nBody: {\"n\":1.0}\n",
            "DEBUG After request [POST /a, headers=[host:\"h\", x-a:\"b\"], payload={\"n\":1.0}]\n",
            "{\"host\":\"h\",\"x-a\":\"b\"}\n{\"n\":1.0}\n",
            "url = \"http://h/\"\npayload = '{\"n\":1.0}'\nheaders = {\"host\": \"h\", \"x-a\": \"b\"}\n\nprint(url, payload, headers)\n",
            "[src/main.rs:10:5] &headers = {\n    \"host\": \"h\",\n    \"x-a\": \"b\",\n}\n[src/main.rs:11:5] &body = \"{\\\"n\\\":1.0}\"\n",
            "Array\n(\n    [host] => h\n    [x-a] => b\n)\n{\"n\":1.0}\n",
            "array(2) {\n  [\"host\"]=>\n  string(1) \"h\"\n  [\"x-a\"]=>\n  string(1) \"b\"\n}\nstring(9) \"{\"n\":1.0}\"\n",
            "array:2 [ // routes/web.php:3\n  \"host\" => array:1 [\n    0 => \"h\"\n  ]\n  \"x-a\" => array:1 [\n    0 => \"b\"\n  ]\n]\n\"{\"n\":1.0}\" // routes/web.php:3\n",
            "headers: {\"host\"=>\"h\", \"x-a\"=>\"b\"}\nbody: {\"n\":1.0}\n",
            "%{\n  headers: [{\"host\", \"h\"}, {\"x-a\", \"b\"}],\n  raw_body: \"{\\\"n\\\":1.0}\"\n}\n",
            "%{body: \"{\\\"n\\\":1.0}\", headers: %{\"host\" => \"h\", \"x-a\" => \"b\"}}\n",
            "[debug] headers: [{\"host\", \"h\"}, {\"x-a\", \"b\"}]\n[debug] body: \"{\\\"n\\\":1.0}\"\n",
            "2026/11/20 10:00:00 headers: http.Header{\"host\":[]string{\"h\"}, \"x-a\":[]string{\"b\"}}\n2026/11/20 10:00:00 body: {\"n\":1.0}\n",
            "http.Header{\"host\":[]string{\"h\"}, \"x-a\":[]string{\"b\"}} \"{\\\"n\\\":1.0}\"\n",
            "map[string][]string{\"host\":[]string{\"h\"}, \"x-a\":[]string{\"b\"}} []byte{0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x31, 0x2e, 0x30, 0x7d}\n",
            "map[\"host\":[\"h\"] \"x-a\":[\"b\"]] \"{\\\"n\\\":1.0}\"\n",
            "map[host:[h] x-a:[b]] [123 34 110 34 58 49 46 48 125]\n",
            "headers={\"host\": \"h\", \"x-a\": \"b\"} body=[123, 34, 110, 34, 58, 49, 46, 48, 125]\n",
            "<{\"n\":1.0},[host:\"h\", x-a:\"b\"]>\n",
            "INFO <POST http://h/a,{\"n\":1.0},[host:\"h\", x-a:\"b\"]>\n",
            "Request {\n  method: 'POST',\n  headers: Headers { host: 'h', 'x-a': 'b' },\n  signal: AbortSignal { aborted: false }\n}\n{\"n\":1.0}\n",
            "[2026-03-02 09:14:00:412] [http-nio-8080-exec-2] INFO [com.shop.BodyLog:38]\n *Header = {host=h, x-a=b}\n\n[2026-03-02 09:14:00:414] [http-nio-8080-exec-2] INFO [com.shop.BodyLog:40] - ====> Body : {\"n\":1.0}\n",
            "(8f2c1c0e) Method request headers: {host=h, x-a=b}\n(8f2c1c0e) Method request body before transformations: {\"n\":1.0}\n",
            "post \"/a\", params: '{\"n\":1.0}', headers: {\n  'host' => 'h',\n  'x-a' => 'b'\n}\nassert_response :success\n",
        ] {
            assert_eq!(read(text), Ok((HEADERS.to_owned(), b"{\"n\":1.0}".to_vec())), "{text}");
        }
        for form in ["a=b&c=d", "payload=%7B%22n%22%3A1.0%7D", "a=b&payload=c"] {
            let printed = format!("{{ host: 'h', 'x-a': 'b' }} {form}\n");
            assert_eq!(read(&printed), Ok((HEADERS.to_owned(), form.into())));
        }
    }

    /// As Go 1.19 prints them.
    #[test]
    fn a_body_without_bytes_is_empty() {
        for body in ["[]byte{}", "[]byte(nil)"] {
            let printed = format!(
                "http.Header{{\"host\":[]string{{\"h\"}}, \"x-a\":[]string{{\"b\"}}, \"x-b\":[]string{{}}}}\n{body}\n"
            );
            assert_eq!(read(&printed), Ok((HEADERS.to_owned(), Vec::new())), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_gone_is_an_error_that_says_what_to_print() {
        for (body, why) in [
            ("{ n: 1 }", "it was parsed"),
            ("<Buffer 7b ... 60 more bytes>", "only its start was printed"),
            ("", "print both"),
            ("body: {\"n\":1 [TRUNCATED]", "only its start"),
            ("&{Body:0xc0000b2040}", ""),
        ] {
            let error = read(&format!("{{ host: 'h', 'x-a': 'b' }} {body}\n"));
            assert!(why.is_empty() || error.as_ref().unwrap_err().contains(why), "{body}: {error:?}");
        }
        let go = "&{Method:POST Header:map[host:[h] x-a:[b]] Body:0xc0000b2040 ContentLength:9}\n";
        assert!(read(go).unwrap_err().contains("only its address was printed"));
    }

    #[test]
    fn other_text_is_not_taken_for_headers() {
        let caddy = r#"{"request":{"method":"POST","headers":{"Host":["h"],"X-A":["b"]}},"bytes_read":9}"#;
        for log in [caddy, &format!("INFO {caddy}"), &caddy[..caddy.len() - 1], r#"{"host":"h","x-a":"b"}"#] {
            assert!(read(log).unwrap_err().contains("isn't a capture"), "{log}");
        }
        for text in ["{ path: '/a', name: 'b' }", "a { b: 'c' }", "# Read me [x](y)\n", "{ host: 'h' }", "map[a:[b]]"] {
            assert!(read(text).unwrap_err().contains("isn't a capture"), "{text}");
        }
        let (entries, _) = collected("{\"headers\":{\"host\":\"h\"},\"body\":\"x\"}");
        assert!(entries[0].is_ok());
    }
}
