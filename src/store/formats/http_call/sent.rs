//! The request that a call sends: each library's arguments, and its serialisation of a body given as values.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    super::{
        Entry, cgi,
        parts::{self, ParseError, expected},
        written,
    },
    Call, Library, chain,
    clients::{CLIENT_HEADERS, CLIENT_OPTIONS},
    expression::{Argument, Expression},
    value::{self, SentContent},
};
use crate::webhook::{
    diagnose::Layout,
    request::{Headers, Request},
};

/// The request; `None` if the call delivers nothing.
pub(super) fn entry(call: &Call, arguments: &[Argument]) -> Result<Option<Entry>, ParseError> {
    let options = Options::of(call, arguments)?;
    let method = match (call.method, options.get(&["method"])) {
        (Some(method), _) => method.to_owned(),
        (None, Some(method)) => value::text("method", method)?,
        (None, None) => "GET".to_owned(),
    };
    let method = parts::method("method", &method.to_ascii_uppercase())?;
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let mut url = value::text("URL", options.get(&["url", "uri"]).ok_or_else(|| expected("a URL in the call"))?)?;
    if let Some(base) = options.get(&["baseURL", "prefixUrl", "base_url"]) {
        url = format!("{}/{}", value::text("baseURL", base)?.trim_end_matches('/'), url.trim_start_matches('/'));
    }
    let queries = ["params", "searchParams"];
    if let Some(params) = options.get(&queries) {
        if options.0.iter().filter(|(name, _)| queries.contains(&name.as_str())).count() > 1 {
            return Err(expected("a query in the client or in the call, found both"));
        }
        let query = query(call.library, &value::fields("query", params)?)?;
        url = format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' });
    }
    let mut headers = Headers::new();
    // The call's headers replace those of its client, which has each name once, in any letter case.
    for option in [CLIENT_HEADERS, "headers"] {
        let fields = options.get(&[option]).map(|fields| value::fields("headers", fields)).transpose()?;
        let fields = fields.unwrap_or_default();
        for (name, _) in &fields {
            headers.remove(&name.to_ascii_lowercase());
        }
        for (name, value) in fields {
            if option == CLIENT_HEADERS {
                headers.remove(&name.to_ascii_lowercase());
            }
            let (name, value) = parts::foreign_field(&name, &value)?;
            headers.push(name, value);
        }
    }
    if call.library == Library::PythonClient {
        options.variables(&mut headers)?;
    }
    if let Some(user) = user(call.library, &options)? {
        let (name, value) = parts::foreign_field("authorization", &format!("Basic {}", BASE64_STANDARD.encode(user)))?;
        headers.push(name, value);
    }
    let Some((body, content_type)) = body(call.library, &options, &headers)? else { return Ok(None) };
    if let Some(content_type) = content_type.filter(|_| !headers.contains("content-type")) {
        let (name, value) = parts::foreign_field("content-type", content_type)?;
        headers.push(name, value);
    }
    if body.is_empty() {
        return Ok(None);
    }
    let target = parts::written_target("the URL", &url)?;
    let mut request = Request { method, target, headers, body: body.into() };
    let notes = parts::body_notes(&mut request);
    Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
}

/// A query as the library writes it.
fn query(library: Library, fields: &[(String, String)]) -> Result<String, ParseError> {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte));
    match library {
        Library::Got | Library::Fetch | Library::K6 | Library::Superagent => Ok(written::javascript_form(fields)),
        Library::Requests | Library::Httpx | Library::PythonClient => Ok(written::python_form(fields)),
        Library::Axios if fields.iter().all(|(name, value)| is_plain(name) && is_plain(value)) => {
            Ok(written::python_form(fields))
        }
        Library::Axios => Err(expected("the query in the URL: which characters axios escapes depends on its version")),
    }
}

