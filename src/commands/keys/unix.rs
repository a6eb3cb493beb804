//! Keys on Unix. The terminal is read key by key, and restored while the program is suspended.

use std::{pin::pin, sync::Arc};

use futures_util::FutureExt;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::{JoinSet, spawn_blocking},
};

use super::{
    Subject,
    input::{KeyCommand, Press, TypedNumber},
    keyboard::Keyboard,
    resends::{self, resend_and_describe},
};
use crate::{
    commands::{
        browser,
        clipboard::{self, Copied},
        editor::{Edited, edited},
        interrupt::Interrupts,
        streams,
        terminal::Terminal,
    },
    engine::inspect::curl_command,
    render::shell,
    webhook::{record::Delivery, redact, request::Request, words::bytes},
};

const HELP: &str = "\
Keys, such as r for the last delivery, or 12r for number 12:
  r  resend the delivery to your handlers
  e  edit its payload in $EDITOR, sign it again and resend it
  c  copy it as a curl command
  o  open the inspector, if there is one (--inspect)
  p  pause or resume the output
  q  quit
  ?  list the keys
  Esc clears a number
";

/// Reads keys. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Keys {
    keyboard: Keyboard,
    subject: Subject,
    terminal: Terminal,
    input: TypedNumber,
    /// The resends under way, each of which returns the lines to print.
    resends: JoinSet<String>,
    /// The last attempt to open the inspector in a browser.
    opening: Option<browser::Opening>,
    suspend: Signal,
    resume: Signal,
}

impl Keys {
    /// Starts reading keys, if standard input and standard error are a terminal. Must be called within a runtime.
    pub fn start(subject: Subject, terminal: Terminal) -> Option<Self> {
        let keyboard = Keyboard::open().ok()?;
        let [suspend, resume] = [signal_hook::consts::SIGTSTP, signal_hook::consts::SIGCONT]
            .map(|number| signal(SignalKind::from_raw(number)));
        Some(Self {
            keyboard,
            subject,
            terminal,
            input: TypedNumber::default(),
            resends: JoinSet::new(),
            opening: None,
            suspend: suspend.ok()?,
            resume: resume.ok()?,
        })
    }

    /// Handles keys until `end` resolves, and returns its value, or `None` if a key asks to quit. An editor has the
    /// terminal until it is closed, so `end` waits for that.
    pub async fn handle_until<T>(&mut self, end: impl Future<Output = T>) -> Option<T> {
        let mut end = pin!(end);
        loop {
            let returned = self.keyboard.returned();
            tokio::select! {
                ended = &mut end => return Some(ended),
                read = self.keyboard.read() => {
                    // Without a terminal there are no more keys.
                    let Ok(bytes) = read else { return Some(end.await) };
                    let press = self.input.take(&bytes);
                    self.show();
                    match press {
                        Some(Press { key: KeyCommand::Quit, .. }) => return None,
                        Some(Press { key: KeyCommand::Edit, number }) => {
                            if self.edit_delivery(number).await && let Some(ended) = end.as_mut().now_or_never() {
                                self.terminal.note("exiting now that the editor is closed");
                                self.finish_resends().await;
                                return Some(ended);
                            }
                        }
                        Some(press) => self.handle(press).await,
                        None => {}
                    }
                }
                _ = self.suspend.recv() => self.stop(),
                _ = self.resume.recv() => self.take_over(),
                () = returned => self.take_over(),
                Some(Ok(lines)) = self.resends.join_next() => self.terminal.respond(&lines),
                () = self.subject.pause.more() => self.show(),
            }
        }
    }

    /// Stops the program as Ctrl-Z does. When a signal continues it, it takes over the terminal again.
    fn stop(&self) {
        streams::set_prompt("");
        self.keyboard.restore();
        suspend();
    }

    /// Takes over the terminal again, unless the program runs in the background.
    fn take_over(&mut self) {
        // This fails if the terminal is gone.
        let _ = self.keyboard.enable();
        self.show();
    }

    /// Shows the number being typed, and how many deliveries are waiting.
    fn show(&self) {
        let pause = &self.subject.pause;
        let waiting = pause.is_set().then(|| pause.waiting());
        streams::set_prompt(&prompt(waiting, self.input.digits(), self.terminal.width()));
    }

