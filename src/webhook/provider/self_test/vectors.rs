//! The vectors of a provider directory: requests with known verdicts.

use bytes::Bytes;
use serde::Deserialize;

use super::LIMIT;
use crate::webhook::{
    json::{self, Path},
    place::Lookup,
    provider::{
        Provider,
        event::EventName,
        files::VECTORS,
        manifest::{DirectoryMistake, json_message, syntax_mistake},
    },
    request::{self, FieldName, Headers, Request},
    signature::{Receipt, Verdict},
    time::Timestamp,
};

/// Adds the problems of the vectors.
pub(super) fn check(provider: &Provider, problems: &mut Vec<DirectoryMistake>) {
    let files = provider.files();
    let Some(text) = files.get(VECTORS) else { return };
    let file: VectorFile = match read(text) {
        Ok(file) => file,
        Err((position, message)) => {
            return problems.push(DirectoryMistake::new(files, VECTORS, Some(position), message));
        }
    };
    let position = |keys: &[&str]| {
        let path: Path = keys.iter().map(|key| (*key).to_owned()).collect();
        super::position(text, &path)
    };
    let mut add =
        |keys: &[&str], message| problems.push(DirectoryMistake::new(files, VECTORS, Some(position(keys)), message));
    if file.count != file.vectors.len() {
        add(&["count"], format!("`count` is {}, but the file has {}", file.count, file.vectors.len()));
    }
    for (index, vector) in file.vectors.iter().enumerate() {
        let problem = match vector.outcome(provider) {
            Ok(outcome) if outcome == vector.expected() => continue,
            Ok(outcome) => format!("vector {}: expected {}, got {outcome}", vector.id, vector.expected()),
            Err(problem) => format!("vector {}: {problem}", vector.id),
        };
        add(&["vectors", &index.to_string(), "id"], problem);
    }
}

/// Reads the file. An error has its line and column.
fn read(text: &str) -> Result<VectorFile, ((usize, usize), String)> {
    json::parse(text).map_err(|error| syntax_mistake(text, &error))?;
    serde_json::from_str(text).map_err(|error| {
        // serde ends its message with the position.
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        ((error.line(), error.column()), json_message(message))
    })
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
