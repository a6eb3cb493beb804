//! `[register]`: which calls are accepted.

use super::{FILES, SOUND, acme::load};

/// A `[register]` of each kind, for the end of the manifest above.
const ENDPOINT: &str = r#"
[register]
key    = "ACME_API_KEY"
create = { method = "POST", path = "/hooks?key={key}", json = { url = "{url}", note = "{mark}" }, take = { id = "/id" } }
list   = { path = "/hooks", items = "/data", id = "/id", mark = "/note" }
update = { method = "PUT", path = "/hooks/{id}", form = { url = "{url}" } }
delete = { method = "DELETE", path = "/hooks/{id}" }
"#;

const VALUE: &str = r#"
[register]
resource = "PROJECT"
read     = { method = "GET", path = "/{resource}", take = { previous = "/hook" } }
set      = { method = "POST", path = "/{resource}", json = { hook = "{url}" } }
restore  = { method = "POST", path = "/{resource}", json = { hook = "{previous}" } }
"#;

const MANUAL: &str = r#"
[register]
manual = ["Enter {url}."]
"#;

#[test]
fn calls_that_could_not_register_or_would_remove_too_much_are_rejected() {
    // The line of `[register]` in each whole manifest.
    let first = SOUND.lines().count() + 2;
    for register in [ENDPOINT, VALUE, MANUAL] {
        load(&format!("{SOUND}{register}"), &FILES).unwrap();
    }
    let cases = [
        (ENDPOINT, "note = \"{mark}\"", "note = \"\"", 2, 10, "`create` needs {mark}"),
        (ENDPOINT, "json = { url = \"{url}\",", "json = {", 2, 10, "`create` needs {url}"),
        (ENDPOINT, ", take = { id = \"/id\" }", "", 2, 10, "`create` needs `take = { id = \"/POINTER\" }`"),
        (ENDPOINT, "\"PUT\", path = \"/hooks/{id}\"", "\"PUT\", path = \"/hooks\"", 4, 10, "`update` needs {id}"),
        (ENDPOINT, "form = { url = \"{url}\" }", "form = { on = \"1\" }", 4, 10, "`update` needs {url}"),
        (ENDPOINT, "\"DELETE\", path = \"/hooks/{id}\"", "\"DELETE\", path = \"/hooks\"", 5, 10, "`delete` needs {id}"),
        (
            ENDPOINT,
            "\"DELETE\", path = \"/hooks/{id}\"",
            "\"DELETE\", path = \"/hooks/{id}/{url}\"",
            5,
            10,
            "`delete` has no {url}",
        ),
        (
            ENDPOINT,
            "delete = { method = \"DELETE\", path = \"/hooks/{id}\" }\n",
            "",
            0,
            1,
            "[register] needs `delete` too",
        ),
        (ENDPOINT, "?key={key}", "", 0, 1, "[register] has a `key`, but no call uses {key}"),
        (ENDPOINT, "key    = \"ACME_API_KEY\"\n", "", 0, 1, "a call uses {key}, but [register] has no `key`"),
        (
            ENDPOINT,
            "?key={key}",
            "?key={kee}",
            2,
            36,
            "unknown placeholder `kee`; did you mean `key`? (known: `url`, `id`, `key`, `mark`, `new_secret`, `previous`, `resource`)",
        ),
        (
            ENDPOINT,
            "\"/hooks\", items",
            "\"hooks\", items",
            3,
            19,
            "`hooks` doesn't begin with a slash: write the path below `api`, such as /v1/hooks",
        ),
        (ENDPOINT, "items = \"/data\"", "items = \"data\"", 3, 37, "`data` is not a JSON pointer, such as `/data/id`"),
        (VALUE, "hook = \"{url}\"", "hook = \"\"", 3, 12, "`set` needs {url}"),
        (VALUE, "hook = \"{previous}\"", "hook = \"\"", 4, 12, "`restore` needs {previous}"),
        (VALUE, "hook = \"{url}\"", "hook = \"{url}{id}\"", 3, 12, "`set` has no {id}"),
        (VALUE, "resource = \"PROJECT\"\n", "", 0, 1, "a call uses {resource}, but [register] has no `resource`"),
        (VALUE, "read     =", "create   =", 3, 12, "`set` can't be combined with `create`"),
        (MANUAL, "{url}", "{url} and {key}", 1, 11, "a step can't use {key}, only {url}"),
        (
            MANUAL,
            "manual = [\"Enter {url}.\"]\n",
            "",
            0,
            1,
            "[register] needs one of `create` (an endpoint of its own), `read` (one value) and `manual` (steps)",
        ),
    ];
    for (register, passage, replaced, line, column, message) in cases {
        assert_eq!(register.matches(passage).count(), 1, "{passage:?}");
        let text = format!("{SOUND}{}", register.replace(passage, replaced));
        let error = load(&text, &FILES).map(drop).unwrap_err().to_string();
        assert_eq!(error, format!("acme/provider.toml:{}:{column}: {message}", first + line), "{replaced:?}");
    }
}
