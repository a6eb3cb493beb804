//! Signatures that handlers expect instead of the provider's: of other content, with another algorithm, in another
//! form, from another header, or with a timestamp in another unit.

use http::HeaderName;

use super::{Mistake, MistakeKind};
use crate::webhook::{
    encoding,
    provider::Provider,
    remedy::RAW_BODY,
    signature::{
        HashFunction, Scheme,
        content::SignedContent,
        grammar::{Grammar, GrammarText, ParsedSignature},
        timestamp::TimeUnit,
    },
};

/// An encoding of signatures that no provider uses.
#[derive(Clone, Copy, Debug)]
pub enum UnusualEncoding {
    /// Hexadecimal in upper case.
    UppercaseHex,
    /// The hexadecimal text, encoded as base64.
    Base64OfHex,
}

impl UnusualEncoding {
    /// A header's value with its signature written in this way; `None` if it has none.
    pub fn apply(self, grammar: &Grammar, value: &str) -> Option<String> {
        let Some(ParsedSignature::Decoded(signature)) = grammar.read(value).signatures.into_iter().next() else {
            return None;
        };
        let hex = encoding::hex(&signature);
        let written = match self {
            Self::UppercaseHex => hex.to_ascii_uppercase(),
            Self::Base64OfHex => encoding::base64(hex.as_bytes()),
        };
        Some(value.replacen(&grammar.encoding().encode(&signature), &written, 1))
    }
}

/// Other names under which a handler may look for a value sent in the header `own`.
pub fn other_names(provider: &Provider, scheme: &Scheme, own: &HeaderName) -> Vec<HeaderName> {
    let text = own.as_str();
    let mut names = vec![text.strip_prefix("x-").map_or_else(|| format!("x-{text}"), str::to_owned)];
    if scheme.headers().contains(own) {
        // x-signature of x-signature-256.
        names.extend(
            text.rsplit_once('-').filter(|(start, _)| start.contains("signature")).map(|(start, _)| start.to_owned()),
        );
        let of = |name: &str| ["", "x-"].map(|prefix| format!("{prefix}{name}signature"));
        names.extend(["", "webhook-", &format!("{}-", provider.name)].into_iter().flat_map(of));
    }
    let names = names.into_iter().filter_map(|name| HeaderName::try_from(name).ok());
    let known = scheme.names_of(own).iter().cloned();
    known.chain(names).filter(|name| name != own).collect()
}

const EMPTY_BODY: &str = "the handler verifies an empty body. Either something reads the body before it does (a JSON parser, a logger): read it once, and verify that. Or a proxy in front of it removes the body (proxy_pass_request_body off in nginx). Or it looks for the body in a form field ($_POST in PHP, request.form in Flask), and JSON has none";

/// The other mistakes with a scheme whose signature is in `header`.
pub(super) fn mistakes(scheme: &Scheme, header: &str) -> Vec<Mistake> {
    let mut all = contents(scheme);
    all.extend(algorithms(scheme));
    all.extend(hashes(scheme));
    all.extend(forms(scheme, header));
    all.extend(encodings(scheme, header));
    all.push(Mistake::common(
        MistakeKind::OtherHeaders,
        format!(
            "the handler reads another header: it accepts the same delivery if the signature is also in headers with similar names, such as x-signature; read {header}"
        ),
    ));
    all
}

fn contents(scheme: &Scheme) -> Vec<Mistake> {
    let own = scheme.content.as_str();
    let claim = |content: &str| {
        let content = SignedContent::claim(content).ok().filter(|_| content != own)?;
        Some(MistakeKind::Content(content))
    };
    let empty = claim(&own.replace("{body}", "")).map(|kind| Mistake::rare(kind, format!("{EMPTY_BODY}; {RAW_BODY}")));
    let object = claim(&own.replace("{body}", "[object Object]")).map(|kind| {
        let advice =
            format!("the handler verifies the text `[object Object]`, because the body is parsed already: {EXPRESS}");
        Mistake::rare(kind, advice)
    });
    let bytes = claim(&own.replace("{body}", "b'{body}'")).map(|kind| {
        let advice = "the handler verifies the text of a bytes object, b'…', as str(body) and an f-string write it in Python: verify the bytes, or body.decode()";
        Mistake::common(kind, advice)
    });
    let mut others = vec![("{body}".to_owned(), true)];
    if scheme.timestamp.is_some() {
        let templates = [
            "{timestamp}.{body}",
            "{timestamp}{body}",
            "{timestamp}:{body}",
            "{body}{timestamp}",
            "{body}.{timestamp}",
        ];
        others.extend(templates.map(|template| (template.to_owned(), false)));
    }
    if scheme.id.is_some() {
        others.push(("{id}.{body}".to_owned(), false));
    }
    others.extend(["", ".", ":"].map(|separator| (own.replace(['.', ':'], separator), false)));
    let mut seen: Vec<String> = vec![own.to_owned()];
    others.retain(|(template, _)| {
        let is_new = !seen.contains(template);
        seen.push(template.clone());
        is_new
    });
    let others = others.into_iter().filter_map(|(content, is_common)| {
        let advice = format!("the handler verifies a signature of {content}, but the provider signs {own}");
        Some(Mistake { kind: claim(&content)?, advice, is_common })
    });
    [empty, object, bytes].into_iter().flatten().chain(others).collect()
}

const EXPRESS: &str = "give the route express.raw({ type: '*/*' }) as its only parser, above any express.json()";

