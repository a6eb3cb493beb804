//! One connection's part of a run: it takes turns from the schedule, makes and sends the request of
//! each, and counts what came of it.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc::Sender, time::Sleep};

use super::{
    schedule::{Schedule, Turn},
    tally::{Breach, Tally},
};
use crate::{
    commands::{
        exit::Failure,
        send::{
            deliver::{Begun, Courier, judge, remark, request_of},
            plan::{Job, Plan},
        },
    },
    net::{
        load::{Line, Route},
        sender::{SendError, Sent},
    },
    render::json,
    webhook::{
        record::{Attempt, Outcome},
        request::Request,
        time::{Timestamp, words},
    },
};

/// The wait before an endpoint that can't be reached is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// What all connections of a run share.
pub struct Load {
    /// When deliveries start.
    pub schedule: Schedule,
    plan: Plan,
    courier: Courier,
    /// How each job's requests get to their endpoint.
    ways: Vec<Way>,
    /// Makes the deliveries' values unlike those of any other run.
    entropy: [u8; 32],
    /// Where the attempts' lines go, if they are printed.
    lines: Option<Sender<Vec<u8>>>,
    /// Whether only those have a line that were not accepted.
    quiet: bool,
    /// Whether the endpoint was reached at all.
    reached: AtomicBool,
    /// Whether it was found never to have been there.
    gone: AtomicBool,
    /// Why the run can't go on.
    failure: Mutex<Option<Failure>>,
}

/// What is left of a run.
pub struct Ended {
    /// What was sent.
    pub plan: Plan,
    /// Whether the endpoint was not there.
    pub gone: bool,
    /// Why it could not go on.
    pub failure: Option<Failure>,
}

/// What one of the run's tasks sends with.
struct Connection {
    /// One for each host.
    lines: Vec<Line>,
    /// The route that was taken last, and the number of its job. Connections that shared it would wait for each other
    /// to count its users.
    route: Option<(usize, Route)>,
    alarm: Alarm,
}

/// A timer that is set anew only when it rings: nearly all that it is set for is over long before,
/// and setting it costs more than a look at it.
struct Alarm(Pin<Box<Sleep>>);

impl Alarm {
    /// Waits for something until a deadline.
    async fn wait<F: Future>(&mut self, mut wanted: Pin<&mut F>, deadline: Instant) -> Option<F::Output> {
        if self.0.deadline().into_std() > deadline {
            self.0.as_mut().reset(deadline.into());
        }
        poll_fn(|cx| {
            if let Poll::Ready(output) = wanted.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            while self.0.as_mut().poll(cx).is_ready() {
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                self.0.as_mut().reset(deadline.into());
            }
            Poll::Pending
        })
        .await
    }
}

/// How a job's requests get to their endpoint.
enum Way {
    /// Over the line of this number.
    Line(usize),
    /// By the client that knows TLS, which keeps connections too.
    Client,
}

impl Way {
    /// The ways of all jobs; those to the same host share their connections.
    fn of(jobs: &[Job]) -> Vec<Self> {
        let mut hosts: Vec<Route> = Vec::new();
        let way = |job: &Job| match Route::to(&job.url) {
            Some(route) => {
                let known = hosts.iter().position(|other| other.shares_connection(&route));
                Self::Line(known.unwrap_or_else(|| {
                    hosts.push(route);
                    hosts.len() - 1
                }))
            }
            None => Self::Client,
        };
        jobs.iter().map(way).collect()
    }

    const fn lines(&self) -> usize {
        match self {
            Self::Line(line) => *line + 1,
            Self::Client => 0,
        }
    }
}

impl Load {
    /// A run that has not begun.
    pub fn new(
        plan: Plan,
        courier: Courier,
        schedule: Schedule,
        entropy: [u8; 32],
        lines: Option<Sender<Vec<u8>>>,
        quiet: bool,
    ) -> Self {
        let (reached, gone, failure) = Default::default();
        let ways = Way::of(&plan.jobs);
        Self { schedule, plan, courier, ways, entropy, lines, quiet, reached, gone, failure }
    }

    /// Ends it, the stream of lines too.
    pub fn end(self) -> Ended {
        let failure = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ended { plan: self.plan, gone: self.gone.into_inner(), failure }
    }

    /// Takes turns until there are none, and keeps the counts in `tally`.
    pub async fn work(self: Arc<Self>, tally: Arc<Mutex<Tally>>) {
        let most = self.ways.iter().map(Way::lines).max().unwrap_or_default();
        let lines = (0..most).map(|_| Line::default()).collect();
        let alarm = Alarm(Box::pin(tokio::time::sleep(Duration::ZERO)));
        let mut connection = Connection { lines, route: None, alarm };
        while let Some(turn) = self.schedule.take() {
            if let Err(failure) = self.turn(turn, &mut connection, &tally).await {
                *locked(&self.failure) = Some(failure);
                self.schedule.stop();
            }
        }
    }

