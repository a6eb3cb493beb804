//! What people type by habit: it works, or the error has the command line that does.

use crate::harness::{CYANITE, Dir, Endpoint, respond};

#[test]
fn a_flag_of_another_tool_is_a_usage_error_with_the_right_one() {
    Dir::new()
        .hookdev()
        .args(["send", "cyanite.v2.finished", "--count", "5"])
        .exits(2)
        .stdout("")
        .stderr("error: unexpected argument `--count`\nhint: hookdev send cyanite.v2.finished --repeat 5\n");
    Dir::new().hookdev().args(["listen", "3000"]).exits(2).stdout("").stderr(
        "error: unexpected argument `3000`\n\
         hint: to listen on this port: hookdev listen --addr 3000\n\
         to forward to your handler on it: hookdev listen --forward 3000\n",
    );
}

#[test]
fn a_url_among_the_events_needs_to() {
    let dir = Dir::new();
    for (url, shown) in [
        ("http://localhost:3000/x", "http://localhost:3000/x"),
        ("https://x.example/?token=HIDDEN", "https://x.example/?token=[redacted]"),
        ("localhost:3000/x", "localhost:3000/x"),
        ("3000", "3000"),
    ] {
        let quoted = if shown.contains('?') { format!("'{shown}'") } else { shown.to_owned() };
        dir.hookdev().args(["send", "cyanite.v2.finished", url]).exits(2).stdout("").stderr(&format!(
            "error: `{shown}` is a URL, not an event or a file\nhint: hookdev send cyanite.v2.finished --to {quoted}\n"
        ));
    }
    let finished = dir.hookdev().args(["send", "http://localhost:1/", "--to", "http://localhost:1/"]).exits(2);
    finished.says("hint: --to names the URL already; remove one of the two\n");
}

#[test]
fn a_provider_alone_lists_its_events() {
    Dir::new().hookdev().args(["send", "auphonic"]).exits(2).stdout("").stderr(
        "error: `auphonic` is a provider; name one of its events: auphonic.done, auphonic.error\n\
         hint: hookdev send auphonic.done\n\
         or all of them: hookdev send 'auphonic.*'\n",
    );
}

#[test]
fn data_takes_the_file_name_in_curls_spelling_too() {
    let (dir, endpoint) = (Dir::new(), Endpoint::new([respond(200)]));
    dir.write("body.json", CYANITE);
    let send = |data: &str| dir.send("cyanite.v2.finished", endpoint.url("/")).args(["--data", data]);
    send("@body.json").exits(0);
    assert_eq!(endpoint.next().text(), CYANITE);
    dir.write("@body.json", "{}");
    send("@body.json").exits(0);
    assert_eq!(endpoint.next().text(), "{}");
    send("@missing.json").exits(3).says("error: can't read missing.json\n");
    send("{\"a\":1}").exits(2).says(
        "error: --data takes the name of a file, not the body itself\n\
         hint: save the body to a file, or pipe it: printf %s '…' | hookdev send EVENT --data -\n",
    );
}
