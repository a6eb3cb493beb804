//! How handlers verify differently from their provider: with another key, algorithm, encoding or signed content. A delivery
//! that is signed in the same way is accepted by such a handler alone.

use super::cause::header_of;
use crate::webhook::{
    encoding::{decode_hex, decode_lenient_base64},
    provider::Provider,
    signature::{
        Algorithm, Scheme, SigningSecret,
        content::SignedContent,
        grammar::{Grammar, GrammarText},
        secret::KeyEncoding,
    },
    template::{self, Piece},
};

/// One way to verify differently.
#[derive(Clone, Debug)]
pub(super) struct Deviation {
    /// The provider's scheme with this difference.
    pub scheme: Scheme,
    /// The secret that the handler has.
    pub secret: SigningSecret,
    /// What is wrong with the handler, and how to fix it.
    pub advice: String,
}

/// Whether deviations of a provider are known: it signs with a MAC.
pub(super) fn apply_to(provider: &Provider) -> bool {
    provider.schemes.first().is_some_and(|scheme| MACS.contains(&scheme.algorithm))
}

/// Whether the deviations are the usual mistakes with a provider: there are others where the URL or a form is signed.
pub(super) fn cover(provider: &Provider) -> bool {
    let is_usual = |piece: &Piece<'_>| match piece {
        Piece::Literal(_) => true,
        Piece::Placeholder(name) => ["body", "id", "timestamp"].contains(name),
    };
    let is_covered =
        |scheme: &Scheme| template::split(scheme.content.as_str()).is_ok_and(|pieces| pieces.iter().all(is_usual));
    apply_to(provider) && provider.schemes.first().is_some_and(is_covered)
}

const MACS: [Algorithm; 5] =
    [Algorithm::HmacSha256, Algorithm::HmacSha1, Algorithm::HmacSha512, Algorithm::HmacSha384, Algorithm::HmacMd5];

/// Every deviation from a provider's scheme.
pub(super) fn deviations(provider: &Provider, scheme: &Scheme, secret: &SigningSecret) -> Vec<Deviation> {
    if !apply_to(provider) {
        return Vec::new();
    }
    let keys = keys(provider, secret).into_iter().filter(|(key, _)| key != secret);
    let mut all: Vec<Deviation> =
        keys.map(|(secret, advice)| Deviation { scheme: scheme.clone(), secret, advice }).collect();
    let schemes = contents(scheme).into_iter().chain(algorithms(scheme)).chain(grammars(provider, scheme));
    all.extend(schemes.map(|(scheme, advice)| Deviation { scheme, secret: secret.clone(), advice }));
    all
}

/// Other keys than the secret's.
fn keys(provider: &Provider, secret: &SigningSecret) -> Vec<(SigningSecret, String)> {
    let text = secret.expose();
    let mut keys: Vec<(Vec<u8>, String)> = Vec::new();
    // To an HMAC, a zero byte is the same key as none.
    let unset = "so the variable that it reads is not set: check its name, and that the process has it. Refuse to start without a secret, because anyone can sign with this one";
    keys.push((vec![0], format!("the handler verifies with an empty secret, {unset}")));
    for word in ["undefined", "null", "None"] {
        keys.push((word.into(), format!("the handler verifies with the text `{word}` as its secret, {unset}")));
    }
    let kept = "which is not part of the secret: remove it where the handler's secret is set, or trim the secret when you read it";
    keys.push((format!("{text}\n").into(), format!("the handler's secret ends with a newline, {kept}")));
    for quote in ["\"", "'"] {
        keys.push((
            format!("{quote}{text}{quote}").into(),
            format!("the handler's secret has quotes ({quote}) around it, {kept}"),
        ));
    }
    let rule = provider.secret.as_ref();
    let form = key_of(provider);
    if form.is_empty() {
        let whole = "the key is the text of the secret itself, as bytes";
        for (decoded, encoding) in [(decode_lenient_base64(text), "base64"), (decode_hex(text), "hexadecimal")] {
            let advice = format!("the handler decodes the secret from {encoding}: {whole}");
            keys.extend(decoded.map(|decoded| (decoded, advice)));
        }
    } else {
        let form = form.trim_end().trim_end_matches('.').replacen("The key", "the key", 1);
        let advice = format!("the handler uses the text of the secret as the key: {form}");
        let prefix = rule.and_then(|rule| rule.format.prefix.as_deref()).unwrap_or_default();
        keys.push((text.into(), advice.clone()));
        keys.push((text.strip_prefix(prefix).unwrap_or(text).into(), advice));
    }
    let mut keys: Vec<(SigningSecret, String)> = keys
        .into_iter()
        .filter_map(|(bytes, advice)| Some((SigningSecret::from_bytes(text, bytes)?, advice)))
        .collect();
    let development = rule.and_then(|rule| SigningSecret::parse(&rule.development, &rule.format).ok());
    keys.extend(development.map(|secret| {
        (secret, "the handler verifies with the public development secret: set yours there, too".to_owned())
    }));
    keys
}

