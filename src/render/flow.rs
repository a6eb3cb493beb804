//! Lines that flow: words stay whole, and what would run over the edge of the screen goes on in the
//! next line, indented.

use super::{
    palette::{Palette, Role},
    text,
};

/// One line that is being written, and those that it goes on in.
#[derive(Debug)]
pub struct Flow<'a> {
    out: &'a mut String,
    palette: Palette,
    /// The columns of the screen; none where nothing is broken.
    columns: Option<usize>,
    /// The columns before what goes on.
    indent: usize,
    column: usize,
    /// Whether there is a word in the line.
    is_begun: bool,
    /// The spaces that stand before the next word, unless it begins a line.
    gap: usize,
}

impl<'a> Flow<'a> {
    /// A line at the end of `out`, whose further lines begin after `indent` columns.
    pub const fn new(palette: Palette, columns: Option<usize>, indent: usize, out: &'a mut String) -> Self {
        Self { out, palette, columns, indent, column: 0, is_begun: false, gap: 0 }
    }

    /// Leaves so many spaces.
    pub const fn gap(&mut self, spaces: usize) -> &mut Self {
        self.gap += spaces;
        self
    }

    /// Appends a text as [`text::printable`] shows it; it may be broken at its spaces.
    pub fn text(&mut self, role: Option<Role>, text: &str) -> &mut Self {
        self.words(role, text::printable(text).split(' '))
    }

    /// Appends a text that is not broken.
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
            self.step(text::width(word));
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

    /// Moves to where a word of this width begins.
    fn step(&mut self, width: usize) {
        let is_over = self.columns.is_some_and(|columns| self.column + self.gap + width > columns);
        if is_over && self.gap > 0 && self.is_begun {
            self.out.push('\n');
            (self.column, self.gap) = (0, self.indent);
        }
        self.out.extend(std::iter::repeat_n(' ', self.gap));
        self.column += self.gap + width;
        (self.gap, self.is_begun) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flowing(columns: Option<usize>, indent: usize, text: &str) -> String {
        let mut out = String::new();
        let mut flow = Flow::new(Palette::new(false), columns, indent, &mut out);
        flow.text(None, text);
        flow.end();
        out
    }

    #[test]
    fn a_line_is_broken_between_words_and_goes_on_indented() {
        assert_eq!(flowing(Some(9), 2, "one two three  four"), "one two\n  three\n  four\n");
        assert_eq!(flowing(Some(11), 2, "one two three"), "one two\n  three\n");
        assert_eq!(flowing(Some(13), 2, "one two three"), "one two three\n");
        assert_eq!(flowing(None, 2, "one two  three"), "one two  three\n");
    }

    #[test]
    fn a_word_that_is_wider_than_the_screen_has_a_line_of_its_own() {
        assert_eq!(flowing(Some(6), 2, "a http://localhost b"), "a\n  http://localhost\n  b\n");
        assert_eq!(flowing(Some(6), 2, "http://localhost"), "http://localhost\n");
    }

    #[test]
    fn columns_are_counted_and_not_bytes_or_codes() {
        let mut out = String::new();
        let mut flow = Flow::new(Palette::new(true), Some(10), 1, &mut out);
        flow.text(Some(Role::Good), "漢字 ü").gap(2).whole(None, "a b").gap(1).text(None, "\u{1b}c");
        flow.end();
        assert_eq!(out, "\u{1b}[32m漢字 ü\u{1b}[0m\n a b\n \\u{1b}c\n");
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_too_long(text in "[a-z ]{0,80}", columns in 10_usize..40) {
            let flown = flowing(Some(columns), 3, &text);
            let words: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(flown.split_whitespace().collect::<Vec<_>>(), words);
            for line in flown.lines() {
                prop_assert!(line.len() <= columns || line.split_whitespace().count() == 1, "{line:?}");
            }
        }
    }
}
