//! Wrong keys that handlers derive from the secret.

use super::{Mistake, MistakeKind};
use crate::webhook::{
    encoding::{decode_base64url, decode_hex, decode_lenient_base64},
    provider::Provider,
    signature::{KeyEncoding, SigningSecret},
};

/// A key, and what is wrong with a handler that uses it.
struct WrongKey {
    key: Vec<u8>,
    is_common: bool,
    advice: String,
}

impl WrongKey {
    fn common(key: impl Into<Vec<u8>>, advice: impl Into<String>) -> Self {
        Self { key: key.into(), is_common: true, advice: advice.into() }
    }

    fn rare(key: impl Into<Vec<u8>>, advice: impl Into<String>) -> Self {
        Self { key: key.into(), is_common: false, advice: advice.into() }
    }
}

pub(super) fn mistakes(provider: &Provider, secret: &SigningSecret) -> Vec<Mistake> {
    let text = secret.expose();
    let rule = provider.secret.as_ref();
    let mut keys = unset();
    keys.extend(with_extra_characters(text));
    let form = key_of(provider);
    if form.is_empty() {
        keys.extend(decoded(text));
    } else {
        let form = form.trim_end().trim_end_matches('.').replacen("The key", "the key", 1);
        let prefix = rule.and_then(|rule| rule.format.prefix.as_deref()).unwrap_or_default();
        keys.extend(undecoded(text, prefix, &form));
    }
    let make = |WrongKey { key, is_common, advice }| {
        let key = SigningSecret::from_bytes(text, key)?;
        Some(Mistake { kind: MistakeKind::Secret(key), advice, is_common })
    };
    let mut mistakes: Vec<Mistake> = keys.into_iter().filter_map(make).collect();
    let development = rule.and_then(|rule| SigningSecret::parse(&rule.development, &rule.format).ok());
    mistakes.extend(development.map(|secret| {
        let advice = "the handler verifies with the public development secret: set yours there, too";
        Mistake::rare(MistakeKind::Secret(secret), advice)
    }));
    mistakes.retain(|mistake| !matches!(&mistake.kind, MistakeKind::Secret(key) if key == secret));
    mistakes
}

/// Keys of handlers that have no secret.
fn unset() -> Vec<WrongKey> {
    let unset = "so the variable that it reads is not set: check its name, and that the process has it. Refuse to start without a secret, because anyone can sign with this one";
    let empty = format!(
        "the handler verifies with an empty secret, {unset}. If it is set, it decodes to nothing, as Buffer.from(text, 'hex') does with text that is not hexadecimal"
    );
    // For an HMAC, a zero byte is the same key as an empty one.
    let words = ["undefined", "null", "None"];
    let words = words.map(|word| {
        let advice = format!("the handler verifies with the text `{word}` as its secret, {unset}");
        WrongKey { key: word.into(), is_common: word == "undefined", advice }
    });
    std::iter::once(WrongKey::common([0], empty)).chain(words).collect()
}

/// The secret with extra characters copied along.
fn with_extra_characters(text: &str) -> Vec<WrongKey> {
    let kept = "which is not part of the secret: remove it where the handler's secret is set, or trim the secret when you read it";
    let newline = WrongKey::rare(format!("{text}\n"), format!("the handler's secret ends with a newline, {kept}"));
    let quoted = ["\"", "'"].map(|quote| {
        let advice = format!("the handler's secret has quotes ({quote}) around it, {kept}");
        WrongKey::rare(format!("{quote}{text}{quote}"), advice)
    });
    std::iter::once(newline).chain(quoted).collect()
}

/// Keys that are decoded from a secret whose text is the key.
fn decoded(text: &str) -> Vec<WrongKey> {
    let whole = "the key is the text of the secret itself, as bytes";
    let mut keys = Vec::new();
    let (prefix, rest) = text.split_once('_').map_or(("", text), |(prefix, rest)| (prefix, rest));
    if !prefix.is_empty() {
        let advice = format!("the handler removes `{prefix}_` from the secret: {whole}, with `{prefix}_`");
        keys.push(WrongKey::common(rest, advice));
    }
    // Node's decoder accepts both alphabets, and ignores a single trailing character.
    let base64 = |text: &str| {
        let whole = text.get(..text.len() - usize::from(text.len() % 4 == 1))?;
        decode_lenient_base64(whole).or_else(|| decode_base64url(&whole.replace('+', "-").replace('/', "_")))
    };
    for (key, encoding) in [(base64(rest), "base64"), (base64(text), "base64"), (decode_hex(text), "hexadecimal")] {
        let advice = format!("the handler decodes the secret from {encoding}: {whole}");
        keys.extend(key.map(|key| WrongKey::common(key, advice)));
    }
    keys
}

/// Keys of handlers that don't decode the secret, or decode it to text; `form` says how the key is made.
fn undecoded(text: &str, prefix: &str, form: &str) -> Vec<WrongKey> {
    let rest = text.strip_prefix(prefix).unwrap_or(text);
    let taken = format!("the handler uses the text of the secret as the key: {form}");
    let mut keys = vec![WrongKey::common(text, taken.as_str()), WrongKey::common(rest, taken)];
    if let Some(bytes) = decode_lenient_base64(rest) {
        let turned = format!(
            "the handler turns the decoded secret into text, as atob() and .toString() do in JavaScript: {form}; keep it as bytes, Buffer.from(text, 'base64')"
        );
        let latin_1: String = bytes.iter().copied().map(char::from).collect();
        keys.push(WrongKey::rare(latin_1, turned.as_str()));
        keys.push(WrongKey::rare(String::from_utf8_lossy(&bytes).into_owned(), turned));
    }
    keys
}

/// How the secret's text becomes the key, unless its bytes are the key.
pub fn key_of(provider: &Provider) -> String {
    let Some(format) = provider.secret.as_ref().map(|rule| &rule.format) else { return String::new() };
    let after = format.prefix.as_deref().map(|prefix| format!(" after {prefix}")).unwrap_or_default();
    match format.encoding {
        KeyEncoding::Base64 => format!("The key is the text{after}, decoded from base64. "),
        KeyEncoding::Base64Url => format!("The key is the text{after}, decoded from URL-safe base64. "),
        KeyEncoding::Hex => format!("The key is the text{after}, decoded from hexadecimal. "),
        KeyEncoding::Text if after.is_empty() => String::new(),
        KeyEncoding::Text => format!("The key is the text{after}. "),
    }
}
