//! `hookdev diff`: compares two captured requests. The exit code says whether they are the same.

use std::{io, path::Path};

use super::{
    context::Context,
    exit::{Exit, Failure},
};
use crate::{
    cli::{DiffArgs, FormatArg},
    engine::verify::STDIN,
    render::{diff, json},
    store::formats,
    webhook::{diff::diff as differences, payload::MAX_DECODED_BYTES, request::Request},
};

/// Prints what differs.
///
/// # Errors
///
/// If a file can't be read, if it has several requests and none is chosen, or if the output can't be written.
pub fn run(context: &Context, args: &DiffArgs) -> Result<Exit, Failure> {
    if args.left == Path::new(STDIN) && args.right == Path::new(STDIN) {
        return Err(Failure::usage("only one of the two captures can be standard input"));
    }
    let (left, right) = (read(&args.left, args.entry)?, read(&args.right, args.entry)?);
    let found = differences(&left, &right, MAX_DECODED_BYTES);
    let (mut lines, mut text) = (Vec::new(), String::new());
    for difference in &found {
        match context.format() {
            FormatArg::Json => json::difference(difference, &mut lines),
            _ if context.global.quiet => {}
            _ => diff::difference(difference, context.terminal.out, context.terminal.width(), &mut text),
        }
    }
    context.terminal.print(&lines)?;
    context.terminal.print_text(&text)?;
    context.terminal.say(&match found.len() {
        0 => "the requests are the same\n".to_owned(),
        1 => "1 difference\n".to_owned(),
        more => format!("{more} differences\n"),
    });
    Ok(if found.is_empty() { Exit::Success } else { Exit::Failed })
}

/// Reads the only request of a file, or the one at an index.
fn read(file: &Path, index: Option<usize>) -> Result<Request, Failure> {
    let entries = if file == Path::new(STDIN) { formats::read(file, io::stdin()) } else { formats::open(file) };
    let mut entries = entries.map_err(|error| Failure::unreadable_input(&error))?.peekable();
    let Some(first) = entries.next() else {
        return Err(Failure::new(Exit::UnreadableInput, format!("{} has no request", file.display())));
    };
    let is_only = entries.peek().is_none();
    let chosen = match index {
        _ if is_only => Some(first),
        Some(0) => Some(first),
        Some(index) => entries.nth(index - 1),
        None => {
            return Err(Failure::usage(format!("{} has several requests", file.display()))
                .hint("choose one of them with --entry N, from 0"));
        }
    };
    match chosen {
        Some(Ok(entry)) => Ok(entry.request),
        Some(Err(error)) => Err(Failure::unreadable_input(&error)),
        None => Err(Failure::usage(format!("{} has no request with the number that --entry gives", file.display()))),
    }
}
