//! Flags and commands of other tools, typed out of habit: the error shows the whole command line that works here.

use std::{ffi::OsString, sync::Arc};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{command_line::command, completions::catalog_of, exit::Failure};
use crate::{
    net::url::parse_url,
    render::{diagnostic::Message, shell},
    webhook::{provider::catalog::Catalog, redact},
};

/// A flag that a command doesn't have, and what to write instead.
struct Guess {
    /// The command; `None` for all.
    command: Option<&'static str>,
    flags: &'static [&'static str],
    /// The replacement; `{}` is the flag's value.
    instead: &'static [&'static str],
}

const GUESSES: &[Guess] = &[
    Guess {
        command: Some("listen"),
        flags: &["--forward-to", "--to", "--target", "--url"],
        instead: &["--forward", "{}"],
    },
    Guess { command: Some("listen"), flags: &["--host", "--bind", "--listen"], instead: &["--addr", "{}:4400"] },
    Guess { command: Some("listen"), flags: &["--save", "--output", "-o"], instead: &["--capture", "{}"] },
    Guess { command: Some("listen"), flags: &["--events", "--event", "-e"], instead: &["--filter", "{}"] },
    Guess { command: Some("send"), flags: &["--count", "--times", "-n", "-c"], instead: &["--repeat", "{}"] },
    Guess {
        command: Some("send"),
        flags: &["--url", "--endpoint", "--target", "--forward", "--forward-to"],
        instead: &["--to", "{}"],
    },
    Guess {
        command: Some("send"),
        flags: &["--body", "--payload", "--file", "--data-binary", "--data-raw", "-d", "-f"],
        instead: &["--data", "{}"],
    },
    Guess { command: Some("send"), flags: &["--override"], instead: &["--set", "{}"] },
    Guess { command: Some("send"), flags: &["--event", "-e"], instead: &["{}"] },
    Guess { command: Some("send"), flags: &["--provider"], instead: &["{}.*"] },
    Guess {
        command: Some("check"),
        flags: &["--url", "--endpoint", "--target", "--forward"],
        instead: &["--to", "{}"],
    },
    Guess { command: Some("check"), flags: &["--only", "--filter"], instead: &["--case", "{}"] },
    Guess { command: Some("check"), flags: &["--skip", "--exclude"], instead: &["--case", "!{}"] },
    Guess { command: Some("verify"), flags: &["--file", "--input", "--capture", "-f"], instead: &["{}"] },
    Guess { command: Some("verify"), flags: &["--payload", "--data", "-d"], instead: &["--body", "{}"] },
    Guess { command: Some("verify"), flags: &["--now", "--time"], instead: &["--at", "{}"] },
    Guess { command: None, flags: &["--headers", "-H"], instead: &["--header", "{}"] },
    Guess { command: None, flags: &["--secret-file"], instead: &["--secret", "file:{}"] },
    Guess { command: None, flags: &["--secret-env"], instead: &["--secret", "env:{}"] },
];

/// Commands of other tools, and their equivalents here.
const COMMANDS: &[(&str, &[&str])] = &[
    ("trigger", &["send"]),
    ("emit", &["send"]),
    ("replay", &["send"]),
    ("resend", &["send"]),
    ("serve", &["listen"]),
    ("start", &["listen"]),
    ("watch", &["listen"]),
    ("http", &["listen", "--forward"]),
    ("forward", &["listen", "--forward"]),
    ("inspect", &["listen", "--inspect"]),
    ("tunnel", &["listen", "--tunnel", "cloudflared"]),
    ("capture", &["listen", "--capture", "captures"]),
    ("record", &["listen", "--capture", "captures"]),
    ("list", &["events"]),
    ("ls", &["events"]),
    ("test", &["check"]),
    ("validate", &["verify"]),
    ("explain", &["verify"]),
    ("diagnose", &["verify"]),
    ("completion", &["completions"]),
    ("init", &["providers", "new"]),
    ("new", &["providers", "new"]),
    ("version", &["--version"]),
];

/// Programs that start a handler or a test suite.
const PROGRAMS: &[&str] = &[
    "bun", "bundle", "cargo", "deno", "dotnet", "flask", "go", "gradle", "make", "mvn", "node", "npm", "npx", "php",
    "pnpm", "pytest", "python", "python3", "rails", "rake", "ruby", "sh", "uv", "uvicorn", "yarn",
];

