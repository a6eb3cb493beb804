//! Makes the attempts of all deliveries, each when it is due: one at a time, while the waits of
//! the others run on, as they do at the provider.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{
    deliver::{Courier, Delivery},
    plan::Job,
};
use crate::{
    commands::exit::{Exit, Failure},
    net::sender::Transport,
    webhook::record::Attempt,
};

/// Whether, and how fast, the provider's schedule is followed.
#[derive(Clone, Copy, Debug)]
pub enum Retries {
    /// A delivery that failed is not tried again.
    None,
    /// The waits are divided by this.
    AtSpeed(f64),
}

/// Who hears what happens.
pub trait Told {
    /// An attempt was made, and is the last of its delivery if `last`.
    fn attempt(&mut self, attempt: &Attempt, last: bool) -> Result<(), Failure>;

    /// Nothing is due before that.
    fn waits(&mut self, wait: &Wait<'_>);

    /// The wait is over.
    fn goes_on(&mut self);

    /// The endpoint of a job can't be reached, and the rest is not tried.
    fn gives_up(&mut self, job: &Job, left: usize);
}

/// A wait for an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a> {
    /// The event that it is for.
    pub event: Option<&'a str>,
    /// The number of the attempt.
    pub number: u32,
    /// The most attempts of the delivery.
    pub of: u32,
    /// When it is due.
    pub due: Instant,
    /// The whole wait.
    pub whole: Duration,
    /// The whole wait at the provider.
    pub at_provider: Duration,
    /// How many other deliveries wait too.
    pub others: usize,
}

/// A delivery in the queue: the earlier is due first, then the one that was named first.
struct Queued<'a> {
    due: Instant,
    place: usize,
    whole: Duration,
    at_provider: Duration,
    delivery: Delivery<'a>,
}

impl Queued<'_> {
    fn key(&self) -> Reverse<(Instant, usize)> {
        Reverse((self.due, self.place))
    }
}

impl PartialEq for Queued<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Queued<'_> {}

impl PartialOrd for Queued<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Makes all deliveries to their ends; the exit code is the worst of them. Without retries the
/// rest is not tried once an endpoint can't be reached.
///
/// # Errors
///
/// When a request can't be sent at all, or an attempt not be told.
pub async fn run<'a, T: Transport>(
    deliveries: impl IntoIterator<Item = Delivery<'a>>,
    courier: &Courier<T>,
    retries: Retries,
    told: &mut impl Told,
) -> Result<Exit, Failure> {
    let now = Instant::now();
    let queued =
        |(place, delivery)| Queued { due: now, place, whole: Duration::ZERO, at_provider: Duration::ZERO, delivery };
    let mut queue: BinaryHeap<Queued<'a>> = deliveries.into_iter().enumerate().map(queued).collect();
    let mut exit = Exit::Success;
    while let Some(mut next) = queue.pop() {
        wait_for(&next, queue.len(), told).await;
        let made = next.delivery.attempt(courier).await?;
        told.attempt(&made.attempt, made.next.is_none())?;
        if let Some(wait) = made.next {
            if !wait.is_zero() {
                (next.whole, next.at_provider) = (retries.compressed(wait), wait);
                next.due = Instant::now() + next.whole;
            }
            queue.push(next);
            continue;
        }
        exit = worse(exit, made.exit());
        if made.exit() == Exit::Unreachable && matches!(retries, Retries::None) {
            told.gives_up(next.delivery.job, queue.len());
            break;
        }
    }
    Ok(exit)
}

async fn wait_for(next: &Queued<'_>, others: usize, told: &mut impl Told) {
    if next.due <= Instant::now() {
        return;
    }
    let (number, of) = next.delivery.due();
    told.waits(&Wait {
        event: next.delivery.job.event.as_deref(),
        number,
        of,
        due: next.due,
        whole: next.whole,
        at_provider: next.at_provider,
        others,
    });
    sleep_until(next.due).await;
    told.goes_on();
}

impl Retries {
    fn compressed(self, wait: Duration) -> Duration {
        match self {
            // A form that follows at once is no retry.
            Self::None => wait,
            Self::AtSpeed(speed) => Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or(Duration::MAX),
        }
    }

    /// Whether the provider's schedule is followed.
    pub const fn wanted(self) -> bool {
        matches!(self, Self::AtSpeed(_))
    }
}

const fn worse(a: Exit, b: Exit) -> Exit {
    if b as u8 > a as u8 { b } else { a }
}

#[cfg(test)]
mod tests;
