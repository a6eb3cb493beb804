//! Hypotheses about the key: the configured secrets written or read another way, and the secrets
//! that may have been taken for them.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Case, Code, Finding};
use crate::webhook::{
    keyring::{PassedOver, SecretSource},
    provider::Provider,
    remedy::Remedy,
    signature::{
        SecretFormat, SigningSecret,
        secret::{KeyEncoding, decode_hex},
    },
};

/// A key and what it would prove.
#[derive(Debug)]
pub struct Key {
    /// The secret with that key.
    pub secret: SigningSecret,
    /// What differs from the secret as it is configured.
    pub findings: Vec<Finding>,
}

/// No more keys than this are tried, however many secrets are configured.
const MOST: usize = 256;

/// The prefix that Standard Webhooks gives to secrets, which other libraries strip unasked.
const USUAL_PREFIX: &str = "whsec_";

/// All keys to try, the simplest changes first.
pub fn keys(case: &Case<'_>) -> Vec<Key> {
    let Some(rule) = &case.provider.secret else { return Vec::new() };
    let mut keys = Keys { known: case.secrets(), found: Vec::new() };
    if let Ok(development) = SigningSecret::parse(&rule.development, &rule.format) {
        keys.add(Some(development), [Some(of_hookdev(case.provider))]);
    }
    for passed_over in case.keyring.passed_over(&case.provider.name) {
        let secret = SigningSecret::parse(passed_over.secret.expose(), &rule.format).ok();
        keys.add(secret, [Some(set_elsewhere(passed_over))]);
    }
    for (place, secret) in case.secrets().iter().enumerate() {
        let source = source(case, case.provider, place);
        for (text, spelling) in spellings(secret.expose(), &rule.format, &source) {
            for (key, reading) in readings(&text, &rule.format, &source) {
                keys.add(SigningSecret::with_key(&text, key), [reading, spelling.clone()]);
            }
        }
    }
    for provider in case.catalog.providers().filter(|provider| provider.name != case.provider.name) {
        keys.of_other(case, provider, &rule.format);
    }
    let mut found = keys.found;
    found.sort_by_key(|key| key.findings.len());
    found.truncate(MOST);
    found
}

/// The keys so far, none of them twice.
struct Keys<'a> {
    known: &'a [SigningSecret],
    found: Vec<Key>,
}

impl Keys<'_> {
    fn add<const N: usize>(&mut self, secret: Option<SigningSecret>, findings: [Option<Finding>; N]) {
        let Some(secret) = secret else { return };
        let findings: Vec<Finding> = findings.into_iter().flatten().collect();
        let is_known = self.known.contains(&secret);
        let place = self.found.iter().position(|key| key.secret == secret);
        match place {
            _ if findings.is_empty() || is_known || self.found.len() >= 2 * MOST => {}
            // The simpler explanation of the same key counts.
            Some(place) if findings.len() < self.found[place].findings.len() => self.found[place].findings = findings,
            Some(_) => {}
            None => self.found.push(Key { secret, findings }),
        }
    }

    /// The secrets of another provider, as that one reads them and as this one does.
    fn of_other(&mut self, case: &Case<'_>, other: &Provider, format: &SecretFormat) {
        let Some(rule) = &other.secret else { return };
        let configured = case.keyring.secrets(&other.name).iter().enumerate();
        let mut texts: Vec<(&str, Finding)> = configured
            .map(|(place, secret)| {
                let source = source(case, other, place);
                let message = format!("the signature matches {source}, which is {}'s", other.title);
                (secret.expose(), Finding::new(Code::SecretOfOtherProvider, message))
            })
            .collect();
        let message = format!("the signature matches the public development secret of {}", other.title);
        texts.push((&rule.development, Finding::new(Code::SecretOfOtherProvider, message)));
        for (text, finding) in texts {
            for format in [format, &rule.format] {
                self.add(SigningSecret::parse(text, format).ok(), [Some(finding.clone())]);
            }
            self.add(SigningSecret::with_key(text, text.into()), [Some(finding)]);
        }
    }
}

fn of_hookdev(provider: &Provider) -> Finding {
    let message = format!(
        "the signature matches the public development secret of hookdev, and not the one that is set for {}",
        provider.title
    );
    Finding::new(Code::SecretDevelopment, message)
}

/// The secret is right, and not the one that counts: no code of its own says so, and the one of the
/// secrets that were mixed up is the nearest.
fn set_elsewhere(PassedOver { origin, above, .. }: &PassedOver) -> Finding {
    let remedy = format!(
        "if that is the right one, remove the one from {above}; if it is an older one, set the new one at the sender too"
    );
    Finding {
        remedy: Remedy::advice(remedy),
        ..Finding::new(
            Code::SecretOfOtherProvider,
            format!("the signature matches the secret from {origin}, which {above} stands above"),
        )
    }
}

