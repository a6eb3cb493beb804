//! Describes an input that no format recognises: the nearest format, and what is missing.

use serde::de::IgnoredAny;

use super::{
    http,
    json_request::{HEADERS, is_named},
    keys::Outline,
};

/// Why an input that starts with these bytes isn't a capture, and what to save instead, in a few words. `is_whole` says
/// whether they are the whole input.
pub(super) fn describe(head: &[u8], is_whole: bool) -> String {
    let start = head.trim_ascii_start();
    let reason = magic(head).or_else(|| mitmproxy(start)).or_else(|| match start {
        [b'{' | b'[', ..] => Some(structured(start, is_whole)),
        _ => text(start),
    });
    reason.unwrap_or("its content is in no format that hookdev reads; `hookdev verify --help` lists them").to_owned()
}

/// Binary formats, by their first bytes.
fn magic(head: &[u8]) -> Option<&'static str> {
    Some(match head {
        [0x1f, 0x8b, ..] => "it is compressed with gzip; decompress it first",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd; decompress it first",
        [b'P', b'K', 3, 4, ..] => "it is a ZIP archive; extract it first",
        [0xd4, 0xc3, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xc3, 0xd4, ..] | [0x0a, 0x0d, 0x0d, 0x0a, ..] => {
            "it is a packet capture; hookdev reads the output of `tshark -r FILE -Y http.request -x`, or the request saved as a raw HTTP message (in Wireshark: Follow HTTP Stream)"
        }
        _ => return None,
    })
}

/// What mitmproxy saves or mitmdump prints. Its HAR export has the bytes of each request.
fn mitmproxy(start: &[u8]) -> Option<&'static str> {
    let digits = start.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_flow = |first: &&[u8]| start[digits..].starts_with(first);
    if digits > 0 && [&b":9:websocket;"[..], b":4:type;4:http;"].iter().any(is_flow) {
        return Some("it is a mitmproxy flow file; convert it: `mitmdump -nr FILE --set hardump=FILE.har`");
    }
    let mut lines = start.split(|&byte| byte == b'\n').take(MAX_LINES);
    let is_flow = |line: &[u8]| {
        let called = line.windows(5).position(|part| part == b" http").map(|at| &line[..at]);
        called.is_some_and(|before| {
            [&b": POST"[..], b": PUT", b": PATCH"].iter().any(|method| before.ends_with(method))
                && !before.contains(&b'"')
        })
    };
    lines.any(is_flow).then_some(
        "it is mitmdump's output, which reformats bodies; save the original bytes: `mitmdump --set hardump=FILE.har`",
    )
}

/// How many lines are searched for the first request that mitmdump prints.
const MAX_LINES: usize = 20;

/// JSON, or what other languages print instead.
fn structured(start: &[u8], is_whole: bool) -> &'static str {
    let outline = Outline::new(start);
    let keys: Vec<&str> = outline.paths().map(|path| path.rsplit('.').next().unwrap_or(path)).collect();
    if keys.is_empty() && is_python(start) {
        return "it is what Python prints for a dict, not JSON; save the output of `json.dumps(…)`";
    }
    if keys.is_empty() && is_javascript(start) {
        return "it is what JavaScript's console.log prints, not JSON; save the output of `JSON.stringify(…)`";
    }
    if keys.is_empty() && is_log_line(start) {
        return "it is a log without a request; log the headers and the raw body, or capture both with `hookdev listen --capture`";
    }
    if let Some(Err(error)) = serde_json::Deserializer::from_slice(start).into_iter::<IgnoredAny>().next() {
        if !error.is_eof() {
            return "it starts like JSON but isn't valid JSON";
        }
        if is_whole {
            return "it is JSON that ends too early; save the whole text";
        }
    }
    if keys.contains(&"body") && keys.contains(&"user-agent") {
        return "it is a relayed event whose headers are beside its parsed body: the signed bytes are gone; relay the raw body";
    }
    if keys.iter().any(|key| HEADERS.iter().any(|name| is_named(key, name))) {
        return "it is a JSON object with headers but without a body; save the raw body beside them, as `body`";
    }
    if keys.iter().any(|key| matches!(*key, "body" | "rawBody")) {
        return "it is a JSON object with a body but without headers; save the headers beside it, as `headers`";
    }
    "it is JSON without headers: to verify a bare payload, pass its headers with `verify --header 'Name: value'`; to send one, use `send EVENT --data FILE`"
}

