//! `hookdev check`: runs providers' contracts against handlers. The exit code says whether the handlers meet them.

use std::sync::Arc;

use reqwest::Url;

use super::{
    context::Context,
    exit::{Exit, Failure},
    guard::{Cargo, allow_delivery},
    interrupt::Interrupts,
    names::listed,
    reporters::check::{CheckReporter, list},
    resolve::{endpoint, headers, pattern, provider},
    runtime,
    secret_warnings::{development_warning, require_secrets},
};
use crate::{
    cli::CheckArgs,
    engine::check::{CheckSettings, CheckSummary, CheckTarget, Plan, Runner, Selection, plan},
    net::{client::Client, url::parse_url},
    webhook::{
        contract::{CaseName, probes},
        provider::{Provider, catalog::CatalogEntry},
    },
};

/// Runs or lists the selected cases of the selected providers.
///
/// # Errors
///
/// If it is unclear what to check, a request can't be made, or the output can't be written.
pub fn run(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let selection = selection(&args.case)?;
    let own_headers = headers(&args.header)?;
    let mut targets = targets(context, args)?;
    let only = match targets.as_slice() {
        [only] => Some(only.provider.name.as_str()),
        _ => None,
    };
    let keyring = context.keyring(only)?;
    for target in &mut targets {
        target.provider = target.provider.signing_with(keyring.secrets(&target.provider.name).first());
    }
    if args.list {
        let listed = targets.iter().filter_map(|target| {
            let secrets = keyring.secrets(&target.provider.name).len();
            let exemplar = *probes(&target.provider).first()?;
            Some((target, selection.cases(&target.provider, exemplar, secrets)))
        });
        list(context, listed)?;
        return Ok(Exit::Success);
    }
    require_secrets(&keyring, targets.iter().map(|target| &target.provider))?;
    if args.to.is_none() {
        for CheckTarget { provider, url } in &targets {
            allow_delivery(context.guard.as_ref(), url, Cargo::Signed(provider, &keyring))?;
        }
        if let Some(warning) = unnamed_handler(&targets, |name| has_endpoint(context, name)) {
            context.terminal.warn(&warning);
        }
    }
    let names: Vec<&str> = targets.iter().map(|target| target.provider.name.as_str()).collect();
    if let Some(warning) = development_warning(&context.catalog, &keyring, &names) {
        context.terminal.warn(&warning);
    }
    let client = Client::new(args.insecure);
    let settings =
        CheckSettings { transport: &client, timeout: args.timeout, keyring: &keyring, own_headers: &own_headers };
    context.terminal.note(announcement(plan(settings, &targets, &selection)?));
    let mut runner = Runner::new(settings, &selection, CheckReporter::new(context, &keyring));
    let interrupted = runtime()?.block_on(async {
        let mut interrupts =
            Interrupts::ctrl_c().map_err(|error| Failure::usage("can't listen for Ctrl-C").because(&error))?;
        tokio::select! {
            () = interrupts.next() => Ok(true),
            run = runner.run(&targets) => run.map(|()| false).map_err(Failure::from),
        }
    })?;
    let (mut reporter, summary) = runner.finish()?;
    reporter.finish(summary.tally).map_err(Failure::output)?;
    Ok(if interrupted { Exit::Interrupted } else { exit(summary) })
}

const fn exit(summary: CheckSummary) -> Exit {
    if summary.unreachable {
        Exit::Unreachable
    } else if summary.tally.failed > 0 || summary.tally.is_untried() {
        Exit::Failed
    } else {
        Exit::Success
    }
}

/// Warns that valid deliveries trigger real work.
fn announcement(Plan { deliveries, valid, probes }: Plan) -> String {
    let reason = match probes {
        0 => "",
        1 => "; one is sent first, to see whether your handler accepts one",
        _ => "; each handler gets one first, to see whether it accepts one",
    };
    match (deliveries, valid) {
        (1, 1) if probes == 1 => {
            "sending 1 valid delivery, to see whether your handler accepts one; your handler will process it".to_owned()
        }
        (1, 1) => "sending 1 valid delivery: your handler will process it".to_owned(),
        (_, 1) => {
            format!("sending {deliveries} deliveries; 1 of these is valid: your handler will process it{reason}")
        }
        _ => format!(
            "sending {deliveries} deliveries; {valid} of these are valid: your handler will process them{reason}"
        ),
    }
}

fn selection(globs: &[String]) -> Result<Selection, Failure> {
    let (excluded, included): (Vec<&str>, Vec<&str>) =
        globs.iter().map(String::as_str).partition(|g| g.starts_with('!'));
    let included = included.into_iter().map(pattern).collect::<Result<_, _>>()?;
    let excluded = excluded.into_iter().map(|glob| pattern(&glob[1..])).collect::<Result<_, _>>()?;
    Selection::new(included, excluded).map_err(|error| {
        let names: Vec<&str> = CaseName::ALL.iter().map(|name| name.as_str()).collect();
        Failure::usage(error.to_string()).hint(format!("the cases are {}", names.join(", ")))
    })
}

