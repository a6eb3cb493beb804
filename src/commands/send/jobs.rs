//! Turns the arguments of `send` into jobs, with the changes that the options ask for.

use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use reqwest::Url;

use super::operands::{Operand, events, only_provider};
use crate::{
    cli::{self, SendArgs},
    commands::{
        context::{Context, Needed},
        exit::{Exit, Failure},
        guard::{Cargo, allow_delivery},
        resolve::{endpoint, headers},
        secret_warnings::require_secrets,
    },
    engine::{
        clock::now,
        deliver::{Batch, Changes, Job, JobContent, Resend, ResendError},
        entropy::send_context,
    },
    net::url::parse_url,
    store::{
        captures,
        formats::{self, walk},
        opened,
    },
    webhook::{
        assessment::Judge,
        capture::MAX_SIZE,
        contract::Tamper,
        overrides::{InvalidOverride, Override},
        payload::MAX_DECODED_BYTES,
        provider::{Provider, compose::BodySource, event::Event},
        record::{CaptureSource, RecordedResponse},
        redact,
        request::{Headers, Request},
    },
};

/// The jobs of one run.
#[derive(Debug)]
pub(super) struct Jobs {
    pub batch: Batch,
    /// Whether some captured requests could not be read. This has been reported.
    pub has_unreadable: bool,
}

/// The jobs of these operands, with the changes that the options ask for.
///
/// # Errors
///
/// If an option is invalid, or does not apply to what the operands name.
pub(super) fn jobs(context: &Context, args: &SendArgs, operands: &[Operand]) -> Result<Jobs, Failure> {
    if operands.iter().any(|operand| !matches!(operand, Operand::Events(_))) {
        context.require(Needed::All)?;
    }
    let mut builder = Builder::new(context, args, operands)?;
    for operand in operands {
        builder.add(operand)?;
    }
    let Builder { data, batch, has_unreadable, skipped, .. } = builder;
    if skipped > 0 {
        context.terminal.note(format!(
            "skipped {skipped} without a recorded failure of your handler; leave out --failed to send everything"
        ));
    }
    if data.is_some() && batch.jobs.len() != 1 {
        let count = batch.jobs.len();
        return Err(Failure::usage(format!("--data is the body of one event, but the arguments name {count}")));
    }
    require_secrets(&batch.keyring, batch.signing_providers())?;
    check_tampering(&batch.jobs)?;
    Ok(Jobs { batch, has_unreadable })
}

struct Builder<'a> {
    context: &'a Context,
    args: &'a SendArgs,
    overrides: Vec<Override>,
    headers: Headers,
    data: Option<Bytes>,
    to: Option<Url>,
    batch: Batch,
    has_unreadable: bool,
    has_redacted: bool,
    /// How many captures `--failed` skips.
    skipped: usize,
}

impl<'a> Builder<'a> {
    fn new(context: &'a Context, args: &'a SendArgs, operands: &[Operand]) -> Result<Self, Failure> {
        let keyring = context.keyring(only_provider(&context.catalog, operands))?;
        Ok(Self {
            context,
            args,
            overrides: overrides(args)?,
            headers: headers(&args.header)?,
            data: args.data.as_deref().map(read_data).transpose()?,
            to: args.to.as_deref().map(parse_url).transpose()?,
            batch: Batch { jobs: Vec::new(), keyring },
            has_unreadable: false,
            has_redacted: false,
            skipped: 0,
        })
    }

    fn add(&mut self, operand: &Operand) -> Result<(), Failure> {
        match operand {
            Operand::Events(_) if self.args.failed => {
                Err(Failure::usage("--failed is for captured requests, which record what your handler responded"))
            }
            Operand::Events(_) if self.args.resign => {
                Err(Failure::usage("--resign is for captured requests; an event is signed whenever it is sent"))
            }
            Operand::Events(text) => {
                let context = self.context;
                context.require(Needed::Named(text))?;
                events(&context.catalog, text)?
                    .into_iter()
                    .try_for_each(|(provider, event)| self.add_event(provider, event))
            }
            Operand::Path(_) | Operand::Last(_) | Operand::Stdin if self.data.is_some() => {
                Err(Failure::usage("--data is the body of an event; captured requests have their own"))
            }
            Operand::Path(_) | Operand::Last(_) | Operand::Stdin if self.args.tamper.is_some() => {
                Err(Failure::usage("--tamper is for events; captured requests are sent unchanged"))
            }
            Operand::Stdin if self.args.edit => Err(Failure::usage("--edit needs standard input for the editor")
                .hint("save the captured request to a file, and pass that")),
            Operand::Path(path) => {
                let before = self.found();
                self.add_files(path)?;
                self.report_if_empty(before, path);
                Ok(())
            }
            Operand::Last(captures) => self.add_last(captures),
            Operand::Stdin => match formats::read(Path::new("standard input"), io::stdin()) {
                Ok(entries) => {
                    let before = self.found();
                    self.add_entries(Path::new("-"), entries)?;
                    self.report_if_empty(before, Path::new("standard input"));
                    Ok(())
                }
                Err(error) => {
                    self.report_unreadable(&error);
                    Ok(())
                }
            },
        }
    }

