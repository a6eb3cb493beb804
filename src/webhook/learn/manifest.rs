//! The text of a learned manifest. Whatever the captures don't show becomes a comment with a question.

use std::fmt::Write;

use http::HeaderName;

use super::{
    ParsedSample,
    event::{LearnedEvent, LearnedEvents, table_entry, unique_headers},
    fresh::FreshValues,
    is_form, is_indented,
    places::own_headers,
    scheme::{FoundScheme, SchemeSearch},
    user_agent::{UserAgent, user_agent},
};
use crate::webhook::{
    encoding,
    payload::PayloadKind,
    place::{Place, ValueSource},
    signature::{
        Algorithm, KeyEncoding, SecretFormat, asymmetric::Family, content::SignedContent, timestamp::TimeUnit,
    },
    time::Tolerance,
};

/// What a manifest is written from.
pub(super) struct Facts<'a> {
    pub name: &'a str,
    pub samples: &'a [ParsedSample<'a>],
    pub search: &'a SchemeSearch,
    pub events: &'a LearnedEvents,
    /// Whether the schema has a definition of this event.
    pub defined: &'a dyn Fn(&str) -> bool,
}

/// A manifest being written, and the questions in it.
#[derive(Default)]
struct ManifestDraft {
    text: String,
    questions: Vec<String>,
}

impl ManifestDraft {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A table or a group of keys, after an empty line.
    fn section(&mut self, line: &str) {
        self.text.push('\n');
        self.line(line);
    }

    fn comment(&mut self, text: &str) {
        self.line(&format!("# {text}"));
    }

    fn ask(&mut self, question: &str) {
        self.comment(&format!("QUESTION: {question}"));
        self.questions.push(question.to_owned());
    }
}

/// Writes the manifest; also returns the questions in it.
pub(super) fn write(facts: &Facts<'_>) -> (String, Vec<String>) {
    let mut draft = ManifestDraft::default();
    let captures = facts.samples.len();
    let plural = if captures == 1 { "captured request" } else { "captured requests" };
    draft.comment(&format!(
        "Learned from {captures} {plural}. Payloads have the structure of the captures, with invented values."
    ));
    draft.comment("Lines with QUESTION are what captures can't show.");
    let disagreeing = facts.search.found.as_ref().map_or(0, |found| found.disagreeing.len());
    match disagreeing {
        0 => {}
        1 => draft.ask("why is one more capture not signed this way? Nothing was learned from it"),
        more => draft.ask(&format!("why are {more} more captures not signed this way? Nothing was learned from them")),
    }
    let title = title(facts.name);
    draft.section(&format!("name  = {}", quoted(facts.name)));
    draft.line(&format!("title = {}", quoted(&title)));
    draft.ask("what does it send? One line that `hookdev events` shows");
    draft.line(&format!("about = {}", quoted(&format!("Webhooks of {title}"))));
    draft.ask("which pages document its webhooks?");
    draft.line("sources = []");
    match &facts.search.found {
        Some(found) => {
            secret(facts.name, found, &mut draft);
            scheme(found, &mut draft);
            other_signatures(facts.search, found, &mut draft);
        }
        None => unknown_scheme(facts, &mut draft),
    }
    recognise(facts, &mut draft);
    let fresh = FreshValues::find(facts.samples, facts.search.found.as_ref().map(|found| &found.scheme));
    delivery(facts, fresh.id.as_deref(), &mut draft);
    if !fresh.fields.is_empty() {
        draft.section("[fresh]");
    }
    for (path, template) in &fresh.fields {
        draft.line(&format!("{} = {}", quoted(&path.to_string()), quoted(template)));
    }
    for group in &facts.events.groups {
        event(facts, group, &mut draft);
    }
    draft.questions.push("what has happened in each event? One line of `about` for each".to_owned());
    (draft.text, draft.questions)
}

