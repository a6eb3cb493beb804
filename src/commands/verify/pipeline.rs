//! Reads and judges in parallel, tells in order: one thread finds the work, one for each core does
//! it, and the caller's tells of it. What is under way at one time is bounded, so that a million
//! captures take no more memory than a thousand. A single small file is not worth a thread.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

use super::{
    STDIN,
    judging::{Judging, Verified},
};
use crate::{
    commands::exit::Failure,
    store::formats::{self, Entries, Entry, EntryError, Piece, Walk, bare, walk},
    webhook::{request::Headers, signature::Verdict},
};

/// Something that holds captured requests.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file or a folder.
    Path(PathBuf),
    /// A file that stands in a folder that was named, and may be no capture.
    Found(PathBuf),
    /// Standard input.
    Stdin,
    /// A file that is one request's body (`-` is standard input), and its headers.
    Body(PathBuf, Headers),
}

impl Input {
    /// The name that it goes by.
    pub fn path(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Found(path) | Self::Body(path, _) => path,
            Self::Stdin => Path::new(STDIN),
        }
    }
}

/// Something to be told.
#[derive(Debug)]
pub enum Told {
    /// A request was judged.
    Verified {
        /// The file that it stands in.
        file: Arc<Path>,
        /// Its place among the entries of the file, from 0.
        entry: usize,
        /// The line that it begins on, where there are lines.
        line: Option<u64>,
        /// What is said of it.
        verified: Box<Verified>,
    },
    /// A request was judged and is good, which nobody wants to hear of.
    Good {
        /// Whether it is signed.
        signed: bool,
    },
    /// An input, or an entry of one, can't be read.
    Broken(Failure),
    /// What a person should know of an input.
    Note(String),
    /// Files were passed over, as they are no captures.
    PassedOver(usize),
}

impl Told {
    /// The same, behind so many entries of its file.
    fn behind(mut self, entries: usize) -> Self {
        if let Self::Verified { entry, .. } = &mut self {
            *entry += entries;
        }
        self
    }
}

/// A piece of work for one thread.
enum Job {
    /// Some of the files that a walk found.
    Found(Arc<Walk>, Range<usize>),
    /// Entries of one file; the first of it, or those that go on behind the job before.
    Entries { file: Arc<Path>, pieces: Vec<Piece>, goes_on: bool },
    /// Nothing but what is to be told.
    Told(Told),
}

/// What came of a job.
#[derive(Default)]
struct Done {
    /// What is to be told of it, in order; entries are counted from the first of the job.
    results: Vec<Outcome>,
    /// How many entries there were, broken ones included.
    entries: usize,
    /// As in [`Job::Entries`].
    goes_on: bool,
}

/// What came of one entry, or of a file that was found.
enum Outcome {
    Told(Told),
    /// It is too large for one thread.
    Large(Arc<Path>, Entries<'static>),
}

/// A piece of work, and where its result is waited for.
type Handed = (Job, SyncSender<Done>);

/// The jobs that may be under way, done and not told included.
const UNDER_WAY: usize = 16;

/// The entries of one job, or its files.
const BATCH: usize = 128;

/// From this size on the entries of a file are shared among the threads, in bytes; and so many bytes are a job.
const LARGE: u64 = 256 << 10;

/// What is told to.
type Tell<'a> = dyn FnMut(Told) -> Result<(), Failure> + 'a;

/// Reads and judges an input, and tells of it in order.
///
/// # Errors
///
/// The first error of `tell`; then the rest is left.
pub fn run(judging: &Judging<'_>, input: &Input, tell: &mut Tell<'_>) -> Result<(), Failure> {
    if !is_small(input) {
        return in_parallel(judging, Source::Input(input), tell);
    }
    let (mut before, mut told) = (0, Ok(()));
    let hand = |job: Job| {
        told = job.done(judging).tell(judging, &mut before, tell);
        if told.is_ok() { Ok(()) } else { Err(Gone) }
    };
    Finder { hand }.find(Source::Input(input));
    told
}

/// Whether an input is one file, and not a large one.
fn is_small(input: &Input) -> bool {
    match input {
        Input::Path(path) | Input::Found(path) => {
            fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() < LARGE)
        }
        Input::Body(..) => true,
        Input::Stdin => false,
    }
}

