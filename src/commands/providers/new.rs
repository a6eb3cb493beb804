//! `hookdev providers new`: writes a provider directory, from a template or from captured requests.

use std::{
    env, io,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    cli::{Format, Global, NewProvider},
    commands::{
        context::format,
        exit::{Exit, Failure},
        terminal::Terminal,
    },
    engine::verify::STDIN,
    net::url::parse_url,
    render::{json, providers::WrittenProvider},
    store::{
        formats::{self, Entries, open_found, walk},
        new_provider,
        secrets::{self, Environment},
    },
    webhook::{
        learn::{Learned, Sample, learn, template},
        signature::SecretText,
    },
};

/// Writes the directory.
///
/// # Errors
///
/// If the name is invalid, the directory exists, or a capture or a secret can't be read.
pub fn run(global: &Global, args: &NewProvider) -> Result<Exit, Failure> {
    let terminal = Terminal::new(global);
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let starts_well = args.name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !starts_well || !args.name.chars().all(is_plain) {
        return Err(Failure::usage(format!("invalid provider name `{}`", args.name))
            .hint("use a-z, 0-9, `-` and `_`, and begin with a letter or digit"));
    }
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    if dir.symlink_metadata().is_ok() {
        return Err(
            Failure::usage(format!("{} already exists", dir.display())).hint("choose another directory with --out DIR")
        );
    }
    if args.from.is_empty() && !global.secret.is_empty() {
        terminal.note("--secret is only used with --from, to find out how captured requests are signed");
    }
    if let Some(url) = &args.url {
        parse_url(url).map_err(|error| Failure::usage(error.to_string()))?;
    }
    let mut samples = samples(&args.from, &terminal)?;
    if let Some(url) = &args.url {
        for sample in &mut samples {
            sample.url = Some(url.clone());
        }
    }
    let learned = if args.from.is_empty() {
        template(&args.name)
    } else if samples.is_empty() {
        return Err(Failure::new(Exit::UnreadableInput, "no captured request to learn from"));
    } else {
        let environment =
            Environment::read(|name| env::var_os(name), None).map_err(|error| Failure::invalid_usage(&error))?;
        let secrets = secrets::texts(&global.secret, &args.name, Path::new(""), &environment)
            .map_err(|error| Failure::invalid_usage(&error))?;
        learn(&args.name, &samples, &secrets)
    };
    new_provider::write(&dir, &learned.files).map_err(|error| Failure::invalid_usage(&error))?;
    report(global, args, &terminal, &dir, samples.len(), &learned)
}

fn report(
    global: &Global,
    args: &NewProvider,
    terminal: &Terminal,
    dir: &Path,
    captures: usize,
    learned: &Learned,
) -> Result<Exit, Failure> {
    let shown = quoted(&dir.display().to_string());
    let mut next = vec![format!("hookdev providers check {shown}")];
    if args.from.is_empty() {
        next.push(format!("hookdev --providers {shown} events {}", args.name));
    } else {
        let files: Vec<String> = args.from.iter().map(|file| quoted(&file.display().to_string())).collect();
        let secrets = global.secret.iter().flat_map(|secret| [" --secret ".to_owned(), shown_source(secret)]);
        let secrets = secrets.collect::<String>();
        next.push(format!("hookdev --providers {shown} verify {} --provider {}{secrets}", files.join(" "), args.name));
    }
    let written = WrittenProvider::new(&args.name, dir.display().to_string(), captures, learned, next);
    let mut out = terminal.stdout();
    match format(global) {
        Format::Json => {
            let mut line = Vec::new();
            json::written_provider(&written, &mut line);
            out.write_all(&line)?;
        }
        _ if global.quiet => {}
        _ => out.write_all(written.in_words(terminal.out).as_bytes())?,
    }
    out.flush()?;
    for problem in &learned.problems {
        terminal.warn(&format!("{} needs a change: {problem}", dir.display()));
    }
    if learned.is_unproven {
        terminal.warn(&format!(
            "no scheme is proven with this secret: {}'s `[[scheme]]` is a comment, and its deliveries count as unsigned",
            dir.display()
        ));
    }
    Ok(if learned.problems.is_empty() && !learned.is_unproven { Exit::Success } else { Exit::Failed })
}

/// The source of a secret, unless it is the secret itself.
fn shown_source(secret: &SecretText) -> String {
    let source = secret.expose();
    let is_name = source.starts_with("env:") || source.starts_with("file:");
    if is_name { quoted(source) } else { "SOURCE".to_owned() }
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '\\');
    if !path.is_empty() && path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// The requests of all captures.
fn samples(from: &[PathBuf], terminal: &Terminal) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    for path in from {
        let unreadable = |error: formats::EntryError| Failure::unreadable_input(&error);
        if path == Path::new(STDIN) {
            read(formats::read(path, io::stdin()).map_err(unreadable)?, terminal, &mut samples)?;
        } else if path.is_dir() {
            for file in walk(path).files {
                if let Some(entries) = open_found(&file.map_err(unreadable)?).map_err(unreadable)? {
                    read(entries, terminal, &mut samples)?;
                }
            }
        } else {
            read(formats::open(path).map_err(unreadable)?, terminal, &mut samples)?;
        }
    }
    Ok(samples)
}

fn read(mut entries: Entries<'_>, terminal: &Terminal, samples: &mut Vec<Sample>) -> Result<(), Failure> {
    for entry in &mut entries {
        let entry = entry.map_err(|error| Failure::unreadable_input(&error))?;
        entry.notes.iter().for_each(|note| terminal.note(note));
        samples.push(Sample { request: entry.request, received_at: entry.received_at, url: entry.url });
    }
    entries.notes().iter().for_each(|note| terminal.note(note));
    Ok(())
}
