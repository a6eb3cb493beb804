//! A mistake in the value of any key, or in a file of the directory, is reported where it is. `mistakes.txt` has one
//! in each block: the lines of `acme.toml` that are replaced after `-`, the mistaken ones after `+`, or a file and
//! its text after `=`, and the error after `!`.

use hookdev::webhook::provider::{manifest::DirectoryMistake, self_test::self_test};

use super::acme::load;

const MANIFEST: &str = include_str!("acme.toml");

const FILES: [(&str, &str); 3] = [
    ("events/order.placed.json", r#"{ "id": "0b0e5c1a", "order": { "number": 1001, "currency": "EUR" } }"#),
    ("handshakes/u.json", r#"{"type":"url_verification","challenge":"abc"}"#),
    ("schema.json", r#"{"$defs":{"order":{"type":"object","required":["id","order"]}}}"#),
];

/// The first error of a directory with this manifest, and with this file beside or instead of the others.
fn first_error(manifest: &str, file: Option<(&'static str, &'static str)>) -> Option<String> {
    let words = |error: DirectoryMistake| error.to_string().trim_start_matches("acme/").to_owned();
    let others = FILES.into_iter().filter(|(path, _)| file.is_none_or(|(own, _)| own != *path));
    match load(manifest, &others.chain(file).collect::<Vec<_>>()) {
        Ok(provider) => self_test(&provider).into_iter().next().map(words),
        Err(error) => Some(words(error)),
    }
}

/// The lines of a block with this mark.
fn marked(block: &str, mark: &str) -> String {
    block.split_inclusive('\n').filter_map(|line| line.strip_prefix(mark)).collect()
}

#[test]
fn a_mistake_in_the_value_of_any_key_is_reported_where_it_is() {
    assert_eq!(first_error(MANIFEST, None), None);
    let blocks: Vec<&str> = include_str!("mistakes.txt").split("\n\n").collect();
    assert_eq!(blocks.len(), 104);
    for block in blocks {
        let [right, wrong, error] = ["- ", "+ ", "! "].map(|mark| marked(block, mark));
        let file = block.strip_prefix("= ").and_then(|rest| rest.lines().next());
        let file = file.map(|line| line.split_once(' ').unwrap_or((line, "")));
        assert!(file.is_some() || MANIFEST.matches(&right).count() == 1, "{block}");
        let manifest = if file.is_some() { MANIFEST.to_owned() } else { MANIFEST.replace(&right, &wrong) };
        let found = first_error(&manifest, file);
        assert_eq!(found.as_deref(), Some(error.trim_end()), "{block}");
    }
}

#[test]
fn a_file_without_content_is_called_empty() {
    for path in ["events/order.placed.json", "handshakes/u.json", "schema.json", "vectors.json"] {
        for blank in ["", "   ", "\n \n"] {
            let found = first_error(MANIFEST, Some((path, blank)));
            assert_eq!(found, Some(format!("{path}:1:1: invalid JSON: the file is empty")), "{blank:?}");
        }
    }
}

#[test]
fn a_value_that_looks_odd_but_works_is_accepted() {
    for (right, odd) in [
        // Several signatures in one header.
        ("value = \"sha256={hex}\"", "value = \"{base64}\", separator = \",\""),
        ("value = \"sha256={hex}\"", "value = \"sha256={hex}\", repeated = \",\""),
        // It never retries.
        ("[\"1m\", \"10m\", \"1h\"]", "[]"),
        // Nothing but an event recognises it.
        ("event = \"header:x-acme-event\"", "event = \"header:x-acme-event\"\nheaders = []"),
        ("x-acme-delivery = \"{id}\"", "content-type = \"application/json; charset=utf-8\""),
        ("timeout = \"10s\"", "timeout = \"10s\"\nmax_body = \"256\""),
        ("env         = \"ACME_WEBHOOK_SECRET\"", "env = \"acme_secret2\""),
    ] {
        assert_eq!(MANIFEST.matches(right).count(), 1, "{right}");
        assert_eq!(first_error(&MANIFEST.replace(right, odd), None), None, "{odd}");
    }
}
