//! Reads a body: no longer than the limit, no slower than the pace, and within a budget of bytes
//! that all bodies share.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{
    StatusCode,
    body::{Body, Incoming},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use super::{Limits, refusal::Refusal};

/// The part of each body that takes nothing from the budget, so that a large one never holds up those
/// of ordinary size. The number of connections bounds these.
pub const FREE: usize = 64 << 10;

/// What all bodies together may hold.
#[derive(Clone, Debug)]
pub struct Budget {
    kibibytes: Arc<Semaphore>,
    total: u32,
}

/// A body's share of the budget, which it has until this is dropped.
#[derive(Debug, Default)]
pub struct Share {
    _kibibytes: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// So many bytes, and in any case the longest body.
    pub fn new(limits: &Limits) -> Self {
        let total = kibibytes(limits.bodies.max(limits.body));
        Self { kibibytes: Arc::new(Semaphore::new(total as usize)), total }
    }

    async fn share(&self, bytes: usize) -> Share {
        let wanted = kibibytes(bytes).min(self.total);
        // It is never closed, so that the share always comes.
        Share { _kibibytes: Arc::clone(&self.kibibytes).acquire_many_owned(wanted).await.ok() }
    }
}

fn kibibytes(bytes: usize) -> u32 {
    // More than a semaphore of 32 bits can count.
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(u32::MAX >> 3)
}

/// Reads it to its end. `is_asked` says that the sender waits for leave before it sends any of it.
pub async fn read(
    mut body: Incoming,
    is_asked: bool,
    limits: &Limits,
    budget: &Budget,
) -> Result<(Bytes, Share), Refusal> {
    let size = body.size_hint();
    if size.lower() > limits.body as u64 {
        if !is_asked {
            pass_over(&mut body, limits).await;
        }
        return Err(too_long(limits));
    }
    // Without a length it may become as long as any.
    let most = size.exact().and_then(|exact| usize::try_from(exact).ok()).unwrap_or(limits.body);
    let (mut begun, mut share) = (Instant::now(), None);
    let mut gathered = Gathered::default();
    loop {
        let deadline = begun + limits.body_time + paced(gathered.len(), limits.body_rate);
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(broken(&error)),
            Ok(None) => return Ok((gathered.whole(), share.unwrap_or_default())),
            Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n")),
        };
        // Trailers are nothing that a provider signs.
        let Ok(data) = frame.into_data() else { continue };
        if gathered.len() + data.len() > limits.body {
            drop((gathered, share));
            pass_over(&mut body, limits).await;
            return Err(too_long(limits));
        }
        if share.is_none() && gathered.len() + data.len() > FREE {
            let Ok(taken) = timeout(limits.body_time, budget.share(most - FREE)).await else {
                drop(gathered);
                pass_over(&mut body, limits).await;
                let told = "too many large bodies are under way; send it again\n";
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, told));
            };
            (share, begun) = (Some(taken), Instant::now());
        }
        gathered.push(data, most);
    }
}

/// How long so many bytes may take.
fn paced(bytes: usize, rate: usize) -> Duration {
    Duration::from_millis((bytes as u64).saturating_mul(1000) / rate.max(1) as u64)
}

/// Most senders write all of it before they look for an answer: cut off, they would meet a reset
/// connection instead of the status.
async fn pass_over(body: &mut Incoming, limits: &Limits) {
    let rest = async { while let Ok(Some(Ok(_))) = timeout(limits.lull, body.frame()).await {} };
    let _ = timeout(limits.drain, rest).await;
}

fn too_long(limits: &Limits) -> Refusal {
    Refusal {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        told: "the body is too large\n",
        trouble: format!("the body is larger than the limit of {} bytes: answered 413", limits.body),
    }
}

fn broken(error: &hyper::Error) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        told: "the body can't be read\n",
        trouble: format!("the body never came whole: {error}"),
    }
}

/// What has come. Bytes are copied together: a list of pieces would let a sender of single bytes fill
/// the memory with their bookkeeping. A body in one piece, as most are, is not copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    all: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes, most: usize) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if !self.first.is_empty() {
            // A length is only a promise until more than the free part has come.
            self.all.reserve(most.min(FREE.max(self.first.len() + data.len())));
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn whole(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
