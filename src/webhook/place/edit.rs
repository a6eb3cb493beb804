//! Writing and removing the value at a place of a request.

use std::borrow::Cow;

use super::{Place, lookup::query};
use crate::webhook::{
    json::{self, Path},
    overrides::{self, Override, OverrideValue},
    payload::Payload,
    request::{self, Request},
};

/// Writes a value into a request: replaces the one that is there, or adds it. Places that aren't a single value are
/// left as they are, and so is a field of a body that is neither JSON nor a URL-encoded form.
pub fn write(request: &mut Request, place: &Place, value: &str) {
    match place {
        Place::Header(name) => {
            if let Ok(value) = request::value(value) {
                request.headers.set(name, value);
            }
        }
        Place::Query(name) => {
            let pairs = replaced(query(request), name, Some(value));
            set_query(request, &pairs);
        }
        Place::Body(path) => write_field(request, path, value),
        Place::Form(name) => write_form(request, name, Some(value)),
        _ => {}
    }
}

/// Removes the value at a place.
pub fn remove(request: &mut Request, place: &Place) {
    match place {
        Place::Header(name) => request.headers.remove(name.as_str()),
        Place::Query(name) => {
            let pairs = replaced(query(request), name, None);
            set_query(request, &pairs);
        }
        Place::Body(path) => {
            let edit = [Override::Remove { path: path.clone() }];
            let text = std::str::from_utf8(&request.body).ok().and_then(|text| overrides::apply(text, &edit).ok());
            if let Some(text) = text {
                request.body = text.into();
            }
        }
        Place::Form(name) => write_form(request, name, None),
        _ => {}
    }
}

/// Replaces, adds or removes a field of a form.
fn write_form(request: &mut Request, name: &str, value: Option<&str>) {
    if request.media_type().as_deref() == Some(URLENCODED) {
        request.body = replaced(form_urlencoded::parse(&request.body), name, value).into();
        return;
    }
    let boundary = request.headers.text("content-type").and_then(|media| multer::parse_boundary(media).ok());
    let Some(boundary) = boundary else { return };
    let form = Payload::parse(request, &request.body);
    let mut fields: Vec<(String, String)> =
        form.fields().filter(|(key, _)| *key != name).map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
    fields.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    request.body = multipart(&fields, &boundary).into();
}

/// A `multipart/form-data` body as libcurl writes it.
pub(in crate::webhook) fn multipart(fields: &[(String, String)], boundary: &str) -> String {
    let quote = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let part = |(name, value): &(String, String)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n", quote(name))
    };
    fields.iter().map(part).chain([format!("--{boundary}--\r\n")]).collect()
}

pub(super) const URLENCODED: &str = "application/x-www-form-urlencoded";

fn write_field(request: &mut Request, path: &Path, value: &str) {
    if request.media_type().as_deref() == Some(URLENCODED) {
        let name = path.to_string();
        request.body = replaced(form_urlencoded::parse(&request.body), &name, Some(value)).into();
        return;
    }
    let Ok(text) = std::str::from_utf8(&request.body) else { return };
    let (path, value) = (path.clone(), OverrideValue::text(value));
    let set = Override::Set { path: path.clone(), value: value.clone() };
    // A field that is not in the fixture is added as text.
    let add = OverrideValue::json(&json::quote(value.as_str())).map(|value| Override::Add { path, value });
    let written = overrides::apply(text, &[set]).or_else(|error| match add {
        Ok(add) => overrides::apply(text, &[add]),
        Err(_) => Err(error),
    });
    if let Ok(written) = written {
        request.body = written.into();
    }
}

/// URL-encoded pairs in which one name has a new value, or none.
fn replaced<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>, name: &str, value: Option<&str>) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    let mut is_written = false;
    for (key, old) in pairs {
        if key != name {
            out.append_pair(&key, &old);
        } else if let (Some(value), false) = (value, is_written) {
            out.append_pair(name, value);
            is_written = true;
        }
    }
    if let (Some(value), false) = (value, is_written) {
        out.append_pair(name, value);
    }
    out.finish()
}

fn set_query(request: &mut Request, pairs: &str) {
    let path = request.path().to_owned();
    request.target = if pairs.is_empty() { path } else { format!("{path}?{pairs}") };
}
