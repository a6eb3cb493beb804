//! Hypotheses about the key: the configured secrets written or decoded in another way, and other secrets
//! that may have been used by mistake.

use std::iter;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Code, Finding, RejectedRequest, unescape::without_entities};
use crate::webhook::{
    encoding,
    keyring::{SecretSource, ShadowedSecret},
    provider::Provider,
    remedy::Remedy,
    signature::{
        KeyEncoding, Scheme, SecretFormat, SigningSecret, asymmetric::named_keys, grammar::ParsedSignature,
        secret::decode_hex,
    },
};

/// A key to try, with the findings that it would prove.
#[derive(Debug)]
pub struct CandidateKey {
    /// The secret that yields the key.
    pub secret: SigningSecret,
    /// How it differs from the configured secret.
    pub findings: Vec<Finding>,
}

impl CandidateKey {
    /// Whether it can be the key of a scheme. A token is no HMAC, so it isn't one with an unset key.
    pub fn suits(&self, scheme: &Scheme) -> bool {
        scheme.algorithm.covers_content() || self.findings.iter().all(|finding| finding.code != Code::WrongAlgorithm)
    }
}

/// The maximum number of keys, however many secrets are configured.
const MOST: usize = 256;

/// The maximum number of a provider's secrets from which keys are derived.
const MOST_SECRETS: usize = 64;

/// The prefix of Standard Webhooks secrets, which other libraries strip too.
const USUAL_PREFIX: &str = "whsec_";

/// What languages make of a variable that is not set, used as text.
const UNSET: [&str; 4] = ["undefined", "null", "None", "nil"];

const AS_SHOWN: &str = "use the secret exactly as the provider shows it; where a URL, a page or a database has it escaped, decode it: decodeURIComponent(text) in JavaScript, html.unescape(text) in Python, htmlspecialchars_decode($text) in PHP";

pub const SET_THE_SENDERS: &str =
    "set the secret where the sender reads it, and make the sender fail at startup if it is missing";

/// All keys to try, the fewest changes first.
pub fn keys(case: &RejectedRequest<'_>) -> Vec<CandidateKey> {
    let Some(rule) = &case.provider.secret else { return Vec::new() };
    let mut keys = CandidateKeys { known: case.secrets(), found: Vec::new() };
    if let Ok(development) = SigningSecret::parse(&rule.development, &rule.format) {
        keys.add(Some(development), [Some(of_hookdev(case.provider))]);
    }
    // An HMAC pads its key with zeros, so one zero stands for an empty key.
    let texts = UNSET.map(|text| (text, format!("the text `{text}`")));
    for (key, what) in [("\0", "nothing".to_owned())].into_iter().chain(texts) {
        let message = format!("the signature is an HMAC with {what} as its key: the sender's secret is not set");
        let finding =
            Finding { remedy: Remedy::advice(SET_THE_SENDERS), ..Finding::new(Code::WrongAlgorithm, message) };
        keys.add(SigningSecret::from_bytes("", key.into()), [Some(finding)]);
    }
    keys.of_other_ids(case);
    keys.of_other_schemes(case);
    for shadowed in case.keyring.shadowed(&case.provider.name) {
        let secret = SigningSecret::parse(shadowed.secret.expose(), &rule.format).ok();
        keys.add(secret, [Some(superseded(shadowed))]);
    }
    for (place, secret) in case.secrets().iter().enumerate() {
        if keys.is_full() {
            break;
        }
        let source = source(case, case.provider, place);
        for (text, spelling) in spellings(secret.expose(), &rule.format, &source) {
            for (key, reading) in readings(&text, &rule.format, &source) {
                keys.add(SigningSecret::from_bytes(&text, key), [reading, spelling.clone()]);
            }
        }
    }
    for provider in case.catalog.providers().filter(|provider| provider.name != case.provider.name) {
        if keys.is_full() {
            break;
        }
        keys.of_other(case, provider, &rule.format);
    }
    let mut found = keys.found;
    found.sort_by_key(|key| key.findings.len());
    found.truncate(MOST);
    found
}

/// What was sent as the token by a sender whose secret is not set; `None` if the request has no such token.
pub fn unset_token(case: &RejectedRequest<'_>) -> Option<&'static str> {
    let mut tokens = case.provider.schemes.iter().filter(|scheme| !scheme.algorithm.covers_content());
    tokens.find_map(|scheme| {
        let mut values = scheme.headers().iter().filter_map(|name| case.request.headers.text(name.as_str()));
        let sent = values.find_map(|value| match scheme.grammar.read(&value).signatures.as_slice() {
            [ParsedSignature::Decoded(token)] => Some(token.clone()),
            _ => None,
        })?;
        UNSET.into_iter().find(|text| text.as_bytes() == sent)
    })
}

/// The keys so far, without duplicates.
struct CandidateKeys<'a> {
    known: &'a [SigningSecret],
    found: Vec<CandidateKey>,
}