/// The words for a secret, by where it came from.
fn source(case: &Case<'_>, provider: &Provider, place: usize) -> String {
    match case.keyring.source(&provider.name, place) {
        Some(SecretSource::Env(name)) => format!("the secret from env:{name}"),
        Some(SecretSource::File(path)) => format!("the secret from file:{path}"),
        Some(SecretSource::Config) => "the secret from the config".to_owned(),
        Some(SecretSource::Flag) => "the secret from the command line".to_owned(),
        Some(SecretSource::Development) => "the public development secret".to_owned(),
        None => "the secret".to_owned(),
    }
}

/// The ways in which the text of a secret is written wrongly: on this side, or on the sender's.
fn spellings(text: &str, format: &SecretFormat, source: &str) -> Vec<(String, Option<Finding>)> {
    let mut all = vec![(text.to_owned(), None)];
    let mut add = |code, changed: String, message: String| {
        if changed != text && !changed.is_empty() {
            all.push((changed, Some(Finding::new(code, message))));
        }
    };
    for (behind, what) in [("\n", "a line break"), ("\r\n", "a CRLF line break"), (" ", "a space")] {
        let message =
            format!("the signature matches {source} with {what} behind it: the sender took that for a part of it");
        add(Code::SecretWhitespace, format!("{text}{behind}"), message);
    }
    let message =
        format!("the signature matches {source} with a space before it: the sender took that for a part of it");
    add(Code::SecretWhitespace, format!(" {text}"), message);
    let message = format!("the signature matches {source} once the white space in it is taken out");
    add(Code::SecretWhitespace, text.split_whitespace().collect(), message);

    for quote in ['"', '\''] {
        let message =
            format!("the signature matches {source} in {quote} quotes: the sender took them for a part of it");
        add(Code::SecretQuoted, format!("{quote}{text}{quote}"), message);
    }
    let is_quote = |c| matches!(c, '"' | '\'' | '`' | '\\' | '“' | '”' | '‘' | '’');
    let message = format!("the signature matches {source} once the quotes at its ends are taken away");
    add(Code::SecretQuoted, text.trim_matches(is_quote).to_owned(), message);

    let mut prefixes = vec![USUAL_PREFIX];
    prefixes.extend(format.prefix.as_deref().filter(|prefix| *prefix != USUAL_PREFIX));
    for prefix in prefixes {
        match text.strip_prefix(prefix) {
            Some(behind) if format.prefix.as_deref() != Some(prefix) => {
                let message = format!("the signature matches {source} without its {prefix}: the sender stripped it");
                add(Code::SecretPrefix, behind.to_owned(), message);
            }
            Some(_) => {}
            None => {
                let message = format!("the signature matches {source} with {prefix} before it");
                add(Code::SecretPrefix, format!("{prefix}{text}"), message);
            }
        }
    }
    all
}

/// The keys that a text stands for: first the one that the provider means.
fn readings(text: &str, format: &SecretFormat, source: &str) -> Vec<(Vec<u8>, Option<Finding>)> {
    let behind = format.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let finding = |code, how: &str| Some(Finding::new(code, format!("the signature matches {source} {how}")));
    let base64 = "once it is decoded from base64: the sender decodes it, and the provider takes its text";
    let mut all = Vec::new();
    let mut add = |key: Option<Vec<u8>>, finding| all.extend(key.map(|key| (key, finding)));
    match format.encoding {
        KeyEncoding::Text => {
            add(Some(behind.into()), None);
            add(forgiving_base64(behind), finding(Code::SecretNotDecoded, base64));
            let hex = "once it is decoded from hexadecimal: the sender decodes it, and the provider takes its text";
            add(decode_hex(behind), finding(Code::SecretNotDecoded, hex));
        }
        encoding @ (KeyEncoding::Base64 | KeyEncoding::Hex) => {
            let (own, other) = (strict_base64(behind), decode_hex(behind));
            let (own, other, name, other_name) = match encoding {
                KeyEncoding::Base64 => (own, other, "base64", "hexadecimal"),
                _ => (other, forgiving_base64(behind), "hexadecimal", "base64"),
            };
            add(own, None);
            let text_itself = format!("taken as text: the sender does not decode it from {name}");
            add(Some(behind.into()), finding(Code::SecretNotDecoded, &text_itself));
            if behind != text {
                let whole = format!("taken as text, prefix and all: the sender does not decode it from {name}");
                add(Some(text.into()), finding(Code::SecretNotDecoded, &whole));
                let whole = "decoded with its prefix: the sender does not strip that first";
                add(forgiving_base64(text), finding(Code::SecretPrefix, whole));
            }
            let decoded_otherwise = format!("decoded from {other_name}, and not from {name}");
            add(other, finding(Code::SecretNotDecoded, &decoded_otherwise));
            if encoding == KeyEncoding::Base64 {
                let url_safe = "decoded from the URL-safe alphabet of base64, or without its padding";
                add(forgiving_base64(behind), finding(Code::SecretNotDecoded, url_safe));
            }
        }
    }
    all
}

fn strict_base64(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Base64 as Node reads it: either alphabet, with or without padding, white space passed over.
pub(super) fn forgiving_base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let mut text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).map(standard).collect();
    text.truncate(text.trim_end_matches('=').len());
    if text.len() % 4 == 1 {
        // Six bits are no byte.
        text.pop();
    }
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok().filter(|bytes| !bytes.is_empty())
}