/// `[2026-01-01 00:00:00] …` or `[name] …`: a word or a time in brackets, followed by text.
fn is_log_line(start: &[u8]) -> bool {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(end) = line.iter().position(|&byte| byte == b']').filter(|_| line.starts_with(b"[")) else { return false };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_:./+".contains(byte);
    end > 1
        && line[1..end].iter().all(is_plain)
        && line[end + 1..].trim_ascii().first().is_some_and(|byte| *byte != b',')
}

/// `{ key: …` or `{ 'key-with-dash': …`: an identifier or a single-quoted key.
fn is_javascript(start: &[u8]) -> bool {
    let Some(key) = start.strip_prefix(b"{").or_else(|| start.strip_prefix(b"[")).map(<[u8]>::trim_ascii_start) else {
        return false;
    };
    let key = key.strip_prefix(b"{").map_or(key, <[u8]>::trim_ascii_start);
    let name = key.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')).count();
    key.starts_with(b"'") || (name > 0 && key[name..].starts_with(b":"))
}

/// `{'key': …` without a space before the key, as Python prints a dict.
fn is_python(start: &[u8]) -> bool {
    start.starts_with(b"{'") || start.starts_with(b"[{'")
}

/// Text that looks like something else that people often save.
fn text(start: &[u8]) -> Option<&'static str> {
    let lower: Vec<u8> = start.iter().take(16).map(u8::to_ascii_lowercase).collect();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Some("it is an HTML page; save the request itself");
    }
    if lower.starts_with(b"http/1.") || lower.starts_with(b"http/2") {
        return Some("it is an HTTP response; save the request");
    }
    if let Some(reason) = command(start) {
        return Some(reason);
    }
    if is_hurl(start) {
        return Some(
            "it is a Hurl file; `hurl --curl REQUESTS.sh FILE` runs it and writes its requests as curl commands, which hookdev reads",
        );
    }
    if CODE.iter().any(|code| memchr::memmem::find(start, code.as_bytes()).is_some()) {
        return Some(
            "it is code that builds a request, and hookdev runs no code; start `hookdev listen --capture captures`, and run the code with that URL in place of its own",
        );
    }
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if lacks_version(line) {
        return Some("its request line has no version; write ` HTTP/1.1` at the end of its first line");
    }
    if line.windows(3).any(|three| three == b"={'" || three == b" {'") {
        return Some("it is a log line with Python dicts, not JSON; log the headers and the body with `json.dumps(…)`");
    }
    if let Some(reason) = log(line) {
        return Some(reason);
    }
    if let Some(data) = event_stream(start) {
        return Some(structured(data, false));
    }
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    if UNNAMED.iter().any(|unnamed| name.eq_ignore_ascii_case(unnamed)) {
        return Some(
            "it has values without the names of their headers; save the raw body alone, and pass each header with `verify --body FILE --header 'NAME: VALUE'`",
        );
    }
    let is_field = name.first().is_some_and(u8::is_ascii_alphabetic)
        && line[name.len()..].starts_with(b": ")
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_field.then_some(
        "it starts with header lines but has no request line; add one, such as `POST / HTTP/1.1`, as the first line",
    )
}

/// The labels that programs print before a value that they verify, instead of the header's name.
const UNNAMED: [&[u8]; 6] = [b"payload", b"signature", b"sig", b"timestamp", b"publicKey", b"secret"];

/// The data of the first event of a stream, as smee.io relays deliveries.
fn event_stream(start: &[u8]) -> Option<&[u8]> {
    let mut lines = start.split_inclusive(|&byte| byte == b'\n');
    let is_field = |line: &&[u8]| [&b"id:"[..], b"event:", b"retry:", b":"].iter().any(|name| line.starts_with(name));
    let data = lines.find(|line| !is_field(line))?.strip_prefix(b"data:")?.trim_ascii();
    data.starts_with(b"{").then_some(data)
}