impl CandidateKeys<'_> {
    /// Whether there are twice as many as are tried, so that the ones with the fewest changes can be chosen.
    const fn is_full(&self) -> bool {
        self.found.len() >= 2 * MOST
    }

    fn add<const N: usize>(&mut self, secret: Option<SigningSecret>, findings: [Option<Finding>; N]) {
        let Some(secret) = secret else { return };
        let findings: Vec<Finding> = findings.into_iter().flatten().collect();
        let is_known = self.known.contains(&secret);
        let place = self.found.iter().position(|key| key.secret == secret);
        match place {
            _ if findings.is_empty() || is_known || self.is_full() => {}
            // The simpler explanation of the same key wins.
            Some(place) if findings.len() < self.found[place].findings.len() => self.found[place].findings = findings,
            Some(_) => {}
            None => self.found.push(CandidateKey { secret, findings }),
        }
    }

    /// The keys of a JWKS, for a token that names one of them and is signed with another.
    fn of_other_ids(&mut self, case: &RejectedRequest<'_>) {
        let Some(named) = case.named_key() else { return };
        for secret in case.secrets() {
            for (id, key) in named_keys(secret.expose()) {
                let message = format!("the token names the key `{named}`, but is signed with the key `{id}`");
                let secret = SigningSecret::from_bytes(secret.expose(), key);
                self.add(secret, [Some(Finding::new(Code::WrongKeyId, message))]);
            }
        }
    }

    /// The secrets that only one of the provider's schemes uses, for the other ones.
    fn of_other_schemes(&mut self, case: &RejectedRequest<'_>) {
        if case.provider.secret_rules().nth(1).is_none() {
            return;
        }
        for (place, secret) in case.secrets().iter().enumerate().filter(|(_, secret)| !secret.is_for_any()) {
            let source = source(case, case.provider, place);
            let message = format!(
                "the signature matches {source}, which is for another of the signatures that {} sends",
                case.provider.title
            );
            let findings = vec![Finding::new(Code::SecretOfOtherScheme, message)];
            self.found
                .extend(case.provider.parse_secret(secret.expose()).map(|secret| CandidateKey { secret, findings }));
        }
    }

    /// The secrets of another provider, decoded as that provider does and as this one does.
    fn of_other(&mut self, case: &RejectedRequest<'_>, other: &Provider, format: &SecretFormat) {
        let Some(rule) = &other.secret else { return };
        let configured = case.keyring.secrets(&other.name).iter().enumerate().take(MOST_SECRETS);
        let mut texts: Vec<(&str, Finding)> = configured
            .map(|(place, secret)| {
                let source = source(case, other, place);
                let message = format!("the signature matches {source}, which belongs to {}", other.title);
                (secret.expose(), Finding::new(Code::SecretOfOtherProvider, message))
            })
            .collect();
        let message = format!("the signature matches the public development secret of {}", other.title);
        texts.push((&rule.development, Finding::new(Code::SecretOfOtherProvider, message)));
        for (text, finding) in texts {
            for format in [format, &rule.format] {
                self.add(SigningSecret::parse(text, format).ok(), [Some(finding.clone())]);
            }
            self.add(SigningSecret::from_bytes(text, text.into()), [Some(finding)]);
        }
    }
}

/// The public development secret matches, but is not accepted.
pub fn only_development(case: &RejectedRequest<'_>) -> Finding {
    let provider = case.provider;
    if !case.keyring.has_only_development(&provider.name) {
        return of_hookdev(provider);
    }
    let message = "only the public development secret was tried".to_owned();
    Finding {
        remedy: provider.set_secret(&case.rejection.scheme, true),
        ..Finding::new(Code::SecretDevelopment, message)
    }
}

fn of_hookdev(provider: &Provider) -> Finding {
    let message =
        format!("the signature matches hookdev's public development secret, not the secret set for {}", provider.title);
    Finding::new(Code::SecretDevelopment, message)
}

