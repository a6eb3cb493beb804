//! What is to be sent: the words of the command line resolved to events and captured requests,
//! each with its endpoint.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use reqwest::Url;

use crate::{
    cli::{self, Send},
    commands::{
        context::{Context, DECODED_LIMIT, now},
        failure::{Exit, Failure},
        place::place,
        send::captured::{Captured, Changes},
        target::{endpoint, pattern, with_query_of},
    },
    net::sender::{is_of_connection, parse_url},
    render::text,
    store::formats::{self, bare, walk},
    webhook::{
        assessment::Judge,
        contract::Tamper,
        keyring::Keyring,
        overrides::Override,
        provider::{
            Provider,
            compose::{Moment, What},
            event::Event,
            recipe::Recipe,
        },
        redact,
        request::{Headers, Request},
        signature::SigningSecret,
        time::Timestamp,
    },
};

/// Everything that one run sends.
pub struct Plan {
    pub jobs: Vec<Job>,
    pub keyring: Keyring,
    /// Whether an input could not be read; what could be is sent all the same.
    broken_input: bool,
}

/// One delivery to be made.
pub struct Job {
    /// Whose it is, if that is known.
    pub provider: Option<Arc<Provider>>,
    /// The event's whole name, if that is known.
    pub event: Option<String>,
    /// The place of the captured request that it sends.
    pub source: Option<String>,
    /// Where it goes.
    pub url: Url,
    /// What goes there.
    pub content: Content,
    /// The user's own headers.
    pub headers: Headers,
    /// How it is spoilt.
    pub tamper: Option<Tamper>,
}

/// What a job sends.
pub enum Content {
    /// An event: each delivery is drafted anew, and put together and signed for each attempt.
    Event(Box<Recipe>),
    /// A captured request.
    Capture(Box<Captured>),
}

impl Job {
    /// Whether its provider's secret signs it here.
    pub fn signs(&self) -> bool {
        let signed = match &self.content {
            Content::Event(recipe) => !recipe.unsigned,
            Content::Capture(captured) => captured.resign,
        };
        signed && self.provider.as_ref().is_some_and(|provider| !provider.schemes.is_empty())
    }
}

impl Plan {
    /// Resolves the command line.
    ///
    /// # Errors
    ///
    /// When a word is neither event nor file, or an option does not fit.
    pub fn resolve(context: &Context, args: &Send) -> Result<Self, Failure> {
        let mut resolver = Resolver::new(context, args)?;
        for word in &args.what {
            resolver.word(word)?;
        }
        if resolver.data.is_some() && resolver.jobs.len() != 1 {
            return Err(Failure::usage(format!(
                "--data is the body of one event, and {} are named",
                resolver.jobs.len()
            )));
        }
        resolver.check_secrets()?;
        resolver.check_tampering()?;
        Ok(Self { jobs: resolver.jobs, keyring: resolver.keyring, broken_input: resolver.broken_input })
    }

    /// The secret that signs a job.
    pub fn secret_of(&self, job: &Job) -> Option<&SigningSecret> {
        self.keyring.secrets(&job.provider.as_ref()?.name).first()
    }

