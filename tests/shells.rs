//! The completion scripts in their shells: each script is where its shell looks for it, the shell runs in a terminal of
//! its own, and TAB is pressed once.
#![cfg(unix)]

use std::{
    env, fs,
    io::{Read, Write, stderr},
    num::NonZeroU16,
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use pty_process::{
    Size,
    blocking::{Command, Pty},
};

/// The line before TAB, and after it.
const CASES: [(&str, &str); 7] = [
    ("hookdev send cyanite.v2.fin", "hookdev send cyanite.v2.finished"),
    ("hookdev send --to http://localhost:3000 auphonic.d", "hookdev send --to http://localhost:3000 auphonic.done"),
    // The user's own provider, which only this command line names.
    ("hookdev send --providers mine acme.or", "hookdev send --providers mine acme.order"),
    ("hookdev listen --provider je", "hookdev listen --provider jewelmusic"),
    ("hookdev listen --only", "hookdev listen --only-verified"),
    ("hookdev verify capt", "hookdev verify captures/"),
    ("hookdev send captures/on", "hookdev send captures/one.http"),
];

/// For shells that pass whole words. Bash splits `--flag=value` in three, and clap's script does not join them again
/// (clap-rs/clap#6280).
const CASES_WITH_EQUALS_SIGN: [(&str, &str); 2] = [
    ("hookdev --providers=mine send acme.or", "hookdev --providers=mine send acme.order"),
    ("hookdev listen --provider=je", "hookdev listen --provider=jewelmusic"),
];

/// What a shell would act on in a name. Each makes the file `PWNED` if it is run.
const HOSTILE: [&str; 6] = [
    "x$(touch PWNED)",
    "x`touch PWNED`",
    "x';touch PWNED;'",
    "x\";touch PWNED;\"",
    "x\ntouch PWNED\n",
    "x ;touch PWNED",
];

/// How long a shell may take to show the expected line.
const PATIENCE: Duration = Duration::from_secs(240);

const PROMPT: &str = "% ";
const ROWS: u16 = 24;
const COLUMNS: u16 = 100;

#[test]
fn bash_completes() {
    let Some(bash) = program("bash") else { return };
    let home = Home::new();
    let script = script("hookdev.bash");
    home.file(".bashrc", &format!("PS1='{PROMPT}'\n. '{}'\n", script.display()));
    home.file(".inputrc", "");
    let shell = || Command::new(&bash).args(["--noprofile", "-i"]);
    completes(&home, &CASES, shell);
    resists(&home, r"hookdev verify y\$\(touch\ PWNED\)", shell);
}

#[test]
fn zsh_completes() {
    let Some(zsh) = program("zsh") else { return };
    let home = Home::new();
    let dir = script("_hookdev");
    let dir = dir.parent().expect("a script is in a directory").display();
    home.file(".zshrc", &format!("PS1='%% '\nfpath=('{dir}' $fpath)\nautoload -Uz compinit\ncompinit -u\n"));
    let shell = || Command::new(&zsh).args(["--no-globalrcs", "-i"]);
    completes(&home, &[&CASES[..], &CASES_WITH_EQUALS_SIGN].concat(), shell);
    resists(&home, r"hookdev verify y\$\(touch\ PWNED\)", shell);
}

#[test]
fn fish_completes() {
    let Some(fish) = program("fish") else { return };
    let home = Home::new();
    // A suggestion from the history would be on the line too.
    let config = format!(
        "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\nfunction fish_prompt; echo -n '{PROMPT}'; end\n"
    );
    home.file(".config/fish/config.fish", &config);
    let script = fs::read_to_string(script("hookdev.fish")).expect("scripts can be read");
    home.file(".config/fish/completions/hookdev.fish", &script);
    let shell = || Command::new(&fish).arg("-i");
    completes(&home, &[&CASES[..], &CASES_WITH_EQUALS_SIGN].concat(), shell);
    resists(&home, r"hookdev verify y\$\(touch\ PWNED\)", shell);
}

/// The path of a shell; `None`, with a message, if it is missing and not required.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file());
    if found.is_none() {
        assert!(env::var_os("HOOKDEV_CI").is_none(), "{name} is not installed, and HOOKDEV_CI demands it");
        // Not with `eprintln!`, whose output the test harness captures.
        let _ = writeln!(stderr(), "SKIPPED: {name} is not installed, so its completions are not tested");
    }
    found
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// A home directory, which is the working directory too, with a provider and a capture in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary directory can be created"));
        home.file(
            "mine/acme/provider.toml",
            "name = \"acme\"\ntitle = \"Acme\"\nabout = \"Orders\"\n\
             [delivery]\nsuccess = [\"2xx\"]\n\
             [[event]]\nname = \"order\"\nabout = \"An order\"\nmatch = { kind = \"order\" }\n",
        );
        home.file("mine/acme/events/order.json", "{\"kind\": \"order\"}\n");
        home.file("captures/one.http", "POST / HTTP/1.1\n\n{}");
        home
    }

    /// A directory with one provider, which has one event.
    fn provider(&self, directory: &str, name: &str, event: &str, about: &str) {
        let [name, event, about] = [name, event, about].map(|text| format!("{text:?}"));
        self.file(
            &format!("{directory}/provider.toml"),
            &format!(
                "name = {name}\ntitle = \"Evil\"\nabout = {about}\n[delivery]\nsuccess = [\"2xx\"]\n\
                 [[event]]\nname = {event}\nabout = {about}\nmatch = {{ kind = \"evil\" }}\nfixture = \"events/evil.json\"\n"
            ),
        );
        self.file(&format!("{directory}/events/evil.json"), "{\"kind\": \"evil\"}\n");
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a path below the home")).expect("directories can be created");
        fs::write(path, text).expect("files can be written");
    }
}