/// The error for a command line that clap rejects, if it is clear what was meant.
pub fn explain_guess(error: &clap::Error, args: &[OsString]) -> Option<Failure> {
    let words: Vec<&str> = args.iter().skip(1).map(|word| word.to_str()).collect::<Option<_>>()?;
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let wrong = context(ContextKind::InvalidSubcommand)?;
            let at = words.iter().position(|word| *word == wrong)?;
            if at > 0 && words[at - 1] == "providers" {
                return provider_alone(wrong, &known_providers(&words));
            }
            let (_, instead) = COMMANDS.iter().find(|(known, _)| *known == wrong)?;
            let failure = Failure::usage(format!("unrecognised command `{wrong}`"));
            Some(failure.hint(command_line(&words, at, instead)))
        }
        ErrorKind::UnknownArgument => {
            let wrong = context(ContextKind::InvalidArg)?;
            let names: Vec<String> = command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
            let command = words.iter().find(|word| names.iter().any(|name| name == *word))?;
            unknown_argument(command, wrong, &words)
        }
        ErrorKind::MissingRequiredArgument if words.contains(&"send") => {
            let at = words.iter().position(|word| *word == "--data" || word.starts_with("--data="))?;
            let line = corrected(&words, at, 0, ["EVENT".to_owned()]);
            let events = "`hookdev events` lists the events".to_owned();
            let failure = Failure::usage("--data needs the event whose payload it is");
            Some(failure.hint(Message::with_lines(line, [events])))
        }
        _ => None,
    }
}

/// The providers available to a command line, including the user's if it names them correctly.
pub fn known_providers(words: &[&str]) -> Arc<Catalog> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    catalog_of(&words).unwrap_or_else(|| Arc::new(Catalog::builtin()))
}

/// The error for a provider's name in place of a command or topic.
pub fn provider_alone(name: &str, catalog: &Catalog) -> Option<Failure> {
    let failure = Failure::usage(format!("`{name}` is a provider, not a command"));
    catalog.contains(name).then(|| {
        failure.hint(Message::with_lines(
            format!("to list its events: hookdev events {name}"),
            [format!("and what it requires of a handler: hookdev events {name} --contract")],
        ))
    })
}

/// The command line with another command. `send` needs an event or a file, so a placeholder is added if there is none.
fn command_line(words: &[&str], at: usize, instead: &[&str]) -> Message {
    let mut instead: Vec<String> = instead.iter().map(|word| (*word).to_owned()).collect();
    let is = |name: &str| instead.first().is_some_and(|first| first == name);
    let catalog = known_providers(words);
    let (mut count, operand) = (1, words.get(at + 1).filter(|word| !word.starts_with('-')));
    match operand {
        None if is("send") => instead.push("EVENT".to_owned()),
        Some(operand) if is("send") && !is_sendable(operand, &catalog) => {
            count = 2;
            let near = catalog.nearest_events(operand).first().map(|near| (*near).to_owned());
            instead.push(near.unwrap_or_else(|| "EVENT".to_owned()));
        }
        None if instead.last().is_some_and(|last| last == "--forward") => instead.push("URL".to_owned()),
        None if instead.last().is_some_and(|last| last == "new") => instead.push("NAME".to_owned()),
        _ => {}
    }
    let line = corrected(words, at, count, instead.iter().cloned());
    let more = instead.iter().any(|word| word == "EVENT").then(|| "`hookdev events` lists the events".to_owned());
    Message::with_lines(line, more)
}

/// Whether `send` takes this word: an event, a glob or a file. It may also be an event of a provider that is not built
/// in.
fn is_sendable(word: &str, catalog: &Catalog) -> bool {
    let is_foreign = || word.split_once('.').is_some_and(|(provider, _)| !catalog.contains(provider));
    let names_event = |word: &str| catalog.nearest_events(word).iter().any(|near| near.ends_with(&format!(".{word}")));
    catalog.has_event(word)
        || word.contains(['*', '?'])
        || std::path::Path::new(word).exists()
        || is_foreign() && !names_event(word)
}

fn unknown_argument(command: &str, wrong: &str, words: &[&str]) -> Option<Failure> {
    let at = words.iter().position(|word| word.split('=').next() == Some(wrong) || *word == wrong)?;
    let failure = Failure::usage(format!("unexpected argument `{}`", redact::invalid_url(wrong)));
    if !wrong.starts_with('-') {
        return unexpected_word(command, wrong, words, at).map(|hint| failure.hint(hint));
    }
    let (value, count) = match (words[at].split_once('='), words.get(at + 1)) {
        (Some((_, value)), _) => (value, 1),
        (None, Some(value)) if !value.starts_with('-') => (*value, 2),
        (None, _) => ("VALUE", 1),
    };
    if command == "listen" && ["--port", "-p"].contains(&wrong) {
        return Some(failure.hint(listen_on(words, at, count, value)));
    }
    if (command, wrong) == ("send", "--provider")
        && let Some(event) = words.get(at + count).map(|event| format!("{value}.{event}"))
        && known_providers(words).has_event(&event)
    {
        return Some(failure.hint(corrected(words, at, count + 1, [event])));
    }
    let guess = GUESSES
        .iter()
        .find(|guess| guess.flags.contains(&wrong) && guess.command.is_none_or(|known| known == command))?;
    let mut instead: Vec<String> = guess.instead.iter().map(|word| word.replace("{}", value)).collect();
    if words == ["send", words[at], value] && instead.first().is_some_and(|first| first == "--to") {
        instead.insert(0, "EVENT".to_owned());
    }
    Some(failure.hint(corrected(words, at, count, instead)))
}

