//! Reads and judges in parallel, tells in order: one thread finds the work, one for each core does
//! it, and the caller's tells of it. What is under way at one time is bounded, so that a million
//! captures take no more memory than a thousand. A single small file is not worth a thread.

use std::{
    fs, io,
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
    commands::failure::Failure,
    store::formats::{self, Entries, Entry, EntryError, Piece, bare, walk},
    webhook::request::Headers,
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
    /// Files that a walk found, read there.
    Found(Vec<PathBuf>),
    /// Entries of one file; the first of it, or those that go on behind the job before.
    Entries { file: Arc<Path>, pieces: Vec<Piece>, goes_on: bool },
    /// Nothing but what is to be told.
    Told(Told),
}

/// What came of a job.
#[derive(Default)]
struct Done {
    /// What is to be told of it; entries are counted from the first of the job.
    told: Vec<Told>,
    /// How many entries there were, broken ones included.
    entries: usize,
    /// As in [`Job::Entries`].
    goes_on: bool,
}

/// A piece of work, and where its result is waited for.
type Handed = (Job, SyncSender<Done>);

/// The jobs that may be under way, done and not told included.
const UNDER_WAY: usize = 32;

/// The entries of one job, or its files.
const BATCH: usize = 64;

/// From this size on the entries of a file are shared among the threads, in bytes; and so many bytes are a job.
const LARGE: u64 = 256 << 10;

/// Reads and judges an input, and tells of it in order.
///
/// # Errors
///
/// The first error of `tell`; then the rest is left.
pub fn run(
    judging: &Judging<'_>,
    input: &Input,
    mut tell: impl FnMut(Told) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut before = 0;
    let mut tell = |done: Done| {
        before = if done.goes_on { before } else { 0 };
        let start = before;
        before += done.entries;
        done.told.into_iter().try_for_each(|told| tell(told.behind(start)))
    };
    if is_small(input) {
        let mut told = Ok(());
        let hand = |job: Job| {
            told = tell(job.done(judging));
            if told.is_ok() { Ok(()) } else { Err(Gone) }
        };
        Finder { hand }.find(input);
        return told;
    }
    let (jobs, queue) = mpsc::sync_channel::<Handed>(UNDER_WAY);
    let (order, answers) = mpsc::sync_channel::<Receiver<Done>>(UNDER_WAY);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let hand = move |job| {
            let (sender, receiver) = mpsc::sync_channel(1);
            order.send(receiver).map_err(|_| Gone)?;
            jobs.send((job, sender)).map_err(|_| Gone)
        };
        scope.spawn(move || Finder { hand }.find(input));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work(judging, &queue));
        }
        // Dropping `answers` at an error ends the finder, and with it the others.
        answers.into_iter().try_for_each(|answer| tell(answer.recv().unwrap_or_default()))
    })
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

fn work(judging: &Judging<'_>, queue: &Mutex<Receiver<Handed>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, answer)) = next else { return };
        // Nobody waits for it any more after an error.
        let _ = answer.send(job.done(judging));
    }
}

impl Job {
    fn done(self, judging: &Judging<'_>) -> Done {
        match self {
            Self::Told(told) => Done { told: vec![told], ..Done::default() },
            Self::Entries { file, pieces, goes_on } => {
                let entries = pieces.into_iter().filter_map(|piece| piece.parse(&file));
                let told: Vec<_> = judge(judging, &file, entries).collect();
                Done { entries: told.len(), told, goes_on }
            }
            Self::Found(paths) => {
                let told = paths.into_iter().flat_map(|path| read_found(judging, path)).collect();
                Done { told, ..Done::default() }
            }
        }
    }
}

fn read_found(judging: &Judging<'_>, path: PathBuf) -> Vec<Told> {
    match formats::open_found(&path) {
        Ok(None) => vec![Told::PassedOver(1)],
        Ok(Some(mut entries)) => {
            let file: Arc<Path> = path.into();
            let mut told: Vec<Told> = judge(judging, &file, entries.by_ref()).collect();
            told.extend(notes(&file, &entries));
            told
        }
        Err(error) => vec![Told::Broken(Failure::input(&error))],
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
            Told::Verified { file: Arc::clone(file), entry: place, line, verified: Box::new(judging.judge(entry)) }
        }
        Err(error) => Told::Broken(Failure::input(&error)),
    })
}

