//! `[register]`: the calls that set a webhook endpoint through the provider's API.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use toml::Spanned;

use super::values::{self, Wrong};
use crate::webhook::{
    delivery::StatusPattern,
    provider::registration::{Call, CallBody, EndpointCalls, How, List, Registration, Template, ValueCalls},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRegister {
    api: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
    resource: Option<String>,
    #[serde(default)]
    unproven: bool,
    create: Option<Spanned<RawCall>>,
    list: Option<Spanned<RawList>>,
    update: Option<Spanned<RawCall>>,
    delete: Option<Spanned<RawCall>>,
    read: Option<Spanned<RawCall>>,
    set: Option<Spanned<RawCall>>,
    restore: Option<Spanned<RawCall>>,
    manual: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCall {
    method: Spanned<String>,
    path: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    json: Option<Spanned<toml::Value>>,
    #[serde(default)]
    form: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    take: RawTake,
    #[serde(default)]
    ok: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTake {
    id: Option<Spanned<String>>,
    secret: Option<Spanned<String>>,
    previous: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    path: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    items: Option<Spanned<String>>,
    id: Spanned<String>,
    mark: Spanned<String>,
}

impl RawRegister {
    pub(super) fn registration(table: Spanned<Self>) -> Result<Registration, Wrong> {
        let span = table.span();
        let raw = table.into_inner();
        let api = raw.api.as_ref().map(|text| values::parse(text, api)).transpose()?;
        let key = raw.key.as_ref().map(|text| values::parse(text, variable)).transpose()?;
        let missing = |name: &str| Wrong::new(span.clone(), format!("[register] needs `{name}` too"));
        let how = match (raw.create, raw.read, raw.manual) {
            (Some(create), None, None) => How::Endpoint(Box::new(EndpointCalls {
                create: take_id(create)?,
                list: raw.list.ok_or_else(|| missing("list"))?.into_inner().list()?,
                update: raw.update.ok_or_else(|| missing("update"))?.into_inner().call()?,
                delete: raw.delete.ok_or_else(|| missing("delete"))?.into_inner().call()?,
            })),
            (None, Some(read), None) => How::Value(Box::new(ValueCalls {
                read: take_previous(read)?,
                set: raw.set.ok_or_else(|| missing("set"))?.into_inner().call()?,
                restore: raw.restore.ok_or_else(|| missing("restore"))?.into_inner().call()?,
            })),
            (None, None, Some(steps)) => How::Manual(
                steps.get_ref().iter().map(|step| values::parse(step, Template::parse)).collect::<Result<_, _>>()?,
            ),
            _ => {
                let message = "[register] needs one of `create` (an endpoint of its own), `read` (one value) and `manual` (steps)";
                return Err(Wrong::new(span, message));
            }
        };
        Ok(Registration { api, key, resource: raw.resource, is_unproven: raw.unproven, how })
    }
}

fn take_id(call: Spanned<RawCall>) -> Result<Call, Wrong> {
    let span = call.span();
    let call = call.into_inner().call()?;
    if call.id.is_none() {
        return Err(Wrong::new(span, "`create` needs `take = { id = \"/POINTER\" }`"));
    }
    Ok(call)
}

fn take_previous(call: Spanned<RawCall>) -> Result<Call, Wrong> {
    let span = call.span();
    let call = call.into_inner().call()?;
    if call.previous.is_none() {
        return Err(Wrong::new(span, "`read` needs `take = { previous = \"/POINTER\" }`"));
    }
    Ok(call)
}

impl RawCall {
    fn call(self) -> Result<Call, Wrong> {
        let method =
            values::parse(&self.method, |text| text.parse::<Method>().map_err(|_| format!("invalid method `{text}`")))?;
        let body = match (self.json, self.form.is_empty()) {
            (Some(json), true) => CallBody::Json(json_of(&json)?),
            (None, false) => {
                let field =
                    |(name, value): (String, Spanned<String>)| Ok((name, values::parse(&value, Template::parse)?));
                CallBody::Form(self.form.into_iter().map(field).collect::<Result<_, Wrong>>()?)
            }
            (None, true) => CallBody::Empty,
            (Some(json), false) => return Err(Wrong::new(json.span(), "a call has either `json` or `form`")),
        };
        let pointer =
            |text: &Option<Spanned<String>>| text.as_ref().map(|text| values::parse(text, pointer)).transpose();
        let ok: Vec<StatusPattern> = self
            .ok
            .iter()
            .map(|text| values::parse(text, |text| StatusPattern::try_from(text.to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Call {
            method,
            path: values::parse(&self.path, path)?,
            headers: headers(self.headers)?,
            body,
            id: pointer(&self.take.id)?,
            secret: pointer(&self.take.secret)?,
            previous: pointer(&self.take.previous)?,
            ok: if ok.is_empty() { vec![StatusPattern::Class(2)] } else { ok },
        })
    }
}

impl RawList {
    fn list(self) -> Result<List, Wrong> {
        let call = Call {
            method: Method::GET,
            path: values::parse(&self.path, path)?,
            headers: headers(self.headers)?,
            body: CallBody::Empty,
            id: None,
            secret: None,
            previous: None,
            ok: vec![StatusPattern::Class(2)],
        };
        let items = self.items.as_ref().map(|text| values::parse(text, pointer)).transpose()?.unwrap_or_default();
        Ok(List { call, items, id: values::parse(&self.id, pointer)?, mark: values::parse(&self.mark, pointer)? })
    }
}

fn headers(table: BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Vec<(http::HeaderName, Template)>, Wrong> {
    let header = |(name, value): (Spanned<String>, Spanned<String>)| {
        values::header_value(&value)?;
        Ok((values::header_name(&name)?, values::parse(&value, Template::parse)?))
    };
    table.into_iter().map(header).collect()
}

/// The base URL of an API. Its key travels there, so it is encrypted.
fn api(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']));
    match host {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(format!("invalid `{text}`: the base URL of an API begins with https:// and has no query")),
    }
}

fn variable(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { Ok(text.to_owned()) } else { Err(format!("invalid name of a variable `{text}`")) }
}

fn path(text: &str) -> Result<Template, String> {
    if text.starts_with('/') {
        Template::parse(text)
    } else {
        Err(format!("`{text}` begins with no slash: write the path below `api`, such as /v1/hooks"))
    }
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a JSON pointer, such as `/data/id`"))
    }
}

/// TOML as JSON, in which each text is a template.
fn json_of(value: &Spanned<toml::Value>) -> Result<serde_json::Value, Wrong> {
    fn check(value: &serde_json::Value) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => Template::parse(text).map(drop),
            serde_json::Value::Array(items) => items.iter().try_for_each(check),
            serde_json::Value::Object(members) => members.values().try_for_each(check),
            _ => Ok(()),
        }
    }
    let wrong = |message: String| Wrong::new(value.span(), message);
    let json = serde_json::to_value(value.get_ref()).map_err(|error| wrong(error.to_string()))?;
    check(&json).map_err(wrong)?;
    Ok(json)
}
