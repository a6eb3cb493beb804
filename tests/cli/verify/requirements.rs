//! What `--require` demands besides.

use super::{good, tampered};
use crate::harness::{Dir, TestCommand};

const TEST: &str = "POST /cyanite HTTP/1.1\r\n\r\n{\"type\":\"TEST\",\"data\":null}";

fn verify(dir: &Dir, file: &str, require: &str) -> TestCommand {
    dir.hookdev().args(["verify", file, "--require", require])
}

#[test]
fn a_signature_is_demanded_also_of_what_is_unsigned_by_design() {
    let dir = Dir::new();
    dir.write("good.json", good());
    dir.write("test.http", TEST);
    verify(&dir, "good.json", "signature").exits(0);
    verify(&dir, "test.http", "signature")
        .exits(1)
        .stdout("unsigned      cyanite.v1.test  test.http\n  required: a signature that verifies\n");
}

#[test]
fn a_signed_time_that_was_checked_is_demanded() {
    let dir = Dir::new();
    dir.write("good.json", good());
    verify(&dir, "good.json", "freshness").exits(1).prints("  required: a signed time\n");
    let message = dir.hookdev().args(["send", "aspect.task.failed", "--print", "http"]).exits(0).stdout;
    dir.write("aspect.http", message);
    verify(&dir, "aspect.http", "freshness")
        .exits(1)
        .prints("  required: a time of receipt to judge its age by (--at gives one)\n");
    verify(&dir, "aspect.http", "freshness").args(["--at", "now"]).exits(0);
}

#[test]
fn a_schema_is_demanded() {
    let dir = Dir::new();
    let printed = ["send", "jewelmusic.release.live", "--set", "type=release.unheard", "--print", "json"];
    dir.write("unlisted.json", dir.hookdev().args(printed).exits(0).stdout);
    dir.hookdev().args(["verify", "unlisted.json"]).exits(0);
    verify(&dir, "unlisted.json", "schema").exits(1).prints("  required: a payload that a schema describes\n");
    dir.write("good.json", good());
    verify(&dir, "good.json", "schema").exits(0);
}

#[test]
fn several_are_demanded_together() {
    let dir = Dir::new();
    dir.write("test.http", TEST);
    for options in [&["--require", "signature,freshness"][..], &["--require", "signature", "--require", "freshness"]] {
        let finished = dir.hookdev().args(["verify", "test.http"]).args(options).exits(1);
        finished.prints("  required: a signature that verifies\n  required: a signed time\n");
    }
}

#[test]
fn a_demand_that_is_none_is_answered_with_the_right_ones() {
    let dir = Dir::new();
    dir.write("bad.json", tampered());
    verify(&dir, "bad.json", "signatur").exits(2).says("signature, freshness, schema").says("similar value");
}