fn notes(file: &Path, entries: &Entries<'_>) -> Vec<Told> {
    entries.notes().iter().map(|note| Told::Note(format!("{}: {note}", file.display()))).collect()
}

/// Whoever waits for the work is gone, and nothing more is wanted.
struct Gone;

/// Finds the work and hands it out.
struct Finder<H> {
    hand: H,
}

impl<H: FnMut(Job) -> Result<(), Gone>> Finder<H> {
    fn find(&mut self, input: &Input) {
        // It ends early only when nobody listens.
        let _ = match input {
            Input::Stdin => self.entries(Path::new(STDIN), formats::read(Path::new(STDIN), io::stdin())),
            Input::Body(path, headers) => self.body(path, headers.clone()),
            Input::Found(path) => self.files([Ok(path.clone())]),
            Input::Path(path) if fs::metadata(path).is_ok_and(|found| found.is_dir()) => self.folder(path),
            Input::Path(path) => self.entries(path, formats::open(path)),
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
            Err(error) => (self.hand)(Job::Told(Told::Broken(Failure::input(&error)))),
        }
    }

    fn folder(&mut self, path: &Path) -> Result<(), Gone> {
        let walk = walk(path);
        if walk.passed_over > 0 {
            (self.hand)(Job::Told(Told::PassedOver(walk.passed_over)))?;
        }
        self.files(walk.files)
    }

    /// Hands out files that a walk found, small ones together.
    fn files(&mut self, files: impl IntoIterator<Item = Result<PathBuf, EntryError>>) -> Result<(), Gone> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for file in files {
            let small = file.as_ref().ok().and_then(|file| fs::metadata(file).ok()).map(|found| found.len());
            let small = small.filter(|length| *length < LARGE);
            bytes += small.unwrap_or_default();
            if !batch.is_empty() && (small.is_none() || batch.len() == BATCH || bytes >= LARGE) {
                (self.hand)(Job::Found(std::mem::take(&mut batch)))?;
                bytes = small.unwrap_or_default();
            }
            match file {
                Ok(file) if small.is_some() => batch.push(file),
                Ok(file) => self.large(&file)?,
                Err(error) => (self.hand)(Job::Told(Told::Broken(Failure::input(&error))))?,
            }
        }
        if batch.is_empty() { Ok(()) } else { (self.hand)(Job::Found(batch)) }
    }

    fn large(&mut self, file: &Path) -> Result<(), Gone> {
        match formats::open_found(file) {
            Ok(None) => (self.hand)(Job::Told(Told::PassedOver(1))),
            Ok(Some(entries)) => self.entries(file, Ok(entries)),
            Err(error) => (self.hand)(Job::Told(Told::Broken(Failure::input(&error)))),
        }
    }

    fn entries(&mut self, path: &Path, entries: Result<Entries<'_>, EntryError>) -> Result<(), Gone> {
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return (self.hand)(Job::Told(Told::Broken(Failure::input(&error)))),
        };
        let file: Arc<Path> = path.into();
        let (mut pieces, mut bytes, mut goes_on) = (Vec::new(), 0, false);
        for piece in entries.pieces() {
            bytes += piece.unparsed() as u64;
            pieces.push(piece);
            if pieces.len() == BATCH || bytes >= LARGE {
                let pieces = std::mem::take(&mut pieces);
                (self.hand)(Job::Entries { file: Arc::clone(&file), pieces, goes_on })?;
                (bytes, goes_on) = (0, true);
            }
        }
        if !pieces.is_empty() {
            (self.hand)(Job::Entries { file: Arc::clone(&file), pieces, goes_on })?;
        }
        notes(&file, &entries).into_iter().try_for_each(|note| (self.hand)(Job::Told(note)))
    }
}
