//! Calls that send a request, as browsers copy them ("Copy as fetch"), Postman generates them, and people write them:
//! JavaScript's `fetch`, axios, Got, superagent and k6; Python's requests and HTTPX, and the clients of test suites.
//!
//! No code is run. Values may be in variables that the text sets earlier. A body given as values is serialised as the
//! library would. Anything that needs a variable from elsewhere, a variable that code changes, or a function is an
//! error.

mod chain;
mod clients;
mod code;
mod expression;
mod scope;
mod sent;
mod value;

use self::{
    clients::Clients,
    code::code,
    expression::{Argument, Expression, arguments, expression},
    scope::Scope,
};
use super::{
    Collected, Entry, EntryFault, EntryReader, FAR, Format, GzipBudget, Input, newlines, parts::expected,
    position::Start, values::text_literal::SourceLanguage, whole,
};

/// Calls that send a request.
pub(super) struct HttpCall;

impl Format for HttpCall {
    fn name(&self) -> &'static str {
        "a call to an HTTP library such as fetch, axios, requests or superagent"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The head may end within a character.
        let text = String::from_utf8_lossy(head);
        calls(&text, &Clients::of(&text, &text)).any(|call| call.is_request(&text))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        Ok(Box::new(read(&String::from_utf8_lossy(&input))))
    }
}

/// A library, which determines how values are serialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    Fetch,
    Axios,
    Got,
    Requests,
    Httpx,
    /// The test clients of Flask, Django and `FastAPI`.
    PythonClient,
    /// k6's `http`.
    K6,
    /// superagent and supertest, whose options are methods called on the request.
    Superagent,
}

impl Library {
    fn language(self) -> SourceLanguage {
        match self {
            Self::Fetch | Self::Axios | Self::Got | Self::K6 | Self::Superagent => SourceLanguage::JavaScript,
            Self::Requests | Self::Httpx | Self::PythonClient => SourceLanguage::Python,
        }
    }
}

/// The functions, with the HTTP method of those named after one.
const FUNCTIONS: [(&str, Library); 6] = [
    ("fetch", Library::Fetch),
    ("axios", Library::Axios),
    ("axios.request", Library::Axios),
    ("got", Library::Got),
    ("requests.request", Library::Requests),
    ("httpx.request", Library::Httpx),
];
const MODULES: [(&str, Library); 8] = [
    ("axios.", Library::Axios),
    ("got.", Library::Got),
    ("http.", Library::K6),
    ("superagent.", Library::Superagent),
    ("requests.", Library::Requests),
    ("session.", Library::Requests),
    ("httpx.", Library::Httpx),
    ("client.", Library::PythonClient),
];
/// Modules whose names are also used for other things, such as database sessions, which have `get` and `delete` too.
const COMMON: [&str; 3] = ["http.", "session.", "client."];
const METHODS: [&str; 7] = ["post", "put", "patch", "get", "delete", "head", "options"];

/// The position of a call in a text.
#[derive(Clone, Copy)]
struct Call {
    library: Library,
    /// The HTTP method that the function is named after.
    method: Option<&'static str>,
    /// The offset of the function's name, in bytes.
    start: usize,
    /// The offset of the parenthesis, in bytes.
    at: usize,
}

impl Call {
    /// The first call at or after an offset, at the start of a statement or after `=`, `(`, `return`, `await` and the
    /// like.
    fn find(text: &str, from: usize, clients: &Clients) -> Option<Self> {
        let mut at = from;
        while let Some(open) = text[at..].find('(').map(|found| at + found) {
            let before = &text[from..open];
            let start = before
                .rfind(|c: char| !(c.is_alphanumeric() || "_$.".contains(c)))
                .map_or(0, |last| last + before[last..].chars().next().map_or(0, char::len_utf8));
            let called = &before[start..];
            let code = before[..start].trim_end();
            let is_code = code.is_empty()
                || code.ends_with(['=', '(', '>', ';', '{', ','])
                || ["await", "return", "with", "assert", "$"].iter().any(|word| code.ends_with(word));
            if is_code && let Some((library, method)) = clients.function(called).or_else(|| function(called)) {
                return Some(Self { library, method, start: from + start, at: open });
            }
            // `request(app).post('/a')`, or its `.post('/a')` on a line of its own.
            if (code.is_empty() || code.ends_with(')'))
                && text[open + 1..].starts_with(['\'', '"', '`'])
                && let Some(method) = called.strip_prefix('.').and_then(method)
            {
                return Some(Self {
                    library: Library::Superagent,
                    method: Some(method),
                    start: from + start,
                    at: open,
                });
            }
            at = open + 1;
        }
        None
    }

    /// Whether it makes a request: `.post('/a', …)` may also define a server's route.
    fn is_request(self, text: &str) -> bool {
        let end = (self.at + FAR..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        let start = &text[self.at..end];
        self.library != Library::Superagent
            || arguments(start, SourceLanguage::JavaScript).is_some_and(|(_, rest)| chain::has_content(rest))
    }

    /// The arguments, including those of methods called on the request, and the rest of the text.
    fn arguments<'t>(&self, text: &'t str, language: SourceLanguage) -> Option<(Vec<Argument>, &'t str)> {
        let (mut found, mut rest) = arguments(text, language)?;
        if self.library == Library::Superagent {
            let (methods, after) = chain::methods(rest);
            found.extend(methods);
            rest = after;
        }
        Some((found, rest))
    }
}

