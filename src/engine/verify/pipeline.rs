//! Reads and verifies in parallel, and reports in order: one thread splits the input into jobs, one thread per core
//! runs them, and the caller's thread reports the results. The number of pending jobs is bounded, so memory does not
//! grow with the number of captures. A small file is verified on the caller's thread.
//!
//! Searches for causes that share a budget run in the order of the results, so that their shares don't depend on thread
//! scheduling. The same run therefore always has the same results.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::{Criteria, InputSource, STDIN, VerifyStep};
use crate::{
    store::formats::{self, DirectoryWalk, Entries, Entry, EntryError, EntryPiece, SkippedFile, bare, walk},
    webhook::request::Headers,
};

/// A piece of work for one thread.
enum WorkItem {
    /// Files found in a directory.
    Files(Vec<Result<PathBuf, EntryError>>),
    /// Consecutive requests of one file; `continues` says whether they follow those of the previous job.
    Requests { file: Arc<Path>, pieces: Vec<EntryPiece>, continues: bool },
    /// Nothing to run, only to report.
    Report(VerifyStep),
}

/// The results of a job.
#[derive(Default)]
struct Finished {
    /// The results in order. Requests are numbered from the first one of the job.
    results: Vec<JobResult>,
    /// The number of requests, including unreadable ones.
    requests: usize,
    /// As in [`WorkItem::Requests`].
    continues: bool,
}

/// The result for one request, or for a file found in a directory.
enum JobResult {
    Report(VerifyStep),
    /// The file is too large for one thread. It is opened when its results are reported, so that few are open at a
    /// time.
    LargeFile(PathBuf),
}

/// The position of a job in the run.
#[derive(Clone, Copy)]
struct RunPosition<'a> {
    /// The approximate number of requests before it, independent of thread scheduling.
    index: usize,
    /// Waits until all of these are reported.
    wait_for_earlier: &'a dyn Fn(),
}

/// A job with its number, and where its results go.
type QueuedItem = (usize, WorkItem, SyncSender<Finished>);

/// Counts the jobs whose results have been reported, which other jobs wait for.
#[derive(Debug, Default)]
struct ReportedJobs {
    count: Mutex<usize>,
    changed: Condvar,
}

impl ReportedJobs {
    fn wait_for(&self, jobs: usize) {
        self.changed.wait_while(&mut self.count.lock(), |count| *count < jobs);
    }

    fn set(&self, jobs: usize) {
        *self.count.lock() = jobs;
        self.changed.notify_all();
    }
}

/// Lets waiting jobs continue once no more results are reported, even after an error.
struct StopWaiting<'a>(&'a ReportedJobs);

impl Drop for StopWaiting<'_> {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

/// The maximum number of jobs not reported yet.
const MAX_PENDING_JOBS: usize = 16;

/// The maximum number of requests or files in a job.
const JOB_SIZE: usize = 128;

/// A file of at least this size is split into jobs of about this size, in bytes.
const JOB_BYTES: u64 = 256 << 10;

/// How long a pipe may be silent before a note says so.
const SILENCE: Duration = Duration::from_secs(1);

/// Receives the reports.
type ReportStep<'a, E> = dyn FnMut(VerifyStep) -> Result<(), E> + 'a;

/// Verifies the requests of an input and reports them in order.
///
/// # Errors
///
/// The first error of `report`, which ends the run.
pub(super) fn run<E>(criteria: &Criteria, input: &InputSource, report: &mut ReportStep<'_, E>) -> Result<(), E> {
    if !is_small(input) {
        return in_parallel(criteria, RequestSource::Input(input), report);
    }
    let (mut previous, mut result) = (0, Ok(()));
    let submit = |job: WorkItem| {
        let position = RunPosition { index: criteria.search.reported(), wait_for_earlier: &|| () };
        result = job.run(criteria, position).report(criteria, &mut previous, report);
        if result.is_ok() { Ok(()) } else { Err(Disconnected) }
    };
    Producer { submit }.produce(RequestSource::Input(input));
    result
}

/// Whether an input is a single file that makes one job.
fn is_small(input: &InputSource) -> bool {
    match input {
        InputSource::Path(path) | InputSource::Found(path) => length(path).is_some_and(|length| length < JOB_BYTES),
        InputSource::Body(path, _) => !is_pipe(path) && !path.is_dir(),
        InputSource::Stdin => false,
    }
}

/// The size of a file in bytes; `None` for anything else.
fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// Whether a path is a named pipe, which may stay silent for a long time.
#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_path: &Path) -> bool {
    false
}

