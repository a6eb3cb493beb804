//! `hookdev diff`: compares two captured requests. The exit code says whether they are the same.

use std::{io, iter, path::Path};

use super::{
    context::Context,
    exit::{Exit, Failure},
};
use crate::{
    cli::{DiffArgs, DiffEntries, FormatArg},
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
    let [left, right] = match args.entry {
        None => [Wanted::Only; 2],
        Some(DiffEntries::Same(index)) => [Wanted::OfSeveral(index); 2],
        Some(DiffEntries::Each(left, right)) => [left, right].map(Wanted::Exactly),
    };
    let (left, right) = (read(&args.left, left)?, read(&args.right, right)?);
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

/// Which request of a file is compared.
#[derive(Clone, Copy)]
enum Wanted {
    /// The only one.
    Only,
    /// The only one, or else the one at this index.
    OfSeveral(usize),
    /// The one at this index.
    Exactly(usize),
}

/// Reads one request of a file.
fn read(file: &Path, wanted: Wanted) -> Result<Request, Failure> {
    let entries = if file == Path::new(STDIN) { formats::read(file, io::stdin()) } else { formats::open(file) };
    let mut entries = entries.map_err(|error| Failure::unreadable_input(&error))?.peekable();
    let name = file.display();
    let Some(first) = entries.next() else {
        return Err(Failure::new(Exit::UnreadableInput, format!("{name} has no request")));
    };
    let is_only = entries.peek().is_none();
    let index = match wanted {
        Wanted::Only | Wanted::OfSeveral(_) if is_only => 0,
        Wanted::OfSeveral(index) | Wanted::Exactly(index) => index,
        Wanted::Only => {
            return Err(Failure::usage(format!("{name} has several requests"))
                .hint("choose one with --entry N (counted from 0), or one of each file with --entry N,M"));
        }
    };
    let (mut count, mut unreadable) = (0, 0);
    let mut entries = iter::once(first).chain(entries).inspect(|entry| {
        count += 1;
        unreadable += usize::from(entry.is_err());
    });
    let chosen = entries.nth(index);
    drop(entries);
    match chosen {
        Some(Ok(entry)) => Ok(entry.request),
        Some(Err(error)) => Err(Failure::unreadable_input(&error)),
        None => {
            let requests = match (count, unreadable) {
                (1, 0) => "1 request, number 0".to_owned(),
                (1, _) => "1 entry, number 0, which can't be read".to_owned(),
                (_, 0) => format!("{count} requests, 0 to {}", count - 1),
                // Unreadable entries are numbered too.
                _ => format!("{count} entries, 0 to {}, of which {unreadable} can't be read", count - 1),
            };
            Err(Failure::usage(format!("{name} has no request {index}: it has {requests}")))
        }
    }
}
