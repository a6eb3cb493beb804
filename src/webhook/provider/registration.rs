//! How a provider's API sets a webhook endpoint: calls with templates, and what their responses contain.
//!
//! There are no loops and no conditions. An endpoint is created, updated and deleted; or one value of a resource is
//! read, set and restored; or a person follows steps.

use http::{HeaderName, Method};
use serde_json::Value;

use crate::webhook::{
    delivery::StatusPattern,
    request::{self, FieldName, Headers, Request},
    template::{self, JsonTemplate, TemplatePiece},
};

/// `[register]` of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// The base URL of the API, without a slash at its end; `None` if no source documents it.
    pub api: Option<String>,
    /// The environment variable that has the API's key.
    pub key: Option<String>,
    /// What the resource is, in words, if the calls need one: `OWNER/REPO`.
    pub resource: Option<String>,
    /// Whether it comes from a specification and nobody has seen it work.
    pub is_unproven: bool,
    /// What is called.
    pub how: How,
}

/// The three ways to register.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// An endpoint of its own.
    Endpoint(Box<EndpointCalls>),
    /// One value of a resource that exists.
    Value(Box<ValueCalls>),
    /// Steps for a person.
    Manual(Vec<CallTemplate>),
}

/// The calls for an endpoint of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointCalls {
    /// Creates it; the response has its `id`, and may have its `secret`.
    pub create: ApiCall,
    /// Finds the id of one whose creation was interrupted, by its mark.
    pub list: ListCall,
    /// Changes its URL.
    pub update: ApiCall,
    /// Deletes it.
    pub delete: ApiCall,
}

/// The calls for one value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueCalls {
    /// Reads the current value: `previous`.
    pub read: ApiCall,
    /// Sets it to the URL.
    pub set: ApiCall,
    /// Sets it to the previous value.
    pub restore: ApiCall,
}

/// One call of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    pub method: Method,
    /// The path and query below the base URL.
    pub path: CallTemplate,
    pub headers: Vec<(HeaderName, CallTemplate)>,
    pub body: CallBody,
    /// Where the response has the endpoint's id.
    pub id: Option<String>,
    /// Where the response has the signing secret.
    pub secret: Option<String>,
    /// Where the response has the value that was there before.
    pub previous: Option<String>,
    /// The statuses that mean success.
    pub ok: Vec<StatusPattern>,
}

/// The call that lists endpoints, and where its response has them: JSON pointers.
#[derive(Clone, Debug, PartialEq)]
pub struct ListCall {
    pub call: ApiCall,
    /// The list in the response; empty if the response is the list.
    pub items: String,
    /// The id within an item.
    pub id: String,
    /// The value within an item that holds the mark.
    pub mark: String,
}

/// The body of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallBody {
    /// None.
    Empty,
    Json(JsonTemplate<CallTemplate>),
    Form(Vec<(String, CallTemplate)>),
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTemplate(String);

/// The names that templates may use.
pub const NAMES: [&str; 7] = ["url", "id", "key", "mark", "new_secret", "previous", "resource"];

/// The values that templates are filled with.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallValues<'a> {
    /// The public URL that the provider calls.
    pub url: &'a str,
    /// The endpoint's id.
    pub id: &'a str,
    /// The API's key, or the name of its variable where the call is shown.
    pub key: &'a str,
    /// The mark of this registration.
    pub mark: &'a str,
    /// A new signing secret.
    pub new_secret: &'a str,
    /// The value that was there before.
    pub previous: &'a str,
    pub resource: &'a str,
}

