//! Variables that hold a client with its own options: `requests.Session()`, `httpx.Client(…)`, `axios.create(…)`.
//!
//! A call uses the current options of the last client with its name. [`Scope`] holds these as variables. If code uses a
//! client other than to send or to set headers, it may have changed the client, which is an error.

use super::{
    super::parts::{ParseError, expected, quoted},
    super::values::text_literal::SourceLanguage,
    Library, METHODS,
    expression::{Argument, Expression, arguments, name},
    scope::Scope,
};

/// The constructors of clients, and their libraries.
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
const MAX_CLIENTS: usize = 64;

/// How often the headers of a client may be set.
const MAX_SETTINGS: usize = 64;

/// The members of a client, besides [`METHODS`], whose use doesn't change what it sends.
const NEUTRAL: [&str; 14] = [
    "aclose",
    "build_request",
    "cert",
    "close",
    "max_redirects",
    "mount",
    "prepare_request",
    "proxies",
    "request",
    "send",
    "stream",
    "timeout",
    "trust_env",
    "verify",
];

/// The name of the option whose value is headers for each call of a client.
pub(super) const CLIENT_HEADERS: &str = "headers of the client";

/// The name of the option whose value is an object with the other options of a client.
pub(super) const CLIENT_OPTIONS: &str = "options of the client";

/// The clients of a text, in order.
#[derive(Default)]
pub(super) struct Clients {
    clients: Vec<HttpClient>,
    /// The offset at which too many are created, in bytes.
    end: usize,
}

struct HttpClient {
    name: String,
    library: Library,
    /// The start and end offsets of its creation, in bytes.
    at: usize,
    end: usize,
    headers: Expression,
    options: Vec<(String, Expression)>,
    /// The offset and text of the first use of it other than to send or to set headers.
    other_use: Option<(usize, String)>,
}

impl Clients {
    /// The clients created in a text. `code` is the text without comments and literals, with the same offsets.
    pub fn of(text: &str, code: &str) -> Self {
        let made = MAKERS.iter().flat_map(|(maker, library)| {
            code.match_indices(maker).map(move |(at, _)| (at, at + maker.len() - 1, *library))
        });
        let mut made: Vec<_> = made.collect();
        made.sort_unstable_by_key(|(at, ..)| *at);
        let end = made.get(MAX_CLIENTS).map_or(code.len(), |(at, ..)| *at);
        let made = made.into_iter().take(MAX_CLIENTS);
        let mut clients: Vec<HttpClient> =
            made.filter_map(|(at, open, library)| HttpClient::made(text, at, open, library)).collect();
        for number in 0..clients.len() {
            let client = &clients[number];
            let next = clients[number + 1..].iter().find(|later| later.name == client.name);
            clients[number].other_use = client.other_use_before(next.map_or(end, |next| next.at), code);
        }
        Self { clients, end }
    }

    /// The library of a call's function, and the HTTP method that it is named after.
    pub fn function(&self, called: &str) -> Option<(Library, Option<&'static str>)> {
        let (name, method) = called.rsplit_once('.')?;
        let client = self.clients.iter().find(|client| client.name == name)?;
        Some((client.library, Some(super::method(method)?)))
    }

    /// Defines the variables of the clients, starting at index `from`, that are created before an offset. Returns the
    /// index of the next one.
    pub fn define(&self, from: usize, before: usize, scope: &mut Scope) -> usize {
        let made = self.clients[from..].iter().take_while(|client| client.at < before);
        made.map(|client| client.define(scope)).count() + from
    }

    /// The variables that the client of a call at an offset adds to its arguments.
    pub fn arguments(&self, called: &str, at: usize) -> Result<Vec<Argument>, ParseError> {
        let Some((name, _)) = called.rsplit_once('.') else { return Ok(Vec::new()) };
        let mut named = self.clients.iter().filter(|client| client.name == name).peekable();
        if named.peek().is_none() {
            return Ok(Vec::new());
        }
        if at > self.end {
            return Err(expected(format!("at most {MAX_CLIENTS} clients before the call")));
        }
        let Some(client) = named.take_while(|client| client.at < at).last() else {
            return Err(unknown(&format!("that is made before the call, found {}", quoted(name))));
        };
        if let Some((_, found)) = client.other_use.as_ref().filter(|(other, _)| *other < at) {
            return Err(unknown(&format!("for which code only sets literal headers, found {}", quoted(found))));
        }
        let argument =
            |name: &str, variable| Argument { name: Some(name.to_owned()), value: Expression::Name(variable) };
        Ok(vec![argument(CLIENT_OPTIONS, client.options_name()), argument(CLIENT_HEADERS, client.headers_name())])
    }
}