fn secret(name: &str, found: &FoundScheme, draft: &mut ManifestDraft) {
    draft.section("[secret]");
    draft.line(&format!("env         = {}", quoted(&variable(name))));
    let SecretFormat { encoding, prefix, family, .. } = &found.format;
    let encoding_name = match encoding {
        KeyEncoding::Text => None,
        KeyEncoding::Base64 => Some("base64"),
        KeyEncoding::Base64Url => Some("base64url"),
        KeyEncoding::Hex => Some("hex"),
    };
    if let Some(encoding) = encoding_name.filter(|_| family.is_none()) {
        draft.line(&format!("encoding    = {}", quoted(encoding)));
    }
    if let Some(prefix) = prefix {
        draft.line(&format!("prefix      = {}", quoted(prefix)));
    }
    draft.comment("An invented secret for tests, which is public. Never put your own here.");
    let development = match family {
        // Such a key pair can't be derived from a text.
        Some(Family::Rsa) => {
            let (public, private) = RSA_DEVELOPMENT.trim().split_once('\n').unwrap_or_default();
            format!("{{ public = {}, private = {} }}", quoted(public), quoted(private))
        }
        _ if found.scheme.claims.iter().any(|(_, claim)| claim.has_key()) => {
            quoted(&format!("hookdev:{}", development(name, &found.format)))
        }
        _ => quoted(&development(name, &found.format)),
    };
    draft.line(&format!("development = {development}"));
}

/// A public and a private RSA key for tests, which everyone knows: SPKI and PKCS #8 in base64.
const RSA_DEVELOPMENT: &str = include_str!("rsa-development.txt");

/// The development secret of a provider, in the format of its secrets.
fn development(name: &str, format: &SecretFormat) -> String {
    let text = format!("hookdev-development-secret-{name}");
    let key = match format.encoding {
        _ if format.family.is_some() => return text,
        KeyEncoding::Text => text,
        KeyEncoding::Base64 => encoding::base64(text.as_bytes()),
        KeyEncoding::Base64Url => encoding::base64url(text.as_bytes()),
        KeyEncoding::Hex => encoding::hex(text.as_bytes()),
    };
    format!("{}{key}", format.prefix.as_deref().unwrap_or_default())
}

fn scheme(found: &FoundScheme, draft: &mut ManifestDraft) {
    let scheme = &found.scheme;
    draft.section("[[scheme]]");
    draft.line("name      = \"v1\"");
    draft.line(&format!("algorithm = {}", quoted(scheme.algorithm.name())));
    // A JWT carries the content that it signs, and a token signs none.
    if scheme.algorithm.jwt_name().is_none() && scheme.algorithm != Algorithm::Token {
        draft.line(&format!("content   = {}", quoted(scheme.content.as_str())));
    }
    let mut keys = place_keys(&scheme.signature);
    keys.push(format!("value = {}", quoted(&found.text.value)));
    keys.extend(found.text.separator.as_ref().map(|separator| format!("separator = {}", quoted(separator))));
    draft.line(&format!("signature = {{ {} }}", keys.join(", ")));
    if !scheme.claims.is_empty() {
        let claim =
            |(name, content): &(String, SignedContent)| format!("{} = {}", quoted(name), quoted(content.as_str()));
        let claims: Vec<String> = scheme.claims.iter().map(claim).collect();
        draft.line(&format!("claims    = {{ {} }}", claims.join(", ")));
    }
    if let Some(id) = &scheme.id {
        draft.line(&format!("id        = {{ {} }}", place_keys(id).join(", ")));
    }
    if let Some(rule) = &scheme.timestamp {
        let mut keys = rule.source.as_ref().map(place_keys).unwrap_or_default();
        let unit = match rule.unit {
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Rfc3339 => "rfc3339",
            TimeUnit::Rfc3339Millis => "rfc3339-ms",
            TimeUnit::Rfc3339Nanos => "rfc3339-ns",
            TimeUnit::HttpDate => "http-date",
        };
        keys.push(format!("unit = {}", quoted(unit)));
        let tolerance = if rule.tolerance.past == Tolerance::ANY { "any" } else { "5m" };
        keys.push(format!("tolerance = {}", quoted(tolerance)));
        draft.ask(if tolerance == "any" {
            "how old may a delivery be? Some captures were received more than 5 minutes from their timestamp"
        } else {
            "how old may a delivery be? Captures can't show it; 5 minutes is usual"
        });
        draft.line(&format!("timestamp = {{ {} }}", keys.join(", ")));
        if !scheme.content.signs_timestamp() {
            draft.ask("is there another signed time? The signature doesn't cover this one, so it proves nothing");
        }
    }
    if found.is_https.is_some() {
        draft.ask("behind a proxy or tunnel, which URL is configured at the provider? The signature covers it");
    }
    if !scheme.signs_body() {
        draft.ask("does anything else protect the payload? The signature doesn't cover it");
    }
}

