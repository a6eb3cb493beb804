//! An input of a check: bytes, and choices that are taken from the end, so that any file is an input.

/// The rest of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// The whole input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A number below `count`, from the last byte; 0 when there is none.
    pub fn choice(&mut self, count: usize) -> usize {
        match self.0.split_last() {
            Some((last, rest)) => {
                self.0 = rest;
                usize::from(*last) % count
            }
            None => 0,
        }
    }

    /// One of these, by [`Self::choice`].
    pub fn one_of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.choice(items.len())]
    }

    /// The text before the first line feed; the rest stays in the input.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| byte == b'\n').unwrap_or(self.0.len());
        let line = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        line
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
