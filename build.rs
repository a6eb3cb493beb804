//! Embeds `fixtures/`: writes a table of every provider folder and the files in it.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("fixtures");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut table = String::from("static BUILTIN: &[(&str, &[(&str, &str)])] = &[\n");
    for provider in sorted(&root)? {
        writeln!(table, "    ({provider:?}, &[")?;
        embed(&root.join(&provider), "", &mut table)?;
        table.push_str("    ]),\n");
    }
    table.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("builtin.rs"), table)?;
    Ok(())
}

fn embed(folder: &Path, prefix: &str, table: &mut String) -> Result<(), Box<dyn Error>> {
    for name in sorted(folder)? {
        let path = folder.join(&name);
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

fn sorted(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    // The vectors are for the tests, which read them from the folder.
    names.retain(|name| !name.starts_with('.') && name != "vectors.json");
    names.sort();
    Ok(names)
}
