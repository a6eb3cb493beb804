//! Error messages with which frameworks and libraries reveal a handler's fault, and what to do about each. They come
//! from real responses, which are in `tests/responses`.

use super::{Clue, decoded, form_clue, form_clue::ENCODINGS, header_clue, readable};
use crate::webhook::{delivery::Media, http_response::Response, request::Headers};

/// A message, and what to do about it.
struct Known {
    /// Texts that all occur in the response.
    texts: &'static [&'static str],
    advice: &'static str,
    only_if_valid: bool,
    is_unspecific: bool,
}

/// How to raise the limit of a body's size.
pub const RAISE_LIMIT: &str = "raise the limit of the handler and of each proxy in front of it: express.raw({ type: '*/*', limit: '2mb' }) in Express, and the same limit for express.json(), express.text() and express.urlencoded(), bodyLimit in Fastify, MAX_CONTENT_LENGTH in Flask, DATA_UPLOAD_MAX_MEMORY_SIZE in Django, post_max_size in PHP, client_max_body_size in nginx";

const PARSED: &str = "the body is parsed before the handler sees it: app.use(express.json()) runs before express.raw(). Register the webhook's route above it, with express.raw({ type: '*/*' }) as its only parser; req.body is then the raw Buffer, to verify first and to parse with JSON.parse() after that";

const NO_PARSER: &str = "the handler verifies undefined: req.body is undefined if no body parser handled the request, and Express doesn't set req.rawBody. Add express.raw({ type: '*/*' }) to the route, and verify req.body; a type such as 'application/json' leaves out forms and other content types, and a proxy may remove the body or its Content-Type";

const NOT_FRESH: &str = "the handler considers the timestamp of a valid delivery too old or too new: check that it compares seconds with seconds (Date.now() / 1000 in JavaScript), that its tolerance is in the same unit and at least 5 minutes, and that its clock is right";

const PARSED_TWICE: &str = "JSON.parse() gets an object that a JSON parser has already parsed: give the route express.raw({ type: '*/*' }) instead, registered above app.use(express.json()); verify that Buffer, then parse it";

const PYTHON_RAW: &str = "hmac takes the raw bytes of the body, not parsed JSON and not text: await request.body() in FastAPI, request.get_data() in Flask, request.body in Django; parse them after verifying";

const SECRET_UNSET: &str =
    "the handler's signing secret is not set: check the name of its environment variable, and that the process has it";

const NO_SIGNATURE_TEXT: &str =
    "the signature header is missing, but the handler compares it anyway: respond 401 if it is missing";

const REFUSED_AS_SUCCESS: &str = "the response says that the delivery is refused, but its status means success, and the provider looks at nothing else: respond 401. If the response to valid deliveries says the same, the handler can't verify any";

const CSRF: &str = "exempt this route from CSRF protection, which is for browsers: @csrf_exempt in Django, skip_before_action :verify_authenticity_token in Rails, validateCsrfTokens(except: […]) in Laravel's bootstrap/app.php, @csrf.exempt with Flask-WTF, and in Express the route above app.use(csrf)";

const AUTHENTICATION: &str = "something before the handler asks for a login or a token, which the provider does not have: exempt this route from authentication, in the middleware or in the proxy (auth_basic off in nginx), and verify the signature there";

const MAYBE_AUTHENTICATION: &str = "the response asks for a login or a token: if those are not your handler's own words for a wrong signature, exempt this route from authentication, in the middleware or in the proxy, and verify the signature there";

const REFUSED_BY_NGINX: &str = "nginx refuses the delivery before the handler sees it: check allow, deny and the like in the location of this path";

const HOSTS: &str =
    "the framework accepts only known hosts: add this one to ALLOWED_HOSTS in Django, config.hosts in Rails";

const BAD_REQUEST_IN_DJANGO: &str = "Django responds like this to a host that is not in ALLOWED_HOSTS: add the host of the URL there. It does so after SuspiciousOperation and BadRequest, too";

const STRICT: &str = "accept members that you do not know, because providers add some without notice: extra = 'ignore' in pydantic, .passthrough() or no .strict() in zod, no DisallowUnknownFields in Go";

const REQUIRED: &str = "a model checks the body before the handler runs, and needs members that this event does not have: take the raw request (request: Request in FastAPI), verify its bytes, and read only the members that you need";

const EXPECTS_TLS: &str = "the handler expects TLS: use https:// in the URL";

