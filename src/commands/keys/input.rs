//! Interprets what was typed: keys, and the number before one.

/// The action of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCommand {
    Resend,
    Edit,
    Copy,
    Open,
    Pause,
    Quit,
    Help,
}

/// A key press, with the number typed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub key: KeyCommand,
    /// The number of a delivery; `None` means the last one.
    pub number: Option<u64>,
}

/// The longest number, in digits.
const MAX_DIGITS: usize = 12;

/// The number being typed.
#[derive(Debug, Default)]
pub struct TypedNumber {
    digits: String,
}

impl TypedNumber {
    /// The digits typed so far.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Takes the bytes of one read: a number, and at most one key. Anything longer was pasted rather than typed, and is
    /// ignored. So are unknown keys, and the sequences of cursor and function keys.
    pub fn take(&mut self, bytes: &[u8]) -> Option<Press> {
        if matches!(bytes, [0x1b, _, ..]) {
            return None;
        }
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = bytes.split_at(digits);
        let [] = rest.get(1..).unwrap_or_default() else { return None };
        let room = MAX_DIGITS - self.digits.len();
        self.digits.extend(number.iter().take(room).copied().map(char::from));
        let key = match rest.first()? {
            b'r' => KeyCommand::Resend,
            b'e' => KeyCommand::Edit,
            b'c' => KeyCommand::Copy,
            b'o' => KeyCommand::Open,
            b'p' => KeyCommand::Pause,
            b'q' => KeyCommand::Quit,
            b'?' => KeyCommand::Help,
            // Escape.
            0x1b => {
                self.digits.clear();
                return None;
            }
            // Backspace.
            0x7f | 0x08 => {
                self.digits.pop();
                return None;
            }
            _ => return None,
        };
        let number = std::mem::take(&mut self.digits).parse().ok();
        Some(Press { key, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The presses of these reads, and the number that is left.
    fn typed(reads: &[&str]) -> (Vec<(KeyCommand, Option<u64>)>, String) {
        let mut input = TypedNumber::default();
        let presses = reads.iter().filter_map(|read| input.take(read.as_bytes()));
        let presses = presses.map(|Press { key, number }| (key, number)).collect();
        (presses, input.digits)
    }

    #[test]
    fn a_number_belongs_to_the_key_after_it() {
        assert_eq!(typed(&["r"]), (vec![(KeyCommand::Resend, None)], String::new()));
        assert_eq!(
            typed(&["1", "2", "r", "c"]),
            (vec![(KeyCommand::Resend, Some(12)), (KeyCommand::Copy, None)], String::new())
        );
        assert_eq!(typed(&["12e"]), (vec![(KeyCommand::Edit, Some(12))], String::new()));
        assert_eq!(typed(&["1", "2"]), (vec![], "12".to_owned()));
    }

    #[test]
    fn escape_drops_the_number_and_backspace_its_last_digit() {
        assert_eq!(typed(&["1", "2", "\x1b", "r"]), (vec![(KeyCommand::Resend, None)], String::new()));
        assert_eq!(typed(&["1", "2", "\x7f", "r"]), (vec![(KeyCommand::Resend, Some(1))], String::new()));
    }

    #[test]
    fn other_keys_and_pasted_text_do_nothing() {
        let nothing = (vec![], String::new());
        assert_eq!(typed(&["x", "R", "\n", " ", "\x1b[A", "\x1b[1;5C", "\x1bOq", "ü"]), nothing);
        assert_eq!(typed(&["request", "12 q", "qq"]), nothing);
        // A number longer than any run is cut.
        assert_eq!(typed(&[&"9".repeat(40)]), (vec![], "9".repeat(MAX_DIGITS)));
    }
}
