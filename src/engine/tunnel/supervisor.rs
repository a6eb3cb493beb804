//! Starts the program of a tunnel, watches it, and restarts it when the tunnel is lost.

#[cfg(all(test, unix))]
mod tests;

use std::{
    process::ExitStatus,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::AsyncRead,
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Timing, TunnelError,
    output::Output,
    probe::TunnelProbe,
    process::{StartError, Started, TunnelProcess},
    pulse::Pulse,
};
use crate::{store::recipes::Recipe, webhook::called_url::PublicUrl};

/// How often to look at the clock, to notice that the machine was asleep.
const TICK: Duration = Duration::from_secs(1);

/// The settings of a tunnel.
pub struct TunnelSetup {
    /// How it is started.
    pub recipe: Recipe,
    /// The port of this machine that it leads to.
    pub port: u16,
    /// The path below its public URL that leads to the [`Entrance`](super::Entrance).
    pub prefix: String,
    /// Evaluated at each start: the variables to hide from its program, which hold secrets that it doesn't need.
    pub hidden_variables: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The timeouts and intervals.
    pub timing: Timing,
    /// Gets what happens to it after it was first ready.
    pub on_event: Box<dyn Fn(TunnelEvent) + Send + Sync>,
}

/// What happens to a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelEvent {
    /// It no longer works. It is restarted.
    Lost {
        reason: String,
        /// The last lines that its program printed, if that exited. Untrusted text.
        lines: Vec<String>,
    },
    /// It could not be restarted. Reported once until it is back; the attempts continue.
    StillLost(TunnelError),
    /// It works again, at the same URL.
    Back,
    /// It has another URL.
    Moved(PublicUrl),
}

/// A tunnel. Dropping it ends its program.
#[derive(Debug)]
pub struct Tunnel {
    url: watch::Receiver<PublicUrl>,
    unwatched: CancellationToken,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Tunnel {
    /// Starts a tunnel, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If its program can't be started, exits, or takes too long.
    pub async fn start(setup: TunnelSetup) -> Result<Self, TunnelError> {
        let running = RunningTunnel::launch(&setup).await?;
        let (sender, url) = watch::channel(running.url.clone());
        let (unwatched, stop) = (CancellationToken::new(), CancellationToken::new());
        let task = tokio::spawn({
            let (unwatched, stop) = (unwatched.clone(), stop.clone());
            async move { Supervisor { setup, sender, unwatched }.supervise(running, &stop).await }
        });
        Ok(Self { url, unwatched, stop, task })
    }

    /// Its public URL, which changes when the program gets another one.
    #[must_use]
    pub fn url(&self) -> watch::Receiver<PublicUrl> {
        self.url.clone()
    }

    /// Stops watching it, because nothing more is received through it. Its program keeps running for the responses in
    /// progress.
    pub fn stop_watching(&self) {
        self.unwatched.cancel();
    }

    /// Ends its program.
    pub async fn end(mut self) {
        self.stop.cancel();
        // An error means that the task panicked, which has ended the program.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // The task owns the program.
        self.task.abort();
    }
}

struct Supervisor {
    setup: TunnelSetup,
    sender: watch::Sender<PublicUrl>,
    unwatched: CancellationToken,
}

impl Supervisor {
    async fn supervise(&self, mut running: RunningTunnel, stop: &CancellationToken) {
        let Timing { backoff, longest_backoff, .. } = self.setup.timing;
        let mut wait = backoff;
        loop {
            let watching = self.while_watched(Box::pin(self.watch(&mut running)));
            let Some(lost) = stop.run_until_cancelled(watching).await else {
                running.process.end().await;
                return;
            };
            if running.since.elapsed() >= longest_backoff {
                wait = backoff;
            }
            (self.setup.on_event)(lost);
            running.process.end().await;
            match stop.run_until_cancelled(self.while_watched(Box::pin(self.restart(&mut wait)))).await {
                Some(new) => running = new,
                None => return,
            }
            if !self.moves_to(&running.url) {
                (self.setup.on_event)(TunnelEvent::Back);
            }
        }
    }

