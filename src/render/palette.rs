//! Colour for one stream: which [`Role`] looks how, and whether the stream shows colour at all. The
//! `colored` crate supplies the codes, once; painting is then pushing strings. What is painted must
//! have passed through [`super::text`] already.

use std::fmt;
use std::sync::LazyLock;

use colored::{ColoredString, Colorize};

/// What a piece of text means, which decides how it looks.
///
/// Each look reads on light and on dark backgrounds: no black, white, blue or bright colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What a line or table is about.
    Title,
    /// Verified, accepted, passed.
    Good,
    /// Rejected, refused, failed; errors.
    Bad,
    /// Warnings, and what is neither good nor bad.
    Warning,
    /// What may be overlooked: times, notes, what was left out.
    Dim,
    /// URLs and paths to open.
    Link,
    /// The name of a member or field.
    Key,
    /// A JSON string.
    String,
    /// A JSON number.
    Number,
    /// `true`, `false` and `null`.
    Literal,
}

impl Role {
    const ALL: [Self; 10] = [
        Self::Title,
        Self::Good,
        Self::Bad,
        Self::Warning,
        Self::Dim,
        Self::Link,
        Self::Key,
        Self::String,
        Self::Number,
        Self::Literal,
    ];

    fn style(self, text: &str) -> ColoredString {
        match self {
            Self::Title => text.bold(),
            Self::Good | Self::String => text.green(),
            Self::Bad => text.red().bold(),
            Self::Warning | Self::Literal => text.yellow(),
            Self::Dim => text.dimmed(),
            Self::Link => text.underline(),
            Self::Key => text.cyan(),
            Self::Number => text.magenta(),
        }
    }
}

/// The codes of one stream, empty when it shows no colour.
#[derive(Clone, Copy, Debug)]
pub struct Palette(Option<&'static Codes>);

impl Palette {
    /// The palette of a stream that shows colour, or does not (see [`decide`]).
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self(on.then(|| &*CODES))
    }

    /// `text` between the codes of `role`.
    ///
    /// Width and alignment of the format string hold for the text, not for the codes.
    pub fn paint<T: fmt::Display>(self, role: Role, text: T) -> Painted<T> {
        Painted { open: self.open(role), text, close: self.close(role) }
    }

    /// Appends `text` between the codes of `role`.
    pub fn push(self, role: Role, text: &str, out: &mut String) {
        out.push_str(self.open(role));
        out.push_str(text);
        out.push_str(self.close(role));
    }

    /// What switches the look of `role` on.
    #[must_use]
    pub fn open(self, role: Role) -> &'static str {
        self.0.map_or("", |codes| codes.of_roles[role as usize].0.as_str())
    }

    /// What switches the look of `role` off.
    #[must_use]
    pub fn close(self, role: Role) -> &'static str {
        self.0.map_or("", |codes| codes.of_roles[role as usize].1.as_str())
    }

    /// The length of the code of this palette that bytes begin with.
    pub(super) fn code_len(self, bytes: &[u8]) -> Option<usize> {
        let codes = self.0?;
        // The last letter of each stands nowhere else in it, so that none begins another.
        let len = 1 + bytes.iter().take(LONGEST).position(|&byte| byte == b'm')?;
        codes.packed.contains(&packed(&bytes[..len])).then_some(len)
    }
}

/// Made by [`Palette::paint`].
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    open: &'static str,
    text: T,
    close: &'static str,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.open)?;
        self.text.fmt(f)?;
        f.write_str(self.close)
    }
}

#[derive(Debug)]
struct Codes {
    /// What stands before and behind the text of each role, in the order of `Role::ALL`.
    of_roles: [(String, String); Role::ALL.len()],
    /// Each of them once, for telling them fast.
    packed: Vec<u64>,
}

/// The longest code, in bytes.
const LONGEST: usize = 7;

/// So many bytes at the most as a number of their own.
fn packed(code: &[u8]) -> u64 {
    code.iter().fold(1, |number, byte| number << 8 | u64::from(*byte))
}

static CODES: LazyLock<Codes> = LazyLock::new(|| {
    // `colored` decides from stdout alone; here each stream decides for itself.
    colored::control::set_override(true);
    let of_roles = Role::ALL.map(|role| {
        let sample = role.style("|").to_string();
        let (open, close) = sample.split_once('|').unwrap_or_default();
        (open.to_owned(), close.to_owned())
    });
    let all = of_roles.iter().flat_map(|(open, close)| [open, close]);
    let mut packed: Vec<u64> = all.map(|code| packed(code.as_bytes())).collect();
    packed.sort_unstable();
    packed.dedup();
    Codes { of_roles, packed }
});

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// As the environment and the stream suggest.
    #[default]
    Auto,
    /// Colour, also into a file or pipe.
    Always,
    /// No colour.
    Never,
}

