//! A mistake in the value of any key is reported where it is. `mistakes.txt` has one in each block: the lines of
//! `acme.toml` that are replaced after `-`, the mistaken ones after `+`, and the error after `!`.

use hookdev::webhook::provider::{manifest::DirectoryMistake, self_test::self_test};

use super::acme::load;

const MANIFEST: &str = include_str!("acme.toml");

const FILES: [(&str, &str); 3] = [
    ("events/order.placed.json", r#"{ "id": "0b0e5c1a", "order": { "number": 1001, "currency": "EUR" } }"#),
    ("handshakes/u.json", r#"{"type":"url_verification","challenge":"abc"}"#),
    ("schema.json", r#"{"$defs":{"order":{"type":"object","required":["id","order"]}}}"#),
];

/// The first error of a directory with this manifest.
fn first_error(manifest: &str) -> Option<String> {
    let words = |error: DirectoryMistake| error.to_string().trim_start_matches("acme/").to_owned();
    match load(manifest, &FILES) {
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
    assert_eq!(first_error(MANIFEST), None);
    let blocks: Vec<&str> = include_str!("mistakes.txt").split("\n\n").collect();
    assert_eq!(blocks.len(), 84);
    for block in blocks {
        let [right, wrong, error] = ["- ", "+ ", "! "].map(|mark| marked(block, mark));
        assert_eq!(MANIFEST.matches(&right).count(), 1, "{block}");
        let found = first_error(&MANIFEST.replace(&right, &wrong));
        assert_eq!(found.as_deref(), Some(error.trim_end()), "{block}");
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
        assert_eq!(first_error(&MANIFEST.replace(right, odd)), None, "{odd}");
    }
}
