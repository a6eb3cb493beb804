//! `[register]`: the calls that set a webhook endpoint through the provider's API.

use std::{collections::BTreeMap, ops::Range};

use http::Method;
use serde::Deserialize;
use toml::Spanned;

use super::values::{self, Wrong};
use crate::webhook::{
    delivery::StatusPattern,
    provider::registration::{
        self, ApiCall, CallBody, CallTemplate, EndpointCalls, How, ListCall, Registration, ValueCalls,
    },
    template::JsonTemplate,
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

/// The placeholders of a call, besides `{key}` and `{resource}`.
struct Placeholders {
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const CREATE: Placeholders = Placeholders { required: &["url", "mark"], optional: &["new_secret"] };
const LIST: Placeholders = Placeholders { required: &[], optional: &["mark"] };
const UPDATE: Placeholders = Placeholders { required: &["id", "url"], optional: &["mark", "new_secret"] };
const DELETE: Placeholders = Placeholders { required: &["id"], optional: &["mark"] };
const READ: Placeholders = Placeholders { required: &[], optional: &[] };
const SET: Placeholders = Placeholders { required: &["url"], optional: &[] };
const RESTORE: Placeholders = Placeholders { required: &["previous"], optional: &[] };

impl RawRegister {
    pub(super) fn registration(table: Spanned<Self>) -> Result<Registration, Wrong> {
        let span = table.span();
        let raw = table.into_inner();
        raw.check_combination(&span)?;
        let api = raw.api.as_ref().map(|text| values::parse(text, api)).transpose()?;
        let key = raw.key.as_ref().map(values::variable).transpose()?;
        let missing = |name: &str| Wrong::new(span.clone(), format!("[register] needs `{name}` too"));
        let need = |name, call: Option<Spanned<RawCall>>| call.ok_or_else(|| missing(name));
        let how = match (raw.create, raw.read, raw.manual) {
            (Some(create), ..) => How::Endpoint(Box::new(EndpointCalls {
                create: take_id(create)?,
                list: list(raw.list.ok_or_else(|| missing("list"))?)?,
                update: call("update", need("update", raw.update)?, &UPDATE)?,
                delete: call("delete", need("delete", raw.delete)?, &DELETE)?,
            })),
            (None, Some(read), _) => How::Value(Box::new(ValueCalls {
                read: take_previous(read)?,
                set: call("set", need("set", raw.set)?, &SET)?,
                restore: call("restore", need("restore", raw.restore)?, &RESTORE)?,
            })),
            (None, None, steps) => How::Manual(steps.as_ref().map_or_else(|| Ok(Vec::new()), manual)?),
        };
        let registration = Registration { api, key, resource: raw.resource, is_unproven: raw.unproven, how };
        check_account(&registration, &span)?;
        Ok(registration)
    }

    /// Checks that it has the keys of one of the three ways to register, and none that belongs to another.
    fn check_combination(&self, span: &Range<usize>) -> Result<(), Wrong> {
        let call = |name, call: &Option<Spanned<RawCall>>| call.as_ref().map(|call| (name, call.span()));
        let endpoint = [
            call("create", &self.create),
            self.list.as_ref().map(|list| ("list", list.span())),
            call("update", &self.update),
            call("delete", &self.delete),
        ];
        let value = [call("read", &self.read), call("set", &self.set), call("restore", &self.restore)];
        let manual = [self.manual.as_ref().map(|steps| ("manual", steps.span()))];
        let mut ways = [&endpoint[..], &value, &manual].into_iter().filter(|way| way[0].is_some());
        let Some([Some((first, _)), ..]) = ways.next() else {
            let message =
                "[register] needs one of `create` (an endpoint of its own), `read` (one value) and `manual` (steps)";
            return Err(Wrong::new(span.clone(), message));
        };
        let others = [("create", &endpoint[..]), ("read", &value), ("manual", &manual)];
        let other = others.into_iter().filter(|(name, _)| name != first).flat_map(|(_, way)| way).flatten().next();
        match other {
            Some((name, span)) => Err(Wrong::new(span.clone(), format!("`{name}` can't be combined with `{first}`"))),
            None => Ok(()),
        }
    }
}

/// Checks that the API's key and the resource are given where templates use them, and used where they are given.
fn check_account(registration: &Registration, span: &Range<usize>) -> Result<(), Wrong> {
    let calls: Vec<&ApiCall> = match &registration.how {
        How::Endpoint(calls) => vec![&calls.create, &calls.list.call, &calls.update, &calls.delete],
        How::Value(calls) => vec![&calls.read, &calls.set, &calls.restore],
        How::Manual(_) => Vec::new(),
    };
    for (name, is_given) in [("key", registration.key.is_some()), ("resource", registration.resource.is_some())] {
        let is_used = calls.iter().any(|call| call.uses(name));
        let message = match (is_given, is_used) {
            (true, false) => format!("[register] has a `{name}`, but no call uses {{{name}}}"),
            (false, true) => format!("a call uses {{{name}}}, but [register] has no `{name}`"),
            _ => continue,
        };
        return Err(Wrong::new(span.clone(), message));
    }
    Ok(())
}

/// A step for a person, in which only the URL is known.
fn step_of(text: &str) -> Result<CallTemplate, String> {
    let template = CallTemplate::parse(text)?;
    match registration::NAMES.iter().find(|name| **name != "url" && template.uses(name)) {
        Some(name) => Err(format!("a step can't use {{{name}}}, only {{url}}")),
        None => Ok(template),
    }
}

fn call(name: &str, call: Spanned<RawCall>, placeholders: &Placeholders) -> Result<ApiCall, Wrong> {
    let span = call.span();
    check_placeholders(name, call.into_inner().call()?, placeholders, span)
}

fn list(list: Spanned<RawList>) -> Result<ListCall, Wrong> {
    let span = list.span();
    let list = list.into_inner().list()?;
    Ok(ListCall { call: check_placeholders("list", list.call, &LIST, span)?, ..list })
}

/// The call, if it has the placeholders that it needs and no other. A `delete` without `{id}` could delete more than it
/// should.
fn check_placeholders(
    name: &str,
    call: ApiCall,
    Placeholders { required, optional }: &Placeholders,
    span: Range<usize>,
) -> Result<ApiCall, Wrong> {
    if let Some(missing) = required.iter().find(|placeholder| !call.uses(placeholder)) {
        return Err(Wrong::new(span, format!("`{name}` needs {{{missing}}}")));
    }
    let is_known = |placeholder: &&str| [*required, *optional, &["key", "resource"]].concat().contains(placeholder);
    match registration::NAMES.iter().find(|placeholder| call.uses(placeholder) && !is_known(placeholder)) {
        Some(unknown) => Err(Wrong::new(span, format!("`{name}` has no {{{unknown}}}"))),
        None => Ok(call),
    }
}

fn take_id(create: Spanned<RawCall>) -> Result<ApiCall, Wrong> {
    let span = create.span();
    let create = call("create", create, &CREATE)?;
    if create.id.is_none() {
        return Err(Wrong::new(span, "`create` needs `take = { id = \"/POINTER\" }`"));
    }
    Ok(create)
}

fn take_previous(read: Spanned<RawCall>) -> Result<ApiCall, Wrong> {
    let span = read.span();
    let read = call("read", read, &READ)?;
    if read.previous.is_none() {
        return Err(Wrong::new(span, "`read` needs `take = { previous = \"/POINTER\" }`"));
    }
    Ok(read)
}

impl RawCall {
    fn call(self) -> Result<ApiCall, Wrong> {
        let method = values::method(&self.method)?;
        let body = match (self.json, self.form.is_empty()) {
            (Some(json), true) => CallBody::Json(json_of(&json)?),
            (None, false) => {
                let field =
                    |(name, value): (String, Spanned<String>)| Ok((name, values::parse(&value, CallTemplate::parse)?));
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
        Ok(ApiCall {
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
    fn list(self) -> Result<ListCall, Wrong> {
        let call = ApiCall {
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
        Ok(ListCall { call, items, id: values::parse(&self.id, pointer)?, mark: values::parse(&self.mark, pointer)? })
    }
}

fn headers(table: BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Vec<(http::HeaderName, CallTemplate)>, Wrong> {
    let header = |(name, value): (Spanned<String>, Spanned<String>)| {
        values::header_value(&value)?;
        Ok((values::header_name(&name)?, values::parse(&value, CallTemplate::parse)?))
    };
    table.into_iter().map(header).collect()
}

/// The steps for a person.
fn manual(steps: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<CallTemplate>, Wrong> {
    if steps.get_ref().is_empty() {
        return Err(Wrong::new(steps.span(), "`manual` needs at least one step"));
    }
    let step = |step| values::line(step).and_then(|_| values::parse(step, step_of));
    steps.get_ref().iter().map(step).collect()
}

/// The base URL of an API. The API key is sent there, so it must be HTTPS.
fn api(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#', ' ']));
    match host {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(format!("invalid `{text}`: the base URL of an API begins with https:// and has no query")),
    }
}

fn path(text: &str) -> Result<CallTemplate, String> {
    if text.starts_with('/') {
        CallTemplate::parse(text)
    } else {
        Err(format!("`{text}` doesn't begin with a slash: write the path below `api`, such as /v1/hooks"))
    }
}

fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a JSON pointer, such as `/data/id`"))
    }
}

/// TOML as JSON whose strings are templates.
fn json_of(value: &Spanned<toml::Value>) -> Result<JsonTemplate<CallTemplate>, Wrong> {
    let wrong = |message: String| Wrong::new(value.span(), message);
    let json = serde_json::to_value(value.get_ref()).map_err(|error| wrong(error.to_string()))?;
    JsonTemplate::parse(&json, CallTemplate::parse).map_err(wrong)
}
