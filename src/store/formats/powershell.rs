//! PowerShell's `Invoke-WebRequest` and `Invoke-RestMethod`, as browsers copy them ("Copy as PowerShell") and as people
//! write them, with variables for headers and body.
//!
//! Nothing is run, so anything that needs another variable or a command is an error.

mod script;

use std::collections::HashMap;

use self::script::{ScriptCursor, ScriptValue, Statement};
use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input, MAX_BROKEN, newlines,
    parts::{self, ParseError, expected, quoted},
    position::Start,
    whole,
};
use crate::webhook::request::{Headers, Request};

/// A request as a PowerShell command.
pub(super) struct PowerShell;

/// How many lines that set variables are read.
const MAX_VARIABLES: usize = 64;

/// The parameters that take no value, in lower case; a URL may follow them.
const SWITCHES: [&str; 12] = [
    "allowunencryptedauthentication",
    "debug",
    "disablekeepalive",
    "nobanner",
    "noproxy",
    "passthru",
    "preserveauthorizationonredirect",
    "skipcertificatecheck",
    "skipheadervalidation",
    "skiphttperrorcheck",
    "usebasicparsing",
    "verbose",
];

const COMMANDS: [&str; 4] = ["invoke-webrequest", "invoke-restmethod", "iwr", "irm"];

impl Format for PowerShell {
    fn name(&self) -> &'static str {
        "a PowerShell command"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The head may end within a character.
        let text = String::from_utf8_lossy(head);
        let mut lines = text.lines().map(|line| without_prompt(line.trim_start()));
        let first = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
        let starts = first.starts_with('$') || COMMANDS.iter().any(|name| is_command(first, name));
        starts && command(&text).is_some()
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let input = whole(input)?;
        let text = String::from_utf8_lossy(&input);
        let mut collected = Collected::default();
        let mut variables = HashMap::new();
        let (mut rest, mut line) = (&*text, 1);
        while let Some(start) = command(rest) {
            set_variables(&rest[..start], &mut variables);
            line += newlines(&rest[..start]);
            let mut script = ScriptCursor { rest: &rest[start..], variables: &variables };
            match entry(&mut script) {
                Ok(Some(entry)) => collected.push(Ok(Entry { line: Some(line), ..entry })),
                Ok(None) => collected.count_skipped(),
                Err(error) => {
                    collected.push(Err(EntryFault::at(Start::of_line(line), error)));
                    if collected.faults >= MAX_BROKEN {
                        break;
                    }
                    // The end of the command is unknown, but the next one probably starts a line.
                    script.rest = rest[start..].split_once('\n').map_or("", |(_, rest)| rest);
                }
            }
            line += newlines(&rest[start..rest.len() - script.rest.len()]);
            rest = script.rest;
        }
        Ok(Box::new(collected))
    }
}

/// A line without a copied prompt, `PS C:\> `.
fn without_prompt(line: &str) -> &str {
    line.strip_prefix("PS ").and_then(|line| line.split_once("> ")).map_or(line, |(_, command)| command)
}

fn is_command(line: &str, name: &str) -> bool {
    let start = line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    start && line[name.len()..].starts_with(|c: char| c.is_whitespace())
}

/// The offset of the first command, which may follow `$response = `.
fn command(text: &str) -> Option<usize> {
    let starts = text.char_indices().filter(|(at, _)| *at == 0 || text[..*at].ends_with(|c: char| c.is_whitespace()));
    starts.map(|(at, _)| at).find(|at| COMMANDS.iter().any(|name| is_command(&text[*at..], name)))
}

