//! Starts the program of a tunnel, watches it, and starts it again when the tunnel is lost.

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
    probe::Probe,
    process::{Process, StartError, Started},
    pulse::Pulse,
};
use crate::{store::recipes::Recipe, webhook::called_url::PublicUrl};

/// How often the clock is looked at, to notice that the machine was asleep.
const TICK: Duration = Duration::from_secs(1);

/// What a tunnel is made of.
pub struct Setup {
    /// How it is started.
    pub recipe: Recipe,
    /// The port of this machine that it leads to.
    pub port: u16,
    /// The path below its public URL that leads to the [`Entrance`](super::Entrance).
    pub prefix: String,
    /// Variables that its program doesn't get at each start: those of secrets that are none of its business.
    pub hidden_variables: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// How long to wait for what.
    pub timing: Timing,
    /// Gets what happens to it after it was ready for the first time.
    pub on_event: Box<dyn Fn(TunnelEvent) + Send + Sync>,
}

/// What happens to a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelEvent {
    /// It doesn't work any more, for this reason. It is started again.
    Lost(String),
    /// It could not be started again. Reported once, until it is back; the attempts go on.
    StillLost(TunnelError),
    /// It works again, at the same URL.
    Back,
    /// It has another URL.
    Moved(PublicUrl),
}

/// A tunnel. Its program ends when it is dropped.
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
    pub async fn start(setup: Setup) -> Result<Self, TunnelError> {
        let running = Running::launch(&setup).await?;
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

    /// Stops watching it, because nothing more is received through it. Its program runs on, for the responses in progress.
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
        // It owns the program.
        self.task.abort();
    }
}

struct Supervisor {
    setup: Setup,
    sender: watch::Sender<PublicUrl>,
    unwatched: CancellationToken,
}

