//! Why a schema file cannot be used, and the place in it that is to blame. What is wrong with a payload stands in
//! `problem`.

use std::fmt;

/// A schema file that cannot be used, and the place that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The RFC 6901 pointer of that place; empty when the file is not JSON.
    pub pointer: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.flaw, self.line, self.column)?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " (`{}`)", self.pointer) }
    }
}

impl std::error::Error for SchemaError {}

/// What can be wrong in a schema file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(&'static str),
    /// A keyword, type, format or definition that is not known.
    #[error("unknown {what} `{name}`{}", .nearest.as_ref().map(|near| format!(", the nearest is `{near}`,")).unwrap_or_default())]
    Unknown {
        /// What was looked for, `keyword`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The known name that was probably meant.
        nearest: Option<String>,
    },
    /// A keyword's value is something else.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A key that its object has twice.
    #[error("a repeated key")]
    Repeated,
    /// A keyword that belongs at the root of the file.
    #[error("a keyword that can stand at the root alone")]
    RootOnly,
    /// A pattern that does not compile, and why.
    #[error("no regular expression ({0})")]
    Pattern(String),
    /// A rule that leads to itself without going deeper into the value, or so far that it could as well.
    #[error("a schema that refers back to itself")]
    Circular,
}