/// The handlers to check.
///
/// # Errors
///
/// If a provider is unknown, or it is unclear which provider calls the URL.
fn targets(context: &Context, args: &CheckArgs) -> Result<Vec<CheckTarget>, Failure> {
    let to = args.to.as_deref().map(parse_url).transpose()?;
    let providers = providers(context, &args.provider, to.as_ref())?;
    let target = |provider: Arc<Provider>| {
        let url = endpoint(context, to.as_ref(), Some(&provider))?;
        Ok(CheckTarget { provider, url })
    };
    providers.into_iter().map(target).collect()
}

/// Warns if neither the command line nor the config names a target's handler: it may be hookdev's own receiver, which
/// passes every case.
fn unnamed_handler(targets: &[CheckTarget], is_named: impl Fn(&str) -> bool) -> Option<String> {
    let target = targets.iter().find(|target| !is_named(&target.provider.name))?;
    let (name, origin) = (&target.provider.name, target.url.origin().ascii_serialization());
    Some(format!(
        "no handler given: checking {origin}, the default address of `hookdev listen`, which passes every case; \
         add --to URL, or set `endpoint` under [provider.{name}] in hookdev.toml"
    ))
}

fn has_endpoint(context: &Context, provider: &str) -> bool {
    context.config.as_ref().and_then(|config| config.provider(provider)?.endpoint).is_some()
}

/// The named providers, else the one in the URL's path, else those with an endpoint in the config, else all.
fn providers(context: &Context, names: &[String], to: Option<&Url>) -> Result<Vec<Arc<Provider>>, Failure> {
    let catalog = &context.catalog;
    if !names.is_empty() {
        let mut selected: Vec<Arc<Provider>> = Vec::new();
        for name in names {
            let provider = provider(catalog, name)?;
            if !selected.iter().any(|other| other.name == provider.name) {
                selected.push(provider);
            }
        }
        return Ok(selected);
    }
    if let Some(entry) = to.and_then(|to| to.path_segments()?.rev().find_map(|segment| catalog.entry(segment))) {
        return Ok(vec![Arc::clone(entry.load()?)]);
    }
    let load = |entry: &Arc<CatalogEntry>| Ok(Arc::clone(entry.load()?));
    let configured: Vec<&Arc<CatalogEntry>> =
        catalog.entries().filter(|entry| has_endpoint(context, entry.name())).collect();
    match (to, configured.len()) {
        (None, 0) => catalog.entries().map(load).collect(),
        (None, _) | (Some(_), 1) => configured.into_iter().map(load).collect(),
        (Some(_), _) => Err(Failure::usage("can't tell the provider; add --provider").hint(format!(
            "the providers are {}",
            listed(&catalog.usable().map(|entry| entry.name()).collect::<Vec<_>>())
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{contract::CaseTally, provider::catalog::Catalog};

    #[test]
    fn the_exit_code_is_that_of_the_worst_result() {
        let exit = |failed, unreachable| {
            exit(CheckSummary { tally: CaseTally { passed: 1, failed, ..CaseTally::default() }, unreachable })
        };
        assert_eq!(exit(0, false), Exit::Success);
        assert_eq!(exit(1, false), Exit::Failed);
        assert_eq!(exit(1, true), Exit::Unreachable);
    }

    #[test]
    fn a_run_that_tried_nothing_fails() {
        let exit = |tally| exit(CheckSummary { tally, unreachable: false });
        assert_eq!(exit(CaseTally { skipped: 3, ..CaseTally::default() }), Exit::Failed);
        assert_eq!(exit(CaseTally::default()), Exit::Failed);
        assert_eq!(exit(CaseTally { warned: 1, ..CaseTally::default() }), Exit::Success);
    }

    #[test]
    fn the_announcement_counts_valid_deliveries() {
        let text = |deliveries, valid| announcement(Plan { deliveries, valid, probes: 0 });
        assert_eq!(text(43, 30), "sending 43 deliveries; 30 of these are valid: your handler will process them");
        assert_eq!(text(2, 1), "sending 2 deliveries; 1 of these is valid: your handler will process it");
        assert_eq!(text(1, 1), "sending 1 valid delivery: your handler will process it");
        let text = |deliveries, valid, probes| announcement(Plan { deliveries, valid, probes });
        assert_eq!(
            text(1, 1, 1),
            "sending 1 valid delivery, to see whether your handler accepts one; your handler will process it"
        );
        assert_eq!(
            text(3, 1, 1),
            "sending 3 deliveries; 1 of these is valid: your handler will process it; \
             one is sent first, to see whether your handler accepts one"
        );
    }

    #[test]
    fn a_default_url_is_warned_about_and_an_endpoint_is_not() {
        let provider = Arc::clone(Catalog::builtin().entry("stripe").unwrap().load().unwrap());
        let targets = [CheckTarget { provider, url: parse_url("http://127.0.0.1:4400/stripe").unwrap() }];
        assert_eq!(
            unnamed_handler(&targets, |_| false).unwrap(),
            "no handler given: checking http://127.0.0.1:4400, the default address of `hookdev listen`, which passes \
             every case; add --to URL, or set `endpoint` under [provider.stripe] in hookdev.toml"
        );
        assert_eq!(unnamed_handler(&targets, |name| name == "stripe"), None);
    }
}
