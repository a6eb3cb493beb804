//! A call to a provider's API, as a command for a POSIX shell or as JSON.

use std::fmt::Write;

use super::{json::request as request_line, shell};
use crate::webhook::{
    provider::registration::{ApiCall, CallValues, Filled},
    redact, request,
};

/// Stands for the API key. Only letters, which no encoding changes.
const KEY: &str = "hookdevMarksTheApiKey";

/// Stands for the signing secret.
const NEW_SECRET: &str = "hookdevMarksTheSigningSecret";

/// Writes a call that is not made, with an API's base URL, the variable of its key, and values.
pub type CallWriter = fn(&ApiCall, &str, Option<&str>, &CallValues<'_>) -> String;

/// The call as a command for a POSIX shell, which fills in the key from its variable. A password in the API's URL is
/// redacted.
#[must_use]
pub fn curl(call: &ApiCall, api: &str, variable: Option<&str>, values: &CallValues<'_>) -> String {
    let values = CallValues { key: variable.map_or("", |_| KEY), new_secret: NEW_SECRET, ..*values };
    let markers = [(KEY, variable.unwrap_or_default()), (NEW_SECRET, "SIGNING_SECRET")];
    let quoted = |text: &str| shell::word_with_variables(text, &markers);
    let Ok(filled) = call.fill(&values) else { return String::new() };
    let url = url(api, &filled);
    let mut command = format!("curl -X {} {}", call.method, quoted(&url));
    for (name, value) in &filled.request.headers {
        let _ = write!(command, " -H {}", quoted(&format!("{name}: {}", request::text(value))));
    }
    if !filled.request.body.is_empty() {
        let _ = write!(command, " --data {}", quoted(&String::from_utf8_lossy(&filled.request.body)));
    }
    command
}

/// The call as a JSON object on one line, in which `$NAME` stands for the key. A password in the API's URL is redacted.
#[must_use]
pub fn json(call: &ApiCall, api: &str, variable: Option<&str>, values: &CallValues<'_>) -> String {
    let key = variable.map(|name| format!("${name}")).unwrap_or_default();
    let Ok(filled) = call.fill(&CallValues { key: &key, new_secret: "$SIGNING_SECRET", ..*values }) else {
        return String::new();
    };
    let mut line = Vec::new();
    request_line(&filled.request, &url(api, &filled), &mut line);
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

fn url(api: &str, filled: &Filled) -> String {
    format!("{}{}", redact::without_user(api), filled.path)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::webhook::{
        delivery::StatusPattern,
        provider::registration::{CallBody, CallTemplate},
        template::JsonTemplate,
    };

    #[test]
    fn a_call_is_shown_as_a_command_that_reads_the_key_from_its_variable() {
        let call = ApiCall {
            method: Method::POST,
            path: CallTemplate::parse("/hooks/{id}").unwrap(),
            headers: vec![(http::header::AUTHORIZATION, CallTemplate::parse("Bearer {key}").unwrap())],
            body: CallBody::Json(JsonTemplate::Object(vec![(
                "url".to_owned(),
                JsonTemplate::Text(CallTemplate::parse("{url}").unwrap()),
            )])),
            id: None,
            secret: None,
            previous: None,
            ok: vec![StatusPattern::Class(2)],
        };
        let values =
            CallValues { url: "https://dev.example/$(acme)", id: "we_1", key: "never shown", ..CallValues::default() };
        assert_eq!(
            curl(&call, "https://api.acme.example", Some("ACME_API_KEY"), &values),
            r#"curl -X POST https://api.acme.example/hooks/we_1 -H 'authorization: Bearer '"$ACME_API_KEY" -H 'content-type: application/json' --data '{"url":"https://dev.example/$(acme)"}'"#
        );
        let with_password = curl(&call, "https://me:hunter2@api.acme.example", None, &values);
        assert!(
            with_password.starts_with("curl -X POST 'https://[redacted]@api.acme.example/hooks/we_1' "),
            "{with_password}"
        );
    }
}