    async fn handle(&mut self, press: Press) {
        let Press { key, number } = press;
        match key {
            KeyCommand::Help => self.terminal.respond(HELP),
            KeyCommand::Pause => self.pause(),
            KeyCommand::Open => self.open(),
            KeyCommand::Resend => {
                if let Some(delivery) = self.delivery(number).await {
                    self.resend(&delivery, None);
                }
            }
            KeyCommand::Copy => {
                if let Some(delivery) = self.delivery(number).await {
                    self.copy(&delivery);
                }
            }
            // The loop handles these.
            KeyCommand::Edit | KeyCommand::Quit => {}
        }
    }

    fn pause(&self) {
        let pause = &self.subject.pause;
        if self.subject.output_is_capture && !pause.is_set() {
            self.terminal.respond("the output can't be paused: it is the only capture, and responses wait for it\n");
            return;
        }
        pause.set(!pause.is_set());
        self.show();
    }

    fn open(&mut self) {
        let Some(url) = &self.subject.inspector else {
            self.terminal.respond("there is no inspector; start with --inspect\n");
            return;
        };
        self.opening = browser::open(url);
        self.terminal.respond(&match &self.opening {
            Some(opening) => format!("opening the inspector with {}: {url}\n", opening.program),
            None => format!("open this URL in a browser: {url}\n"),
        });
    }

    /// The delivery with this number, or the last one. Prints a message if there is none.
    async fn delivery(&self, number: Option<u64>) -> Option<Arc<Delivery>> {
        // A delivery that is already on the screen may not be in the history yet.
        let newest = self.subject.history.catch_up().await;
        let Some(seq) = number else {
            let last = self.subject.history.last();
            if last.is_none() {
                self.terminal.respond("there is no delivery yet\n");
            }
            return last;
        };
        if let Some(delivery) = self.subject.history.get(seq) {
            return Some(delivery);
        }
        match self.saved(seq, newest).await {
            Ok(request) => {
                if redact::is_redacted(&request) {
                    self.terminal.respond(&format!("#{seq} was saved without its credentials (--redact)\n"));
                }
                Some(Arc::new(resends::from_capture(seq, request, &self.subject.settings.get())))
            }
            Err(why) => {
                self.terminal.respond(&format!("{why}\n"));
                None
            }
        }
    }

    /// The request of a delivery that is not in memory, from its capture. `newest` is the number of the last delivery.
    ///
    /// # Errors
    ///
    /// The message to print, if there is none.
    async fn saved(&self, seq: u64, newest: u64) -> Result<Request, String> {
        if seq == 0 || seq > newest {
            return Err(format!("there is no delivery #{seq}"));
        }
        let Some(captures) = self.subject.captures.clone() else {
            return Err(format!("#{seq} is no longer in memory; --history N keeps more, and --capture all of them"));
        };
        let path = captures.path().display().to_string();
        match spawn_blocking(move || captures.find(seq)).await.unwrap_or_else(|error| Err(error.into())) {
            Ok(Some(request)) => Ok(request),
            Ok(None) => {
                Err(format!("#{seq} is no longer in memory, and was not found in {path}; --history N keeps more"))
            }
            Err(error) => Err(format!("#{seq} is no longer in memory, and can't be read from {path}: {error}")),
        }
    }

    fn resend(&mut self, delivery: &Arc<Delivery>, edited: Option<Edited>) {
        let (subject, delivery, page) = (self.subject.clone(), Arc::clone(delivery), self.terminal.message_page());
        self.resends.spawn(async move { resend_and_describe(&subject, &delivery, edited, &page).await });
    }

    /// Waits for the resends under way and prints their results, until Ctrl-C.
    async fn finish_resends(&mut self) {
        let mut interrupts = Interrupts::all();
        let finished = async {
            while let Some(result) = self.resends.join_next().await {
                // An error is a panic, which has been reported.
                let _ = result.map(|lines| self.terminal.respond(&lines));
            }
        };
        tokio::select! {
            () = finished => {}
            () = interrupts.next() => {}
        }
    }