/// The user and password, which the library sends as a header.
fn user(library: Library, options: &Options) -> Result<Option<String>, ParseError> {
    let (user, password) = match (library, options.get(&["auth"])) {
        (Library::Got, None) => (options.get(&["username"]), options.get(&["password"])),
        (Library::Fetch | Library::K6 | Library::Superagent, _) | (_, None) => (None, None),
        (Library::Requests | Library::Httpx, Some(Expression::List(user))) if user.len() == 2 => {
            (Some(&user[0]), Some(&user[1]))
        }
        (Library::Axios, Some(Expression::Object(members))) => {
            let member = |name| members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            (member("username"), member("password"))
        }
        (_, Some(other)) => return Err(value::unknown("user and password in `auth`", other)),
    };
    if user.or(password).is_none() {
        return Ok(None);
    }
    let text = |what, part: Option<&Expression>| part.map_or_else(|| Ok(String::new()), |part| value::text(what, part));
    Ok(Some(format!("{}:{}", text("user", user)?, text("password", password)?)))
}

/// The arguments of a call by name, including those in an options object.
struct Options(Vec<(String, Expression)>);

impl Options {
    fn of(call: &Call, arguments: &[Argument]) -> Result<Self, ParseError> {
        let positions: &[&str] = match (call.library, call.method) {
            (Library::Axios, Some(_)) => &["url", "data", ""],
            // `axios(config)`
            (Library::Axios, None) if arguments.len() == 1 => &[""],
            (Library::Fetch | Library::Got | Library::Axios, _) => &["url", ""],
            (Library::Requests | Library::Httpx, None) => &["method", "url"],
            (Library::Requests, Some("post")) => &["url", "data", "json"],
            (Library::Requests | Library::Httpx | Library::PythonClient, _) => &["url", "data"],
            (Library::K6, _) => &["url", "body", ""],
            (Library::Superagent, _) => {
                let url = arguments.first().map(|url| ("url".to_owned(), url.value.clone()));
                return Ok(Self(url.into_iter().chain(chain::options(arguments)?).collect()));
            }
        };
        let mut options = Vec::new();
        for (at, Argument { name, value }) in arguments.iter().enumerate() {
            match (name, positions.get(at)) {
                (Some(name), _) if name == CLIENT_OPTIONS => match value {
                    Expression::Object(members) => options.extend(members.clone()),
                    other => return Err(value::unknown(CLIENT_OPTIONS, other)),
                },
                (Some(name), _) => options.push((name.clone(), value.clone())),
                (None, Some(&"")) => match value {
                    Expression::Object(members) => options.extend(members.clone()),
                    // `axios("https://…")`
                    text @ Expression::Text(_) if positions.len() == 1 => {
                        options.push(("url".to_owned(), text.clone()));
                    }
                    _ => return Err(expected("a literal object of options, without `...`")),
                },
                (None, Some(name)) => options.push(((*name).to_owned(), value.clone())),
                (None, None) => return Err(expected("arguments that are named, as in headers=…, without `**`")),
            }
        }
        Ok(Self(options))
    }

    fn get(&self, names: &[&str]) -> Option<&Expression> {
        let found = names.iter().find_map(|name| self.0.iter().find(|(known, _)| known == name));
        found.map(|(_, value)| value).filter(|value| **value != Expression::Constant("null"))
    }

    /// Adds the headers that the clients of Flask and Django take as arguments: `content_type="…"`, `HTTP_X_A="…"`.
    fn variables(&self, headers: &mut Headers) -> Result<(), ParseError> {
        for (name, found) in &self.0 {
            if let Some(header) =
                cgi::header_name(&name.to_ascii_uppercase()).filter(|header| !headers.contains(header))
            {
                let (name, value) = parts::foreign_field(&header, &value::text(name, found)?)?;
                headers.push(name, value);
            }
        }
        Ok(())
    }
}