/// What is read.
enum Source<'a> {
    Input(&'a Input),
    Entries(Arc<Path>, Entries<'static>),
}

fn in_parallel(judging: &Judging<'_>, source: Source<'_>, tell: &mut Tell<'_>) -> Result<(), Failure> {
    let (jobs, queue) = mpsc::sync_channel::<Handed>(UNDER_WAY);
    let (order, answers) = mpsc::sync_channel::<Receiver<Done>>(UNDER_WAY);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let hand = move |job| {
            let (sender, receiver) = mpsc::sync_channel(1);
            order.send(receiver).map_err(|_| Gone)?;
            jobs.send((job, sender)).map_err(|_| Gone)
        };
        scope.spawn(move || Finder { hand }.find(source));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work(judging, &queue));
        }
        let mut before = 0;
        // Dropping `answers` at an error ends the finder, and with it the others.
        answers.into_iter().try_for_each(|answer| answer.recv().unwrap_or_default().tell(judging, &mut before, tell))
    })
}

fn work(judging: &Judging<'_>, queue: &Mutex<Receiver<Handed>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, answer)) = next else { return };
        // Nobody waits for it any more after an error.
        let _ = answer.send(job.done(judging));
    }
}

impl Done {
    /// Tells of it, behind so many entries of the same file.
    fn tell(self, judging: &Judging<'_>, before: &mut usize, tell: &mut Tell<'_>) -> Result<(), Failure> {
        let start = if self.goes_on { *before } else { 0 };
        *before = start + self.entries;
        self.results.into_iter().try_for_each(|result| match result {
            Outcome::Told(told) => tell(told.behind(start)),
            Outcome::Large(file, entries) => in_parallel(judging, Source::Entries(file, entries), tell),
        })
    }
}

impl Job {
    fn done(self, judging: &Judging<'_>) -> Done {
        match self {
            Self::Told(told) => Done { results: vec![Outcome::Told(told)], ..Done::default() },
            Self::Entries { file, pieces, goes_on } => {
                let entries = pieces.into_iter().filter_map(|piece| piece.parse(&file));
                let results: Vec<_> = judge(judging, &file, entries).map(Outcome::Told).collect();
                Done { entries: results.len(), results, goes_on }
            }
            Self::Found(walk, range) => {
                let mut results = Vec::with_capacity(range.len());
                walk.files[range].iter().for_each(|file| read_found(judging, file, &mut results));
                Done { results, ..Done::default() }
            }
        }
    }
}

fn read_found(judging: &Judging<'_>, file: &Result<PathBuf, EntryError>, results: &mut Vec<Outcome>) {
    let opened = file.as_ref().map_err(|error| Failure::unreadable_input(error)).and_then(|path| {
        let entries = formats::open_found(path).map_err(|error| Failure::unreadable_input(&error))?;
        Ok((path, entries))
    });
    match opened {
        Err(failure) => results.push(Outcome::Told(Told::Broken(failure))),
        Ok((_, None)) => results.push(Outcome::Told(Told::PassedOver(1))),
        Ok((path, Some(entries))) if entries.length().is_some_and(|length| length >= LARGE) => {
            results.push(Outcome::Large(path.as_path().into(), entries));
        }
        Ok((path, Some(mut entries))) => {
            let file: Arc<Path> = path.as_path().into();
            results.extend(judge(judging, &file, entries.by_ref()).map(Outcome::Told));
            results.extend(notes(&file, &entries).map(Outcome::Told));
        }
    }
}

