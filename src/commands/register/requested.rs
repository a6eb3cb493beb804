//! What `--register` asks for: the accounts at providers, and the URL for their webhooks.

use crate::{
    cli::{FormatArg, ListenArgs},
    commands::{
        context::{Context, Needed},
        exit::{Exit, Failure},
        guard::{allow_api, allow_key},
        listen_settings::listen_config,
        resolve::provider,
        terminal::Terminal,
    },
    engine::register::{Account, plan, url_of},
    net::{client::is_loopback, url::parse_url},
    render::{
        api_call::{self, CallWriter},
        diagnostic::inline,
    },
    store::secrets::SecretError,
    webhook::{
        provider::{
            Provider,
            registration::{CallValues, How, Registration, is_resource},
        },
        signature::SecretText,
    },
};

/// A placeholder for the public URL until the tunnel has one.
const URL_OF_TUNNEL: &str = "https://URL-OF-THE-TUNNEL";

/// What `--register` asks for.
#[derive(Debug, Default)]
pub struct RequestedRegistrations {
    pub(super) accounts: Vec<Account>,
    /// Accounts that a person must set up.
    manual: Vec<Account>,
    /// The URL of `--public-url`; `None` if the tunnel's is used.
    pub(super) public_url: Option<String>,
}

impl RequestedRegistrations {
    /// Resolves the arguments. A dry run needs no keys.
    ///
    /// # Errors
    ///
    /// If a provider, a resource, the API's base URL or its key is missing or invalid.
    pub fn resolve(context: &Context, args: &ListenArgs) -> Result<Self, Failure> {
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

    /// Checks that no provider to register with is broken.
    ///
    /// # Errors
    ///
    /// If one is broken. The error says what is wrong with it.
    pub fn require(context: &Context, args: &ListenArgs) -> Result<(), Failure> {
        args.register.iter().try_for_each(|text| context.require(Needed::Named(name_and_resource(text).0)))
    }

    fn add(&mut self, context: &Context, text: &str, is_dry: bool) -> Result<(), Failure> {
        let (name, resource) = name_and_resource(text);
        let provider = provider(&context.catalog, name)
            .map_err(|failure| if failure.hint.is_none() { failure.hint(works_for(context)) } else { failure })?;
        let Some(registration) = &provider.registration else {
            return Err(no_api(context, &provider, self.public_url()));
        };
        let resource = check_resource(name, registration, resource)?;
        let mut account = Account { provider, resource, api: String::new(), key: SecretText::default() };
        if matches!(registration_of(&account)?.how, How::Manual(_)) {
            self.manual.push(account);
            return Ok(());
        }
        account.api = api(context, &account.provider)?;
        if !is_dry {
            account.key = key(context, registration_of(&account)?, &account.api)?;
        }
        self.accounts.push(account);
        Ok(())
    }

    /// Prints the calls, as commands or as JSON.
    ///
    /// # Errors
    ///
    /// If a call can't be filled in.
    pub fn print(&self, terminal: Terminal, format: FormatArg) -> Result<Exit, Failure> {
        let mut text = String::new();
        for account in &self.accounts {
            if registration_of(account)?.is_unproven {
                terminal.note(unproven(account));
            }
            for call in plan(account, self.public_url(), writer(format)) {
                text.push_str(&call);
                text.push('\n');
            }
        }
        self.print_steps(terminal)?;
        terminal.print(text.as_bytes())?;
        Ok(Exit::Success)
    }

    /// Prints the manual steps, with the current public URL.
    ///
    /// # Errors
    ///
    /// If a provider has no registration.
    pub(super) fn print_steps(&self, terminal: Terminal) -> Result<(), Failure> {
        for account in &self.manual {
            let How::Manual(steps) = &registration_of(account)?.how else { continue };
            let url = url_of(self.public_url(), account);
            let values = CallValues { url: &url, ..CallValues::default() };
            let steps = steps.iter().enumerate();
            let steps = steps.map(|(index, step)| format!("  {}. {}\n", index + 1, inline(&step.fill(&values))));
            let (title, steps) = (inline(&account.provider.title), steps.collect::<String>());
            terminal.say(&format!("{title} has no API for webhooks. Set it up by hand:\n{steps}"));
        }
        Ok(())
    }

    pub(super) fn public_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or(URL_OF_TUNNEL)
    }
}

/// How calls are printed in this format.
pub fn writer(format: FormatArg) -> CallWriter {
    match format {
        FormatArg::Json => api_call::json,
        _ => api_call::curl,
    }
}

/// The provider's name and the resource in `PROVIDER[=RESOURCE]`.
fn name_and_resource(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(name, resource)| (name, Some(resource)))
}

pub(super) fn registration_of(account: &Account) -> Result<&Registration, Failure> {
    let registration = account.provider.registration.as_ref();
    registration.ok_or_else(|| {
        Failure::usage(format!(
            "hookdev can't register webhooks with {}: its manifest has no [register]",
            account.provider.title
        ))
    })
}

pub(super) fn unproven(account: &Account) -> String {
    format!("the calls for {} follow its specification and have never been tried", account.provider.title)
}

/// The providers that can be registered, for a hint.
fn works_for(context: &Context) -> String {
    let can_register = |name: &&str| context.catalog.get(name).is_some_and(|provider| provider.registration.is_some());
    let names: Vec<&str> = context.catalog.names().filter(can_register).collect();
    format!("--register works for {}", names.join(", "))
}

fn no_api(context: &Context, provider: &Provider, public_url: &str) -> Failure {
    let (title, url) = (&provider.title, format!("{}/{}", public_url.trim_end_matches('/'), provider.name));
    Failure::usage(format!("hookdev knows no {title} API for registering webhooks"))
        .hint(format!("enter {url} by hand in {title}'s webhook settings; {}", works_for(context)))
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

/// The base URL of a provider's API: the config's, else the manifest's. A found config needs trust to set it.
fn api(context: &Context, provider: &Provider) -> Result<String, Failure> {
    let config = context.config.as_ref().and_then(|config| config.provider(&provider.name)?.api);
    let manifest = provider.registration.as_ref().and_then(|registration| registration.api.as_deref());
    let Some(api) = config.or(manifest) else {
        return Err(Failure::usage(format!("no API URL is known for {}", provider.title))
            .hint(format!("add `api = \"https://...\"` to [provider.{}] in hookdev.toml", provider.name)));
    };
    let url = parse_url(api)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(Failure::usage(format!(
            "the API URL of {} must start with https://, because the API key is sent to it",
            provider.title
        )));
    }
    if config.is_some() {
        context.name_config();
    }
    allow_api(context.guard.as_ref(), provider, &url, config.is_some())?;
    Ok(api.trim_end_matches('/').to_owned())
}

/// The API key, from the variable that the manifest names.
///
/// # Errors
///
/// If it is unset, empty or not text, or comes from the env file of a config that is not trusted to send it to the API.
pub fn key(context: &Context, registration: &Registration, api: &str) -> Result<SecretText, Failure> {
    let Some(name) = &registration.key else { return Ok(SecretText::default()) };
    let environment = context.environment()?;
    if environment.is_from_file(name) {
        context.name_config();
        allow_key(context.guard.as_ref(), name, &parse_url(api)?)?;
    }
    let unusable = |error: SecretError| Failure::usage(error.to_string()).hint(format!("set {name} to the API key"));
    let key = environment.get(name).map_err(unusable)?;
    match key.trim() {
        "" => Err(unusable(SecretError::EmptyVariable(name.clone()))),
        key => Ok(SecretText::from(key.to_owned())),
    }
}
