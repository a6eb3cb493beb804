//! Resolves the words of the command line to events and captured requests, and its options to what
//! they change of them.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use reqwest::Url;

use super::{
    captured::{Captured, Changes},
    plan::{Content, Job, Plan, fixture_job},
};
use crate::{
    cli::{self, Send},
    commands::{
        context::{Context, require_secrets},
        exit::{Exit, Failure},
        resolve::{endpoint, headers, pattern},
    },
    engine::{clock::now, entropy::moment},
    net::{sender::parse_url, url::with_query_of},
    store::formats::{self, walk},
    webhook::{
        assessment::{Judge, MAX_DECODED_BYTES},
        contract::Tamper,
        keyring::Keyring,
        overrides::{InvalidOverride, Override},
        provider::{
            Provider,
            compose::{BodySource, SendContext},
            event::Event,
        },
        redact,
        request::{Headers, Request},
    },
};

/// Resolves the command line to what is to be sent.
///
/// # Errors
///
/// When a word is neither event nor file, or an option does not fit.
pub fn resolve(context: &Context, args: &Send) -> Result<Plan, Failure> {
    let mut resolver = Resolver::new(context, args)?;
    for word in &args.what {
        resolver.word(word)?;
    }
    if resolver.data.is_some() && resolver.jobs.len() != 1 {
        return Err(Failure::usage(format!("--data is the body of one event, and {} are named", resolver.jobs.len())));
    }
    let signing = resolver.jobs.iter().filter(|job| job.signs());
    require_secrets(&resolver.keyring, signing.filter_map(|job| job.provider.as_ref()))?;
    resolver.check_tampering()?;
    Ok(Plan { jobs: resolver.jobs, keyring: resolver.keyring, broken_input: resolver.broken_input })
}

/// Whether a word of the command line names events; what does not is a path.
pub fn names_events(context: &Context, word: &str) -> bool {
    let matches = |glob| !context.catalog.matching(&glob).is_empty();
    context.catalog.event(word).is_some() || pattern(word).is_ok_and(matches)
}

struct Resolver<'a> {
    context: &'a Context,
    args: &'a Send,
    keyring: Keyring,
    overrides: Vec<Override>,
    headers: Headers,
    data: Option<Bytes>,
    to: Option<Url>,
    jobs: Vec<Job>,
    broken_input: bool,
    /// Whether it was said that a capture is redacted.
    warned: bool,
}

impl<'a> Resolver<'a> {
    fn new(context: &'a Context, args: &'a Send) -> Result<Self, Failure> {
        // A flag without a provider's name is for the provider of the one event, most of the time.
        let providers: Vec<&str> = args.what.iter().filter_map(|word| word.split('.').next()).collect();
        let only = providers
            .first()
            .copied()
            .filter(|first| context.catalog.contains(first) && providers.iter().all(|name| name == first));
        Ok(Self {
            context,
            args,
            keyring: context.keyring(only)?,
            overrides: overrides(args)?,
            headers: headers(&args.header)?,
            data: args.data.as_deref().map(read_data).transpose()?,
            to: args.to.as_deref().map(parse_url).transpose()?,
            jobs: Vec::new(),
            broken_input: false,
            warned: false,
        })
    }

    fn word(&mut self, word: &str) -> Result<(), Failure> {
        let context = self.context;
        if let Some((provider, event)) = context.catalog.event(word) {
            return self.event(provider, event);
        }
        let matching = pattern(word).map(|glob| context.catalog.matching(&glob)).unwrap_or_default();
        if !matching.is_empty() {
            return matching.into_iter().try_for_each(|(provider, event)| self.event(provider, event));
        }
        let path = Path::new(word);
        if word == "-" || path.exists() {
            return self.captures(path);
        }
        let near = context.catalog.nearest_events(word);
        let failure = Failure::usage(format!("`{word}` is neither an event nor a file"));
        Err(match near.as_slice() {
            [] => failure.hint("`hookdev events` lists what can be sent"),
            near => failure.hint(format!("did you mean {}?", near.join(", "))),
        })
    }

    fn event(&mut self, provider: &Arc<Provider>, event: &Event) -> Result<(), Failure> {
        let what = match &self.data {
            Some(bytes) => BodySource::Bytes(bytes),
            None => BodySource::Fixture(None, &self.overrides),
        };
        let url = self.url(Some(provider), None)?;
        let mut job = fixture_job(provider, event, what, url)?;
        job.headers = self.headers.clone();
        job.tamper = self.args.tamper.map(tamper);
        self.jobs.push(job);
        Ok(())
    }

    fn moment(&self) -> Result<SendContext, Failure> {
        Ok(moment(self.args.now.unwrap_or_else(now), self.args.id.clone())?)
    }