/// A secret matches that is set but not used, or that was used earlier.
fn superseded(ShadowedSecret { origin, shadowed_by, .. }: &ShadowedSecret) -> Finding {
    let (message, remedy) = match shadowed_by {
        Some(other) => (
            format!("the signature matches the secret from {origin}, which {other} overrides"),
            format!(
                "if that secret is right, remove the one from {other}; if it is outdated, set the new one at the sender too"
            ),
        ),
        None => (
            format!("the signature matches the secret from {origin} that was in use before it changed"),
            "set the new secret at the sender too; while both are in use, configure both".to_owned(),
        ),
    };
    Finding { remedy: Remedy::advice(remedy), ..Finding::new(Code::SecretSuperseded, message) }
}

/// How messages name a secret, by its source.
fn source(case: &RejectedRequest<'_>, provider: &Provider, place: usize) -> String {
    case.keyring.source(&provider.name, place).map_or_else(|| "the secret".to_owned(), SecretSource::secret_words)
}

/// Ways in which a secret's text may be wrong, here or at the sender.
fn spellings(text: &str, format: &SecretFormat, source: &str) -> Vec<(String, Option<Finding>)> {
    let case = [(text.to_uppercase(), "uppercase"), (text.to_lowercase(), "lowercase")]
        .map(|(changed, what)| (Code::SecretCase, changed, format!("in {what}: the sender changes its case")));
    let changes = [whitespace(text), case.into(), quotes(text), prefixes(text, format)].into_iter().flatten();
    let changes = changes.filter(|(_, changed, _)| changed != text && !changed.is_empty());
    let found = changes.map(|(code, changed, how)| {
        (changed, Some(Finding::new(code, format!("the signature matches {source} {how}"))))
    });
    iter::once((text.to_owned(), None)).chain(found).chain(escaped(text, source)).collect()
}

/// A changed secret: the code that it proves, the changed text, and how it differs, in words.
type Spelling = (Code, String, String);

fn whitespace(text: &str) -> Vec<Spelling> {
    let mut all = Vec::new();
    let mut add = |changed, how| all.push((Code::SecretWhitespace, changed, how));
    for (suffix, what) in
        [("\n", "a newline"), ("\r\n", "a CRLF newline"), ("\r", "a carriage return"), (" ", "a space")]
    {
        add(format!("{text}{suffix}"), format!("followed by {what}: the sender treats that as part of it"));
    }
    for end in ["\\n", "\\r\\n"] {
        let how = format!("without the characters `{end}` at its end: they were meant as a newline");
        add(text.strip_suffix(end).unwrap_or_default().to_owned(), how);
        let how = format!("followed by the characters `{end}`: the sender wrote a newline as these characters");
        add(format!("{text}{end}"), how);
    }
    add(format!(" {text}"), "preceded by a space: the sender treats that as part of it".to_owned());
    add(text.split_whitespace().collect(), "without the whitespace in it".to_owned());
    all
}

fn quotes(text: &str) -> Vec<Spelling> {
    let quoted = |quote| {
        let how = format!("in {quote} quotes: the sender treats them as part of it");
        (Code::SecretQuoted, format!("{quote}{text}{quote}"), how)
    };
    let is_quote = |c| matches!(c, '"' | '\'' | '`' | '\\' | '“' | '”' | '‘' | '’');
    let inside = text.trim_matches(is_quote).to_owned();
    vec![quoted('"'), quoted('\''), (Code::SecretQuoted, inside, "without the quotes around it".to_owned())]
}

fn prefixes(text: &str, format: &SecretFormat) -> Vec<Spelling> {
    let own = format.prefix.as_deref();
    let all = iter::once(USUAL_PREFIX).chain(own.filter(|prefix| *prefix != USUAL_PREFIX));
    let changed = all.filter_map(|prefix| match text.strip_prefix(prefix) {
        Some(_) if own == Some(prefix) => None,
        Some(rest) => Some((rest.to_owned(), format!("without its {prefix} prefix: the sender strips it"))),
        None => Some((format!("{prefix}{text}"), format!("with the prefix {prefix}"))),
    });
    changed.map(|(changed, how)| (Code::SecretPrefix, changed, how)).collect()
}