    fn add_event(&mut self, provider: &Arc<Provider>, event: &Event) -> Result<(), Failure> {
        let body = match &self.data {
            Some(bytes) => BodySource::Bytes(bytes),
            None => BodySource::Fixture(None, &self.overrides),
        };
        let url = self.url(Some(provider))?;
        self.allow(&url, if event.unsigned { Cargo::Unsigned } else { Cargo::Signed(provider, &self.batch.keyring) })?;
        let job = Job::event(provider, event, body, url)?;
        let secret = self.batch.keyring.secrets(&provider.name).first();
        let job = Job { provider: Some(provider.signing_with(secret)), ..job };
        self.batch.jobs.push(Job { headers: self.headers.clone(), tamper: self.args.tamper.map(tamper), ..job });
        Ok(())
    }

    fn add_files(&mut self, path: &Path) -> Result<(), Failure> {
        let open = |file: &Path| if path.is_dir() { formats::open_found(file) } else { formats::open(file).map(Ok) };
        for file in walk(path).files {
            match file.and_then(|file| Ok((open(&file)?, file))) {
                Ok((Ok(entries), file)) => self.add_entries(&file, entries)?,
                Ok((Err(_), _)) => {}
                Err(error) => self.report_unreadable(&error),
            }
        }
        Ok(())
    }

    fn add_last(&mut self, captures: &Path) -> Result<(), Failure> {
        let none = || Failure::new(Exit::UnreadableInput, format!("there is no capture in {} yet", captures.display()));
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => none(),
            _ => Failure::new(Exit::UnreadableInput, format!("can't read {}", captures.display())).because(&error),
        };
        let (file, entry) = if captures.is_dir() {
            let file = captures::newest(captures).map_err(unreadable)?.ok_or_else(none)?;
            let entry = formats::open(&file).and_then(|mut entries| entries.next().transpose());
            (file, entry.map_err(|error| Failure::unreadable_input(&error))?.ok_or_else(none)?)
        } else {
            (captures.to_owned(), captures::last(captures).map_err(unreadable)?.ok_or_else(none)?.into())
        };
        let source = source(&file.to_string_lossy(), 0, None);
        self.context.terminal.note(format!("the newest capture is {}", source.location));
        self.add_capture(entry.request, source, entry.forwarded)
    }

    fn add_entries(&mut self, file: &Path, mut entries: formats::Entries<'_>) -> Result<(), Failure> {
        let file = file.to_string_lossy();
        let terminal = self.context.terminal;
        for (index, entry) in entries.by_ref().enumerate() {
            match entry {
                Ok(entry) => {
                    let source = source(&file, index, entry.line);
                    for note in &entry.notes {
                        terminal.note(format!("{}: {note}", source.location));
                    }
                    self.add_capture(entry.request, source, entry.forwarded)?;
                }
                Err(error) => self.report_unreadable(&error),
            }
        }
        for note in entries.notes() {
            terminal.note(format!("{file}: {note}"));
        }
        Ok(())
    }

    /// How many captured requests were found so far, and whether anything could not be read.
    fn found(&self) -> (usize, bool) {
        (self.batch.jobs.len() + self.skipped, self.has_unreadable)
    }

    /// Reports an input without requests, so that a script that sends captures doesn't succeed without sending any.
    fn report_if_empty(&mut self, before: (usize, bool), input: &Path) {
        if self.found() == before {
            let message = format!("no request to send in {}", input.display());
            self.context.terminal.fail(&Failure::new(Exit::UnreadableInput, message));
            self.has_unreadable = true;
        }
    }

    fn add_capture(
        &mut self,
        request: Request,
        source: CaptureSource,
        was: Option<RecordedResponse>,
    ) -> Result<(), Failure> {
        if redact::is_redacted(&request) && !self.has_redacted {
            self.has_redacted = true;
            self.context.terminal.warn("redacted captures are re-sent without credentials; --header 'K: V' adds them");
        }
        let judge = Judge {
            catalog: &self.context.catalog,
            keyring: &self.batch.keyring,
            provider: None,
            accepts_development: true,
            decoded_limit: MAX_DECODED_BYTES,
        };
        let assessment = judge.assess(&request, None.into());
        let provider = assessment.provider.as_ref();
        if self.args.failed && was.is_none_or(|was| was.is_accepted(provider.map(AsRef::as_ref))) {
            self.skipped += 1;
            return Ok(());
        }
        let url = self.url(provider)?;
        self.allow(&url, Cargo::Captured)?;
        let secret = provider.and_then(|provider| self.batch.keyring.secrets(&provider.name).first());
        let changes = Changes { overrides: &self.overrides, resign: self.args.resign, edit: self.args.edit };
        let context = send_context(self.args.now.unwrap_or_else(now), self.args.id.clone())?;
        let resend = Resend::new(request, &assessment, changes, secret, &context).map_err(|error| {
            let failure = Failure::usage(error.to_string());
            match error {
                ResendError::UnknownProvider => {
                    failure.hint("`hookdev verify` shows how the request was parsed, and why no provider matches")
                }
                ResendError::Change { .. } => failure,
            }
        })?;
        self.batch.jobs.push(Job {
            provider: assessment.provider,
            event: assessment.event,
            source: Some(source),
            was,
            url,
            content: JobContent::Capture(Box::new(resend)),
            headers: self.headers.clone(),
            tamper: None,
        });
        Ok(())
    }

    fn report_unreadable(&mut self, error: &formats::EntryError) {
        self.has_unreadable = true;
        self.context.terminal.fail(&Failure::unreadable_input(error));
    }

    /// If the config decides where a delivery goes, checks that it may.
    fn allow(&self, url: &Url, cargo: Cargo<'_>) -> Result<(), Failure> {
        if self.to.is_some() { Ok(()) } else { allow_delivery(self.context.guard.as_ref(), url, cargo) }
    }

    fn url(&self, provider: Option<&Arc<Provider>>) -> Result<Url, Failure> {
        endpoint(self.context, self.to.as_ref(), provider.map(Arc::as_ref))
    }
}

