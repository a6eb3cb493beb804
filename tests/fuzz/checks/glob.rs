//! Globs of event names, and suggestions for unknown names.

use std::sync::LazyLock;

use glob::Pattern;
use hookdev::webhook::provider::catalog::Catalog;

/// Nobody types longer globs, and too many stars make matching slow.
const LONGEST: usize = 64;

/// A text as an argument of `send` or `--filter`.
pub fn check(bytes: &[u8]) {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);
    let Ok(text) = std::str::from_utf8(&bytes[..bytes.len().min(LONGEST)]) else { return };
    let nearest = CATALOG.nearest_events(text);
    assert!(nearest.len() <= 3 && nearest.iter().all(|name| CATALOG.event(name).is_some()), "{nearest:?}");
    let literal = Pattern::new(&Pattern::escape(text)).expect("an escaped text is a glob");
    assert!(literal.matches(text), "{text:?} matches itself");
    let named: Vec<&str> = CATALOG.matching(&literal).map(|(_, event)| event.full_name.as_str()).collect();
    assert_eq!(named, CATALOG.event(text).map(|(_, event)| event.full_name.as_str()).into_iter().collect::<Vec<_>>());
    let Ok(pattern) = Pattern::new(text) else { return };
    let matched: Vec<_> = CATALOG.matching(&pattern).collect();
    let all = CATALOG.events().count();
    assert!(matched.iter().all(|(_, event)| pattern.matches(&event.full_name)));
    assert!(text.contains(['*', '?', '[']) || matched.len() <= 1, "{text:?} matches several");
    assert!(text != "*" || matched.len() == all);
}
