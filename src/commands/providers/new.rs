//! `hookdev providers new`: writes a provider directory, from a template or from captured requests.

use std::{
    collections::BTreeSet,
    env, io,
    path::{Path, PathBuf},
};

use crate::{
    cli::{FormatArg, GlobalArgs, NewProviderArgs},
    commands::{
        context::format,
        exit::{Exit, Failure},
        terminal::Terminal,
    },
    engine::verify::STDIN,
    net::url::parse_url,
    render::{json, providers::WrittenProvider, shell},
    store::{
        formats::{self, Entries, open_found, walk},
        new_provider,
        secrets::{self, Environment},
    },
    webhook::{
        learn::{Learned, Sample, learn, template},
        payload::{DecodedBody, MAX_DECODED_BYTES},
        place::Lookup,
        provider::catalog::Catalog,
        signature::SecretText,
    },
};

/// Writes the directory.
///
/// # Errors
///
/// If the name is invalid, the directory exists, or a capture or a secret can't be read.
pub fn run(global: &GlobalArgs, args: &NewProviderArgs) -> Result<Exit, Failure> {
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
    if Catalog::builtin().contains(&args.name) {
        terminal.note(format!(
            "{} is built in; this directory replaces it where --providers or a config names it",
            args.name
        ));
    }
    let mut samples = samples(&args.from, &terminal)?;
    if let Some(url) = &args.url {
        for sample in &mut samples {
            sample.url = Some(url.clone());
        }
    }
    note_mixture(&samples, &terminal);
    let learned = if args.from.is_empty() {
        template(&args.name)
    } else if samples.is_empty() {
        return Err(Failure::new(Exit::UnreadableInput, "no captured request to learn from"));
    } else {
        let environment =
            Environment::read(|name| env::var_os(name), None).map_err(|error| Failure::invalid_usage(&error))?;
        let secrets = secrets::texts(&global.secret, &args.name, Path::new(""), &environment)
            .map_err(|error| Failure::invalid_usage(&error))?;
        learn(&args.name, &samples, &secrets, &Catalog::builtin())
    };
    // A directory without the scheme would only be in the way of the next attempt, with the right secret.
    let written = (!learned.is_unproven).then_some(dir.as_path());
    if let Some(dir) = written {
        new_provider::write(dir, &learned.files).map_err(|error| Failure::invalid_usage(&error))?;
    }
    report(global, args, &terminal, written, &learned)
}

fn report(
    global: &GlobalArgs,
    args: &NewProviderArgs,
    terminal: &Terminal,
    dir: Option<&Path>,
    learned: &Learned,
) -> Result<Exit, Failure> {
    let shown = dir.map(|dir| dir.display().to_string());
    let next = shown.as_deref().map_or_else(Vec::new, |dir| next(global, args, dir, learned));
    let written = WrittenProvider::new(&args.name, shown.as_deref(), learned, next);
    match format(global) {
        FormatArg::Json => {
            let mut line = Vec::new();
            json::written_provider(&written, &mut line);
            terminal.print(&line)?;
        }
        _ if global.quiet => {}
        _ => terminal.print_text(&written.in_words(terminal.out))?,
    }
    for problem in &learned.problems {
        terminal.warn(format!("{} needs a change: {problem}", shown.as_deref().unwrap_or_default()));
    }
    if !learned.disagreeing.is_empty() {
        let count = learned.disagreeing.len();
        let plural = if count == 1 { "capture is" } else { "captures are" };
        terminal.warn(format!(
            "{count} {plural} not signed like the others, and nothing was learned from them; see `left out` above"
        ));
    }
    if learned.is_unproven {
        terminal.fail(
            &Failure::new(Exit::Failed, "no scheme is proven with this secret, so nothing was written")
                .hint("try again with the right secret; without --secret, the directory is written with its `[[scheme]]` as a comment"),
        );
    }
    let is_good = learned.problems.is_empty() && learned.disagreeing.is_empty() && !learned.is_unproven;
    Ok(if is_good { Exit::Success } else { Exit::Failed })
}

