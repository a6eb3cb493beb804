//! `hookdev verify`: checks captured requests; the exit code says whether all of them are good.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    context::{Context, DECODED_LIMIT, now},
    failure::{Exit, Failure},
    listen::provider,
    stdout,
};
use crate::{
    cli::{At, Format, Require, Verify},
    render::{json, pretty::Page},
    store::formats::{self, Entries, Entry, EntryError, bare, walk},
    webhook::{
        assessment::{Assessment, Judge, PayloadCheck},
        diagnose::Clock,
        keyring::Keyring,
        provider::Provider,
        signature::{Freshness, Receipt, Verdict},
        time::Tolerance,
    },
};

/// Verifies every request in the files that were named.
///
/// # Errors
///
/// When the options are wrong, or the output can't be written.
pub fn run(context: &Context, args: &Verify) -> Result<Exit, Failure> {
    let provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    let keyring = context.keyring(args.provider.as_deref())?;
    let mut run = Run {
        context,
        args,
        provider,
        keyring,
        page: context.terminal.page(None),
        out: Box::new(stdout()),
        tally: Tally::default(),
    };
    if let Some(body) = &args.body {
        run.bare(body)?;
    }
    for path in &args.files {
        let before = run.tally.seen();
        run.path(path)?;
        if run.tally.seen() == before {
            // A check of nothing must not pass.
            run.fail(&Failure::new(Exit::Input, format!("there is no captured request in {}", path.display())))?;
        }
    }
    run.out.flush()?;
    run.tally.say(context);
    Ok(run.tally.exit())
}

struct Run<'a> {
    context: &'a Context,
    args: &'a Verify,
    provider: Option<Arc<Provider>>,
    keyring: Keyring,
    page: Page,
    out: Box<dyn Write>,
    tally: Tally,
}

impl Run<'_> {
    fn bare(&mut self, body: &Path) -> Result<(), Failure> {
        let headers = self.args.header.iter().map(|text| bare::header(text)).collect::<Result<_, _>>();
        let headers = headers.map_err(|error| Failure::usage(error.to_string()))?;
        let entry = if body == Path::new("-") {
            bare::read(Path::new(STDIN), io::stdin(), headers)
        } else {
            bare::open(body, headers)
        };
        self.entry(body, entry)
    }

    fn path(&mut self, path: &Path) -> Result<(), Failure> {
        if path == Path::new("-") {
            return self.entries(Path::new(STDIN), formats::read(Path::new(STDIN), io::stdin()));
        }
        if !fs::metadata(path).is_ok_and(|found| found.is_dir()) {
            return self.entries(path, formats::open(path));
        }
        let walk = walk(path);
        self.tally.passed_over += walk.passed_over;
        for file in walk.files {
            self.found(file)?;
        }
        Ok(())
    }

    fn found(&mut self, file: Result<PathBuf, EntryError>) -> Result<(), Failure> {
        match file.map(|file| (formats::open_found(&file), file)) {
            Ok((Ok(None), _)) => {
                self.tally.passed_over += 1;
                Ok(())
            }
            Ok((Ok(Some(entries)), file)) => self.entries(&file, Ok(entries)),
            Ok((Err(error), _)) | Err(error) => self.broken(&error),
        }
    }

    fn entries(&mut self, file: &Path, entries: Result<Entries<'_>, EntryError>) -> Result<(), Failure> {
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.broken(&error),
        };
        for entry in entries.by_ref() {
            self.entry(file, entry)?;
        }
        for note in entries.notes() {
            self.context.terminal.note(&format!("{}: {note}", file.display()));
        }
        Ok(())
    }

    fn entry(&mut self, file: &Path, entry: Result<Entry, EntryError>) -> Result<(), Failure> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.broken(&error),
        };
        let judge = Judge {
            catalog: &self.context.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            decoded_limit: DECODED_LIMIT,
        };
        let receipt = Receipt {
            at: match self.args.at {
                At::Received => entry.received_at,
                At::Now => Some(now()),
                At::Time(time) => Some(time),
            },
            tolerance: self.args.tolerance.map(Tolerance::both),
        };
        let clock = if self.args.at == At::Received { Clock::Recorded } else { Clock::Chosen };
        let mut assessment = judge.assess(&entry.request, receipt);
        judge.explain(&entry.request, receipt, clock, &mut assessment);
        assessment.warnings.extend(entry.notes);
        let lacking = lacking(&self.args.require, &assessment);
        let good = self.tally.count(&assessment) && lacking.is_empty();
        self.tally.failed += usize::from(!good);
        if good && self.context.global.quiet {
            return Ok(());
        }
        self.tell(file, entry.index, &assessment, &lacking)
    }

    fn tell(&mut self, file: &Path, entry: usize, assessment: &Assessment, lacking: &[String]) -> Result<(), Failure> {
        let name = file.to_string_lossy();
        if self.context.format() == Format::Json {
            let mut line = Vec::new();
            json::verification(&name, entry, assessment, &mut line);
            return Ok(self.out.write_all(&line)?);
        }
        let place = if entry > 0 { format!("{name}, entry {entry}") } else { name.into_owned() };
        let mut text = String::new();
        self.page.verification(&place, assessment, lacking, &mut text);
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Tells of an input that can't be read; the others are verified all the same.
    fn broken(&mut self, error: &EntryError) -> Result<(), Failure> {
        self.fail(&Failure::input(error))
    }

    fn fail(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.tally.broken += 1;
        // What was told before stands before it.
        self.out.flush()?;
        self.context.terminal.fail(failure);
        Ok(())
    }
}

