//! `--set`, `--add` and `--remove`: an edit changes its value and nothing else.

use hookdev::webhook::{
    json::{Kind, Node, Path, compact, parse},
    overrides::{Override, apply},
};

use super::Input;

/// The first line is an argument, the rest a payload.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (Ok(argument), Ok(text)) = (std::str::from_utf8(input.line()), std::str::from_utf8(input.rest())) else {
        return;
    };
    if let Ok(path) = argument.parse::<Path>() {
        reads_back(&path);
    }
    for edit in [Override::set(argument), Override::add(argument), Override::remove(argument)].into_iter().flatten() {
        let Ok(edited) = apply(text, std::slice::from_ref(&edit)) else { continue };
        let (before, after) = (parse(text).expect("it was edited"), parse(&edited).expect("an edit leaves JSON"));
        match &edit {
            Override::Set { path, .. } => {
                reads_back(path);
                let (old, new) = (before.get(path).expect("it was there"), after.get(path).expect("it is there"));
                assert_eq!(text[..old.span.start], edited[..new.span.start], "the text before the edit");
                assert_eq!(text[old.span.end..], edited[new.span.end..], "the text after the edit");
            }
            Override::Add { path, .. } => {
                reads_back(path);
                // An item that `-` added is found under its index.
                assert!(path.keys().iter().any(|key| key == "-") || after.get(path).is_some(), "{edited}");
                assert!(leaves(&after) > leaves(&before));
                let same = text.bytes().zip(edited.bytes()).take_while(|(one, other)| one == other).count();
                assert!(edited.as_bytes().ends_with(&text.as_bytes()[same..]), "only something new: {edited}");
            }
            Override::Remove { path } => {
                let (key, above) = path.keys().split_last().expect("the payload itself stays");
                let parent = above.iter().try_fold(&before, |node, key| node.child(key)).expect("it was there");
                assert!(text.len() > edited.len());
                assert_eq!(leaves(&after) + removed(parent, key), leaves(&before), "{edited}");
            }
        }
    }
    // Setting a value to itself changes nothing.
    if let (Ok(path), Ok(document)) = (argument.parse::<Path>(), parse(text))
        && let Some(node) = document.get(&path)
    {
        let mut token = String::new();
        compact(text, node, &mut token);
        let same = apply(text, &[Override::set(&format!("{path}:={token}")).expect("a path that reads back")]);
        let same = same.expect("it is there");
        let span = node.span.clone();
        assert_eq!(same, [&text[..span.start], &token, &text[span.end..]].concat());
    }
}

/// Checks that a printed path means the same when it is typed.
#[track_caller]
fn reads_back(path: &Path) {
    assert_eq!(path.to_string().parse().as_ref(), Ok(path));
    assert_eq!(path.pointer().parse().as_ref(), Ok(path));
}

/// How many values are removed with a key: one for each occurrence.
fn removed(parent: &Node<'_>, key: &str) -> usize {
    match &parent.kind {
        Kind::Object(members) => {
            members.iter().filter(|member| member.key == key).map(|member| leaves(&member.value)).sum()
        }
        _ => leaves(parent.child(key).expect("it was there")),
    }
}

/// How many values there are, itself included.
fn leaves(node: &Node<'_>) -> usize {
    1 + match &node.kind {
        Kind::Array(items) => items.iter().map(leaves).sum(),
        Kind::Object(members) => members.iter().map(|member| leaves(&member.value)).sum(),
        _ => 0,
    }
}