fn function(called: &str) -> Option<(Library, Option<&'static str>)> {
    if let Some((_, library)) = FUNCTIONS.iter().find(|(name, _)| *name == called) {
        return Some((*library, None));
    }
    let called = called.strip_prefix("self.").unwrap_or(called);
    MODULES.iter().find_map(|(module, library)| {
        let method = method(called.strip_prefix(module)?)?;
        let is_call = !COMMON.contains(module) || matches!(method, "post" | "put" | "patch");
        is_call.then_some((*library, Some(method)))
    })
}

fn method(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|known| **known == name).copied()
}

/// A line of a text, from its first statement. Its calls are searched for once, however many statements it has.
struct SourceLine<'t> {
    /// The text up to the end of the line.
    text: &'t str,
    clients: &'t Clients,
    next_call: Option<Call>,
}

impl<'t> SourceLine<'t> {
    fn from(text: &'t str, start: usize, clients: &'t Clients) -> Self {
        let end = text[start..].find('\n').map_or(text.len(), |feed| start + feed + 1);
        let text = &text[..end];
        Self { text, clients, next_call: Call::find(text, start, clients) }
    }

    fn end(&self) -> usize {
        self.text.len()
    }

    /// The offset of its line feed, or the end of the text.
    fn last(&self) -> usize {
        self.end() - usize::from(self.text.ends_with('\n'))
    }

    /// The first call at or after the statement at this offset.
    fn call(&mut self, statement: usize) -> Option<Call> {
        if self.next_call.is_some_and(|call| call.at < statement) {
            self.next_call = Call::find(self.text, statement, self.clients);
        }
        let is_comment = self.text[statement..].trim_start().starts_with(['#', '/', '*']);
        self.next_call.filter(|_| !is_comment)
    }
}

/// The first call of each line.
fn calls<'t>(text: &'t str, clients: &'t Clients) -> impl Iterator<Item = Call> {
    let mut start = 0;
    let lines = std::iter::from_fn(move || {
        let mut line = (start < text.len()).then(|| SourceLine::from(text, start, clients))?;
        let call = line.call(start);
        start = line.end();
        Some(call)
    });
    lines.flatten()
}

/// How many unterminated statements are tolerated, because each is read to the end of the text.
const MAX_UNENDED: usize = 8;

/// Reads the calls of a text, each with the variables set before it.
fn read(text: &str) -> Collected {
    let mut collected = Collected::default();
    let mut scope = Scope::default();
    let first = calls(text, &Clients::of(text, text)).next();
    let language = first.map_or(SourceLanguage::Python, |call| call.library.language());
    let code = code(text, language);
    let clients = &Clients::of(text, &code);
    let mut next_client = 0;
    let (mut line, mut at, mut number, mut unended) = (SourceLine::from(text, 0, clients), 0, 1, 0);
    while at < text.len() {
        next_client = clients.define(next_client, at, &mut scope);
        let after = match line.call(at) {
            // Within a comment or a multi-line string.
            _ if code[at..line.end()].trim_start().is_empty() => Some(&text[line.last()..]),
            Some(call) => {
                // The call's result may be assigned to a variable, and other statements may precede it on the line.
                let left = scope.statement(&text[at..call.at], language);
                if let Some(next) = left.and_then(|left| next_statement(left, language)) {
                    at = call.at - next.len();
                    continue;
                }
                let read = call.arguments(&text[call.at..], language);
                let after = read.as_ref().map(|(_, after)| *after);
                let read = read.ok_or_else(|| expected("a call that ends"));
                next_client = clients.define(next_client, call.at, &mut scope);
                let sent = read.and_then(|(mut arguments, _)| {
                    arguments.extend(clients.arguments(&text[call.start..call.at], call.start)?);
                    sent::entry(&call, &scope.filled(arguments))
                });
                match sent {
                    Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(number), ..entry })),
                    Ok(None) => collected.count_skipped(),
                    Err(error) => collected.push(Err(EntryFault::at(Start::of_line(number), error))),
                }
                after
            }
            None => scope.statement(&text[at..], language),
        };
        unended += usize::from(after.is_none() && text.len() - at > FAR);
        if unended > MAX_UNENDED {
            let error = expected("complete statements; the rest of the text was not read");
            collected.push(Err(EntryFault::at(Start::of_line(number), error)));
            break;
        }
        // Continue with the next statement on the line, or with the line after what was read.
        let read = after.map_or(at, |after| text.len() - after.len());
        if read >= line.end() {
            line = SourceLine::from(text, read, clients);
        }
        let next = after.and_then(|_| next_statement(&line.text[read..], language));
        let next = next.map_or(line.end(), |next| line.end() - next.len());
        number += newlines(&text[at..next]);
        at = next;
        if at == line.end() {
            line = SourceLine::from(text, at, clients);
        }
    }
    collected
}

/// The text after the semicolon that ends a line's first statement.
fn next_statement(line: &str, language: SourceLanguage) -> Option<&str> {
    let (_, rest) = expression(line, language).unwrap_or((Expression::Other, line));
    let next = rest.trim_start().strip_prefix(';')?;
    (!next.trim().is_empty()).then_some(next)
}

#[cfg(test)]
mod tests;
