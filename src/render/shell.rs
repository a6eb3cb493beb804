//! Quoting for POSIX shells.

/// A word that expands to exactly this text.
#[must_use]
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=…".contains(c);
    // zsh expands `=command`.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A word that expands to this text, with each marker replaced by the value of a variable.
#[must_use]
pub fn word_with_variables(text: &str, markers: &[(&str, &str)]) -> String {
    let first = markers.iter().filter_map(|&(marker, name)| Some((text.find(marker)?, marker, name))).min();
    let Some((at, marker, name)) = first else { return if text.is_empty() { String::new() } else { word(text) } };
    let rest = word_with_variables(&text[at + marker.len()..], markers);
    format!("{}\"${name}\"{rest}", if at == 0 { String::new() } else { word(&text[..at]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected words are what dash reads back as the text.
    #[test]
    fn text_is_quoted_unless_a_shell_leaves_it_unchanged() {
        for (text, expected) in [
            ("http://a/b?c=1", "'http://a/b?c=1'"),
            ("a/b.c-d_e:f@g%h+i,j=k", "a/b.c-d_e:f@g%h+i,j=k"),
            ("", "''"),
            ("=a", "'=a'"),
            ("~", "'~'"),
            (r"a\b", r"'a\b'"),
            ("it's $(x) `y` \"z\"!", r#"'it'\''s $(x) `y` "z"!'"#),
        ] {
            assert_eq!(word(text), expected);
        }
    }

    #[test]
    fn only_the_variables_are_expanded() {
        let markers = [("KEY-HERE", "ACME_KEY"), ("SECRET-HERE", "SIGNING_SECRET")];
        for (text, expected) in [
            ("Bearer KEY-HERE", "'Bearer '\"$ACME_KEY\""),
            ("KEY-HERE", "\"$ACME_KEY\""),
            ("$(a) SECRET-HERE:KEY-HERE.", "'$(a) '\"$SIGNING_SECRET\":\"$ACME_KEY\"."),
            ("$KEY", "'$KEY'"),
        ] {
            assert_eq!(word_with_variables(text, &markers), expected);
        }
    }
}
