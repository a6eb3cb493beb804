//! Why a schema file can't be used, and where the error is. `problem` describes invalid payloads.

use std::fmt;

/// An error in a schema file, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The RFC 6901 pointer of the position; empty if the file is not JSON.
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
    /// The file is not JSON.
    #[error("{0}")]
    Syntax(&'static str),
    /// A keyword, type or format that looks like a misspelt one.
    #[error("unknown {what} `{name}`{}", .nearest.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default())]
    Unknown {
        /// The kind of name, `keyword`.
        what: &'static str,
        name: String,
        /// The known name that was probably meant.
        nearest: Option<String>,
    },
    /// A keyword's value has the wrong type or is out of range.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A key that occurs twice in its object.
    #[error("a repeated key")]
    Repeated,
    /// A reference that leads nowhere in this file.
    #[error("`{0}` is not in this file; references to other documents are not followed")]
    Unresolved(String),
    /// A `$schema` of another language or draft.
    #[error("unsupported `$schema` \"{0}\"; drafts 4, 6, 7, 2019-09 and 2020-12 of JSON Schema are supported")]
    Draft(String),
    /// A pattern that does not compile, and why.
    #[error("invalid regular expression: {0}")]
    Pattern(String),
    /// A chain of references through too many schemas that doesn't go deeper into the value.
    #[error("a chain of more than {0} schemas that refer to one another without going deeper into the value")]
    Chained(usize),
    /// A rule that refers to itself without going deeper into the value.
    #[error("a schema that refers back to itself")]
    Circular,
}
