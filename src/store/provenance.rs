//! The provenance of a found config: who may own it, and which files it may name.

use std::{
    fs::{self, Metadata},
    path::{Component, Path, PathBuf},
};

/// The user id of a file's owner; on systems without one, that of root.
#[cfg(unix)]
pub(super) fn owner(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

#[cfg(not(unix))]
pub(super) const fn owner(_: &Metadata) -> u32 {
    0
}

/// The user id that hookdev runs as; on systems without one, that of root.
#[cfg(unix)]
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
pub(super) const fn user() -> u32 {
    0
}

/// Whether a found config may belong to this owner: the user, root, or the owner of the working directory, for example
/// of a checkout mounted into a container. Git has the same rule for repositories.
pub(super) fn may_belong_to(owner: u32, working_dir: &Path) -> bool {
    owner == 0
        || owner == user()
        || fs::metadata(working_dir).is_ok_and(|working_dir| self::owner(&working_dir) == owner)
}

/// Whether a file is below a directory, with links resolved. A file that doesn't exist counts as being where its path
/// leads.
pub(super) fn is_below(dir: &Path, file: &Path) -> bool {
    let Ok(dir) = if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.canonicalize() else { return false };
    match dir.join(file).canonicalize() {
        Ok(real) => real.starts_with(dir),
        Err(_) => without_dots(&dir.join(file)).is_some_and(|path| path.starts_with(dir)),
    }
}

/// A path with its `..` resolved by name; `None` if they lead above its root.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => plain.pop().then_some(())?,
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_below_a_directory_only_if_nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("base");
        fs::create_dir_all(base.join("deep")).unwrap();
        fs::write(dir.path().join("outside"), "").unwrap();
        fs::write(base.join("deep/secret"), "").unwrap();
        for (file, expected) in [
            ("deep/secret", true),
            ("deep/../deep/secret", true),
            ("missing", true),
            ("missing/../missing", true),
            ("../outside", false),
            ("../missing", false),
            ("deep/../../missing", false),
            ("/etc/passwd", false),
            ("/no/such/file", false),
        ] {
            assert_eq!(is_below(&base, Path::new(file)), expected, "{file}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), base.join("out")).unwrap();
            std::os::unix::fs::symlink(base.join("deep"), base.join("in")).unwrap();
            assert!(!is_below(&base, Path::new("out/outside")));
            assert!(is_below(&base, Path::new("in/secret")));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_config_belongs_to_the_user_to_root_or_to_the_owner_of_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let user = user();
        assert!(may_belong_to(user, Path::new("/")));
        assert!(may_belong_to(0, dir.path()));
        assert!(!may_belong_to(user + 12_345, dir.path()));
    }
}
