//! The keys of a manifest, as data: what each one means, and which values it takes. The JSON Schema for editors is made
//! from them; a test compares them with the types that read a manifest.

use serde_json::{Map, Value, json};

use crate::webhook::signature::Algorithm;

/// A table of a manifest.
#[derive(Debug)]
pub struct ManifestTable {
    /// Its name in the schema.
    pub name: &'static str,
    pub keys: &'static [ManifestKey],
}

/// A key of a table.
#[derive(Debug)]
pub struct ManifestKey {
    pub name: &'static str,
    /// Whether the table must have it.
    pub is_required: bool,
    /// The values that it takes.
    pub takes: Takes,
    /// What it means, for people.
    pub about: &'static str,
}

/// The values that a key takes.
#[derive(Debug)]
pub enum Takes {
    /// Any text.
    Text,
    /// A text that matches this pattern.
    Pattern(&'static str),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number between these.
    Number(u32, u32),
    /// Any value at all.
    Any,
    /// A list of such values, and the least number of them.
    List(&'static Self, usize),
    /// A table of keys that the user chooses, each with such a value.
    Map(&'static Self),
    /// A table with these keys.
    Table(&'static ManifestTable),
    /// Any of these.
    Either(&'static [Self]),
}

use Takes::{Any, Choice, Either, Flag, List, Number, Pattern, Table as In, Text};

const fn required(name: &'static str, takes: Takes, about: &'static str) -> ManifestKey {
    ManifestKey { name, is_required: true, takes, about }
}

const fn optional(name: &'static str, takes: Takes, about: &'static str) -> ManifestKey {
    ManifestKey { name, is_required: false, takes, about }
}

/// A text, a number or a truth value.
const SCALAR: Takes = Either(&[Text, Number(0, u32::MAX), Flag]);
const NAME: Takes = Pattern("^[a-z0-9_][a-z0-9_-]*$");
const EVENT_NAME: Takes = Pattern("^[A-Za-z0-9._/:][A-Za-z0-9._/:-]*$");
const DURATION: Takes = Pattern("^[0-9.]+(ms|s|m|h|d)$");
const LIMIT: Takes = Pattern("^(any|[0-9.]+(ms|s|m|h|d))$");
const STATUS: Takes = Pattern("^([1-5]xx|[1-5][0-9][0-9])$");
const TEXTS: Takes = Either(&[Text, List(&Text, 1)]);

/// The algorithms by the names that a manifest uses.
const ALGORITHMS: &[&str] = &{
    let mut names = [""; Algorithm::ALL.len()];
    let mut at = 0;
    // Iterators don't work in constants.
    while at < names.len() {
        names[at] = Algorithm::ALL[at].name();
        at += 1;
    }
    names
};

/// The manifest itself.
pub static MANIFEST: ManifestTable = ManifestTable {
    name: "manifest",
    keys: &[
        required("name", NAME, "The first part of the events' names: a-z, 0-9, - and _"),
        required("title", Text, "The provider's name as people write it"),
        required("about", Text, "What the provider sends, in one line"),
        optional(
            "notes",
            List(&Text, 0),
            "What developers should know, such as that there is no protection against replays",
        ),
        optional("sources", List(&Text, 0), "Where the facts come from: pages, or `github:OWNER/REPO PATH`"),
        optional("summary", Text, "A line about each payload, a template: `order {order.number}`"),
        optional("secret", In(&SECRET), "How the signing secret is written, and where it may be found"),
        optional(
            "scheme",
            Either(&[Choice(&["standard-webhooks", "svix"]), List(&In(&SCHEME), 0)]),
            "The name of a shared scheme, or one or more `[[scheme]]` tables: the first signs, any may verify",
        ),
        required("delivery", In(&DELIVERY), "How the provider delivers, and when it retries"),
        optional("register", In(&REGISTER), "How to set a webhook endpoint through the provider's API"),
        optional("recognise", In(&RECOGNISE), "How requests of this provider and their events are recognised"),
        optional(
            "fresh",
            Takes::Map(&Text),
            "The payload fields that get a new value in each delivery, each with a template such as `{uuid}` or `{now}`",
        ),
        required("event", List(&In(&EVENT), 0), "The events"),
        optional("handshake", List(&In(&HANDSHAKE), 0), "The requests by which the provider verifies an endpoint"),
    ],
};

/// `[secret]`.
pub static SECRET: ManifestTable = ManifestTable {
    name: "secret",
    keys: &[
        optional("env", Text, "The environment variable to read the secret from"),
        optional(
            "encoding",
            Choice(&["text", "base64", "base64url", "hex"]),
            "How the secret's text encodes the key (default: text)",
        ),
        optional("prefix", Text, "What comes before the key, such as `whsec_`"),
        optional(
            "other_keys",
            List(&Text, 0),
            "How the provider's other keys start, such as `sk_`, so that they are not mistaken for the signing secret",
        ),
        optional(
            "development",
            Either(&[Text, In(&KEY_PAIR)]),
            "A public secret for tests. For public keys, a text that begins with `hookdev-` is the seed of a key pair",
        ),
    ],
};

/// A pair of keys as the development secret.
pub static KEY_PAIR: ManifestTable = ManifestTable {
    name: "key-pair",
    keys: &[required("public", Text, "The public key"), required("private", Text, "The private key")],
};

/// `[[scheme]]`.
pub static SCHEME: ManifestTable = ManifestTable {
    name: "scheme",
    keys: &[
        required("name", Text, "The scheme's name in messages"),
        required("algorithm", Choice(ALGORITHMS), "How the signature is made. `token` sends the secret itself"),
        optional(
            "content",
            Text,
            "The signed bytes, a template: `{timestamp}.{body}`. `{decoded-url::/?}` is the URL with these characters decoded. A plain hash must contain `{secret}`; a JWT needs no content",
        ),
        required("signature", In(&SIGNATURE), "Where the signature is sent, and its format"),
        optional("id", In(&ID), "Where the delivery's id is sent"),
        optional("timestamp", In(&TIMESTAMP), "Where the timestamp is sent, and how old it may be"),
        optional(
            "encoded",
            Choice(&["before-compression"]),
            "`before-compression` if the signature covers the body before its content-encoding",
        ),
        optional(
            "claims",
            Takes::Map(&Text),
            "The JWT claims to check when verifying, and to write when signing. In other schemes, signed headers or query parameters, such as `{ \"query:bodySHA256\" = \"{sha256:body}\" }`",
        ),
        optional("signs_body", Flag, "`false` if the signature is known to cover no part of the payload"),
        optional("secret", In(&SECRET), "The format of this scheme's secret, if it differs from `[secret]`"),
        optional(
            "sent_along",
            Flag,
            "`true` if this signature, made with the scheme's own `secret`, is sent along with that of the first scheme",
        ),
    ],
};

/// `signature` of a scheme.
pub static SIGNATURE: ManifestTable = ManifestTable {
    name: "signature",
    keys: &[
        optional("header", TEXTS, "The header, or several: the first is sent, the first one present is read"),
        optional("query", Text, "A parameter of the URL's query"),
        optional("body", Text, "A field of the payload, by its path"),
        optional("form", Text, "A field of a form"),
        required(
            "value",
            Text,
            "Text with `{hex}`, `{HEX}` for uppercase, `{base64}`, `{base64url}`, `{token}` or `{jwt}`; in a list also `{timestamp}`",
        ),
        optional("separator", Text, "The text between the entries of a list"),
        optional(
            "repeated",
            Text,
            "The text between whole values, if there may be several: one for each secret during a rotation",
        ),
        optional(
            "configurable_header",
            Flag,
            "`true` if the user chooses the header's name in the provider's settings, and sets it in hookdev.toml as `signature_header`",
        ),
    ],
};

/// `id` of a scheme.
pub static ID: ManifestTable = ManifestTable {
    name: "id",
    keys: &[
        optional("header", TEXTS, "The header, or several: the first is sent, the first one present is read"),
        optional("query", Text, "A parameter of the URL's query"),
        optional("body", Text, "A field of the payload, by its path"),
        optional("form", Text, "A field of a form"),
    ],
};

/// `timestamp` of a scheme.
pub static TIMESTAMP: ManifestTable = ManifestTable {
    name: "timestamp",
    keys: &[
        optional("header", TEXTS, "The header, or several: the first is sent, the first one present is read"),
        optional("query", Text, "A parameter of the URL's query"),
        optional("body", Text, "A field of the payload, by its path"),
        optional("form", Text, "A field of a form"),
        optional(
            "unit",
            Choice(&["s", "ms", "rfc3339", "rfc3339-ms", "rfc3339-ns", "http-date"]),
            "Its unit: `s`, `ms`, `rfc3339`, `rfc3339-ms`, `rfc3339-ns` or `http-date`, such as `Sun, 06 Nov 1994 08:49:37 GMT` (default: s)",
        ),
        required(
            "tolerance",
            Either(&[LIMIT, In(&TOLERANCE)]),
            "How far it may be from the time of receipt: `5m`, `any`, or `{ past = \"5m\", future = \"any\" }`",
        ),
    ],
};

/// A tolerance that differs between past and future.
pub static TOLERANCE: ManifestTable = ManifestTable {
    name: "tolerance",
    keys: &[
        required("past", LIMIT, "How old it may be: a duration, or `any`"),
        required("future", LIMIT, "How far ahead it may be: a duration, or `any`"),
    ],
};

/// `[register]`.
pub static REGISTER: ManifestTable = ManifestTable {
    name: "register",
    keys: &[
        optional("api", Pattern("^https://."), "The base URL of the API; without it, the config's `api` is needed"),
        optional("key", Text, "The environment variable for the API key, `{key}` in templates"),
        optional("resource", Text, "What RESOURCE is, in words, if a template has `{resource}`"),
        optional("unproven", Flag, "`true` if it is based on a specification and was never tried against the real API"),
        optional("create", In(&CALL), "Creates an endpoint with `{url}` and `{mark}`, and optionally `{new_secret}`"),
        optional("list", In(&LIST), "Finds an endpoint by its mark, if its creation was interrupted"),
        optional("update", In(&CALL), "Changes the URL of the endpoint `{id}` to `{url}`"),
        optional("delete", In(&CALL), "Deletes the endpoint `{id}`"),
        optional("read", In(&CALL), "Instead of `create`: reads the current value of a resource"),
        optional("set", In(&CALL), "Sets the value to `{url}`"),
        optional("restore", In(&CALL), "Sets the value to `{previous}`"),
        optional("manual", List(&Text, 1), "Instead of calls: steps for a person, with `{url}`"),
    ],
};

/// A call of `[register]`.
pub static CALL: ManifestTable = ManifestTable {
    name: "call",
    keys: &[
        required("method", Text, "The method"),
        required("path", Pattern("^/"), "The path below the API's base URL, a template"),
        optional("headers", Takes::Map(&Text), "The headers, templates"),
        optional("json", Any, "A JSON body, in which each string is a template"),
        optional("form", Takes::Map(&Text), "The fields of a form, templates"),
        optional("take", In(&TAKE), "Where to find values in the response that are needed later"),
        optional("ok", List(&STATUS, 1), "The statuses that mean success (default: 2xx)"),
    ],
};

/// `take` of a call.
pub static TAKE: ManifestTable = ManifestTable {
    name: "take",
    keys: &[
        optional("id", Pattern("^/"), "The JSON pointer to the endpoint's id"),
        optional("secret", Pattern("^/"), "The JSON pointer to the signing secret"),
        optional(
            "previous",
            Pattern("^/"),
            "The JSON pointer to the current value, a string or `null`, which `restore` sets again",
        ),
    ],
};

/// `list` of `[register]`.
pub static LIST: ManifestTable = ManifestTable {
    name: "list",
    keys: &[
        required("path", Pattern("^/"), "The path below the API's base URL; one page is read"),
        optional("headers", Takes::Map(&Text), "The headers, templates"),
        optional("items", Pattern("^/"), "The JSON pointer to the list (default: the response is the list)"),
        required("id", Pattern("^/"), "The JSON pointer to the id within an item"),
        required("mark", Pattern("^/"), "The JSON pointer to the text within an item that holds the mark"),
    ],
};

/// `[recognise]`.
pub static RECOGNISE: ManifestTable = ManifestTable {
    name: "recognise",
    keys: &[
        optional("event", Text, "The place of the event's name: `header:x-acme-event`, or a path of the payload"),
        optional("payload", Pattern("^form:."), "`form:NAME` if the payload is JSON in a form field"),
        optional(
            "list",
            TEXTS,
            "Where a payload has a list of events: `body` or `body:PATH`; or several, for nested lists. Paths such as `events.0.type` then apply to every event",
        ),
        optional("headers", List(&Text, 0), "The headers by which requests are recognised (default: the signatures')"),
        optional("schema", Text, "The definition in schema.json for events that are not listed"),
    ],
};

/// `[delivery]`.
pub static DELIVERY: ManifestTable = ManifestTable {
    name: "delivery",
    keys: &[
        optional("method", Text, "The method (default: POST)"),
        optional(
            "encodings",
            List(&In(&ENCODING), 0),
            "How the payload is sent; after an error response, the next encoding is tried",
        ),
        optional(
            "indented",
            Flag,
            "`true` for a provider that indents its JSON: payloads are sent with the whitespace of their files (default: without any)",
        ),
        optional(
            "repeat_on_timeout",
            Number(0, u32::MAX),
            "How many times a request that timed out is repeated immediately",
        ),
        optional("user_agent", Text, "The user-agent header"),
        optional(
            "headers",
            Takes::Map(&Text),
            "Headers of every request, templates with `{event}`, `{id}`, `{now}` and others",
        ),
        optional(
            "id",
            Text,
            "The delivery's id, a template such as `msg_{base62:27}` (default: `{uuid}`, if a scheme, a header or the payload has the id)",
        ),
        required("success", List(&STATUS, 1), "The statuses that count as delivered, such as `2xx`"),
        optional("timeout", DURATION, "How long the provider waits for the response, such as `10s`"),
        optional("retry", In(&RETRY), "When the provider retries"),
        optional("max_body", Text, "The maximum size of a body, such as `256KiB`"),
        optional("logs", List(&Text, 0), "The API calls that show what the provider has sent"),
        optional("redelivery", Text, "The call or command that makes the provider send a delivery again"),
    ],
};

/// `encodings` of the delivery.
pub static ENCODING: ManifestTable = ManifestTable {
    name: "encoding",
    keys: &[
        required(
            "type",
            Choice(&["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]),
            "The media type",
        ),
        optional("headers", Takes::Map(&Text), "Headers of requests with this encoding"),
    ],
};

/// `[delivery.retry]`.
pub static RETRY: ManifestTable = ManifestTable {
    name: "retry",
    keys: &[
        required("waits", List(&DURATION, 0), "How long the provider waits before each further attempt"),
        optional("renews_timestamp", Flag, "Whether each attempt is signed with a new timestamp"),
        optional("retry_after", Flag, "Whether the provider honours Retry-After"),
        optional("stop", List(&STATUS, 0), "The statuses that end the attempts"),
    ],
};

/// `[[event]]`.
pub static EVENT: ManifestTable = ManifestTable {
    name: "event",
    keys: &[
        required("name", EVENT_NAME, "Its name: letters, digits and ._-/:"),
        required("about", Text, "What has happened, in one line"),
        optional(
            "match",
            Takes::Map(&SCALAR),
            "The values by which it is recognised; their keys are places or paths of the payload",
        ),
        optional(
            "present",
            List(&Text, 0),
            "Fields of the payload, or other places, that must have a value other than null",
        ),
        optional("headers", Takes::Map(&Text), "Headers of this event alone"),
        optional("schema", Text, "Its definition in schema.json"),
        optional("fixture", Text, "Its payload, if not `events/NAME.json`"),
        optional(
            "raw",
            Flag,
            "`true` sends the fixture byte for byte, whatever its format; `headers` may set its content-type",
        ),
        optional("summary", Text, "A line about its payload, a template"),
        optional("unsigned", Flag, "`true` if the provider sends it without a signature"),
        optional("illustrative", Flag, "`true` if the payload is not documented"),
        optional(
            "variants",
            List(&Takes::Map(&Text), 0),
            "Variants of the payload, each a set of changes; `check` sends them too",
        ),
    ],
};

/// `[[handshake]]`.
pub static HANDSHAKE: ManifestTable = ManifestTable {
    name: "handshake",
    keys: &[
        required("name", EVENT_NAME, "Its name: letters, digits and ._-/:"),
        required("about", Text, "What it is, in one line"),
        optional("match", Takes::Map(&SCALAR), "The values by which it is recognised"),
        optional("method", Text, "The method (default: POST)"),
        optional("query", Takes::Map(&Text), "The query parameters that `send` adds, templates of fresh values"),
        optional("headers", Takes::Map(&Text), "The headers that `send` adds, templates of fresh values"),
        optional("fixture", Text, "The body that `send` sends (default: empty)"),
        optional("signed", Flag, "`false` if the provider does not sign it"),
        optional("secret", Text, "Where it hands over the secret of later deliveries, such as `header:x-hook-secret`"),
        required("respond", In(&RESPONSE), "The response that the provider wants"),
    ],
};

/// `respond` of a handshake.
pub static RESPONSE: ManifestTable = ManifestTable {
    name: "response",
    keys: &[
        optional("status", Number(200, 599), "The status (default: 200)"),
        optional("type", Text, "The media type of `text` (default: text/plain), or of a response without a body"),
        optional("text", Text, "The body as text, a template: `{query:hub.challenge}`"),
        optional("json", Any, "The body as JSON, in which each string is a template"),
        optional("headers", Takes::Map(&Text), "Headers, templates"),
    ],
};

/// All tables.
pub static TABLES: [&ManifestTable; 19] = [
    &MANIFEST, &SECRET, &KEY_PAIR, &SCHEME, &SIGNATURE, &ID, &TIMESTAMP, &TOLERANCE, &RECOGNISE, &DELIVERY, &ENCODING,
    &RETRY, &REGISTER, &CALL, &TAKE, &LIST, &EVENT, &HANDSHAKE, &RESPONSE,
];

/// What is wrong with a key that its table does not have, but one other does.
pub(super) fn misplaced(name: &str) -> Option<String> {
    let has_it = |table: &&&ManifestTable| table.keys.iter().any(|key| key.name == name);
    let mut tables = TABLES.iter().filter(has_it);
    match (tables.next(), tables.next()) {
        (Some(table), None) => Some(format!("`{name}` is not a key of this table, but of {}", table.heading())),
        _ => None,
    }
}

/// The JSON Schema of a manifest, in draft 7, which TOML editors support.
#[must_use]
pub fn schema() -> Value {
    let definitions: Map<String, Value> =
        TABLES[1..].iter().map(|table| (table.name.to_owned(), table.schema())).collect();
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "provider.toml",
        "description": "The manifest of a provider directory of hookdev",
    });
    if let (Value::Object(schema), Value::Object(manifest)) = (&mut schema, MANIFEST.schema()) {
        schema.extend(manifest);
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

impl ManifestTable {
    /// The heading that begins it in a manifest.
    fn heading(&self) -> String {
        match self.name {
            "manifest" => "the first lines, before any table".to_owned(),
            "scheme" | "event" | "handshake" => format!("[[{}]]", self.name),
            "secret" | "recognise" | "delivery" | "register" => format!("[{}]", self.name),
            "retry" => "[delivery.retry]".to_owned(),
            name => format!("`{name}`"),
        }
    }

    fn schema(&self) -> Value {
        let property = |key: &ManifestKey| {
            let mut value = key.takes.schema();
            // A sibling of `$ref` is ignored in draft 7.
            if value.get("$ref").is_some() {
                value = json!({ "allOf": [value] });
            }
            value["description"] = key.about.into();
            (key.name.to_owned(), value)
        };
        let properties: Map<String, Value> = self.keys.iter().map(property).collect();
        let required: Vec<&str> = self.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    }
}

impl Takes {
    fn schema(&self) -> Value {
        match self {
            Text => json!({ "type": "string" }),
            Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
            Choice(choices) => json!({ "type": "string", "enum": choices }),
            Flag => json!({ "type": "boolean" }),
            Number(0, u32::MAX) => json!({ "type": "integer" }),
            Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Any => json!({}),
            List(items, 0) => json!({ "type": "array", "items": items.schema() }),
            List(items, least) => json!({ "type": "array", "items": items.schema(), "minItems": least }),
            Takes::Map(values) => json!({ "type": "object", "additionalProperties": values.schema() }),
            In(table) => json!({ "$ref": format!("#/definitions/{}", table.name) }),
            Either(choices) => either(choices),
        }
    }

    /// The JSON type of the values; `None` for any.
    const fn json_type(&self) -> Option<&'static str> {
        match self {
            Text | Pattern(_) | Choice(_) => Some("string"),
            Flag => Some("boolean"),
            Number(..) => Some("integer"),
            List(..) => Some("array"),
            Takes::Map(_) | In(_) => Some("object"),
            Any | Either(_) => None,
        }
    }
}

/// The schema of several choices, each of a different type. It is not an `anyOf`, so that an error is reported for the
/// choice with the value's type, at its exact place.
fn either(choices: &[Takes]) -> Value {
    let types: Vec<&str> = choices.iter().filter_map(Takes::json_type).collect();
    let mut schema = json!({ "type": types });
    let mut conditions = Vec::new();
    for choice in choices {
        match (choice, choice.schema()) {
            (Text | Flag | Number(..), _) => {}
            (List(..), list) => schema["items"] = list["items"].clone(),
            (_, then) => conditions.push(json!({ "if": { "type": choice.json_type() }, "then": then })),
        }
    }
    if !conditions.is_empty() {
        schema["allOf"] = conditions.into();
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::{
        super::{
            RawEvent, RawProvider, RawRecognise,
            delivery::{RawDelivery, RawEncoding, RawRetry},
            handshake::{RawHandshake, RawResponse},
            places::{RawId, RawTimestamp},
            secret::RawSecret,
            signing::{RawScheme, RawSignature},
        },
        *,
    };

    /// What serde says it expects instead of an unknown key or value.
    fn expected<T: DeserializeOwned>(text: &str) -> Vec<String> {
        let Err(error) = toml::from_str::<T>(text) else { panic!("`{text}` is valid") };
        assert!(error.message().starts_with("unknown "), "{error}");
        error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    fn names(table: &ManifestTable) -> Vec<String> {
        let mut names: Vec<String> = table.keys.iter().map(|key| key.name.to_owned()).collect();
        names.sort_unstable();
        names
    }

    fn fields<T: DeserializeOwned>() -> Vec<String> {
        let mut fields = expected::<T>("no-such-key = 1");
        fields.sort_unstable();
        fields
    }

    #[test]
    fn the_keys_are_those_that_the_types_read() {
        assert_eq!(names(&MANIFEST), fields::<RawProvider>());
        assert_eq!(names(&SECRET), fields::<RawSecret>());
        assert_eq!(names(&SCHEME), fields::<RawScheme>());
        assert_eq!(names(&SIGNATURE), fields::<RawSignature>());
        assert_eq!(names(&ID), fields::<RawId>());
        assert_eq!(names(&TIMESTAMP), fields::<RawTimestamp>());
        assert_eq!(names(&RECOGNISE), fields::<RawRecognise>());
        assert_eq!(names(&DELIVERY), fields::<RawDelivery>());
        assert_eq!(names(&ENCODING), fields::<RawEncoding>());
        assert_eq!(names(&RETRY), fields::<RawRetry>());
        assert_eq!(names(&EVENT), fields::<RawEvent>());
        assert_eq!(names(&HANDSHAKE), fields::<RawHandshake>());
        assert_eq!(names(&RESPONSE), fields::<RawResponse>());
    }

    #[test]
    fn the_choices_are_those_that_the_types_read() {
        let choices = |table: &ManifestTable, name: &str| {
            let key = table.keys.iter().find(|key| key.name == name).unwrap();
            let Choice(choices) = key.takes else { panic!("{name}") };
            choices.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(choices(&SCHEME, "algorithm"), expected::<RawScheme>("algorithm = 'x'"));
        assert_eq!(choices(&SECRET, "encoding"), expected::<RawSecret>("encoding = 'x'"));
        assert_eq!(choices(&TIMESTAMP, "unit"), expected::<RawTimestamp>("unit = 'x'"));
        assert_eq!(choices(&ENCODING, "type"), expected::<RawEncoding>("type = 'x'"));
    }

    #[test]
    fn a_required_key_is_one_without_which_a_table_cannot_be_read() {
        let missing = |error: toml::de::Error| error.message().split('`').nth(1).unwrap_or_default().to_owned();
        let first = |table: &ManifestTable| table.keys.iter().find(|key| key.is_required).map_or("", |key| key.name);
        assert_eq!(missing(toml::from_str::<RawProvider>("").err().unwrap()), first(&MANIFEST));
        assert_eq!(missing(toml::from_str::<RawScheme>("").err().unwrap()), first(&SCHEME));
        assert_eq!(missing(toml::from_str::<RawSignature>("").err().unwrap()), first(&SIGNATURE));
        assert_eq!(missing(toml::from_str::<RawTimestamp>("").err().unwrap()), first(&TIMESTAMP));
        assert_eq!(missing(toml::from_str::<RawDelivery>("").err().unwrap()), first(&DELIVERY));
        assert_eq!(missing(toml::from_str::<RawEncoding>("").err().unwrap()), first(&ENCODING));
        assert_eq!(missing(toml::from_str::<RawRetry>("").err().unwrap()), first(&RETRY));
        assert_eq!(missing(toml::from_str::<RawEvent>("").err().unwrap()), first(&EVENT));
        assert_eq!(missing(toml::from_str::<RawHandshake>("").err().unwrap()), first(&HANDSHAKE));
        assert!([&SECRET, &ID, &RECOGNISE, &RESPONSE].iter().all(|table| first(table).is_empty()));
        assert!(toml::from_str::<RawSecret>("").is_ok() && toml::from_str::<RawRecognise>("").is_ok());
    }
}
