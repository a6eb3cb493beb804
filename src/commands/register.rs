//! `listen --register`: registers webhooks before the receiver is ready, and removes them at the end.

mod requested;

pub use requested::{RequestedRegistrations, key, writer};
use requested::{registration_of, unproven};

use std::{env, future::Future, iter, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::JoinHandle};

use super::{
    exit::{Exit, Failure},
    interrupt::Interrupts,
    reporters::warnings::WarningSink,
    secret_file::{Saved, SecretFile},
    terminal::Terminal,
    time_limit::TimeLimit,
    tunnel::PublicUrls,
};
use crate::{
    engine::{
        receive::CurrentSettings,
        register::{Found, Leftover, RegisterError, Registrations, Removal},
    },
    net::client::Client,
    render::{diagnostic::Message, json},
    store::journal::{Journal, JournalEntry},
    webhook::{provider::Provider, signature::SecretText},
};

/// How long to wait for the provider's API after the time limit, so that nothing is left there.
const TIME_TO_UNDO: Duration = Duration::from_secs(2);

/// How long to wait after a failed change of the URL before trying again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

impl RequestedRegistrations {
    /// Registers everything, and starts to use the secrets. If something can't be registered, everything is removed
    /// again. When the tunnel's URL changes, the registrations follow.
    ///
    /// # Errors
    ///
    /// If something can't be registered.
    pub async fn register(
        mut self,
        terminal: Terminal,
        settings: &CurrentSettings,
        secrets: &SecretFile,
        tunnel: Option<PublicUrls>,
        warnings: &WarningSink,
    ) -> Result<ActiveRegistrations, Failure> {
        let tunnel = tunnel.filter(|_| self.public_url.is_none());
        self.public_url = self.public_url.or_else(|| Some(tunnel.as_ref()?.current()));
        self.print_steps(terminal)?;
        if self.accounts.is_empty() {
            return Ok(ActiveRegistrations::default());
        }
        let mut registrations = Registrations::new(Client::new(false), journal()?);
        let public_url = self.public_url().to_owned();
        for account in self.accounts {
            let (title, name) = (account.provider.title.clone(), account.provider.name.clone());
            if registration_of(&account)?.is_unproven {
                terminal.note(unproven(&account));
            }
            let provider = Arc::clone(&account.provider);
            match registrations.register(account, &public_url).await {
                Ok((secret, removals)) => {
                    report(terminal, &removals);
                    if let Some(secret) = secret {
                        use_secret(terminal, settings, &provider, &secret, secrets);
                    }
                }
                Err(error) => {
                    report(terminal, &registrations.unregister().await);
                    return Err(failed(&title, &name, &error));
                }
            }
        }
        for entry in registrations.list() {
            terminal.note(format!("registered {} with {}", entry.url, entry.provider));
        }
        let registrations = Arc::new(Mutex::new(registrations));
        let following = tunnel.map(|urls| tokio::spawn(follow(Arc::clone(&registrations), urls, warnings.clone())));
        Ok(ActiveRegistrations { registrations: Some(registrations), following })
    }
}

/// Waits until everything is registered. After an interrupt, the calls are completed and then undone; a second one
/// leaves that to `hookdev unregister`. So does [`TIME_TO_UNDO`] after the time limit. Breaks with the exit code after
/// an interrupt.
///
/// # Errors
///
/// If something can't be registered, or not in time.
pub async fn in_time(
    registering: impl Future<Output = Result<ActiveRegistrations, Failure>>,
    terminal: Terminal,
    interrupts: &mut Interrupts,
    limit: TimeLimit,
) -> Result<ControlFlow<Exit, ActiveRegistrations>, Failure> {
    let mut registering = pin!(registering);
    let (is_time_up, how_to_stop) = tokio::select! {
        // Nothing to register takes no time, however short the limit.
        biased;
        registered = &mut registering => return registered.map(ControlFlow::Continue),
        () = interrupts.next() => (false, "press Ctrl-C again"),
        () = limit.end() => (true, "press Ctrl-C"),
    };
    terminal.note(format!("waiting for the provider's API; {how_to_stop} to stop at once"));
    let last_moment = TimeLimit::start(is_time_up.then_some(TIME_TO_UNDO));
    let exit = tokio::select! {
        registered = &mut registering => {
            let registered = registered?;
            tokio::select! {
                () = registered.end(terminal, interrupts) => Exit::Success,
                () = last_moment.end() => stopped(terminal),
            }
        }
        () = interrupts.next() => stopped(terminal),
        () = last_moment.end() => stopped(terminal),
    };
    if is_time_up {
        return Err(Failure::new(Exit::Failed, "timed out before everything was registered"));
    }
    Ok(ControlFlow::Break(exit))
}

fn stopped(terminal: Terminal) -> Exit {
    terminal.warn("stopped while registering; `hookdev unregister` removes anything that was registered");
    Exit::Interrupted
}

/// Updates the registrations whenever the tunnel's URL changes. A failed update is repeated until it succeeds.
async fn follow(registrations: Arc<Mutex<Registrations<Client>>>, mut urls: PublicUrls, warnings: WarningSink) {
    let mut reported = Vec::new();
    let mut next = urls.changed().await;
    while let Some(url) = next {
        let change = registrations.lock().await.url_changed(&url).await;
        for entry in &change.changed {
            warnings.note(format!("registered {} with {}", entry.url, entry.provider));
        }
        let causes = |error: &RegisterError| {
            Failure::new(Exit::Failed, "")
                .because(error)
                .causes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": ")
        };
        let problems: Vec<String> = change.errors.iter().map(causes).collect();
        for problem in problems.iter().filter(|problem| !reported.contains(*problem)) {
            warnings.warn(format!("can't register the new URL {url}: {problem}; still trying"));
        }
        next = if problems.is_empty() {
            urls.changed().await
        } else {
            tokio::select! {
                changed = urls.changed() => changed,
                () = tokio::time::sleep(RETRY_AFTER) => Some(url),
            }
        };
        reported = problems;
    }
}