impl Supervisor {
    async fn supervise(&self, mut running: Running, stop: &CancellationToken) {
        let Timing { backoff, longest_backoff, .. } = self.setup.timing;
        let mut wait = backoff;
        loop {
            let watching = self.while_watched(Box::pin(self.watch(&mut running)));
            let Some(reason) = stop.run_until_cancelled(watching).await else {
                running.process.end().await;
                return;
            };
            if running.since.elapsed() >= longest_backoff {
                wait = backoff;
            }
            (self.setup.on_event)(TunnelEvent::Lost(reason));
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

    /// The result of what is done while the tunnel is watched; none after that.
    async fn while_watched<T>(&self, work: impl Future<Output = T>) -> T {
        match self.unwatched.run_until_cancelled(work).await {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    /// Starts the program again, as often as it takes.
    async fn restart(&self, wait: &mut Duration) -> Running {
        let mut is_reported = false;
        loop {
            sleep(*wait).await;
            *wait = (*wait * 2).min(self.setup.timing.longest_backoff);
            match Running::launch(&self.setup).await {
                Ok(running) => return running,
                Err(error) if !is_reported => (self.setup.on_event)(TunnelEvent::StillLost(error)),
                Err(_) => {}
            }
            is_reported = true;
        }
    }

    /// Watches the tunnel until it is lost. Returns why.
    async fn watch(&self, running: &mut Running) -> String {
        let Timing { watch, misses, .. } = self.setup.timing;
        let mut pulse = Pulse::new(watch, wall());
        let mut missed = 0;
        loop {
            tokio::select! {
                status = running.process.exited() => return exit_words(status.ok()),
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
                        return format!("it failed {misses} checks in a row");
                    }
                    if let Some(url) = running.probe.url(&self.setup.recipe).await {
                        self.moves_to(&url);
                        running.url = url;
                    }
                }
            }
        }
    }

    /// Publishes the URL, and reports it if it is another one. Returns whether it is.
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
struct Running {
    process: Process,
    output: Output,
    probe: Probe,
    url: PublicUrl,
    since: Instant,
}

impl Running {
    async fn launch(setup: &Setup) -> Result<Self, TunnelError> {
        let Setup { recipe, port, prefix, timing, hidden_variables, .. } = setup;
        let started = Process::start(recipe, *port, &hidden_variables()).await.map_err(|error| match error {
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
        let probe = Probe::new(recipe, process.values(*port), prefix).map_err(TunnelError::Refused)?;
        let mut waiting_for = "it gave no public URL";
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

/// Waits for another URL in what a program prints.
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

/// The time of day, as a time from any moment.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, path::Path, sync::Arc};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    };

    use super::*;

    const FAST: Timing = Timing {
        poll: Duration::from_millis(10),
        start: Duration::from_secs(100),
        watch: Duration::from_millis(20),
        misses: 3,
        backoff: Duration::from_millis(10),
        longest_backoff: Duration::from_millis(40),
    };

    /// A tunnel whose program is a script for a shell, and what happens to it.
    async fn start(
        script: &str,
        more: &str,
        timing: Timing,
    ) -> (Result<Tunnel, TunnelError>, UnboundedReceiver<TunnelEvent>) {
        start_with(script, &format!("{more}\n[url]\nline = 'https://\\S+'\n"), timing).await
    }

    /// The same, with everything but the command.
    async fn start_with(
        script: &str,
        rest: &str,
        timing: Timing,
    ) -> (Result<Tunnel, TunnelError>, UnboundedReceiver<TunnelEvent>) {
        let script = script.replace('{', "{{").replace('}', "}}");
        assert!(!script.contains('{'), "braces are placeholders: {script}");
        let recipe = format!("command = [\"/bin/sh\", \"-c\", '''{script}''']\n{rest}");
        let (sender, events) = unbounded_channel();
        let setup = Setup {
            recipe: toml::from_str(&recipe).expect("a valid recipe"),
            port: 1,
            prefix: "/t-1".to_owned(),
            hidden_variables: Box::new(Vec::new),
            timing,
            on_event: Box::new(move |event| drop(sender.send(event))),
        };
        (Tunnel::start(setup).await, events)
    }

    /// Responds with these statuses in turn, the last one again for later requests, and sends their request lines.
    async fn respond(
        listener: TcpListener,
        statuses: &'static [u16],
        lines: UnboundedSender<String>,
    ) -> std::io::Result<()> {
        for index in 0.. {
            let (mut stream, _) = listener.accept().await?;
            let mut head = [0; 1024];
            let length = stream.read(&mut head).await?;
            let line = String::from_utf8_lossy(&head[..length]).lines().next().unwrap_or_default().to_owned();
            drop(lines.send(line));
            let status = statuses[index.min(statuses.len() - 1)];
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        Ok(())
    }

    fn url(tunnel: &Tunnel) -> String {
        tunnel.url.borrow().to_string()
    }

    /// A script that first prints one URL and waits for the file `go`, and another URL after that.
    fn two_starts(dir: &Path, end: &str) -> String {
        let dir = dir.display();
        format!(
            "cd {dir}; if mkdir started 2> /dev/null; then echo https://one.example; \
             while ! test -e go; do sleep 0.02; done; {end}; fi; echo https://two.example; exec sleep 1000"
        )
    }

    #[tokio::test]
    async fn a_program_that_is_not_ready_in_time_is_ended() {
        let timing = Timing { start: Duration::from_millis(300), ..FAST };
        let (tunnel, _) = start("echo no URL here; exec sleep 1000", "", timing).await;
        assert_eq!(
            tunnel.unwrap_err(),
            TunnelError::NotReady {
                waiting_for: "it gave no public URL",
                after: timing.start,
                lines: vec!["no URL here".to_owned()]
            }
        );
        let never = "ready = { http = \"http://127.0.0.1:{free_port}/\" }\n";
        let (tunnel, _) = start("echo https://a.example; exec sleep 1000", never, timing).await;
        assert!(matches!(tunnel, Err(TunnelError::NotReady { waiting_for: "it was not ready", .. })), "{tunnel:?}");
    }

    #[tokio::test]
    async fn a_program_that_exits_is_not_ready() {
        let (tunnel, _) = start("echo first; echo second >&2; exit 3", "", FAST).await;
        let Err(TunnelError::Exited { status, mut lines }) = tunnel else { panic!("{tunnel:?}") };
        lines.sort();
        assert_eq!((status.as_str(), lines), ("its program exited with code 3", vec!["first".into(), "second".into()]));
        let (tunnel, _) = start("echo https://a.example; exit 0", "grace = \"1h\"", FAST).await;
        assert!(matches!(tunnel, Err(TunnelError::Exited { .. })), "{tunnel:?}");
    }

    #[tokio::test]
    async fn a_program_that_exits_is_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let (tunnel, mut events) = start(&two_starts(dir.path(), "exit 7"), "", FAST).await;
        let tunnel = tunnel.unwrap();
        assert_eq!(url(&tunnel), "https://one.example");
        fs::write(dir.path().join("go"), "").unwrap();
        assert_eq!(events.recv().await, Some(TunnelEvent::Lost("its program exited with code 7".to_owned())));
        assert_eq!(events.recv().await, Some(TunnelEvent::Moved("https://two.example".parse().unwrap())));
        assert_eq!(url(&tunnel), "https://two.example");
        tunnel.end().await;
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_program_that_exits_is_not_missed_once_its_tunnel_is_not_watched() {
        let dir = tempfile::tempdir().unwrap();
        let (tunnel, mut events) = start(&two_starts(dir.path(), "touch ended; exit 7"), "", FAST).await;
        let tunnel = tunnel.unwrap();
        tunnel.stop_watching();
        fs::write(dir.path().join("go"), "").unwrap();
        while !dir.path().join("ended").exists() {
            tokio::task::yield_now().await;
        }
        tunnel.end().await;
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_url_that_changes_while_the_program_runs_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let (tunnel, mut events) = start(&two_starts(dir.path(), ":"), "", FAST).await;
        let tunnel = tunnel.unwrap();
        fs::write(dir.path().join("go"), "").unwrap();
        assert_eq!(events.recv().await, Some(TunnelEvent::Moved("https://two.example".parse().unwrap())));
        assert_eq!(url(&tunnel), "https://two.example");
    }

    #[tokio::test]
    async fn a_tunnel_that_dies_silently_is_started_again() {
        // Ready at first, then not for three checks, and ready again.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, _lines) = unbounded_channel();
        tokio::spawn(respond(listener, &[503, 200, 200, 503, 503, 200, 503, 503, 503, 200], sender));
        let ready = format!("ready = {{ http = \"http://{address}/ready\" }}\n");
        let (tunnel, mut events) = start("echo https://same.example; exec sleep 1000", &ready, FAST).await;
        let tunnel = tunnel.unwrap();
        assert_eq!(events.recv().await, Some(TunnelEvent::Lost("it failed 3 checks in a row".to_owned())));
        assert_eq!(events.recv().await, Some(TunnelEvent::Back));
        assert_eq!(url(&tunnel), "https://same.example");
    }

    #[tokio::test]
    async fn a_tunnel_whose_public_url_no_longer_leads_here_is_started_again() {
        // It works, fails once, works, and then fails for three checks.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, mut lines) = unbounded_channel();
        tokio::spawn(respond(listener, &[204, 502, 204, 404, 502, 200, 204], sender));
        let script = format!("echo http://{address}; exec sleep 1000");
        let recipe = "check_url = true\n[url]\nline = 'http://\\S+'\n";
        let (tunnel, mut events) = start_with(&script, recipe, FAST).await;
        let tunnel = tunnel.unwrap();
        assert_eq!(lines.recv().await.as_deref(), Some("GET /t-1/hookdev-check HTTP/1.1"));
        assert_eq!(events.recv().await, Some(TunnelEvent::Lost("it failed 3 checks in a row".to_owned())));
        assert_eq!(events.recv().await, Some(TunnelEvent::Back));
        tunnel.end().await;
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_public_url_that_never_led_here_says_nothing_about_the_tunnel() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, mut lines) = unbounded_channel();
        tokio::spawn(respond(listener, &[403], sender));
        let script = format!("echo http://{address}; exec sleep 1000");
        let recipe = "check_url = true\n[url]\nline = 'http://\\S+'\n";
        let (tunnel, mut events) = start_with(&script, recipe, FAST).await;
        let tunnel = tunnel.unwrap();
        for _ in 0..5 {
            lines.recv().await.unwrap();
        }
        tunnel.end().await;
        assert_eq!(events.recv().await, None);
    }

    #[tokio::test]
    async fn a_tunnel_that_stays_lost_is_reported_once() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        let script = format!(
            "cd {at}; echo x >> starts; case $(wc -l < starts) in \
             1) echo https://one.example; while ! test -e go; do sleep 0.02; done; exit 1 ;; \
             2 | 3 | 4) echo no luck; exit 2 ;; *) echo https://one.example; exec sleep 1000 ;; esac"
        );
        let (tunnel, mut events) = start(&script, "", FAST).await;
        let _tunnel = tunnel.unwrap();
        fs::write(dir.path().join("go"), "").unwrap();
        assert!(matches!(events.recv().await, Some(TunnelEvent::Lost(_))));
        let error = TunnelError::Exited {
            status: "its program exited with code 2".to_owned(),
            lines: vec!["no luck".to_owned()],
        };
        assert_eq!(events.recv().await, Some(TunnelEvent::StillLost(error)));
        assert_eq!(events.recv().await, Some(TunnelEvent::Back));
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        // The pipe has a reader as long as the program, or what it started, has it open.
        let script = format!(
            "exec 3< {0}; (trap '' TERM; exec sleep 1000) & echo https://a.example; exec sleep 1000",
            pipe.display()
        );
        // macOS has no `mknod` for pipes.
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let writer = tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(pipe));
        let (tunnel, _) = start(&script, "", FAST).await;
        let writer = Arc::new(writer.await.unwrap().unwrap());
        tunnel.unwrap().end().await;
        let closed = tokio::task::spawn_blocking(move || {
            loop {
                // Writing fails once no process has the other end open.
                if let Err(error) = std::io::Write::write(&mut &*writer, b"x") {
                    return error.kind();
                }
            }
        });
        assert_eq!(closed.await.unwrap(), std::io::ErrorKind::BrokenPipe);
    }
}
