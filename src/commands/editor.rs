//! Opens a payload in the user's editor, and reports what was changed.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempPath;

#[cfg(unix)]
use super::terminal_mode::SavedMode;
use super::{exit::Failure, streams};
use crate::{
    render::{diff, pretty::Page, shell},
    webhook::{
        diff::{Difference, diff as compare_requests},
        edit,
        payload::MAX_DECODED_BYTES,
        request::Request,
    },
};

/// The exit code of a shell that can't find a program.
const NOT_FOUND: i32 = 127;

/// A request whose payload was edited.
pub(super) struct Edited {
    /// The changed request, not re-signed.
    pub(super) request: Request,
    pub(super) differences: Differences,
    /// Stays unless it is discarded.
    file: TempPath,
}

impl Edited {
    /// Where the edited file is, in words, because its content was not sent.
    pub(super) fn kept(self) -> String {
        keep(self.file)
    }

    /// Removes the edited file, because its content is in use.
    pub(super) fn discard(mut self) {
        self.file.disable_cleanup(false);
    }
}

/// The changes made in the editor.
pub(super) struct Differences(Vec<Difference>);

impl Differences {
    /// The changes, as people read them.
    pub(super) fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        self.0.iter().for_each(|difference| diff::difference(difference, page.palette, page.width, &mut text));
        text
    }
}

/// Opens the payload of a request in the editor. `None` if nothing was changed.
///
/// # Errors
///
/// If the payload is not text, or the editor fails.
pub(super) fn edited(request: &Request) -> Result<Option<Edited>, Failure> {
    let before = edit::text(request, MAX_DECODED_BYTES).map_err(|error| Failure::usage(error.to_string()))?;
    let media = request.media_type().unwrap_or_default();
    let extension = if media.ends_with("json") || before.starts_with('{') { "json" } else { "txt" };
    let (after, mut file) = edit_text(&before, extension)?;
    let Some(changed) = edit::edited(request, &before, after) else { return Ok(None) };
    let differences = Differences(compare_requests(request, &changed, MAX_DECODED_BYTES));
    file.disable_cleanup(true);
    Ok(Some(Edited { request: changed, differences, file }))
}

/// Keeps a file that contains an edit. Says where it is.
fn keep(mut file: TempPath) -> String {
    file.disable_cleanup(true);
    format!("your edit is saved in {}", shell::word(&file.to_string_lossy()))
}

/// Opens text in `$VISUAL`, else `$EDITOR`, else `vi`, and waits until it is closed. The file gets this extension, by
/// which editors recognise the language. Returns what was saved, and the file.
///
/// # Errors
///
/// If the editor can't be run or fails, or saves something other than UTF-8. Changes that were saved are kept.
fn edit_text(text: &str, extension: &str) -> Result<(String, TempPath), Failure> {
    let failed = |error: &std::io::Error| Failure::usage("can't edit the payload").because(error);
    let mut file = tempfile::Builder::new()
        .prefix("hookdev-payload-")
        .suffix(&format!(".{extension}"))
        .tempfile()
        .map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    // Some editors replace the file, so the handle is closed and the path is read again.
    let path = file.into_temp_path();
    let editor = editor();
    let mut command = open_in(&editor, &path);
    // Redirected output is data, so the editor's own output goes to standard error.
    let stdout = if streams::stdout_is_terminal() { Stdio::inherit() } else { streams::stderr_for_program() };
    #[cfg(unix)]
    let _mode = SavedMode::before_program();
    let status = command.stdin(Stdio::inherit()).stdout(stdout).status().map_err(|error| failed(&error))?;
    if status.code() == Some(NOT_FOUND) {
        return Err(Failure::usage(format!("can't find the editor `{editor}`, so nothing is sent"))
            .hint("set VISUAL or EDITOR to your editor"));
    }
    let after = fs::read(&path);
    if !status.success() {
        let failure = Failure::usage(format!("the editor `{editor}` failed, so nothing is sent"));
        let is_changed = after.is_ok_and(|after| after != text.as_bytes());
        return Err(if is_changed { failure.hint(keep(path)) } else { failure });
    }
    match String::from_utf8(after.map_err(|error| failed(&error))?) {
        Ok(after) => Ok((after, path)),
        Err(_) => {
            Err(Failure::usage("can't send the payload: it was saved as something other than UTF-8").hint(keep(path)))
        }
    }
}

/// A shell command that opens a file in the editor. As with git, the variable may contain arguments.
#[cfg(not(windows))]
fn open_in(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    command
}

/// A shell command that opens a file in the editor. The variable may contain arguments. With `/S`, `cmd` removes only
/// the outer quotes.
#[cfg(windows)]
fn open_in(editor: &str, path: &Path) -> Command {
    use std::os::windows::process::CommandExt;

    let mut command = Command::new("cmd");
    command.raw_arg(format!("/S /C \"{editor} \"{}\"\"", path.display()));
    command
}

/// The editor's command.
fn editor() -> String {
    let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let default = if cfg!(windows) { "notepad" } else { "vi" };
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| default.to_owned())
}
