//! Reads a body: no longer than the limit, no slower than the minimum rate, and within a budget of bytes that all
//! bodies share. While others wait for the budget, a sender that holds a share but hardly sends loses it.

use std::{
    error::Error,
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    StatusCode,
    body::{Body, Incoming},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

use super::{
    ReceiverLimits,
    counted::CountGuard,
    refusal::{Refusal, RefusalReport},
    timer::patient_timeout_at,
};

/// The size of the first part of each body, which takes nothing from the budget, so that a large body never holds up
/// bodies of ordinary size. The number of connections limits how much memory these parts take.
pub const UNMETERED_BYTES: usize = 64 << 10;

/// How long a sender may take for each [`UNMETERED_BYTES`] while others wait for the memory that its body holds.
const TIME_PER_PART: Duration = Duration::from_secs(1);

/// The minimum time that a sender has once it gets memory. Anything that it sent while waiting arrives at once.
const LEAST_TIME: Duration = Duration::from_millis(25);

/// The memory for all bodies.
#[derive(Clone, Debug)]
pub struct Budget {
    kibibytes: Arc<Semaphore>,
    total: u32,
    waiting: Arc<AtomicUsize>,
}

/// A body's share of the budget, returned when the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct BodyPermit {
    kibibytes: Option<Arc<OwnedSemaphorePermit>>,
    budget: Option<Budget>,
}

impl BodyPermit {
    /// Waits for another share of the same budget, of this number of bytes.
    pub async fn another(&self, bytes: usize) -> Self {
        match &self.budget {
            Some(budget) => budget.acquire(bytes).await,
            None => Self::default(),
        }
    }

    /// Returns the part that a body of this size does not need, unless the permit has been cloned.
    fn shrink(&mut self, bytes: usize) {
        if let Some(permit) = self.kibibytes.as_mut().and_then(Arc::get_mut) {
            let surplus = permit.num_permits().saturating_sub(kibibytes(bytes) as usize);
            drop(permit.split(surplus));
        }
    }
}

impl Budget {
    /// [`ReceiverLimits::bodies`], or [`ReceiverLimits::body`] if that is more.
    pub fn new(limits: &ReceiverLimits) -> Self {
        let total = kibibytes(limits.bodies.max(limits.body));
        Self { kibibytes: Arc::new(Semaphore::new(total as usize)), total, waiting: Arc::default() }
    }

    /// The permit of a body of at most [`UNMETERED_BYTES`].
    fn unmetered(&self) -> BodyPermit {
        BodyPermit { kibibytes: None, budget: Some(self.clone()) }
    }

    async fn acquire(&self, bytes: usize) -> BodyPermit {
        let wanted = kibibytes(bytes).min(self.total);
        let _waiting = CountGuard::new(&self.waiting);
        // The semaphore is never closed, so this is never `None`.
        let acquired = Arc::clone(&self.kibibytes).acquire_many_owned(wanted).await;
        BodyPermit { kibibytes: acquired.ok().map(Arc::new), ..self.unmetered() }
    }
}

/// How long a sender may keep the memory of its body from others.
struct BodyDeadline<'a> {
    budget: &'a Budget,
    /// When the next [`UNMETERED_BYTES`] are due.
    due: Instant,
    /// The bytes that had arrived when that was set.
    bytes: usize,
}

impl<'a> BodyDeadline<'a> {
    fn new(budget: &'a Budget) -> Self {
        Self { budget, due: Instant::now() + TIME_PER_PART, bytes: 0 }
    }

    /// Starts the clock, once the body has its memory.
    fn begin(&mut self, bytes: usize) {
        (self.due, self.bytes) = (self.due.max(Instant::now() + LEAST_TIME), bytes);
    }

    fn update(&mut self, bytes: usize) {
        if bytes >= self.bytes + UNMETERED_BYTES {
            (self.due, self.bytes) = (Instant::now() + TIME_PER_PART, bytes);
        }
    }

    /// Returns once the sender is late while others wait for memory.
    async fn is_late(&self) {
        let mut due = self.due;
        loop {
            sleep_until(due).await;
            if self.budget.waiting.load(Ordering::Relaxed) > 0 {
                return;
            }
            due = Instant::now() + LEAST_TIME;
        }
    }
}

fn kibibytes(bytes: usize) -> u32 {
    // A semaphore counts to an eighth of `usize::MAX`, and `usize` may have 32 bits.
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(u32::MAX >> 3)
}

