//! `hookdev diff`: compares two captured requests.

use crate::harness::Dir;

const LEFT: &str =
    "POST /a HTTP/1.1\r\nX-Id: 1\r\nContent-Type: application/json\r\n\r\n{\"id\":9007199254740993,\"s\":null}";
const RIGHT: &str =
    "POST /a HTTP/1.1\r\ncontent-type: application/json\r\nX-ID: 2\r\n\r\n{\"id\":9007199254740993.0,\"t\":null}";

fn captures() -> Dir {
    let dir = Dir::new();
    dir.write("left.http", LEFT);
    dir.write("right.http", RIGHT);
    dir
}

#[test]
fn two_captures_are_compared_by_path() {
    let dir = captures();
    dir.hookdev().args(["diff", "left.http", "right.http"]).exits(1).stderr("4 differences\n").stdout(
        "header:x-id\n  - \"1\"\n  + \"2\"\nbody:/id\n  - 9007199254740993\n  + 9007199254740993.0\nbody:/s\n  - null\nbody:/t\n  + null\n",
    );
    dir.hookdev().args(["diff", "left.http", "right.http", "--json"]).exits(1).stdout(concat!(
        r#"{"kind":"difference","where":"header:x-id","left":"1","right":"2"}"#,
        "\n",
        r#"{"kind":"difference","where":"body:/id","left":9007199254740993,"right":9007199254740993.0}"#,
        "\n",
        r#"{"kind":"difference","where":"body:/s","left":null,"right":null,"absent":"right"}"#,
        "\n",
        r#"{"kind":"difference","where":"body:/t","left":null,"right":null,"absent":"left"}"#,
        "\n"
    ));
    dir.hookdev().args(["diff", "-q", "left.http", "right.http"]).exits(1).stdout("").stderr("");
}

#[test]
fn equal_requests_in_other_formats_are_the_same() {
    let dir = captures();
    let printed = dir.hookdev().args(["send", "left.http", "--to", "http://h/a", "--print", "http"]).exits(0);
    let same = dir.hookdev().args(["diff", "left.http", "left.http"]).exits(0).stdout("");
    same.stderr("the requests are the same\n");
    // A request that is sent has the headers that HTTP itself needs.
    let piped = dir.hookdev().args(["diff", "left.http", "-"]).stdin(printed.text().as_bytes()).exits(1);
    piped.stdout("header:host\n  + \"h\"\nheader:content-length\n  + \"32\"\n").stderr("2 differences\n");
}

#[test]
fn one_request_of_several_is_chosen_by_its_entry() {
    let dir = captures();
    dir.write("both.http", format!("### one\n{LEFT}\n\n### two\n{RIGHT}\n"));
    dir.hookdev().args(["diff", "both.http", "left.http"]).exits(2).stderr(
        "error: both.http has several requests\n\
             hint: choose one with --entry N (counted from 0), or one of each file with --entry N,M\n",
    );
    dir.hookdev().args(["diff", "both.http", "right.http", "--entry", "1"]).exits(0).stdout("");
    let none = dir.hookdev().args(["diff", "both.http", "right.http", "--entry", "2"]).exits(2);
    none.stderr("error: both.http has no request 2: it has 2 requests, 0 to 1\n");
}

#[test]
fn two_requests_of_one_capture_are_chosen_by_their_entries() {
    let dir = captures();
    dir.write("three.http", format!("### one\n{LEFT}\n\n### two\n{RIGHT}\n\n### three\n{LEFT}\n"));
    let diff = |right: &str, entries: &str| dir.hookdev().args(["diff", "three.http", right, "--entry", entries]);
    let differs = diff("three.http", "0,1").exits(1).stderr("4 differences\n");
    differs.prints("header:x-id\n  - \"1\"\n  + \"2\"\n");
    diff("three.http", "2,1").exits(1).prints("header:x-id\n  - \"1\"\n  + \"2\"\n");
    diff("three.http", "1,2").exits(1).prints("header:x-id\n  - \"2\"\n  + \"1\"\n");
    diff("three.http", "0,2").exits(0).stdout("");
    diff("right.http", "1,0").exits(0).stdout("");
    // A number for each file is that of this file.
    diff("right.http", "1,1").exits(2).stderr("error: right.http has no request 1: it has 1 request, number 0\n");
    diff("three.http", "3,0").exits(2).stderr("error: three.http has no request 3: it has 3 requests, 0 to 2\n");
    let request = r#"{"request":{"method":"POST","target":"/","headers":[],"body":"1"}}"#;
    dir.write("bad.ndjson", format!("{request}\n{{\"request\":\n{request}\n"));
    let bad = diff("bad.ndjson", "0,5").exits(2);
    bad.stderr("error: bad.ndjson has no request 5: it has 3 entries, 0 to 2, of which 1 can't be read\n");
    diff("three.http", "0,").exits(2).says("write the number of a request, such as `3`, or two: `3,5`");
}

#[test]
fn what_cannot_be_read_is_an_input_error() {
    let dir = captures();
    dir.write("other.txt", "# Read me\n");
    dir.hookdev().args(["diff", "left.http", "missing"]).exits(3).says("error: can't read missing");
    dir.hookdev().args(["diff", "left.http", "other.txt"]).exits(3).says("error: other.txt isn't a capture");
    let both = dir.hookdev().args(["diff", "-", "-"]).exits(2);
    both.stderr("error: only one of the two captures can be standard input\n");
}
