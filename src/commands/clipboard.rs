//! Copies text to the clipboard: with the desktop's own program if there is one, else through the terminal (OSC 52).
//! Long text for which neither works is written to a file.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::streams;

/// The longest text that terminals accept through OSC 52, in bytes of base64.
const MAX_THROUGH_TERMINAL: usize = 74_994;

/// The longest text that is printed rather than written to a file, in bytes: about a screen.
const MAX_SHORT: usize = 2000;

/// A program, its arguments, and the variable that is set while its desktop runs.
type DesktopProgram = (&'static str, &'static [&'static str], &'static str);

/// macOS's program. It needs no variable.
const PASTEBOARD: [DesktopProgram; 1] = [("pbcopy", &[], "")];

/// The programs of Unix desktops.
const PROGRAMS: [DesktopProgram; 2] =
    [("wl-copy", &[], "WAYLAND_DISPLAY"), ("xclip", &["-selection", "clipboard"], "DISPLAY")];

/// Where text was copied to.
#[derive(Debug)]
pub(super) enum Copied {
    /// The clipboard, by this program.
    By(&'static str),
    /// The clipboard, by the terminal, which may ignore it.
    ByTerminal,
    /// A file that only the user can read, because the text is too long for the terminal, or there is no clipboard.
    InFile(PathBuf),
}

/// Copies text to the clipboard if possible, else to a file with this extension. Short text is only copied to the
/// clipboard: `None` if there is none.
///
/// # Errors
///
/// If the file can't be written.
pub(super) fn copy(text: &str, extension: &str) -> io::Result<Option<Copied>> {
    let desktop =
        PROGRAMS.iter().filter(|(_, _, variable)| env::var_os(variable).is_some_and(|value| !value.is_empty()));
    let mac = PASTEBOARD.iter().filter(|_| cfg!(target_os = "macos"));
    for (program, args, _) in mac.chain(desktop) {
        if copy_with(program, args, text).is_ok() {
            return Ok(Some(Copied::By(program)));
        }
    }
    let encoded = STANDARD.encode(text);
    let can_copy = !matches!(env::var("TERM").as_deref(), Err(_) | Ok("" | "dumb" | "linux"));
    if can_copy && encoded.len() <= MAX_THROUGH_TERMINAL {
        streams::control(&format!("\x1b]52;c;{encoded}\x07"));
        return Ok(Some(Copied::ByTerminal));
    }
    if text.len() <= MAX_SHORT { Ok(None) } else { write(text, extension).map(|path| Some(Copied::InFile(path))) }
}

/// Writes text to a new file that only the user can read.
fn write(text: &str, extension: &str) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("hookdev-copy-").suffix(&format!(".{extension}")).tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.keep()?.1)
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
