//! The responses of real frameworks: which lines are shown, and which cause is named.

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};

use super::{Excerpt, clue::clue, form_clue::unexplained};
use crate::webhook::{delivery::Media, http_response::Response, request::Headers};

/// A response without headers.
fn response(status: u16, body: impl AsRef<[u8]>) -> Response {
    Response { status, headers: Headers::new(), body: body.as_ref().to_vec().into() }
}

/// A recorded response.
fn recorded(bytes: &'static [u8]) -> Response {
    let mut rest = bytes;
    loop {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = str::from_utf8(&rest[..end]).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        rest = &rest[end + 4..];
        if status != 100 {
            let fields = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
            let field = |(name, value): (&str, &'static str)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value))
            };
            return Response { status, headers: fields.map(field).collect(), body: rest.into() };
        }
    }
}

macro_rules! response {
    ($name:literal) => {
        recorded(include_bytes!(concat!("../../../tests/responses/", $name, ".http")))
    };
}

/// Asserts the start of each line of the excerpt, and a part of the advice; `""` if there is none.
#[track_caller]
fn says(response: &Response, sent: Media, lines: &[&str], advice: &str) {
    let Some(Excerpt::Text(shown)) = Excerpt::of(response) else { panic!("no text") };
    assert_eq!(shown.len(), lines.len(), "{shown:#?}");
    for (shown, start) in shown.iter().zip(lines) {
        assert!(shown.starts_with(start), "{shown:#?}");
        assert!(!shown.contains("node_modules") && !shown.contains("site-packages"), "{shown}");
    }
    let found = clue(response, Some(sent), None).map(|clue| clue.advice).unwrap_or_default();
    assert!(found.contains(advice) && found.is_empty() == advice.is_empty(), "`{found}` lacks `{advice}`");
}

const DATA: &str = "TypeError [ERR_INVALID_ARG_TYPE]: The \"data\" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ";

#[test]
fn express_with_a_parser_too_many_or_too_few() {
    let first = "app.use(express.json()) runs before express.raw()";
    let none = "express.raw({ type: '*/*' }) to the route";
    let own = "at hmac (/srv/handlers/web/apps.js:";
    let object = &format!("{DATA}an instance of Object");
    let undefined = &format!("{DATA}undefined");
    says(&response!("express-json-above-raw"), Media::Json, &[object, own], first);
    says(&response!("express4-json-above-raw"), Media::Json, &[object, own], first);
    says(&response!("express-no-parser"), Media::Json, &[undefined, own], none);
    says(&response!("express-raw-json-only"), Media::Urlencoded, &[undefined, own], none);
    says(&response!("express4-raw-json-only"), Media::Urlencoded, &[object, own], "with express.raw({ type: '*/*' })");
    says(
        &response!("express-parsed-twice"),
        Media::Json,
        &["SyntaxError: \"[object Object]\" is not valid JSON", "at /srv/handlers/web/apps.js:12:73"],
        "JSON.parse() gets an object",
    );
    says(
        &response!("express-svix-parsed"),
        Media::Json,
        &["Error: Expected payload to be of type string or Buffer.", "at /srv/handlers/web/apps.js:18:"],
        first,
    );
}

#[test]
fn express_with_other_faults() {
    let own = "at /srv/handlers/web/";
    says(
        &response!("express-json-only"),
        Media::Urlencoded,
        &["SyntaxError: Unexpected token 'u', \"uuid=abc&status=3\" is not valid JSON"],
        "express.urlencoded() and multer().none()",
    );
    says(
        &response!("express-limit"),
        Media::Json,
        &["PayloadTooLargeError: request entity too large"],
        "express.raw({ type: '*/*', limit: '2mb' })",
    );
    says(
        &response!("express-key-unset"),
        Media::Json,
        &["TypeError [ERR_INVALID_ARG_TYPE]: The \"key\" argument must be of type string", own],
        "the handler's signing secret is not set",
    );
    says(
        &response!("express-length"),
        Media::Json,
        &["RangeError: Input buffers must have the same byte length", own],
        "compare those of the Buffers first, not those of the strings",
    );
    says(
        &response!("express-no-header"),
        Media::Json,
        &["TypeError [ERR_INVALID_ARG_TYPE]: The first argument must be of type string", own],
        "",
    );
    says(
        &response!("express-no-field"),
        Media::Json,
        &["TypeError: Cannot read properties of undefined (reading 'object')", own],
        "",
    );
    says(&response!("express-none"), Media::Json, &["Cannot POST /nothing-here"], "");
    says(
        &response!("express-svix-raw"),
        Media::Json,
        &["Error: No matching signature found", own],
        "a different secret",
    );
}

