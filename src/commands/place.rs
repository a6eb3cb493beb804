//! The location of a captured request, as people read it.

/// `FILE:LINE`, or the file alone for its first request. Entries are counted from 0, lines from 1.
pub fn place(file: &str, entry: usize, line: Option<u64>) -> String {
    match (line, entry) {
        (Some(line), _) if line > 1 => format!("{file}:{line}"),
        (None, 1..) => format!("{file}, entry {entry}"),
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_an_entry_or_the_file() {
        assert_eq!(place("a.ndjson", 1, Some(2)), "a.ndjson:2");
        assert_eq!(place("a.har", 1, None), "a.har, entry 1");
        assert_eq!(place("a.json", 0, None), "a.json");
        assert_eq!(place("a.ndjson", 0, Some(1)), "a.ndjson");
    }
}