/// Judges entries, numbered from 0 with the broken ones.
fn judge(
    judging: &Judging<'_>,
    file: &Arc<Path>,
    entries: impl Iterator<Item = Result<Entry, EntryError>>,
) -> impl Iterator<Item = Told> {
    entries.enumerate().map(|(place, entry)| match entry {
        Ok(entry) => {
            let line = entry.line;
            let verified = judging.judge(entry);
            if judging.quiet && verified.is_good() {
                return Told::Good { signed: verified.assessment.verdict != Verdict::Unsigned };
            }
            Told::Verified { file: Arc::clone(file), entry: place, line, verified: Box::new(verified) }
        }
        Err(error) => Told::Broken(Failure::unreadable_input(&error)),
    })
}

fn notes(file: &Path, entries: &Entries<'_>) -> impl Iterator<Item = Told> {
    entries.notes().iter().map(|note| Told::Note(format!("{}: {note}", file.display())))
}

/// Whoever waits for the work is gone, and nothing more is wanted.
struct Gone;

/// Finds the work and hands it out.
struct Finder<H> {
    hand: H,
}

impl<H: FnMut(Job) -> Result<(), Gone>> Finder<H> {
    fn find(&mut self, source: Source<'_>) {
        // It ends early only when nobody listens.
        let _ = match source {
            Source::Entries(file, entries) => self.entries(&file, entries),
            Source::Input(Input::Stdin) => self.opened(Path::new(STDIN), formats::read(Path::new(STDIN), io::stdin())),
            Source::Input(Input::Body(path, headers)) => self.body(path, headers.clone()),
            Source::Input(Input::Found(path)) => self.walked(Walk { files: vec![Ok(path.clone())], skipped: 0 }),
            Source::Input(Input::Path(path)) if fs::metadata(path).is_ok_and(|found| found.is_dir()) => {
                self.walked(walk(path))
            }
            Source::Input(Input::Path(path)) => self.opened(path, formats::open(path)),
        };
    }

    fn body(&mut self, path: &Path, headers: Headers) -> Result<(), Gone> {
        let entry =
            if path == Path::new(STDIN) { bare::read(path, io::stdin(), headers) } else { bare::open(path, headers) };
        match entry {
            Ok(entry) => {
                let pieces = vec![Piece::Entry(Ok(entry))];
                (self.hand)(Job::Entries { file: path.into(), pieces, goes_on: false })
            }
            Err(error) => (self.hand)(Job::Told(Told::Broken(Failure::unreadable_input(&error)))),
        }
    }

    fn walked(&mut self, walk: Walk) -> Result<(), Gone> {
        if walk.skipped > 0 {
            (self.hand)(Job::Told(Told::PassedOver(walk.skipped)))?;
        }
        let (all, walk) = (walk.files.len(), Arc::new(walk));
        let mut batches = (0..all).step_by(BATCH).map(|start| start..all.min(start + BATCH));
        batches.try_for_each(|batch| (self.hand)(Job::Found(Arc::clone(&walk), batch)))
    }

    fn opened(&mut self, path: &Path, entries: Result<Entries<'_>, EntryError>) -> Result<(), Gone> {
        match entries {
            Ok(entries) => self.entries(&path.into(), entries),
            Err(error) => (self.hand)(Job::Told(Told::Broken(Failure::unreadable_input(&error)))),
        }
    }

    fn entries(&mut self, file: &Arc<Path>, mut entries: Entries<'_>) -> Result<(), Gone> {
        let (mut pieces, mut bytes, mut goes_on) = (Vec::new(), 0, false);
        for piece in entries.pieces() {
            bytes += piece.unparsed() as u64;
            pieces.push(piece);
            if pieces.len() == BATCH || bytes >= LARGE {
                let pieces = std::mem::take(&mut pieces);
                (self.hand)(Job::Entries { file: Arc::clone(file), pieces, goes_on })?;
                (bytes, goes_on) = (0, true);
            }
        }
        if !pieces.is_empty() {
            (self.hand)(Job::Entries { file: Arc::clone(file), pieces, goes_on })?;
        }
        notes(file, &entries).try_for_each(|note| (self.hand)(Job::Told(note)))
    }
}
