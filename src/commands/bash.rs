//! Completions for bash, which inserts candidates into the command line unquoted: a file name with `$(…)` would run as
//! a command. Other shells quote what they insert, so only bash's candidates are quoted here.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::Path,
};

use clap_complete::env::{Bash, EnvCompleter};

/// clap's completions for bash, quoted.
pub(super) struct QuotedBash;

impl EnvCompleter for QuotedBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        Bash.write_registration(var, name, bin, completer, buf)
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let mut candidates = Vec::new();
        Bash.write_complete(cmd, args, current_dir, &mut candidates)?;
        let separator = env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
        buf.write_all(quoted(&String::from_utf8_lossy(&candidates), &separator).as_bytes())
    }
}

/// Candidates with a backslash before every character that is special to bash. Those with control characters, which a
/// backslash can't quote, are omitted.
fn quoted(candidates: &str, separator: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '=' | '+' | '@' | '%' | ',');
    let quote = |candidate: &str| {
        candidate.chars().flat_map(|c| [(!plain(c)).then_some('\\'), Some(c)]).flatten().collect::<String>()
    };
    let candidates = candidates.split(separator).filter(|candidate| !candidate.contains(char::is_control));
    candidates.map(quote).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_special_to_bash_are_quoted_or_omitted() {
        let quoted = |text| quoted(text, "\u{b}");
        assert_eq!(quoted("cyanite.v2.finished\u{b}--to\u{b}a/b:c"), "cyanite.v2.finished\u{b}--to\u{b}a/b:c");
        assert_eq!(quoted("x$(touch PWNED)"), "x\\$\\(touch\\ PWNED\\)");
        assert_eq!(quoted("`x`;'\"|&<>*?[~#!{}^\\"), "\\`x\\`\\;\\'\\\"\\|\\&\\<\\>\\*\\?\\[\\~\\#\\!\\{\\}\\^\\\\");
        assert_eq!(quoted("a\nb\u{b}c\rd\u{b}e"), "e");
        assert_eq!(quoted("é/日本"), "é/日本");
        assert_eq!(quoted(""), "");
    }
}
