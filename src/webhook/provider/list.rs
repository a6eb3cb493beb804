//! Payloads that are lists of events. The paths in a manifest lead to the first event, and apply to every event.

use crate::webhook::{
    json::{Kind, Member, Node, Path},
    payload::Payload,
    place::Place,
};

/// Where a payload has its events: in a list, or in lists nested in the items of other lists. The path of a nested list
/// goes through the first item of the list around it, whose own path is here too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventList(pub(super) Vec<Path>);

/// The maximum number of events that are examined.
const MAX_EVENTS: usize = 1000;

/// The maximum size of everything around the events, in bytes, added up over the events, because it is examined again
/// with each.
const MAX_SURROUNDINGS: usize = 4 << 20;

/// The index of the first event of a list, as a key.
const FIRST: &str = "0";

/// Where an event is in a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::webhook) struct EventPlace {
    /// The path of the first event of the same lists.
    first: Vec<String>,
    /// The path of this event, as long as `first`.
    own: Vec<String>,
    /// The size of what belongs to no event, in bytes.
    surroundings: usize,
}

/// The places of events that were found, and how many there are in all.
#[derive(Default)]
struct FoundEvents {
    places: Vec<EventPlace>,
    total: usize,
}

impl EventList {
    /// Calls `visit` for each event, with the payload as it would be if this were its only event, and with the event's
    /// place. A payload without such a list is visited as it is. Returns how many events were skipped because there are
    /// too many.
    pub(in crate::webhook) fn visit<'a>(
        &self,
        payload: &Payload<'a>,
        mut visit: impl FnMut(&EventPlace, &Payload<'a>),
    ) -> usize {
        let Some((root, found)) =
            payload.root().map(|root| (root, self.find(root))).filter(|(_, found)| found.total > 1)
        else {
            visit(&EventPlace::default(), payload);
            return 0;
        };
        let (mut seen, mut surroundings) = (0, 0);
        for place in &found.places {
            surroundings += place.surroundings;
            if seen > 0 && surroundings > MAX_SURROUNDINGS {
                break;
            }
            visit(place, &Payload::of(self.alone(root, &mut Vec::new(), place)));
            seen += 1;
        }
        found.total - seen
    }

    /// The paths of a value in every event, given its path in the first.
    pub(super) fn in_each(&self, root: &Node<'_>, path: &Path) -> Vec<Path> {
        let mut paths = Vec::new();
        for place in self.find(root).places {
            let path = place.path(path);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// Whether a place is a value of the first event.
    pub(in crate::webhook) fn is_in_first(&self, place: &Place) -> bool {
        let Place::Body(path) = place else { return false };
        let is_within = |list: &Path| path.keys().strip_prefix(list.keys()).is_some_and(|rest| rest.len() > 1);
        self.0.iter().any(is_within)
    }

    fn find(&self, root: &Node<'_>) -> FoundEvents {
        let mut found = FoundEvents::default();
        self.find_within(root, &mut EventPlace::default(), &mut found);
        found
    }

    /// Finds the events within an item of a list, or within the whole payload. An item without a further list is an
    /// event.
    fn find_within(&self, item: &Node<'_>, place: &mut EventPlace, found: &mut FoundEvents) {
        let depth = place.first.len();
        let mut lists = Vec::new();
        for path in &self.0 {
            let Some(rest) = path.keys().strip_prefix(place.first.as_slice()) else { continue };
            let list = rest.iter().try_fold(item, |node, key| node.child(key).filter(|_| key != FIRST));
            lists.extend(list.filter(|list| !items(list).is_empty()).map(|list| (rest, list)));
        }
        if lists.is_empty() {
            found.total += 1;
            if found.places.len() < MAX_EVENTS {
                found.places.push(place.clone());
            }
            return;
        }
        let surroundings = place.surroundings;
        let in_lists: usize = lists.iter().map(|(_, list)| list.span.len()).sum();
        place.surroundings += item.span.len().saturating_sub(in_lists);
        for (rest, list) in lists {
            for (index, event) in items(list).iter().enumerate() {
                place.first.extend(rest.iter().cloned().chain([FIRST.to_owned()]));
                place.own.extend(rest.iter().cloned().chain([index.to_string()]));
                self.find_within(event, place, found);
                place.first.truncate(depth);
                place.own.truncate(depth);
            }
        }
        place.surroundings = surroundings;
    }

    /// A copy of a node with only this event. `path` is that of the node, with the first event of each list.
    fn alone<'a>(&self, node: &Node<'a>, path: &mut Vec<String>, place: &EventPlace) -> Node<'a> {
        if place.first == *path || !self.0.iter().any(|list| list.keys().starts_with(path)) {
            return node.clone();
        }
        let kind = match &node.kind {
            Kind::Array(_) => {
                let own = place.own.get(path.len()).and_then(|key| node.child(key));
                Kind::Array(own.and_then(|own| self.part(FIRST, own, path, place)).into_iter().collect())
            }
            Kind::Object(members) => {
                let copy = |member: &Member<'a>| {
                    let value = self.part(&member.key, &member.value, path, place)?;
                    Some(Member { key: member.key.clone(), key_span: member.key_span.clone(), value })
                };
                Kind::Object(members.iter().filter_map(copy).collect())
            }
            other => other.clone(),
        };
        Node { span: node.span.clone(), kind }
    }

    /// A copy of a child with only this event; `None` if it is a list of other events.
    fn part<'a>(&self, key: &str, node: &Node<'a>, path: &mut Vec<String>, place: &EventPlace) -> Option<Node<'a>> {
        path.push(key.to_owned());
        let is_list = self.0.iter().any(|list| list.keys() == path.as_slice()) && !items(node).is_empty();
        let part = (!is_list || place.first.starts_with(path)).then(|| self.alone(node, path, place));
        path.pop();
        part
    }
}

