//! Postman's collections, v2.0 and v2.1, with their folders. They contain requests that people wrote or pasted, without
//! times, and with variables that the collection may define.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    Entry, EntryFault, EntryReader, Format, GzipBudget, Input, document,
    keys::Outline,
    parts::{self, ParseError, Text, expected, quoted},
    variables::FileVariables,
    whole,
};
use crate::webhook::request::{Headers, Request};

/// Postman's collections.
pub(super) struct Postman;

impl Format for Postman {
    fn name(&self) -> &'static str {
        "a Postman collection"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let outline = Outline::new(head);
        outline.has_all("", &["info", "item"]) && outline.has_all("info.", &["schema"])
            || ["request", "item"].iter().any(|key| outline.has_all("", &["info.name", &format!("item[].{key}")]))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let mut variables = FileVariables::of_file(input.len());
        if let Ok(collection) = serde_json::from_slice::<Collection<'_>>(&input) {
            for PostmanVariable { key: Text(name), value } in collection.variable.unwrap_or_default() {
                if let Some(PostmanScalar(value)) = value {
                    variables.set(&name, &value);
                }
            }
        }
        Ok(Box::new(document::collect(&input, &["item"], |json| parse(json, &mut variables))))
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a collection, an object with `item`")]
struct Collection<'a> {
    #[serde(borrow)]
    variable: Option<Vec<PostmanVariable<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `key` and `value`")]
struct PostmanVariable<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    value: Option<PostmanScalar>,
}

/// A string, or the text of any other value.
struct PostmanScalar(String);

impl<'de> Deserialize<'de> for PostmanScalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an item, an object with `request`")]
struct Item<'a> {
    #[serde(borrow)]
    request: Option<ItemRequest<'a>>,
    #[serde(borrow)]
    response: Option<Vec<Example<'a>>>,
}

/// A saved response, with its request.
#[derive(Deserialize)]
#[serde(expecting = "a saved example, an object with `originalRequest`")]
struct Example<'a> {
    #[serde(borrow, rename = "originalRequest")]
    request: Option<ItemRequest<'a>>,
}

/// A request; just a URL means a `GET`.
#[derive(Deserialize)]
#[serde(untagged)]
enum ItemRequest<'a> {
    Object(#[serde(borrow)] Box<PostmanRequest<'a>>),
    Url(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(expecting = "a request, an object with `method` and `url`")]
struct PostmanRequest<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Url<'a>>,
    #[serde(borrow)]
    header: Option<Vec<PostmanPair<'a>>>,
    #[serde(borrow)]
    body: Option<RequestBody<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a URL, or an object with `raw`")]
enum Url<'a> {
    Raw(#[serde(borrow)] Text<'a>),
    Parts {
        #[serde(borrow)]
        raw: Text<'a>,
    },
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `key` and `value`")]
struct PostmanPair<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "a body, an object with `mode`")]
struct RequestBody<'a> {
    #[serde(borrow)]
    mode: Option<Text<'a>>,
    #[serde(borrow)]
    raw: Option<Text<'a>>,
    #[serde(borrow)]
    urlencoded: Option<Vec<PostmanPair<'a>>>,
    #[serde(default)]
    disabled: bool,
}