fn source(file: &str, index: usize, line: Option<u64>) -> CaptureSource {
    CaptureSource { file: file.to_owned(), location: formats::location(file, index, line) }
}

/// Checks that every job can be tampered with as requested.
fn check_tampering(jobs: &[Job]) -> Result<(), Failure> {
    for job in jobs {
        let (Some(tamper), JobContent::Event(prepared), Some(provider)) = (job.tamper, &job.content, &job.provider)
        else {
            continue;
        };
        if let Some(objection) = tamper.objection(provider, prepared.unsigned) {
            let event = job.event.as_deref().unwrap_or(&provider.name);
            return Err(Failure::usage(format!("can't tamper with {event}: {objection}")));
        }
    }
    Ok(())
}

const fn tamper(kind: cli::TamperArg) -> Tamper {
    match kind {
        cli::TamperArg::Body => Tamper::Body,
        cli::TamperArg::Signature => Tamper::Signature,
        cli::TamperArg::Missing => Tamper::Missing,
        cli::TamperArg::Secret => Tamper::Secret,
        cli::TamperArg::Stale => Tamper::Stale,
        cli::TamperArg::Future => Tamper::Future,
    }
}

fn overrides(args: &SendArgs) -> Result<Vec<Override>, Failure> {
    let invalid = |error: InvalidOverride| Failure::usage(error.to_string());
    let set = args.set.iter().map(|text| Override::set(text));
    let add = args.add.iter().map(|text| Override::add(text));
    let remove = args.remove.iter().map(|text| Override::remove(text));
    set.chain(add).chain(remove).collect::<Result<_, _>>().map_err(invalid)
}

fn read_data(path: &Path) -> Result<Bytes, Failure> {
    // `@FILE`, as for curl.
    let named = path.to_str().and_then(|text| text.strip_prefix('@')).filter(|_| !path.exists()).map(Path::new);
    let path = named.unwrap_or(path);
    let read = match path.to_str() {
        Some(text) if text.trim_start().starts_with(['{', '[']) && !path.exists() => {
            let hint = "save the body to a file, or pipe it: printf %s '…' | hookdev send EVENT --data -";
            return Err(Failure::usage("--data takes the name of a file, not the body itself").hint(hint));
        }
        Some("-") => bounded(io::stdin().lock()),
        _ => opened::open(path).and_then(bounded),
    };
    read.map(Bytes::from)
        .map_err(|error| Failure::new(Exit::UnreadableInput, format!("can't read {}", path.display())).because(&error))
}

/// Reads to the end, but no more than a capture may hold.
fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SIZE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", MAX_SIZE >> 20)));
    }
    Ok(bytes)
}
