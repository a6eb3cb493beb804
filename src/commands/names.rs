//! Lists of names in a message.

/// How many names a message lists.
pub const MAX_LISTED: usize = 8;

/// The names, or the first few and how many more there are.
pub fn listed(names: &[&str]) -> String {
    match names.split_at_checked(MAX_LISTED) {
        Some((first, [_, _, ..])) => format!("{} and {} more", first.join(", "), names.len() - MAX_LISTED),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        assert_eq!(listed(&names[..1]), "a");
        assert_eq!(listed(&names[..9]), "a, b, c, d, e, f, g, h, i");
        assert_eq!(listed(&names), "a, b, c, d, e, f, g, h and 2 more");
    }
}
