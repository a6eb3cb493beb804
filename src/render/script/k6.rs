//! A script for k6. It imports nothing but k6's own modules.

use std::{fmt::Write, time::Duration};

use super::{
    Script, ScriptLanguage, Sender, Signer, encoded_pattern, functions, literal, operands, seconds, sum, titles,
    variables,
};
use crate::webhook::{
    delivery::StatusPattern,
    provider::live::{LiveEvent, LivePart, LiveSigner, SignaturePart, SignedPart, Spot},
    signature::{HashFunction, KeyEncoding, timestamp::TimeUnit},
};

struct JavaScript;

impl ScriptLanguage for JavaScript {
    fn value(part: &LivePart) -> String {
        match part {
            LivePart::Text(text) => literal(text),
            LivePart::Id => "id".to_owned(),
            LivePart::Time(unit) => time(*unit, "now"),
            LivePart::Uuid => "uuid()".to_owned(),
            LivePart::Hex(length) => format!("pick(HEX, {length})"),
            LivePart::Base62(length) => format!("pick(BASE62, {length})"),
            LivePart::Digits(length) => format!("pick(DIGITS, {length})"),
            LivePart::Number(length) => format!("number({length})"),
        }
    }

    fn encoded(expression: &str) -> String {
        format!("encodeURIComponent({expression})")
    }
}

/// The time in this unit, as an expression. `now` is an expression in milliseconds.
fn time(unit: TimeUnit, now: &str) -> String {
    match unit {
        TimeUnit::Seconds => format!("String(Math.floor({now} / 1000))"),
        TimeUnit::Milliseconds => format!("String({now})"),
        TimeUnit::Rfc3339 => format!("new Date({now}).toISOString().replace(/\\.\\d+Z$/, \"Z\")"),
        TimeUnit::Rfc3339Millis => format!("new Date({now}).toISOString()"),
        TimeUnit::HttpDate => format!("new Date({now}).toUTCString()"),
        TimeUnit::Rfc3339Nanos => format!("new Date({now}).toISOString().replace(\"Z\", \"000000Z\")"),
    }
}