    async fn turn(&self, turn: Turn, connection: &mut Connection, tally: &Mutex<Tally>) -> Result<(), Failure> {
        let early = turn.due.filter(|due| *due > Instant::now());
        if let Some(due) = early {
            tokio::time::sleep_until(due.into()).await;
        }
        let index = usize::try_from(turn.number % self.plan.jobs.len() as u64).unwrap_or_default();
        let job = &self.plan.jobs[index];
        let (secret, now) = (self.plan.secret_of(job), self.courier.now());
        let delivery = self.begin(job, turn.number, now);
        let request = request_of(job, &delivery, &job.course(false), now, secret)?;
        let unsigned = delivery.is_unsigned();
        drop(delivery);
        self.courier.keep(&request, job)?;
        let begun = Instant::now();
        // Only a turn that found no connection free counts from its due time: a timer's own
        // lateness is not the handler's.
        let due = turn.due.filter(|_| early.is_none()).unwrap_or(begun);
        let sent = self.send(index, request, begun, connection).await;
        let latency = begun.duration_since(due) + sent.elapsed;
        let told = match self.lines {
            None if is_accepted(job, &sent) => None,
            _ => Some(judge(job.provider.as_deref(), &sent)?),
        };
        let outcome = told.as_ref().map_or(Outcome::Accepted, |(outcome, _)| *outcome);
        let ends = self.ends_the_run(outcome).await;
        count(job, &sent, told.as_ref(), latency, &mut locked(tally));
        if let (Some(lines), Some((_, mut reason))) = (&self.lines, told)
            && !(self.quiet && outcome == Outcome::Accepted)
        {
            reason.push_str(&remark(job, unsigned, outcome, secret, now));
            // Nobody reads any more: the printer knows, and says so in the end.
            if lines.send(line(&self.courier, job, outcome, reason, sent)).await.is_err() {
                self.schedule.stop();
            }
        }
        if ends {
            self.schedule.stop();
        } else if outcome == Outcome::Unreachable {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// A new delivery, or one more of a captured request.
    fn begin(&self, job: &Job, number: u64, now: Timestamp) -> Begun {
        let mut entropy = self.entropy;
        for (byte, mixed) in entropy.iter_mut().zip(number.to_le_bytes()) {
            *byte ^= mixed;
        }
        self.courier.begin_with(job, now, entropy)
    }

    async fn send(&self, index: usize, request: Request, begun: Instant, connection: &mut Connection) -> Sent {
        let job = &self.plan.jobs[index];
        let patience = self.courier.patience(job);
        let Way::Line(line) = self.ways[index] else {
            // In a box, as it is larger than all the rest of a connection.
            return Box::pin(self.courier.send(&job.url, &request, patience)).await;
        };
        if connection.route.as_ref().is_none_or(|(known, _)| *known != index) {
            connection.route = Route::to(&job.url).map(|route| (index, route));
        }
        let Some((_, route)) = &connection.route else { unreachable!("a line is for what has a route") };
        let exchange = pin!(connection.lines[line].exchange(route, request, self.lines.is_some()));
        let answer = connection.alarm.wait(exchange, begun + patience).await;
        let answer = answer.unwrap_or(Err(SendError::TimedOut(patience)));
        Sent { answer, elapsed: begun.elapsed() }
    }

    /// Whether the endpoint was never there, which ends the run at once. The first to find that
    /// tells it; the others wait for the end.
    async fn ends_the_run(&self, outcome: Outcome) -> bool {
        if outcome != Outcome::Unreachable {
            if !self.reached.load(Ordering::Relaxed) {
                self.reached.store(true, Ordering::Relaxed);
            }
            return false;
        }
        let never = !self.reached.load(Ordering::Relaxed);
        if never && self.gone.swap(true, Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        never
    }
}

/// Counts what became of a delivery.
fn count(job: &Job, sent: &Sent, told: Option<&(Outcome, String)>, latency: Duration, tally: &mut Tally) {
    let status = match &sent.answer {
        Ok(answer) | Err(SendError::Cut(answer, _)) => Some(answer.status),
        Err(_) => None,
    };
    let outcome = told.map_or(Outcome::Accepted, |(outcome, _)| *outcome);
    tally.outcome(outcome, status);
    if status.is_some() || outcome == Outcome::TimedOut {
        tally.latency(latency);
    }
    if let Some((_, reason)) = told.filter(|_| outcome != Outcome::Accepted) {
        let provider = job.provider.as_ref();
        let limit = provider.and_then(|provider| provider.delivery.timeout).filter(|limit| sent.elapsed >= *limit);
        let breach = match status {
            _ if limit.is_some() => Some(Breach::Time),
            Some(300..400) if provider.is_some() => Some(Breach::Redirect),
            Some(_) if provider.is_some() => Some(Breach::Status),
            _ => None,
        };
        let reason = match (provider, limit, status) {
            // How late each was stands in the histogram.
            (Some(provider), Some(limit), Some(_)) => {
                format!("the answer took longer than the {} that {} waits", words(limit), provider.title)
            }
            _ => reason.clone(),
        };
        tally.reason(reason, breach);
    }
}

/// Whether an answer is a success, which is cheaper to know than to say.
fn is_accepted(job: &Job, sent: &Sent) -> bool {
    sent.answer.as_ref().is_ok_and(|answer| match &job.provider {
        Some(provider) => provider.delivery.objection("", answer.status, sent.elapsed).is_none(),
        None => (200..300).contains(&answer.status),
    })
}

/// The line of an attempt.
fn line(courier: &Courier, job: &Job, outcome: Outcome, reason: String, sent: Sent) -> Vec<u8> {
    let attempt = Attempt {
        provider: job.provider.as_ref().map(|provider| provider.name.clone()),
        event: job.event.clone(),
        source: job.source.clone(),
        url: job.url.to_string(),
        number: 1,
        of: 1,
        outcome,
        good: outcome == Outcome::Accepted,
        elapsed: sent.elapsed,
        reason,
        response: match sent.answer {
            Ok(answer) | Err(SendError::Cut(answer, _)) => Some(answer),
            Err(_) => None,
        },
    };
    let mut line = Vec::new();
    json::attempt(&courier.told(attempt), &mut line);
    line
}

/// What a mutex holds, also where a panic has left it.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