/// The text as escaped for a URL, a page or a shell, and with such escapes removed.
fn escaped(text: &str, source: &str) -> Vec<(String, Option<Finding>)> {
    let decoded = String::from_utf8_lossy(&without_entities(text.as_bytes())).into_owned();
    let markup = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let quotes: &[&str] = if text.contains('\'') { &["'", "&#039;", "&#39;", "&#x27;"] } else { &["'"] };
    let with_entities = quotes.iter().map(|quote| {
        let how = "with HTML entities, such as &amp; for &: the sender escaped it for a page before storing it";
        (markup.replace('\'', quote), how)
    });
    let percent_decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let percent_encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let spaces = "with + in place of each space: it was read from a URL or a form, where + means a space";
    let changes = [
        (percent_decoded, "percent-decoded: it was copied from a URL"),
        (percent_encoded, "percent-encoded: the sender copied it from a URL"),
        (text.replace(' ', "+"), spaces),
        (decoded, "with its HTML entities decoded: it was copied from a page, or escaped for one"),
        (text.replace('\\', ""), "without its backslashes: they were meant for a shell or a file of variables"),
    ];
    let found = changes.into_iter().chain(with_entities).filter(|(changed, _)| changed != text && !changed.is_empty());
    let finding = |how| {
        let message = format!("the signature matches {source} {how}");
        Finding { remedy: Remedy::advice(AS_SHOWN), ..Finding::new(Code::SecretNotDecoded, message) }
    };
    found.map(|(changed, how)| (changed, Some(finding(how)))).collect()
}

/// The keys that a text may encode, in the provider's own way first.
fn readings(text: &str, format: &SecretFormat, source: &str) -> Vec<(Vec<u8>, Option<Finding>)> {
    let rest = format.prefix.as_deref().and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let finding = |code, how: &str| Some(Finding::new(code, format!("the signature matches {source} {how}")));
    let base64 = "decoded from base64: the sender decodes it, but the provider uses the text itself";
    let mut all = Vec::new();
    let mut add = |key: Option<Vec<u8>>, finding| all.extend(key.map(|key| (key, finding)));
    match format.encoding {
        KeyEncoding::Text => {
            add(Some(rest.into()), None);
            let decoded = forgiving_base64(rest);
            let without_newline = decoded.as_ref().and_then(|bytes| Some(bytes.strip_suffix(b"\n")?.to_vec()));
            add(decoded, finding(Code::SecretNotDecoded, base64));
            let trimmed = "decoded from base64, without the newline at its end: it was encoded with `echo TEXT | base64`, and is used without decoding it";
            add(without_newline, finding(Code::SecretNotDecoded, trimmed));
            let hex = "decoded from hexadecimal: the sender decodes it, but the provider uses the text itself";
            add(decode_hex(rest), finding(Code::SecretNotDecoded, hex));
            let (in_hex, in_base64) = (encoding::hex(rest.as_bytes()), encoding::base64(rest.as_bytes()));
            let encoded = "encoded as hexadecimal: the sender encodes it, but the provider uses the text itself";
            add(Some(in_hex.into()), finding(Code::SecretNotDecoded, encoded));
            let encoded = "encoded as base64: the sender encodes it, but the provider uses the text itself";
            add(Some(in_base64.into()), finding(Code::SecretNotDecoded, encoded));
        }
        encoding @ (KeyEncoding::Base64 | KeyEncoding::Base64Url | KeyEncoding::Hex) => {
            let (own, other) = (encoding::decode_base64(rest), decode_hex(rest));
            let (own, other, name, other_name) = match encoding {
                KeyEncoding::Base64 => (own, other, "base64", "hexadecimal"),
                KeyEncoding::Base64Url => (forgiving_base64(rest), other, "base64", "hexadecimal"),
                _ => (other, forgiving_base64(rest), "hexadecimal", "base64"),
            };
            add(own, None);
            let text_itself = format!("used as text: the sender does not decode it from {name}");
            add(Some(rest.into()), finding(Code::SecretNotDecoded, &text_itself));
            if rest != text {
                let whole = format!("used as text, including its prefix: the sender does not decode it from {name}");
                add(Some(text.into()), finding(Code::SecretNotDecoded, &whole));
                let whole = "decoded including its prefix: the sender does not strip the prefix first";
                add(forgiving_base64(text), finding(Code::SecretPrefix, whole));
            }
            let decoded_otherwise = format!("decoded from {other_name} instead of {name}");
            add(other, finding(Code::SecretNotDecoded, &decoded_otherwise));
            if encoding == KeyEncoding::Base64 {
                let url_safe = "decoded from URL-safe or unpadded base64";
                add(forgiving_base64(rest), finding(Code::SecretNotDecoded, url_safe));
            }
        }
    }
    all
}

/// Decodes base64 as Node does: either alphabet, with or without padding, whitespace skipped.
pub fn forgiving_base64(text: &str) -> Option<Vec<u8>> {
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
        // Six bits are less than a byte.
        text.pop();
    }
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok().filter(|bytes| !bytes.is_empty())
}
