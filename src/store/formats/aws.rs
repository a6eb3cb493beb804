//! The events that AWS Lambda receives for HTTP requests from API Gateway's REST (v1) and HTTP APIs (v2), function URLs
//! and load balancers: a single event, an array, or one per line as in logs.
//!
//! The target is the path that the handler's routes see, without the API's stage. API Gateway v1 decodes the query,
//! load balancers don't; v2 joins repeated headers with commas and moves cookies to a key of their own.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

use super::{
    Entry,
    document::Documents,
    json_request,
    parts::{self, Fields, ParseError, Text, expected},
};
use crate::webhook::{
    request::{Headers, Request},
    time::Timestamp,
};

/// AWS Lambda's HTTP events.
pub(super) static AWS: Documents = Documents {
    name: "an AWS event",
    matches: |outline| {
        let is_v1 = outline.has_all("", &["httpMethod", "path"])
            && ["headers", "multiValueHeaders"].iter().any(|key| outline.has_all("", &[key]));
        is_v1 || outline.has_all("", &["rawPath", "requestContext.http"])
    },
    array: &[],
    parse,
};

/// The events of `CloudFront` that Lambda@Edge receives.
pub(super) static CLOUDFRONT: Documents = Documents {
    name: "a CloudFront event",
    matches: |outline| outline.has_all("Records[].", &["cf.request"]),
    array: &["Records"],
    parse: json_request::parse,
};

/// The keys of all kinds of events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an event, an object with `headers` and `body`")]
struct LambdaEvent<'a> {
    #[serde(borrow)]
    http_method: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    raw_path: Option<Text<'a>>,
    #[serde(borrow)]
    raw_query_string: Option<Text<'a>>,
    #[serde(borrow, default)]
    query_string_parameters: Fields<'a>,
    #[serde(borrow, default)]
    multi_value_query_string_parameters: Fields<'a>,
    #[serde(borrow, default)]
    headers: Fields<'a>,
    #[serde(borrow, default)]
    multi_value_headers: Fields<'a>,
    #[serde(borrow)]
    cookies: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    request_context: RequestContext<'a>,
    #[serde(borrow)]
    body: Option<RawBody<'a>>,
    is_base64_encoded: Option<bool>,
}

/// A body as text. A body parsed by the integration is an error, because its bytes are lost.
struct RawBody<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for RawBody<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawBodyVisitor)
    }
}

struct RawBodyVisitor;