    fn copy(&self, delivery: &Delivery) {
        let command = curl_command(delivery, &self.subject.url, self.subject.redact);
        let seq = delivery.seq;
        let size = bytes(command.len());
        self.terminal.respond(&match clipboard::copy(&command, "sh") {
            Ok(Some(Copied::By(program))) => format!("#{seq} copied as curl, with {program}\n"),
            Ok(Some(Copied::ByTerminal)) => format!("#{seq} copied as curl, if your terminal allows it (OSC 52)\n"),
            Ok(Some(Copied::InFile(path))) => {
                let path = shell::word(&path.to_string_lossy());
                format!("#{seq} as curl is too long to copy or print here ({size}), so it is saved in {path}\n")
            }
            Ok(None) => command,
            Err(error) => {
                format!("#{seq} as curl is too long to copy or print here ({size}), and can't be saved: {error}\n")
            }
        });
    }

    /// Opens a delivery in the editor. Returns whether there is such a delivery, and it could be opened.
    async fn edit_delivery(&mut self, number: Option<u64>) -> bool {
        let Some(delivery) = self.delivery(number).await else { return false };
        if self.subject.output_is_capture {
            self.terminal.respond("can't edit here: the output is the only capture, and responses would wait for it\n");
            return false;
        }
        self.edit(&delivery).await;
        true
    }

    /// Opens the editor. Output is held back while the editor has the screen.
    async fn edit(&mut self, delivery: &Arc<Delivery>) {
        let was_paused = self.subject.pause.is_set();
        if !was_paused {
            self.subject.pause.set(true);
        }
        streams::set_prompt("");
        self.keyboard.restore();
        let opened = Arc::clone(delivery);
        let mut editor = spawn_blocking(move || edited(&opened.request));
        let result = loop {
            tokio::select! {
                result = &mut editor => break result,
                // It has stopped too.
                _ = self.suspend.recv() => suspend(),
                // It continues too, and still has the terminal.
                _ = self.resume.recv() => {}
            }
        };
        // This fails if the terminal is gone.
        let _ = self.keyboard.enable();
        match result {
            // The task panicked, which has been reported.
            Err(_) => {}
            Ok(Ok(Some(edited))) => {
                self.terminal.respond(&edited.differences.text(&self.terminal.message_page()));
                self.resend(delivery, Some(edited));
            }
            Ok(Ok(None)) => self.terminal.respond(&format!("#{} not changed, so not sent\n", delivery.seq)),
            Ok(Err(failure)) => self.terminal.fail(&failure),
        }
        if !was_paused {
            self.subject.pause.set(false);
        }
        self.show();
    }
}

/// Stops this process, as the default action of SIGTSTP does.
fn suspend() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}

/// The prompt: how many deliveries are waiting while the output is paused, then the number being typed, for a terminal
/// of this width.
fn prompt(waiting: Option<u64>, digits: &str, width: Option<usize>) -> String {
    let waiting = match waiting {
        None => return digits.to_owned(),
        Some(0) => ["paused (p resumes) ".to_owned(), "paused ".to_owned()],
        Some(1) => ["paused, 1 delivery waiting (p resumes) ", "paused, 1 waiting "].map(str::to_owned),
        Some(count) => {
            [format!("paused, {count} deliveries waiting (p resumes) "), format!("paused, {count} waiting ")]
        }
    };
    // A terminal may wrap a line that fills it.
    let fits = |text: &String| width.is_none_or(|width| text.len() < width);
    waiting.into_iter().map(|waiting| waiting + digits).find(fits).unwrap_or_else(|| digits.to_owned())
}

impl Drop for Keys {
    fn drop(&mut self) {
        streams::set_prompt("");
        self.subject.pause.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_fits_on_a_narrow_terminal() {
        assert_eq!(prompt(None, "12", Some(80)), "12");
        assert_eq!(prompt(Some(0), "", Some(80)), "paused (p resumes) ");
        assert_eq!(prompt(Some(12), "3", None), "paused, 12 deliveries waiting (p resumes) 3");
        assert_eq!(prompt(Some(12), "3", Some(44)), "paused, 12 deliveries waiting (p resumes) 3");
        assert_eq!(prompt(Some(12), "3", Some(43)), "paused, 12 waiting 3");
        assert_eq!(prompt(Some(1), "", Some(20)), "paused, 1 waiting ");
        assert_eq!(prompt(Some(1), "12", Some(10)), "12");
    }
}
