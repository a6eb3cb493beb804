//! Copies text to the clipboard: with the desktop's own program if there is one, else through the terminal (OSC 52).

use std::{
    env,
    io::{self, Write},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::streams;

/// The longest text that terminals accept through OSC 52, in bytes of base64.
const MAX_THROUGH_TERMINAL: usize = 74_994;

/// A program, its arguments, and the variable that is set while its desktop runs.
type DesktopProgram = (&'static str, &'static [&'static str], &'static str);

/// macOS's program. It needs no variable.
const PASTEBOARD: [DesktopProgram; 1] = [("pbcopy", &[], "")];

/// The programs of Unix desktops.
const PROGRAMS: [DesktopProgram; 2] =
    [("wl-copy", &[], "WAYLAND_DISPLAY"), ("xclip", &["-selection", "clipboard"], "DISPLAY")];

/// How text was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// By this program.
    By(&'static str),
    /// By the terminal, which may ignore it.
    ByTerminal,
}

/// Copies text. `None` if that is impossible here.
pub(super) fn copy(text: &str) -> Option<Copied> {
    let desktop =
        PROGRAMS.iter().filter(|(_, _, variable)| env::var_os(variable).is_some_and(|value| !value.is_empty()));
    let mac = PASTEBOARD.iter().filter(|_| cfg!(target_os = "macos"));
    for (program, args, _) in mac.chain(desktop) {
        if copy_with(program, args, text).is_ok() {
            return Some(Copied::By(program));
        }
    }
    let encoded = STANDARD.encode(text);
    let can_copy = !matches!(env::var("TERM").as_deref(), Err(_) | Ok("" | "dumb" | "linux"));
    if !can_copy || encoded.len() > MAX_THROUGH_TERMINAL {
        return None;
    }
    streams::control(&format!("\x1b]52;c;{encoded}\x07"));
    Some(Copied::ByTerminal)
}

/// Passes text to a program, which may keep running in the background.
fn copy_with(program: &str, args: &[&str], text: &str) -> io::Result<()> {
    let mut command = Command::new(program);
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(io::Error::other("it failed")) }
}
