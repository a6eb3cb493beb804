//! `hookdev events`.

use serde_json::{Value, json};

use crate::harness::{Dir, text};

#[test]
fn a_contract_lists_each_term_and_marks_missing_protections() {
    let lines = Dir::new().hookdev().args(["events", "--provider", "cyanite", "--contract", "--json"]).exits(0).lines();
    let names: Vec<&str> = lines.iter().map(|line| text(line, "/term")).collect();
    let all = ["status", "time-limit", "redirects", "form", "retries", "signature", "replay", "duplicates"];
    assert_eq!(names, all);
    let gaps: Vec<&Value> = lines.iter().filter(|line| line["lacking"] == json!(true)).collect();
    assert_eq!(gaps.iter().map(|line| text(line, "/term")).collect::<Vec<_>>(), ["replay", "duplicates"]);
    assert_eq!(
        lines[0],
        json!({"kind": "term", "provider": "cyanite", "term": "status", "lacking": false,
               "text": "exactly 200 counts as delivered, anything else as failed"})
    );
}

#[test]
fn each_contract_is_a_paragraph() {
    let printed =
        Dir::new().hookdev().args(["events", "--contract", "aspect", "auphonic", "cyanite", "jewelmusic"]).exits(0);
    let titles: Vec<String> =
        printed.text().split("\n\n").map(|part| part.split("  ").next().unwrap().to_owned()).collect();
    assert_eq!(titles, ["Aspect", "Auphonic", "Cyanite", "JewelMusic"]);
    printed.prints("\n  time-limit: 3 s to respond: verify, respond, then do slow work\n");
}

#[test]
fn the_events_of_one_provider_can_be_listed() {
    let listed = |args: [&str; 3]| Dir::new().hookdev().args(args).exits(0).text().to_owned();
    assert_eq!(listed(["events", "--provider", "auphonic"]), listed(["events", "auphonic.*", "--no-config"]));
    assert_eq!(listed(["events", "--provider", "auphonic"]), listed(["events", "auphonic", "--no-config"]));
    Dir::new().hookdev().args(["events", "--provider", "cyanit"]).exits(2).says("did you mean `cyanite`?");
}

#[test]
fn several_globs_list_each_event_once() {
    let dir = Dir::new();
    let names = |globs: &[&str]| -> Vec<String> {
        let lines = dir.hookdev().args(["events", "--json"]).args(globs).exits(0).lines();
        lines.iter().map(|line| text(line, "/name").to_owned()).collect()
    };
    let both = ["auphonic.done", "auphonic.error", "cyanite.v2.finished", "cyanite.v2.failed"];
    assert_eq!(names(&["cyanite.v2.f*", "auphonic", "auphonic.done"]), both);
    assert_eq!(names(&["cyanite.v1"]), names(&["cyanite.v1.*"]));
    let finished = dir.hookdev().args(["events", "auphonic", "cyanit"]).exits(2).stdout("");
    finished.says("error: no event matches `cyanit`\nhint: did you mean cyanite.");
}