#[test]
fn fastify() {
    says(&response!("fastify-form"), Media::Urlencoded, &["{\"statusCode\":415,"], "@fastify/formbody");
    says(&response!("fastify-parsed"), Media::Json, &["{\"statusCode\":500,"], "the body is parsed before");
    says(&response!("fastify-malformed"), Media::Json, &["{\"statusCode\":400,"], "something other than the raw body");
    says(&response!("fastify-large"), Media::Json, &["{\"statusCode\":413,"], "bodyLimit in Fastify");
}

#[test]
fn fastapi() {
    let raw = "await request.body() in FastAPI";
    let trace = |error, function: &'static str| [error, function];
    let own = "File \"/srv/handler/py_apps.py\", line ";
    says(
        &response!("fastapi-debug-json-hmac"),
        Media::Json,
        &trace("TypeError: object supporting the buffer API required", own),
        raw,
    );
    says(
        &response!("fastapi-debug-str-body"),
        Media::Json,
        &trace("TypeError: Strings must be encoded before hashing", own),
        raw,
    );
    says(
        &response!("fastapi-debug-key-unset"),
        Media::Json,
        &trace("TypeError: key: expected bytes or bytearray, but got 'NoneType'", own),
        "secret is not set",
    );
    says(
        &response!("fastapi-debug-key-str"),
        Media::Json,
        &trace("TypeError: key: expected bytes or bytearray, but got 'str'", own),
        "hmac.new(secret.encode(), ",
    );
    says(
        &response!("fastapi-debug-ascii"),
        Media::Json,
        &trace("UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3", own),
        "decode them as UTF-8",
    );
    says(
        &response!("fastapi-debug-compare-none"),
        Media::Json,
        &trace("TypeError: unsupported operand types(s) or combination of types: 'NoneType' and 'str'", own),
        "the signature header is missing",
    );
    says(
        &response!("fastapi-debug-compare-non-ascii"),
        Media::Json,
        &trace("TypeError: comparing strings with non-ASCII characters is not supported", own),
        ".encode() on both sides",
    );
    says(
        &response!("fastapi-debug-form-as-json"),
        Media::Urlencoded,
        &trace("json.decoder.JSONDecodeError: Expecting value", own),
        "await request.form() in FastAPI",
    );
    says(
        &response!("fastapi-debug-int"),
        Media::Json,
        &trace("ValueError: invalid literal for int() with base 10: 'soon'", own),
        "",
    );
    says(&response!("fastapi-debug-key-error"), Media::Json, &trace("KeyError: 'data'", own), "");
    says(
        &response!("fastapi-no-annotation"),
        Media::Json,
        &["{\"detail\":[{\"type\":\"missing\""],
        "write `request: Request`",
    );
    says(&response!("fastapi-model"), Media::Json, &["{\"detail\":[{\"type\":\"extra_forbidden\""], "extra = 'ignore'");
    says(
        &response!("fastapi-model-required"),
        Media::Json,
        &["{\"detail\":[{\"type\":\"missing\""],
        "read only the members that you need",
    );
    says(&response!("fastapi-header"), Media::Json, &["{\"detail\":[{\"type\":\"missing\""], "");
    says(
        &response!("fastapi-dict-form"),
        Media::Urlencoded,
        &["{\"detail\":[{\"type\":\"dict_type\""],
        "await request.form() in FastAPI",
    );
    says(&response!("fastapi-json-hmac"), Media::Json, &["Internal Server Error"], "");
}

