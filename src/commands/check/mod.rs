//! `hookdev check`: tries a handler with good and deliberately bad deliveries; the exit code says whether it keeps its
//! providers' contracts.

mod handler;
mod runner;
mod targets;
mod teller;

use glob::Pattern;

use super::{
    context::{Context, development_note, require_secrets},
    exit::{Exit, Failure},
    resolve::{headers, pattern},
    runtime,
};
use crate::{
    cli::Check,
    engine::{clock::now, entropy::entropy},
    net::{sender::Sender, url::path_and_query},
    webhook::{
        contract::{Case, CaseName, Trial, cases, probes},
        provider::{Provider, event::Event},
        request::Headers,
    },
};
use handler::Means;
use runner::Runner;
use targets::{Target, targets};
use teller::Teller;

/// Tries every case of every provider that is meant, or lists them.
///
/// # Errors
///
/// When it is not clear what to check, or the output can't be written.
pub fn run(context: &Context, args: &Check) -> Result<Exit, Failure> {
    let chosen = Chosen::new(&args.case)?;
    let own_headers = headers(&args.header)?;
    let targets = targets(context, args)?;
    let mut teller = Teller::new(context, args.list);
    if args.list {
        for target in &targets {
            if let Some(exemplar) = probes(&target.provider).first() {
                teller.list(target, &chosen.cases(&target.provider, exemplar))?;
            }
        }
        teller.end_list()?;
        return Ok(Exit::Success);
    }
    let only = match targets.as_slice() {
        [only] => Some(only.provider.name.as_str()),
        _ => None,
    };
    let keyring = context.keyring(only)?;
    require_secrets(&keyring, targets.iter().map(|target| &target.provider))?;
    let names: Vec<&str> = targets.iter().map(|target| target.provider.name.as_str()).collect();
    if let Some(note) = development_note(&context.catalog, &keyring, &names) {
        context.terminal.note(&note);
    }
    warn_of_work(context, &targets, &chosen, &own_headers)?;
    let sender = Sender::new(args.insecure);
    let means = Means { sender: &sender, timeout: args.timeout, keyring: &keyring, own_headers: &own_headers };
    let mut runner = Runner::new(means, &chosen, teller);
    let exit = runtime()?.block_on(async {
        tokio::select! {
            // Ctrl-C is listened for before anything is sent.
            biased;
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => Ok(Exit::Interrupted),
                Err(error) => Err(Failure::from(error)),
            },
            exit = runner.check_all(&targets) => exit,
        }
    })?;
    runner.finish()?;
    Ok(exit)
}

/// A handler works on what is genuine, so that whoever runs it should know how much that is.
fn warn_of_work(context: &Context, targets: &[Target], chosen: &Chosen, own_headers: &Headers) -> Result<(), Failure> {
    let mut genuine = 0;
    for target in targets {
        let Some(exemplar) = probes(&target.provider).first().copied() else { continue };
        let trial = Trial {
            provider: &target.provider,
            now: now(),
            entropy: entropy()?,
            target: &path_and_query(&target.url),
            secret: None,
            own_headers,
        };
        let cases = chosen.cases(&target.provider, exemplar);
        let sent = cases.iter().filter(|case| case.is_genuine() && case.skipped.is_none());
        genuine += sent.map(|case| case.size(&trial)).sum::<usize>();
        // The first good delivery is sent even where it is not asked for.
        genuine += usize::from(!cases.iter().any(|case| case.is_plain(exemplar)));
    }
    context.terminal.note(&format!("genuine deliveries: {genuine}; the handler does its work on each of them"));
    Ok(())
}

/// The cases that are to be tried.
pub struct Chosen(Vec<Pattern>);

impl Chosen {
    fn new(globs: &[String]) -> Result<Self, Failure> {
        let patterns = globs.iter().map(|glob| pattern(glob)).collect::<Result<Vec<_>, _>>()?;
        let lost = patterns.iter().find(|glob| !CaseName::ALL.iter().any(|name| glob.matches(name.as_str())));
        match lost {
            Some(glob) => {
                let names: Vec<&str> = CaseName::ALL.iter().map(|name| name.as_str()).collect();
                Err(Failure::usage(format!("no case is named `{glob}`"))
                    .hint(format!("the cases are {}", names.join(", "))))
            }
            None => Ok(Self(patterns)),
        }
    }

    fn has(&self, name: CaseName) -> bool {
        self.0.is_empty() || self.0.iter().any(|glob| glob.matches(name.as_str()))
    }

    /// The chosen cases of a provider.
    pub fn cases<'a>(&self, provider: &'a Provider, exemplar: &'a Event) -> Vec<Case<'a>> {
        let mut cases = cases(provider, exemplar);
        cases.retain(|case| self.has(case.name));
        cases
    }
}