/// What an unexpected word was probably meant to do.
fn unexpected_word(command: &str, wrong: &str, words: &[&str], at: usize) -> Option<Message> {
    let with = |count: usize, instead: &[&str]| {
        Message::from(corrected(words, at, count, instead.iter().map(|word| (*word).to_owned())))
    };
    let is_provider = || known_providers(words).contains(wrong);
    match command {
        "listen" if PROGRAMS.contains(&wrong) || wrong.starts_with("./") => Some(with(0, &["--"])),
        "check" if is_provider() && !words.iter().any(|word| word.starts_with("--to")) => {
            Some(with(1, &["--provider", wrong, "--to", "URL"]))
        }
        "listen" | "check" if is_provider() => Some(with(1, &["--provider", wrong])),
        "listen" if parse_url(wrong).is_ok() => Some(listen_on(words, at, 1, wrong)),
        "check" if parse_url(wrong).is_ok() => Some(with(1, &["--to", wrong])),
        _ => None,
    }
}

/// What a port or URL may mean for `listen`: other tools either listen on it or forward to it.
fn listen_on(words: &[&str], at: usize, count: usize, value: &str) -> Message {
    let with = |flag: &str, value: &str| corrected(words, at, count, [flag.to_owned(), value.to_owned()]);
    let forward = with("--forward", value);
    if value.parse::<u16>().is_ok() {
        Message::with_lines(
            format!("to listen on this port: {}", with("--addr", value)),
            [format!("to forward to your handler on it: {forward}")],
        )
    } else {
        forward.into()
    }
}