/// Whether a line is a request line such as `POST /hook`.
fn lacks_version(line: &[u8]) -> bool {
    let target = line.splitn(2, |&byte| byte == b' ').nth(1).unwrap_or_default().trim_ascii();
    http::starts_delivery(line) && target.starts_with(b"/") && !target.contains(&b' ')
}

/// A log line or printed value without a request.
fn log(line: &[u8]) -> Option<&'static str> {
    let has = |text: &str| line.windows(text.len()).any(|part| part == text.as_bytes());
    let access = ["\"POST /", "Started POST ", "method=POST ", "\"PUT /"];
    if access.iter().any(|text| has(text)) && !has("body=") {
        return Some(
            "it is an access log, which has neither headers nor body; log both, or capture them with `hookdev listen --capture captures`",
        );
    }
    if line.starts_with(b"Array") || line.starts_with(b"array(") {
        return Some(
            "it is what PHP's print_r or var_dump prints, without a whole array of headers and the raw body after it; save the output of `json_encode(['headers' => getallheaders(), 'body' => file_get_contents('php://input')])`",
        );
    }
    if line.starts_with(b"time=") || line.starts_with(b"level=") || line.starts_with(b"ts=") {
        return Some(
            "it is a log in logfmt without headers and a raw body; log both, as headers=\"{…}\" body=\"…\", or as JSON",
        );
    }
    (line.starts_with(b"headers:") || line.starts_with(b"request:")).then_some("it is YAML; save it as JSON")
}

const VCR: &str = "it is a VCR cassette in YAML; convert it: `ruby -rjson -ryaml -e 'puts YAML.unsafe_load_file(ARGV[0]).to_json' FILE`, or `python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))' FILE`";

/// Text that identifies code that builds a request, in languages whose calls are not read.
const CODE: [&str; 11] = [
    "http.NewRequest(",
    "httptest.NewRequest(",
    "new XMLHttpRequest(",
    "Net::HTTP::Post.new(",
    "Faraday.new",
    "Faraday.post",
    "curl_setopt",
    "HttpRequest.newBuilder(",
    "new HttpRequestMessage(",
    "reqwest::Client",
    "OkHttpClient(",
];

/// Whether this is a Hurl file, whose requests look like those of an `.http` file.
pub(super) fn is_hurl(text: &[u8]) -> bool {
    let is_section = |line: &[u8]| {
        let status = line.strip_prefix(b"HTTP ");
        status.is_some_and(|status| status == b"*" || status.len() == 3 && status.iter().all(u8::is_ascii_digit))
            || [&b"[Asserts]"[..], b"[Options]", b"[Captures]"].contains(&line)
    };
    text.split(|&byte| byte == b'\n').any(|line| is_section(line.trim_ascii()))
}

const XML: &str = "it is XML, but not from Burp: save the request as a raw HTTP message";