impl EventPlace {
    /// The path of a value of this event, given its path if this were the only event.
    fn path(&self, alone: &Path) -> Path {
        let shared = alone.keys().iter().zip(&self.first).take_while(|(key, first)| key == first).count();
        self.own[..shared].iter().chain(&alone.keys()[shared..]).cloned().collect()
    }

    /// The pointer to a value of this event, given its pointer if this were the only event.
    pub(in crate::webhook) fn pointer(&self, alone: &str) -> String {
        alone.parse().map_or_else(|_| alone.to_owned(), |path| self.path(&path).pointer())
    }
}

fn items<'n, 'a>(list: &'n Node<'a>) -> &'n [Node<'a>] {
    match &list.kind {
        Kind::Array(items) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    fn lists(paths: &[&str]) -> EventList {
        EventList(paths.iter().map(|path| path.parse().unwrap()).collect())
    }

    /// The payload itself, as a list.
    fn root() -> EventList {
        EventList(vec![Path::from_iter([])])
    }

    /// What is visited in a payload: the value at a path of the only event, and its pointer in the payload.
    fn visited(list: &EventList, text: &str, path: &str) -> (Vec<(Option<String>, String)>, usize) {
        let payload = Payload::of(json::parse(text).unwrap());
        let path: Path = path.parse().unwrap();
        let mut seen = Vec::new();
        let left_out = list.visit(&payload, |place, alone| {
            seen.push((alone.text(&path).map(std::borrow::Cow::into_owned), place.pointer(&path.pointer())));
        });
        (seen, left_out)
    }

    fn at(values: &[(&str, &str)]) -> Vec<(Option<String>, String)> {
        let value = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        values.iter().map(|(text, pointer)| (value(text), (*pointer).to_owned())).collect()
    }

    #[test]
    fn each_event_of_a_list_is_visited_as_if_it_came_alone() {
        let expected = at(&[("1", "/0/a"), ("2", "/1/a"), ("", "/2/a")]);
        assert_eq!(visited(&root(), r#"[{"a":1},{"a":2},{}]"#, "0.a"), (expected, 0));
        let inside = lists(&["events"]);
        let expected = at(&[("1", "/events/0/a"), ("2", "/events/1/a"), ("", "/events/2/a")]);
        assert_eq!(visited(&inside, r#"{"events":[{"a":1},{"a":2},{}],"x":[]}"#, "events.0.a"), (expected, 0));
        for single in [r#"{"events":[{"a":1}]}"#, r#"{"events":[]}"#, r#"{"events":7}"#, "{}", "[1,2]"] {
            assert_eq!(visited(&inside, single, "events.0.a").0.len(), 1, "{single}");
        }
    }

    #[test]
    fn the_events_of_lists_within_lists_are_visited_in_their_order() {
        let nested = lists(&["a", "a.0.b", "a.0.b.0.c.d"]);
        let text =
            r#"{"a":[{"id":1,"b":[{"c":{"d":[10,11]}},{"c":{"d":[12]}}]},{"id":2,"b":[{"c":{"d":[20]}}]},{"id":3}]}"#;
        let expected = at(&[
            ("10", "/a/0/b/0/c/d/0"),
            ("11", "/a/0/b/0/c/d/1"),
            ("12", "/a/0/b/1/c/d/0"),
            ("20", "/a/1/b/0/c/d/0"),
            ("", "/a/2/b/0/c/d/0"),
        ]);
        assert_eq!(visited(&nested, text, "a.0.b.0.c.d.0"), (expected, 0));
        // Each event is visited with the surroundings of its own lists.
        let ids = at(&[("1", "/a/0/id"), ("1", "/a/0/id"), ("1", "/a/0/id"), ("2", "/a/1/id"), ("3", "/a/2/id")]);
        assert_eq!(visited(&nested, text, "a.0.id"), (ids, 0));
        let arrays = EventList(vec![Path::from_iter([]), "0".parse().unwrap()]);
        let expected = at(&[("1", "/0/0"), ("2", "/0/1"), ("3", "/1/0")]);
        assert_eq!(visited(&arrays, "[[1,2],[3]]", "0.0"), (expected, 0));
    }

    #[test]
    fn an_event_of_one_list_has_nothing_of_the_lists_beside_it() {
        let beside = lists(&["a", "a.0.b", "a.0.x.c"]);
        let text = r#"{"a":[{"b":[1,2],"x":{"c":[3]}},{"b":[],"x":{"c":[4]}}],"z":5}"#;
        let of_b = at(&[("1", "/a/0/b/0"), ("2", "/a/0/b/1"), ("", "/a/0/b/0"), ("", "/a/1/b/0")]);
        assert_eq!(visited(&beside, text, "a.0.b.0"), (of_b, 0));
        let of_c = at(&[("", "/a/0/x/c/0"), ("", "/a/0/x/c/0"), ("3", "/a/0/x/c/0"), ("4", "/a/1/x/c/0")]);
        assert_eq!(visited(&beside, text, "a.0.x.c.0"), (of_c, 0));
        assert_eq!(visited(&beside, text, "z").0, at(&[("5", "/z"); 4]));
    }

    #[test]
    fn a_list_that_would_cost_too_much_is_cut() {
        let (seen, left_out) = visited(&root(), &format!("[{}1]", "1,".repeat(1999)), "0");
        assert_eq!((seen.len(), left_out), (1000, 1000));
        let nested = format!(r#"[{}{{"e":[1,2]}}]"#, r#"{"e":[1,2]},"#.repeat(599));
        let within = EventList(vec![Path::from_iter([]), "0.e".parse().unwrap()]);
        let (seen, left_out) = visited(&within, &nested, "0.e.0");
        assert_eq!((seen.len(), left_out), (1000, 200));
        // 1 MiB around each of the events: no more than 4 MiB are examined.
        let inside = lists(&["events"]);
        let text = |around: usize| format!(r#"{{"events":[1,2,3,4,5,6],"x":"{}"}}"#, "x".repeat(around));
        let (seen, left_out) = visited(&inside, &text(1 << 20), "events.0");
        assert_eq!((seen.len(), left_out), (3, 3));
        let (seen, left_out) = visited(&inside, &text(5 << 20), "events.0");
        assert_eq!((seen, left_out), (at(&[("1", "/events/0")]), 5));
    }

    #[test]
    fn paths_and_pointers_of_the_first_event_become_those_of_the_others() {
        let payload = json::parse(r#"{"events":[{"of":[1]},{"of":[1,2]}],"at":[7]}"#).unwrap();
        let list = lists(&["events", "events.0.of", "at"]);
        let each = |path: &str| -> Vec<String> {
            list.in_each(&payload, &path.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(each("events.0.of.0.id"), ["events.0.of.0.id", "events.1.of.0.id", "events.1.of.1.id"]);
        assert_eq!(each("events.0.at"), ["events.0.at", "events.1.at"]);
        assert_eq!(each("other.0"), ["other.0"]);
        let keys = |text: &str| text.split('.').map(str::to_owned).collect();
        let place = EventPlace { first: keys("events.0"), own: keys("events.7"), surroundings: 0 };
        assert_eq!(place.pointer("/events/0/a~1b"), "/events/7/a~1b");
        assert_eq!(place.pointer("/events/0"), "/events/7");
        assert_eq!(place.pointer("/events/01"), "/events/01");
        assert_eq!(place.pointer("/other"), "/other");
        assert_eq!(place.pointer(""), "");
    }
}