#[derive(Clone, Copy)]
enum RequestSource<'a> {
    Input(&'a InputSource),
    /// A large file found in a directory, to split into jobs.
    LargeFile(&'a Path),
}

fn in_parallel<E>(criteria: &Criteria, source: RequestSource<'_>, report: &mut ReportStep<'_, E>) -> Result<(), E> {
    let (jobs, queue) = mpsc::sync_channel::<QueuedItem>(MAX_PENDING_JOBS);
    let (order, results) = mpsc::sync_channel::<Receiver<Finished>>(MAX_PENDING_JOBS);
    let (queue, reported) = (Mutex::new(queue), ReportedJobs::default());
    let before = criteria.search.reported();
    let pipe = match source {
        RequestSource::Input(InputSource::Path(path) | InputSource::Body(path, _)) if is_pipe(path) => {
            Some(path.clone())
        }
        _ => None,
    };
    thread::scope(|scope| {
        let _stop_waiting = StopWaiting(&reported);
        let mut numbers = 0..;
        let submit = move |job| {
            let (sender, receiver) = mpsc::sync_channel(1);
            order.send(receiver).map_err(|_| Disconnected)?;
            jobs.send((numbers.next().unwrap_or_default(), job, sender)).map_err(|_| Disconnected)
        };
        scope.spawn(move || Producer { submit }.produce(source));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work(criteria, &queue, &reported, before));
        }
        let first = match pipe.as_ref().map(|_| results.recv_timeout(SILENCE)) {
            Some(Ok(first)) => Some(first),
            Some(Err(RecvTimeoutError::Timeout)) => {
                let pipe = pipe.unwrap_or_default();
                report(VerifyStep::Note(format!("waiting for data from the pipe {}", pipe.display())))?;
                None
            }
            Some(Err(RecvTimeoutError::Disconnected)) | None => None,
        };
        let mut previous = 0;
        // After an error, dropping `results` ends the producer, which ends the workers.
        first.into_iter().chain(results).enumerate().try_for_each(|(number, finished)| {
            // A worker that panicked sends nothing; the scope then panics too.
            finished.recv().unwrap_or_default().report(criteria, &mut previous, report)?;
            reported.set(number + 1);
            Ok(())
        })
    })
}

/// Runs jobs. `before` is the number of requests of the run that were reported before the first job.
fn work(criteria: &Criteria, queue: &Mutex<Receiver<QueuedItem>>, reported: &ReportedJobs, before: usize) {
    loop {
        let next = queue.lock().recv();
        let Ok((number, job, results)) = next else { return };
        // After an error nobody receives the results.
        let wait_for_earlier = || reported.wait_for(number);
        let position = RunPosition { index: before + number * JOB_SIZE, wait_for_earlier: &wait_for_earlier };
        let _ = results.send(job.run(criteria, position));
    }
}

impl Finished {
    /// Reports the results. `previous` is the number of requests of the file that were reported before, and is
    /// updated.
    fn report<E>(self, criteria: &Criteria, previous: &mut usize, report: &mut ReportStep<'_, E>) -> Result<(), E> {
        let first = if self.continues { *previous } else { 0 };
        *previous = first + self.requests;
        self.results.into_iter().try_for_each(|result| match result {
            JobResult::Report(mut progress) => {
                criteria.search.add_reported(1);
                if let VerifyStep::Verified { entry, .. } = &mut progress {
                    *entry += first;
                }
                report(progress)
            }
            JobResult::LargeFile(path) => in_parallel(criteria, RequestSource::LargeFile(&path), report),
        })
    }
}

impl WorkItem {
    fn run(self, criteria: &Criteria, position: RunPosition<'_>) -> Finished {
        match self {
            Self::Report(progress) => Finished { results: vec![JobResult::Report(progress)], ..Finished::default() },
            Self::Requests { file, pieces, continues } => {
                let entries = pieces.into_iter().filter_map(|piece| piece.parse(&file));
                let results: Vec<_> = verify(criteria, &file, entries, position).map(JobResult::Report).collect();
                Finished { requests: results.len(), results, continues }
            }
            Self::Files(files) => {
                let mut results = Vec::with_capacity(files.len());
                for file in files {
                    let position = RunPosition { index: position.index + results.len(), ..position };
                    verify_found(criteria, file, position, &mut results);
                }
                Finished { results, ..Finished::default() }
            }
        }
    }
}

/// Verifies a file found in a directory.
fn verify_found(
    criteria: &Criteria,
    file: Result<PathBuf, EntryError>,
    position: RunPosition<'_>,
    results: &mut Vec<JobResult>,
) {
    let path = match file {
        Ok(path) if length(&path).is_some_and(|length| length >= JOB_BYTES) => {
            return results.push(JobResult::LargeFile(path));
        }
        Ok(path) => path,
        Err(error) => return results.push(JobResult::Report(unreadable(error))),
    };
    match formats::open_found(&path) {
        Err(error) => results.push(JobResult::Report(unreadable(error))),
        Ok(Err(skipped)) => results.push(JobResult::Report(VerifyStep::Skipped(skipped))),
        Ok(Ok(mut entries)) => {
            let file: Arc<Path> = path.into();
            results.extend(verify(criteria, &file, entries.by_ref(), position).map(JobResult::Report));
            results.extend(notes(&file, &entries).map(JobResult::Report));
        }
    }
}

