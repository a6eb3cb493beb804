//! A script for Locust. It uses nothing but Locust and Python's own library.

use std::fmt::Write;

use super::{
    Script, ScriptLanguage, Sender, Signer, encoded_pattern, functions, literal, operands, seconds, sum, titles,
    variables,
};
use crate::webhook::{
    delivery::StatusPattern,
    provider::live::{LiveEvent, LivePart, LiveSigner, SignaturePart, SignedPart, Spot},
    signature::{HashFunction, KeyEncoding, timestamp::TimeUnit},
};

struct Python;

impl ScriptLanguage for Python {
    fn value(part: &LivePart) -> String {
        match part {
            LivePart::Text(text) => literal(text),
            LivePart::Id => "id".to_owned(),
            LivePart::Time(unit) => time(*unit),
            LivePart::Uuid => "str(uuid.uuid4())".to_owned(),
            LivePart::Hex(length) => format!("pick(HEX, {length})"),
            LivePart::Base62(length) => format!("pick(BASE62, {length})"),
            LivePart::Digits(length) => format!("pick(DIGITS, {length})"),
            LivePart::Number(length) => format!("number({length})"),
        }
    }

    fn encoded(expression: &str) -> String {
        format!("quote({expression}, safe=\"\")")
    }
}

fn time(unit: TimeUnit) -> String {
    match unit {
        TimeUnit::Seconds => "str(int(now))",
        TimeUnit::Milliseconds => "str(int(now * 1000))",
        TimeUnit::Rfc3339 => "rfc3339(now, 0)",
        TimeUnit::Rfc3339Millis => "rfc3339(now, 3)",
        TimeUnit::Rfc3339Nanos => "rfc3339(now, 9)",
        TimeUnit::HttpDate => "email.utils.formatdate(now, usegmt=True)",
    }
    .to_owned()
}

/// The constants and functions that a script may use, each with the text by which its use is recognised.
const HELPERS: [(&str, &str); 4] = [
    ("pick(HEX", "HEX = \"0123456789abcdef\"\n"),
    ("pick(BASE62", "BASE62 = string.digits + string.ascii_letters\n"),
    ("pick(DIGITS", "DIGITS = string.digits\n"),
    ("pick(", "\n\ndef pick(alphabet, length):\n    return \"\".join(random.choices(alphabet, k=length))\n"),
];

const NUMBER: &str = "\n\ndef number(length):\n    return str(random.randint(10 ** (length - 1), 10**length - 1))\n";

