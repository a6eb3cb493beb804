//! Load scripts that sign live: `locust` in Python and `k6` in JavaScript. Both have one function for each event, which
//! makes a request with new values, and one for each provider, which signs it.

mod k6;
mod locust;

use std::{fmt::Write, iter, time::Duration};

use crate::webhook::{
    delivery::StatusPattern,
    provider::live::{LiveEvent, LivePart, LiveSigner},
    signature::timestamp::TimeUnit,
    visible::is_hidden,
};

pub use self::{k6::k6, locust::locust};

/// What a script sends, and how fast.
#[derive(Clone, Debug)]
pub struct Script {
    /// The providers, each with its events.
    pub senders: Vec<Sender>,
    /// The maximum number of requests in flight.
    pub concurrency: u16,
    /// How many requests start per second. Without a rate, each starts when the previous one is done.
    pub rate: Option<f64>,
    /// How long it runs.
    pub duration: Option<Duration>,
    /// How many requests it sends; only k6 has such a limit.
    pub repeat: Option<u64>,
    /// Whether any TLS certificate is accepted.
    pub insecure: bool,
}

/// One provider's part of a script.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The provider's name.
    pub name: String,
    /// The name of its functions and variables, which is unique in the script: see [`distinct`].
    pub identifier: String,
    /// The provider's title, as text for a comment: see [`comment`].
    pub title: String,
    /// The endpoint's scheme, host and port.
    pub origin: String,
    /// The events to cycle through.
    pub events: Vec<LiveEvent>,
    /// The signatures that are sent together; none if the provider doesn't sign.
    pub signers: Vec<Signer>,
    /// The statuses that count as delivered.
    pub success: Vec<StatusPattern>,
    /// What counts as success, in words.
    pub success_in_words: String,
    /// How long a request waits for its response.
    pub timeout: Duration,
}

/// How a script makes one signature.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The name of its function and of its key, which is unique in the script.
    pub identifier: String,
    /// What it signs and writes.
    pub live: LiveSigner,
}

impl Sender {
    /// The expression of a request, wrapped in signing calls if the event is signed.
    fn signed(&self, event: &LiveEvent, request: String) -> String {
        let signers = self.signers.iter().filter(|_| event.scheme.is_some());
        signers.fold(request, |request, signer| format!("sign_{}({request})", signer.identifier))
    }
}

/// The differences between the two languages in an expression.
trait ScriptLanguage {
    /// A value other than a literal, as an expression whose type is a string.
    fn value(part: &LivePart) -> String;
    /// An expression, encoded for a URL-encoded form.
    fn encoded(expression: &str) -> String;
}

/// Text as the operands of a concatenation.
fn operands<L: ScriptLanguage>(parts: &[LivePart], is_form: bool) -> Vec<String> {
    let operand = |part: &LivePart| match part {
        LivePart::Text(text) => literal(text),
        LivePart::Time(TimeUnit::Seconds | TimeUnit::Milliseconds) => L::value(part),
        LivePart::Time(_) | LivePart::Id if is_form => L::encoded(&L::value(part)),
        _ => L::value(part),
    };
    match parts {
        [] => vec![literal("")],
        parts => parts.iter().map(operand).collect(),
    }
}

/// Text as a concatenation on one line.
fn sum<L: ScriptLanguage>(parts: &[LivePart]) -> String {
    operands::<L>(parts, false).join(" + ")
}

/// A string literal that both languages read. Texts with double quotes, such as JSON, are in single quotes.
fn literal(text: &str) -> String {
    let quote = if text.contains('"') { '\'' } else { '"' };
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push(quote);
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            _ if c == quote => literal.extend(['\\', quote]),
            _ if is_hidden(c) => {
                // Beyond the Basic Multilingual Plane, the two languages share no escape.
                let mut units = [0; 2];
                match c.encode_utf16(&mut units) {
                    [unit] => {
                        let _ = write!(literal, "\\u{unit:04x}");
                    }
                    _ => literal.push(c),
                }
            }
            _ => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}

/// A regular expression that matches these characters when they are percent-encoded, for both languages.
fn encoded_pattern(characters: &str) -> String {
    let codes: Vec<String> = characters.bytes().map(|byte| format!("{byte:02X}")).collect();
    format!("%(?:{})", codes.join("|"))
}

/// The name of a function or variable: letters, digits and underscores.
fn identifier(name: &str) -> String {
    let mut identifier: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if identifier.starts_with(|c: char| c.is_ascii_digit()) {
        identifier.insert(0, '_');
    }
    identifier
}

/// The identifier of a name, with a number if it is taken, in any letter case.
#[must_use]
pub fn distinct(name: &str, taken: &[impl AsRef<str>]) -> String {
    let base = identifier(name);
    let is_taken = |name: &String| taken.iter().any(|taken| taken.as_ref().eq_ignore_ascii_case(name));
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    iter::once(base.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(base)
}

/// Text from a manifest, which anyone may have written, made safe for a comment or docstring: nothing in it can end
/// either.
#[must_use]
pub fn comment(text: &str) -> String {
    let is_plain = |c: &char| {
        !c.is_control() && !is_hidden(*c) && !matches!(c, '"' | '\\' | '{' | '}' | '*' | '\u{2028}' | '\u{2029}')
    };
    text.chars().filter(is_plain).collect()
}

/// The names of the functions of all events, each once.
fn functions(script: &Script) -> Vec<Vec<String>> {
    let mut taken: Vec<String> = Vec::new();
    let mut function = |event: &LiveEvent| {
        let name = distinct(&event.name, &taken);
        taken.push(name.clone());
        name
    };
    script.senders.iter().map(|sender| sender.events.iter().map(&mut function).collect()).collect()
}

/// The variables that hold the secrets, each once, in order.
fn variables(script: &Script) -> Vec<&str> {
    let mut variables: Vec<&str> = Vec::new();
    for signer in script.senders.iter().flat_map(|sender| &sender.signers) {
        if !variables.contains(&signer.live.env.as_str()) {
            variables.push(&signer.live.env);
        }
    }
    variables
}

/// The names of the providers, in words.
fn titles(script: &Script) -> String {
    script.senders.iter().map(|sender| sender.title.as_str()).collect::<Vec<_>>().join(", ")
}

/// A number of seconds, with a fraction only if there is one.
fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_means_the_same_text_in_python_and_in_javascript() {
        assert_eq!(literal("plain"), "\"plain\"");
        assert_eq!(literal(r#"{"a":"it's"}"#), r#"'{"a":"it\'s"}'"#);
        assert_eq!(literal("a\\n\n\u{202e}\u{7}é"), "\"a\\\\n\\n\\u202e\\u0007é\"");
    }

    #[test]
    fn a_name_becomes_an_identifier() {
        assert_eq!(identifier("cloudflare-stream.video.ready"), "cloudflare_stream_video_ready");
        assert_eq!(identifier("3d.ready"), "_3d_ready");
    }
}
