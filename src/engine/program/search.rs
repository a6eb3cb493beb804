//! Finds a program by its name as Windows' shells do. The standard library adds only `.exe`, but `npm` is `npm.cmd`.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The file of a program: its name with the first of these extensions (as in `PATHEXT`), in the first directory of
/// `path` that has one. `None` if there is none, or the name has such an extension.
pub fn executable(name: &OsStr, path: &OsStr, extensions: &str, is_file: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let file = Path::new(name);
    let extensions: Vec<&str> = extensions.split(';').filter(|extension| extension.starts_with('.')).collect();
    let has = |extension: &&str| file.extension().is_some_and(|own| own.eq_ignore_ascii_case(&extension[1..]));
    if extensions.iter().any(has) {
        return None;
    }
    let is_path = file.components().count() > 1;
    let directories = if is_path { vec![PathBuf::new()] } else { env::split_paths(path).collect() };
    directories.iter().find_map(|directory| {
        extensions.iter().find_map(|extension| {
            let mut candidate = directory.join(file).into_os_string();
            candidate.push(extension);
            Some(PathBuf::from(candidate)).filter(|candidate| is_file(candidate))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_with_the_first_extension_in_the_first_directory() {
        let files = ["one/npm", "one/npm.CMD", "two/npm.EXE", "two/npm.CMD", "two/node.EXE", "bin/tsc.CMD"];
        let path = env::join_paths(["one", "two"]).unwrap();
        let found = |name: &str| {
            let is_file = |file: &Path| files.iter().any(|known| Path::new(known) == file);
            executable(name.as_ref(), &path, ".COM;.EXE;.BAT;.CMD", is_file)
        };
        assert_eq!(found("npm"), Some("one/npm.CMD".into()));
        assert_eq!(found("node"), Some("two/node.EXE".into()));
        assert_eq!(found("bin/tsc"), Some("bin/tsc.CMD".into()));
        assert_eq!((found("npm.cmd"), found("cargo")), (None, None));
    }
}
