//! `hookdev unregister`: removes what an interrupted `listen --register` left at a provider.

use super::{
    context::Context,
    exit::{Exit, Failure},
    register::{journal, key, report, writer},
    resolve::provider,
    runtime,
    terminal::Terminal,
};
use crate::{
    cli::UnregisterArgs,
    engine::register::{Account, Found, Registrations, Removal, removal},
    net::client::Client,
    store::journal::{Hold, JournalEntry},
    webhook::signature::SecretText,
};

/// Removes every entry of the journal whose process is gone.
///
/// # Errors
///
/// If the journal can't be read.
pub fn run(context: &Context, args: &UnregisterArgs) -> Result<Exit, Failure> {
    let terminal = context.terminal;
    let journal = journal()?;
    let unreadable =
        |error| Failure::usage(format!("can't read the journal in {}", journal.dir().display())).because(&error);
    let mut left: Vec<(JournalEntry, Hold)> = Vec::new();
    for entry in journal.entries().map_err(unreadable)? {
        match journal.hold(&entry.mark).map_err(unreadable)? {
            Some(hold) if journal.entries().map_err(unreadable)?.contains(&entry) => left.push((entry, hold)),
            // Its process has removed it meanwhile. This removes the lock.
            Some(_) => journal.remove(&entry.mark).map_err(unreadable)?,
            None => {
                terminal.note(format!("kept {} at {}, because a running hookdev uses it", entry.url, entry.provider));
            }
        }
    }
    if left.is_empty() {
        terminal.note("nothing to remove");
        return Ok(Exit::Success);
    }
    // An entry whose key is missing must not keep the others from being removed.
    let (mut accounts, mut failures): (Vec<_>, Vec<Failure>) = (Vec::new(), Vec::new());
    for (entry, hold) in left {
        match account(context, &entry, args.dry_run) {
            Ok(account) => accounts.push((account, entry, hold)),
            Err(failure) if failures.iter().any(|other| other.message == failure.message) => {}
            Err(failure) => failures.push(failure),
        }
    }
    if args.dry_run {
        let write = writer(context.format());
        let calls = accounts.iter().map(|(account, entry, _)| removal(account, entry, write));
        let lines: String = calls.filter(|call| !call.is_empty()).map(|call| call + "\n").collect();
        terminal.print(lines.as_bytes())?;
        return Ok(with_failures(terminal, &failures, Exit::Success));
    }
    let registrations = Registrations::new(Client::new(false), journal);
    let removals = runtime()?.block_on(async {
        let mut removals = Vec::new();
        for (account, entry, _hold) in accounts {
            let removal = registrations.remove(&account, entry).await;
            let Removal { entry: JournalEntry { url, provider, .. }, result } = &removal;
            match result {
                Ok(Found::Ours) => terminal.note(format!("removed {url} from {provider}")),
                Ok(Found::Nothing) => terminal.note(format!("{url} was already removed from {provider}")),
                Ok(Found::Other) | Err(_) => {}
            }
            removals.push(removal);
        }
        removals
    });
    report(terminal, &removals);
    let is_removed = removals.iter().all(|removal| removal.result.is_ok());
    Ok(with_failures(terminal, &failures, if is_removed { Exit::Success } else { Exit::Failed }))
}

/// Reports what could not be tried. The more serious exit code wins.
fn with_failures(terminal: Terminal, failures: &[Failure], exit: Exit) -> Exit {
    failures.iter().fold(exit, |exit, failure| {
        terminal.fail(failure);
        exit.worse(failure.exit)
    })
}

/// The account of an entry, with the API URL that was used to register it.
fn account(context: &Context, entry: &JournalEntry, is_dry: bool) -> Result<Account, Failure> {
    let provider = provider(&context.catalog, &entry.provider)?;
    let registration = provider.registration.as_ref();
    let registration = registration.ok_or_else(|| {
        Failure::usage(format!(
            "hookdev can't remove endpoints from {}: its manifest has no [register]",
            provider.title
        ))
    })?;
    let key = if is_dry { SecretText::default() } else { key(context, registration, &entry.api)? };
    Ok(Account { provider, resource: entry.resource.clone(), api: entry.api.clone(), key })
}
