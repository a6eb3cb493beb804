//! Commands of curl, as the developer tools of browsers copy them ("Copy as cURL", for POSIX shells and for cmd.exe) and as
//! hookdev prints them; of wget and of `HTTPie`.
//!
//! The words are read as the shell would read them, without running anything: a command that needs a variable or a
//! substitution is an error, except `echo`, `printf` and `cat` before a pipe: hookdev writes the second, with octal escapes,
//! for bodies that no argument can hold.

mod curl;
mod httpie;
mod stdin;
mod variables;
mod words;

use std::path::Path;

use self::{
    curl::Curl,
    httpie::Httpie,
    stdin::Stdin,
    variables::{Variables, assignment},
    words::Words,
};
use super::{
    Collected, Entry, Fault, Format, Input, MAX_BROKEN, Reader, newlines,
    parts::{ParseError, expected},
    position::Start,
    whole,
};

const PROGRAMS: [&str; 3] = ["curl", "curl.exe", "wget"];

/// A command of curl, wget or `HTTPie`.
pub(super) struct ShellCommand;

impl Format for ShellCommand {
    fn name(&self) -> &'static str {
        "a curl or HTTPie command"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The head may end within a character.
        let head = String::from_utf8_lossy(head);
        if head.lines().next().is_some_and(|line| line.starts_with("#!") && line.trim_end().ends_with("sh")) {
            return true;
        }
        let mut is_code = true;
        let mut quote = None;
        for line in head.lines().map(str::trim).take(MAX_LINES) {
            let in_quotes = quote.is_some();
            quote = open_quote(line, quote);
            if in_quotes {
                continue;
            }
            if line.starts_with(FENCE) {
                is_code = true;
            } else if is_code && starts_command(without_prompt(line)) {
                return true;
            } else {
                is_code &= is_shell(line);
            }
        }
        false
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let directory = input.directory.clone();
        let bytes = whole(input)?;
        let Ok(text) = str::from_utf8(&bytes) else {
            return Err(Fault::at(Start::of_line(1), expected("a command in UTF-8")));
        };
        let mut collected = Collected::default();
        let code = fenced(text);
        for (line, command) in split(code.as_deref().unwrap_or(text)) {
            match command.and_then(|command| entry(&command, directory.as_deref())) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => collected.push(Err(Fault::at(Start::of_line(line), error))),
            }
        }
        Ok(Box::new(collected))
    }
}

/// One command.
struct Command {
    words: Vec<String>,
    stdin: Option<Stdin>,
}

/// How many lines are searched for the first command.
const MAX_LINES: usize = 64;

/// What starts and ends a block of code in Markdown.
const FENCE: &str = "```";

/// The text with the lines outside blocks of code blank; `None` if it has no such blocks.
fn fenced(text: &str) -> Option<String> {
    if !text.lines().any(|line| line.trim_start().starts_with(FENCE)) {
        return None;
    }
    let mut is_code = false;
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with(FENCE);
        is_code ^= is_fence;
        code.push_str(if is_code && !is_fence { line } else { "" });
        code.push('\n');
    }
    Some(code)
}

/// Whether a line that is no command to read belongs to a script: one that sets something, or prints.
fn is_shell(line: &str) -> bool {
    const STARTS: [&str; 8] = ["#", "set ", "export ", "cd ", "source ", "echo ", "printf ", "readonly "];
    let is_set = line.split(' ').next().is_some_and(|word| assignment(word).is_some());
    line.is_empty() || is_set || STARTS.iter().any(|start| line.starts_with(start))
}

/// The quote that is open at the end of a line of a variable's value.
fn open_quote(line: &str, open: Option<char>) -> Option<char> {
    let (quote, text) = match (open, assignment(line)) {
        (Some(quote), _) => (quote, line),
        (None, Some((_, value))) => (value.chars().next().filter(|c| ['\'', '"'].contains(c))?, value),
        (None, None) => return None,
    };
    let escaped = text.matches(&format!("\\{quote}")).count();
    let is_odd = (text.matches(quote).count() - if quote == '"' { escaped } else { 0 }) % 2 == 1;
    (is_odd != open.is_some()).then_some(quote)
}