/// What `listen` has registered, if anything.
#[derive(Default)]
pub struct ActiveRegistrations {
    registrations: Option<Arc<Mutex<Registrations<Client>>>>,
    following: Option<JoinHandle<()>>,
}

impl ActiveRegistrations {
    /// The registered endpoints, for the ready line.
    pub async fn list(&self) -> Vec<json::RegisteredEndpoint> {
        let Some(registrations) = &self.registrations else { return Vec::new() };
        let registrations = registrations.lock().await;
        let registered = registrations.list().map(|entry| json::RegisteredEndpoint {
            provider: entry.provider.clone(),
            resource: (!entry.resource.is_empty()).then(|| entry.resource.clone()),
            url: entry.url.clone(),
            id: entry.id.clone(),
        });
        registered.collect()
    }

    /// Removes everything, unless the user interrupts it.
    pub async fn end(self, terminal: Terminal, interrupts: &mut Interrupts) {
        let Some(registrations) = self.registrations else { return };
        let removing = async {
            let removals = registrations.lock().await.unregister().await;
            if let Some(following) = &self.following {
                following.abort();
            }
            removals
        };
        tokio::select! {
            removals = removing => report(terminal, &removals),
            () = interrupts.next() => {
                terminal.warn("stopped before everything was removed at the providers; `hookdev unregister` removes the rest");
            }
        }
    }
}

/// The journal of registrations.
///
/// # Errors
///
/// If the environment has no home directory.
pub fn journal() -> Result<Journal, Failure> {
    Journal::of_user(|name| env::var_os(name)).ok_or_else(|| {
        Failure::usage("can't keep a journal of registrations: no absolute path to a home directory is set")
    })
}

/// Warns about what could not be removed, with a command to remove it, and notes which values were kept.
pub fn report(terminal: Terminal, removals: &[Removal]) {
    for Removal { entry, result } in removals {
        match result {
            Ok(Found::Ours | Found::Nothing) => {}
            Ok(Found::Other) => terminal.note(format!(
                "kept the webhook of {}, because it was changed after hookdev had set {}",
                account_words(entry),
                entry.url
            )),
            Err(leftover) => terminal.warn(warning(entry, leftover)),
        }
    }
}

fn warning(entry: &JournalEntry, Leftover { error, curl }: &Leftover) -> Message {
    let (message, by_hand) = match entry.previous.as_deref() {
        None => (
            format!("can't remove the endpoint {} from {}: {error}", entry.url, entry.provider),
            format!("delete it at the provider (it contains the text {})", entry.mark),
        ),
        Some(previous) => (
            format!("can't restore the webhook of {}: {error}", account_words(entry)),
            match previous {
                "" => "clear it at the provider".to_owned(),
                previous => format!("set it back to {previous} at the provider"),
            },
        ),
    };
    let command = (!curl.is_empty()).then(|| format!("  {curl}"));
    let colon = if command.is_some() { ":" } else { "" };
    let remedy = format!("run `hookdev unregister` later, or {by_hand}{colon}");
    Message::with_lines(message, iter::once(remedy).chain(command))
}

/// The account of an entry, in the form of `--register`.
fn account_words(entry: &JournalEntry) -> String {
    match entry.resource.as_str() {
        "" => entry.provider.clone(),
        resource => format!("{}={resource}", entry.provider),
    }
}

fn failed(title: &str, name: &str, error: &RegisterError) -> Failure {
    let exit = match error {
        _ if error.is_unreachable() => Exit::Unreachable,
        RegisterError::Refused { .. } | RegisterError::Incomplete { .. } | RegisterError::Unexpected { .. } => {
            Exit::Failed
        }
        _ => Exit::Usage,
    };
    let failure = Failure::new(exit, format!("can't register the webhook with {title}")).because(error);
    match error {
        RegisterError::Refused { status: 401 | 403, .. } => failure
            .hint(format!("check the API key and its permissions; `--register {name} --dry-run` shows the calls")),
        RegisterError::Unexpected { .. } => {
            failure.hint("nothing was changed, because hookdev replaces only a value that it can restore")
        }
        _ if error.may_have_had_effect() => {
            failure.hint("if the provider registered the webhook nevertheless, `hookdev unregister` removes it")
        }
        _ => failure,
    }
}

/// Starts to use the secret of a new endpoint, and saves it if the user wants that.
fn use_secret(
    terminal: Terminal,
    settings: &CurrentSettings,
    provider: &Provider,
    secret: &SecretText,
    file: &SecretFile,
) {
    let title = &provider.title;
    match provider.parse_secret(secret.expose()) {
        Ok(parsed) => {
            settings.add_registered(&provider.name, parsed);
        }
        Err(error) => terminal.warn(format!("can't use the secret that {title} returned: {error}; copy it from the dashboard and pass it with --secret PROVIDER=SOURCE")),
    }
    match file.save(secret) {
        Saved::NotWanted => {}
        Saved::In(path) => terminal.note(format!("{title}'s secret is saved in {}", path.display())),
        Saved::Failed(path, error) => {
            terminal.warn(format!("{title}'s secret can't be saved in {}: {error}", path.display()));
        }
    }
}
