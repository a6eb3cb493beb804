//! Opens a URL in the desktop's browser.

use std::{
    env,
    process::{Command, Stdio},
    thread,
};

/// The program that opens a URL, and the variables one of which says that its desktop runs.
const OPENER: (&str, &[&str]) =
    if cfg!(target_os = "macos") { ("open", &[]) } else { ("xdg-open", &["WAYLAND_DISPLAY", "DISPLAY"]) };

/// Opens a URL, and returns the program that does so; `None` if there is no desktop, where such a program would take over the
/// terminal.
pub(super) fn open(url: &str) -> Option<&'static str> {
    let (program, desktops) = OPENER;
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if !desktops.is_empty() && !desktops.iter().any(is_set) {
        return None;
    }
    let mut command = Command::new(program);
    let mut child = command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    // Some run as long as the browser.
    thread::spawn(move || child.wait());
    Some(program)
}
