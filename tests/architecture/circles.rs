//! Modules side by side use each other in one direction: no circles inside a room.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Target, Tree};

/// Every circle between modules of the same parent, each as `parent: a -> b -> a`.
pub fn circles(tree: &Tree) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (parent, uses) in &uses(tree) {
        for start in uses.keys() {
            if let Some(path) = path_back(start, uses) {
                // A circle is found from each of its modules, and named from its first.
                if path.iter().all(|module| start.as_str() <= *module) {
                    let names: Vec<&str> = path.into_iter().chain([start.as_str()]).collect();
                    found.insert(format!("{parent}: {}", names.join(" -> ")));
                }
            }
        }
    }
    found.into_iter().collect()
}

/// For each parent, which of its children use which others.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn uses(tree: &Tree) -> Uses {
    let mut uses = Uses::new();
    for item in tree.items.iter().filter(|item| !item.test) {
        for reference in item.references() {
            let Some(Target::Inside(path)) = tree.resolve(&item.module, &reference.path) else { continue };
            let shared = item.module.iter().zip(&path).take_while(|(one, other)| one == other).count();
            let (Some(from), Some(to)) = (item.module.get(shared), path.get(shared)) else { continue };
            let parent = item.module[..shared].join("::");
            if tree.is_module(&[&item.module[..shared], &path[shared..=shared]].concat()) {
                uses.entry(parent).or_default().entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    uses
}

/// The shortest way from a module over the others back to itself, without the last step.
fn path_back<'a>(start: &'a str, uses: &'a BTreeMap<String, BTreeSet<String>>) -> Option<Vec<&'a str>> {
    let mut paths = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            let last = *path.last()?;
            for next in uses.get(last).into_iter().flatten() {
                if next == start {
                    return Some(path);
                }
                if seen.insert(next.as_str()) {
                    longer.push([path.as_slice(), &[next.as_str()]].concat());
                }
            }
        }
        paths = longer;
    }
    None
}

#[test]
fn a_circle_between_siblings_is_found_but_parents_are_allowed() {
    let tree = Tree::read(&[
        ("src/net/mod.rs", "mod a; mod b; mod c; mod d; pub fn shared() {}"),
        ("src/net/a.rs", "use super::b::B; use super::shared;"),
        ("src/net/b.rs", "fn b() { crate::net::c::c() }"),
        ("src/net/c.rs", "use super::{a, d};"),
        ("src/net/d.rs", "#[cfg(test)] mod tests { use crate::net::a; }"),
    ]);
    assert_eq!(circles(&tree), ["net: a -> b -> c -> a"]);
}
