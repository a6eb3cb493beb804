//! Opens a payload in the user's editor, and says what was changed.

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use super::{exit::Failure, streams};
use crate::{
    render::{diff, pretty::Page},
    webhook::{
        assessment::MAX_DECODED_BYTES,
        diff::{Difference, diff as compare_requests},
        provider::payload,
        request::Request,
    },
};

/// The exit code of a shell that can't find the program.
const NOT_FOUND: i32 = 127;

/// What an edit changed.
pub(super) struct Differences(Vec<Difference>);

impl Differences {
    /// The changes, as people read them.
    pub(super) fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        self.0.iter().for_each(|difference| diff::difference(difference, page.palette, page.width, &mut text));
        text
    }
}

/// Opens the payload of a request in the editor; the changed request, and what changed. `None` if nothing did. The request is
/// not signed again.
///
/// # Errors
///
/// If the payload is not text, or the editor fails.
pub(super) fn edited(request: &Request) -> Result<Option<(Request, Differences)>, Failure> {
    let body = payload::decoded(request, MAX_DECODED_BYTES).map_err(Failure::usage)?;
    let media = request.media_type().unwrap_or_default();
    let extension = if media.ends_with("json") || body.first() == Some(&b'{') { "json" } else { "txt" };
    let Edited::Changed(text) = edit(&body, extension)? else { return Ok(None) };
    let mut changed = Request { body: text.into(), ..request.clone() };
    changed.headers.remove("content-encoding");
    let differences = Differences(compare_requests(request, &changed, MAX_DECODED_BYTES));
    Ok(Some((changed, differences)))
}

/// What came out of the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Edited {
    /// Nothing was changed, or only a newline was added at the end, as editors do.
    Unchanged,
    /// The new text.
    Changed(String),
}

/// Opens a text in `$VISUAL`, else `$EDITOR`, else `vi`, and waits until it is closed. The file's name has this extension, by
/// which editors know the language.
///
/// # Errors
///
/// If the text isn't text, or the editor can't be run or fails.
fn edit(body: &[u8], extension: &str) -> Result<Edited, Failure> {
    let Ok(before) = std::str::from_utf8(body) else {
        return Err(Failure::usage("can't edit the payload: it is not text"));
    };
    let failed = |error: &std::io::Error| Failure::usage("can't edit the payload").because(error);
    let mut file = tempfile::Builder::new()
        .prefix("hookdev-payload-")
        .suffix(&format!(".{extension}"))
        .tempfile()
        .map_err(|error| failed(&error))?;
    file.write_all(body).map_err(|error| failed(&error))?;
    // Some editors replace the file, so the handle is closed and the path read again.
    let path = file.into_temp_path();
    let editor = editor();
    let mut command = shell(&editor, &path);
    // Redirected output is data, so the editor's goes to standard error.
    let stdout = if streams::stdout_is_terminal() { Stdio::inherit() } else { streams::stderr_for_program() };
    let status = command.stdin(Stdio::inherit()).stdout(stdout).status().map_err(|error| failed(&error))?;
    if status.code() == Some(NOT_FOUND) {
        return Err(Failure::usage(format!("can't find the editor `{editor}`, so nothing is sent"))
            .hint("set VISUAL or EDITOR to your editor"));
    }
    if !status.success() {
        return Err(Failure::usage(format!("the editor `{editor}` failed, so nothing is sent")));
    }
    let after = fs::read(&path).map_err(|error| failed(&error))?;
    let Ok(after) = String::from_utf8(after) else {
        return Err(Failure::usage("can't send the payload: it was saved as something other than UTF-8"));
    };
    Ok(compare(before, after))
}

/// A shell that opens a file in the editor, which may have arguments, as for git.
#[cfg(not(windows))]
fn shell(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    command
}

/// A shell that opens a file in the editor, which may have arguments. With `/S`, `cmd` removes the outer quotes and no others.
#[cfg(windows)]
fn shell(editor: &str, path: &Path) -> Command {
    use std::os::windows::process::CommandExt;

    let mut command = Command::new("cmd");
    command.raw_arg(format!("/S /C \"{editor} \"{}\"\"", path.display()));
    command
}

/// The name of the editor.
fn editor() -> String {
    let set = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let default = if cfg!(windows) { "notepad" } else { "vi" };
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| default.to_owned())
}

/// Whether a text was changed. A newline at its end that was not there is the editor's.
fn compare(before: &str, mut after: String) -> Edited {
    if !before.ends_with('\n')
        && let Some(text) = after.strip_suffix('\n')
    {
        after.truncate(text.strip_suffix('\r').unwrap_or(text).len());
    }
    if after == before { Edited::Unchanged } else { Edited::Changed(after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_newline_at_the_end_is_no_edit_and_not_part_of_one() {
        assert_eq!(compare("{}", "{}".to_owned()), Edited::Unchanged);
        assert_eq!(compare("{}", "{}\n".to_owned()), Edited::Unchanged);
        assert_eq!(compare("{}", "{}\r\n".to_owned()), Edited::Unchanged);
        assert_eq!(compare("{}\n", "{}\n".to_owned()), Edited::Unchanged);
        assert_eq!(compare("{}\n", "{}".to_owned()), Edited::Changed("{}".to_owned()));
        assert_eq!(compare("{}", "{\"a\":1}\n".to_owned()), Edited::Changed("{\"a\":1}".to_owned()));
    }

    #[test]
    fn a_binary_payload_is_refused() {
        let failure = edit(b"\xff\x00", "bin").unwrap_err();
        assert_eq!(failure.message.as_deref(), Some("can't edit the payload: it is not text"));
    }
}