/// The constants and functions that a script may use, each with the text by which its use is recognised.
const HELPERS: [(&str, &str); 8] = [
    ("pick(HEX", "\nconst HEX = \"0123456789abcdef\";\n"),
    (
        "pick(BASE62",
        "\nconst BASE62 = \"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\";\n",
    ),
    ("DIGITS, ", "\nconst DIGITS = \"0123456789\";\n"),
    (
        "pick(",
        "
function pick(alphabet, length) {
  let text = \"\";
  for (let i = 0; i < length; i++) {
    text += alphabet[Math.floor(Math.random() * alphabet.length)];
  }
  return text;
}
",
    ),
    (
        "number(",
        "
function number(length) {
  return pick(\"123456789\", 1) + pick(\"0123456789\", length - 1);
}
",
    ),
    (
        "uuid()",
        "
function uuid() {
  const hex = \"0123456789abcdef\";
  return [pick(hex, 8), pick(hex, 4), \"4\" + pick(hex, 3), pick(\"89ab\", 1) + pick(hex, 3), pick(hex, 12)].join(\"-\");
}
",
    ),
    (
        "secret(",
        "
function secret(name) {
  if (!__ENV[name]) {
    throw new Error(`set ${name} to the signing secret`);
  }
  return __ENV[name];
}
",
    ),
    (
        "unhex(",
        "
function unhex(text) {
  return new Uint8Array(text.match(/../g).map((pair) => parseInt(pair, 16))).buffer;
}
",
    ),
];

/// The default duration of a script.
const DEFAULT_DURATION: Duration = Duration::from_secs(60);

/// Writes the script.
#[must_use]
pub fn k6(script: &Script) -> String {
    let names = functions(script);
    let mut code = String::new();
    for sender in &script.senders {
        sender.signers.iter().for_each(|signer| push_signer(sender, signer, &mut code));
    }
    for (sender, names) in script.senders.iter().zip(&names) {
        for (event, name) in sender.events.iter().zip(names) {
            push_event(sender, event, name, &mut code);
        }
    }
    push_run(script, &names, &mut code);
    let mut helpers = String::new();
    for (call, helper) in HELPERS {
        let is_used = code.contains(call) || call == "pick(" && (code.contains("number(") || code.contains("uuid()"));
        if is_used {
            helpers.push_str(helper);
        }
    }
    let mut out = header(script);
    out.push_str("\nimport http from \"k6/http\";\nimport { check } from \"k6\";\n");
    if code.contains("crypto.") {
        out.push_str("import crypto from \"k6/crypto\";\n");
    }
    if code.contains("encoding.") {
        out.push_str("import encoding from \"k6/encoding\";\n");
    }
    push_options(script, &mut out);
    out + &helpers + &code
}

/// What the script is and how to run it.
fn header(script: &Script) -> String {
    let mut header = format!(
        "// A load test for k6 that sends signed webhooks: {}.
//
// Every request has an id, a timestamp and a signature of its own.
//
",
        titles(script)
    );
    if !variables(script).is_empty() {
        header.push_str("// The signing secret is not in this file. Set it where k6 runs:\n//\n");
        for variable in variables(script) {
            let _ = writeln!(header, "//     export {variable}=...");
        }
        header.push_str("//\n");
    }
    header.push_str(
        "//     k6 run THIS_FILE
//
// On several machines, run a share of the same load on each:
//
//     k6 run --execution-segment 0:1/2 --execution-segment-sequence 0,1/2,1 THIS_FILE
//     k6 run --execution-segment 1/2:1 --execution-segment-sequence 0,1/2,1 THIS_FILE
//
// -e HOST=https://example.com sends to another host.
",
    );
    header
}

fn push_options(script: &Script, out: &mut String) {
    let users = script.concurrency;
    let duration = script.duration.unwrap_or(DEFAULT_DURATION);
    out.push_str("\nexport const options = {\n");
    if script.insecure {
        out.push_str("  insecureSkipTLSVerify: true,\n");
    }
    out.push_str("  scenarios: {\n    webhooks: {\n");
    match (script.rate, script.repeat) {
        (Some(rate), _) => {
            let (rate, unit) = whole_rate(rate);
            let _ = write!(
                out,
                "      executor: \"constant-arrival-rate\",\n      rate: {rate},\n      timeUnit: \"{unit}\",\n      duration: \"{}s\",\n      preAllocatedVUs: {users},\n",
                seconds(duration)
            );
        }
        (None, Some(repeat)) => {
            let _ = write!(
                out,
                "      executor: \"shared-iterations\",\n      vus: {},\n      iterations: {repeat},\n      maxDuration: \"24h\",\n",
                u64::from(users).min(repeat)
            );
        }
        (None, None) => {
            let _ = write!(
                out,
                "      executor: \"constant-vus\",\n      vus: {users},\n      duration: \"{}s\",\n",
                seconds(duration)
            );
        }
    }
    out.push_str("    },\n  },\n};\n");
}

/// A rate as a whole number of requests per unit of time, as k6 requires.
fn whole_rate(per_second: f64) -> (f64, &'static str) {
    if per_second.fract() == 0.0 {
        (per_second, "1s")
    } else if (per_second * 60.0).fract() == 0.0 {
        (per_second * 60.0, "1m")
    } else {
        ((per_second * 3600.0).round().max(1.0), "1h")
    }
}

fn push_signer(sender: &Sender, signer: &Signer, out: &mut String) {
    let Signer { identifier: name, live: signer } = signer;
    let key = format!("{}_KEY", name.to_uppercase());
    let _ = writeln!(out, "\nconst {key} = {};", key_expression(signer));
    let _ = writeln!(out, "\n// Signs as {} does.\nfunction sign_{name}(request) {{", sender.title);
    if let Some(unit) = signer.unit {
        let _ = writeln!(out, "  const timestamp = {};", time(unit, "request.now"));
    }
    if let Some(spot) = &signer.id {
        push_value(spot, "request.id", out);
    }
    if let Some(spot) = &signer.timestamp {
        push_value(spot, "timestamp", out);
    }
    // A static token involves no hash.
    if let Some(hash) = signer.algorithm.hash_function().map(HashFunction::identifier) {
        let parts: Vec<String> = signer.content.iter().map(|part| signed(part, &key)).collect();
        let _ = writeln!(out, "  const content = {};", parts.join(" + "));
        let encoding = signer.value.iter().find_map(encoding).unwrap_or("hex");
        let _ = if signer.algorithm.is_plain_hash() {
            writeln!(out, "  const signature = crypto.{hash}(content, \"{encoding}\");")
        } else {
            writeln!(out, "  const signature = crypto.hmac(\"{hash}\", {key}, content, \"{encoding}\");")
        };
    }
    let value: Vec<String> = signer.value.iter().map(|part| signature(part, &key)).collect();
    push_value(&signer.signature, &value.join(" + "), out);
    out.push_str("  return request;\n}\n");
}

fn key_expression(signer: &LiveSigner) -> String {
    let mut text = format!("secret({})", literal(&signer.env));
    if let Some(prefix) = &signer.prefix {
        let pattern: String = prefix
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' { c.to_string() } else { format!("\\u{{{:x}}}", u32::from(c)) }
            })
            .collect();
        let _ = write!(text, ".replace(/^{pattern}/u, \"\")");
    }
    match signer.encoding {
        KeyEncoding::Text => text,
        KeyEncoding::Base64 => format!("encoding.b64decode({text}.replace(/=+$/, \"\"), \"rawstd\")"),
        KeyEncoding::Base64Url => format!("encoding.b64decode({text}.replace(/=+$/, \"\"), \"rawurl\")"),
        KeyEncoding::Hex => format!("unhex({text})"),
    }
}