/// Asks about values that look like a signature, or are next to one, and that the scheme doesn't read.
fn other_signatures(search: &SchemeSearch, found: &FoundScheme, draft: &mut ManifestDraft) {
    let entries: Vec<String> = found.other_entries.iter().map(|tag| format!("`{tag}`")).collect();
    if !entries.is_empty() {
        draft.ask(&format!(
            "does a receiver need {} in the signature's value? It isn't read, and hookdev doesn't send it",
            entries.join(" and ")
        ));
    }
    let scheme = &found.scheme;
    let is_read = |name: &HeaderName| scheme.names_of(name).contains(name);
    let others: Vec<String> =
        search.seen.iter().filter(|(name, _)| !is_read(name)).map(|(name, _)| format!("`{name}`")).collect();
    if !others.is_empty() {
        let others = others.join(" and ");
        draft.ask(&format!(
            "what is in {others}? It looks like a signature too. If another secret makes it, add a scheme with `sent_along = true`"
        ));
    }
}

fn place_keys(source: &ValueSource) -> Vec<String> {
    table_entry(source).map(|(key, text)| format!("{key} = {}", quoted(&text))).into_iter().collect()
}

/// What to ask about a scheme that was not found.
pub(super) fn scheme_questions(search: &SchemeSearch) -> (&'static str, Option<&'static str>) {
    let how = match (search.has_secret, search.is_exhausted) {
        (false, _) => "how does it sign? Learn again with its secret to find out",
        (true, true) => {
            "how does it sign? Not all ways could be tried with this secret, and none of those tried matches; smaller captures are tried faster"
        }
        (true, false) => {
            "how does it sign? No known scheme produces these signatures with this secret; is it the right one?"
        }
    };
    let private = "does the provider sign with a private key? Then learn again with its public key as the secret: PEM, or as the provider shows it";
    (how, search.is_asymmetric.then_some(private))
}

/// The scheme as a question, with what the captures show.
fn unknown_scheme(facts: &Facts<'_>, draft: &mut ManifestDraft) {
    let search = facts.search;
    draft.text.push('\n');
    let (how, other) = scheme_questions(search);
    draft.ask(how);
    for (_, seen) in &search.seen {
        draft.comment(seen);
    }
    if search.seen.is_empty() {
        draft.comment("In most captures, no header looks like a signature.");
    }
    if let Some(other) = other {
        draft.ask(other);
    }
    draft.comment("Until you fill in [secret] and [[scheme]], deliveries count as unsigned:");
    draft.line("#");
    for line in [
        "[secret]".to_owned(),
        format!("env         = {}", quoted(&variable(facts.name))),
        format!("development = {}", quoted(&development(facts.name, &SecretFormat::default()))),
        String::new(),
        "[[scheme]]".to_owned(),
        "name      = \"v1\"".to_owned(),
        "algorithm = \"hmac-sha256\"".to_owned(),
        "content   = \"{timestamp}.{body}\"".to_owned(),
        format!("signature = {{ header = \"x-{}-signature\", value = \"{{hex}}\" }}", facts.name),
        format!("timestamp = {{ header = \"x-{}-timestamp\", tolerance = \"5m\" }}", facts.name),
    ] {
        draft.line(format!("# {line}").trim_end());
    }
}

fn recognise(facts: &Facts<'_>, draft: &mut ManifestDraft) {
    let events = facts.events;
    let is_signed = facts.search.found.as_ref().is_some_and(|found| !found.scheme.headers().is_empty());
    let headers = if is_signed { Vec::new() } else { common_headers(facts.samples) };
    let is_in_form = facts.samples.iter().any(|read| read.body.json_in_form().is_some());
    let place = events.place.as_ref().filter(|_| events.are_named_by_place());
    if events.place.is_none() {
        draft.text.push('\n');
        draft.ask("how are events told apart? No header or field that all captures have names them");
    }
    if place.is_none() && !is_in_form && headers.is_empty() {
        return;
    }
    draft.section("[recognise]");
    if let Some(place) = place {
        draft.line(&format!("event   = {}", quoted(&written(place))));
    }
    if is_in_form {
        draft.line("payload = \"form:payload\"");
    }
    if !headers.is_empty() {
        let names: Vec<String> = headers.iter().map(|name| quoted(name.as_str())).collect();
        draft.line(&format!("headers = [{}]", names.join(", ")));
    }
}