#[test]
fn express_with_a_form_where_json_is_expected() {
    says(
        &response!("express-json-only-form"),
        Media::Urlencoded,
        &[
            "TypeError: Cannot destructure property 'uuid' of 'r.body' as it is undefined.",
            "at file:///srv/handlers/faults.mjs:144:71",
        ],
        "express.urlencoded()",
    );
    says(
        &response!("express-json-only-form"),
        Media::Json,
        &["TypeError: Cannot destructure property", "at file:///srv/handlers/faults.mjs:144:71"],
        "no body parser handled this request",
    );
}

#[test]
fn go_and_ruby() {
    says(
        &response!("go-form-as-json"),
        Media::Urlencoded,
        &["invalid character 'u' looking for beginning of value"],
        "the delivery is a urlencoded form, but the handler parses only JSON: parse the body by its media type",
    );
    says(
        &response!("ruby-form-as-json"),
        Media::Urlencoded,
        &["859: unexpected token at 'uuid=abc&status=3'"],
        "params in Rails",
    );
    says(
        &response!("ruby-length"),
        Media::Json,
        &["Internal Server Error", "inputs must be of equal length …"],
        "use OpenSSL.secure_compare",
    );
}

#[test]
fn a_form_that_a_handler_rejects_without_a_reason() {
    for (status, body) in [
        (400, ""),
        (400, "Bad Request\n"),
        (422, ""),
        (500, "Internal Server Error"),
        (500, "<!DOCTYPE html><title>Error</title><pre>Internal Server Error</pre>"),
    ] {
        let found = unexplained(&response(status, body), Some(Media::Multipart)).unwrap();
        assert!(
            found.advice.starts_with("the delivery is a multipart form, and a handler that parses only JSON")
                && found.only_if_valid,
            "{found:?}"
        );
        assert_eq!(unexplained(&response(status, body), Some(Media::Json)), None);
    }
    // What Flask's abort(400, "unknown phone number") sends.
    let aborted = "<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n<p>unknown phone number</p>\n";
    for (status, body) in [(401, ""), (400, "unknown phone number"), (500, "<pre>no such user</pre>"), (400, aborted)] {
        assert_eq!(unexplained(&response(status, body), Some(Media::Multipart)), None, "{body}");
    }
    // Flask's page for status 400 may mean anything.
    let found = clue(&response!("flask-no-field"), Some(Media::Urlencoded), None).unwrap();
    assert!(found.is_unspecific && found.advice.contains("request.form in Flask"), "{found:?}");
}

#[test]
fn every_parsers_message_about_a_form_read_as_json_is_known() {
    // What Node.js 22, Python 3.11, PHP 8.2 and Go 1.19 say about `status=3`, `true=1` and `--boundary`.
    for message in [
        r#"Unexpected token 's', "status=3" is not valid JSON"#,
        "No number after minus sign in JSON at position 1",
        "Expecting value: line 1 column 1 (char 0)",
        "JsonException: Syntax error",
        "invalid character 's' looking for beginning of value",
        "invalid character '=' after top-level value",
        "invalid character '-' in numeric literal",
        r#"{"error":"Invalid JSON"}"#,
    ] {
        let found = clue(&response(400, message), Some(Media::Urlencoded), None).unwrap();
        assert!(found.advice.contains("but the handler parses only JSON"), "{message}");
    }
}

#[test]
fn stripes_own_library() {
    says(
        &response!("express-stripe-key-unset"),
        Media::Json,
        &["Webhook Error: No webhook secret value was provided. It should start with `whsec_`"],
        "the handler's signing secret is not set",
    );
    let stale = response!("express-stripe-stale");
    says(
        &stale,
        Media::Json,
        &["Webhook Error: Timestamp outside the tolerance zone"],
        "compares seconds with seconds",
    );
    assert!(clue(&stale, Some(Media::Json), None).unwrap().only_if_valid);
}