    fn captures(&mut self, path: &Path) -> Result<(), Failure> {
        if self.data.is_some() {
            return Err(Failure::usage("a captured request has a body of its own: --data is for events"));
        }
        if path == Path::new("-") {
            match formats::read(Path::new("standard input"), io::stdin()) {
                Ok(entries) => self.entries(path, entries)?,
                Err(error) => self.broken(&error),
            }
            return Ok(());
        }
        let open = |file: &Path| if path.is_dir() { formats::open_found(file) } else { formats::open(file).map(Some) };
        for file in walk(path).files {
            match file.and_then(|file| Ok((open(&file)?, file))) {
                Ok((Some(entries), file)) => self.entries(&file, entries)?,
                Ok((None, _)) => {}
                Err(error) => self.broken(&error),
            }
        }
        Ok(())
    }

    fn entries(&mut self, file: &Path, entries: formats::Entries<'_>) -> Result<(), Failure> {
        let file = file.to_string_lossy();
        for (number, entry) in entries.enumerate() {
            match entry {
                Ok(entry) => self.capture(entry.request, formats::location(&file, number, entry.line))?,
                Err(error) => self.broken(&error),
            }
        }
        Ok(())
    }

    fn broken(&mut self, error: &formats::EntryError) {
        self.broken_input = true;
        self.context.terminal.fail(&Failure::unreadable_input(error));
    }

    fn capture(&mut self, request: Request, source: String) -> Result<(), Failure> {
        if redact::is_redacted(&request) && !self.warned {
            self.warned = true;
            let message =
                "a captured request was redacted, and goes out as it stands: --header 'K: V' gives it a credential";
            self.context.terminal.warn(message);
        }
        let judge = Judge {
            catalog: &self.context.catalog,
            keyring: &self.keyring,
            provider: None,
            decoded_limit: MAX_DECODED_BYTES,
        };
        let assessment = judge.assess(&request, None.into());
        let url = self.url(assessment.provider.as_ref(), Some(&request))?;
        let secret = assessment.provider.as_ref().and_then(|provider| self.keyring.secrets(&provider.name).first());
        let changes = Changes { overrides: &self.overrides, resign: self.args.resign };
        let captured = Captured::new(request, &assessment, changes, secret, &self.moment()?)?;
        self.jobs.push(Job {
            provider: assessment.provider,
            event: assessment.event,
            source: Some(source),
            url,
            content: Content::Capture(Box::new(captured)),
            headers: self.headers.clone(),
            tamper: None,
        });
        Ok(())
    }

    /// A forgery is told by its signature or its signed time, and so is made of an event that has them.
    fn check_tampering(&self) -> Result<(), Failure> {
        let Some(kind) = self.args.tamper else { return Ok(()) };
        for job in &self.jobs {
            let (Content::Event(recipe), Some(provider)) = (&job.content, &job.provider) else {
                return Err(Failure::usage("a captured request goes out byte for byte: --tamper is for events"));
            };
            if let Some(objection) = tamper(kind).objection(provider, recipe.unsigned) {
                let event = job.event.as_deref().unwrap_or(&provider.name);
                return Err(Failure::usage(format!("--tamper makes no sense for {event}: {objection}")));
            }
        }
        Ok(())
    }

    /// `--to`, else the config's endpoint, else where `listen` listens.
    fn url(&self, provider: Option<&Arc<Provider>>, captured: Option<&Request>) -> Result<Url, Failure> {
        let base = endpoint(self.context, self.to.as_ref(), provider.map(Arc::as_ref))?;
        Ok(captured.map_or(base.clone(), |request| with_query_of(&base, &request.target)))
    }
}

/// The forgery that the command line names.
const fn tamper(kind: cli::Tamper) -> Tamper {
    match kind {
        cli::Tamper::Body => Tamper::Body,
        cli::Tamper::Signature => Tamper::Signature,
        cli::Tamper::Missing => Tamper::Missing,
        cli::Tamper::Secret => Tamper::Secret,
        cli::Tamper::Stale => Tamper::Stale,
        cli::Tamper::Future => Tamper::Future,
    }
}

fn overrides(args: &Send) -> Result<Vec<Override>, Failure> {
    let wrong = |error: InvalidOverride| Failure::usage(error.to_string());
    let set = args.set.iter().map(|text| Override::set(text));
    let add = args.add.iter().map(|text| Override::add(text));
    let remove = args.remove.iter().map(|text| Override::remove(text));
    set.chain(add).chain(remove).collect::<Result<_, _>>().map_err(wrong)
}

fn read_data(path: &Path) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        _ => fs::read(path),
    };
    read.map(Bytes::from)
        .map_err(|error| Failure::new(Exit::UnreadableInput, format!("cannot read {}", path.display())).because(&error))
}