/// A line without the prompt that was copied along: `$ `, `% ` or `me@host:~$ `.
fn without_prompt(line: &str) -> &str {
    let is_prompt = |prompt: &str| prompt.is_empty() || prompt.contains('@') && !prompt.contains(['"', '\'', '|', '=']);
    let cut = ["$ ", "% "].iter().filter_map(|end| line.split_once(end)).find(|(prompt, _)| is_prompt(prompt));
    cut.map_or(line, |(_, command)| command)
}

/// The words that may come before a command.
const BEFORE: [&str; 9] = ["then", "do", "else", "if", "while", "!", "{", "sudo", "time"];

/// Whether a line starts with a command that can be read, or with one that writes into it.
fn starts_command(line: &str) -> bool {
    is_command(line)
        || ["printf ", "echo ", "cat "].iter().any(|program| line.starts_with(program)) && writes_into_command(line)
}

fn is_command(line: &str) -> bool {
    let is_program = |line: &str, program: &str| {
        let rest = line.strip_prefix(program);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\\', '^']))
    };
    let before = |line, word: &&str| if is_program(line, word) { line[word.len()..].trim_start() } else { line };
    let line = BEFORE.iter().fold(line, before);
    PROGRAMS.iter().any(|program| is_program(line, program)) || httpie::starts_command(line)
}

/// Whether a line has a command that can be read after a pipe.
fn writes_into_command(line: &str) -> bool {
    line.match_indices('|').any(|(at, _)| is_command(line[at + 1..].trim_start()))
}

/// How much text is left before a line that can't be read counts: reading one may take it to the end of the text.
const FAR: usize = 8 << 10;

/// The commands of a script that can be read, each with its line.
fn split(text: &str) -> Vec<(u64, Result<Command, ParseError>)> {
    let is_cmd = is_for_cmd(text);
    let mut variables = Variables::of_script(text.len());
    let mut commands = Vec::new();
    let mut rest = text;
    let (mut line, mut errors) = (1, 0);
    loop {
        let trimmed = rest.trim_start();
        line += newlines(&rest[..rest.len() - trimmed.len()]);
        let end = trimmed.find('\n').unwrap_or(trimmed.len());
        let first = without_prompt(&trimmed[..end]);
        rest = &trimmed[end - first.len()..];
        if rest.is_empty() {
            return commands;
        }
        if rest.starts_with('#') {
            rest = &trimmed[end..];
            continue;
        }
        let is_read = starts_command(first) || writes_into_command(first);
        let mut words = Words::new(rest, is_cmd, &mut variables);
        let command = words.command();
        let mut next = words.rest;
        match command {
            Ok(command) => {
                let command = command.without_prefix();
                match command.words.first() {
                    Some(program) if is_program(program) => commands.push((line, Ok(command))),
                    _ => variables.run(&command.words),
                }
            }
            Err(error) => {
                errors += usize::from(is_read || rest.len() > FAR);
                variables.forget(first.split_whitespace());
                if is_read {
                    commands.push((line, Err(error)));
                }
                next = &trimmed[end..];
                if errors >= MAX_BROKEN {
                    commands.push((line, Err(expected("commands that can be read; the rest of the text was not"))));
                    return commands;
                }
            }
        }
        line += newlines(&rest[..rest.len() - next.len()]);
        rest = next;
    }
}

fn is_program(word: &str) -> bool {
    httpie::PROGRAMS.contains(&word) || PROGRAMS.iter().any(|name| word.ends_with(name))
}

impl Command {
    /// Without `sudo` and the like, and variables that are set for this command alone.
    fn without_prefix(mut self) -> Self {
        let program = self.words.iter().position(|word| is_program(word)).unwrap_or_default();
        let is_prefix =
            |word: &String| BEFORE.contains(&word.as_str()) || word.ends_with("()") || assignment(word).is_some();
        if self.words[..program].iter().all(is_prefix) {
            self.words.drain(..program);
        }
        self
    }
}

/// Whether a script is for cmd.exe: outside all quotes, it has `^"` or a line that ends in `^`.
fn is_for_cmd(text: &str) -> bool {
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quote) {
            // `$'…'`, in which `\'` is a quote.
            ('$', None) if characters.next_if_eq(&'\'').is_some() => {
                while let Some(c) = characters.next().filter(|c| *c != '\'') {
                    if c == '\\' {
                        characters.next();
                    }
                }
            }
            ('^', None) if characters.peek().is_some_and(|next| ['"', '\r', '\n'].contains(next)) => return true,
            ('\\', None | Some('"')) => drop(characters.next()),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    false
}

