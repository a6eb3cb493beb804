//! `listen -- CMD`: starts the program with the receiver's URLs, passes signals on to it, and reports how it ended.

use std::{ffi::OsString, io, path::Path};

#[cfg(unix)]
use super::terminal_mode::SavedMode;
use super::{
    exit::{Exit, Failure},
    interrupt::{Interrupt, Interrupts},
    reporters::shortfall,
    streams,
    terminal::Terminal,
    time_limit::TimeLimit,
};
use crate::{
    cli::FormatArg,
    engine::{
        program::{self, EndRequest, Program, exit_code},
        receive::Shortfall,
    },
    render::shell,
    webhook::{provider::catalog::Catalog, time::words},
};

/// A running program, started by `listen`.
#[derive(Debug)]
pub(super) struct UserProgram {
    name: String,
    program: Program,
    /// Whether the terminal sends it Ctrl-C directly.
    shares_terminal: bool,
    /// The program may change the mode, and be killed before it restores it.
    #[cfg(unix)]
    _mode: Option<SavedMode>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgramEnd {
    /// By itself or by a signal, with this exit code.
    Exited(u8),
    /// It was ended after the timeout.
    TimedOut,
}

/// The URLs of a receiver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Urls<'a> {
    /// For this machine, without a path.
    pub local: &'a str,
    /// For providers, if there is a tunnel.
    pub tunnel: Option<&'a str>,
}

impl UserProgram {
    /// Starts the program after `--`, if there is one.
    ///
    /// # Errors
    ///
    /// If it can't be started.
    pub fn start(
        command: &[OsString],
        urls: Urls<'_>,
        catalog: &Catalog,
        format: FormatArg,
    ) -> Result<Option<Self>, Failure> {
        let Some((name, args)) = command.split_first() else { return Ok(None) };
        let mut command = program::command(name);
        command.args(args).envs(variables(urls.local, catalog.names()));
        match urls.tunnel {
            Some(url) => command.env("HOOKDEV_TUNNEL", url),
            None => command.env_remove("HOOKDEV_TUNNEL"),
        };
        if format == FormatArg::Json {
            command.stdout(streams::stderr_for_program());
        }
        let shares_terminal = streams::any_is_terminal();
        let name = name.to_string_lossy().into_owned();
        #[cfg(unix)]
        let mode = SavedMode::before_program();
        match Program::start(command, shares_terminal) {
            Ok(program) => Ok(Some(Self {
                name,
                program,
                shares_terminal,
                #[cfg(unix)]
                _mode: mode,
            })),
            Err(error) => Err(Failure::usage(format!("can't run `{name}`")).because(&error).hint(hint(&error, &name))),
        }
    }

    /// Waits until the program has ended. Passes Ctrl-C on. SIGTERM and the timeout end the program and everything that
    /// it started.
    ///
    /// # Errors
    ///
    /// If it can't be waited for.
    pub async fn wait(
        &mut self,
        interrupts: &mut Interrupts,
        limit: TimeLimit,
        terminal: Terminal,
    ) -> Result<ProgramEnd, Failure> {
        let mut time_ran_out = std::pin::pin!(limit.end());
        let failed = |error| Failure::new(Exit::Failed, format!("can't wait for `{}`", self.name)).because(&error);
        loop {
            tokio::select! {
                status = self.program.ended() => {
                    return status.map(|status| ProgramEnd::Exited(exit_code(status))).map_err(failed);
                }
                interrupt = interrupts.next_of_kind() => match interrupt {
                    Interrupt::CtrlC if self.shares_terminal => {}
                    Interrupt::CtrlC => self.program.ask(EndRequest::Interrupt),
                    Interrupt::Terminate => {
                        let status = self.program.end(interrupts.next()).await;
                        return status.map(|status| ProgramEnd::Exited(exit_code(status))).map_err(failed);
                    }
                },
                () = &mut time_ran_out => {
                    let time = limit.time.map(words).unwrap_or_default();
                    terminal.fail(&Failure::new(Exit::Failed, format!("`{}` was still running after {time}", self.name)));
                    return self.program.end(interrupts.next()).await.map(|_| ProgramEnd::TimedOut).map_err(failed);
                }
            }
        }
    }
}

impl ProgramEnd {
    /// The exit code of `listen`. Prints what is missing.
    pub fn exit(self, terminal: Terminal, shortfall: Option<&Shortfall>) -> Exit {
        if let Some(shortfall) = shortfall {
            shortfall::report(terminal, "missing deliveries", shortfall);
        }
        match self {
            Self::Exited(0) if shortfall.is_none() => Exit::Success,
            Self::Exited(0) | Self::TimedOut => Exit::Failed,
            Self::Exited(code) => Exit::Program(code),
        }
    }
}

/// The program's variables: the receiver's URL, and the URL for each provider.
fn variables<'a>(url: &'a str, providers: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (String, String)> {
    let of_provider = move |name: &str| (format!("HOOKDEV_URL_{}", variable_name(name)), format!("{url}/{name}"));
    std::iter::once(("HOOKDEV_URL".to_owned(), url.to_owned())).chain(providers.map(of_provider))
}

/// A provider's name as a part of a variable's name.
fn variable_name(provider: &str) -> String {
    provider.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// What to do about a program that can't be started.
fn hint(error: &io::Error, name: &str) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied && Path::new(name).is_file() {
        return format!("make it executable: chmod +x {}", shell::word(name));
    }
    "check its name and your PATH; for a shell command, write `-- sh -c 'COMMAND'`".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_gets_the_receivers_url_and_one_for_each_provider() {
        let variables: Vec<_> =
            variables("http://127.0.0.1:9", ["stripe", "standard-webhooks", "acme.v2"].into_iter()).collect();
        let expected = [
            ("HOOKDEV_URL", "http://127.0.0.1:9"),
            ("HOOKDEV_URL_STRIPE", "http://127.0.0.1:9/stripe"),
            ("HOOKDEV_URL_STANDARD_WEBHOOKS", "http://127.0.0.1:9/standard-webhooks"),
            ("HOOKDEV_URL_ACME_V2", "http://127.0.0.1:9/acme.v2"),
        ];
        assert_eq!(variables, expected.map(|(name, url)| (name.to_owned(), url.to_owned())));
    }

    #[test]
    fn the_programs_failure_takes_precedence_over_a_missing_delivery() {
        let terminal = Terminal::plain();
        let shortfall = Shortfall { missing: vec!["x (0 of 1 received)".to_owned()], received: Vec::new() };
        let exits = |shortfall: Option<&Shortfall>| {
            let ends = [ProgramEnd::Exited(0), ProgramEnd::Exited(7), ProgramEnd::TimedOut];
            ends.map(|end| end.exit(terminal, shortfall))
        };
        assert_eq!(exits(None), [Exit::Success, Exit::Program(7), Exit::Failed]);
        assert_eq!(exits(Some(&shortfall)), [Exit::Failed, Exit::Program(7), Exit::Failed]);
    }
}
