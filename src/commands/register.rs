//! `listen --register`: resolves what is to be registered, sets it before the receiver is ready, and removes it at the end.

use std::{env, future::Future, io::Write, ops::ControlFlow, path::Path, pin::pin, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::JoinHandle};

use super::{
    context::Context,
    exit::{Exit, Failure},
    guard::{allow_api, allow_key},
    interrupt::Interrupts,
    listen_settings::listen_config,
    reporters::warnings::WarningSink,
    resolve::provider,
    terminal::Terminal,
    tunnel::PublicUrls,
};
use crate::{
    cli::Listen,
    engine::{
        receive::CurrentSettings,
        register::{Account, Leftover, RegisterError, Registrations, plan, url_of},
    },
    net::{
        client::{Client, is_loopback},
        url::parse_url,
    },
    render::json,
    store::{journal::Journal, private, secrets::SecretError},
    webhook::{
        nearest,
        provider::{
            Provider,
            registration::{How, Registration, Values, is_resource},
        },
        signature::SecretText,
    },
};

/// What stands for the public URL until the tunnel has one.
const URL_OF_TUNNEL: &str = "https://URL-OF-THE-TUNNEL";

/// How long after a failure a change of the URL is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What `--register` names.
#[derive(Debug, Default)]
pub struct Requested {
    accounts: Vec<Account>,
    /// Providers that a person must set up, each with its steps.
    manual: Vec<(String, Vec<String>)>,
    /// `None` if it is that of the tunnel.
    public_url: Option<String>,
}

impl Requested {
    /// Resolves the arguments. A dry run needs no keys.
    ///
    /// # Errors
    ///
    /// If a provider, a resource, the API's base URL or its key is missing or invalid.
    pub fn resolve(context: &Context, args: &Listen) -> Result<Self, Failure> {
        let mut requested = Self::default();
        let Some(first) = args.register.first() else {
            return if args.dry_run {
                Err(Failure::usage("--dry-run needs --register PROVIDER"))
            } else {
                Ok(requested)
            };
        };
        let has_tunnel = args.tunnel.is_some() || listen_config(context).tunnel.is_some();
        requested.public_url = match &args.public_url {
            Some(url) => Some(url.clone()),
            None if has_tunnel => None,
            None => {
                return Err(Failure::usage(format!("--register {first} needs a URL that the provider can reach"))
                    .hint("add --tunnel NAME, or --public-url URL if this receiver has one already"));
            }
        };
        for text in &args.register {
            requested.add(context, text, args.dry_run)?;
        }
        Ok(requested)
    }

    fn add(&mut self, context: &Context, text: &str, is_dry: bool) -> Result<(), Failure> {
        let (name, resource) = text.split_once('=').map_or((text, None), |(name, resource)| (name, Some(resource)));
        let provider = provider(&context.catalog, name)?;
        let Some(registration) = &provider.registration else {
            return Err(no_api(context, &provider, self.public_url()));
        };
        let resource = check_resource(name, registration, resource)?;
        let mut account = Account { provider, resource, api: String::new(), key: SecretText::default() };
        if let How::Manual(steps) = &registration_of(&account)?.how {
            let url = url_of(self.public_url(), &account);
            let steps = steps.iter().map(|step| step.fill(&Values { url: &url, ..Values::default() })).collect();
            self.manual.push((account.provider.title.clone(), steps));
            return Ok(());
        }
        account.api = api(context, &account.provider)?;
        if !is_dry {
            account.key = key(context, registration_of(&account)?, &account.api)?;
        }
        self.accounts.push(account);
        Ok(())
    }

    /// Prints the calls as commands.
    ///
    /// # Errors
    ///
    /// If they can't be printed.
    pub fn print(&self, terminal: Terminal) -> Result<Exit, Failure> {
        let mut text = String::new();
        for account in &self.accounts {
            if registration_of(account)?.is_unproven {
                terminal.note(&unproven(account));
            }
            for command in plan(account, self.public_url()) {
                text.push_str(&command);
                text.push('\n');
            }
        }
        self.print_steps(terminal);
        let mut out = terminal.stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Exit::Success)
    }

    fn print_steps(&self, terminal: Terminal) {
        for (title, steps) in &self.manual {
            let steps = steps.iter().enumerate().map(|(index, step)| format!("  {}. {step}\n", index + 1));
            terminal
                .say(&format!("{title} has no API for webhooks. Set it up by hand:\n{}", steps.collect::<String>()));
        }
    }

    fn public_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or(URL_OF_TUNNEL)
    }

    /// Registers everything, and takes the secrets into use. If something can't be registered, nothing stays. A change of
    /// the tunnel's URL changes what is registered.
    ///
    /// # Errors
    ///
    /// If something can't be registered.
    pub async fn register(
        mut self,
        terminal: Terminal,
        settings: &CurrentSettings,
        secret_to: Option<&Path>,
        tunnel: Option<PublicUrls>,
        warnings: &WarningSink,
    ) -> Result<Registered, Failure> {
        let tunnel = tunnel.filter(|_| self.public_url.is_none());
        self.public_url = self.public_url.or_else(|| Some(tunnel.as_ref()?.current()));
        self.print_steps(terminal);
        if self.accounts.is_empty() {
            return Ok(Registered::default());
        }
        let mut registrations = Registrations::new(Client::new(false), journal()?);
        let public_url = self.public_url().to_owned();
        for account in self.accounts {
            let (title, name) = (account.provider.title.clone(), account.provider.name.clone());
            if registration_of(&account)?.is_unproven {
                terminal.note(&unproven(&account));
            }
            let provider = Arc::clone(&account.provider);
            match registrations.register(account, &public_url).await {
                Ok((secret, leftovers)) => {
                    report(terminal, &leftovers);
                    if let Some(secret) = secret {
                        take_into_use(terminal, settings, &provider, &secret, secret_to);
                    }
                }
                Err(error) => {
                    report(terminal, &registrations.unregister().await);
                    return Err(failed(&title, &name, &error));
                }
            }
        }
        for entry in registrations.list() {
            terminal.note(&format!("registered {} at {}", entry.url, entry.provider));
        }
        let registrations = Arc::new(Mutex::new(registrations));
        let following = tunnel.map(|urls| tokio::spawn(follow(Arc::clone(&registrations), urls, warnings.clone())));
        Ok(Registered { registrations: Some(registrations), following })
    }
}

