//! A provider directory to fill in, for users who have documentation but no captures.

use super::{
    Learned,
    manifest::{title, variable},
    provider,
};

/// The manifest; `NAME`, `TITLE` and `VARIABLE` are replaced.
const MANIFEST: &str = include_str!("template.toml");

const FIXTURE: &str = r#"{
  "id": "3f1c7a52-6d0e-4b8a-9c55-0a7e5d2b9f10",
  "type": "order.placed",
  "created_at": "2026-03-02T09:18:45Z",
  "data": {"number": 1001, "total": "49.00", "currency": "EUR"}
}
"#;

const SCHEMA: &str = r#"{
  "$defs": {
    "order": {
      "type": "object",
      "required": ["id", "type", "data"],
      "properties": {
        "id": {"type": "string"},
        "type": {"type": "string"},
        "data": {"type": "object"}
      }
    }
  }
}
"#;

/// The directory of a provider of this name.
#[must_use]
pub fn template(name: &str) -> Learned {
    let manifest = MANIFEST.replace("NAME", name).replace("TITLE", &title(name)).replace("VARIABLE", &variable(name));
    let files = [("provider.toml", manifest.as_str()), ("schema.json", SCHEMA), ("events/order.placed.json", FIXTURE)];
    let files: Vec<(String, String)> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let problems = provider(name, &files).err().unwrap_or_default();
    Learned { files, problems, ..Learned::default() }
}