#[test]
fn flask_and_django() {
    says(
        &response!("flask-json-form"),
        Media::Urlencoded,
        &[
            "Unsupported Media Type",
            "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
        ],
        "request.form in Flask",
    );
    says(
        &response!("flask-debug-hmac"),
        Media::Json,
        &["TypeError: object supporting the buffer API required", "File \"/srv/handler/py_apps.py\", line "],
        "request.get_data() in Flask",
    );
    says(
        &response!("flask-limit"),
        Media::Json,
        &["Request Entity Too Large", "The data value transmitted exceeds the capacity limit."],
        "MAX_CONTENT_LENGTH in Flask",
    );
    says(
        &response!("flask-malformed"),
        Media::Json,
        &["Bad Request", "The browser (or proxy) sent a request that this server could not understand."],
        "or request.json is not JSON",
    );
    says(
        &response!("flask-hmac"),
        Media::Json,
        &["Internal Server Error", "The server encountered an internal error"],
        "",
    );
    says(
        &response!("flask-get"),
        Media::Json,
        &["Method Not Allowed", "The method is not allowed for the requested URL."],
        "",
    );
    says(
        &response!("django-csrf"),
        Media::Json,
        &["Forbidden (403)", "CSRF verification failed. Request aborted. …"],
        "@csrf_exempt in Django",
    );
    // The page lists the settings, each with a name that may occur in a message.
    says(&response!("django-debug-key-error"), Media::Json, &["KeyError at /hook", "'x-hub-signature-256'"], "");
    says(&response!("django-host"), Media::Json, &["Bad Request (400)"], "a host that is not in ALLOWED_HOSTS");
    says(
        &response!("flask-no-field"),
        Media::Json,
        &["Bad Request", "The browser (or proxy) sent a request that this server could not understand."],
        "verify request.get_data()",
    );
}

#[test]
fn rails() {
    let rejected = "The change you wanted was rejected.";
    let details = "Maybe you tried to change something you didn't have access to. …";
    let csrf = "skip_before_action :verify_authenticity_token";
    says(&response!("rails-csrf"), Media::Json, &[rejected, details], csrf);
    let blocked = ["Blocked host: 127.0.0.1", "To allow requests to 127.0.0.1 make sure it is a valid hostname"];
    says(&response!("rails-debug-host"), Media::Json, &blocked, "config.hosts in Rails");
}

#[test]
fn a_success_reveals_nothing() {
    assert_eq!(clue(&response(200, "CSRF verification failed"), None, None), None);
    assert_eq!(clue(&response(302, ""), None, None), None);
}

#[test]
fn a_refusal_with_the_status_of_a_success_is_named() {
    for body in ["bad signature", r#"{"error":"Invalid signature"}"#, "Unauthorized"] {
        let found = clue(&response(200, body), Some(Media::Json), None).unwrap();
        assert!(
            found.advice.starts_with("the response says that the delivery is refused, but its status means success"),
            "{body}"
        );
    }
    let long = format!("{}{}", "a page of text ".repeat(40), "unauthorized");
    for body in ["ok", "", r#"{"signature":"valid"}"#, &long] {
        assert_eq!(clue(&response(200, body), Some(Media::Json), None), None, "{body}");
    }
}

#[test]
fn a_message_about_json_names_the_encoding_only_if_a_form_was_sent() {
    let message = b"SyntaxError: Unexpected token is not valid JSON";
    assert!(clue(&response(400, message), Some(Media::Multipart), None).unwrap().advice.contains("multer().none()"));
    assert!(clue(&response(400, message), Some(Media::Json), None).unwrap().only_if_valid);
    assert_eq!(clue(&response(400, message), None, None), None);
}

