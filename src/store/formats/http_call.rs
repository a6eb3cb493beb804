//! Calls that send a request, as browsers copy them ("Copy as fetch"), Postman generates them, and people write them:
//! JavaScript's `fetch`, axios, Got, superagent and k6; Python's requests and HTTPX, and the clients of test suites.
//!
//! Nothing is run. Values may be in variables that the text sets before. A body of values is what the library makes of them;
//! what needs a variable from elsewhere, one that is changed by code, or a function is an error.

mod chain;
mod expression;
mod scope;
mod sent;
mod value;

use self::{
    expression::{Argument, Expression, arguments, expression},
    scope::Scope,
};
use super::{
    Collected, Entry, FAR, Fault, Format, Input, Reader, newlines, parts::expected, position::Start,
    values::text_literal::Language, whole,
};

/// Calls that send a request.
pub(super) struct HttpCall;

impl Format for HttpCall {
    fn name(&self) -> &'static str {
        "a call of an HTTP library such as fetch, axios, requests or superagent"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The head may end within a character.
        let text = String::from_utf8_lossy(head);
        text.split_inclusive('\n').any(|line| Call::of_line(line).is_some())
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let input = whole(input)?;
        Ok(Box::new(read(&String::from_utf8_lossy(&input))))
    }
}

/// A library, which decides what becomes of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    Fetch,
    Axios,
    Got,
    Requests,
    Httpx,
    /// The clients of test suites: those of Flask, Django and `FastAPI`.
    PythonClient,
    /// k6's `http`.
    K6,
    /// superagent and supertest, whose options are methods that are called on the request.
    Superagent,
}

impl Library {
    fn language(self) -> Language {
        match self {
            Self::Fetch | Self::Axios | Self::Got | Self::K6 | Self::Superagent => Language::JavaScript,
            Self::Requests | Self::Httpx | Self::PythonClient => Language::Python,
        }
    }
}

/// The functions, with the method of those that are named for it.
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
const METHODS: [&str; 7] = ["post", "put", "patch", "get", "delete", "head", "options"];

/// Where a call is in a line.
struct Call {
    library: Library,
    /// The method that the function is named for.
    method: Option<&'static str>,
    /// Where the parenthesis is, in bytes.
    at: usize,
}

impl Call {
    /// The call that a line of code makes: at its start, or after `=`, `(`, `return`, `await` and the like.
    fn of_line(line: &str) -> Option<Self> {
        let mut at = 0;
        while let Some(open) = line[at..].find('(').map(|found| at + found) {
            let before = &line[..open];
            let start = before
                .rfind(|c: char| !(c.is_alphanumeric() || "_$.".contains(c)))
                .map_or(0, |last| last + before[last..].chars().next().map_or(0, char::len_utf8));
            let called = &before[start..];
            let code = before[..start].trim_end();
            let is_code = code.is_empty()
                || code.ends_with(['=', '(', '>', ';', '{', ','])
                || ["await", "return", "with", "assert", "$"].iter().any(|word| code.ends_with(word));
            let is_comment = code.trim_start().starts_with(['#', '/', '*']);
            if is_code
                && !is_comment
                && let Some((library, method)) = function(called)
            {
                return Some(Self { library, method, at: open });
            }
            // `request(app).post('/a')`, or its `.post('/a')` on a line of its own.
            if (code.is_empty() || code.ends_with(')'))
                && line[open + 1..].starts_with(['\'', '"', '`'])
                && let Some(method) = called.strip_prefix('.').and_then(method)
            {
                return Some(Self { library: Library::Superagent, method: Some(method), at: open });
            }
            at = open + 1;
        }
        None
    }

    /// The arguments, those of the methods that are called on the request included, and the rest of the text.
    fn arguments<'t>(&self, text: &'t str, language: Language) -> Option<(Vec<Argument>, &'t str)> {
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
    MODULES.iter().find_map(|(module, library)| Some((*library, Some(method(called.strip_prefix(module)?)?))))
}

fn method(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|known| **known == name).copied()
}

/// How many statements may have no end. Reading one takes it to the end of the text.
const MAX_UNENDED: usize = 8;

/// Reads the calls of a text, each with the variables that are set before it.
fn read(text: &str) -> Collected {
    let mut collected = Collected::default();
    let mut scope = Scope::default();
    let first = text.split_inclusive('\n').find_map(Call::of_line);
    let language = first.map_or(Language::Python, |call| call.library.language());
    let (mut rest, mut line, mut unended) = (text, 1, 0);
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |feed| feed + 1);
        let after = match Call::of_line(&rest[..end]) {
            Some(call) => {
                // What the call returns may be set. Other statements may be before it in the line.
                let before = &rest[..call.at];
                if let Some(next) = scope.statement(before, language).and_then(|left| next_statement(left, language)) {
                    rest = &rest[before.len() - next.len()..];
                    continue;
                }
                let read = call.arguments(&rest[call.at..], language);
                let after = read.as_ref().map(|(_, after)| *after);
                let read = read.ok_or_else(|| expected("a call that ends"));
                match read.and_then(|(arguments, _)| sent::entry(&call, &scope.filled(arguments))) {
                    Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                    Ok(None) => collected.count_skipped(),
                    Err(error) => collected.push(Err(Fault::at(Start::of_line(line), error))),
                }
                after
            }
            None => scope.statement(rest, language),
        };
        unended += usize::from(after.is_none() && rest.len() > FAR);
        if unended > MAX_UNENDED {
            let error = expected("complete statements; the rest of the text was not read");
            collected.push(Err(Fault::at(Start::of_line(line), error)));
            break;
        }
        // Go on with the next statement of the line, or the line after what was read.
        let read = after.map_or(0, |after| rest.len() - after.len());
        let line_end = rest[read..].find('\n').map_or(rest.len(), |feed| read + feed + 1).max(end);
        let in_line = after.and_then(|_| next_statement(&rest[read..line_end], language));
        let next = in_line.map_or(line_end, |next| line_end - next.len());
        line += newlines(&rest[..next]);
        rest = &rest[next..];
    }
    collected
}

/// What follows the semicolon that ends the statement at the start of a line.
fn next_statement(line: &str, language: Language) -> Option<&str> {
    let (_, rest) = expression(line, language).unwrap_or((Expression::Other, line));
    let next = rest.trim_start().strip_prefix(';')?;
    (!next.trim().is_empty()).then_some(next)
}

#[cfg(test)]
mod tests;
