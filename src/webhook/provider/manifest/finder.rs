//! Finds the position of a key in a manifest, for cautions about what is valid.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::webhook::json;

/// The line and column, from 1, of what these keys lead to: of the last one that the manifest has. In an array, a key
/// is an item's index, from 0, or its `name`.
#[must_use]
pub fn find(manifest: &str, keys: &[String]) -> Option<(usize, usize)> {
    let root = DeTable::parse(manifest).ok()?;
    let (first, rest) = keys.split_first()?;
    let mut found = root.get_ref().get(first.as_str())?;
    for key in rest {
        let Some(inner) = below(found.get_ref(), key) else { break };
        found = inner;
    }
    Some(json::position(manifest, found.span().start))
}

/// The provider's name in a manifest, which may be invalid elsewhere; `None` if the name itself is invalid.
#[must_use]
pub fn provider_name(manifest: &str) -> Option<String> {
    let (root, _) = DeTable::parse_recoverable(manifest);
    root.get_ref().get("name")?.get_ref().as_str().filter(|name| super::is_name(name)).map(str::to_owned)
}

fn below<'d, 'i>(value: &'d DeValue<'i>, key: &str) -> Option<&'d Spanned<DeValue<'i>>> {
    let DeValue::Array(items) = value else { return value.get(key) };
    let is_named =
        |item: &&Spanned<DeValue<'_>>| item.get_ref().get("name").and_then(|name| name.get_ref().as_str()) == Some(key);
    items.iter().find(is_named).or_else(|| items.get(key.parse::<usize>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found_in_a_broken_manifest_too() {
        let found = |manifest| provider_name(manifest);
        assert_eq!(found("name = \"acme\"\ntitle = \n[[event]").as_deref(), Some("acme"));
        assert_eq!(found("name = 1"), None);
        assert_eq!(found("name = \"Acme Inc\""), None);
        assert_eq!(found("title = \"Acme\""), None);
    }

    #[test]
    fn what_is_under_a_key_is_found() {
        let manifest = "name = \"acme\"\nscheme = [{ content = \"a\" }, { content = 'b' }]\n\n[fresh]\n\"a.b\" = 1\n\n\
                        [[event]]\nname = \"made\"\n\n[[event]]\nname = \"sold\"\nsummary = \"ü\"\n";
        for (keys, expected) in [
            (&["name"][..], Some((1, 8))),
            (&["scheme", "1", "content"], Some((2, 42))),
            (&["fresh", "a.b"], Some((5, 9))),
            (&["event", "sold", "summary"], Some((12, 11))),
            // The event that has no summary.
            (&["event", "made", "summary"], Some((7, 1))),
            (&["summary"], None),
        ] {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(find(manifest, &keys), expected, "{keys:?}");
        }
        assert_eq!(find("name = ", &["name".to_owned()]), None);
    }
}
