//! The variables that hold a client with options of its own: `requests.Session()`, `httpx.Client(…)`,
//! `axios.create(…)`.

use super::{
    super::values::text_literal::Language,
    Library,
    expression::{Argument, Expression, arguments, expression},
};

/// What makes a client, and the library that its calls are of.
const MAKERS: [(&str, Library); 8] = [
    ("requests.Session(", Library::Requests),
    ("requests.session(", Library::Requests),
    (" Session(", Library::Requests),
    ("httpx.Client(", Library::Httpx),
    ("httpx.AsyncClient(", Library::Httpx),
    ("aiohttp.ClientSession(", Library::Requests),
    ("axios.create(", Library::Axios),
    ("got.extend(", Library::Got),
];

/// How many clients a text may have.
const MAX_CLIENTS: usize = 16;

/// How often the headers of one may be set.
const MAX_UPDATES: usize = 16;

/// The name of the option whose value is headers for each call of a client.
pub(super) const CLIENT_HEADERS: &str = "headers of the client";

/// The clients of a text.
#[derive(Default)]
pub(super) struct Clients(Vec<Client>);

struct Client {
    name: String,
    library: Library,
    /// What it adds to each call.
    options: Vec<Argument>,
}

impl Clients {
    pub fn of(text: &str) -> Self {
        let made = MAKERS.iter().flat_map(|(maker, library)| {
            text.match_indices(maker).map(move |(at, _)| (at, at + maker.len() - 1, *library))
        });
        Self(made.take(MAX_CLIENTS).filter_map(|(at, open, library)| Client::made(text, at, open, library)).collect())
    }

    /// The library of a call's function, and the method that it is named for.
    pub fn function(&self, called: &str) -> Option<(Library, Option<&'static str>)> {
        let (client, method) = self.find(called)?;
        Some((client.library, Some(method)))
    }

    /// What the client adds to the arguments of a call.
    pub fn options(&self, called: &str) -> &[Argument] {
        self.find(called).map_or(&[], |(client, _)| &client.options)
    }

    fn find(&self, called: &str) -> Option<(&Client, &'static str)> {
        let (name, method) = called.rsplit_once('.')?;
        // The last one of a name.
        let client = self.0.iter().rfind(|client| client.name == name)?;
        Some((client, super::method(method)?))
    }
}

impl Client {
    /// The client that is made at an offset; its arguments start at `open`.
    fn made(text: &str, at: usize, open: usize, library: Library) -> Option<Self> {
        let language = library.language();
        let (given, rest) = arguments(&text[open..], language)?;
        let name = if let Some(after) = rest.trim_start().strip_prefix("as ") {
            after.trim_start().split(|c: char| !is_of_name(c)).next()
        } else {
            let before = text[..at].trim_end().strip_suffix('=')?.trim_end();
            before.rsplit(|c: char| !is_of_name(c)).next()
        };
        let name = name.filter(|name| !name.is_empty())?.to_owned();
        let members = given.into_iter().flat_map(|argument| match argument {
            Argument { name: None, value: Expression::Object(members) } => members,
            Argument { name, value } => vec![(name.unwrap_or_default(), value)],
        });
        let option = |(name, value): (String, Expression)| match name.as_str() {
            "headers" => Argument { name: Some(CLIENT_HEADERS.to_owned()), value },
            _ => Argument { name: Some(name), value },
        };
        let mut options: Vec<Argument> = members.map(option).collect();
        options.extend(updates(text, &name, language));
        Some(Self { name, library, options })
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// The headers that a text sets for a client: `s.headers.update({…})`, `s.headers = {…}`, `s.headers["x"] = "…"`.
fn updates(text: &str, client: &str, language: Language) -> Vec<Argument> {
    let set = format!("{client}.headers");
    let places = text.match_indices(&set).filter(|(at, _)| !text[..*at].ends_with(is_of_name));
    let value = |(at, _): (usize, &str)| {
        let after = &text[at + set.len()..];
        let assigned = |rest: &str| Some(expression(rest.trim_start().strip_prefix('=')?, language)?.0);
        let value = if let Some(call) = after.strip_prefix(".update") {
            arguments(call, language)?.0.into_iter().next()?.value
        } else if let Some(index) = after.strip_prefix('[') {
            let (Expression::Text(name), rest) = expression(index, language)? else { return None };
            Expression::Object(vec![(name, assigned(rest.trim_start().strip_prefix(']')?)?)])
        } else {
            assigned(after)?
        };
        Some(Argument { name: Some(CLIENT_HEADERS.to_owned()), value })
    };
    places.take(MAX_UPDATES).filter_map(value).collect()
}