impl CallTemplate {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// A message that suggests the intended name.
    pub fn parse(text: &str) -> Result<Self, String> {
        for piece in template::split(text)? {
            if let TemplatePiece::Placeholder(name) = piece
                && !NAMES.contains(&name)
            {
                return Err(crate::webhook::nearest::unknown("placeholder", name, NAMES));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text with its placeholders filled.
    #[must_use]
    pub fn fill(&self, values: &CallValues<'_>) -> String {
        let piece = |piece| match piece {
            TemplatePiece::Literal(text) => text,
            TemplatePiece::Placeholder("url") => values.url,
            TemplatePiece::Placeholder("id") => values.id,
            TemplatePiece::Placeholder("key") => values.key,
            TemplatePiece::Placeholder("mark") => values.mark,
            TemplatePiece::Placeholder("new_secret") => values.new_secret,
            TemplatePiece::Placeholder("previous") => values.previous,
            TemplatePiece::Placeholder("resource") => values.resource,
            TemplatePiece::Placeholder(_) => "",
        };
        template::split(&self.0).unwrap_or_default().into_iter().map(piece).collect()
    }

    /// Whether it has this placeholder.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.0.contains(&format!("{{{name}}}"))
    }
}

/// A call with its values: where it goes below the base URL, and the request.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The path and query.
    pub path: String,
    pub request: Request,
}

impl ApiCall {
    /// The call with its values.
    ///
    /// # Errors
    ///
    /// If a header can't have its value, such as a key with a line break.
    pub fn fill(&self, values: &CallValues<'_>) -> Result<Filled, String> {
        let path = self.path.fill(values);
        let mut headers = Headers::new();
        for (name, template) in &self.headers {
            let value = request::value(&template.fill(values));
            headers.push(FieldName::from(name.clone()), value.map_err(|error| format!("{name}: {error}"))?);
        }
        let mut typed = |media: &'static str| {
            headers.push(FieldName::from(http::header::CONTENT_TYPE), http::HeaderValue::from_static(media));
        };
        let body = match &self.body {
            CallBody::Empty => Vec::new(),
            CallBody::Json(json) => {
                typed("application/json");
                json.fill(&|text| text.fill(values)).to_string().into_bytes()
            }
            CallBody::Form(fields) => {
                typed("application/x-www-form-urlencoded");
                let fields = fields.iter().map(|(name, value)| (name, value.fill(values)));
                form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
            }
        };
        Ok(Filled {
            path: path.clone(),
            request: Request { method: self.method.clone(), target: path, headers, body: body.into() },
        })
    }

    /// Whether it sends a signing secret that hookdev makes.
    #[must_use]
    pub fn sends_new_secret(&self) -> bool {
        self.uses("new_secret")
    }

    /// Whether one of its templates has this placeholder.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        self.path.uses(name)
            || self.headers.iter().any(|(_, value)| value.uses(name))
            || match &self.body {
                CallBody::Empty => false,
                CallBody::Json(json) => json.texts().iter().any(|text| text.uses(name)),
                CallBody::Form(fields) => fields.iter().any(|(_, value)| value.uses(name)),
            }
    }

    /// The texts of its body that have this placeholder, with their values.
    #[must_use]
    pub fn texts_with(&self, name: &str, values: &CallValues<'_>) -> Vec<String> {
        let texts: Vec<&CallTemplate> = match &self.body {
            CallBody::Empty => Vec::new(),
            CallBody::Json(json) => json.texts(),
            CallBody::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
        };
        texts.into_iter().filter(|text| text.uses(name)).map(|text| text.fill(values)).collect()
    }

    /// Whether a status means success.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.ok.iter().any(|pattern| pattern.matches(status))
    }
}

/// Whether a text is safe as a segment of a URL's path: an id that a response gave, or a part of a resource.
#[must_use]
pub fn is_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte);
    (1..=200).contains(&text.len()) && text.bytes().all(is_plain) && text.bytes().any(|byte| byte != b'.')
}

/// Whether a text is safe as a resource: segments with slashes between them.
#[must_use]
pub fn is_resource(text: &str) -> bool {
    text.split('/').all(is_segment)
}

/// The value at a JSON pointer of a response: a text, or a number's digits.
#[must_use]
pub fn value_at(response: &Value, pointer: &str) -> Option<String> {
    match response.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl ListCall {
    /// The ids of the endpoints that have this mark; `None` if the response has no list, or no usable id for one of
    /// them.
    #[must_use]
    pub fn marked(&self, response: &Value, mark: &str) -> Option<Vec<String>> {
        let items = response.pointer(&self.items)?.as_array()?.iter();
        let marked = items.filter(|item| value_at(item, &self.mark).is_some_and(|text| text.contains(mark)));
        marked.map(|item| value_at(item, &self.id).filter(|id| is_segment(id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_a_response_cannot_leave_its_segment() {
        assert!(is_segment("we_1Mr5jULkdIwHu7ix1ibLTM0x") && is_segment("12345678"));
        for id in ["", ".", "..", "a/b", "a?b", "a#b", "a b", "%2e", "a\r\nb"] {
            assert!(!is_segment(id), "{id:?}");
        }
    }

    #[test]
    fn an_unknown_placeholder_gets_a_suggestion() {
        let message = CallTemplate::parse("{ulr}").unwrap_err();
        assert!(message.starts_with("unknown placeholder `ulr`; did you mean `url`?"), "{message}");
    }
}
