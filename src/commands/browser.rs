//! Opens a URL in the desktop's browser. Other users can read the arguments of a process, and the URL of the inspector
//! has its token. So the browser opens a file that only the user can read, which leads to the URL.

use std::{
    env,
    ffi::OsString,
    process::{Command, Stdio},
    thread,
};

use crate::store::temporary::{self, TempPath};

/// The program that opens a URL, and the variables one of which says that its desktop runs.
const OPENER: (&str, &[&str]) =
    if cfg!(target_os = "macos") { ("open", &[]) } else { ("xdg-open", &["WAYLAND_DISPLAY", "DISPLAY"]) };

/// A URL that is being opened. Its file is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Opening {
    /// The program that opens it.
    pub program: &'static str,
    _file: TempPath,
}

/// Opens a URL; `None` if there is no desktop, where such a program would take over the terminal, or no place for the
/// file.
pub(super) fn open(url: &str) -> Option<Opening> {
    let (program, desktops) = OPENER;
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if !desktops.is_empty() && !desktops.iter().any(is_set) {
        return None;
    }
    let file = temporary::create(|name| env::var_os(name), ".html", page(url).as_bytes()).ok()?;
    let mut argument = OsString::from("file://");
    argument.push(&*file);
    let mut command = Command::new(program);
    let mut child =
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    // Some run as long as the browser.
    thread::spawn(move || child.wait());
    Some(Opening { program, _file: file })
}

/// A page that leads to a URL of hookdev's own, which has no character that HTML would change.
fn page(url: &str) -> String {
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"refresh\" content=\"0;url={url}\">\n<title>hookdev</title>\n<a href=\"{url}\">Open the inspector</a>\n"
    )
}