/// The command line with `count` words replaced, quoted for a shell. Literal secrets are omitted.
fn corrected(words: &[&str], at: usize, count: usize, instead: impl IntoIterator<Item = String>) -> String {
    let mut line = vec!["hookdev".to_owned()];
    line.extend(words[..at].iter().map(|word| (*word).to_owned()));
    line.extend(instead);
    line.extend(words[at + count..].iter().map(|word| (*word).to_owned()));
    let mut is_secret = false;
    let shown = line.iter().map(|word| {
        let (flag, value) = match word.split_once('=') {
            Some((flag @ "--secret", value)) => (Some(flag), value),
            _ => (None, word.as_str()),
        };
        let hidden = (is_secret || flag.is_some()) && !value.contains("env:") && !value.contains("file:");
        is_secret = word == "--secret";
        match (hidden, flag) {
            (true, Some(flag)) => format!("{flag}=…"),
            (true, None) => "…".to_owned(),
            (false, _) => shell::word(&redact::invalid_url(word)),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::read;

    /// The message and the hint for a command line.
    fn explained(line: &[&str]) -> Option<(String, String)> {
        let args: Vec<OsString> = [&["hookdev"], line].concat().into_iter().map(OsString::from).collect();
        let failure = explain_guess(&read(args.clone()).unwrap_err(), &args)?;
        Some((failure.message?.to_string(), failure.hint?.to_string()))
    }

    #[track_caller]
    fn assert_hint(line: &[&str], hint: &str) {
        assert_eq!(explained(line).unwrap().1, hint, "{line:?}");
    }

    #[test]
    fn a_flag_of_another_tool_leads_to_the_command_line_that_works() {
        let (message, hint) = explained(&["send", "a.b", "--count", "5", "--to", "http://x/"]).unwrap();
        assert_eq!(message, "unexpected argument `--count`");
        assert_eq!(hint, "hookdev send a.b --repeat 5 --to http://x/");
        assert_hint(&["send", "a.b", "--count=5"], "hookdev send a.b --repeat 5");
        assert_hint(&["send", "a.b", "--url", "3000"], "hookdev send a.b --to 3000");
        assert_hint(&["--json", "send", "a.b", "-d", "it's"], r"hookdev --json send a.b --data 'it'\''s'");
        assert_hint(&["send", "--provider", "acme"], "hookdev send 'acme.*'");
        assert_hint(&["send", "--provider", "stripe", "invoice.paid", "-q"], "hookdev send stripe.invoice.paid -q");
        assert_hint(&["check", "--skip", "body-*"], "hookdev check --case '!body-*'");
        assert_hint(&["verify", "a", "--now", "1"], "hookdev verify a --at 1");
        assert_hint(&["listen", "--forward-to", "localhost:3000/x"], "hookdev listen --forward localhost:3000/x");
        assert_hint(&["verify", "a", "-H", "A: b"], "hookdev verify a --header 'A: b'");
        assert_hint(&["check", "--url"], "hookdev check --to VALUE");
        assert_eq!(explained(&["send", "a.b", "--nonsense"]), None);
    }

    #[test]
    fn a_port_may_be_one_to_listen_on_or_to_forward_to() {
        let both = "to listen on this port: hookdev listen --addr 3000\n\
                    to forward to your handler on it: hookdev listen --forward 3000";
        for line in [
            &["listen", "--port", "3000"][..],
            &["listen", "--port=3000"],
            &["listen", "3000"],
            &["listen", "-p", "3000"],
        ] {
            assert_hint(line, both);
        }
        assert_hint(&["listen", "localhost:3000/x", "-q"], "hookdev listen --forward localhost:3000/x -q");
        assert_eq!(explained(&["listen", "nonsense"]), None);
    }

    #[test]
    fn a_command_of_another_tool_leads_to_the_one_that_works() {
        let (message, hint) = explained(&["trigger", "a.b"]).unwrap();
        assert_eq!((message.as_str(), hint.as_str()), ("unrecognised command `trigger`", "hookdev send a.b"));
        assert_hint(&["forward", "3000"], "hookdev listen --forward 3000");
        assert_hint(&["version"], "hookdev --version");
        assert_hint(&["http", "3100"], "hookdev listen --forward 3100");
        assert_hint(&["inspect"], "hookdev listen --inspect");
        assert_hint(&["record"], "hookdev listen --capture captures");
        assert_hint(&["init"], "hookdev providers new NAME");
        assert_eq!(explained(&["nonsense"]), None);
    }

    #[test]
    fn a_suggested_send_names_something_that_can_be_sent() {
        let listed = "\n`hookdev events` lists the events";
        assert_hint(&["trigger", "stripe.invoice.paid"], "hookdev send stripe.invoice.paid");
        assert_hint(&["trigger", "invoice.paid", "--to", "3000"], "hookdev send stripe.invoice.paid --to 3000");
        assert_hint(&["trigger", "stripe.invoice.payed"], "hookdev send stripe.invoice.paid");
        assert_hint(&["trigger", "acme.order"], "hookdev send acme.order");
        assert_hint(&["resend"], &format!("hookdev send EVENT{listed}"));
        assert_hint(&["replay", "--to", "3000"], &format!("hookdev send EVENT --to 3000{listed}"));
        assert_hint(&["replay", "zzzz"], &format!("hookdev send EVENT{listed}"));
        assert_hint(&["send", "--forward", "http://x/"], "hookdev send EVENT --to http://x/");
        assert_hint(&["send", "--data", "a.json"], &format!("hookdev send EVENT --data a.json{listed}"));
    }

    #[test]
    fn a_word_leads_to_the_flag_that_takes_it() {
        assert_hint(&["listen", "stripe"], "hookdev listen --provider stripe");
        assert_hint(&["listen", "stripe", "-q"], "hookdev listen --provider stripe -q");
        assert_hint(&["check", "stripe"], "hookdev check --provider stripe --to URL");
        assert_hint(&["check", "stripe", "--to", "3000"], "hookdev check --provider stripe --to 3000");
        assert_hint(&["check", "localhost:3000/x"], "hookdev check --to localhost:3000/x");
        assert_hint(&["listen", "npm", "test"], "hookdev listen -- npm test");
        assert_hint(&["listen", "-q", "./run"], "hookdev listen -q -- ./run");
        let (message, hint) = explained(&["providers", "stripe"]).unwrap();
        assert_eq!(message, "`stripe` is a provider, not a command");
        assert_eq!(
            hint,
            "to list its events: hookdev events stripe\nand what it requires of a handler: hookdev events stripe --contract"
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let line =
            ["send", "a.b", "--secret", "acme=mine", "--secret=mine", "--count", "2", "--to", "http://u:p@x/?t=1"];
        assert_hint(
            &line,
            "hookdev send a.b --secret … --secret=… --repeat 2 --to 'http://[redacted]@x/?t=[redacted]'",
        );
        assert_hint(&["listen", "--secret", "acme=env:A", "-p", "x"], "hookdev listen --secret acme=env:A --forward x");
    }
}