/// A place as `event` and `match` write it.
fn written(place: &Place) -> String {
    match place {
        Place::Body(path) => path.to_string(),
        other => other.to_string(),
    }
}

/// The senders' own headers that all captures have.
fn common_headers(samples: &[ParsedSample<'_>]) -> Vec<HeaderName> {
    let Some(first) = samples.first() else { return Vec::new() };
    let names = own_headers(first.request()).map(|(name, _)| name.clone());
    names.filter(|name| samples.iter().all(|read| read.request().headers.contains(name.as_str()))).take(4).collect()
}

fn delivery(facts: &Facts<'_>, id: Option<&str>, draft: &mut ManifestDraft) {
    let scheme = facts.search.found.as_ref().map(|found| &found.scheme);
    draft.section("[delivery]");
    let unique = unique_headers(facts.samples);
    if let Some(id) = id {
        draft.line(&format!("id      = {}", quoted(id)));
    }
    let mut headers: Vec<(String, &str)> = Vec::new();
    if let Some(Place::Header(name)) = facts.events.place.as_ref().filter(|_| facts.events.are_named_by_place()) {
        headers.push((name.to_string(), "{event}"));
    }
    let is_used = |name: &HeaderName| {
        scheme.is_some_and(|scheme| scheme.headers().contains(name) || scheme.id_headers().contains(name))
    };
    for (name, _) in unique.iter().filter(|(name, _)| !is_used(name)) {
        headers.push((name.to_string(), "{id}"));
    }
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
    if !headers.is_empty() {
        draft.line(&format!("headers = {{ {} }}", headers.join(", ")));
    }
    let is_json_in_form = facts.samples.iter().any(|read| read.body.json_in_form().is_some());
    let kind =
        facts.samples.iter().map(|read| read.payload.kind).find(|kind| is_form(*kind)).filter(|_| !is_json_in_form);
    if let Some(kind) = kind {
        let media =
            if kind == PayloadKind::Multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
        draft.line(&format!("encodings = [{{ type = {} }}]", quoted(media)));
    }
    match user_agent(facts.name, facts.samples) {
        Some(UserAgent::Own(text)) => draft.line(&format!("user_agent = {}", quoted(&text))),
        Some(UserAgent::Other(text)) => {
            draft.ask("is this the user agent of the provider's deliveries, and not of what forwarded them?");
            draft.comment(&format!("user_agent = {}", quoted(&text)));
        }
        None => {}
    }
    if is_indented(facts.samples) {
        draft.ask(
            "how does it indent its JSON? The files in `events` are indented by two spaces, and are sent as they are",
        );
        draft.line("indented = true");
    }
    draft.ask("which statuses count as delivered, how long does it wait (`timeout`), and when does it try again (`[delivery.retry]`)?");
    draft.line("success = [\"2xx\"]");
}

fn event(facts: &Facts<'_>, group: &LearnedEvent, draft: &mut ManifestDraft) {
    draft.section("[[event]]");
    draft.line(&format!("name   = {}", quoted(&group.name)));
    draft.comment(&format!("QUESTION: what has happened when `{}` is sent?", group.name));
    draft.line(&format!("about  = {}", quoted(&group.name)));
    if facts.events.place.is_none() {
        draft.line("match  = { method = \"POST\" }");
    } else if !facts.events.are_named_by_place() {
        let condition = |(place, value): &(Place, String)| format!("{} = {}", quoted(&written(place)), quoted(value));
        let conditions: Vec<String> = group.values.iter().map(condition).collect();
        draft.line(&format!("match  = {{ {} }}", conditions.join(", ")));
    }
    if (facts.defined)(&group.name) {
        draft.line(&format!("schema = {}", quoted(&group.name)));
    } else {
        draft.line("raw    = true");
    }
    if group.fixture() != format!("events/{}.json", group.name) {
        draft.line(&format!("fixture = {}", quoted(&group.fixture())));
    }
}

/// A name as people write it: `my-shop` is `My shop`.
pub(super) fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The environment variable that has a provider's secret.
pub(super) fn variable(name: &str) -> String {
    format!("{}_WEBHOOK_SECRET", name.to_ascii_uppercase().replace('-', "_"))
}

/// A text as a basic string of TOML, which has JSON's escapes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