/// Waits until everything is registered. An interrupt lets the calls end and then removes what they set, and a second one
/// leaves that to `hookdev unregister`. Breaks with the exit code after an interrupt.
///
/// # Errors
///
/// If something can't be registered.
pub async fn unless_interrupted(
    registering: impl Future<Output = Result<Registered, Failure>>,
    terminal: Terminal,
    interrupts: &mut Interrupts,
) -> Result<ControlFlow<Exit, Registered>, Failure> {
    let mut registering = pin!(registering);
    tokio::select! {
        registered = &mut registering => return registered.map(ControlFlow::Continue),
        () = interrupts.next() => terminal.note("waiting for the provider's API; press Ctrl-C again to stop at once"),
    }
    Ok(ControlFlow::Break(tokio::select! {
        registered = &mut registering => {
            registered?.end(terminal, interrupts).await;
            Exit::Success
        }
        () = interrupts.next() => {
            terminal.warn("stopped while registering; `hookdev unregister` removes what was set");
            Exit::Interrupted
        }
    }))
}

/// Changes what is registered whenever the tunnel's URL changes. A change that fails is tried again until it succeeds.
async fn follow(registrations: Arc<Mutex<Registrations<Client>>>, mut urls: PublicUrls, warnings: WarningSink) {
    let mut said = Vec::new();
    let mut next = urls.changed().await;
    while let Some(url) = next {
        let change = registrations.lock().await.url_changed(&url).await;
        for entry in &change.changed {
            warnings.note(format!("registered {} at {}", entry.url, entry.provider));
        }
        let causes = |error: &RegisterError| Failure::new(Exit::Failed, "").because(error).causes.join(": ");
        let problems: Vec<String> = change.errors.iter().map(causes).collect();
        for problem in problems.iter().filter(|problem| !said.contains(*problem)) {
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
        said = problems;
    }
}

/// What `listen` has registered.
#[derive(Default)]
pub struct Registered {
    registrations: Option<Arc<Mutex<Registrations<Client>>>>,
    following: Option<JoinHandle<()>>,
}

impl Registered {
    /// What is set, for the line that says that everything is ready.
    pub async fn list(&self) -> Vec<json::Registered> {
        let Some(registrations) = &self.registrations else { return Vec::new() };
        let registrations = registrations.lock().await;
        let registered = registrations.list().map(|entry| json::Registered {
            provider: entry.provider.clone(),
            resource: (!entry.resource.is_empty()).then(|| entry.resource.clone()),
            url: entry.url.clone(),
            id: entry.id.clone(),
        });
        registered.collect()
    }

    /// Removes everything, unless the user interrupts that.
    pub async fn end(self, terminal: Terminal, interrupts: &mut Interrupts) {
        let Some(registrations) = self.registrations else { return };
        let removing = async {
            let leftovers = registrations.lock().await.unregister().await;
            if let Some(following) = &self.following {
                following.abort();
            }
            leftovers
        };
        tokio::select! {
            leftovers = removing => report(terminal, &leftovers),
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
/// If the environment names no home.
pub fn journal() -> Result<Journal, Failure> {
    Journal::of_user(|name| env::var_os(name)).ok_or_else(|| {
        Failure::usage("can't keep a journal of registrations: neither XDG_STATE_HOME nor HOME is an absolute path")
    })
}

/// Warns about what could not be removed, with the command that does.
pub fn report(terminal: Terminal, leftovers: &[Leftover]) {
    for Leftover { entry, error, curl } in leftovers {
        let by_hand = if curl.is_empty() { String::new() } else { format!("\n  {curl}") };
        terminal.warn(&format!(
            "can't remove {} at {}: {error}\nrun `hookdev unregister` later, or remove it by hand (mark {}):{by_hand}",
            entry.url, entry.provider, entry.mark
        ));
    }
}

fn registration_of(account: &Account) -> Result<&Registration, Failure> {
    let registration = account.provider.registration.as_ref();
    registration.ok_or_else(|| Failure::usage(format!("{} has no [register]", account.provider.title)))
}

fn unproven(account: &Account) -> String {
    format!("{}'s calls come from a specification and have not been seen to work", account.provider.title)
}

fn no_api(context: &Context, provider: &Provider, public_url: &str) -> Failure {
    let with: Vec<&str> = context
        .catalog
        .names()
        .filter(|name| context.catalog.get(name).is_some_and(|provider| provider.registration.is_some()))
        .collect();
    let (title, url) = (&provider.title, format!("{}/{}", public_url.trim_end_matches('/'), provider.name));
    Failure::usage(format!("hookdev knows no API of {title} that sets webhooks"))
        .hint(format!("set {url} by hand where {title} lists webhooks; --register works for {}", with.join(", ")))
}

fn check_resource(name: &str, registration: &Registration, resource: Option<&str>) -> Result<String, Failure> {
    match (&registration.resource, resource) {
        (None, None) => Ok(String::new()),
        (None, Some(_)) => Err(Failure::usage(format!("{name} takes no resource: write --register {name}"))),
        (Some(what), None) => {
            Err(Failure::usage(format!("--register {name} needs a resource: --register {name}=RESOURCE"))
                .hint(format!("RESOURCE is {what}")))
        }
        (Some(_), Some(resource)) if is_resource(resource) => Ok(resource.to_owned()),
        (Some(what), Some(resource)) => {
            Err(Failure::usage(format!("invalid resource `{resource}` of {name}")).hint(format!("RESOURCE is {what}")))
        }
    }
}

/// The base URL of a provider's API: the config's, or the manifest's. A found config needs trust to decide it.
fn api(context: &Context, provider: &Provider) -> Result<String, Failure> {
    let config = context.config.as_ref().and_then(|config| config.provider(&provider.name)?.api);
    let manifest = provider.registration.as_ref().and_then(|registration| registration.api.as_deref());
    let Some(api) = config.or(manifest) else {
        return Err(Failure::usage(format!("the base URL of {}'s API is not known", provider.title))
            .hint(format!("add `api = \"https://...\"` to [provider.{}] of hookdev.toml", provider.name)));
    };
    let url = parse_url(api)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(Failure::usage(format!(
            "the API of {} needs https://, because its key is sent there",
            provider.title
        )));
    }
    if config.is_some() {
        context.name_config();
    }
    allow_api(context.guard.as_ref(), provider, &url, config.is_some())?;
    Ok(api.trim_end_matches('/').to_owned())
}

/// The API's key, from the variable that the manifest names.
///
/// # Errors
///
/// If it isn't set, is empty, or is not text, or if it comes from the env file of a config that may not send it to the API.
pub fn key(context: &Context, registration: &Registration, api: &str) -> Result<SecretText, Failure> {
    let Some(name) = &registration.key else { return Ok(SecretText::default()) };
    let environment = context.environment()?;
    if environment.is_from_file(name) {
        context.name_config();
        allow_key(context.guard.as_ref(), name, &parse_url(api)?)?;
    }
    let unusable = |error: SecretError| Failure::usage(error.to_string()).hint(format!("set {name} to the API's key"));
    let key = environment.get(name).map_err(unusable)?;
    match key.trim() {
        "" => Err(unusable(SecretError::EmptyVariable(name.clone()))),
        key => Ok(SecretText::from(key.to_owned())),
    }
}

fn failed(title: &str, name: &str, error: &RegisterError) -> Failure {
    let exit = match error {
        _ if error.is_unreachable() => Exit::Unreachable,
        RegisterError::Refused { .. } | RegisterError::Incomplete { .. } => Exit::Failed,
        _ => Exit::Usage,
    };
    let failure = Failure::new(exit, format!("can't register the webhook at {title}")).because(error);
    match error {
        RegisterError::Refused { status: 401 | 403, .. } => failure
            .hint(format!("check the API's key and what it may do; `--register {name} --dry-run` shows the calls")),
        _ => failure,
    }
}

/// Takes the secret of a new endpoint into use, and saves it where the user wants it.
fn take_into_use(
    terminal: Terminal,
    settings: &CurrentSettings,
    provider: &Provider,
    secret: &SecretText,
    path: Option<&Path>,
) {
    let title = &provider.title;
    match provider.parse_secret(secret.expose()) {
        Ok(parsed) => {
            settings.hand_over(&provider.name, parsed);
        }
        Err(error) => terminal.warn(&format!("the secret that {title} returned is not usable: {error}")),
    }
    if let Some(path) = path {
        match private::write(path, secret.expose().as_bytes()) {
            Ok(()) => terminal.note(&format!("{title}'s secret is saved in {}", path.display())),
            Err(error) => terminal.warn(&format!("{title}'s secret can't be saved in {}: {error}", path.display())),
        }
    }
}

/// The nearest provider's name, for an entry whose provider is gone.
pub fn unknown(name: &str, context: &Context) -> String {
    nearest::unknown("provider", name, context.catalog.names())
}