/// Verifies entries and numbers them from 0, including unreadable ones.
fn verify(
    criteria: &Criteria,
    file: &Arc<Path>,
    entries: impl Iterator<Item = Result<Entry, EntryError>>,
    position: RunPosition<'_>,
) -> impl Iterator<Item = VerifyStep> {
    entries.enumerate().map(move |(index, entry)| match entry {
        Ok(entry) => {
            let line = entry.line;
            let verification = criteria.verify(entry, position.index + index, position.wait_for_earlier);
            let trust = verification.assessment.trust();
            if let (true, Some(trust)) = (criteria.quiet && verification.passed(), trust) {
                return VerifyStep::Passed { trust, provider: verification.assessment.provider };
            }
            VerifyStep::Verified { file: Arc::clone(file), entry: index, line, verification: Box::new(verification) }
        }
        Err(error) => unreadable(error),
    })
}

fn unreadable(error: EntryError) -> VerifyStep {
    VerifyStep::Unreadable(error.into())
}

fn notes(file: &Path, entries: &Entries<'_>) -> impl Iterator<Item = VerifyStep> {
    entries.notes().iter().map(|note| VerifyStep::Note(format!("{}: {note}", file.display())))
}

/// The receiver of the jobs is gone.
struct Disconnected;

/// Splits an input into jobs and submits them.
struct Producer<S> {
    submit: S,
}

impl<S: FnMut(WorkItem) -> Result<(), Disconnected>> Producer<S> {
    fn produce(&mut self, source: RequestSource<'_>) {
        // This ends early only if nobody receives the jobs.
        let _ = match source {
            RequestSource::LargeFile(path) => match formats::open_found(path) {
                Ok(Ok(entries)) => self.entries(&path.into(), entries),
                Ok(Err(skipped)) => self.skipped([skipped]),
                Err(error) => (self.submit)(WorkItem::Report(unreadable(error))),
            },
            RequestSource::Input(InputSource::Stdin) => {
                self.opened(Path::new(STDIN), formats::read(Path::new(STDIN), io::stdin()))
            }
            RequestSource::Input(InputSource::Body(path, headers)) if path.is_dir() => self.bodies(walk(path), headers),
            RequestSource::Input(InputSource::Body(path, headers)) => self.body(path, headers.clone()),
            RequestSource::Input(InputSource::Found(path)) => {
                self.walked(DirectoryWalk { files: vec![Ok(path.clone())], skipped: Vec::new() })
            }
            RequestSource::Input(InputSource::Path(path))
                if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) =>
            {
                self.walked(walk(path))
            }
            RequestSource::Input(InputSource::Path(path)) => self.opened(path, formats::open(path)),
        };
    }

    fn body(&mut self, path: &Path, headers: Headers) -> Result<(), Disconnected> {
        let entry =
            if path == Path::new(STDIN) { bare::read(path, io::stdin(), headers) } else { bare::open(path, headers) };
        match entry {
            Ok(entry) => {
                let pieces = vec![EntryPiece::Entry(Ok(entry))];
                (self.submit)(WorkItem::Requests { file: path.into(), pieces, continues: false })
            }
            Err(error) => (self.submit)(WorkItem::Report(unreadable(error))),
        }
    }

    fn skipped(&mut self, skipped: impl IntoIterator<Item = SkippedFile>) -> Result<(), Disconnected> {
        skipped.into_iter().try_for_each(|skipped| (self.submit)(WorkItem::Report(VerifyStep::Skipped(skipped))))
    }

    fn bodies(&mut self, walk: DirectoryWalk, headers: &Headers) -> Result<(), Disconnected> {
        self.skipped(walk.skipped)?;
        walk.files.into_iter().try_for_each(|file| match file {
            Ok(path) => self.body(&path, headers.clone()),
            Err(error) => (self.submit)(WorkItem::Report(unreadable(error))),
        })
    }

    fn walked(&mut self, walk: DirectoryWalk) -> Result<(), Disconnected> {
        self.skipped(walk.skipped)?;
        let mut files = walk.files.into_iter().peekable();
        while files.peek().is_some() {
            (self.submit)(WorkItem::Files(files.by_ref().take(JOB_SIZE).collect()))?;
        }
        Ok(())
    }

    fn opened(&mut self, path: &Path, entries: Result<Entries<'_>, EntryError>) -> Result<(), Disconnected> {
        match entries {
            Ok(entries) => self.entries(&path.into(), entries),
            Err(error) => (self.submit)(WorkItem::Report(unreadable(error))),
        }
    }

    fn entries(&mut self, file: &Arc<Path>, mut entries: Entries<'_>) -> Result<(), Disconnected> {
        let (mut pieces, mut bytes, mut continues) = (Vec::new(), 0, false);
        for piece in entries.pieces() {
            bytes += piece.unparsed() as u64;
            pieces.push(piece);
            if pieces.len() == JOB_SIZE || bytes >= JOB_BYTES {
                let pieces = std::mem::take(&mut pieces);
                (self.submit)(WorkItem::Requests { file: Arc::clone(file), pieces, continues })?;
                (bytes, continues) = (0, true);
            }
        }
        if !pieces.is_empty() {
            (self.submit)(WorkItem::Requests { file: Arc::clone(file), pieces, continues })?;
        }
        notes(file, &entries).try_for_each(|note| (self.submit)(WorkItem::Report(note)))
    }
}
