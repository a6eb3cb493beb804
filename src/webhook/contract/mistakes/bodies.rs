//! Bodies as written by handlers that verify re-serialised JSON.

use super::{Mistake, MistakeKind};
use crate::webhook::{
    diagnose::rewriting::{JsonDocument, Layout, MemberOrder, WRITERS},
    json::{self, Kind, Member, Node},
    remedy::RAW_BODY,
};

/// One way to write a JSON document.
#[derive(Clone, Copy, Debug)]
pub struct Rewriting {
    /// The library's call, as [`WRITERS`] names it.
    call: &'static str,
    layout: Layout,
    order: MemberOrder<'static>,
    /// Whether members without a value are left out: null, and empty strings, lists and objects.
    drops_empty: bool,
}

const JAVASCRIPT: &str = "JavaScript's JSON.stringify";
const PYTHON: &str = "Python's json.dumps";
const PHP: &str = "PHP's json_encode";
const GO: &str = "Go's json.Marshal";

const fn plain(call: &'static str, layout: Layout) -> Rewriting {
    Rewriting { call, layout, order: MemberOrder::Received, drops_empty: false }
}

const fn sorted(call: &'static str, layout: Layout) -> Rewriting {
    Rewriting { order: MemberOrder::Sorted, ..plain(call, layout) }
}

/// Common rewritings, which are also combined with other mistakes.
const COMMON: [Rewriting; 4] = [
    plain(PYTHON, Layout::Spaced),
    plain(JAVASCRIPT, Layout::Compact),
    plain(JAVASCRIPT, Layout::Indented("  ")),
    sorted(JAVASCRIPT, Layout::Compact),
];

const RARE: [Rewriting; 9] = [
    plain(PYTHON, Layout::Compact),
    plain("Python's json.dumps(ensure_ascii=False)", Layout::Spaced),
    plain(PHP, Layout::Compact),
    plain(GO, Layout::Compact),
    sorted(PYTHON, Layout::Spaced),
    sorted(PYTHON, Layout::Compact),
    sorted(GO, Layout::Compact),
    plain(JAVASCRIPT, Layout::Indented("    ")),
    Rewriting { drops_empty: true, ..plain(JAVASCRIPT, Layout::Compact) },
];

pub(super) fn mistakes() -> Vec<Mistake> {
    let advice = |rewriting: &Rewriting| {
        format!(
            "the handler accepts the same delivery {}: it verifies re-serialised JSON; {RAW_BODY}",
            rewriting.words()
        )
    };
    let common = COMMON.iter().map(|rewriting| Mistake::common(MistakeKind::Body(*rewriting), advice(rewriting)));
    let rare = RARE.iter().map(|rewriting| Mistake::rare(MistakeKind::Body(*rewriting), advice(rewriting)));
    common.chain(rare).collect()
}

impl Rewriting {
    /// The text written in this way; `None` if it is not JSON, or that changes nothing.
    pub fn write(&self, text: &str) -> Option<String> {
        let mut root = json::parse(text).ok()?;
        if self.drops_empty {
            drop_empty(&mut root);
        }
        let writer = WRITERS.iter().find(|writer| writer.call == self.call)?;
        let written = JsonDocument { text, root: &root }.written(writer, self.layout, self.order)?;
        (written != text).then_some(written)
    }

    fn words(&self) -> String {
        let empty = if self.drops_empty { ", null and empty values left out" } else { "" };
        format!("{}{}{empty}, as {} writes it", self.layout.words(), self.order.words(), self.call)
    }
}

fn drop_empty(node: &mut Node<'_>) {
    match &mut node.kind {
        Kind::Object(members) => {
            for member in &mut *members {
                drop_empty(&mut member.value);
            }
            members.retain(|member: &Member<'_>| !is_empty(&member.value));
        }
        Kind::Array(items) => {
            items.iter_mut().for_each(drop_empty);
            items.retain(|item| !is_empty(item));
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {}
    }
}

fn is_empty(node: &Node<'_>) -> bool {
    match &node.kind {
        Kind::Null => true,
        Kind::String(text) => text.is_empty(),
        Kind::Array(items) => items.is_empty(),
        Kind::Object(members) => members.is_empty(),
        Kind::Bool(_) | Kind::Number(_) => false,
    }
}
