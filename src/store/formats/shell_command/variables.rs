//! The variables that a script sets, as far as their values are in it.

use std::collections::HashMap;

/// How many bytes the values that are filled in may have together, for each byte of the script, and at least.
const FACTOR: usize = 16;
const LEAST: usize = 1 << 20;

/// The variables that were set so far.
pub(super) struct Variables {
    values: HashMap<String, String>,
    left: usize,
}

impl Variables {
    /// None yet, for a script of this size in bytes.
    pub fn of_script(size: usize) -> Self {
        Self { values: HashMap::new(), left: size.saturating_mul(FACTOR).max(LEAST) }
    }

    /// Sets the variables of words such as `NAME=value`, after which no other word comes.
    pub fn set(&mut self, words: &[String]) {
        let pairs = words.iter().filter_map(|word| assignment(word));
        for (name, value) in pairs {
            self.values.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Forgets the variable that a line sets to what only running it would tell.
    pub fn forget(&mut self, line: &str) {
        if let Some((name, _)) = line.split_whitespace().find_map(assignment) {
            self.values.remove(name);
        }
    }

    /// The value of `$NAME` or `${NAME}` at the start of a text, and what follows it; `None` if it isn't known, or the values
    /// become too large.
    pub fn expand<'t>(&mut self, text: &'t str) -> Option<(&str, &'t str)> {
        let inside = text.strip_prefix("${").and_then(|inside| inside.split_once('}'));
        let (name, rest) = inside.or_else(|| {
            let name = text.strip_prefix('$')?;
            Some(name.split_at(name.find(|c: char| !is_name_part(c)).unwrap_or(name.len())))
        })?;
        let value = self.values.get(name)?;
        self.left = self.left.checked_sub(value.len())?;
        Some((value, rest))
    }
}

/// The name and the value of `NAME=value`.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_name_part);
    is_name.then_some((name, value))
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