const RFC3339: &str = "\n
def rfc3339(now, digits):
    fraction = f\"{now % 1:.9f}\"[1 : digits + 2] if digits else \"\"
    return time.strftime(\"%Y-%m-%dT%H:%M:%S\", time.gmtime(now)) + fraction + \"Z\"
";

const REQUEST: &str = "\n
class Request:
    def __init__(self, method, url, headers, body, id, now):
        self.method, self.url, self.headers, self.body, self.id, self.now = method, url, headers, body, id, now
";

const SECRET: &str = "\n
def secret(name):
    value = os.environ.get(name)
    if not value:
        sys.exit(f\"set {name} to the signing secret\")
    return value
";

/// Writes the script.
#[must_use]
pub fn locust(script: &Script) -> String {
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
    for (sender, names) in script.senders.iter().zip(&names) {
        push_user(script, sender, names, &mut code);
    }
    let mut helpers = String::new();
    for (call, helper) in HELPERS {
        if code.contains(call) {
            helpers.push_str(helper);
        }
    }
    for (call, helper) in [(" number(", NUMBER), (" rfc3339(", RFC3339), ("secret(", SECRET)] {
        if code.contains(call) {
            helpers.push_str(helper);
        }
    }
    helpers.push_str(REQUEST);
    let mut out = header(script);
    push_imports(&helpers, &code, &mut out);
    push_settings(script, &mut out);
    out + &helpers + &code
}

/// What the script is and how to run it.
fn header(script: &Script) -> String {
    let mut header = format!(
        "\"\"\"A load test for Locust that sends signed webhooks: {}.

Every request has an id, a timestamp and a signature of its own.

",
        titles(script)
    );
    if !variables(script).is_empty() {
        header.push_str(
            "The signing secret is not in this file. Set it wherever the script runs, on each worker too:\n\n",
        );
        for variable in variables(script) {
            let _ = writeln!(header, "    export {variable}=...");
        }
        header.push('\n');
    }
    header.push_str(
        "On one machine (`pip install locust`):

    locust -f THIS_FILE --headless

On several: one master, and as many workers as the load needs. Locust divides the users among them.

    locust -f THIS_FILE --headless --master --expect-workers 2
    locust -f THIS_FILE --worker --master-host ADDRESS_OF_THE_MASTER

Locust's own options (--users, --spawn-rate, --run-time, --host) override the settings below.
\"\"\"
",
    );
    header
}

fn push_imports(helpers: &str, code: &str, out: &mut String) {
    let uses = |word: &str| helpers.contains(word) || code.contains(word);
    out.push('\n');
    let modules = [
        ("base64.", "base64"),
        ("email.utils.", "email.utils"),
        ("hashlib.", "hashlib"),
        ("hmac.", "hmac"),
        ("itertools.", "itertools"),
        ("os.", "os"),
        ("random.", "random"),
        ("re.sub(", "re"),
        ("string.", "string"),
        ("sys.", "sys"),
        ("time.", "time"),
        ("uuid.", "uuid"),
    ];
    for (_, module) in modules.iter().filter(|(call, _)| uses(call)) {
        let _ = writeln!(out, "import {module}");
    }
    let parse: Vec<&str> = [("quote(", "quote"), ("urlsplit(", "urlsplit")]
        .iter()
        .filter(|(call, _)| uses(call))
        .map(|(_, name)| *name)
        .collect();
    if !parse.is_empty() {
        let _ = writeln!(out, "from urllib.parse import {}", parse.join(", "));
    }
    let wait = if uses("constant_throughput(") { "constant_throughput" } else { "constant" };
    let _ = writeln!(out, "\nfrom locust import FastHttpUser, {wait}, events, task");
}

fn push_settings(script: &Script, out: &mut String) {
    let _ = writeln!(out, "\n# How many requests may be in flight.\nUSERS = {}", users(script));
    if let Some(rate) = script.rate {
        let _ = writeln!(out, "# How many requests start per second, across all workers.\nRATE = {rate}");
    }
    let run_time = script.duration.map(|duration| format!("{}s", duration.as_secs().max(1)));
    if let Some(run_time) = &run_time {
        let _ = writeln!(out, "# How long it runs.\nRUN_TIME = {}", literal(run_time));
    }
    let run_time = if run_time.is_some() { ", run_time=RUN_TIME" } else { "" };
    let _ = write!(
        out,
        "

@events.init_command_line_parser.add_listener
def set_defaults(parser):
    parser.set_defaults(num_users=USERS, spawn_rate=USERS{run_time})


"
    );
}

/// Each provider has at least one user.
fn users(script: &Script) -> usize {
    usize::from(script.concurrency).max(script.senders.len())
}

fn push_signer(sender: &Sender, signer: &Signer, out: &mut String) {
    let Signer { identifier: name, live: signer } = signer;
    let key = format!("{}_KEY", name.to_uppercase());
    let _ = write!(out, "\n\n{key} = {}\n", key_expression(signer));
    let _ = write!(out, "\n\ndef sign_{name}(request):\n    \"\"\"Signs as {} does.\"\"\"\n", sender.title);
    if let Some(unit) = signer.unit {
        let _ = writeln!(out, "    timestamp = {}", time(unit).replace("now", "request.now"));
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
        let _ = writeln!(out, "    content = {}", parts.join(" + "));
        let _ = if signer.algorithm.is_plain_hash() {
            writeln!(out, "    signature = hashlib.{hash}(content.encode()).digest()")
        } else {
            writeln!(out, "    signature = hmac.new({key}, content.encode(), hashlib.{hash}).digest()")
        };
    }
    let value: Vec<String> = signer.value.iter().map(|part| signature(part, &key)).collect();
    push_value(&signer.signature, &value.join(" + "), out);
    out.push_str("    return request\n");
}

fn key_expression(signer: &LiveSigner) -> String {
    let mut text = format!("secret({})", literal(&signer.env));
    if let Some(prefix) = &signer.prefix {
        let _ = write!(text, ".removeprefix({})", literal(prefix));
    }
    match signer.encoding {
        KeyEncoding::Text => format!("{text}.encode()"),
        // Missing padding is added; more than needed is ignored.
        KeyEncoding::Base64 => format!("base64.b64decode({text} + \"==\")"),
        KeyEncoding::Base64Url => format!("base64.urlsafe_b64decode({text} + \"==\")"),
        KeyEncoding::Hex => format!("bytes.fromhex({text})"),
    }
}

fn push_value(spot: &Spot, value: &str, out: &mut String) {
    let _ = match spot {
        Spot::Header(name) => writeln!(out, "    request.headers[{}] = {value}", literal(name)),
        Spot::Query(name) => writeln!(
            out,
            "    request.url += (\"&\" if \"?\" in request.url else \"?\") + {} + quote({value}, safe=\"\")",
            literal(&format!("{name}="))
        ),
    };
}

fn signed(part: &SignedPart, key: &str) -> String {
    match part {
        SignedPart::Text(text) => literal(text),
        SignedPart::Id => "request.id".to_owned(),
        SignedPart::Timestamp => "timestamp".to_owned(),
        SignedPart::Secret => format!("{key}.decode()"),
        SignedPart::Body => "request.body".to_owned(),
        SignedPart::BodyHash(hash, false) => {
            format!("hashlib.{}(request.body.encode()).hexdigest()", hash.identifier())
        }
        SignedPart::BodyHash(hash, true) => {
            format!("base64.b64encode(hashlib.{}(request.body.encode()).digest()).decode()", hash.identifier())
        }
        SignedPart::Header(name) => format!("request.headers.get({}, \"\")", literal(name)),
        SignedPart::Url => "request.url".to_owned(),
        SignedPart::DecodedUrl(characters) => format!(
            "re.sub(\"(?i){}\", lambda code: chr(int(code[0][1:], 16)), request.url)",
            encoded_pattern(characters)
        ),
        SignedPart::Method => "request.method".to_owned(),
        SignedPart::Path => "urlsplit(request.url).path".to_owned(),
        SignedPart::Query => "urlsplit(request.url).query".to_owned(),
    }
}

fn signature(part: &SignaturePart, key: &str) -> String {
    match part {
        SignaturePart::Text(text) => literal(text),
        SignaturePart::Timestamp => "timestamp".to_owned(),
        SignaturePart::Hex => "signature.hex()".to_owned(),
        SignaturePart::UppercaseHex => "signature.hex().upper()".to_owned(),
        SignaturePart::Base64 => "base64.b64encode(signature).decode()".to_owned(),
        SignaturePart::Base64Url => "base64.urlsafe_b64encode(signature).decode().rstrip(\"=\")".to_owned(),
        SignaturePart::Token => format!("{key}.decode()"),
    }
}

fn push_event(sender: &Sender, event: &LiveEvent, function: &str, out: &mut String) {
    let _ = write!(out, "\n\ndef {function}(host):\n    now = time.time()\n");
    let _ = writeln!(out, "    id = {}", sum::<Python>(&event.id));
    out.push_str("    headers = {\n");
    for (name, value) in &event.headers {
        let _ = writeln!(out, "        {}: {},", literal(name), sum::<Python>(value));
    }
    out.push_str("    }\n    body = (\n");
    for (index, operand) in operands::<Python>(&event.body, event.is_form).iter().enumerate() {
        let _ = writeln!(out, "        {}{operand}", if index > 0 { "+ " } else { "" });
    }
    out.push_str("    )\n");
    let request =
        format!("Request({}, host + {}, headers, body, id, now)", literal(&event.method), literal(&event.target));
    let _ = writeln!(out, "    return {}", sender.signed(event, request));
}

fn push_user(script: &Script, sender: &Sender, functions: &[String], out: &mut String) {
    let class: String = sender
        .identifier
        .split('_')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect();
    let wait = match script.rate {
        Some(_) => "constant_throughput(RATE / USERS)",
        None => "constant(0)",
    };
    let names: Vec<String> = sender.events.iter().map(|event| literal(&event.name)).collect();
    let pairs = names.iter().zip(functions).map(|(name, function)| format!("            ({name}, {function}),\n"));
    let _ = write!(
        out,
        "

class {class}Webhooks(FastHttpUser):
    host = {}
    weight = {}
    wait_time = {wait}
    connection_timeout = network_timeout = {}
    insecure = {}
    deliveries = itertools.cycle(
        [
{}        ]
    )

    @task
    def deliver(self):
        event, make = next(self.deliveries)
        request = make(self.host)
        with self.client.request(
            request.method,
            request.url,
            name=event,
            data=request.body.encode(),
            headers=request.headers,
            allow_redirects=False,
            catch_response=True,
        ) as response:
            if {}:
                response.success()
            else:
                response.failure(f\"{{response.status_code}}; {} expects {}\")
",
        literal(&sender.origin),
        sender.events.len(),
        seconds(sender.timeout),
        if script.insecure { "True" } else { "False" },
        pairs.collect::<String>(),
        success(&sender.success),
        sender.title,
        sender.success_in_words,
    );
}

fn success(patterns: &[StatusPattern]) -> String {
    let condition = |pattern: &StatusPattern| match pattern {
        StatusPattern::Exactly(status) => format!("response.status_code == {status}"),
        StatusPattern::Class(class) => format!("response.status_code // 100 == {class}"),
    };
    patterns.iter().map(condition).collect::<Vec<_>>().join(" or ")
}
