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

/// Writes a directory `acme` with this manifest.
fn write(dir: &Dir, manifest: &str) {
    dir.write("acme/provider.toml", manifest);
    dir.write("acme/events/made.json", r#"{ "type": "made", "id": "evt_0" }"#);
}
