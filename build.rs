//! Embeds `fixtures/`: writes a table of every provider directory, with its files and its line in
//! `fixtures/index.ndjson`.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("fixtures");
    println!("cargo::rerun-if-changed={}", root.display());
    let index = fs::read_to_string(root.join("index.ndjson")).unwrap_or_default();
    let mut table = String::from("static BUILT_IN: &[BuiltIn] = &[\n");
    for provider in sorted(&root)?.iter().filter(|name| root.join(name).is_dir()) {
        let manifest = hash(&fs::read(root.join(provider).join("provider.toml")).unwrap_or_default());
        // The line of another manifest is ignored: the provider is loaded instead.
        let current = format!("{{\"manifest\":\"{manifest}\",\"name\":\"{provider}\",");
        let line = index.lines().find(|line| line.starts_with(&current)).unwrap_or_default();
        writeln!(table, "    BuiltIn {{ name: {provider:?}, manifest: {manifest:?}, index: {line:?}, texts: &[")?;
        embed(&root.join(provider), "", &mut table)?;
        table.push_str("    ] },\n");
    }
    table.push_str("];\n");
    // The provider that messages name as an example.
    writeln!(table, "static EXAMPLE: &str = {:?};", fs::read_to_string(root.join("example.txt"))?.trim())?;
    // The providers that a page lists before any is in use.
    let featured = fs::read_to_string(root.join("featured.txt"))?;
    writeln!(table, "static FEATURED: &[&str] = &{:?};", featured.split_whitespace().collect::<Vec<_>>())?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("builtin.rs"), table)?;
    Ok(())
}

/// The hash by which the line of a manifest is found in the index: FNV-1a, which detects changes but not attacks.
fn hash(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

fn embed(dir: &Path, prefix: &str, table: &mut String) -> Result<(), Box<dyn Error>> {
    for name in sorted(dir)? {
        let path = dir.join(&name);
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            embed(&path, &format!("{prefix}{name}/"), table)?;
        } else {
            writeln!(
                table,
                "        ({:?}, include_str!({:?})),",
                format!("{prefix}{name}"),
                path.display().to_string()
            )?;
        }
    }
    Ok(())
}

fn sorted(dir: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    // The vectors are for the tests, which read them from the directory.
    names.retain(|name| !name.starts_with('.') && name != "vectors.json");
    names.sort();
    Ok(names)
}