/// The known messages, the more specific ones first.
const KNOWN: &[Known] = &[
    known(&["instance of Buffer, TypedArray, or DataView", "Received an instance of Object"], PARSED),
    known(&["instance of Buffer, TypedArray, or DataView", "Received undefined"], NO_PARSER),
    known(&["Expected payload to be of type string or Buffer"], PARSED),
    known(&["payload must be provided as a string or a Buffer"], PARSED),
    known(&["HTTP request to an HTTPS server"], EXPECTS_TLS),
    known(&["plain HTTP request was sent to HTTPS port"], EXPECTS_TLS),
    known(&["speaking plain HTTP to an SSL-enabled server port"], EXPECTS_TLS),
    known(
        &["ALPN Protocol, expected `h2`"],
        "the handler speaks only HTTP/2: make it accept HTTP/1.1 too (allowHTTP1 in Node.js)",
    ),
    known(&["[object Object]", "is not valid JSON"], PARSED_TWICE),
    known(&["Unexpected token o in JSON at position 1"], PARSED_TWICE),
    known(&["an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject", "Received undefined"], SECRET_UNSET),
    known(&["key: expected bytes or bytearray, but got 'NoneType'"], SECRET_UNSET),
    known(&["No webhook secret value was provided"], SECRET_UNSET),
    for_valid(&["Timestamp outside the tolerance zone"], NOT_FRESH),
    for_valid(&["equest too old"], NOT_FRESH),
    known(
        &["key: expected bytes or bytearray, but got 'str'"],
        "hmac takes the secret as bytes: hmac.new(secret.encode(), body, hashlib.sha256)",
    ),
    known(&["object supporting the buffer API required"], PYTHON_RAW),
    known(&["Strings must be encoded before hashing"], PYTHON_RAW),
    known(
        &["Input buffers must have the same byte length"],
        "crypto.timingSafeEqual throws if the lengths in bytes differ: compare those of the Buffers first, not those of the strings, and respond 401 if they differ: a.length === b.length && crypto.timingSafeEqual(a, b)",
    ),
    known(
        &["inputs must be of equal length"],
        "OpenSSL.fixed_length_secure_compare raises an exception if the lengths differ: use OpenSSL.secure_compare, Rack::Utils.secure_compare or ActiveSupport::SecurityUtils.secure_compare",
    ),
    known(
        &["comparing strings with non-ASCII characters"],
        "hmac.compare_digest takes only ASCII text: compare bytes, with .encode() on both sides",
    ),
    known(&["operand types(s) or combination of types: 'NoneType'"], NO_SIGNATURE_TEXT),
    known(
        &["'ascii' codec can't decode"],
        "the handler decodes the body as ASCII: verify the bytes as they are, and decode them as UTF-8",
    ),
    known(
        &["\"loc\":[\"query\",\"request\"]"],
        "FastAPI treats the parameter `request` as a query parameter, because it has no type annotation: write `request: Request`",
    ),
    known(&["\"type\":\"missing\",\"loc\":[\"body\",", "Field required"], REQUIRED),
    known(&["extra_forbidden"], STRICT),
    known(&["unrecognized_keys"], STRICT),
    known(&["Additional properties are not allowed"], STRICT),
    known(&["must NOT have additional properties"], STRICT),
    known(&["CSRF verification failed"], CSRF),
    known(&["InvalidAuthenticityToken"], CSRF),
    // Rails' own page for it in production.
    known(&["The change you wanted was rejected"], CSRF),
    known(&["CSRF token mismatch"], CSRF),
    // Flask-WTF, and csurf for Express.
    known(&["CSRF token is missing"], CSRF),
    known(&["CSRF session token is missing"], CSRF),
    known(&["invalid csrf token"], CSRF),
    known(
        &["the URL doesn't end in a slash and you have APPEND_SLASH set"],
        "the route ends in a slash: add one to the URL",
    ),
    known(&["Invalid HTTP_HOST header"], HOSTS),
    // Django's page in production.
    unspecific(&["Bad Request (400)"], BAD_REQUEST_IN_DJANGO),
    known(&["Blocked host"], HOSTS),
    known(
        &["cannot access body after reading from request's data stream"],
        "read request.body first: request.POST and request.read() consume the stream",
    ),
    // Django's debug page lists all settings by their names.
    known(&["Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE"], RAISE_LIMIT),
    // nginx and Django REST framework.
    for_valid(&["401 Authorization Required"], AUTHENTICATION),
    for_valid(&["Authentication credentials were not provided"], AUTHENTICATION),
    // FastAPI, and the code of many developers.
    unspecific(&["Not authenticated"], MAYBE_AUTHENTICATION),
    unspecific(&["uthentication required"], MAYBE_AUTHENTICATION),
    for_valid(&["403 Forbidden", "nginx"], REFUSED_BY_NGINX),
    unspecific(
        &["No signatures found matching"],
        "the library found no matching signature: the handler uses a different secret, or passes the library a parsed body instead of the raw bytes",
    ),
    unspecific(
        &["No matching signature found"],
        "the library found no matching signature: the handler uses a different secret, or passes the library a parsed body instead of the raw bytes",
    ),
    for_valid(
        &["Missing required headers"],
        "the library didn't find the headers it needs: pass it all of the request's headers, with their names in lower case",
    ),
];

