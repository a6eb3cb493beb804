//! Lines that wrap at the edge of the screen: between words, with continuation lines indented.

use super::{
    palette::{Palette, Role},
    text,
};

/// A line being written, and its continuation lines.
#[derive(Debug)]
pub struct Flow<'a> {
    out: &'a mut String,
    palette: Palette,
    /// The width of the screen in columns; `None` if lines don't wrap.
    columns: Option<usize>,
    /// The indentation of continuation lines, in columns.
    indent: usize,
    column: usize,
    /// Whether the line already has a word.
    has_word: bool,
    /// The number of spaces before the next word, unless it starts a line.
    gap: usize,
}

impl<'a> Flow<'a> {
    /// Starts a line at the end of `out`, whose continuation lines are indented by `indent` columns.
    pub const fn new(palette: Palette, columns: Option<usize>, indent: usize, out: &'a mut String) -> Self {
        Self { out, palette, columns, indent, column: 0, has_word: false, gap: 0 }
    }

    /// Adds spaces before the next word.
    pub const fn gap(&mut self, spaces: usize) -> &mut Self {
        self.gap += spaces;
        self
    }

    /// Appends text as [`text::printable`] shows it; it may wrap at its spaces.
    pub fn text(&mut self, role: Option<Role>, text: &str) -> &mut Self {
        self.words(role, text::printable(text).split(' '))
    }

    /// Appends text that doesn't wrap.
    pub fn whole(&mut self, role: Option<Role>, text: &str) -> &mut Self {
        self.words(role, [&*text::printable(text)])
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.push('\n');
    }

    fn words<'w>(&mut self, role: Option<Role>, words: impl IntoIterator<Item = &'w str>) -> &mut Self {
        let mut opened = false;
        for (number, word) in words.into_iter().enumerate() {
            self.gap += usize::from(number > 0);
            if word.is_empty() {
                continue;
            }
            self.advance(text::width(word));
            if let Some(role) = role.filter(|_| !opened) {
                self.out.push_str(self.palette.open(role));
                opened = true;
            }
            self.out.push_str(word);
        }
        if opened {
            self.out.push_str(self.palette.close());
        }
        self
    }

    /// Moves to where a word of this width starts, wrapping if necessary.
    fn advance(&mut self, width: usize) {
        let overflows = self.columns.is_some_and(|columns| self.column + self.gap + width > columns);
        if overflows && self.gap > 0 && self.has_word {
            self.out.push('\n');
            (self.column, self.gap) = (0, self.indent);
        }
        self.out.extend(std::iter::repeat_n(' ', self.gap));
        self.column += self.gap + width;
        (self.gap, self.has_word) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(columns: Option<usize>, indent: usize, text: &str) -> String {
        let mut out = String::new();
        let mut flow = Flow::new(Palette::new(false), columns, indent, &mut out);
        flow.text(None, text);
        flow.end();
        out
    }

    #[test]
    fn a_line_wraps_between_words_and_is_indented() {
        assert_eq!(wrapped(Some(9), 2, "one two three  four"), "one two\n  three\n  four\n");
        assert_eq!(wrapped(Some(11), 2, "one two three"), "one two\n  three\n");
        assert_eq!(wrapped(Some(13), 2, "one two three"), "one two three\n");
        assert_eq!(wrapped(None, 2, "one two  three"), "one two  three\n");
    }

    #[test]
    fn a_word_wider_than_the_screen_gets_its_own_line() {
        assert_eq!(wrapped(Some(6), 2, "a http://localhost b"), "a\n  http://localhost\n  b\n");
        assert_eq!(wrapped(Some(6), 2, "http://localhost"), "http://localhost\n");
    }

    #[test]
    fn columns_are_counted_rather_than_bytes_or_codes() {
        let mut out = String::new();
        let mut flow = Flow::new(Palette::new(true), Some(10), 1, &mut out);
        flow.text(Some(Role::Good), "漢字 ü").gap(2).whole(None, "a b").gap(1).text(None, "\u{1b}c");
        flow.end();
        assert_eq!(out, "\u{1b}[32m漢字 ü\u{1b}[0m\n a b\n \\u{1b}c\n");
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_too_long(text in "[a-z ]{0,80}", columns in 10_usize..40) {
            let lines = wrapped(Some(columns), 3, &text);
            let words: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), words);
            for line in lines.lines() {
                prop_assert!(line.len() <= columns || line.split_whitespace().count() == 1, "{line:?}");
            }
        }
    }
}
