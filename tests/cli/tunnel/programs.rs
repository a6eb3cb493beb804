//! The programs behind a tunnel: stand-ins, and real servers on this machine.

use std::{
    env,
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::{
    harness::{Connection, Dir, PATIENCE, TestCommand},
    machine::{self, Port},
};

/// A directory of programs that comes first in `PATH`.
fn path(dir: &Dir) -> String {
    format!("{}:{}", dir.join("bin").display(), env::var("PATH").unwrap())
}

fn write_program(dir: &Dir, name: &str, content: impl AsRef<[u8]>) {
    dir.write(&format!("bin/{name}"), content);
    fs::set_permissions(dir.join(&format!("bin/{name}")), Permissions::from_mode(0o755)).unwrap();
}

/// A stand-in for a program; `stand_in.py` says what it does.
pub struct StandIn {
    pub dir: Dir,
    name: &'static str,
}

impl StandIn {
    /// A program of this name, and what it does at each start.
    pub fn of(name: &'static str, script: &Value) -> Self {
        assert!(machine::can("python3", &["--version"]));
        let dir = Dir::new();
        write_program(&dir, name, include_str!("stand_in.py"));
        dir.write("script.json", script.to_string());
        let stand_in = Self { dir, name };
        let command = format!(
            "command = [\"{}\", \"tunnel\", \"--metrics\", \"127.0.0.1:{{free_port}}\", \"--url\", \
             \"http://127.0.0.1:{{port}}\"]\n",
            stand_in.program()
        );
        let metrics = "http://127.0.0.1:{free_port}";
        let fast = format!(
            "url = {{ http = \"{metrics}/quicktunnel\", pointer = \"/hostname\" }}\nready = {{ http = \"{metrics}/ready\" }}\n"
        );
        let api = format!("url = {{ http = \"{metrics}/api/tunnels\", pointer = \"/tunnels/0/public_url\" }}\n");
        let recipes = format!("[tunnel.fast]\n{command}{fast}\n[tunnel.api]\n{command}{api}");
        stand_in.dir.write("tunnels.toml", recipes);
        stand_in
    }

    /// The path of the program.
    pub fn program(&self) -> String {
        self.dir.join(&format!("bin/{}", self.name)).display().to_string()
    }

    /// hookdev, which finds the program in `PATH`.
    pub fn hookdev(&self) -> TestCommand {
        self.dir.hookdev().env("PATH", path(&self.dir)).env("STAND_IN_DIR", self.dir.join(""))
    }

    /// `hookdev listen --tunnel NAME` as JSON. Besides the built-in recipes there are `fast`, which is cloudflared
    /// without its grace period, and `api`, which is asked for its URL as ngrok is.
    pub fn listen(&self, tunnel: &str) -> TestCommand {
        let options = ["listen", "--addr", "127.0.0.1:0", "--json", "--config", "tunnels.toml", "--tunnel", tunnel];
        self.hookdev().args(options)
    }

    /// What a start recorded.
    pub fn start(&self, number: usize) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let name = format!("start-{number}.json");
        while !self.dir.join(&name).exists() {
            assert!(Instant::now() < deadline, "no start {number}");
            thread::yield_now();
        }
        serde_json::from_str(&self.dir.read(&name)).unwrap()
    }

    /// The value of an option that a start got.
    fn option(&self, number: usize, name: &str) -> String {
        let start = self.start(number);
        let args = start["args"].as_array().unwrap();
        let at = args.iter().position(|arg| arg == name).unwrap();
        args[at + 1].as_str().unwrap().to_owned()
    }

    /// The URL that a start of the program forwards to.
    pub fn url(&self, number: usize) -> String {
        self.option(number, "--url")
    }

    /// Its port.
    pub fn port(&self, number: usize) -> u16 {
        self.url(number).rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Kills the program.
    pub fn kill(&self, number: usize) {
        let id = self.start(number)["pid"].to_string();
        assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    }

    /// A connection to the program, which ends with it.
    pub fn connection(&self, number: usize) -> Connection {
        Connection::to(&format!("http://{}", self.option(number, "--metrics")))
    }

    /// Waits until the program at the other end of a connection has gone.
    pub fn is_gone(mut connection: Connection) {
        match connection.rest() {
            Ok(text) => assert_eq!(text, ""),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

/// A server process, killed when dropped.
struct Server(Child);

impl Server {
    /// Starts a server, and waits until one of its streams contains this.
    fn start(command: &mut Command, ready: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let streams: [Box<dyn Read + Send>; 2] = if ready.starts_with("Server") {
            [Box::new(stderr), Box::new(stdout)]
        } else {
            let errors: Box<dyn Read + Send> = Box::new(std::io::empty());
            thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
            [Box::new(stdout), errors]
        };
        let [stream, other] = streams;
        let mut stream = BufReader::new(stream);
        let mut heard = String::new();
        while !heard.contains(ready) {
            assert!(stream.read_line(&mut heard).unwrap() > 0, "the server ended:\n{heard}");
        }
        for mut stream in [Box::new(stream) as Box<dyn Read + Send>, other] {
            thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        }
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Debian's SSH server, run by the user of the tests, as localhost.run would be.
pub struct SshServer {
    dir: Dir,
    /// The port at which it receives requests from the internet.
    public: Port,
    _server: Server,
    _port: Port,
}

const SSHD: &str = "/usr/sbin/sshd";

/// The server admits no account that can't log in, such as `nobody`.
const CAN_LOG_IN: [&str; 2] = ["-c", "case $(getent passwd \"$(id -un)\") in *nologin | *false) exit 1 ;; esac"];

impl SshServer {
    /// Starts it; `None` if there is none on this machine.
    pub fn start() -> Option<Self> {
        if !machine::can("ssh", &["-V"]) || !machine::can("test", &["-x", SSHD]) || !machine::can("sh", &CAN_LOG_IN) {
            return None;
        }
        // As root it wants a directory of its own, which its service creates.
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let dir = Dir::new();
        for key in ["host", "user"] {
            let file = dir.join(key).display().to_string();
            let made = machine::command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &file]).status();
            assert!(made.unwrap().success());
        }
        // What localhost.run prints. The session lasts until its client ends it.
        write_program(
            &dir,
            "session",
            "#!/bin/sh\necho 'authenticated as anonymous user'\n\
             echo '8beaa541ba3dc2.lhr.life tunneled with tls termination, https://8beaa541ba3dc2.lhr.life'\n\
             echo 'see https://localhost.run/docs/forever-free/ for more information.'\nexec cat\n",
        );
        let (mut port, mut public) = (Port::reserve(), Port::reserve());
        let (number, public_number) = (port.lend(), public.lend());
        let at = |name: &str| dir.join(name).display().to_string();
        dir.write(
            "sshd_config",
            format!(
                "ListenAddress 127.0.0.1:{number}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
                 UsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nForceCommand {}\n",
                at("host"),
                at("user.pub"),
                at("bin/session")
            ),
        );
        dir.write(
            "ssh_config",
            format!(
                "Host localhost.run\nHostName 127.0.0.1\nPort {number}\nIdentityFile {}\nIdentitiesOnly yes\n\
                 UserKnownHostsFile {}\n",
                at("user"),
                at("known_hosts")
            ),
        );
        // The real ssh with the arguments of the recipe, but another server, user, and port there.
        let user = String::from_utf8(machine::command("id").arg("-un").output().unwrap().stdout).unwrap();
        let ssh = which("ssh");
        write_program(
            &dir,
            "ssh",
            format!(
                "#!/bin/sh\nfor arg do\n  shift\n  case $arg in 80:*) arg={public_number}:${{arg#80:}} ;; esac\n  \
                 set -- \"$@\" \"$arg\"\ndone\nexec {} -F {} -o User={} \"$@\"\n",
                ssh.display(),
                at("ssh_config"),
                user.trim()
            ),
        );
        let mut command = machine::command(SSHD);
        command.args(["-D", "-e", "-f", &at("sshd_config")]);
        let server = Server::start(&mut command, "Server listening on");
        Some(Self { dir, public, _server: server, _port: port })
    }

    /// `hookdev listen --tunnel ssh` as JSON.
    pub fn listen(&self) -> TestCommand {
        self.dir.listen().args(["--tunnel", "ssh"]).env("PATH", path(&self.dir))
    }

    /// The server's end of the tunnel, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.public.number())
    }
}

/// A program in `PATH`.
fn which(name: &str) -> PathBuf {
    let dirs = env::var_os("PATH").unwrap();
    env::split_paths(&dirs).map(|dir| dir.join(name)).find(|file| file.exists()).unwrap()
}

/// bore's server.
pub struct Bore {
    dir: Dir,
    /// The address of this machine that it has for itself, because its port can't be chosen.
    pub address: String,
    _server: Server,
}

/// Where `.ci/run` installs it.
const BORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/bore");

impl Bore {
    /// Starts it; `None` if it is not installed.
    pub fn start() -> Option<Self> {
        if !machine::can(BORE, &["--version"]) {
            return None;
        }
        let dir = Dir::new();
        write_program(&dir, "bore", format!("#!/bin/sh\nexec {BORE} \"$@\"\n"));
        let [a, b] = std::process::id().to_be_bytes()[2..] else { unreachable!() };
        let address = format!("127.77.{a}.{}", b.clamp(1, 254));
        let mut command = machine::command(BORE);
        command.args(["server", "--bind-addr", &address, "--bind-tunnels", &address]).env("RUST_LOG", "info");
        let server = Server::start(&mut command, "server listening");
        Some(Self { dir, address, _server: server })
    }

    /// `hookdev listen --tunnel bore` as JSON.
    pub fn listen(&self) -> TestCommand {
        let listen = self.dir.listen().args(["--tunnel", "bore"]);
        listen.env("PATH", path(&self.dir)).env("BORE_SERVER", &self.address)
    }
}
