//! The handlers of `docs/handlers.md`, whose code is in `docs/handlers`: each passes `check`. Only their port is
//! replaced.

use std::{
    fs,
    io::{Write, stderr},
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use tempfile::TempDir;

use super::{
    OF_SVIX_ALONE, SECRETS,
    handler::Handler,
    machine::{self, Port},
    packages,
    program::{check_at, check_patiently},
};

const PATH: &str = "/webhooks/github";

/// A handler of the page in a directory of its own, on a free port.
struct Page {
    dir: TempDir,
    port: Port,
}

impl Page {
    /// Saves a file of `docs/handlers` under this path in a directory below `parent`.
    fn new(file: &str, path: &str, parent: &Path) -> Self {
        let page = Self { dir: tempfile::tempdir_in(parent).expect("a directory"), port: Port::reserve() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handlers").join(file);
        let code = fs::read_to_string(source).expect("a handler").replace("3000", &page.port.number().to_string());
        let path = page.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, code).expect("a file");
        page
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = machine::command(program.as_ref());
        command.current_dir(self.dir.path()).env("HOME", self.dir.path());
        command
    }

    /// Checks that the handler, which prints `ready` once it listens, passes every case.
    #[track_caller]
    fn passes(mut self, command: Command, ready: &'static str) {
        let handler = Handler::listening(command, self.port.lend(), PATH, ready);
        check_patiently(&handler, "github").passes(&OF_SVIX_ALONE);
    }

    /// Runs a program to its end.
    #[track_caller]
    fn runs(&self, command: &mut Command) {
        let output = command.output().expect("a process");
        let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(output.status.success(), "{command:?} in {}\n{text}", self.dir.path().display());
    }
}

/// The directory of files that are kept between test runs.
fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn the_handler_in_express_passes() {
    let Some(packages) = packages::installed("node") else { return };
    let page = Page::new("express.mjs", "express.mjs", &kept());
    symlink(packages.join("node_modules"), page.dir.path().join("node_modules")).expect("a link");
    let mut command = page.command("node");
    command.arg("express.mjs");
    page.passes(command, "listening on");
}

#[test]
fn the_handler_in_fastapi_passes() {
    let Some(environment) = packages::installed("python") else { return };
    let page = Page::new("fastapi_app.py", "fastapi_app.py", &kept());
    let mut command = page.command(packages::python(&environment));
    command.args(["-m", "uvicorn", "fastapi_app:app", "--port", &page.port.number().to_string()]);
    page.passes(command, "Uvicorn running on");
}

#[test]
fn the_handler_in_next_passes() {
    let Some(packages) = packages::installed("next") else { return };
    // Next.js follows no link to its packages. It uses those above the application, if the config names their
    // directory.
    let page = Page::new("nextjs/route.js", "app/webhooks/github/route.js", &packages);
    let config = format!("export default {{ turbopack: {{ root: {packages:?} }} }};\n");
    fs::write(page.dir.path().join("next.config.mjs"), config).expect("a file");
    let next = |arguments: &[&str]| {
        let mut command = page.command("node");
        command
            .arg(packages.join("node_modules/next/dist/bin/next"))
            .args(arguments)
            .env("NEXT_TELEMETRY_DISABLED", "1");
        command
    };
    page.runs(&mut next(&["build"]));
    let command = next(&["start", "-H", "127.0.0.1", "-p", &page.port.number().to_string()]);
    page.passes(command, "Ready in");
}

#[test]
fn the_handler_in_rails_passes() {
    let requires = ["-e", "require 'rails'; require 'action_controller/railtie'"];
    if !machine::can("ruby", &requires) || !machine::can("puma", &["--version"]) {
        return;
    }
    let file = "github_webhooks_controller.rb";
    let page = Page::new(&format!("rails/{file}"), file, &kept());
    let application = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handlers/ruby/config.ru");
    fs::copy(application, page.dir.path().join("config.ru")).expect("a file");
    let mut command = page.command("puma");
    command
        .args(["-b", &format!("tcp://127.0.0.1:{}", page.port.number()), "config.ru"])
        .env("RAILS_ENV", "production");
    page.passes(command, "Listening on");
}

/// Laravel as Debian packages it; not every release has it.
const LARAVEL: &str = "/usr/share/php/Illuminate/autoload.php";

#[test]
fn the_handler_in_laravel_passes() {
    if !Path::new(LARAVEL).exists() {
        // Not with `eprintln!`, whose output the test harness captures.
        let message = "SKIPPED: the handler in Laravel: php-laravel-framework is not installed";
        writeln!(stderr(), "{message}").expect("standard error");
        return;
    }
    let file = "GithubWebhookController.php";
    let page = Page::new(&format!("laravel/{file}"), file, &kept());
    let application = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handlers/php");
    fs::create_dir_all(page.dir.path().join("bootstrap/cache")).expect("a directory");
    fs::create_dir(page.dir.path().join("config")).expect("a directory");
    for name in ["index.php", "config/app.php", "config/services.php", "config/view.php"] {
        fs::copy(application.join(name), page.dir.path().join(name)).expect("a file");
    }
    let mut command = page.command("php");
    command.args(["-d", "post_max_size=32M", "-S", &format!("127.0.0.1:{}", page.port.number()), "index.php"]);
    page.passes(command, "Development Server");
}

#[test]
fn the_handler_in_go_passes() {
    if !machine::can("go", &["version"]) {
        return;
    }
    let page = Page::new("go/main.go", "main.go", &kept());
    let mut build = page.command("go");
    build.args(["build", "-o", "handler", "main.go"]).env("GOCACHE", kept().join("go")).env("GOTOOLCHAIN", "local");
    page.runs(&mut build);
    let command = page.command(page.dir.path().join("handler"));
    page.passes(command, "listening on");
}

#[allow(dead_code, clippy::pedantic, reason = "it is a program of its own, of which the test uses the routes")]
mod axum_page {
    include!("../../docs/handlers/axum.rs");

    /// Serves the routes of the page until the test ends.
    #[tokio::main(flavor = "current_thread")]
    pub async fn serve(listener: std::net::TcpListener, secret: String) {
        listener.set_nonblocking(true).expect("a socket");
        axum::serve(TcpListener::from_std(listener).expect("a socket"), app(secret)).await.expect("a server");
    }
}

#[test]
fn the_handler_in_axum_passes() {
    let (_, secret) = SECRETS.iter().find(|(name, _)| *name == "GITHUB_WEBHOOK_SECRET").expect("the secret");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}{PATH}", listener.local_addr().expect("an address"));
    thread::spawn(|| axum_page::serve(listener, (*secret).to_owned()));
    check_at(&url, "github").passes(&OF_SVIX_ALONE);
}

#[test]
fn every_handler_of_the_page_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handlers");
    let files = walkdir::WalkDir::new(&root).into_iter().map(|entry| entry.expect("an entry"));
    let names = files.filter(|entry| entry.file_type().is_file()).map(|entry| entry.file_name().to_owned());
    let untested = names.filter(|name| !include_str!("pages.rs").contains(name.to_str().expect("a name")));
    assert_eq!(untested.collect::<Vec<_>>(), [""; 0]);
}