/// Reads a body to its end. `expects_continue` says that the sender waits for `100 Continue` before it sends the body.
///
/// # Errors
///
/// If the body is too large, too slow or incomplete, or no memory is available in time.
pub async fn read(
    mut body: Incoming,
    expects_continue: bool,
    limits: &ReceiverLimits,
    budget: &Budget,
) -> Result<(Bytes, BodyPermit), Refusal> {
    let size = body.size_hint();
    if size.lower() > limits.body as u64 {
        if !expects_continue {
            discard(&mut body, limits).await;
        }
        return Err(too_large(limits));
    }
    // Without a length, the body may reach the limit.
    let size = size.exact().and_then(|exact| usize::try_from(exact).ok());
    let most = size.unwrap_or(limits.body);
    let (mut started, mut permit) = (Instant::now(), None);
    let (mut buffer, mut progress) = (Buffer::default(), BodyDeadline::new(budget));
    loop {
        let deadline = started + limits.body_time + time_at_rate(buffer.len(), limits.body_rate);
        let arrived = tokio::select! {
            biased;
            frame = patient_timeout_at(deadline, body.frame()) => frame,
            () = progress.is_late(), if permit.is_some() => return Err(no_memory()),
        };
        let frame = match arrived {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(incomplete(&error, buffer.len())),
            Ok(None) => {
                let mut permit = permit.unwrap_or_else(|| budget.unmetered());
                permit.shrink(buffer.len().saturating_sub(UNMETERED_BYTES));
                return Ok((buffer.into_bytes(), permit));
            }
            Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive\n")),
        };
        // Trailers are skipped: no provider signs them.
        let Ok(data) = frame.into_data() else { continue };
        if buffer.len() + data.len() > limits.body {
            drop((buffer, permit));
            discard(&mut body, limits).await;
            return Err(too_large(limits));
        }
        if permit.is_none() && buffer.len() + data.len() > UNMETERED_BYTES {
            let acquired = budget.acquire(most - UNMETERED_BYTES);
            let Ok(acquired) = patient_timeout_at(Instant::now() + limits.body_time, acquired).await else {
                drop(buffer);
                discard(&mut body, limits).await;
                return Err(no_memory());
            };
            (permit, started) = (Some(acquired), Instant::now());
            progress.begin(buffer.len());
        }
        buffer.push(&data, size);
        progress.update(buffer.len());
    }
}

fn time_at_rate(bytes: usize, bytes_per_second: usize) -> Duration {
    Duration::from_millis((bytes as u64).saturating_mul(1000) / bytes_per_second.max(1) as u64)
}

/// Reads the rest and drops it. Most senders write the whole body before they read the response, so closing the
/// connection at once would give them a reset instead of the status.
pub async fn discard(body: &mut Incoming, limits: &ReceiverLimits) {
    let rest = async { while let Ok(Some(Ok(_))) = timeout(limits.pause, body.frame()).await {} };
    let _ = timeout(limits.drain, rest).await;
}

fn too_large(limits: &ReceiverLimits) -> Refusal {
    Refusal {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        text: "the body is too large\n",
        report: RefusalReport::BodyTooLarge(limits.body),
    }
}

fn no_memory() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many large bodies at once; send it again\n")
}

/// The refusal of a body that ended after this many bytes, or whose next chunk is invalid.
fn incomplete(error: &hyper::Error, received: usize) -> Refusal {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let report = match cause.filter(|cause| matches!(cause.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData)) {
        Some(cause) => RefusalReport::Reason(format!("the body is incomplete: {cause}")),
        None => RefusalReport::Incomplete(received),
    };
    Refusal { status: StatusCode::BAD_REQUEST, text: "the body is incomplete\n", report }
}

/// The data that has arrived, copied: a slice would keep its connection's whole buffer alive, and with a list of
/// slices, a sender of single bytes could fill the memory with bookkeeping.
#[derive(Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends a chunk. `size` is that of the whole body, if known.
    fn push(&mut self, data: &[u8], size: Option<usize>) {
        // A `content-length` alone never allocates more memory than the permit covers.
        let ahead = size.map_or(0, |size| size.min(UNMETERED_BYTES)).saturating_sub(self.len());
        if ahead > 0 {
            self.0.reserve_exact(ahead);
        }
        self.0.extend_from_slice(data);
    }

    /// The body, without excess capacity.
    fn into_bytes(self) -> Bytes {
        self.0.into_boxed_slice().into()
    }
}