    /// The providers whose secrets sign something here.
    pub fn signing_providers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for job in &self.jobs {
            if let (true, Some(provider)) = (job.signs(), &job.provider)
                && !names.contains(&provider.name.as_str())
            {
                names.push(&provider.name);
            }
        }
        names
    }

    /// The columns of the longest name.
    pub fn name_width(&self) -> usize {
        self.jobs.iter().filter_map(|job| job.event.as_deref()).map(text::width).max().unwrap_or_default()
    }

    /// The exit code, when an input could not be read.
    pub const fn exit(&self, exit: Exit) -> Exit {
        if self.broken_input && !matches!(exit, Exit::Interrupted) { Exit::Input } else { exit }
    }
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
            Some(bytes) => What::Bytes(bytes),
            None => What::Fixture(None, &self.overrides),
        };
        let url = self.url(Some(provider), None)?;
        let mut job = fixture_job(provider, event, what, url)?;
        job.headers = self.headers.clone();
        job.tamper = self.args.tamper.map(tamper);
        self.jobs.push(job);
        Ok(())
    }

    fn moment(&self) -> Result<Moment, Failure> {
        moment(self.args.now.unwrap_or_else(now), self.args.id.clone())
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
                Ok(entry) => self.capture(entry.request, place(&file, number, entry.line))?,
                Err(error) => self.broken(&error),
            }
        }
        Ok(())
    }

    fn broken(&mut self, error: &formats::EntryError) {
        self.broken_input = true;
        self.context.terminal.fail(&Failure::input(error));
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
            decoded_limit: DECODED_LIMIT,
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

    /// Nothing can be signed without a secret.
    fn check_secrets(&self) -> Result<(), Failure> {
        let lacking = self.jobs.iter().find_map(|job| {
            let provider = job.provider.as_ref()?;
            (job.signs() && self.keyring.secrets(&provider.name).is_empty()).then_some(provider)
        });
        match lacking {
            Some(provider) => {
                Err(Failure::usage(format!("there is no secret to sign {}'s deliveries with", provider.title))
                    .hint(format!("none of the config's is there; --secret {}=… names another", provider.name)))
            }
            None => Ok(()),
        }
    }

    /// `--to`, else the config's endpoint, else where `listen` listens.
    fn url(&self, provider: Option<&Arc<Provider>>, captured: Option<&Request>) -> Result<Url, Failure> {
        let base = endpoint(self.context, self.to.as_ref(), provider.map(Arc::as_ref))?;
        Ok(captured.map_or(base.clone(), |request| with_query_of(&base, &request.target)))
    }
}

/// A job that delivers an event.
///
/// # Errors
///
/// When an override does not fit the payload.
pub fn fixture_job(provider: &Arc<Provider>, event: &Event, what: What<'_>, url: Url) -> Result<Job, Failure> {
    let recipe =
        provider.recipe(event, what).map_err(|error| Failure::usage(format!("{}: {error}", event.full_name)))?;
    Ok(Job {
        provider: Some(Arc::clone(provider)),
        event: Some(event.full_name.clone()),
        source: None,
        url,
        content: Content::Event(Box::new(recipe)),
        headers: Headers::new(),
        tamper: None,
    })
}

/// A moment with fresh randomness.
///
/// # Errors
///
/// When the operating system gives none.
pub fn moment(now: Timestamp, id: Option<String>) -> Result<Moment, Failure> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)
        .map_err(|error| Failure::new(Exit::No, "the operating system gives no randomness").because(&error))?;
    Ok(Moment { now, id, entropy })
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
    let wrong = |error: crate::webhook::overrides::InvalidOverride| Failure::usage(error.to_string());
    let set = args.set.iter().map(|text| Override::set(text));
    let add = args.add.iter().map(|text| Override::add(text));
    let remove = args.remove.iter().map(|text| Override::remove(text));
    set.chain(add).chain(remove).collect::<Result<_, _>>().map_err(wrong)
}

/// Reads `K: V` as headers.
///
/// # Errors
///
/// When one of them is none.
pub fn headers(texts: &[String]) -> Result<Headers, Failure> {
    let headers: Headers = texts
        .iter()
        .map(|text| bare::header(text))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(error.to_string()))?;
    if headers.all("host").nth(1).is_some() {
        return Err(Failure::usage("--header: a request has no more than one `host`"));
    }
    match headers.iter().map(|(name, _)| name.as_str()).find(|name| is_of_connection(name)) {
        Some(name) => {
            let message = format!("--header: `{name}` belongs to the connection, which sets it itself");
            Err(Failure::usage(message).hint("the body goes out whole, with its own length"))
        }
        None => Ok(headers),
    }
}

fn read_data(path: &Path) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        _ => fs::read(path),
    };
    read.map(Bytes::from)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read {}", path.display())).because(&error))
}
