//! The contract of every provider directory, built-in or the user's own: each event's fixture is recognised,
//! matches the schema, and verifies when signed; and each vector gets its verdict.

use bytes::Bytes;
use serde::Deserialize;

use super::{
    Provider,
    compose::{AttemptParams, BodySource, SendContext},
    event::{Event, EventName},
    files,
};
use crate::webhook::{
    place::Lookup,
    request::{self, FieldName, Headers, Request},
    signature::{Reason, Receipt, SigningSecret, Verdict},
    time::Timestamp,
};

/// The maximum size of a vector's decoded body, in bytes.
const LIMIT: usize = 16 << 20;

/// Returns the problems of a provider as messages.
#[must_use]
pub fn self_test(provider: &Provider) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = provider.schema() {
        let pointer = if error.pointer.is_empty() { String::new() } else { format!(" (`{}`)", error.pointer) };
        problems.push(format!("{}:{}:{}: {}{pointer}", files::SCHEMA, error.line, error.column, error.flaw));
    }
    for event in &provider.events {
        let mut found = Vec::new();
        check_event(provider, event, &mut found);
        for problem in found {
            // A problem of a fixture occurs in each of its variants and encodings.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    check_vectors(provider, &mut problems);
    problems
}

fn check_event(provider: &Provider, event: &Event, problems: &mut Vec<String>) {
    let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
    for variant in std::iter::once(None).chain(variants) {
        let context = SendContext { now: Timestamp::from_unix_seconds(1_735_732_800), id: None, entropy: [7; 32] };
        let draft = match provider.draft(event, BodySource::Fixture(variant, &[]), &context) {
            Ok(draft) => draft,
            Err(error) => {
                problems.push(format!("{}: {error}", event.full_name));
                continue;
            }
        };
        let secret =
            provider.secret.as_ref().and_then(|rule| SigningSecret::parse(&rule.development, &rule.format).ok());
        for encoding in &provider.delivery.encodings {
            let attempt = AttemptParams {
                encoding,
                target: "/",
                now: context.now,
                secret: secret.as_ref(),
                sent_along: &[],
                own_headers: &Headers::new(),
            };
            let request = provider.request(&draft, &attempt);
            check_request(provider, event, &request, secret.as_slice(), context.now, problems);
        }
    }
}

fn check_request(
    provider: &Provider,
    event: &Event,
    request: &Request,
    secrets: &[SigningSecret],
    now: Timestamp,
    problems: &mut Vec<String>,
) {
    let name = &event.full_name;
    let body = match provider.decode(request, LIMIT) {
        Ok(body) => body,
        Err(problem) => return problems.push(format!("{name}: {problem}")),
    };
    let payload = body.payload(request);
    match provider.event_of(&Lookup::of(request, &payload)) {
        Some(EventName::Listed(found)) if found.name == event.name => {}
        other => problems.push(format!(
            "{name}: the fixture is recognised as {}",
            other.map_or("no event".into(), |o| o.full_name().to_owned())
        )),
    }
    let verdict = provider.verify(secrets, request, Some(event), Some(now).into());
    let unsigned = event.unsigned || provider.schemes.is_empty();
    // A fixture may show only an event, without the fields that a scheme signs.
    let lacks_signed = verdict.rejection().is_some_and(|it| matches!(it.reason, Reason::NotInBody { .. }));
    // A signature with the secret that the request itself hands over counts as none.
    let hands_over = event.handshake.as_ref().is_some_and(|handshake| handshake.secret.is_some());
    let is_expected = match &verdict {
        Verdict::Verified(_) => !unsigned,
        Verdict::Unsigned => unsigned || hands_over,
        _ => false,
    };
    if !is_expected && !lacks_signed {
        problems.push(format!("{name}: the signed fixture is {}", verdict.name()));
    }
    let definition = event.schema.as_deref().and_then(|schema| provider.schema().ok()?.definition(schema));
    if let (Some(definition), Some(root)) = (definition, payload.root()) {
        let report = definition.check(root);
        let found = report.errors.iter().chain(&report.warnings);
        problems.extend(
            found.map(|violation| format!("{name}: the fixture, {}: {}", violation.pointer, violation.message)),
        );
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorFile {
    /// For people: where the signatures come from.
    #[serde(rename = "basis")]
    _basis: Option<Basis>,
    count: usize,
    vectors: Vec<Vector>,
}

/// The strongest evidence for a file's signatures.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Basis {
    /// The documentation or a library's tests have at least one request with its signature.
    Published,
    /// The provider's own code signed or accepted at least one.
    Code,
    /// All are computed as documented.
    Rule,
}

/// A request with a known verdict.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    /// For people: what it shows, and where the expected values come from.
    #[serde(rename = "note")]
    _note: String,
    #[serde(rename = "source")]
    _source: String,
    secrets: Vec<String>,
    at: Option<i64>,
    request: VectorRequest,
    verdict: String,
    rejection: Option<String>,
    scheme: Option<String>,
    event: Option<String>,
    payload: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorRequest {
    method: String,
    /// The path and query, or the whole URL as the provider called it.
    target: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

fn check_vectors(provider: &Provider, problems: &mut Vec<String>) {
    let Some(text) = provider.files().get(files::VECTORS) else { return };
    let file: VectorFile = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => return problems.push(format!("{}: {error}", files::VECTORS)),
    };
    if file.count != file.vectors.len() {
        problems.push(format!(
            "{}: `count` is {}, but the file has {}",
            files::VECTORS,
            file.count,
            file.vectors.len()
        ));
    }
    for vector in &file.vectors {
        match vector.outcome(provider) {
            Ok(outcome) if outcome == vector.expected() => {}
            Ok(outcome) => {
                problems.push(format!("vector {}: expected {}, got {outcome}", vector.id, vector.expected()));
            }
            Err(problem) => problems.push(format!("vector {}: {problem}", vector.id)),
        }
    }
}

impl Vector {
    fn expected(&self) -> String {
        let scheme = self.scheme.as_deref().unwrap_or("-");
        let (code, event) = (self.rejection.as_deref().unwrap_or("-"), self.event.as_deref().unwrap_or("-"));
        format!("{} (scheme {scheme}, rejection {code}, event {event}, payload {})", self.verdict, self.payload)
    }

    fn outcome(&self, provider: &Provider) -> Result<String, String> {
        let secrets = self.secrets.iter().map(|text| provider.parse_secret(text)).collect::<Result<Vec<_>, _>>();
        let secrets = secrets.map_err(|error| format!("the secret is malformed: {error}"))?;
        let request = self.request.read()?;
        let body = provider.decode(&request, LIMIT)?;
        let payload = body.payload(&request);
        let event = provider.event_of(&Lookup::of(&request, &payload));
        let listed = event.as_ref().and_then(EventName::listed);
        let url = Some(self.request.target.as_str()).filter(|target| target.contains("://"));
        let receipt = Receipt { url, ..self.at.map(Timestamp::from_unix_seconds).into() };
        let verdict = provider.verify(&secrets, &request, listed, receipt);

        let scheme = match &verdict {
            Verdict::Verified(verified) => &*verified.scheme,
            _ => "-",
        };
        let code = verdict.rejection().map_or("-", |rejection| rejection.reason.code());
        let name =
            event.as_ref().map_or("-", |event| event.full_name().trim_start_matches(&format!("{}.", provider.name)));
        let definition = provider.schema_of(listed).and_then(|schema| provider.schema().ok()?.definition(schema));
        let check = match (definition, payload.root()) {
            (Some(definition), Some(root)) if definition.check(root).errors.is_empty() => "valid",
            (Some(_), Some(_)) => "invalid",
            _ => "unknown",
        };
        Ok(format!("{} (scheme {scheme}, rejection {code}, event {name}, payload {check})", verdict.name()))
    }
}

impl VectorRequest {
    fn read(&self) -> Result<Request, String> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let body = match (&self.body, &self.body_base64) {
            (Some(text), None) => Bytes::copy_from_slice(text.as_bytes()),
            (None, Some(text)) => STANDARD.decode(text).map_err(|error| format!("body_base64: {error}"))?.into(),
            _ => return Err("a request needs either `body` or `body_base64`".to_owned()),
        };
        let mut headers = Headers::new();
        for (name, text) in &self.headers {
            let name = FieldName::new(name).map_err(|_| format!("invalid header name `{name}`"))?;
            headers.push(name, request::value(text).map_err(|error| error.to_string())?);
        }
        let method = self.method.parse().map_err(|_| format!("invalid method `{}`", self.method))?;
        let target = request::target(&self.target).ok_or_else(|| format!("invalid target `{}`", self.target))?;
        Ok(Request { method, target, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{super::files::ProviderFiles, *};

    fn provider(manifest: &'static str, schema: &'static str, vectors: &'static str) -> Provider {
        let list = [
            ("provider.toml", manifest),
            ("schema.json", schema),
            ("vectors.json", vectors),
            ("events/a.json", "{\"t\":\"a\",\"n\":1}\n"),
        ];
        let files = list.into_iter().map(|(path, text)| (Cow::Borrowed(path), Cow::Borrowed(text))).collect();
        Provider::load(ProviderFiles::new("acme", files)).unwrap()
    }

    const MANIFEST: &str = r#"
name = "acme"
title = "Acme"
about = "A test"
[delivery]
success = ["2xx"]
[[event]]
name = "a"
about = "An event"
match = { t = "a" }
schema = "a"
"#;

    #[test]
    fn a_valid_provider_has_no_problems() {
        let schema = r#"{"$defs":{"a":{"type":"object","required":["t"]}}}"#;
        let vectors = r#"{"count":1,"vectors":[{"id":"one","note":"","source":"by hand","secrets":[],"at":null,
            "request":{"method":"POST","target":"/","headers":[],"body":"{\"t\":\"a\"}"},
            "verdict":"unsigned","rejection":null,"scheme":null,"event":"a","payload":"valid"}]}"#;
        assert_eq!(self_test(&provider(MANIFEST, schema, vectors)), [""; 0]);
    }

    #[test]
    fn a_problem_of_a_fixture_and_its_variants_is_reported_once() {
        let manifest = "name='acme'\ntitle='Acme'\nabout='A test'\n[delivery]\nsuccess=['2xx']\n\
                        encodings=[{type='application/json'},{type='application/json',headers={expect='100-continue'}}]\n\
                        [[event]]\nname='a'\nabout='An event'\nmatch={t='a'}\nschema='a'\nvariants=[{n='2'},{n='3'}]\n";
        let schema = r#"{"$defs":{"a":{"type":"object","properties":{"n":{"const":2}},"required":["missing"]}}}"#;
        let problems = self_test(&provider(manifest, schema, r#"{"count":0,"vectors":[]}"#));
        let expected = [
            "acme.a: the fixture, /missing: is required but missing",
            "acme.a: the fixture, /n: expected 2, found 1",
            "acme.a: the fixture, /n: expected 2, found 3",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn every_problem_is_reported() {
        let schema = r#"{"$defs":{"a":{"type":"object","required":["missing"]}}}"#;
        let vectors = r#"{"count":2,"vectors":[{"id":"one","note":"","source":"by hand","secrets":[],"at":null,
            "request":{"method":"POST","target":"/","headers":[],"body":"{}"},
            "verdict":"verified","rejection":null,"scheme":null,"event":"a","payload":"valid"}]}"#;
        let problems = self_test(&provider(MANIFEST, schema, vectors));
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(problems[0].starts_with("acme.a: the fixture, "), "{}", problems[0]);
        assert_eq!(problems[1], "vectors.json: `count` is 2, but the file has 1");
        assert_eq!(
            problems[2],
            "vector one: expected verified (scheme -, rejection -, event a, payload valid), got unsigned (scheme -, rejection -, event -, payload unknown)"
        );
    }
}
