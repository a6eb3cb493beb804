//! Custom providers: directories of data with `--providers`.

mod broken;
mod schemes;

use crate::harness::Dir;

/// A manifest with this `[secret]` and these `[[scheme]]`s.
pub fn manifest(secret: &str, schemes: &str) -> String {
    format!(
        r#"name = "acme"
title = "Acme"
about = "A test"

[secret]
{secret}

{schemes}

[delivery]
success = ["2xx"]

[[event]]
name = "made"
about = "Something was made"
match = {{ type = "made" }}
"#
    )
}

/// The `[secret]` of Acme.
pub const SECRET: &str = "development = \"acme-secret\"";

/// A scheme that sends the secret itself, in a header with a list of versions.
pub const TOKEN: &str = r#"[[scheme]]
name = "token"
algorithm = "token"
content = "{body}"
signature = { header = "X-Acme-Token", value = "v1={token}", separator = "," }"#;

/// Writes a directory `acme` with this manifest.
pub fn write(dir: &Dir, manifest: &str) {
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/events/made.json", r#"{ "type": "made", "id": "evt_0" }"#);
}
