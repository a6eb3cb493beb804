//! Every edit is compared with the payload's text changed by hand, and, at random, with the same edit of a
//! `serde_json::Value`.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

const PAYLOAD: &str = r#"{
  "version": "2",
  "resource": { "type": "LibraryTrack", "id": "999" },
  "event": { "type": "AudioAnalysisV6", "status": "finished" },
  "big": 12345678901234567890123.10,
  "list": [ {"name": "a"}, {"name": "b"} ],
  "none": null
}
"#;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[track_caller]
fn set(argument: &str) -> Result<String, OverrideError> {
    apply(PAYLOAD, &[Override::set(argument).unwrap()])
}

#[track_caller]
fn add(argument: &str) -> Result<String, OverrideError> {
    apply(PAYLOAD, &[Override::add(argument).unwrap()])
}

#[track_caller]
fn remove(argument: &str) -> Result<String, OverrideError> {
    apply(PAYLOAD, &[Override::remove(argument).unwrap()])
}

/// The payload with one piece of its text replaced.
#[track_caller]
fn changed(old: &str, new: &str) -> String {
    assert_eq!(PAYLOAD.matches(old).count(), 1, "{old}");
    PAYLOAD.replace(old, new)
}

#[test]
fn setting_a_value_leaves_every_other_byte() {
    assert_eq!(set("event.type=InDepthAnalysis"), Ok(changed("AudioAnalysisV6", "InDepthAnalysis")));
    assert_eq!(set("/list/1/name=c"), Ok(changed(r#""b""#, r#""c""#)));
    assert_eq!(set(r#"list={"n":[1.0, 2]}"#), Ok(changed(r#"[ {"name": "a"}, {"name": "b"} ]"#, r#"{"n":[1.0, 2]}"#)));
}

#[test]
fn a_string_stays_a_string_unless_json_is_asked_for() {
    assert_eq!(set("resource.id=1000"), Ok(changed(r#""999""#, r#""1000""#)));
    assert_eq!(set("resource.id=null"), Ok(changed(r#""999""#, r#""null""#)));
    assert_eq!(set("resource.id="), Ok(changed(r#""999""#, r#""""#)));
    assert_eq!(set(r#"resource.id="\u0031""#), Ok(changed(r#""999""#, r#""\u0031""#)));
    assert_eq!(set("resource.id:=1000"), Ok(changed(r#""999""#, "1000")));
    assert_eq!(set("resource.id:= null "), Ok(changed(r#""999""#, "null")));
}

#[test]
fn elsewhere_a_value_is_json_when_it_reads_as_json() {
    assert_eq!(set("none= 1e400"), Ok(changed("null", "1e400")));
    assert_eq!(set("none=007"), Ok(changed("null", r#""007""#)));
    assert_eq!(set("none=say \"hi\"\n=a:=b"), Ok(changed("null", r#""say \"hi\"\n=a:=b""#)));
    assert_eq!(set("big=true"), Ok(changed("12345678901234567890123.10", "true")));
}

#[test]
fn an_argument_that_says_no_edit_is_named() {
    assert_eq!(Override::set("event.type"), Err(InvalidOverride::NoValue("event.type".into())));
    assert_eq!(Override::set(r"a\=b"), Err(InvalidOverride::NoValue(r"a\=b".into())));
    assert_eq!(Override::add("a..b=1"), Err(InvalidOverride::Path(InvalidPath::EmptyKey("a..b".into()))));
    assert_eq!(Override::remove(""), Err(InvalidOverride::Path(InvalidPath::Empty)));
    let error = SyntaxError { offset: 0, line: 1, column: 1, message: "expected a value" };
    assert_eq!(Override::set("a:=b"), Err(InvalidOverride::Json(error)));
}

#[test]
fn the_first_equals_sign_without_a_backslash_ends_the_path() {
    let edit = |text, value| Ok(Override::Set { path: path(text), value: OverrideValue::text(value) });
    assert_eq!(Override::set(r"a\=b=c=d"), edit("/a=b", "c=d"));
    assert_eq!(Override::set(r"urn\:=x"), edit("/urn:", "x"));
    assert_eq!(Override::set(r"/a\=x"), edit(r"a\\", "x"));
    assert_eq!(Override::set("a.=="), Err(InvalidOverride::Path(InvalidPath::EmptyKey("a.".into()))));
}

#[test]
fn a_path_that_is_not_there_is_an_error_with_the_nearest() {
    let missing = |asked, nearest| Err(OverrideError::Missing { path: path(asked), nearest: Some(path(nearest)) });
    assert_eq!(set("event.typ=x"), missing("event.typ", "event.type"));
    assert_eq!(set("status=x"), missing("status", "event.status"));
    assert_eq!(set("evnt.type=x"), missing("evnt.type", "event.type"));
    assert_eq!(set("list.2.name=x"), missing("list.2.name", "list.0.name"));
    assert_eq!(remove("resources"), missing("resources", "resource"));
    assert_eq!(remove("list.-"), missing("list.-", "list.0"));
    let edit = Override::remove("a").unwrap();
    let error = OverrideError::Missing { path: path("a"), nearest: None };
    assert_eq!(error.to_string(), "there is no `a` in the payload");
    assert_eq!(apply("[]", &[edit]), Err(error));
}

#[test]
fn an_addition_has_the_whitespace_of_its_siblings() {
    let indented = "{\n  \"a\": [\n    1\n  ]\n}";
    for (argument, expected) in
        [("b=x", "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"x\"\n}"), ("a.-:=2", "{\n  \"a\": [\n    1,\n    2\n  ]\n}")]
    {
        let edit = Override::add(argument).unwrap();
        assert_eq!(apply(indented, &[edit]).unwrap(), expected, "{argument}");
    }
}

#[test]
fn additions_go_to_the_end() {
    assert_eq!(add("event.extra=1"), Ok(changed(r#""finished""#, r#""finished", "extra": 1"#)));
    assert_eq!(add(r"a\.b:=[]"), Ok(changed(": null", ": null,\n  \"a.b\": []")));
    assert_eq!(add("list.2=c"), Ok(changed(r#"{"name": "b"}"#, r#"{"name": "b"}, "c""#)));
    assert_eq!(add("list.-.name=c"), Ok(changed(r#"{"name": "b"}"#, r#"{"name": "b"}, {"name":"c"}"#)));
    let edit = |text| apply(text, &[Override::add("/-=1").unwrap()]);
    assert_eq!(edit("[ ]"), Ok("[1 ]".into()));
    assert_eq!(edit("{ }"), Ok(r#"{"-":1 }"#.into()));
}

#[test]
fn missing_parents_are_created() {
    assert_eq!(add("event.a.b.c=x"), Ok(changed(r#""finished""#, r#""finished", "a": {"b":{"c":"x"}}"#)));
    assert_eq!(add("event.a.0.b=x"), Ok(changed(r#""finished""#, r#""finished", "a": [{"b":"x"}]"#)));
    assert_eq!(add("event.a.-=x"), Ok(changed(r#""finished""#, r#""finished", "a": ["x"]"#)));
}

#[test]
fn what_cannot_be_added_says_why() {
    let exists = OverrideError::Exists { path: path("list.1.name") };
    assert_eq!(exists.to_string(), "`list.1.name` is in the payload already: set it instead of adding it");
    assert_eq!(add("list.1.name=x"), Err(exists));

    let gap = OverrideError::NoSuchItem { path: path("list.3"), parent: "`list`".into(), length: 2 };
    assert_eq!(gap.to_string(), "`list.3` can't be added: `list` is an array of 2, whose next item is `2` or `-`");
    assert_eq!(add("list.3=x"), Err(gap));

    let scalar = OverrideError::NoContainer { path: path("big.x.y"), parent: "`big`".into(), kind: "a number" };
    assert_eq!(scalar.to_string(), "`big.x.y` can't be added: `big` is a number and holds no other values");
    assert_eq!(add("big.x.y=x"), Err(scalar));

    let root = OverrideError::NoContainer { path: path("a"), parent: "the payload".into(), kind: "null" };
    assert_eq!(apply("null", &[Override::add("a=1").unwrap()]), Err(root));
}

#[test]
fn removing_takes_one_comma_along() {
    assert_eq!(remove("version"), Ok(changed("\"version\": \"2\",\n  ", "")));
    assert_eq!(remove("none"), Ok(changed(",\n  \"none\": null", "")));
    assert_eq!(remove("resource.id"), Ok(changed(r#", "id": "999""#, "")));
    assert_eq!(remove("list.0"), Ok(changed(r#"{"name": "a"}, "#, "")));
    assert_eq!(remove("list.1.name"), Ok(changed(r#""name": "b""#, "")));
}

#[test]
fn a_repeated_key_is_removed_each_time_and_set_where_it_counts() {
    let edit = |text, edit| apply(text, &[edit]);
    let removal = Override::remove("a").unwrap();
    assert_eq!(edit(r#"{"a":1, "a":2, "b":3, "a":4, "a":5}"#, removal.clone()), Ok(r#"{"b":3}"#.into()));
    assert_eq!(edit(r#"{"b":1, "a":2, "c":3, "a":4 }"#, removal.clone()), Ok(r#"{"b":1, "c":3 }"#.into()));
    assert_eq!(edit(r#"{ "a":1, "a":2 }"#, removal), Ok("{  }".into()));
    assert_eq!(edit(r#"{"a":1, "a":2}"#, Override::set("a=3").unwrap()), Ok(r#"{"a":1, "a":3}"#.into()));
}

#[test]
fn edits_build_on_one_another() {
    let edits = [
        Override::add("event.list.-=1").unwrap(),
        Override::set("event.list.0=2").unwrap(),
        Override::remove("event.status").unwrap(),
    ];
    assert_eq!(apply(PAYLOAD, &edits), Ok(changed(r#", "status": "finished""#, r#", "list": [2]"#)));
}

/// Documents with keys from a small set, some of which need escapes in a pointer.
fn document() -> impl Strategy<Value = Json> + Clone {
    let scalar =
        prop_oneof![Just(json!(null)), any::<i32>().prop_map(Json::from), "[a-c\"é]{0,3}".prop_map(Json::from)];
    scalar.prop_recursive(4, 24, 4, |inner| container(inner, 0))
}

fn container(inner: impl Strategy<Value = Json> + Clone, least: usize) -> impl Strategy<Value = Json> {
    prop_oneof![
        prop::collection::vec(inner.clone(), least..4).prop_map(Json::from),
        prop::collection::btree_map("[ab.~/]{1,2}", inner, least..4).prop_map(|members| json!(members)),
    ]
}

prop_compose! {
    /// A document, compact or indented, and the pointer to a container in it with one of its keys.
    fn place()(document in container(document(), 1), at in any::<prop::sample::Index>(), indent in any::<bool>())
        -> (Json, String, String, String) {
        let places = places(&document, "");
        let (above, key) = at.get(&places).clone();
        let text = if indent { format!("{document:#}") } else { document.to_string() };
        (document, text, above, key)
    }
}

/// Every value below the root, as the pointer of its container and its key there.
fn places(value: &Json, pointer: &str) -> Vec<(String, String)> {
    let keys: Vec<String> = match value {
        Json::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        Json::Object(members) => members.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let below = |key: &String| places(child(value, key), &join(pointer, key));
    let deeper: Vec<_> = keys.iter().flat_map(below).collect();
    keys.into_iter().map(|key| (pointer.to_owned(), key)).chain(deeper).collect()
}

fn child<'a>(value: &'a Json, key: &str) -> &'a Json {
    value.pointer(&join("", key)).unwrap()
}

fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[track_caller]
fn edited(text: &str, edit: Override) -> Json {
    serde_json::from_str(&apply(text, &[edit]).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn setting_in_the_text_is_setting_in_the_value((document, text, above, key) in place(), new in document()) {
        let pointer = join(&above, &key);
        let value = OverrideValue::json(&format!("{new:#}")).unwrap();
        let mut expected = document;
        *expected.pointer_mut(&pointer).unwrap() = new;
        prop_assert_eq!(edited(&text, Override::Set { path: path(&pointer), value }), expected);
    }

    #[test]
    fn removing_from_the_text_is_removing_from_the_value((document, text, above, key) in place()) {
        let mut expected = document;
        match expected.pointer_mut(&above).unwrap() {
            Json::Object(members) => drop(members.remove(&key)),
            items => drop(items.as_array_mut().unwrap().remove(key.parse().unwrap())),
        }
        prop_assert_eq!(edited(&text, Override::Remove { path: path(&join(&above, &key)) }), expected);
    }

    #[test]
    fn adding_to_the_text_is_adding_to_the_value((document, text, above, _) in place(), new in document()) {
        let value = OverrideValue::json(&new.to_string()).unwrap();
        let mut expected = document;
        match expected.pointer_mut(&above).unwrap() {
            Json::Object(members) => drop(members.insert("-".to_owned(), new)),
            items => items.as_array_mut().unwrap().push(new),
        }
        prop_assert_eq!(edited(&text, Override::Add { path: path(&join(&above, "-")), value }), expected);
    }
}