/// A body, and the content type that the library sets for it.
type EncodedBody = (Vec<u8>, Option<&'static str>);

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn body(library: Library, options: &Options, headers: &Headers) -> Result<Option<EncodedBody>, ParseError> {
    if options.get(&["files"]).is_some() {
        return Err(expected("a body whose bytes are in the text, found a multipart form"));
    }
    match library {
        Library::Fetch => fetch(options),
        Library::Axios => axios(options, headers),
        Library::Got => match options.get(&["json"]) {
            Some(values) => Ok(Some((value::javascript(values, Layout::Compact)?.into_bytes(), Some(JSON)))),
            None => fetch(options).map(|body| {
                body.map(|(bytes, content_type)| {
                    (bytes, content_type.filter(|content_type| *content_type != PLAIN_TEXT))
                })
            }),
        },
        Library::Requests | Library::Httpx | Library::PythonClient => python(library, options),
        Library::K6 => Ok(fetch(options)?.map(|(bytes, _)| (bytes, None))),
        Library::Superagent => superagent(options, headers),
    }
}

const PLAIN_TEXT: &str = "text/plain;charset=UTF-8";

fn fetch(options: &Options) -> Result<Option<EncodedBody>, ParseError> {
    match options.get(&["body"]).map(value::content).transpose()? {
        Some(SentContent::Bytes(bytes, content_type)) => Ok(Some((bytes, content_type.or(Some(PLAIN_TEXT))))),
        Some(SentContent::Values(_)) => {
            Err(expected("text as `body`: JavaScript sends `[object Object]` for an object"))
        }
        Some(SentContent::Nothing) | None => Ok(None),
    }
}

/// The body as `transformRequest` makes it: an object becomes JSON or a form, and JSON text is trimmed.
fn axios(options: &Options, headers: &Headers) -> Result<Option<EncodedBody>, ParseError> {
    let Some(data) = options.get(&["data"]) else { return Ok(None) };
    let declared = headers.text("content-type").unwrap_or_default();
    Ok(match value::content(data)? {
        SentContent::Nothing => None,
        SentContent::Bytes(bytes, Some(content_type)) => Some((bytes, Some(content_type))),
        SentContent::Bytes(bytes, None) => {
            let is_json = declared.contains(JSON) && serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
            Some((if is_json { bytes.trim_ascii().to_vec() } else { bytes }, Some(FORM)))
        }
        SentContent::Values(values) if declared.contains(FORM) => {
            Some((written::javascript_form(&value::fields("form", &values)?).into_bytes(), None))
        }
        SentContent::Values(values) => Some((value::javascript(&values, Layout::Compact)?.into_bytes(), Some(JSON))),
    })
}

/// The body as superagent makes it: objects become JSON, and text counts as a form.
fn superagent(options: &Options, headers: &Headers) -> Result<Option<EncodedBody>, ParseError> {
    let Some(body) = options.get(&["body"]) else { return Ok(None) };
    let is_form = headers.text("content-type").is_some_and(|declared| declared.contains(FORM));
    Ok(match value::content(body)? {
        SentContent::Nothing => None,
        SentContent::Bytes(bytes, content_type) => Some((bytes, content_type.or(Some(FORM)))),
        SentContent::Values(_) if is_form => return Err(expected("the form as text, found an object")),
        SentContent::Values(values) => Some((value::javascript(&values, Layout::Compact)?.into_bytes(), Some(JSON))),
    })
}

fn python(library: Library, options: &Options) -> Result<Option<EncodedBody>, ParseError> {
    if let Some(data) = options.get(&["content", "data"]) {
        return Ok(match value::content(data)? {
            SentContent::Nothing => None,
            SentContent::Bytes(bytes, _) => Some((bytes, None)),
            SentContent::Values(_) if library == Library::PythonClient => {
                return Err(expected(
                    "the body as text: what a test client makes of an object depends on its framework",
                ));
            }
            SentContent::Values(values) => {
                Some((written::python_form(&value::fields("form", &values)?).into_bytes(), Some(FORM)))
            }
        });
    }
    match options.get(&["json"]) {
        Some(_) if library != Library::Requests => {
            Err(expected("the body as text: what this library makes of `json=` depends on its version"))
        }
        Some(values) => Ok(Some((value::python(values, &[])?.into_bytes(), Some(JSON)))),
        None => Ok(None),
    }
}