fn push_value(spot: &Spot, value: &str, out: &mut String) {
    let _ = match spot {
        Spot::Header(name) => writeln!(out, "  request.headers[{}] = {value};", literal(name)),
        Spot::Query(name) => writeln!(
            out,
            "  request.url += (request.url.includes(\"?\") ? \"&\" : \"?\") + {} + encodeURIComponent({value});",
            literal(&format!("{name}="))
        ),
    };
}

const fn encoding(part: &SignaturePart) -> Option<&'static str> {
    match part {
        SignaturePart::Hex | SignaturePart::UppercaseHex => Some("hex"),
        SignaturePart::Base64 => Some("base64"),
        SignaturePart::Base64Url => Some("base64rawurl"),
        SignaturePart::Text(_) | SignaturePart::Timestamp | SignaturePart::Token => None,
    }
}

fn signed(part: &SignedPart, key: &str) -> String {
    match part {
        SignedPart::Text(text) => literal(text),
        SignedPart::Id => "request.id".to_owned(),
        SignedPart::Timestamp => "timestamp".to_owned(),
        SignedPart::Secret => key.to_owned(),
        SignedPart::Body => "request.body".to_owned(),
        SignedPart::BodyHash(hash, is_base64) => {
            format!("crypto.{}(request.body, \"{}\")", hash.identifier(), if *is_base64 { "base64" } else { "hex" })
        }
        SignedPart::Header(name) => format!("(request.headers[{}] || \"\")", literal(name)),
        SignedPart::Url => "request.url".to_owned(),
        SignedPart::DecodedUrl(characters) => {
            format!("request.url.replace(/{}/gi, (code) => decodeURIComponent(code))", encoded_pattern(characters))
        }
        SignedPart::Method => "request.method".to_owned(),
        SignedPart::Path => "request.url.replace(/^\\w+:\\/\\/[^/]*/, \"\").split(\"?\")[0]".to_owned(),
        SignedPart::Query => "request.url.split(\"?\").slice(1).join(\"?\")".to_owned(),
    }
}

fn signature(part: &SignaturePart, key: &str) -> String {
    match part {
        SignaturePart::Text(text) => literal(text),
        SignaturePart::Timestamp => "timestamp".to_owned(),
        SignaturePart::Token => key.to_owned(),
        SignaturePart::UppercaseHex => "signature.toUpperCase()".to_owned(),
        SignaturePart::Hex | SignaturePart::Base64 | SignaturePart::Base64Url => "signature".to_owned(),
    }
}

fn push_event(sender: &Sender, event: &LiveEvent, function: &str, out: &mut String) {
    let _ = write!(out, "\nfunction {function}(host) {{\n  const now = Date.now();\n");
    let _ = writeln!(out, "  const id = {};", sum::<JavaScript>(&event.id));
    out.push_str("  const headers = {\n");
    for (name, value) in &event.headers {
        let _ = writeln!(out, "    {}: {},", literal(name), sum::<JavaScript>(value));
    }
    out.push_str("  };\n  const body =\n    ");
    out.push_str(&operands::<JavaScript>(&event.body, event.is_form).join(" +\n    "));
    let request = format!(
        "{{ method: {}, url: host + {}, headers, body, id, now }}",
        literal(&event.method),
        literal(&event.target)
    );
    let _ = write!(out, ";\n  return {};\n}}\n", sender.signed(event, request));
}

fn push_run(script: &Script, functions: &[Vec<String>], out: &mut String) {
    out.push_str("\nconst DELIVERIES = [\n");
    for (sender, functions) in script.senders.iter().zip(functions) {
        for (event, function) in sender.events.iter().zip(functions) {
            let _ = writeln!(
                out,
                "  {{ event: {}, make: {function}, host: {}, timeout: \"{}s\", accepts: (status) => {}, expected: {} }},",
                literal(&event.name),
                literal(&sender.origin),
                seconds(sender.timeout),
                success(&sender.success),
                literal(&format!("{} accepts the response ({})", sender.title, sender.success_in_words)),
            );
        }
    }
    out.push_str(
        "];

export default function () {
  const delivery = DELIVERIES[(__VU + __ITER) % DELIVERIES.length];
  const request = delivery.make(__ENV.HOST || delivery.host);
  const response = http.request(request.method, request.url, request.body, {
    headers: request.headers,
    redirects: 0,
    timeout: delivery.timeout,
    tags: { name: delivery.event },
  });
  check(response, { [delivery.expected]: (response) => delivery.accepts(response.status) });
}
",
    );
}

fn success(patterns: &[StatusPattern]) -> String {
    let condition = |pattern: &StatusPattern| match pattern {
        StatusPattern::Exactly(status) => format!("status === {status}"),
        StatusPattern::Class(class) => format!("Math.floor(status / 100) === {class}"),
    };
    patterns.iter().map(condition).collect::<Vec<_>>().join(" || ")
}