fn completes(home: &Home, cases: &[(&str, &str)], shell: impl Fn() -> Command) {
    for (typed, completed) in cases {
        let mut terminal = Terminal::start(shell(), home.0.path());
        terminal.shows(PROMPT.trim_end());
        terminal.press(typed);
        terminal.shows(&format!("{PROMPT}{typed}"));
        terminal.press("\t");
        terminal.shows(&format!("{PROMPT}{completed}"));
    }
}

/// Presses TAB where hostile names could be offered, and Enter after it: nothing of them is inserted unquoted, and
/// nothing runs. `file` is the command line with the name of a hostile file, as the shell quotes it.
fn resists(home: &Home, file: &str, shell: impl Fn() -> Command) {
    for (index, name) in HOSTILE.into_iter().enumerate() {
        let event = format!("hostile{index}/event");
        home.provider(&event, "evil", name, "An event");
        let provider = format!("hostile{index}/provider");
        home.provider(&provider, &name.replace('x', "evil"), "plain", "An event");
        for (typed, rest) in [
            (format!("hookdev send --providers {event} evil."), "x"),
            (format!("hookdev send --providers {provider} evi"), "l"),
            (format!("hookdev listen --providers {provider} --provider evi"), "l"),
        ] {
            let mut terminal = Terminal::start(shell(), home.0.path());
            terminal.shows(PROMPT.trim_end());
            terminal.press(&typed);
            terminal.shows(&format!("{PROMPT}{typed}"));
            // Whatever TAB inserts comes before the next key.
            terminal.press("\t");
            terminal.press(rest);
            terminal.shows(&format!("{PROMPT}{typed}{rest}"));
            terminal.press("\r");
            terminal.shows(PROMPT.trim_end());
            assert!(!home.0.path().join("PWNED").exists(), "{name:?} was run");
        }
    }
    // What a provider says of its events is shown, and never run.
    home.provider("described", "evil", "plain", "$(touch PWNED) `touch PWNED`\n; touch PWNED");
    home.file("y$(touch PWNED)", "POST / HTTP/1.1\n\n{}");
    for (typed, completed) in [
        ("hookdev send --providers described evil.", "hookdev send --providers described evil.plain"),
        ("hookdev verify y", file),
    ] {
        let mut terminal = Terminal::start(shell(), home.0.path());
        terminal.shows(PROMPT.trim_end());
        terminal.press(typed);
        terminal.shows(&format!("{PROMPT}{typed}"));
        terminal.press("\t");
        terminal.shows(&format!("{PROMPT}{completed}"));
        terminal.press("\r");
        terminal.shows(PROMPT.trim_end());
        assert!(!home.0.path().join("PWNED").exists(), "`{typed}` ran something");
    }
}

/// A shell in a terminal.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    fn start(shell: Command, home: &Path) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a terminal can be opened");
        pty.resize(Size::new(ROWS, COLUMNS)).expect("a terminal has a size");
        let program = Path::new(env!("CARGO_BIN_EXE_hookdev"));
        let before = program.parent().expect("the program is in a directory").to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([before].into_iter().chain(env::split_paths(&path))).expect("it is a path already");
        let child = shell
            .current_dir(home)
            .env_clear()
            .envs([
                ("HOME", home.as_os_str()),
                ("PATH", &path),
                ("TERM", "xterm".as_ref()),
                ("LANG", "C.UTF-8".as_ref()),
            ])
            .spawn(pts)
            .expect("the shell can be started");
        let pty = Arc::new(pty);
        let (sender, output) = mpsc::channel();
        let reader = Arc::clone(&pty);
        // Ends with the shell.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = (&*reader).read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let size = |length| NonZeroU16::new(length).expect("a screen is not empty");
        Self { pty, child, output, screen: vt100::Parser::new(size(ROWS), size(COLUMNS), 0) }
    }

    fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    /// Waits until the line of the cursor is this one.
    fn shows(&mut self, line: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.line() != line {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(output) => self.screen.process(&output),
                Err(error) => {
                    panic!("{error}: `{line}` did not come; the screen is\n{}", self.screen.screen().contents())
                }
            }
        }
    }

    fn line(&self) -> String {
        let screen = self.screen.screen();
        let (row, _) = screen.cursor_position();
        screen.rows(0, COLUMNS).nth(row.into()).unwrap_or_default().trim_end().to_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