impl<'de> Visitor<'de> for RawBodyVisitor {
    type Value = RawBody<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a body as text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(RawBody(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(RawBody(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(de::Error::custom(PARSED_BODY))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(de::Error::custom(PARSED_BODY))
    }
}

/// The error for an event whose body is not text.
const PARSED_BODY: &str = "the body was parsed, so the signed bytes are gone: use a Lambda proxy integration, or pass the raw \
                           body in the integration's template";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct RequestContext<'a> {
    #[serde(borrow)]
    http: Option<HttpContext<'a>>,
    #[serde(borrow)]
    stage: Option<Text<'a>>,
    #[serde(borrow)]
    domain_name: Option<Text<'a>>,
    /// In v1, with the stage or the base path of a custom domain.
    #[serde(borrow)]
    path: Option<Text<'a>>,
    /// In v1, in milliseconds.
    request_time_epoch: Option<i64>,
    /// In v2, in milliseconds.
    time_epoch: Option<i64>,
    #[serde(default)]
    elb: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `method`")]
struct HttpContext<'a> {
    #[serde(borrow)]
    method: Text<'a>,
}

fn parse(json: &str) -> Result<Option<Entry>, ParseError> {
    let event: LambdaEvent<'_> = serde_json::from_str(json)?;
    let (key, method) = match (&event.http_method, &event.request_context.http) {
        (Some(Text(method)), _) => ("httpMethod", method),
        (None, Some(http)) => ("requestContext.http.method", &http.method.0),
        (None, None) => return Err(expected("`httpMethod` or `requestContext.http`")),
    };
    let method = parts::method(key, method)?;
    if !parts::delivers(&method) || event.body.as_ref().is_none_or(|RawBody(body)| body.is_empty()) {
        return Ok(None);
    }
    let headers = event.headers()?;
    let target = event.target()?;
    let url = event.url();
    let received_at = event.request_context.request_time_epoch.or(event.request_context.time_epoch);
    let received_at = received_at.map(Timestamp::from_unix_millis);
    let is_base64 = event.is_base64_encoded == Some(true);
    let body = match event.body {
        Some(RawBody(body)) if is_base64 => parts::base64("body", &body)?,
        body => body.map_or_else(Bytes::new, |RawBody(body)| body.into_owned().into()),
    };
    let mut request = Request { method, target, headers, body };
    let notes = if is_base64 { Vec::new() } else { parts::body_notes(&mut request) };
    Ok(Some(Entry { received_at, notes, ..Entry::called(&url.unwrap_or_default(), request) }))
}

impl LambdaEvent<'_> {
    fn headers(&self) -> Result<Headers, ParseError> {
        let fields = if self.multi_value_headers.0.is_empty() { &self.headers } else { &self.multi_value_headers };
        let mut headers = fields.headers()?;
        if let Some(cookies) = self.cookies.as_ref().filter(|cookies| !cookies.is_empty()) {
            let cookies: Vec<&str> = cookies.iter().map(|Text(cookie)| cookie.as_ref()).collect();
            let (name, value) = parts::foreign_field("cookie", &cookies.join("; "))?;
            headers.push(name, value);
        }
        Ok(headers)
    }

    fn target(&self) -> Result<String, ParseError> {
        let (key, path) = match (&self.raw_path, &self.path) {
            (Some(Text(path)), _) => ("rawPath", self.without_stage(path)),
            (None, Some(Text(path))) => ("path", path.as_ref()),
            (None, None) => return Err(expected("`path` or `rawPath`")),
        };
        let query = self.query();
        let mark = if query.is_empty() { "" } else { "?" };
        parts::target(key, &format!("{path}{mark}{query}"))
    }

    /// The URL that was called, which includes the stage; unknown for a load balancer's event.
    fn url(&self) -> Option<String> {
        let Text(domain) = self.request_context.domain_name.as_ref()?;
        let Text(path) = self.request_context.path.as_ref().or(self.raw_path.as_ref()).or(self.path.as_ref())?;
        let query = self.query();
        let mark = if query.is_empty() { "" } else { "?" };
        Some(format!("https://{domain}{path}{mark}{query}"))
    }

    /// Removes the stage from the path, which only v2 includes there.
    fn without_stage<'p>(&self, path: &'p str) -> &'p str {
        let stage = self.request_context.stage.as_ref().map_or("", |Text(stage)| stage);
        match path.strip_prefix('/').and_then(|path| path.strip_prefix(stage)) {
            Some("") if !stage.is_empty() => "/",
            Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest,
            _ => path,
        }
    }

    fn query(&self) -> Cow<'_, str> {
        if let Some(Text(query)) = &self.raw_query_string {
            return Cow::Borrowed(query);
        }
        let several = &self.multi_value_query_string_parameters.0;
        let parameters = if several.is_empty() { &self.query_string_parameters.0 } else { several };
        if self.request_context.elb.is_some() {
            let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return Cow::Owned(pairs.join("&"));
        }
        Cow::Owned(form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::formats::tests::{collected, fields};

    const V1: &str = r#"{"resource":"/{proxy+}","path":"/aspect","httpMethod":"POST","headers":{"X-A":"2","Host":"h"},"multiValueHeaders":{"X-A":["1","2"],"Host":["h"]},"queryStringParameters":{"q":"b c"},"multiValueQueryStringParameters":{"q":["a&","b c"]},"requestContext":{"path":"/prod/aspect","stage":"prod","requestTimeEpoch":1735732800123,"httpMethod":"POST"},"body":"{}","isBase64Encoded":false}"#;
    const V2: &str = r#"{"version":"2.0","routeKey":"$default","rawPath":"/prod/aspect","rawQueryString":"q=a%26","cookies":["a=1","b=2"],"headers":{"x-a":"1,2"},"requestContext":{"http":{"method":"POST","path":"/prod/aspect"},"stage":"prod","timeEpoch":1735732800123},"body":"AP8=","isBase64Encoded":true}"#;
    const ALB: &str = r#"{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:x"}},"httpMethod":"POST","path":"/aspect","queryStringParameters":{"q":"a%26"},"headers":{"x-a":"1","content-length":"3"},"body":"{}","isBase64Encoded":false}"#;

    /// Target, headers, body, time and notes of the one event.
    fn parsed(event: &str) -> (String, String, Vec<u8>, Option<i64>, Vec<String>) {
        let (mut entries, notes) = collected(event);
        assert_eq!((entries.len(), notes), (1, vec![]));
        let entry = entries.remove(0).unwrap();
        let fields = fields(&entry.request);
        let received_at = entry.received_at.map(Timestamp::unix_millis);
        (entry.request.target, fields, entry.request.body.to_vec(), received_at, entry.notes)
    }

    fn expected_of(
        target: &str,
        fields: &str,
        body: &[u8],
        time: Option<i64>,
        notes: &[&str],
    ) -> (String, String, Vec<u8>, Option<i64>, Vec<String>) {
        (target.to_owned(), fields.to_owned(), body.to_vec(), time, notes.iter().map(|&note| note.to_owned()).collect())
    }

    #[test]
    fn a_rest_api_event_keeps_repeated_headers_and_its_query_is_encoded_again() {
        let time = Some(1_735_732_800_123);
        assert_eq!(parsed(V1), expected_of("/aspect?q=a%26&q=b+c", "X-A: 1\nX-A: 2\nHost: h\n", b"{}", time, &[]));
        let single = V1.replace("multiValue", "other");
        assert_eq!(parsed(&single), expected_of("/aspect?q=b+c", "X-A: 2\nHost: h\n", b"{}", time, &[]));
    }

    #[test]
    fn an_http_api_event_loses_its_stage_and_gets_its_cookies_back() {
        let time = Some(1_735_732_800_123);
        assert_eq!(parsed(V2), expected_of("/aspect?q=a%26", "x-a: 1,2\ncookie: a=1; b=2\n", b"\0\xff", time, &[]));
        let default = V2.replace(r#""stage":"prod""#, r#""stage":"$default""#);
        assert_eq!(parsed(&default).0, "/prod/aspect?q=a%26");
        assert_eq!(parsed(&V2.replace("/prod/aspect", "/production")).0, "/production?q=a%26");
        assert_eq!(parsed(&V2.replace("/prod/aspect", "/prod")).0, "/?q=a%26");
    }

    #[test]
    fn a_load_balancer_event_has_its_query_as_received_and_no_time() {
        let note = "the body has 2 B but its content-length is 3";
        assert_eq!(parsed(ALB), expected_of("/aspect?q=a%26", "x-a: 1\ncontent-length: 3\n", b"{}", None, &[note]));
    }

    #[test]
    fn a_broken_line_of_a_log_does_not_hide_the_others() {
        let base64 = V2.replace("AP8=", "AP8");
        let get = V1.replace("POST", "GET");
        let torn = &V1[..100];
        let (entries, notes) = collected(&format!("{V2}\n{base64}\n{get}\n{torn}\n{ALB}\n"));
        let errors: Vec<_> = entries.into_iter().map(|entry| entry.err().unwrap_or_default()).collect();
        let torn = "line 4, column 100: control character (\\u0000-\\u001F) found while parsing a string";
        assert_eq!(errors, ["", "line 2: expected standard base64 in `body`", torn, ""]);
        assert_eq!(notes, ["skipped 1 entry that holds no POST, PUT or PATCH request with a body"]);
    }

    #[test]
    fn null_means_absent() {
        let nulls = r#"{"httpMethod":"POST","path":"/","headers":null,"multiValueHeaders":null,"queryStringParameters":null,"multiValueQueryStringParameters":null,"body":"a"}"#;
        assert_eq!(parsed(nulls), expected_of("/", "", b"a", None, &[]));
    }
}
