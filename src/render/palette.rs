//! Colour for one stream: the style of each [`Role`], and whether the stream shows colour at all. The codes are built
//! once, from the styles and colours of the `colored` crate; painting then pushes strings. Painted text must have
//! passed through [`super::text`] already.

use std::{borrow::Cow, fmt, iter, sync::LazyLock};

use colored::{ColoredString, Colorize, Styles};

/// The meaning of a piece of text, which decides its style.
///
/// Each style is readable on light and dark backgrounds: no black, white, blue or bright colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The subject of a line or table.
    Title,
    /// The verdict of a request verified with the user's own secret.
    Proven,
    /// The verdict of a request that anyone could have sent: verified with a public secret, or unrecognised.
    Unproven,
    /// The verdict of a request that the provider sends unsigned.
    Unsigned,
    /// Accepted, passed.
    Good,
    /// Rejected, refused, failed; errors.
    Bad,
    /// Warnings, and results that are neither good nor bad.
    Warning,
    /// Details: times, notes, omissions.
    Dim,
    /// URLs and paths to open.
    Link,
    /// The key of a member or field.
    Key,
    /// A JSON string.
    String,
    /// A JSON number.
    Number,
    /// `true`, `false` and `null`.
    Literal,
}

impl Role {
    const ALL: [Self; 13] = [
        Self::Title,
        Self::Proven,
        Self::Unproven,
        Self::Unsigned,
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

    fn style(self) -> ColoredString {
        match self {
            Self::Title => "".bold(),
            Self::Proven => "".green().bold(),
            Self::Unproven => "".yellow().bold(),
            Self::Unsigned => "".cyan().bold(),
            Self::Good | Self::String => "".green(),
            Self::Bad => "".red().bold(),
            Self::Warning | Self::Literal => "".yellow(),
            Self::Dim => "".dimmed(),
            Self::Link => "".underline(),
            Self::Key => "".cyan(),
            Self::Number => "".magenta(),
        }
    }

    /// The code that starts the style. It is built here, because `colored` decides whether to print codes by looking at
    /// stdout or a global override.
    fn code(self) -> String {
        let style = self.style();
        let styles = [(Styles::Bold, "1"), (Styles::Dimmed, "2"), (Styles::Underline, "4")];
        let styles = styles.into_iter().filter(|(one, _)| style.style.contains(*one));
        let mut parameters: Vec<Cow<'static, str>> = styles.map(|(_, parameter)| parameter.into()).collect();
        parameters.extend(style.fgcolor.map(|color| color.to_fg_str()));
        format!("\u{1b}[{}m", parameters.join(";"))
    }
}

/// The codes of one stream, empty if it shows no colour.
#[derive(Clone, Copy, Debug)]
pub struct Palette(Option<&'static Codes>);

impl Palette {
    /// The palette of a stream; `on` says whether it shows colour (see [`decide`]).
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self(on.then(|| &*CODES))
    }

    /// `text` between the codes of `role`.
    ///
    /// Width and alignment of the format string apply to the text, not to the codes.
    pub fn paint<T: fmt::Display>(self, role: Role, text: T) -> Painted<T> {
        Painted { open: self.open(role), text, close: self.close() }
    }

    /// Appends `text` between the codes of `role`.
    pub fn push(self, role: Role, text: &str, out: &mut String) {
        out.push_str(self.open(role));
        out.push_str(text);
        out.push_str(self.close());
    }

    /// The code that starts the style of `role`.
    #[must_use]
    pub fn open(self, role: Role) -> &'static str {
        let Some(Codes(codes)) = self.0 else { return "" };
        Role::ALL.iter().position(|one| *one == role).map_or("", |index| codes[index].as_str())
    }

    /// The code that ends every style.
    #[must_use]
    pub fn close(self) -> &'static str {
        self.0.map_or("", |_| RESET)
    }

    /// The length of the code of this palette at the start of the bytes, if there is one.
    pub(super) fn code_len(self, bytes: &[u8]) -> Option<usize> {
        let codes = self.0?.0.iter().map(String::as_str);
        let length = bytes.iter().take(LONGEST_CODE).position(|byte| *byte == b'm')? + 1;
        iter::once(RESET).chain(codes).any(|code| code.as_bytes() == &bytes[..length]).then_some(length)
    }
}

/// Text between codes, from [`Palette::paint`].
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

/// The maximum length of a code, in bytes. A code ends with the first `m`.
const LONGEST_CODE: usize = 16;

/// Ends every style.
const RESET: &str = "\u{1b}[0m";

/// The codes that start the style of each role, in the order of [`Role::ALL`].
#[derive(Debug)]
struct Codes([String; Role::ALL.len()]);

static CODES: LazyLock<Codes> = LazyLock::new(|| Codes(Role::ALL.map(Role::code)));

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Colour if the environment and the stream allow it.
    #[default]
    Auto,
    /// Colour, also into a file or pipe.
    Always,
    /// No colour.
    Never,
}

/// Whether a stream shows colour.
///
/// Under [`Choice::Auto`] the environment decides as <https://bixense.com/clicolors/> describes, with `NO_COLOR` taking
/// precedence over `CLICOLOR_FORCE`; an empty variable counts as unset.
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
    fn text_is_painted_between_the_codes_of_its_role() {
        let palette = Palette::new(true);
        assert_eq!(palette.paint(Role::Good, "verified").to_string(), "\u{1b}[32mverified\u{1b}[0m");
        assert_eq!(palette.paint(Role::Bad, 401).to_string(), "\u{1b}[1;31m401\u{1b}[0m");
        let mut out = String::new();
        palette.push(Role::Key, "id", &mut out);
        assert_eq!(out, "\u{1b}[36mid\u{1b}[0m");
    }

    #[test]
    fn every_role_has_the_code_that_colored_prints_for_its_style() {
        let palette = Palette::new(true);
        let codes = Role::ALL.map(|role| palette.open(role));
        let expected = ["1", "1;32", "1;33", "1;36", "32", "1;31", "33", "2", "4", "36", "32", "35", "33"];
        assert_eq!(codes, expected.map(|parameters| format!("\u{1b}[{parameters}m")));
    }

    #[test]
    fn only_its_own_codes_are_recognised() {
        let palette = Palette::new(true);
        for code in Role::ALL.iter().map(|role| palette.open(*role)).chain([palette.close()]) {
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
    fn without_colour_the_text_is_unchanged() {
        for role in Role::ALL {
            assert_eq!(Palette::new(false).paint(role, "text").to_string(), "text");
        }
    }

    #[test]
    fn the_flag_overrides_the_environment_and_the_environment_the_terminal() {
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
