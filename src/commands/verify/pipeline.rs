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
    store::formats::{self, Entries, Entry, EntryError, bare, walk},
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

/// A piece of work for one thread.
enum Job {
    /// Files that a walk found, read there.
    Found(Vec<PathBuf>),
    /// Entries of one file that were read already.
    Entries(Arc<Path>, Vec<Result<Entry, EntryError>>),
    /// Nothing but what is to be told.
    Told(Told),
}

/// A piece of work, and where its result is waited for.
type Handed = (Job, SyncSender<Vec<Told>>);

/// The pieces that may be under way, done and not told included.
const UNDER_WAY: usize = 256;

/// The entries of one piece, or its files.
const BATCH: usize = 32;

/// From this size on the entries of a file are shared among the threads, in bytes; and so many bytes of files are
/// a piece.
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
    if is_small(input) {
        let mut told = Ok(());
        let hand = |job: Job| {
            told = job.done(judging).into_iter().try_for_each(&mut tell);
            if told.is_ok() { Ok(()) } else { Err(Gone) }
        };
        Finder { hand }.find(input);
        return told;
    }
    let (jobs, queue) = mpsc::sync_channel::<Handed>(UNDER_WAY);
    let (order, answers) = mpsc::sync_channel::<Receiver<Vec<Told>>>(UNDER_WAY);
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
        answers.into_iter().flat_map(|answer| answer.recv().unwrap_or_default()).try_for_each(&mut tell)
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
    fn done(self, judging: &Judging<'_>) -> Vec<Told> {
        match self {
            Self::Told(told) => vec![told],
            Self::Entries(file, entries) => entries.into_iter().map(|entry| judge(judging, &file, entry)).collect(),
            Self::Found(paths) => paths.into_iter().flat_map(|path| read_found(judging, path)).collect(),
        }
    }
}

fn read_found(judging: &Judging<'_>, path: PathBuf) -> Vec<Told> {
    match formats::open_found(&path) {
        Ok(None) => vec![Told::PassedOver(1)],
        Ok(Some(mut entries)) => {
            let file: Arc<Path> = path.into();
            let mut told: Vec<Told> = entries.by_ref().map(|entry| judge(judging, &file, entry)).collect();
            told.extend(notes(&file, &entries));
            told
        }
        Err(error) => vec![Told::Broken(Failure::input(&error))],
    }
}

fn judge(judging: &Judging<'_>, file: &Arc<Path>, entry: Result<Entry, EntryError>) -> Told {
    match entry {
        Ok(entry) => {
            let (index, line) = (entry.index, entry.line);
            let verified = Box::new(judging.judge(entry));
            Told::Verified { file: Arc::clone(file), entry: index, line, verified }
        }
        Err(error) => Told::Broken(Failure::input(&error)),
    }
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
        (self.hand)(Job::Entries(path.into(), vec![entry]))
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
        loop {
            let batch: Vec<_> = entries.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            (self.hand)(Job::Entries(Arc::clone(&file), batch))?;
        }
        notes(&file, &entries).into_iter().try_for_each(|note| (self.hand)(Job::Told(note)))
    }
}