/// A request as a command or a call of a tool other than curl, or curl's own log.
fn command(start: &[u8]) -> Option<&'static str> {
    let calls = [
        (&b"https://"[..], "it is only a URL; save the request, for example as a curl command"),
        (b"<?xml", XML),
        (b"<items", XML),
        (b"type: collection.insomnia", "it is Insomnia YAML; export it as a HAR, or as Insomnia v4 JSON"),
        (b"type: request.insomnia", "it is Insomnia YAML; export it as a HAR, or as Insomnia v4 JSON"),
        (b"---\nhttp_interactions:", VCR),
        (b"http_interactions:", VCR),
        (b"interactions:", VCR),
    ];
    if let Some((_, reason)) = calls.iter().find(|(beginning, _)| start.starts_with(beginning)) {
        return Some(reason);
    }
    // `curl -v` shows only the body of the response.
    let is_verbose = start.starts_with(b"* ") && start.windows(3).any(|three| three == b"\n> ");
    is_verbose
        .then_some("it is the log of `curl -v`, which leaves out the request's body; use `curl --trace FILE` instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_format_is_named_with_what_is_missing() {
        for (input, start) in [
            (&b"{ path: '/a',\n  headers: {} }"[..], "it is what JavaScript's console.log prints"),
            (b"{\n  'content-type': 'a' }", "it is what JavaScript's console.log prints"),
            (b"{'headers': {}, 'body': ''}", "it is what Python prints"),
            (b"INFO:app:hook {'headers': {}, 'body': ''}", "it is a log line with Python dicts"),
            (b"{\"headers\":{}}", "it is a JSON object with headers but without a body"),
            (b"{\"body\":\"\"}", "it is a JSON object with a body but without headers"),
            (b"{\"id\":1}", "it is JSON without headers"),
            (b"{}", "it is JSON without headers"),
            (b"[ ]\n", "it is JSON without headers"),
            (b"{id}", "it starts like JSON but isn't valid JSON"),
            (b"{\"id\":1 \"a\":2}", "it starts like JSON but isn't valid JSON"),
            (b"{\"id\":", "it is JSON that ends too early"),
            (b"{\"headers\":{\"a\":\"b\"}", "it is JSON that ends too early"),
            (b"[", "it is JSON that ends too early"),
            (b"\x1f\x8b\x08", "it is compressed with gzip"),
            (b"<!DOCTYPE html>", "it is an HTML page"),
            (b"HTTP/1.1 200 OK\r\n", "it is an HTTP response"),
            (b"Content-Type: a\r\n\r\n{}", "it starts with header lines"),
            (b"*   Trying 127.0.0.1:80...\n* Connected\n> POST / HTTP/1.1\n", "it is the log of `curl -v`"),
            (
                b"[19:50:10.634] HTTP(S) proxy listening at *:3913.\n127.0.0.1:55908: POST http://127.0.0.1:3911/hook\n    Host: h\n",
                "it is mitmdump's output",
            ),
            (b"POST /hook\nHost: h\n\n{}", "its request line has no version"),
            (b"2140:9:websocket;0:~8:response;435:6:reason;", "it is a mitmproxy flow file"),
            (b"INFO webhook headers={'Host': 'h'} body=b'{}'\n", "it is a log line with Python dicts"),
            (b"<?xml version=\"1.0\"?>\n<items>", "it is XML"),
            (b"type: collection.insomnia.rest/5.0\nname: a\n", "it is Insomnia YAML"),
            (b"{\"Headers\":{}}", "it is a JSON object with headers but without a body"),
            (
                b"2026-11-20T10:00:00+00:00 heroku[router]: at=info method=POST path=\"/a\" status=401\n",
                "it is an access log",
            ),
            (b"1.2.3.4 - - [20/Nov/2026] \"POST /a HTTP/1.1\" 401 13\n", "it is an access log"),
            (b"Started POST \"/a\" for 1.2.3.4\n", "it is an access log"),
            (b"Array\n(\n    [Host] => h\n)\n", "it is what PHP's print_r"),
            (b"array(1) {\n  [\"Host\"]=>\n", "it is what PHP's print_r"),
            (b"time=2026-11-20T10:00:00Z level=INFO msg=hook body=\"{}\"\n", "it is a log in logfmt"),
            (b"headers:\n  X-A: b\nbody: '{}'\n", "it is YAML"),
            (b"---\nhttp_interactions:\n- request:\n", "it is a VCR cassette"),
            (b"{\"host\":\"h\",\"user-agent\":\"a\",\"body\":{\"a\":1},\"query\":{}}", "it is a relayed event"),
            (b"POST http://h/a\nX-A: b\n```json\n{}\n```\nHTTP 200\n", "it is a Hurl file"),
            (b"func TestHook(t *testing.T) {\n\treq := httptest.NewRequest(\"POST\", \"/a\", body)\n", "it is code"),
            (b"var xhr = new XMLHttpRequest();\n", "it is code"),
            (b"DEBUG reqwest::connect: starting new connection: http://h/\n", "its content is in no format"),
            (b"# Read me\n", "its content is in no format"),
        ] {
            let reason = describe(input, true);
            assert!(reason.starts_with(start), "{}: {reason}", String::from_utf8_lossy(input));
        }
        let reason = describe(b"{\"id\":", false);
        assert!(reason.starts_with("it is JSON without headers"), "{reason}");
    }
}