/// The commands to run next.
fn next(global: &GlobalArgs, args: &NewProviderArgs, dir: &str, learned: &Learned) -> Vec<String> {
    let (dir, signed) = (shell::word(dir), shell::word(&format!("{dir}-signed")));
    let mut next = vec![format!("hookdev providers check {dir}")];
    if args.from.is_empty() {
        next.push(format!("hookdev --providers {dir} events {}", args.name));
        next.push(format!("hookdev --providers {dir} send '{}.*'", args.name));
        return next;
    }
    let files: Vec<String> = args.from.iter().map(|file| shell::word(&file.display().to_string())).collect();
    let files = files.join(" ");
    let secrets = global.secret.iter().flat_map(|secret| [" --secret ".to_owned(), shown_source(secret)]);
    let secrets = secrets.collect::<String>();
    let url = match (&args.url, learned.unnamed_urls.as_slice()) {
        (Some(url), _) | (None, [url]) => format!(" --url {}", shell::word(url)),
        _ => String::new(),
    };
    if learned.unnamed_urls.len() > 1 {
        next.push(format!("hookdev --providers {dir} verify FILE --provider {}{secrets} --url URL", args.name));
    } else if learned.has_scheme {
        next.push(format!("hookdev --providers {dir} verify {files} --provider {}{secrets}{url}", args.name));
    } else {
        next.push(format!("hookdev providers new {} --from {files} --secret SOURCE{url} --out {signed}", args.name));
    }
    next
}

/// Notes if the captures look like deliveries of several providers, from which none can be learned.
fn note_mixture(samples: &[Sample], terminal: &Terminal) {
    let catalog = Catalog::builtin();
    let of = |sample: &Sample| {
        let body = DecodedBody::of(&sample.request, MAX_DECODED_BYTES).ok()?;
        let providers = catalog.by_headers(&Lookup::of(&sample.request, &body.payload(&sample.request)));
        Some(providers.into_iter().map(|provider| provider.title.as_str()).collect::<BTreeSet<_>>())
    };
    let known: Vec<BTreeSet<&str>> = samples.iter().filter_map(of).filter(|titles| !titles.is_empty()).collect();
    // Some providers have headers of the same names.
    let in_all = |title: &&str| known.iter().all(|titles| titles.contains(*title));
    if known.first().is_none_or(|titles| titles.iter().any(in_all)) {
        return;
    }
    let titles: BTreeSet<&str> = known.iter().filter_map(|titles| titles.first().copied()).collect();
    let titles = titles.into_iter().collect::<Vec<_>>().join(", ");
    terminal
        .note(format!("these look like deliveries of several providers ({titles}); learn from one provider at a time"));
}

/// The source of a secret, or a placeholder if it is the secret itself.
fn shown_source(secret: &SecretText) -> String {
    let source = secret.expose();
    let is_name = source.starts_with("env:") || source.starts_with("file:");
    if is_name { shell::word(source) } else { "SOURCE".to_owned() }
}

/// The requests of all captures.
fn samples(from: &[PathBuf], terminal: &Terminal) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    for path in from {
        let unreadable = |error: formats::EntryError| Failure::unreadable_input(&error);
        if path == Path::new(STDIN) {
            read("standard input", formats::read(path, io::stdin()).map_err(unreadable)?, terminal, &mut samples)?;
        } else if path.is_dir() {
            for file in walk(path).files {
                let file = file.map_err(unreadable)?;
                if let Ok(entries) = open_found(&file).map_err(unreadable)? {
                    read(&file.display().to_string(), entries, terminal, &mut samples)?;
                }
            }
        } else {
            let entries = formats::open(path).map_err(unreadable)?;
            read(&path.display().to_string(), entries, terminal, &mut samples)?;
        }
    }
    Ok(samples)
}

fn read(file: &str, mut entries: Entries<'_>, terminal: &Terminal, samples: &mut Vec<Sample>) -> Result<(), Failure> {
    for (index, entry) in (&mut entries).enumerate() {
        let entry = entry.map_err(|error| Failure::unreadable_input(&error))?;
        entry.notes.iter().for_each(|note| terminal.note(note));
        let name = match (entry.line, index) {
            (Some(line), 1..) => format!("{file}:{line}"),
            (_, 0) => file.to_owned(),
            (None, index) => format!("{file}, request {}", index + 1),
        };
        samples.push(Sample { name, request: entry.request, received_at: entry.received_at, url: entry.url });
    }
    entries.notes().iter().for_each(|note| terminal.note(note));
    Ok(())
}