/// Reads a command; `None` if it delivers nothing.
fn entry(command: &Command, directory: Option<&Path>) -> Result<Option<Entry>, ParseError> {
    let mut words = command.words.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let stdin = command.stdin.as_ref();
    if httpie::PROGRAMS.contains(&program) {
        return Httpie::read(program, words, directory)?.entry(stdin);
    }
    let mut curl = Curl::new(stdin, directory, program.ends_with("wget"));
    while let Some(word) = words.next() {
        curl.read(word, &mut words)?;
    }
    curl.entry()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{collected, fields};

    /// Method and target, headers, and body of the one command.
    fn parsed(command: &str) -> (String, String, String) {
        let (entries, _) = collected(command);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        let request = &entry.request;
        (
            format!("{} {}", request.method, request.target),
            fields(request),
            String::from_utf8_lossy(&request.body).into_owned(),
        )
    }

    fn error(command: &str) -> String {
        collected(command).0.remove(0).unwrap_err()
    }

    fn body(command: &str) -> String {
        parsed(command).2
    }

    #[test]
    fn chromes_command_for_bash_is_read() {
        let command = "curl 'https://h/a?b=1' \\\n  -H 'accept: */*' \\\n  -H 'x: it'\\''s' \\\n  --data-raw $'{\"a\":\"it\\'s \\u0021 \\u00e9\\n\"}' \\\n  --compressed ;\n";
        let (line, fields, body) = parsed(command);
        assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1", "{\"a\":\"it's ! \u{e9}\n\"}"));
        assert_eq!(fields, "accept: */*\nx: it's\ncontent-type: application/x-www-form-urlencoded\n");
    }

    #[test]
    fn chromes_command_for_cmd_is_read() {
        let old = "curl \"https://h/a\" ^\r\n  -H \"content-type: application/json\" ^\r\n  --data-raw \"{\\\"a\\\":\\\"b ^% c\\\"}\" ^\r\n  --compressed\r\n";
        assert_eq!(body(old), "{\"a\":\"b % c\"}");
        let new = "curl ^\"https://h/a?b=1^&c=2^\" ^\n  -H ^\"content-type: application/json^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"b^\\^\"^}^\"\n";
        let (line, _, body) = parsed(new);
        assert_eq!((line.as_str(), body.as_str()), ("POST /a?b=1&c=2", "{\"a\":\"b\"}"));
    }

    #[test]
    fn commands_as_people_type_them_are_read() {
        assert_eq!(
            parsed("$ curl -s -XPOST -H'x:y' -H \"a: b\" -d a=1 -d b=2 localhost:4400/a | jq .\n"),
            (
                "POST /a".to_owned(),
                "x: y\na: b\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
                "a=1&b=2".to_owned()
            )
        );
        // The credentials of RFC 7617, section 2.
        assert_eq!(
            parsed("curl --unix-socket /run/a.sock -sSX PUT http://h/a --oauth2-bearer t -u 'Aladdin:open sesame' -vHx:y -da=1"),
            (
                "PUT /a".to_owned(),
                "x: y\ncontent-type: application/x-www-form-urlencoded\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n"
                    .to_owned(),
                "a=1".to_owned()
            )
        );
        assert_eq!(parsed("curl -O http://h/a -d a=1").0, "POST /a");
        assert_eq!(
            parsed("wget -O - --method PUT --header 'x: y' --body-data 'a=1' http://h/a"),
            (
                "PUT /a".to_owned(),
                "x: y\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
                "a=1".to_owned()
            )
        );
        assert_eq!(parsed("curl --json '{\"a\":1}' http://h").1, "content-type: application/json\n");
        assert_eq!(body("curl -X PUT --data-binary \"{\\\"a\\\":\\\"\\\\n\\\"}\" http://h"), "{\"a\":\"\\n\"}");
        assert_eq!(collected("# two\ncurl -d a http://h\n\ncurl -d b http://h\ncurl http://h\n").0.len(), 2);
    }

    #[test]
    fn a_body_from_printf_is_read() {
        let command = "printf '\\173\\000\\175' | curl --request POST --url http://h/a \\\n  --header \"$(printf '\\170\\072\\040\\374')\" \\\n  --header 'accept:' \\\n  --header 'content-type:' \\\n  --data-binary @-\n";
        assert_eq!(parsed(command), ("POST /a".to_owned(), "x: \u{fc}\n".to_owned(), "{\0}".to_owned()));
    }

    #[test]
    fn what_echo_and_printf_write_into_a_command_is_its_body() {
        // As printed by bash 5.2.
        for (command, written) in [
            ("printf '%s' '{\"a\":\"\\n\"}' | curl http://h/a --data-binary @-", "{\"a\":\"\\n\"}"),
            ("printf '%s\\n' '{}' | curl http://h/a --data-binary @-", "{}\n"),
            ("printf '{\"a\":\"\\\\n 5%%\"}\\n' | curl http://h/a --data-binary @-", "{\"a\":\"\\n 5%\"}\n"),
            ("echo '{}' | curl http://h/a --data-binary @-", "{}\n"),
            ("echo -n '{}' | curl http://h/a --data-binary @-", "{}"),
            ("$ echo '{}' | curl http://h/a -d @-", "{}"),
        ] {
            assert_eq!(body(command), written, "{command}");
        }
        let flags = error("echo -e '{}' | curl http://h/a --data-binary @-");
        assert_eq!(flags, "line 1: expected the body in the command, found an `echo -e`");
        let unreadable = error("printf '%d' 7 | curl http://h/a --data-binary @-");
        assert_eq!(unreadable, "line 1: expected the body in the command, found a `printf` with arguments");
    }

    #[test]
    fn a_script_may_set_variables_before_its_commands() {
        let request = (
            "POST /a".to_owned(),
            "x: y\ncontent-type: application/x-www-form-urlencoded\n".to_owned(),
            "{\"a\":1}".to_owned(),
        );
        for script in [
            "#!/bin/bash\nset -e\n\nBODY='{\"a\":1}'\nexport X=y\nURL=\"http://h\"\ncurl -H \"x: $X\" -d \"$BODY\" ${URL}/a 2>&1 >/dev/null && echo \"it's done\"\n",
            "Here's how:\n\n```bash\nX=y\ncurl -H \"x: $X\" -d '{\"a\":1}' http://h/a\n```\nIt's done.\n",
            "me@host:~/hooks$ time curl -H 'x: y' -d '{\"a\":1}' http://h/a\n{\"it's\":1}\nreal 0m0.1s\n",
            "cat <<'EOF' | sudo curl -H 'x: y' -d @- http://h/a\n{\"a\":1}\nEOF\n",
        ] {
            let (entries, notes) = collected(script);
            let [Ok(entry)] = &entries[..] else { panic!("{script}: {entries:?}") };
            let (read, body) = (&entry.request, String::from_utf8_lossy(&entry.request.body).into_owned());
            assert_eq!((format!("{} {}", read.method, read.target), fields(read), body), request, "{script}");
            assert_eq!(notes, Vec::<String>::new(), "{script}");
        }
        let unknown = error("SIG=$(sign body)\ncurl -H \"x: $SIG\" -d a http://h/a\n");
        assert_eq!(unknown, "line 2: expected a command without variables or substitutions, found \"$SIG\"");
    }

    #[test]
    fn a_variable_that_only_running_tells_is_an_error() {
        for change in [
            "A+=more",
            "unset A",
            "read A",
            "read -r B A",
            "A=$(date)",
            "export B=1 A=$(date)",
            "export B=1 A+=2",
            "for A in 1 2; do",
        ] {
            let error = error(&format!("#!/bin/sh\nA=old\n{change}\ncurl -d \"$A\" http://h/a\n"));
            assert!(error.ends_with("without variables or substitutions, found \"$A\""), "{change}: {error}");
        }
        for kept in ["A=new ./run.sh", "export A", "export B=1"] {
            assert_eq!(body(&format!("#!/bin/sh\nA=old\n{kept}\ncurl -d \"$A\" http://h/a\n")), "old", "{kept}");
        }
        let secret = error("curl -u \"$A:sk_live\" -d a http://h/a\n");
        assert!(!secret.contains("sk_live"), "{secret}");
    }

    #[test]
    fn commands_within_a_line_are_read() {
        for command in [
            "if true; then curl -d a http://h/a; fi",
            "for i in 1 2; do curl -d a http://h/a; done",
            "send() { curl -d a http://h/a; }",
            "if ! curl -d a http://h/a; then exit 1; fi",
        ] {
            assert_eq!(body(&format!("#!/usr/bin/env bash\n{command}\n")), "a", "{command}");
        }
    }

    #[test]
    fn a_script_is_recognised_by_its_first_line_or_after_a_value_of_several_lines() {
        for (script, sent) in [
            ("BODY='{\n  \"a\": 1\n}'\ncurl -d \"$BODY\" http://h/a\n", "{\n  \"a\": 1\n}"),
            ("BODY=\"{\n  \\\"a\\\": 1\n}\"\ncurl -d \"$BODY\" http://h/a\n", "{\n  \"a\": 1\n}"),
            ("#!/bin/bash\nif [ a = b ]; then exit 1; fi\ncurl -d a http://h/a\n", "a"),
        ] {
            assert_eq!(body(script), sent, "{script}");
        }
    }

    #[test]
    fn a_body_that_only_running_tells_is_an_error() {
        for (command, program) in [
            ("printf '%s' '{}' | tee x | curl -d @- http://h/a", "tee"),
            ("echo '{}' | tr a b | curl -d @- http://h/a", "tr"),
            ("jq -c . a.json | curl -d @- http://h/a", "jq"),
        ] {
            let (entries, _) = collected(&format!("curl -d a http://h/a\n{command}\n"));
            let error = format!("line 2: expected the body in the script, found what \"{program}\" writes");
            assert_eq!(entries[1].as_ref().map(|_| ()), Err(&error), "{command}");
        }
    }

    #[test]
    fn variables_that_double_are_an_error() {
        let doubling: String = (0..40).map(|_| "A=\"$A$A\"\n").collect();
        let (entries, _) = collected(&format!("A=xxxxxxxx\n{doubling}curl -d \"$A\" http://h/a\n"));
        assert!(matches!(&entries[..], [Err(_)]), "{}", entries.len());
    }

    #[test]
    fn fields_are_encoded_as_curl_does() {
        // As sent by curl 7.88.1.
        let command = "curl http://h/a --data-urlencode 'payload={\"a\":\"x y+~*\u{e9}\"}' --data-urlencode '=z y' --data-urlencode 'q r'";
        assert_eq!(body(command), "payload=%7B%22a%22%3A%22x+y%2B~%2A%C3%A9%22%7D&z+y&q+r");
    }

    #[test]
    fn a_caret_in_a_body_makes_no_command_one_for_cmd() {
        for body_text in ["{\"re\":\"^\",\"b\":\"c\"}", "it ^\nis"] {
            let command = format!("curl http://h/a -H 'x: y' -d '{body_text}'");
            let (line, _, body) = parsed(&command);
            assert_eq!((line.as_str(), body.as_str()), ("POST /a", body_text));
        }
        assert_eq!(body("curl http://h/a -d $'{\"re\":\"it\\'s ^\"}'"), "{\"re\":\"it's ^\"}");
        assert_eq!(body("curl http://h/a -d \"{\\\"re\\\":\\\"^\\\"}\""), "{\"re\":\"^\"}");
    }

    #[test]
    fn a_comment_is_no_argument_and_a_second_url_is_an_error() {
        assert_eq!(parsed("curl http://h/a#b -d '{}' # it's a note").0, "POST /a");
        let two = error("curl http://h/a http://h/b -d '{}'");
        assert_eq!(two, "line 1: expected one URL, found \"http://h/a\" and \"http://h/b\"");
    }

    #[test]
    fn a_command_that_cannot_be_read_hides_no_other() {
        let (entries, _) = collected("curl -H \"a: $SIG\" -d a http://h\n\ncurl -d b http://h/b\ncurl -d 'c");
        let results: Vec<_> = entries.into_iter().map(|entry| entry.map(|entry| entry.request.target)).collect();
        assert_eq!(results[1], Ok("/b".to_owned()));
        assert!(results[0].is_err());
        assert_eq!(results[2], Err("line 4: expected a closing `'`".to_owned()));
    }

    #[test]
    fn variables_and_standard_input_are_an_error() {
        assert_eq!(
            error("curl -H \"signature: $SIG\" -d a http://h"),
            "line 1: expected a command without variables or substitutions, found \"$SIG\""
        );
        assert_eq!(error("curl -d 'a http://h"), "line 1: expected a closing `'`");
        assert_eq!(
            error("curl --data-binary @- http://h"),
            "line 1: expected the body in the command, found `@-`: it came from standard input"
        );
    }
}