/// What handlers say about a stale timestamp.
const STALE: &[&str] = &[" too old", " too new", " expired", " tolerance"];

/// Messages of express-jwt and Flask-JWT-Extended about a request without an Authorization header. Some providers sign
/// in that header.
const NO_AUTHORIZATION: &[&str] = &["No authorization token was found", "Missing Authorization Header"];

const fn known(texts: &'static [&'static str], advice: &'static str) -> Known {
    Known { texts, advice, only_if_valid: false, is_unspecific: false }
}

const fn for_valid(texts: &'static [&'static str], advice: &'static str) -> Known {
    Known { texts, advice, only_if_valid: true, is_unspecific: false }
}

const fn unspecific(texts: &'static [&'static str], advice: &'static str) -> Known {
    Known { texts, advice, only_if_valid: true, is_unspecific: true }
}

/// Phrases in a success response that mean the opposite, in lower case.
const REFUSALS: &[&str] = &[
    "bad signature",
    "forbidden",
    "invalid signature",
    "no signature",
    "signature does not match",
    "signature invalid",
    "signature mismatch",
    "signature missing",
    "signature verification failed",
    "unauthorised",
    "unauthorized",
    "wrong signature",
];

/// The longest response that is searched for a refusal, in bytes.
const LONGEST_REFUSAL: usize = 400;

/// What a response reveals about the handler; `sent` is the media type of the request's body, and `headers` are the
/// request's.
#[must_use]
pub fn clue(response: &Response, sent: Option<Media>, headers: Option<&Headers>) -> Option<Clue> {
    let (status, body) = (response.status, decoded(response));
    if (200..300).contains(&status) && body.len() <= LONGEST_REFUSAL {
        let text = String::from_utf8_lossy(&body).to_ascii_lowercase();
        let is_refusal = REFUSALS.iter().any(|refusal| text.contains(refusal));
        return is_refusal.then(|| Clue::new(REFUSED_AS_SUCCESS));
    }
    if !(400..600).contains(&status) {
        return None;
    }
    let text = readable(&body).unwrap_or_default();
    let occur = |texts: &[&str]| texts.iter().all(|message| text.contains(message));
    if let Some(&Known { advice, only_if_valid, is_unspecific, .. }) = KNOWN.iter().find(|known| occur(known.texts)) {
        return Some(Clue { advice: advice.into(), only_if_valid, is_unspecific });
    }
    if is_stale(&text) {
        return Some(Clue::for_valid(NOT_FRESH));
    }
    let is_authorized = headers.is_some_and(|headers| headers.contains("authorization"));
    if !is_authorized && NO_AUTHORIZATION.iter().any(|message| text.contains(message)) {
        return Some(Clue::for_valid(AUTHENTICATION));
    }
    if let Some(advice) = headers.and_then(|headers| header_clue::advice(&body, headers)) {
        return Some(Clue::for_valid(advice));
    }
    if let Some(clue) = form_clue::parsed(&text, sent) {
        return Some(clue);
    }
    match status {
        401 if !is_authorized => challenge(&response.headers, &text),
        413 => Some(Clue::new(RAISE_LIMIT)),
        415 => Some(Clue::new(ENCODINGS)),
        // Laravel's status for a missing CSRF token.
        419 => Some(Clue::new(CSRF)),
        _ => None,
    }
}

/// What a login challenge reveals. Webhook handlers send one too, but hardly for a password, and not if the text
/// mentions a signature.
fn challenge(headers: &Headers, text: &str) -> Option<Clue> {
    let scheme = headers.text("www-authenticate")?;
    let scheme = scheme.split_whitespace().next()?;
    let is_login = ["basic", "digest", "negotiate", "ntlm"].iter().any(|login| scheme.eq_ignore_ascii_case(login));
    let is_handlers = text.to_ascii_lowercase().contains("signature");
    Some(if is_login && !is_handlers {
        Clue::for_valid(AUTHENTICATION)
    } else {
        Clue::unspecific(MAYBE_AUTHENTICATION)
    })
}

/// Whether a response calls a timestamp stale. Many JSON errors have a member `timestamp` beside the message.
fn is_stale(text: &str) -> bool {
    let mut messages = text.split(['\n', '"']);
    messages.any(|message| message.contains("imestamp") && STALE.iter().any(|stale| message.contains(stale)))
}
