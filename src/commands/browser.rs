//! Opens a URL in the desktop's browser. Other users can read a process's arguments, and the inspector's URL contains
//! its token. So the browser is given a file that only the user can read, which redirects to the URL.

use std::{
    env,
    ffi::OsString,
    process::{Command, Stdio},
    thread,
};

use crate::store::temporary::{self, TempPath};

/// The program that opens a URL, and variables: if any is set, a desktop is running.
const OPENER: (&str, &[&str]) =
    if cfg!(target_os = "macos") { ("open", &[]) } else { ("xdg-open", &["WAYLAND_DISPLAY", "DISPLAY"]) };

/// A URL being opened. Dropping it removes its file.
#[derive(Debug)]
pub(super) struct Opening {
    /// The program that opens it.
    pub program: &'static str,
    _file: TempPath,
}

/// Opens a URL. `None` without a desktop, because the program would then take over the terminal, or if the file can't
/// be written.
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
    // Some of these programs run as long as the browser.
    thread::spawn(move || child.wait());
    Some(Opening { program, _file: file })
}

/// A page that redirects to one of hookdev's own URLs, none of which needs escaping in HTML.
fn page(url: &str) -> String {
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"refresh\" content=\"0;url={url}\">\n<title>hookdev</title>\n<a href=\"{url}\">Open the inspector</a>\n"
    )
}