fn algorithms(scheme: &Scheme) -> Vec<Mistake> {
    let own = scheme.algorithm;
    let mistakes = HashFunction::ALL.into_iter().filter(|hash| hash.hmac() != own).flat_map(|hash| {
        let algorithm = hash.hmac();
        let is_common = matches!(hash, HashFunction::Sha256 | HashFunction::Sha1);
        // `sha1=` where the provider's prefix is `sha256=`.
        let renamed = own.hash_function().map(HashFunction::identifier).and_then(|own| {
            let form = scheme.grammar.to_string();
            form.contains(own).then(|| grammar(scheme, &form.replace(own, hash.identifier()))).flatten()
        });
        std::iter::once(scheme.grammar.clone()).chain(renamed).map(move |grammar| {
            let advice = format!("the handler verifies an {algorithm}, but the provider signs with {own}");
            Mistake { kind: MistakeKind::Algorithm(algorithm, grammar), advice, is_common }
        })
    });
    mistakes.collect()
}

/// Plain hashes, with the secret before or after the content, or without it.
fn hashes(scheme: &Scheme) -> Vec<Mistake> {
    let own = scheme.algorithm;
    let hash = own.hash_function().unwrap_or(HashFunction::Sha256).plain();
    let content = scheme.content.as_str();
    let mut contents = vec![
        format!("{{secret}}{content}"),
        format!("{content}{{secret}}"),
        format!("{{secret}}.{content}"),
        content.to_owned(),
    ];
    if content != "{body}" {
        contents.extend(["{secret}{body}".to_owned(), "{body}{secret}".to_owned(), "{body}".to_owned()]);
    }
    let mistake = |(number, content): (usize, String)| {
        let advice = format!(
            "the handler compares a plain {hash} of {content}, but the provider signs with {own}: use createHmac('…', secret) instead of createHash in Node.js, hmac.new(secret, body, …) instead of hashlib in Python, hash_hmac instead of hash in PHP"
        );
        let content = SignedContent::claim(&content).ok()?;
        Some(Mistake { kind: MistakeKind::Hash(hash, content), advice, is_common: number == 0 })
    };
    contents.into_iter().enumerate().filter_map(mistake).collect()
}

const AS_BASE64: &str = "encode the bytes of your own signature as base64, .digest('base64') in Node.js, base64.b64encode(mac.digest()).decode() in Python, base64_encode(hash_hmac('…', $body, $secret, true)) in PHP, base64.StdEncoding.EncodeToString(mac.Sum(nil)) in Go";

/// Other forms of the signature's value.
fn forms(scheme: &Scheme, header: &str) -> Vec<Mistake> {
    let own = scheme.grammar.to_string();
    let mut forms: Vec<String> = Vec::new();
    for (from, to) in [("{hex}", "{base64}"), ("{base64}", "{hex}")] {
        if own.contains(from) {
            forms.extend([own.replace(from, to), from.to_owned(), to.to_owned()]);
            if own == from {
                forms.extend(scheme.algorithm.hash_function().map(|hash| format!("{}={from}", hash.identifier())));
            }
        }
    }
    let mistake = |form: String| {
        let grammar = grammar(scheme, &form).filter(|_| form != own)?;
        let expects = |text: &str| form.contains(text) && !own.contains(text);
        let how = if expects("{hex}") {
            AS_BASE64
        } else if expects("{base64}") {
            "encode your own signature as hexadecimal, .digest('hex') in Node.js, mac.hexdigest() in Python, hash_hmac('…', $body, $secret) in PHP"
        } else {
            "compare it with your own signature in the same form"
        };
        let advice = format!("the handler expects `{form}` in {header}, but the provider sends `{own}`: {how}");
        Some(Mistake::common(MistakeKind::Form(grammar), advice))
    };
    forms.into_iter().filter_map(mistake).collect()
}

fn grammar(scheme: &Scheme, form: &str) -> Option<Grammar> {
    let separator = scheme.grammar.separator().map(str::to_owned);
    Grammar::parse(&GrammarText { value: form.to_owned(), separator }).ok()
}

fn encodings(scheme: &Scheme, header: &str) -> Vec<Mistake> {
    let own = scheme.grammar.to_string();
    let base64 = Mistake::common(
        MistakeKind::Encoding(UnusualEncoding::Base64OfHex),
        format!(
            "the handler expects the base64 of the hexadecimal text in {header}, but the provider sends `{own}`: {AS_BASE64}"
        ),
    );
    let uppercase = Mistake::rare(
        MistakeKind::Encoding(UnusualEncoding::UppercaseHex),
        format!("the handler expects hexadecimal in upper case in {header}, but the provider sends lower case"),
    );
    match own.contains("{base64}") {
        true => vec![base64],
        false if own.contains("{hex}") => vec![uppercase, base64],
        false => Vec::new(),
    }
}

/// Timestamps in the other unit, as expected by a handler that compares them with a clock in that unit.
pub(super) fn units(scheme: &Scheme) -> Vec<Mistake> {
    let rule = scheme.timestamp.as_ref();
    let mistake = |unit: TimeUnit| match unit {
        TimeUnit::Seconds => Some(Mistake::common(
            MistakeKind::Unit(TimeUnit::Milliseconds),
            "the handler accepts the same delivery with its timestamp in milliseconds, but the provider sends seconds: compare with Date.now() / 1000 in JavaScript, time.time() in Python",
        )),
        TimeUnit::Milliseconds => Some(Mistake::common(
            MistakeKind::Unit(TimeUnit::Seconds),
            "the handler accepts the same delivery with its timestamp in seconds, but the provider sends milliseconds: compare with Date.now() in JavaScript, time.time() * 1000 in Python",
        )),
        TimeUnit::Rfc3339 | TimeUnit::Rfc3339Millis | TimeUnit::Rfc3339Nanos | TimeUnit::HttpDate => None,
    };
    rule.and_then(|rule| mistake(rule.unit)).into_iter().collect()
}
