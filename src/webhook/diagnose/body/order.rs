//! The order of an object's members: as received, or as a database or the provider may have had it.

use std::{cmp::Reverse, collections::HashMap};

use crate::webhook::json::{Kind, Member, Node};

/// The order in which a library writes the members of an object.
#[derive(Clone, Copy, Debug)]
pub enum MemberOrder<'o> {
    /// As received.
    Received,
    /// By key.
    Sorted,
    /// By the length of the key, then by key, as `PostgreSQL`'s jsonb and `MySQL` store them.
    Stored,
    /// As in one of the provider's examples.
    Example(&'o KeyOrder),
}

impl MemberOrder<'_> {
    /// How messages name the order, after `the same JSON`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Received => "",
            Self::Sorted => ", keys sorted",
            Self::Stored => ", keys in the order of PostgreSQL's jsonb",
            Self::Example(_) => ", keys in the order of the provider's example",
        }
    }

    /// The order of the members of this member's value.
    pub fn of_member(self, key: &str) -> Self {
        match self {
            Self::Example(order) => order.member(key).map_or(Self::Received, Self::Example),
            other => other,
        }
    }

    /// The order of the members of an array's items.
    pub fn of_items(self) -> Self {
        match self {
            Self::Example(order) => order.items.as_deref().map_or(Self::Received, Self::Example),
            other => other,
        }
    }

    /// Puts members in this order. Keys that an example does not have come last.
    pub fn sort(self, members: &mut [&Member<'_>]) {
        match self {
            Self::Received => {}
            Self::Sorted => members.sort_by(|one, other| one.key.cmp(&other.key)),
            Self::Stored => {
                members.sort_by(|one, other| (one.key.len(), &one.key).cmp(&(other.key.len(), &other.key)));
            }
            Self::Example(order) => {
                members.sort_by_key(|member| order.places.get(member.key.as_ref()).copied().unwrap_or(usize::MAX));
            }
        }
    }
}

/// The order of an example's keys, at every depth.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyOrder {
    places: HashMap<String, usize>,
    members: Vec<Self>,
    /// The order in the items of an array.
    items: Option<Box<Self>>,
}

impl KeyOrder {
    /// The order of a document's keys.
    pub fn of(node: &Node<'_>) -> Self {
        let mut order = Self::default();
        match &node.kind {
            Kind::Object(members) => {
                for member in members {
                    if !order.places.contains_key(member.key.as_ref()) {
                        order.places.insert(member.key.clone().into_owned(), order.members.len());
                        order.members.push(Self::of(&member.value));
                    }
                }
            }
            Kind::Array(items) => {
                // The item with the most keys says the most about the others.
                let fullest = items.iter().map(Self::of).min_by_key(|item| Reverse(item.places.len()));
                order.items = fullest.map(Box::new);
            }
            _ => {}
        }
        order
    }

    fn member(&self, key: &str) -> Option<&Self> {
        self.places.get(key).and_then(|place| self.members.get(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    fn keys(text: &str, order: MemberOrder<'_>) -> Vec<String> {
        let root = json::parse(text).unwrap();
        let Kind::Object(members) = &root.kind else { panic!("{text}") };
        let mut members: Vec<&Member<'_>> = members.iter().collect();
        order.sort(&mut members);
        members.iter().map(|member| member.key.clone().into_owned()).collect()
    }

    #[test]
    fn keys_are_put_in_the_order_of_an_example_at_every_depth() {
        let example = r#"{"b":1,"a":[{"x":1},{"z":1,"y":2}]}"#;
        let order = KeyOrder::of(&json::parse(example).unwrap());
        let order = MemberOrder::Example(&order);
        assert_eq!(keys(r#"{"new":0,"a":1,"b":2}"#, order), ["b", "a", "new"]);
        assert_eq!(keys(r#"{"y":1,"z":2}"#, order.of_member("a").of_items()), ["z", "y"]);
        assert_eq!(keys(r#"{"y":1,"z":2}"#, order.of_member("new")), ["y", "z"]);
    }

    #[test]
    fn a_database_stores_short_keys_first() {
        assert_eq!(keys(r#"{"bb":1,"aaa":2,"é":3,"a":4,"Z":5}"#, MemberOrder::Stored), ["Z", "a", "bb", "é", "aaa"]);
    }
}