/// The request of the command that the script starts with; `None` if it delivers nothing.
fn entry(script: &mut ScriptCursor<'_, '_>) -> Result<Option<Entry>, ParseError> {
    script.word();
    let (mut url, mut method, mut body) = (None, "GET".to_owned(), None);
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(ScriptValue::Text(agent)) = script.variables.get("session.useragent") {
        headers.push(("user-agent".to_owned(), agent.clone()));
    }
    while let Some(name) = script.parameter() {
        match name.to_ascii_lowercase().as_str() {
            "" if script.rest.starts_with('@') => {
                return Err(expected(format!("the parameters in the command, found {}", quoted(script.word()))));
            }
            "uri" | "url" | "" => url = Some(script.value()?.text("URL")?),
            "method" => method = script.value()?.text("method")?.to_ascii_uppercase(),
            "contenttype" => headers.push(("content-type".to_owned(), script.value()?.text("content type")?)),
            "useragent" => headers.push(("user-agent".to_owned(), script.value()?.text("user agent")?)),
            "headers" => match script.value()? {
                ScriptValue::Table(fields) => headers.extend(fields),
                ScriptValue::Text(text) => {
                    return Err(expected(format!("a table of headers, found {}", quoted(&text))));
                }
            },
            "body" => body = Some(script.value()?.text("body")?),
            "infile" => return Err(expected("the body in -Body, found -InFile")),
            name if SWITCHES.contains(&name) || script.is_at_parameter() => {}
            _ => drop(script.value()),
        }
    }
    let url = url.ok_or_else(|| expected("-Uri"))?;
    let method = parts::method("-Method", &method)?;
    let Some(body) = body.filter(|body| !body.is_empty() && parts::delivers(&method)) else { return Ok(None) };
    let headers =
        headers.iter().map(|(name, value)| parts::foreign_field(name, value)).collect::<Result<Headers, _>>()?;
    let target = parts::written_target("-Uri", &url)?;
    let mut request = Request { method, target, headers, body: body.into() };
    let notes = parts::body_notes(&mut request);
    Ok(Some(Entry { notes, ..Entry::called(&url, request) }))
}

