//! `hookdev providers`: lists the known providers, checks provider directories, and prints the schema of their
//! manifests.

mod new;

use std::path::PathBuf;

use super::{
    context::{Context, format},
    exit::{Exit, Failure},
    terminal::Terminal,
};
use crate::{
    cli::{FormatArg, GlobalArgs, ProvidersArgs, ProvidersCommand},
    render::{
        json,
        providers::{CheckedProvider, ProviderRow, table},
    },
    store::providers::{self, ProviderError},
    webhook::{
        json::writer,
        provider::{
            catalog::Catalog,
            cautions::Caution,
            files::MANIFEST,
            manifest::{self, keys},
        },
    },
};

/// Lists or checks providers.
///
/// # Errors
///
/// If the config or a directory can't be read, or the output can't be written.
pub fn run(global: &GlobalArgs, args: &ProvidersArgs) -> Result<Exit, Failure> {
    match &args.command {
        None | Some(ProvidersCommand::List) => list(&Context::load(global.clone())?),
        Some(ProvidersCommand::Check(args)) => check(global, &args.dirs),
        Some(ProvidersCommand::New(args)) => new::run(global, args),
        Some(ProvidersCommand::Schema) => schema(global),
    }
}

fn list(context: &Context) -> Result<Exit, Failure> {
    context.warn_of_broken();
    let usable = context.catalog.usable();
    let mut rows: Vec<ProviderRow<'_>> = usable
        .map(|entry| ProviderRow { index: entry.index(), source: entry.directory().unwrap_or("built-in") })
        .collect();
    rows.sort_by_key(|row| &row.index.name);
    match context.format() {
        FormatArg::Json => {
            let mut lines = Vec::new();
            for row in rows {
                json::provider(row.index, row.source, &mut lines);
            }
            context.terminal.print(&lines)?;
        }
        _ if context.global.quiet => {
            let names: Vec<u8> = rows.iter().flat_map(|row| [row.index.name.as_bytes(), b"\n"].concat()).collect();
            context.terminal.print(&names)?;
        }
        _ => context.terminal.print_text(&table(&rows, context.terminal.out))?,
    }
    Ok(Exit::Success)
}

/// Prints the schema, indented for people unless JSON is asked for.
fn schema(global: &GlobalArgs) -> Result<Exit, Failure> {
    let mut line = Vec::new();
    writer::line(&keys::schema(), &mut line);
    if format(global) != FormatArg::Json {
        line = writer::indented(&line);
    }
    Terminal::new(global).print(&line)?;
    Ok(Exit::Success)
}

fn check(global: &GlobalArgs, dirs: &[PathBuf]) -> Result<Exit, Failure> {
    let terminal = Terminal::new(global);
    let is_json = format(global) == FormatArg::Json;
    let mut exit = Exit::Success;
    for dir in dirs {
        for path in providers::find(dir)? {
            let result = providers::check(&path);
            let directory = path.display().to_string();
            if let Ok(provider) = &result {
                let text = providers::manifest_text(&path).unwrap_or_default();
                let replaces = Catalog::builtin().contains(&provider.name).then(Caution::replaces_built_in);
                for Caution { message, keys } in replaces.into_iter().chain(provider.cautions()) {
                    let place = manifest::find(&text, &keys);
                    let place = place.map(|(line, column)| format!("/{MANIFEST}:{line}:{column}")).unwrap_or_default();
                    terminal.note(format!("{directory}{place}: {message}"));
                }
            }
            let checked = match &result {
                Ok(provider) => CheckedProvider::passed(directory, provider),
                Err(ProviderError::Invalid(error)) => CheckedProvider::failed(directory, std::slice::from_ref(error)),
                Err(ProviderError::Contradictory(errors)) => CheckedProvider::failed(directory, errors),
                Err(error) => {
                    terminal.fail(&Failure::unreadable_input(error));
                    exit = Exit::UnreadableInput;
                    continue;
                }
            };
            if !checked.is_good() {
                exit = exit.worse(Exit::Failed);
            }
            if is_json {
                let mut line = Vec::new();
                json::checked_provider(&checked, &mut line);
                terminal.print(&line)?;
            } else if !(global.quiet && checked.is_good()) {
                terminal.print_text(&checked.in_words(terminal.out))?;
            }
        }
    }
    Ok(exit)
}