#[test]
fn the_status_is_a_clue_too() {
    assert!(clue(&response(413, ""), None, None).unwrap().advice.contains("client_max_body_size in nginx"));
    assert!(clue(&response(415, ""), None, None).unwrap().advice.starts_with("parse the body by its media type"));
    assert!(clue(&response(419, ""), None, None).unwrap().advice.contains("validateCsrfTokens"));
    assert_eq!(clue(&response(500, ""), None, None), None);
}

#[test]
fn a_login_before_the_handler() {
    let hint = "something before the handler asks for a login or a token";
    says(&response!("nginx-basic"), Media::Json, &["401 Authorization Required", "nginx/1.22.1"], hint);
    says(&response!("drf-unauthenticated"), Media::Json, &["{\"detail\":\"Authentication credentials"], hint);
    says(&response!("flask-jwt"), Media::Json, &["{\"msg\":\"Missing Authorization Header\"}"], hint);
    says(&response!("express-jwt"), Media::Json, &["UnauthorizedError: No authorization token was found"], hint);
    says(&response!("flask-basic"), Media::Json, &["Unauthorized Access"], hint);
    says(&response!("nginx-deny"), Media::Json, &["403 Forbidden", "nginx/1.22.1"], "check allow, deny");
}

#[test]
fn a_response_that_may_be_a_login_or_a_wrong_signature() {
    let bearer = response!("fastapi-bearer");
    says(
        &bearer,
        Media::Json,
        &["{\"detail\":\"Not authenticated\"}"],
        "your handler's own words for a wrong signature",
    );
    let others = ["{\"error\":\"Not authenticated\"}", "Authentication required"].map(|body| response(401, body));
    for response in others.iter().chain([&bearer]) {
        let found = clue(response, Some(Media::Json), None).unwrap();
        assert!(found.is_unspecific && found.advice.contains("exempt this route from authentication"), "{found:?}");
    }
}

#[test]
fn a_challenge_is_a_login_if_it_asks_for_a_password() {
    let challenged = |scheme: &'static str, body: &str| {
        let headers = [(WWW_AUTHENTICATE, HeaderValue::from_static(scheme))].into_iter().collect();
        clue(&Response { headers, ..response(401, body) }, Some(Media::Json), None).unwrap()
    };
    for scheme in ["Basic realm=\"Realm\"", "Negotiate", "digest realm=\"x\", nonce=\"y\""] {
        let found = challenged(scheme, "");
        assert!(!found.is_unspecific && found.advice.starts_with("something before the handler asks"), "{found:?}");
    }
    // Webhook handlers copy this one from examples of APIs.
    assert!(challenged("Bearer", "").is_unspecific);
    // A login knows nothing of signatures.
    assert!(challenged("Basic realm=\"x\"", "Invalid signature").is_unspecific);
}

#[test]
fn a_missing_authorization_header_that_was_sent_is_no_login() {
    let token = HeaderValue::from_static("eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
    let sent: Headers = [(AUTHORIZATION, token)].into_iter().collect();
    for response in [response!("flask-jwt"), response!("express-jwt")] {
        assert_eq!(clue(&response, Some(Media::Json), Some(&sent)), None);
    }
}

#[test]
fn a_timestamp_beside_another_message_is_not_refused() {
    for body in [
        r#"{"timestamp":"2026-11-30T03:50:46.123+00:00","status":401,"message":"JWT expired at 2026-11-30"}"#,
        "timestamp=1764474646\nthe session has expired",
    ] {
        assert_eq!(clue(&response(401, body), Some(Media::Json), None), None, "{body}");
    }
}

#[test]
fn a_timestamp_that_is_refused() {
    for body in ["Timestamp too old", "{\"error\":\"timestamp expired\"}", "timestamp outside of tolerance"] {
        let found = clue(&response(400, body), Some(Media::Json), None).unwrap();
        assert!(found.only_if_valid && found.advice.contains("compares seconds with seconds"), "{found:?}");
    }
}
