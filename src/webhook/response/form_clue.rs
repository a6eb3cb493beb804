//! Detects from a response that the handler misparses a delivery: it parses a form as JSON, or no body at all.

use http::StatusCode;

use super::{Clue, decoded, readable};
use crate::webhook::{delivery::Media, http_response::Response};

/// How to parse the encodings that a provider uses.
pub const ENCODINGS: &str = "parse the body by its media type, which is the part of Content-Type before the `;`: express.urlencoded() and multer().none() (npm install multer) in Express, @fastify/formbody and @fastify/multipart with attachFieldsToBody: 'keyValues' in Fastify, await request.form() in FastAPI (pip install python-multipart), request.form in Flask, request.POST in Django, params in Rails, $request->input() in Laravel, $_POST in PHP, r.FormValue() in Go, await req.formData() in Next.js";

const UNDEFINED_BODY: &str = "no body parser handled this request, so req.body is undefined: add express.raw({ type: '*/*' }) to the route, or express.json() if the deliveries are not signed";

const MISSING_IN_FLASK: &str = "Flask responds like this after abort(400), and if request.form['x'], request.args['x'] or request.headers['x'] is missing, or request.json is not JSON: if the deliveries are JSON, verify request.get_data() and parse it with json.loads(); read optional values with .get()";

const JSON_PARSED_ELSE: &str = "the handler parses something other than the raw body as JSON: check what it passes to the parser, and that nothing has read or changed the body before";

/// Flask's page for status 400.
const BAD_REQUEST_IN_FLASK: &str = "The browser (or proxy) sent a request that this server could not understand.";

/// What Node.js says about a member of an unparsed body.
const NO_BODY: &str = ".body' as it is undefined";

/// Messages of parsers that expect JSON.
const NOT_JSON: &[&str] = &[
    // Node.js
    "is not valid JSON",
    "in JSON at position",
    // Python
    "JSONDecodeError",
    "Expecting value: line 1 column 1",
    // FastAPI and pydantic
    "json_invalid",
    "dict_type",
    "model_attributes_type",
    // Fastify
    "FST_ERR_CTP_INVALID_MEDIA_TYPE",
    "FST_ERR_CTP_INVALID_JSON_BODY",
    // Flask
    "Did not attempt to load JSON data",
    "Failed to decode JSON object",
    // Go
    "looking for beginning of value",
    "after top-level value",
    "in numeric literal",
    // Ruby and PHP
    "JSON::ParserError",
    "unexpected token at '",
    "JsonException",
    // Developers' own code
    "nvalid JSON",
    "nvalid json",
];

/// What a response with this text reveals; `sent` is the media type of the request's body.
pub(super) fn parsed(text: &str, sent: Option<Media>) -> Option<Clue> {
    let form = sent.and_then(kind);
    let is_page = text.contains(BAD_REQUEST_IN_FLASK);
    let has_no_body = text.contains(NO_BODY);
    let is_not_json = NOT_JSON.iter().any(|message| text.contains(message));
    match (form, sent) {
        (Some(form), _) if has_no_body || is_not_json => {
            Some(Clue::new(format!("the delivery is a {form} form, but the handler parses only JSON: {ENCODINGS}")))
        }
        (Some(_), _) if is_page => unread(sent).map(Clue::unspecific),
        (Some(_), _) => None,
        _ if has_no_body => Some(Clue::for_valid(UNDEFINED_BODY)),
        _ if is_page => Some(Clue::unspecific(MISSING_IN_FLASK)),
        (None, Some(_)) if is_not_json => Some(Clue::for_valid(JSON_PARSED_ELSE)),
        _ => None,
    }
}

/// What to check if a handler rejects a form or fails on it, and does not say why; `None` if no form was sent.
#[must_use]
pub fn unread(sent: Option<Media>) -> Option<String> {
    let form = sent.and_then(kind)?;
    Some(format!(
        "the delivery is a {form} form, and a handler that parses only JSON finds nothing in it: {ENCODINGS}. If the handler does that, its log says what is missing"
    ))
}

/// The same for a response that reveals nothing else and says nothing but its status.
#[must_use]
pub fn unexplained(response: &Response, sent: Option<Media>) -> Option<Clue> {
    let advice = unread(sent).filter(|_| matches!(response.status, 400 | 422 | 500) && gives_no_reason(response));
    advice.map(Clue::for_valid)
}

/// How the pages of Werkzeug, and so of Flask, continue after the status's phrase.
const PAGES: [&str; 3] = ["could not understand", "unable to be followed", "unable to complete your request"];

/// Whether the body is empty, only the status's own phrase, or a framework's page about the status.
fn gives_no_reason(response: &Response) -> bool {
    let body = decoded(response);
    let Some(text) = readable(&body) else { return false };
    let phrase = StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let is_page = body.trim_ascii_start().starts_with(b"<");
    let text = text.trim();
    // A page has the phrase and the number in its title, too.
    let is_of_status = |phrase: &str| {
        let rest = text.replace(phrase, "");
        rest.len() < text.len() && (!rest.contains(char::is_alphabetic) || PAGES.iter().any(|page| rest.contains(page)))
    };
    text.is_empty() || phrase.is_some_and(|phrase| text.eq_ignore_ascii_case(phrase) || is_page && is_of_status(phrase))
}

/// The kind of a form; `None` for JSON.
const fn kind(media: Media) -> Option<&'static str> {
    match media {
        Media::Json => None,
        Media::Urlencoded => Some("urlencoded"),
        Media::Multipart => Some("multipart"),
    }
}