/// The scheme with other signed content.
fn contents(scheme: &Scheme) -> Vec<(Scheme, String)> {
    let own = scheme.content.as_str();
    let lost =
        "something reads the body before the handler does (a JSON parser, a logger): read it once, and verify that";
    let mut all = vec![
        (own.replace("{body}", ""), format!("the handler verifies an empty body, because {lost}")),
        (
            own.replace("{body}", "[object Object]"),
            format!("the handler verifies the text `[object Object]`, because the body is parsed already: {EXPRESS}"),
        ),
        (
            own.replace("{body}", "b'{body}'"),
            "the handler verifies the text of a bytes object, b'…', as str(body) and an f-string write it in Python: verify the bytes, or body.decode()".to_owned(),
        ),
    ];
    let mut others = vec!["{body}"];
    if scheme.timestamp.is_some() {
        others.extend(["{timestamp}.{body}", "{timestamp}{body}", "{timestamp}:{body}", "{body}{timestamp}"]);
    }
    if scheme.id.is_some() {
        others.push("{id}.{body}");
    }
    all.extend(others.into_iter().map(|content| {
        (content.to_owned(), format!("the handler verifies a signature of {content}, but the provider signs {own}"))
    }));
    let deviating = |(content, advice): (String, String)| {
        let content = SignedContent::claim(&content).ok().filter(|_| content != own)?;
        Some((Scheme { content, ..scheme.clone() }, advice))
    };
    all.into_iter().filter_map(deviating).collect()
}

const EXPRESS: &str = "give the route express.raw({ type: '*/*' }) as its only parser, above any express.json()";

/// The scheme with another algorithm.
fn algorithms(scheme: &Scheme) -> Vec<(Scheme, String)> {
    let own = scheme.algorithm;
    let others = MACS.into_iter().filter(|algorithm| *algorithm != own);
    let deviating = |algorithm| {
        let advice = format!("the handler verifies an {algorithm}, but the provider signs with {own}");
        (Scheme { algorithm, ..scheme.clone() }, advice)
    };
    others.map(deviating).collect()
}

/// The scheme with its signature written in another form.
fn grammars(provider: &Provider, scheme: &Scheme) -> Vec<(Scheme, String)> {
    let own = scheme.grammar.to_string();
    let mut forms: Vec<String> = Vec::new();
    for (from, to) in [("{hex}", "{base64}"), ("{base64}", "{hex}")] {
        if own.contains(from) {
            forms.push(own.replace(from, to));
            if !scheme.grammar.carries_timestamp() {
                forms.extend([from.to_owned(), to.to_owned()]);
            }
        }
    }
    let separator = scheme.grammar.separator();
    let deviating = |form: String| {
        let text = GrammarText { value: form.clone(), separator: separator.map(str::to_owned) };
        let grammar = Grammar::parse(&text).ok().filter(|_| form != own)?;
        let advice = format!("the handler expects `{form}` in {}, but the provider sends `{own}`", header_of(provider));
        Some((Scheme { grammar, ..scheme.clone() }, advice))
    };
    forms.into_iter().filter_map(deviating).collect()
}

/// How the secret's text becomes the key, if that is more than taking its bytes.
pub(super) fn key_of(provider: &Provider) -> String {
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
