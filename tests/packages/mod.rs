//! The Node and Python packages of the tests: exactly those of `package-lock.json` and `requirements.txt`, installed
//! below `target/` by the first test that needs them. If they are not available, the tests are skipped with a message,
//! unless `HOOKDEV_CI` is set.
#![allow(dead_code)] // no test crate uses all of it

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A language, and how its packages are installed.
struct Language {
    name: &'static str,
    program: &'static str,
    /// Arguments that print the program's version, because packages work with only one version.
    identity: &'static [&'static str],
    /// The lock files in this directory.
    lock: &'static [&'static str],
    install: fn(from: &Path, to: &Path) -> Result<(), String>,
}

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

const LANGUAGES: [Language; 10] = [
    Language {
        name: "node",
        program: "node",
        identity: &["--version"],
        lock: &["package.json", "package-lock.json"],
        install: install_for_node,
    },
    Language {
        name: "libraries",
        program: "node",
        identity: &["--version"],
        lock: &["libraries/package.json", "libraries/package-lock.json"],
        install: |from, to| install_for_node(&from.join("libraries"), to),
    },
    Language {
        name: "next",
        program: "node",
        identity: &["--version"],
        lock: &["next/package.json", "next/package-lock.json"],
        install: |from, to| install_for_node(&from.join("next"), to),
    },
    Language {
        name: "python",
        program: PYTHON,
        identity: &["-c", "import sys; print(sys.executable, sys.version)"],
        lock: &["requirements.txt"],
        install: install_for_python,
    },
    Language {
        name: "python-libraries",
        program: PYTHON,
        identity: &["-c", "import sys; print(sys.executable, sys.version)"],
        lock: &["libraries/requirements.txt"],
        install: |from, to| install_for_python(&from.join("libraries"), to),
    },
    Language {
        name: "locust",
        program: PYTHON,
        identity: &["-c", "import sys; print(sys.executable, sys.version)"],
        lock: &["locust/requirements.txt"],
        install: |from, to| install_for_python(&from.join("locust"), to),
    },
    Language {
        name: "recipes",
        program: "node",
        identity: &["--version"],
        lock: &["recipes/package.json", "recipes/package-lock.json"],
        install: |from, to| install_for_node(&from.join("recipes"), to),
    },
    Language {
        name: "book",
        program: PYTHON,
        identity: &["-c", "import sys; print(sys.executable, sys.version)"],
        lock: &["book/requirements.txt"],
        install: |from, to| install_for_python(&from.join("book"), to),
    },
    Language {
        name: "browser",
        program: "node",
        identity: &["--version"],
        lock: &["browser/package.json", "browser/package-lock.json"],
        install: |from, to| install_for_node(&from.join("browser"), to),
    },
    Language {
        name: "python-recipes",
        program: PYTHON,
        identity: &["-c", "import sys; print(sys.executable, sys.version)"],
        lock: &["recipes/requirements.txt"],
        install: |from, to| install_for_python(&from.join("recipes"), to),
    },
];

/// The result of the installation for each requested language.
type Installed = BTreeMap<&'static str, Result<PathBuf, String>>;

/// The directory of a language's packages: the parent of `node_modules`, or a virtual environment. `None`, with a
/// message, if they are not available and not required.
pub fn installed(language: &str) -> Option<PathBuf> {
    static INSTALLED: LazyLock<Mutex<Installed>> = LazyLock::new(Mutex::default);
    let language = LANGUAGES.iter().find(|known| known.name == language).expect("a language that tests use");
    // Held while it installs: the other tests wait for it.
    let mut all = INSTALLED.lock().expect("no installation panics");
    match all.entry(language.name).or_insert_with(|| install(language)) {
        Ok(dir) => Some(dir.clone()),
        Err(problem) => {
            let (name, problem) = (language.name, problem.clone());
            drop(all);
            assert!(env::var_os("HOOKDEV_CI").is_none(), "the packages for {name} are required here: {problem}");
            // Bypasses the test harness, which captures printed text.
            writeln!(stderr(), "SKIPPED: tests that need {name} and its packages, which are not available: {problem}")
                .expect("standard error");
            None
        }
    }
}

/// The directory, named by a hash of the lock files, so that it exists only if it is complete and up to date.
fn install(language: &Language) -> Result<PathBuf, String> {
    let identity = run(Command::new(language.program).args(language.identity))?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages");
    let mut digest = Sha256::new_with_prefix(identity);
    for file in language.lock {
        digest.update(fs::read(from.join(file)).map_err(|error| format!("{file}: {error}"))?);
    }
    let version = BASE64_URL_SAFE_NO_PAD.encode(&digest.finalize()[..9]);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = target.join(format!("{}-{version}", language.name));
    if !dir.is_dir() {
        let unfinished = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
        let to = unfinished.path().join(language.name);
        (language.install)(&from, &to)?;
        // Another process may have installed the same first.
        fs::rename(&to, &dir).or_else(|error| if dir.is_dir() { Ok(()) } else { Err(error.to_string()) })?;
    }
    Ok(dir)
}

fn install_for_node(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir(to).map_err(|error| error.to_string())?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(from.join(file), to.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let options = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"];
    run(Command::new(npm).args(options).current_dir(to)).map(drop)
}

fn install_for_python(from: &Path, to: &Path) -> Result<(), String> {
    run(Command::new(PYTHON).args(["-m", "venv"]).arg(to))?;
    let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=1"];
    let what = ["--require-hashes", "--only-binary=:all:", "-r"];
    run(Command::new(python(to)).args(options).args(what).arg(from.join("requirements.txt"))).map(drop)
}

/// The interpreter of a virtual environment.
pub fn python(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Runs a program to its end and returns its output.
fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            let output = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
            Err(format!("{program}: {}", output.join(" ").trim()))
        }
        Err(error) => Err(format!("{program}: {error}")),
    }
}