/// The request of an item; if that delivers nothing, the first request of a saved example that does.
fn parse(json: &str, variables: &mut FileVariables) -> Result<Option<Entry>, ParseError> {
    let Item { request, response } = serde_json::from_str(json)?;
    let examples = response.unwrap_or_default().into_iter().map(|example| example.request);
    for request in std::iter::once(request).chain(examples) {
        if let Some(ItemRequest::Object(request)) = request
            && let Some(entry) = entry(*request, variables)?
        {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

fn entry(request: PostmanRequest<'_>, variables: &mut FileVariables) -> Result<Option<Entry>, ParseError> {
    variables.start_entry();
    let method = parts::method("method", request.method.as_ref().map_or("GET", |Text(method)| method))?;
    if !parts::delivers(&method) {
        return Ok(None);
    }
    let Some(body) = request.body.filter(|body| !body.disabled) else { return Ok(None) };
    let body = body.bytes(variables)?;
    if body.is_empty() {
        return Ok(None);
    }
    let url = match &request.url {
        Some(Url::Raw(Text(raw)) | Url::Parts { raw: Text(raw) }) => raw.as_ref(),
        None => return Err(expected("`url`")),
    };
    let url = variables.fill(url)?.into_owned();
    let target = parts::written_target("url", &url)?;
    let fields = request.header.iter().flatten().filter(|field| !field.disabled);
    let headers = fields
        .map(|field| {
            let value = field.value.as_ref().map_or("", |Text(value)| value);
            parts::foreign_field(&variables.fill(&field.key.0)?, &variables.fill(value)?)
        })
        .collect::<Result<Headers, ParseError>>()?;
    let mut request = Request { method, target, headers, body };
    let mut notes = parts::body_notes(&mut request);
    notes.extend(variables.note());
    Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
}

impl RequestBody<'_> {
    fn bytes(&self, variables: &mut FileVariables) -> Result<Bytes, ParseError> {
        match (self.mode.as_ref().map_or("raw", |Text(mode)| mode), &self.raw, &self.urlencoded) {
            ("raw", Some(Text(raw)), _) => Ok(variables.fill(raw)?.into_owned().into()),
            ("urlencoded", _, Some(pairs)) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for pair in pairs.iter().filter(|pair| !pair.disabled) {
                    let value = pair.value.as_ref().map_or("", |Text(value)| value);
                    form.append_pair(&variables.fill(&pair.key.0)?, &variables.fill(value)?);
                }
                Ok(form.finish().into())
            }
            ("raw" | "urlencoded", ..) => Ok(Bytes::new()),
            (mode, ..) => Err(expected(format!("a body of mode `raw` or `urlencoded`, found {}", quoted(mode)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    fn collection(items: &str) -> String {
        let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
        format!(
            r#"{{"info":{{"name":"hooks","schema":"{schema}"}},"item":[{items}],"variable":[{{"key":"base","value":"https://h/v1"}},{{"key":"n","value":5}}]}}"#
        )
    }

    fn item(url: &str, body: &str) -> String {
        format!(
            r#"{{"name":"a","request":{{"method":"POST","header":[{{"key":"X-A","value":"1"}},{{"key":"X-B","value":"2","disabled":true}}],"body":{body},"url":{url}}},"response":[]}}"#
        )
    }

    const RAW: &str = r#"{"mode":"raw","raw":"{\r\n \"n\": {{n}}}","options":{"raw":{"language":"json"}}}"#;

    #[test]
    fn requests_in_folders_are_found_and_variables_filled_in() {
        let url = r#"{"raw":"{{base}}/aspect?q","host":["{{base}}"],"path":["aspect"]}"#;
        let (entries, notes) = collected(&collection(&format!(r#"{{"name":"folder","item":[{}]}}"#, item(url, RAW))));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.request.target.as_str(), fields(&entry.request)), ("/v1/aspect?q", "X-A: 1\n".to_owned()));
        assert_eq!((&entry.request.body[..], &entry.notes, notes), (&b"{\r\n \"n\": 5}"[..], &vec![], vec![]));
    }

    #[test]
    fn a_variable_without_a_value_is_noted() {
        for url in [r#""{{other}}/p""#, r#"{"raw":"h:80/p"}"#, r#""https://h/p""#] {
            let (entries, _) = collected(&collection(&item(url, &RAW.replace("{{n}}", "{{m}}"))));
            let entry = entries[0].as_ref().unwrap();
            let note = "the variable `{{m}}` has no value in the file and was not replaced";
            assert_eq!((entry.request.target.as_str(), &entry.notes[..]), ("/p", &[note.to_owned()][..]));
        }
    }

    #[test]
    fn a_form_is_encoded_as_postman_sends_it() {
        let form =
            r#"{"mode":"urlencoded","urlencoded":[{"key":"a b","value":"c"},{"key":"d","value":"e","disabled":true}]}"#;
        let (entries, _) = collected(&collection(&item(r#""https://h""#, form)));
        assert_eq!(entries[0].as_ref().unwrap().request.body, "a+b=c");
    }

    #[test]
    fn the_request_of_a_saved_example_is_read_if_the_item_has_none() {
        let own = r#"{"method":"POST","header":[],"url":"https://h/own"}"#;
        let example = r#"{"name":"b","originalRequest":{"method":"POST","header":[{"key":"X-A","value":"1"}],"body":{"mode":"raw","raw":"{}"},"url":{"raw":"https://h/saved"}},"code":200,"body":""}"#;
        let without = r#"{"name":"c","code":500}"#;
        let with_examples = format!(r#"{{"name":"a","request":{own},"response":[{without},{example}]}}"#);
        let (entries, _) = collected(&collection(&with_examples));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.request.target.as_str(), fields(&entry.request)), ("/saved", "X-A: 1\n".to_owned()));
        // It is often the same request as the item's own.
        let both = item(r#""https://h/own""#, RAW).replace("\"response\":[]", &format!("\"response\":[{example}]"));
        let (entries, _) = collected(&collection(&both));
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!(entry.request.target.as_str(), "/own");
    }

    #[test]
    fn a_broken_request_does_not_hide_the_others() {
        let whole = item(r#""https://h""#, RAW);
        let get = r#"{"name":"g","request":"https://h"}"#;
        let broken = whole.replace("X-A", "X A");
        let file = item(r#""https://h""#, r#"{"mode":"file","file":{"src":"a"}}"#);
        let (entries, notes) = collected(&collection(&[get, &whole, &broken, &file, &whole].join(",\n")));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let expected = [
            "",
            r#"line 3: expected a header name, found "X A""#,
            r#"line 4: expected a body of mode `raw` or `urlencoded`, found "file""#,
            "",
        ];
        assert_eq!((errors, notes.len()), (expected.map(str::to_owned).to_vec(), 1));
    }
}