fn unknown(what: &str) -> ParseError {
    expected(format!("a client {what}: hookdev runs no code; save the request itself instead"))
}

impl HttpClient {
    /// The client created at an offset, whose arguments start at `open`.
    fn made(text: &str, at: usize, open: usize, library: Library) -> Option<Self> {
        let (given, rest) = arguments(&text[open..], library.language())?;
        let (found, rest) = if let Some(after) = rest.trim_start().strip_prefix("as ") {
            let found = name(after.trim_start());
            (found, &after.trim_start()[found.len()..])
        } else {
            let before = text[..at].trim_end().strip_suffix('=')?.trim_end();
            (before.rsplit(|c: char| !is_of_name(c)).next()?, rest)
        };
        let members = given.into_iter().flat_map(|argument| match argument {
            Argument { name: None, value: Expression::Object(members) } => members,
            Argument { name, value } => vec![(name.unwrap_or_default(), value)],
        });
        let (headers, options): (Vec<_>, _) = members.partition(|(name, _)| name == "headers");
        let headers = headers.into_iter().next().map_or(Expression::Object(Vec::new()), |(_, value)| value);
        let (name, end) = (found.to_owned(), text.len() - rest.len());
        (!name.is_empty()).then_some(Self { name, library, at, end, headers, options, other_use: None })
    }

    fn define(&self, scope: &mut Scope) {
        scope.define(self.options_name(), Expression::Object(self.options.clone()));
        scope.define(self.headers_name(), self.headers.clone());
    }

    /// The variable that holds its headers.
    fn headers_name(&self) -> String {
        format!("{}.headers", self.name)
    }

    /// The variable that holds its other options. No code can use this name.
    fn options_name(&self) -> String {
        format!("{}()", self.name)
    }

    /// Its first use before an offset that may change it in a way that isn't understood.
    fn other_use_before(&self, end: usize, code: &str) -> Option<(usize, String)> {
        let (block, mut settings) = (self.block(code), 0);
        let places = code.get(self.end..end)?.match_indices(&self.name).map(|(at, _)| self.end + at);
        let mut uses = places.filter_map(|at| {
            let found = name(&code[at..]);
            let member =
                found.strip_prefix(&self.name).filter(|member| member.is_empty() || member.starts_with('.'))?;
            (!code[..at].ends_with(is_of_name)).then_some((at, found, member.get(1..).unwrap_or_default()))
        });
        // A call in a deeper block, such as a function's, may run later than the code after it.
        let mut deeper = None;
        uses.find_map(|(at, found, member)| {
            let first = member.split('.').next().unwrap_or_default();
            let is_python = self.library.language() == SourceLanguage::Python;
            let other = match member {
                "headers" | "headers.update" if is_python => {
                    settings += 1;
                    // In another block, it may depend on a condition.
                    let is_read = settings <= MAX_SETTINGS && is_statement(code, at) && indentation(code, at) == block;
                    if self.is_left(at, block, code) { Some(self.end) } else { deeper.or((!is_read).then_some(at)) }
                }
                _ if METHODS.contains(&first) && is_python => {
                    let depth = indentation(code, at).len();
                    deeper = deeper.or((depth > block.len()).then_some(at - 1));
                    (depth < block.len()).then_some(at - 1)
                }
                _ => (!METHODS.contains(&first) && !NEUTRAL.contains(&first)).then_some(at),
            };
            Some((other?, found.to_owned()))
        })
    }

    /// Whether its block has ended before an offset.
    fn is_left(&self, at: usize, block: &str, code: &str) -> bool {
        let lines = code[self.end..at].lines().skip(1).filter(|line| !line.trim().is_empty());
        lines.map(|line| line.len() - line.trim_start().len()).any(|depth| depth < block.len())
    }

    /// The indentation of the statements that follow it in its block.
    fn block<'t>(&self, code: &'t str) -> &'t str {
        match code[self.end..].trim_start_matches([' ', '\t']).strip_prefix(':') {
            // Within `with … as …:`
            Some(block) => indentation(code, code.len() - block.trim_start().len()),
            None => indentation(code, self.at),
        }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// The line at an offset up to there.
fn line_before(code: &str, at: usize) -> &str {
    code[..at].rsplit('\n').next().unwrap_or_default()
}

/// Whether a statement starts at an offset.
fn is_statement(code: &str, at: usize) -> bool {
    let before = line_before(code, at).trim_end();
    before.is_empty() || before.ends_with(';')
}

/// The whitespace at the start of the line at an offset.
fn indentation(code: &str, at: usize) -> &str {
    let line = line_before(code, at);
    &line[..line.len() - line.trim_start().len()]
}
