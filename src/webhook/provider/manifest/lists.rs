//! The lists of events that `[recognise]` names.

use toml::Spanned;

use super::values::{self, Texts, Wrong};
use crate::webhook::{json::Path, place::Place, provider::EventList};

/// Where a payload has its list of events, or its lists.
pub(super) fn event_list(texts: Spanned<Texts>) -> Result<EventList, Wrong> {
    let texts = Texts::list(texts, "list of events")?;
    let paths = texts.iter().map(path).collect::<Result<Vec<_>, _>>()?;
    for (index, (text, path)) in texts.iter().zip(&paths).enumerate() {
        if paths[..index].contains(path) {
            return Err(Wrong::new(text.span(), format!("duplicate list `{}`", name(path.keys()))));
        }
        check(path.keys(), &paths).map_err(|message| Wrong::new(text.span(), message))?;
    }
    Ok(EventList(paths))
}

fn path(text: &Spanned<String>) -> Result<Path, Wrong> {
    match values::parse(text, Place::parse_or_path)? {
        Place::RawBody => Ok(Path::from_iter([])),
        Place::Body(path) if path.keys() == ["body"] => Ok(Path::from_iter([])),
        Place::Body(path) => Ok(path),
        _ => Err(Wrong::new(text.span(), "a list of events can only be in the payload: write `body` or `body:PATH`")),
    }
}

/// A list within a list is given by its path within the first event.
fn check(keys: &[String], paths: &[Path]) -> Result<(), String> {
    for (depth, key) in keys.iter().enumerate() {
        let (outer, rest) = keys.split_at(depth);
        let is_listed = paths.iter().any(|path| path.keys() == outer);
        if !is_listed && key == "0" {
            let (list, outer) = (name(keys), name(outer));
            return Err(format!("`{list}` is within the list `{outer}`, which is missing here; add \"{outer}\""));
        }
        if is_listed && key != "0" {
            let is_index = key.bytes().all(|byte| byte.is_ascii_digit());
            let rest = rest.iter().skip(usize::from(is_index));
            let first: Vec<String> = outer.iter().cloned().chain(["0".to_owned()]).chain(rest.cloned()).collect();
            let (outer, first) = (name(outer), name(&first));
            return Err(format!("a path within the list `{outer}` must lead to its first event; write \"{first}\""));
        }
    }
    Ok(())
}

/// A list as a manifest writes it.
fn name(keys: &[String]) -> String {
    match keys {
        [] => "body".to_owned(),
        keys => format!("body:{}", keys.iter().cloned().collect::<Path>()),
    }
}
