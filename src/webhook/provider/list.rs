//! Payloads that are lists of events. The paths of a manifest are those of the list's first event, and hold for each.

use crate::webhook::{
    json::{Kind, Node, Path},
    payload::Payload,
};

/// Where a payload has its list of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventList(pub(super) Path);

/// The maximum number of events of a list that are looked at.
const MAX_EVENTS: usize = 1000;

/// The maximum size of everything around a list, in bytes, which is looked at again with each event.
const MAX_SURROUNDINGS: usize = 4 << 10;

impl EventList {
    /// Calls `visit` with the payload as it would be if it had one event alone, for each event, and with the event's index.
    /// A payload without such a list is visited as it is. Returns how many events are left out because there are too many.
    pub(in crate::webhook) fn visit<'a>(
        &self,
        payload: &Payload<'a>,
        mut visit: impl FnMut(usize, &Payload<'a>),
    ) -> usize {
        let whole = payload.root().filter(|root| matches!(root.get(&self.0), Some(list) if items(list) > 1));
        let Some(mut root) = whole.cloned() else {
            visit(0, payload);
            return 0;
        };
        let around = root.span.len().saturating_sub(root.get(&self.0).map_or(0, |list| list.span.len()));
        let events = match root.get_mut(&self.0).map(|list| &mut list.kind) {
            Some(Kind::Array(items)) => std::mem::take(items),
            _ => Vec::new(),
        };
        let total = events.len();
        let most = if around > MAX_SURROUNDINGS { 1 } else { MAX_EVENTS };
        for (index, event) in events.into_iter().enumerate().take(most) {
            let mut alone = root.clone();
            if let Some(Node { kind: Kind::Array(items), .. }) = alone.get_mut(&self.0) {
                items.push(event);
            }
            visit(index, &Payload::of(alone));
        }
        total.saturating_sub(most)
    }

    /// The paths of a value of the first event in every event of a list, from the path of the first.
    pub(super) fn in_each(&self, root: &Node<'_>, path: &Path) -> Vec<Path> {
        let keys = path.keys();
        let rest = keys.strip_prefix(self.0.keys()).and_then(|rest| rest.strip_prefix(&["0".to_owned()]));
        let (Some(rest), Some(list)) = (rest, root.get(&self.0)) else { return vec![path.clone()] };
        let of = |index: usize| self.0.keys().iter().cloned().chain([index.to_string()]).chain(rest.iter().cloned());
        (0..items(list).min(MAX_EVENTS)).map(|index| of(index).collect()).collect()
    }

    /// The pointer of a value of the event of this index, from the pointer that it has as the only event.
    pub(in crate::webhook) fn pointer(&self, index: usize, alone: &str) -> String {
        let list = self.0.pointer();
        match alone.strip_prefix(&format!("{list}/0")) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{list}/{index}{rest}"),
            _ => alone.to_owned(),
        }
    }
}

fn items(list: &Node<'_>) -> usize {
    match &list.kind {
        Kind::Array(items) => items.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    /// What is visited of a payload: index, and the `a` of the first event.
    fn visited(list: &EventList, text: &str, first: &str) -> (Vec<(usize, Option<String>)>, usize) {
        let payload = Payload::of(json::parse(text).unwrap());
        let mut seen = Vec::new();
        let left_out = list.visit(&payload, |index, alone| {
            seen.push((index, alone.text(&first.parse().unwrap()).map(std::borrow::Cow::into_owned)));
        });
        (seen, left_out)
    }

    #[test]
    fn each_event_of_a_list_is_visited_as_if_it_came_alone() {
        let root = || EventList(Path::from_iter([]));
        let some = |text: &str| Some(text.to_owned());
        let expected = vec![(0, some("1")), (1, some("2")), (2, None)];
        assert_eq!(visited(&root(), r#"[{"a":1},{"a":2},{}]"#, "0.a"), (expected.clone(), 0));
        let inside = || EventList("events".parse().unwrap());
        assert_eq!(visited(&inside(), r#"{"events":[{"a":1},{"a":2},{}],"x":[]}"#, "events.0.a"), (expected, 0));
        for single in [r#"{"events":[{"a":1}]}"#, r#"{"events":[]}"#, r#"{"events":7}"#, "{}", "[1,2]"] {
            assert_eq!(visited(&inside(), single, "events.0.a").0.len(), 1, "{single}");
        }
    }

    #[test]
    fn a_list_that_would_cost_too_much_is_cut() {
        let root = EventList(Path::from_iter([]));
        let (seen, left_out) = visited(&root, &format!("[{}1]", "1,".repeat(1999)), "0");
        assert_eq!((seen.len(), left_out), (1000, 1000));
        let inside = EventList("events".parse().unwrap());
        let text = format!(r#"{{"events":[1,2,3],"x":"{}"}}"#, "x".repeat(5000));
        let (seen, left_out) = visited(&inside, &text, "events.0");
        assert_eq!((seen, left_out), (vec![(0, Some("1".to_owned()))], 2));
    }

    #[test]
    fn paths_and_pointers_of_the_first_event_become_those_of_the_others() {
        let root = json::parse(r#"{"events":[{},{}]}"#).unwrap();
        let list = EventList("events".parse().unwrap());
        let each = |path: &str| -> Vec<String> {
            list.in_each(&root, &path.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(each("events.0.at"), ["events.0.at", "events.1.at"]);
        assert_eq!(each("at.0"), ["at.0"]);
        assert_eq!(list.pointer(7, "/events/0/at"), "/events/7/at");
        assert_eq!(list.pointer(7, "/events/0"), "/events/7");
        assert_eq!(list.pointer(7, "/events/01"), "/events/01");
        assert_eq!(list.pointer(7, "/other"), "/other");
    }
}
