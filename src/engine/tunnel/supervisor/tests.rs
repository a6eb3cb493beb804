//! Programs that are scripts for a shell: how they start, are lost and start again.

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
    let setup = TunnelSetup {
        recipe: toml::from_str(&recipe).expect("a valid recipe"),
        port: 1,
        prefix: "/t-1".to_owned(),
        hidden_variables: Box::new(Vec::new),
        timing,
        on_event: Box::new(move |event| drop(sender.send(event))),
    };
    (Tunnel::start(setup).await, events)
}

fn lost(reason: &str, lines: &[&str]) -> TunnelEvent {
    TunnelEvent::Lost { reason: reason.to_owned(), lines: lines.iter().map(|&line| line.to_owned()).collect() }
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
            waiting_for: "it reported no public URL",
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
    let (tunnel, mut events) = start(&two_starts(dir.path(), "echo token expired; exit 7"), "", FAST).await;
    let tunnel = tunnel.unwrap();
    assert_eq!(url(&tunnel), "https://one.example");
    fs::write(dir.path().join("go"), "").unwrap();
    let last = lost("its program exited with code 7", &["https://one.example", "token expired"]);
    assert_eq!(events.recv().await, Some(last));
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
    assert_eq!(events.recv().await, Some(lost("it failed 3 checks in a row", &[])));
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
    assert_eq!(events.recv().await, Some(lost("it failed 3 checks in a row", &[])));
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
    assert!(matches!(events.recv().await, Some(TunnelEvent::Lost { .. })));
    let error =
        TunnelError::Exited { status: "its program exited with code 2".to_owned(), lines: vec!["no luck".to_owned()] };
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
