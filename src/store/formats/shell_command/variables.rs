//! The variables that a script sets, as far as it contains their values.

use std::collections::HashMap;

use crate::store::env_file::{is_name, is_name_part};

/// The limit on the total size of the values filled in: bytes per byte of the script, and the minimum.
const FACTOR: usize = 16;
const LEAST: usize = 1 << 20;

/// The commands that change the variables that they name.
const CHANGING: [&str; 7] = ["unset", "read", "for", "declare", "typeset", "let", "mapfile"];

/// The variables set so far.
pub(super) struct ShellVariables {
    values: HashMap<String, String>,
    left: usize,
}

impl ShellVariables {
    /// No variables yet, for a script of this size in bytes.
    pub fn of_script(size: usize) -> Self {
        Self { values: HashMap::new(), left: size.saturating_mul(FACTOR).max(LEAST) }
    }

    /// Applies a command that sets variables, `NAME=value` or `export NAME=value`. Variables that another command may
    /// change are forgotten. Those before a program, as in `NAME=value ./run.sh`, apply only to that program.
    pub fn run(&mut self, words: &[String]) {
        let is_declared = words.first().is_some_and(|word| matches!(word.as_str(), "export" | "readonly" | "local"));
        let pairs = &words[usize::from(is_declared)..];
        if pairs.iter().all(|word| assignment(word).is_some() || is_declared && is_name(word)) {
            let set = |(name, value): (&str, &str)| self.values.insert(name.to_owned(), value.to_owned());
            pairs.iter().filter_map(|word| assignment(word)).map(set).for_each(drop);
            return;
        }
        let changes = |word: &String| CHANGING.contains(&word.as_str()) || word.contains("+=");
        if is_declared || words.first().is_some_and(changes) {
            self.forget(words.iter().map(String::as_str));
        }
    }

    /// Forgets the variables that these words name or set, because their values are known only by running them.
    pub fn forget<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        for word in words {
            let name = word.split_once('=').map_or(word, |(name, _)| name.trim_end_matches('+'));
            self.values.remove(name);
        }
    }

    /// The value of `$NAME` or `${NAME}` at the start of a text, and what follows it; `None` if it isn't known, or the
    /// values become too large.
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
    is_name(name).then_some((name, value))
}