    /// Runs `work` while the tunnel is watched; never completes after that.
    async fn while_watched<T>(&self, work: impl Future<Output = T>) -> T {
        match self.unwatched.run_until_cancelled(work).await {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    /// Restarts the program, as often as it takes.
    async fn restart(&self, wait: &mut Duration) -> RunningTunnel {
        let mut is_reported = false;
        loop {
            sleep(*wait).await;
            *wait = (*wait * 2).min(self.setup.timing.longest_backoff);
            match RunningTunnel::launch(&self.setup).await {
                Ok(running) => return running,
                Err(error) if !is_reported => (self.setup.on_event)(TunnelEvent::StillLost(error)),
                Err(_) => {}
            }
            is_reported = true;
        }
    }

    /// Watches the tunnel until it is lost.
    async fn watch(&self, running: &mut RunningTunnel) -> TunnelEvent {
        let Timing { watch, misses, .. } = self.setup.timing;
        let mut pulse = Pulse::new(watch, wall());
        let mut missed = 0;
        loop {
            tokio::select! {
                status = running.process.exited() => {
                    let reason = exit_words(status.ok());
                    return TunnelEvent::Lost { reason, lines: running.output.last_lines().await };
                }
                url = printed_url(&mut running.output.url) => {
                    self.moves_to(&url);
                    running.url = url;
                }
                () = sleep(TICK.min(watch)) => {
                    if !running.probe.can_ask() || !pulse.is_due(running.since.elapsed(), wall()) {
                        continue;
                    }
                    if running.probe.is_alive(&self.setup.recipe, &running.url).await {
                        missed = 0;
                    } else {
                        missed += 1;
                    }
                    if missed == misses {
                        let reason = format!("it failed {misses} checks in a row");
                        return TunnelEvent::Lost { reason, lines: Vec::new() };
                    }
                    if let Some(url) = running.probe.url(&self.setup.recipe).await {
                        self.moves_to(&url);
                        running.url = url;
                    }
                }
            }
        }
    }

    /// Publishes the URL, and reports it if it has changed. Returns whether it has.
    fn moves_to(&self, url: &PublicUrl) -> bool {
        let is_new = self.sender.send_if_modified(|current| {
            let is_new = current != url;
            current.clone_from(url);
            is_new
        });
        if is_new {
            (self.setup.on_event)(TunnelEvent::Moved(url.clone()));
        }
        is_new
    }
}

/// A program whose tunnel is ready.
struct RunningTunnel {
    process: TunnelProcess,
    output: Output,
    probe: TunnelProbe,
    url: PublicUrl,
    since: Instant,
}

impl RunningTunnel {
    async fn launch(setup: &TunnelSetup) -> Result<Self, TunnelError> {
        let TunnelSetup { recipe, port, prefix, timing, hidden_variables, .. } = setup;
        let started = TunnelProcess::start(recipe, *port, &hidden_variables()).await.map_err(|error| match error {
            StartError::Missing(program) => TunnelError::Missing(program),
            StartError::Refused(_, source) => TunnelError::Refused(format!("can't start its program: {source}")),
        })?;
        let Started { mut process, stdout, stderr } = started;
        let mut streams: Vec<Box<dyn AsyncRead + Send + Unpin>> = Vec::new();
        if let Some(stdout) = stdout {
            streams.push(Box::new(stdout));
        }
        if let Some(stderr) = stderr {
            streams.push(Box::new(stderr));
        }
        let mut output = Output::read(streams, &recipe.url);
        let probe = TunnelProbe::new(recipe, process.values(*port), prefix).map_err(TunnelError::Refused)?;
        let mut waiting_for = "it reported no public URL";
        let mut printed = output.url.clone();
        let ready = async {
            let url = loop {
                match probe.url(recipe).await.or_else(|| printed.borrow_and_update().clone()) {
                    Some(url) => break url,
                    None => sleep(timing.poll).await,
                }
            };
            waiting_for = "it was not ready";
            while !probe.is_ready(recipe).await {
                sleep(timing.poll).await;
            }
            url
        };
        let ended = tokio::select! {
            status = process.exited() => Err(Some(status.ok())),
            ready = timeout_at(Instant::now() + timing.start, ready) => ready.map_err(|_| None),
        };
        // The program may end during the grace period too.
        let ended = match ended {
            Ok(url) => tokio::select! {
                status = process.exited() => Err(Some(status.ok())),
                () = sleep(recipe.grace()) => Ok(url),
            },
            Err(end) => Err(end),
        };
        match ended {
            Ok(url) => {
                let url = output.url.borrow_and_update().clone().unwrap_or(url);
                Ok(Self { process, output, probe, url, since: Instant::now() })
            }
            Err(Some(status)) => {
                Err(TunnelError::Exited { status: exit_words(status), lines: output.last_lines().await })
            }
            Err(None) => {
                let lines = output.so_far();
                process.end().await;
                Err(TunnelError::NotReady { waiting_for, after: timing.start, lines })
            }
        }
    }
}

/// Waits until the program prints another URL.
async fn printed_url(urls: &mut watch::Receiver<Option<PublicUrl>>) -> PublicUrl {
    loop {
        if urls.changed().await.is_err() {
            // Its streams are closed.
            std::future::pending::<()>().await;
        }
        if let Some(url) = urls.borrow_and_update().clone() {
            return url;
        }
    }
}

/// How a program ended.
fn exit_words(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status)) {
        Some((Some(code), _)) => format!("its program exited with code {code}"),
        // A signal.
        Some((None, status)) => format!("its program was ended by {status}"),
        None => "its program exited".to_owned(),
    }
}

/// The time of day, as a duration since an arbitrary moment.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