/// Reads the variables set before a command, and their properties.
fn set_variables(text: &str, variables: &mut HashMap<String, ScriptValue>) {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut end = 0;
    for (number, start) in starts.filter(|start| text[*start..].starts_with('$')).enumerate() {
        let Some(line) = text[start..].strip_prefix('$').filter(|_| start >= end) else { continue };
        let mut script = ScriptCursor { rest: line, variables: &*variables };
        let statement = if number < MAX_VARIABLES { script.statement() } else { None };
        let Some(Statement { variable, key, value }) = statement else {
            // It may change the variable: `$a += …`, `$a.Remove(…)`.
            let name = line.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).next().unwrap_or_default();
            variables.remove(&name.to_ascii_lowercase());
            continue;
        };
        end = text.len() - script.rest.len();
        match (key, variables.get_mut(&variable), value) {
            (Some(key), Some(ScriptValue::Table(fields)), ScriptValue::Text(value)) => fields.push((key, value)),
            (Some(_), ..) => {}
            (None, _, value) => drop(variables.insert(variable, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    fn read(text: &str) -> (String, String, String) {
        let (entries, _) = collected(text);
        let [Ok(entry)] = &entries[..] else { panic!("{text}: {entries:?}") };
        let request = &entry.request;
        let line = format!("{} {}", request.method, request.target);
        (line, fields(request), String::from_utf8_lossy(&request.body).into_owned())
    }

    #[test]
    fn values_within_values_are_an_error_however_deep() {
        for value in ["(UTF8.GetBytes(", "@{ ", "@{ a = "] {
            let text = format!("Invoke-WebRequest -Uri http://h/a -Method POST -Body {}\n", value.repeat(100_000));
            let (entries, _) = collected(&text);
            assert!(matches!(&entries[..], [Err(_)]), "{value}");
        }
    }

    #[test]
    fn a_command_is_read_as_browsers_copy_it() {
        let text = "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n$session.UserAgent = \"Mozilla/5.0\"\nInvoke-WebRequest -UseBasicParsing -Uri \"https://h.example/a?b=1\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\"x-a\"=\"b\"\n  \"x-c\"=\"`\"d`\"\"\n} `\n-ContentType \"application/json\" `\n-Body ([System.Text.Encoding]::UTF8.GetBytes(\"{`\"n`\":`\"caf$([char]233)`\"}\"))\n";
        let (line, fields, body) = read(text);
        assert_eq!(line, "POST /a?b=1");
        assert_eq!(fields, "user-agent: Mozilla/5.0\nx-a: b\nx-c: \"d\"\ncontent-type: application/json\n");
        assert_eq!(body, "{\"n\":\"caf\u{e9}\"}");
    }

    #[test]
    fn a_command_is_read_as_people_write_it() {
        let expected = ("POST /a".to_owned(), "X-A: b\n".to_owned(), "{\"n\": \"it's\"}".to_owned());
        for text in [
            "Invoke-RestMethod -Uri http://h/a -Method Post -Headers @{ 'X-A' = 'b' } -Body '{\"n\": \"it''s\"}'\n",
            "$response = iwr http://h/a -Method POST -Headers @{ 'X-A' = 'b' } -Body '{\"n\": \"it''s\"}'\n",
            "# a note\nPS C:\\hooks> Invoke-RestMethod -Uri http://h/a -Method Post -Headers @{ 'X-A' = 'b' } -Body '{\"n\": \"it''s\"}'\n",
            "$headers = @{}\n$headers['X-A'] = 'b'\nirm -Method Post -Uri http://h/a -Headers $headers -Body '{\"n\": \"it''s\"}'\n",
            // As Postman generates it.
            "$headers = New-Object \"System.Collections.Generic.Dictionary[[String],[String]]\"\n$headers.Add(\"X-A\", \"b\")\n\n$body = @\"\n{`\"n`\": `\"it's`\"}\n\"@\n\n$response = Invoke-RestMethod 'http://h/a' -Method 'POST' -Headers $headers -Body $body\n",
            "$headers = @{\n  'X-A' = 'b'\n}\n$body = @'\n{\"n\": \"it's\"}\n'@\nirm -Method Post -Uri 'http://h/a' -Headers $headers -Body $body\n",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn every_command_of_a_script_is_read() {
        // "Copy all as PowerShell" separates them with `;`.
        let text = "$session = New-Object X\n$session.UserAgent = \"M\"\nInvoke-WebRequest -Uri \"http://h/a\" `\n-Method \"POST\" `\n-Body \"{}\";\nirm http://h/b -Method Post -Body $unset\nirm http://h/c -Method Post -Body '[]'\n";
        let (entries, _) = collected(text);
        let targets: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|entry| &*entry.request.target)).collect();
        assert_eq!((targets[0], targets[2], targets.len()), (Ok("/a"), Ok("/c"), 3));
        let error = targets[1].unwrap_err();
        assert!(error.starts_with("line 6: expected text, a table or a variable"), "{error}");
    }

    #[test]
    fn a_switch_takes_no_value() {
        let text = "irm http://h/a -SkipHeaderValidation -Method Post -Verbose -Body '{}' -PassThru\n";
        assert_eq!(read(text), ("POST /a".to_owned(), String::new(), "{}".to_owned()));
        let before = "Invoke-WebRequest -UseBasicParsing http://h/a -Method Post -Body '{}'\n";
        assert_eq!(read(before).0, "POST /a");
        let unknown = "irm http://h/a -TimeoutSec 5 -Method Post -MaximumRetryCount -1 -Body '{}'\n";
        assert_eq!(read(unknown).2, "{}");
    }

    #[test]
    fn characters_beyond_the_first_plane_are_read() {
        // As Chrome writes U+1F600.
        let text = "irm http://h/a -Method Post -Body \"a$([char]55357)$([char]56832)$([char]233)\"\n";
        assert_eq!(read(text).2, "a\u{1f600}\u{e9}");
        let (entries, _) = collected("irm http://h/a -Method Post -Body \"$([char]55357)b\"\n");
        assert_eq!(entries[0].as_ref().unwrap_err(), "line 1: expected a character, found \"$([char]55357)b\\\"\"");
    }

    #[test]
    fn a_variable_that_only_running_tells_is_an_error() {
        for change in [
            "$a += 'c'",
            "$a = 'b' + 'c'",
            "$a = 'b'.Replace('b', 'c')",
            "$a = 'b' -replace 'b', 'c'",
            "$a = b 'c'",
            "$a = $a | d",
        ] {
            let (entries, _) = collected(&format!("$a = 'old'\n{change}\nirm http://h/a -Method Post -Body $a\n"));
            let error = "line 3: expected text, a table or a variable set earlier, found \"$a\"";
            assert_eq!(entries[0].as_ref().map(|_| ()), Err(&error.to_owned()), "{change}");
        }
        assert_eq!(read("$a = 'b'; # c\n$d = $a # e\nirm http://h/a -Method Post -Body $d\n").2, "b");
        let (entries, _) = collected("irm http://h/a -Method Post -Headers @{ 'x' = ('sk_live' + $a) } -Body 'b'\n");
        let error = "line 1: expected text, a table or a variable set earlier, found an expression";
        assert_eq!(entries[0].as_ref().map(|_| ()), Err(&error.to_owned()));
    }

    #[test]
    fn what_only_running_the_command_shows_is_an_error() {
        let expected = "expected text, a table or a variable set earlier, found";
        for (body, error) in [
            ("($data | ConvertTo-Json)", format!("line 1: {expected} an expression")),
            ("$unset", format!("line 1: {expected} \"$unset\"")),
            ("\"{$x}\"", "line 1: expected a string without variables, or one in single quotes".to_owned()),
        ] {
            let (entries, _) = collected(&format!("irm http://h/a -Method Post -Body {body}\n"));
            let read: Vec<_> = entries.iter().map(|entry| entry.as_ref().map(|_| ())).collect();
            assert_eq!(read, [Err(&error)], "{body}");
        }
    }
}