/// Whether a stream shows colour.
///
/// Under [`Choice::Auto`] the environment decides as <https://bixense.com/clicolors/> has it, where
/// `NO_COLOR` stands above `CLICOLOR_FORCE`; an empty variable counts as unset.
pub fn decide(choice: Choice, stream_is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
    let env = |name| env(name).filter(|value| !value.is_empty());
    match choice {
        Choice::Always => true,
        Choice::Never => false,
        Choice::Auto if env("NO_COLOR").is_some() => false,
        Choice::Auto if env("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Choice::Auto => {
            let is_off = |name, off| env(name).is_some_and(|value| value == off);
            stream_is_terminal && !is_off("CLICOLOR", "0") && !is_off("TERM", "dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_stands_at_its_own_index() {
        for (index, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, index);
        }
    }

    #[test]
    fn text_is_painted_between_the_codes_of_its_role() {
        let palette = Palette::new(true);
        assert_eq!(palette.paint(Role::Good, "verified").to_string(), "\u{1b}[32mverified\u{1b}[0m");
        assert_eq!(palette.paint(Role::Bad, 401).to_string(), "\u{1b}[1;31m401\u{1b}[0m");
        let mut out = String::new();
        palette.push(Role::Key, "id", &mut out);
        assert_eq!(out, "\u{1b}[36mid\u{1b}[0m");
    }

    #[test]
    fn every_role_has_a_look() {
        let palette = Palette::new(true);
        for role in Role::ALL {
            assert!(palette.open(role).starts_with("\u{1b}["), "{role:?}");
            assert_eq!(palette.close(role), "\u{1b}[0m", "{role:?}");
        }
    }

    #[test]
    fn its_own_codes_are_known_and_no_others() {
        let palette = Palette::new(true);
        for code in Role::ALL.iter().flat_map(|role| [palette.open(*role), palette.close(*role)]) {
            assert_eq!(palette.code_len(code.as_bytes()), Some(code.len()), "{code:?}");
            assert_eq!(palette.code_len(format!("{code}m").as_bytes()), Some(code.len()), "{code:?}");
            assert_eq!(palette.code_len(format!("\0{code}").as_bytes()), None, "{code:?}");
            assert_eq!(palette.code_len(&code.as_bytes()[..code.len() - 1]), None, "{code:?}");
        }
        assert_eq!(palette.code_len(b"\x1b[5m"), None);
        assert_eq!(Palette::new(false).code_len(b"\x1b[0m"), None);
    }

    #[test]
    fn padding_is_counted_without_the_codes() {
        assert_eq!(format!("{:<4}|", Palette::new(true).paint(Role::Dim, "ab")), "\u{1b}[2mab  \u{1b}[0m|");
    }

    #[test]
    fn without_colour_the_text_stays_alone() {
        for role in Role::ALL {
            assert_eq!(Palette::new(false).paint(role, "text").to_string(), "text");
        }
    }

    #[test]
    fn the_flag_stands_above_the_environment_and_the_environment_above_the_terminal() {
        use Choice::{Always, Auto, Never};
        type Case = (Choice, bool, &'static [(&'static str, &'static str)], bool);
        let cases: [Case; 17] = [
            (Auto, true, &[], true),
            (Auto, false, &[], false),
            (Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
            (Never, true, &[("CLICOLOR_FORCE", "1")], false),
            (Auto, true, &[("NO_COLOR", "1")], false),
            (Auto, true, &[("NO_COLOR", "0")], false),
            (Auto, true, &[("NO_COLOR", "")], true),
            (Auto, true, &[("CLICOLOR", "0")], false),
            (Auto, true, &[("CLICOLOR", "1")], true),
            (Auto, false, &[("CLICOLOR", "1")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")], true),
            (Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (Auto, true, &[("TERM", "dumb")], false),
            (Auto, true, &[("TERM", "xterm-256color")], true),
        ];
        for (choice, terminal, variables, expected) in cases {
            let env = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(decide(choice, terminal, env), expected, "{choice:?} {terminal} {variables:?}");
        }
    }
}
