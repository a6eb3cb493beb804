//! The machine as tests see it, made the same everywhere: the state that a process inherits, the environment of the
//! programs that are started, and ports.
#![allow(dead_code)] // no test crate uses all of it

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write},
    net::{Ipv4Addr, SocketAddrV4},
    process::Command,
};

use socket2::{Domain, Socket, Type};

/// The variables that a program gets from the tests' own environment. It gets no others.
const INHERITED: [&str; 12] = [
    "PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    // For shared libraries and coverage tools.
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
    // Windows opens no socket and starts no interpreter without these.
    "SystemRoot",
    "SystemDrive",
    "PATHEXT",
    "ComSpec",
];

/// The variables that are the same everywhere.
const FIXED: [(&str, &str); 2] = [("TZ", "UTC"), ("LC_ALL", "C.UTF-8")];

/// The environment of every program that a test starts.
pub fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    let inherited = INHERITED.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
    inherited.chain(FIXED.iter().map(|(name, value)| (name.into(), value.into())))
}

/// A program in the environment and with the inherited state that all tests share.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    settle();
    let mut command = Command::new(program);
    command.env_clear().envs(environment());
    command
}

/// `hookdev`.
pub fn hookdev() -> Command {
    command(env!("CARGO_BIN_EXE_hookdev"))
}

/// Sets the state that programs inherit from the tests: file mode mask, ignored signals, open files.
pub fn settle() {
    #[cfg(unix)]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
            unix::raise_open_files();
            // On a thread of its own, because a test may be asynchronous, and so have a runtime already.
            std::thread::spawn(unix::stop_ignoring_signals).join().expect("signals can be handled");
        });
    }
}

#[cfg(unix)]
mod unix {
    use std::fs;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use tokio::{
        runtime,
        signal::unix::{SignalKind, signal},
    };

    /// Enough for all tests at once, and for all connections of `listen`.
    const OPEN_FILES: u64 = 4096;

    pub fn raise_open_files() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
        if current.is_some_and(|current| current < wanted) {
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
                .expect("the soft limit can be raised");
        }
    }

    /// Programs inherit ignored signals, as `nohup` and background jobs intend, while handled signals have their
    /// default effect there. So ignored signals are handled.
    pub fn stop_ignoring_signals() {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _entered = runtime.enter();
        let kinds = [
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::terminate(),
            SignalKind::child(),
        ];
        for kind in kinds.into_iter().filter(|kind| is_ignored(kind.as_raw_value())) {
            // Handled for good, whether or not anyone waits for it.
            drop(signal(kind).expect("a signal that can be handled"));
        }
    }

    /// Without `/proc`, no signal counts as ignored.
    fn is_ignored(signal: i32) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).expect("a mask") >> (signal - 1) & 1 == 1)
    }
}

/// A port of 127.0.0.1 that is reserved and that nothing listens on: connections to it are refused.
pub struct Port {
    number: u16,
    socket: Option<Socket>,
}

impl Port {
    pub fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if cfg!(unix) {
            socket.set_reuse_address(true).expect("an option of sockets");
        }
        socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
        Self { number: address.port(), socket: Some(socket) }
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// Lets a program listen on it. Linux allows that while the port stays reserved; elsewhere, the port is released.
    pub fn lend(&mut self) -> u16 {
        if !cfg!(target_os = "linux") {
            self.socket = None;
        }
        self.number
    }
}

/// Whether a program that a test needs runs and succeeds here. If not, the test is skipped with a message, or fails if
/// `HOOKDEV_CI` is set.
pub fn can(program: &str, args: &[&str]) -> bool {
    let ran = command(program).args(args).output();
    if ran.as_ref().is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(env::var_os("HOOKDEV_CI").is_none(), "`{program} {args:?}` is required here: {ran:?}");
    // Not with `eprintln!`, whose output the test harness captures.
    let _ = writeln!(io::stderr(), "SKIPPED: `{program} {args:?}` can't be run here: {ran:?}");
    false
}

/// Whether the tests run as root, who alone can give a file to another user. If not, the test is skipped with a
/// message, or fails if `HOOKDEV_CI` is set.
#[cfg(unix)]
pub fn is_root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(env::var_os("HOOKDEV_CI").is_none(), "root is required here: only root can give a file to another user");
    // Not with `eprintln!`, whose output the test harness captures.
    let _ = writeln!(io::stderr(), "SKIPPED: only root can give a file to another user");
    false
}
