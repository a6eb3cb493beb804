//! The known providers as a table, the results of checking provider directories, and new ones.

use serde::Serialize;

use super::{
    palette::{Palette, Role},
    text,
};
use crate::webhook::{
    learn::Learned,
    provider::{Provider, index::IndexEntry, manifest::DirectoryMistake},
};

/// One provider in the table.
#[derive(Clone, Copy, Debug)]
pub struct ProviderRow<'a> {
    /// The provider.
    pub index: &'a IndexEntry,
    /// Its directory, or `built-in`.
    pub source: &'a str,
}

impl ProviderRow<'_> {
    /// All columns but the last, which says how it signs.
    fn columns(self) -> [String; 5] {
        let events = self.index.events().len();
        let plural = if events == 1 { "" } else { "s" };
        [
            self.index.name.clone(),
            text::printable(&self.index.title).into_owned(),
            format!("{events} event{plural}"),
            text::printable(self.index.secret_env().unwrap_or("-")).into_owned(),
            text::printable(self.source).into_owned(),
        ]
    }
}

/// The table, one line for each provider.
#[must_use]
pub fn table(rows: &[ProviderRow<'_>], palette: Palette) -> String {
    let cells: Vec<[String; 5]> = rows.iter().map(|row| row.columns()).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|column| cells.iter().map(|cells| text::width(&cells[column])).max().unwrap_or_default());
    let mut out = String::new();
    for (row, cells) in rows.iter().zip(&cells) {
        for (column, cell) in cells.iter().enumerate() {
            let padding = widths[column].saturating_sub(text::width(cell)) + 2;
            match column {
                0 => out.push_str(&palette.paint(Role::Key, cell).to_string()),
                1 => out.push_str(&palette.paint(Role::Title, cell).to_string()),
                _ => out.push_str(cell),
            }
            out.extend(std::iter::repeat_n(' ', padding));
        }
        let signs = if row.index.signs.is_empty() { "unsigned".to_owned() } else { row.index.signs.join(", or ") };
        out.push_str(&palette.paint(Role::Dim, text::printable(&signs)).to_string());
        out.push('\n');
    }
    out
}

/// A new provider directory.
#[derive(Debug, Serialize)]
pub struct WrittenProvider<'a> {
    kind: &'static str,
    provider: &'a str,
    /// `None` if nothing was written.
    directory: Option<&'a str>,
    files: Vec<&'a str>,
    /// The number of captured requests that it was learned from.
    captures: usize,
    proven: &'a [String],
    disagreeing: Vec<Disagreeing<'a>>,
    /// The headers and fields that look like a signature, if no scheme is proven.
    seen: &'a [String],
    questions: &'a [String],
    /// The commands to run next.
    next: Vec<String>,
}

/// A captured request that is not signed like the others.
#[derive(Debug, Serialize)]
struct Disagreeing<'a> {
    /// Its file, with the line if the file has several.
    capture: &'a str,
    message: &'a str,
}

impl<'a> WrittenProvider<'a> {
    /// The result for a provider. `directory` is `None` if nothing was written.
    #[must_use]
    pub fn new(provider: &'a str, directory: Option<&'a str>, learned: &'a Learned, next: Vec<String>) -> Self {
        let files = learned.files.iter().map(|(path, _)| path.as_str()).filter(|_| directory.is_some()).collect();
        let Learned { captures, proven, disagreeing, seen, questions, .. } = learned;
        let disagreeing = disagreeing.iter().map(|(capture, message)| Disagreeing { capture, message }).collect();
        Self {
            kind: "new-provider",
            provider,
            directory,
            files,
            captures: *captures,
            proven,
            disagreeing,
            seen,
            questions,
            next,
        }
    }

    /// What was written, what is proven, and what is left to do, for people.
    #[must_use]
    pub fn in_words(&self, palette: Palette) -> String {
        let mut out = String::new();
        if let Some(directory) = self.directory {
            out.extend([&palette.paint(Role::Good, "wrote").to_string(), "  ", &text::printable(directory), "\n"]);
        }
        for file in &self.files {
            out.extend(["  ", &text::printable(file), "\n"]);
        }
        let mut list = |name: &str, role, lines: &[String]| {
            for line in lines {
                out.extend([&palette.paint(role, name).to_string(), "  ", &text::printable(line), "\n"]);
            }
        };
        list("proven", Role::Good, self.proven);
        let left_out: Vec<String> =
            self.disagreeing.iter().map(|Disagreeing { capture, message }| format!("{capture}: {message}")).collect();
        list("left out", Role::Bad, &left_out);
        list("seen", Role::Warning, self.seen);
        list("open", Role::Warning, self.questions);
        if !self.next.is_empty() {
            out.push_str("next\n");
        }
        for command in &self.next {
            out.extend(["  ", &text::printable(command), "\n"]);
        }
        out
    }
}

/// The result for one provider directory.
#[derive(Debug, Serialize)]
pub struct CheckedProvider<'a> {
    kind: &'static str,
    directory: String,
    /// The provider's name, if its manifest is valid.
    provider: Option<&'a str>,
    events: Option<usize>,
    problems: Vec<ProviderProblem<'a>>,
}

/// Something wrong in a provider directory.
#[derive(Debug, Serialize)]
struct ProviderProblem<'a> {
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
}

impl<'a> CheckedProvider<'a> {
    /// A directory that passed its check.
    #[must_use]
    pub fn passed(directory: String, provider: &'a Provider) -> Self {
        let (name, events) = (Some(provider.name.as_str()), Some(provider.events.len()));
        Self { kind: "checked-provider", directory, provider: name, events, problems: Vec::new() }
    }

    /// A directory with these mistakes.
    #[must_use]
    pub fn failed(directory: String, errors: &'a [DirectoryMistake]) -> Self {
        let problem = |error: &'a DirectoryMistake| {
            let (line, column) = error.position.unzip();
            ProviderProblem { file: &error.file, line, column, message: &error.message }
        };
        let problems = errors.iter().map(problem).collect();
        Self { kind: "checked-provider", directory, provider: None, events: None, problems }
    }

    /// Whether the check found no problems.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// The result for people: one line, and another for each problem.
    #[must_use]
    pub fn in_words(&self, palette: Palette) -> String {
        let directory = text::printable(&self.directory);
        if let (Some(provider), Some(events)) = (self.provider, self.events) {
            let plural = if events == 1 { "" } else { "s" };
            return format!(
                "{}  {directory}  {provider}, {events} event{plural}\n",
                palette.paint(Role::Good, "passed")
            );
        }
        let mut out = format!("{}  {directory}\n", palette.paint(Role::Bad, "failed"));
        for ProviderProblem { file, line, column, message } in &self.problems {
            let position = line.zip(*column).map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
            out.extend(["  ", &text::printable(file), &position, ": ", &text::printable(message), "\n"]);
        }
        out
    }
}