/// The name that standard input goes by.
const STDIN: &str = "-";

/// What `--require` demands and a request does not have, in words.
fn lacking(required: &[Require], assessment: &Assessment) -> Vec<String> {
    let verified = match &assessment.verdict {
        Verdict::Verified(verified) => Some(verified),
        _ => None,
    };
    let lacks = |require: &Require| match require {
        Require::Signature => verified.is_none().then_some("a signature that verifies"),
        Require::Freshness => match verified.map(|verified| verified.freshness) {
            Some(Freshness::Fresh(_)) => None,
            Some(Freshness::NotChecked) => Some("a time of receipt to judge its age by (--at gives one)"),
            Some(Freshness::NoTimestamp) | None => Some("a signed time"),
        },
        Require::Schema => (assessment.payload == PayloadCheck::Unknown).then_some("a payload that a schema describes"),
    };
    required.iter().filter_map(lacks).map(str::to_owned).collect()
}

/// How many of each there were.
#[derive(Debug, Default)]
struct Tally {
    verified: usize,
    rejected: usize,
    unsigned: usize,
    unrecognised: usize,
    invalid: usize,
    /// Those that make the answer no, for whichever reason.
    failed: usize,
    broken: usize,
    passed_over: usize,
}

impl Tally {
    /// Counts a request; whether it is good as far as its verdict and payload go.
    fn count(&mut self, assessment: &Assessment) -> bool {
        let counter = match assessment.verdict {
            Verdict::Verified(_) => &mut self.verified,
            Verdict::Rejected(_) => &mut self.rejected,
            Verdict::Unsigned => &mut self.unsigned,
            Verdict::Unrecognised => &mut self.unrecognised,
        };
        *counter += 1;
        let invalid = matches!(assessment.payload, PayloadCheck::Invalid(_));
        self.invalid += usize::from(invalid);
        assessment.verdict.is_genuine() && !invalid
    }

    fn exit(&self) -> Exit {
        if self.broken > 0 {
            Exit::Input
        } else if self.failed > 0 {
            Exit::No
        } else {
            Exit::Good
        }
    }

    /// How many requests and broken inputs there were.
    fn seen(&self) -> usize {
        self.verified + self.rejected + self.unsigned + self.unrecognised + self.broken
    }

    /// Says the counts on standard error.
    fn say(&self, context: &Context) {
        let total = self.seen() - self.broken;
        let parts = [
            (self.verified, "verified"),
            (self.unsigned, "unsigned by design"),
            (self.rejected, "rejected"),
            (self.unrecognised, "unrecognised"),
            (self.invalid, "with an invalid payload"),
            (self.broken, "that could not be read"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let plural = if total == 1 { "" } else { "s" };
        let counts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let passed_over = match self.passed_over {
            0 => String::new(),
            1 => "; 1 file passed over".to_owned(),
            files => format!("; {files} files passed over"),
        };
        context.terminal.say(&format!("{total} request{plural}{counts}{passed_over}\n"));
    }
}
