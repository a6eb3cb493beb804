//! Signature headers of every grammar: a written header is read back, a signed request verifies, and a header without
//! the right signature is never accepted.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use hookdev::webhook::{
    provider::{Provider, catalog::Catalog},
    request::{self, HeaderValue, Headers, Method, Request},
    signature::{Reason, Rejection, Scheme, SigningSecret, grammar::ParsedSignature},
    time::Timestamp,
};

use super::{Input, provider};

/// Grammars in addition to those of the built-in providers: an algorithm, a value, the rest of the table.
const GRAMMARS: [(&str, &str, &str); 9] = [
    ("hmac-sha1", "{hex}", ""),
    ("hmac-sha256", "sha256={hex}", ""),
    ("hmac-sha384", "{base64}", ""),
    ("hmac-sha512", "{base64}", ", separator = ' '"),
    ("hmac-sha256", "v1,{base64}", ", separator = ' '"),
    ("hmac-sha256", "v1={hex}", ", separator = ','"),
    ("hmac-sha256", "{hex}", ", separator = '|'"),
    ("token", "{token}", ""),
    ("token", "Bearer {token}", ""),
];

static PROVIDERS: LazyLock<Vec<Arc<Provider>>> = LazyLock::new(|| {
    let written = GRAMMARS.map(|(algorithm, value, rest)| {
        let time = if algorithm == "token" { "" } else { "timestamp = { header = 'x-time', tolerance = '5m' }\n" };
        let content = if algorithm == "token" { "content = '{body}'\n" } else { "content = '{timestamp}.{body}'\n" };
        let scheme = format!("signature = {{ header = ['x-sig'], value = '{value}'{rest} }}");
        let manifest = format!(
            "name = 'made-up'\ntitle = 'M'\nabout = 'A test'\n[secret]\ndevelopment = 'key'\n[[scheme]]\nname = 's'\n\
             algorithm = '{algorithm}'\n{content}{scheme}\n{time}[delivery]\nsuccess = ['2xx']\n[recognise]\nevent = 'type'\n\
             [[event]]\nname = 'ping'\nabout = 'An event'\n"
        );
        Arc::new(provider(&manifest).unwrap_or_else(|error| panic!("{error}\n{manifest}")))
    });
    written.into_iter().chain(Catalog::builtin().providers().cloned()).collect()
});

/// The first line is a header's value, the rest a body, followed by the choice of a scheme.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let all = PROVIDERS.iter().flat_map(|provider| provider.schemes.iter().map(|scheme| (&**provider, scheme)));
    // The body is any bytes here: it has no value that a scheme could need.
    let schemes: Vec<(&Provider, &Scheme)> = all.filter(|(_, scheme)| !scheme.needs_payload()).collect();
    let (provider, scheme) = *input.one_of(&schemes);
    let (value, body) = (input.line(), Bytes::copy_from_slice(input.rest()));
    let (secret, other) = ([super::secret(provider, scheme, "fuzz")], [super::secret(provider, scheme, "other")]);
    let time = Timestamp::from_unix_seconds(1_735_732_800);
    let mut genuine = Request { method: Method::POST, target: "/".to_owned(), headers: Headers::new(), body };
    assert!(
        scheme.sign_request(&secret[0], &mut genuine, "msg_1", time),
        "a secret signs under {} of {}",
        scheme.name,
        provider.name
    );
    let verified =
        |secrets: &[SigningSecret], request: &Request| scheme.verify(secrets, request, Some(time).into()).is_ok();
    if let Err(Rejection { reason: Reason::Extendable, .. }) = scheme.verify(&secret, &genuine, Some(time).into()) {
        assert!(std::str::from_utf8(&genuine.body).is_err(), "text is not what extends a hash");
        return;
    }
    assert!(verified(&secret, &genuine), "what is signed is verified");
    assert!(!verified(&other, &genuine), "and under no other secret");
    if scheme.signs_body() {
        let longer = Request { body: [&genuine.body[..], b"!"].concat().into(), ..genuine.clone() };
        assert!(!verified(&secret, &longer), "nor with another body");
    }

    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let right = genuine.headers.text(scheme.headers()[0].as_str()).expect("it is signed").into_owned();
    let strange = request::text(&value).into_owned();
    let (read_right, read) = (scheme.grammar.read(&right), scheme.grammar.read(&strange));
    assert_eq!((read_right.signatures.len(), read_right.unknown.len(), read_right.malformed), (1, 0, false));
    let with = |text: &str| {
        let mut headers = genuine.headers.clone();
        headers.set(&scheme.headers()[0], request::value(text).ok()?);
        Some(Request { headers, ..genuine.clone() })
    };
    let forged = with(&strange).is_some_and(|request| verified(&secret, &request));
    let holds_it = read.signatures.contains(&read_right.signatures[0]) && read.timestamps == read_right.timestamps;
    assert!(!forged || holds_it, "{strange:?} is taken in place of {right:?}");
    // The right signature is found after others and before them.
    if let (Some(separator), true, true) = (separator(scheme), read.timestamps.is_empty(), strange.is_ascii()) {
        for text in [format!("{strange}{separator}{right}"), format!("{right}{separator}{strange}")] {
            assert!(with(&text).is_none_or(|request| verified(&secret, &request)), "{text:?}");
        }
    }
}

/// The separator of the entries of a scheme's header.
fn separator(scheme: &Scheme) -> Option<char> {
    if !scheme.grammar.is_list() {
        return None;
    }
    // The grammar does not say; two signatures that parse separately show it.
    [' ', ',', '|', ';'].into_iter().find(|separator| {
        let one = scheme.grammar.write(&[7; 32], "1");
        let two = scheme.grammar.read(&format!("{one}{separator}{one}")).signatures;
        two == [ParsedSignature::Decoded(vec![7; 32]), ParsedSignature::Decoded(vec![7; 32])]
    })
}
