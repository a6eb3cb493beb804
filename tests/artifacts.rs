//! The files that the program generates are up to date: completion scripts, man pages, the index of the built-in
//! providers, and the generated parts of the README and of the pages in `docs/`.
//!
//! `HOOKDEV_UPDATE=1 cargo test --test artifacts` updates them all.
#![allow(clippy::unwrap_used)] // all of it is test code, outside of test functions too

mod difference;
mod machine;
mod pages;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction};
use difference::assert_text;
use hookdev::{
    commands,
    engine::receive::{MAX_IN_FLIGHT, MAX_VERIFIED_IN_FLIGHT},
    net::receiver::{LONGEST_METHOD, MAX_FIELDS, ReceiverLimits, UNMETERED_BYTES},
    webhook::{
        diagnose::{CODES, Code},
        json::{MAX_DEPTH, MAX_VALUES},
        payload::{MAX_DECODED_BYTES, MAX_FORM_FIELDS},
        place::Place,
        provider::{Provider, catalog::Catalog, files::BuiltIn, index::IndexEntry, manifest::keys::TABLES},
        redact::KEPT_HEADERS,
        signature::{Scheme, content::SignedContent, grammar::MAX_SIGNATURES},
    },
};
use serde_json::Value;

const RENEW: &str = "HOOKDEV_UPDATE=1 cargo test --test artifacts";

/// The completion scripts, each with the shell as clap calls it.
const SCRIPTS: [(&str, &str); 5] = [
    ("_hookdev", "zsh"),
    ("hookdev.bash", "bash"),
    ("hookdev.elv", "elvish"),
    ("hookdev.fish", "fish"),
    ("hookdev.ps1", "powershell"),
];

/// Comes after the script for zsh: a file of `$fpath` is loaded by the first TAB of a shell, and clap's
/// script would leave that one unanswered.
const ZSH_FIRST_TAB: &str = r#"
if [[ "${funcstack[1]}" = _hookdev ]]; then
    _clap_dynamic_completer_hookdev "$@"
fi
"#;

/// The width that a synopsis is broken at.
const WIDTH: usize = 100;

#[test]
fn completion_scripts_and_man_pages_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let expected: BTreeMap<PathBuf, String> = completion_scripts().chain(man_pages()).collect();
    let mut actual: BTreeMap<PathBuf, String> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&root) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&root).unwrap().to_owned();
            actual.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
    if updating() {
        for orphan in actual.keys().filter(|path| !expected.contains_key(*path)) {
            fs::remove_file(root.join(orphan)).unwrap();
        }
        fs::create_dir_all(root.join("man")).unwrap();
        for (path, text) in expected {
            fs::write(root.join(path), text).unwrap();
        }
        return;
    }
    let orphans: Vec<_> = actual.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(orphans.is_empty(), "completions/ has files that nothing writes, {orphans:?}; renew it: {RENEW}");
    for (path, text) in expected {
        let of = format!("completions/{} is not what the program writes now; renew it: {RENEW}", path.display());
        assert_text(actual.get(&path).map_or("", String::as_str), &text, &of);
    }
}

#[test]
fn the_generated_parts_of_the_pages_are_up_to_date() {
    let parts = parts();
    let mut unused: BTreeSet<&str> = parts.keys().map(String::as_str).collect();
    for path in pages::all() {
        let name = pages::name(&path);
        let page = fs::read_to_string(&path).unwrap();
        let renewed = fill(&page, &parts, &mut unused).unwrap_or_else(|error| panic!("{name}: {error}"));
        if updating() {
            if page != renewed {
                fs::write(&path, renewed).unwrap();
            }
        } else {
            assert_text(&page, &renewed, &format!("{name} is not what the program writes now; renew it: {RENEW}"));
        }
    }
    assert_eq!(unused, BTreeSet::new(), "no page has a marker for these parts");
}

#[test]
fn the_index_of_the_built_in_providers_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/index.ndjson");
    let mut expected = Vec::new();
    for built_in in BuiltIn::all() {
        let provider = Provider::load(built_in.files()).unwrap();
        IndexEntry::of(&provider).push_line(built_in.manifest, &mut expected);
    }
    let expected = String::from_utf8(expected).unwrap();
    if updating() {
        fs::write(&path, expected).unwrap();
        return;
    }
    let actual = fs::read_to_string(&path).unwrap_or_default();
    assert_text(
        &actual,
        &expected,
        &format!("fixtures/index.ndjson is not what the manifests say now; renew it: {RENEW}"),
    );
    for (entry, built_in) in Catalog::builtin().entries().zip(BuiltIn::all()) {
        assert!(built_in.is_indexed(), "build.rs finds no line for {}", built_in.name);
        assert_eq!(entry.index(), &IndexEntry::of(entry.load().unwrap()), "{}", built_in.name);
    }
}

fn updating() -> bool {
    env::var("HOOKDEV_UPDATE").is_ok_and(|value| value == "1")
}

/// The scripts as the program's own completion engine writes them.
fn completion_scripts() -> impl Iterator<Item = (PathBuf, String)> {
    SCRIPTS.into_iter().map(|(file, shell)| {
        let output = machine::hookdev().env("COMPLETE", shell).output();
        let output = output.expect("the program can be run");
        assert!(output.status.success(), "{shell}: {output:?}");
        let script = String::from_utf8(output.stdout).expect("scripts are UTF-8");
        (file.into(), if shell == "zsh" { script + ZSH_FIRST_TAB } else { script })
    })
}

fn man_pages() -> impl Iterator<Item = (PathBuf, String)> {
    let mut root = commands::command().disable_help_subcommand(true);
    root.build();
    with_subcommands(&root).into_iter().map(|command| {
        let page = clap_mangen::Man::new(command).source(concat!("hookdev ", env!("CARGO_PKG_VERSION")));
        let mut text = Vec::new();
        page.render(&mut text).expect("memory can be written");
        let text = String::from_utf8(text).expect("pages are UTF-8");
        // Examples keep their lines: a command that is broken between syllables can't be copied.
        let text = text.replace(".SH EXTRA\n", ".SH EXTRA\n.nf\n").replace(".SH VERSION\n", ".fi\n.SH VERSION\n");
        (Path::new("man").join(page.get_filename()), text)
    })
}

/// A command, and all commands below it.
fn with_subcommands(command: &clap::Command) -> Vec<clap::Command> {
    std::iter::once(command.clone()).chain(command.get_subcommands().flat_map(with_subcommands)).collect()
}

/// The generated parts of the pages, by the names of their markers.
fn parts() -> BTreeMap<String, String> {
    let mut parts = BTreeMap::from([
        ("commands", commands()),
        ("findings", findings()),
        ("limits", limits()),
        ("kept-headers", kept_headers()),
        ("providers", providers(&Catalog::builtin())),
        ("signatures", signatures(&Catalog::builtin())),
    ]);
    parts.extend(TABLES.map(|table| (table.name, table.markdown())));
    let owned = parts.into_iter().map(|(name, part)| (name.to_owned(), part));
    owned.chain(objects()).chain(handlers()).collect()
}

/// A text with each part between its markers, `<!-- begin generated: NAME -->` and `<!-- end generated -->`, which are
/// removed from `unused`; an error if a marker names no part, or has no end.
fn fill(text: &str, parts: &BTreeMap<String, String>, unused: &mut BTreeSet<&str>) -> Result<String, String> {
    let mut filled = String::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        filled.push_str(line);
        let name = line.trim_end().strip_prefix("<!-- begin generated: ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some(name) = name else { continue };
        let part = parts.get(name).ok_or_else(|| format!("nothing writes the part `{name}`"))?;
        unused.remove(name);
        let end = lines.by_ref().find(|line| line.trim_end() == "<!-- end generated -->");
        let end = end.ok_or_else(|| format!("the part `{name}` has no end"))?;
        filled.extend(["\n", part.trim_end(), "\n\n", end]);
    }
    Ok(filled)
}

/// A table for each object of the JSON output, from the schema of the output: its keys, their types and meanings.
fn objects() -> impl Iterator<Item = (String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/output.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let objects: Vec<_> = schema["$defs"].as_object().unwrap().clone().into_iter().collect();
    objects.into_iter().filter_map(|(name, object)| {
        let properties = object.get("properties")?.as_object()?;
        // In the order of the output, which the list of required keys has.
        let required: Vec<&str> = object["required"].as_array()?.iter().map(|key| key.as_str().unwrap()).collect();
        let optional = properties.keys().map(String::as_str).filter(|key| !required.contains(key));
        let rows = required.iter().copied().chain(optional).map(|key| {
            let value = &properties[key];
            let key = if required.contains(&key) { format!("`{key}`") } else { format!("*`{key}`*") };
            let description = value["description"].as_str().unwrap_or_else(|| panic!("{name}.{key} says nothing"));
            format!("| {key} | {} | {description} |\n", json_type(value))
        });
        let table = format!("| key | type | means |\n| --- | --- | --- |\n{}", rows.collect::<String>());
        Some((format!("json-{name}"), table))
    })
}

/// The type of a value in words, from its schema.
fn json_type(schema: &Value) -> String {
    let choice =
        |value: &Value| if value.is_null() { "null".to_owned() } else { format!("`{}`", value.as_str().unwrap()) };
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().map(choice).collect::<Vec<_>>().join(", ");
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        return alternatives.iter().map(json_type).collect::<Vec<_>>().join(" or ");
    }
    match (&schema["$ref"], &schema["type"], &schema["const"]) {
        (Value::String(target), ..) => match target.trim_start_matches("#/$defs/") {
            "headers" => "array of pairs".to_owned(),
            "http-request" => "[request](#received-request)".to_owned(),
            "http-response" => "[response](#response)".to_owned(),
            part => format!("[{part}](#{part})"),
        },
        (_, Value::String(name), _) if name == "array" => match json_type(&schema["items"]).as_str() {
            "object" => "array of objects".to_owned(),
            "string" => "array of strings".to_owned(),
            items => format!("array of {items}"),
        },
        (_, Value::String(name), _) => name.clone(),
        (_, Value::Array(names), _) => names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" or "),
        (.., Value::String(_)) => "string".to_owned(),
        (.., Value::Number(_)) => "integer".to_owned(),
        _ => "any".to_owned(),
    }
}

/// The handlers in `docs/handlers` as code blocks, by the paths of their files there.
fn handlers() -> impl Iterator<Item = (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handlers");
    let files =
        walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(move |entry| {
        let language = match entry.path().extension().and_then(|extension| extension.to_str()) {
            Some("mjs" | "js") => "js",
            Some("py") => "python",
            Some("rb") => "ruby",
            Some("php") => "php",
            Some("go") => "go",
            Some("rs") => "rust",
            extension => panic!("docs/handlers has a file of an unknown language: {extension:?}"),
        };
        let name = entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        (name, format!("```{language}\n{}```\n", fs::read_to_string(entry.path()).unwrap()))
    })
}

/// A table of the findings that explain a rejection.
fn findings() -> String {
    let row = |code: &Code| format!("| `{code}` | {} | {} |\n", code.meaning(), code.example());
    let rows = CODES.iter().map(row);
    format!("| finding | what was wrong | for example |\n| --- | --- | --- |\n{}", rows.collect::<String>())
}

/// The headers that `--redact` keeps.
fn kept_headers() -> String {
    let names = KEPT_HEADERS.map(|name| format!("`{name}`")).join(", ");
    let (mut text, mut line) = (String::new(), String::new());
    for word in names.split(' ') {
        if line.len() + word.len() >= WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clear();
        }
        line.push_str(word);
        line.push(' ');
    }
    format!("{text}{}\n", line.trim_end())
}

/// A table of the limits of `listen`, and of what happens beyond them.
fn limits() -> String {
    let ReceiverLimits {
        head_bytes,
        target,
        body,
        bodies,
        head_time,
        body_time,
        body_rate,
        response_time,
        connections,
        pause: _,
        drain: _,
        half_close: _,
    } = ReceiverLimits::default();
    let (head_bytes, target, body, free) = (size(head_bytes), size(target), size(body), size(UNMETERED_BYTES));
    let (bodies, body_rate, decoded) = (size(bodies), size(body_rate), size(MAX_DECODED_BYTES));
    let [head_time, body_time, response_time] = [head_time, body_time, response_time].map(|time| time.as_secs());
    format!(
        "| what | limit | if exceeded |\n| --- | --- | --- |\n\
         | request head | {head_bytes}, {MAX_FIELDS} fields | 431 |\n\
         | method | {LONGEST_METHOD} bytes | 501 |\n\
         | request target | {target} | 414 |\n\
         | body | {body}, or `--max-body` | 413 |\n\
         | time for a head, and between two requests | {head_time} s | the connection is closed |\n\
         | time for a body | {body_time} s, plus 1 s per {body_rate} received | 408 |\n\
         | time during which the sender reads none of the response | {response_time} s | the connection is closed |\n\
         | connections that are idle, or that send or receive | {connections} | the one whose sender has been silent longest, at least 1 s, is closed |\n\
         | requests that wait for their response | {connections}, besides those connections | further ones count as connections |\n\
         | deliveries in progress at one `--forward` target | {MAX_IN_FLIGHT}, and {MAX_VERIFIED_IN_FLIGHT} more that your own secret verifies | 503 with `retry-after: 1` |\n\
         | all bodies in memory, not counting the first {free} of each | {bodies}, or `--max-body` if more | the next one waits up to {body_time} s, then gets 503; a sender that pauses for a second loses its share |\n\
         | decompressed body | {decoded} | its signature is verified; the payload is not decoded |\n\
         | JSON values, and their depth | {MAX_VALUES} values, {MAX_DEPTH} levels | its signature is verified; the payload is not parsed |\n\
         | form fields | {MAX_FORM_FIELDS} | the same, unless the fields themselves are signed: then the delivery is rejected |\n\
         | signatures in one header | {MAX_SIGNATURES} | rejected: `malformed-header` |\n"
    )
}

/// Bytes in the unit that leaves no remainder.
fn size(bytes: usize) -> String {
    let mebibytes = bytes >> 20;
    if mebibytes << 20 == bytes { format!("{mebibytes} MiB") } else { format!("{} KiB", bytes >> 10) }
}

/// A table of the providers: how each signs, and what it requires of a handler.
fn providers(catalog: &Catalog) -> String {
    let header = "| provider | signs with | secret | success | events |\n| --- | --- | --- | --- | --- |\n";
    let rows = catalog.providers().map(|provider| {
        let Provider { name, title, events, delivery, .. } = provider.as_ref();
        let secret = provider.secret.as_ref().and_then(|rule| rule.env.as_ref());
        let secret = secret.map_or_else(|| "none".to_owned(), |variable| format!("`{variable}`"));
        let within = delivery.timeout.map(|limit| format!(" within {} s", limit.as_secs_f64())).unwrap_or_default();
        format!(
            "| [{title}](../fixtures/{name}) | {} | {secret} | {}{within} | {}, `{name}.*` |\n",
            signs(&provider.schemes),
            delivery.success_in_words(),
            events.len(),
        )
    });
    header.to_owned() + &rows.collect::<String>()
}

/// A table of the providers by what they sign with.
fn signatures(catalog: &Catalog) -> String {
    const KINDS: [&str; 6] = [
        "HMAC or hash, with a timestamp",
        "HMAC or hash, without a timestamp",
        "public key (Ed25519, ECDSA, RSA)",
        "JSON Web Token",
        "static token",
        "nothing",
    ];
    let mut titles: [Vec<&str>; KINDS.len()] = Default::default();
    let providers: Vec<_> = catalog.providers().collect();
    for provider in &providers {
        let kind = match provider.schemes.first() {
            None => 5,
            Some(scheme) => match scheme.algorithm.to_string() {
                name if name.contains("token") => 4,
                name if name.starts_with("JWT") => 3,
                name if ["Ed25519", "ECDSA", "RSA"].iter().any(|key| name.starts_with(key)) => 2,
                _ => usize::from(!scheme.content.as_str().contains("{timestamp}")),
            },
        };
        titles[kind].push(&provider.title);
    }
    let rows = KINDS.iter().zip(&titles).map(|(kind, titles)| format!("| {kind} | {} |\n", titles.join(", ")));
    format!("| signature | providers |\n| --- | --- |\n{}", rows.collect::<String>())
}

/// The scheme that signs, and the other ones that verify.
fn signs(schemes: &[Scheme]) -> String {
    let signed = |scheme: &Scheme| match scheme.algorithm.to_string() {
        // It is sent as it is, whatever else is sent.
        token if token.contains("token") => token,
        name => {
            let claim =
                |(place, content): &(Place, SignedContent)| format!(", whose `{place}` is `{}`", content.as_str());
            let claims: String = scheme.place_claims.iter().map(claim).collect();
            format!("{name} of `{}`{claims}", scheme.content.as_str().replace('\n', "\\n"))
        }
    };
    // A place other than a header is described in words.
    let place = |scheme: &Scheme| match scheme.signature.to_string() {
        words if words.contains(' ') => words,
        header => format!("`{header}`"),
    };
    let Some((first, others)) = schemes.split_first() else { return "nothing".to_owned() };
    let mut words = format!("{} in {}", signed(first), place(first));
    let others = others.iter().map(|scheme| match place(scheme) {
        same if same == place(first) => signed(scheme),
        other => format!("{} in {other}", signed(scheme)),
    });
    let others = others.collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        words.extend(["; accepted too: ", &others]);
    }
    words
}

/// What each command does, and the synopses of all of them.
fn commands() -> String {
    let mut root = commands::command().disable_help_subcommand(true);
    root.build();
    let mut table = "| command | does |\n| --- | --- |\n".to_owned();
    let mut synopses = String::new();
    for command in root.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        table.extend(["| `hookdev ", command.get_name(), "` | ", &about.replace('|', "\\|"), " |\n"]);
        let name = format!("hookdev {}", command.get_name());
        synopses += &synopsis(&name, command.get_arguments().filter(|arg| !arg.is_global_set()));
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = format!("{name} {}", command.get_name());
            synopses += &synopsis(&name, command.get_arguments().filter(|arg| !arg.is_global_set()));
        }
    }
    let global = |command: &str| {
        let command = root.find_subcommand(command).unwrap();
        command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect::<Vec<_>>()
    };
    let reports = global("check").into_iter().filter(|arg| arg.get_id() == "format").collect::<Vec<_>>();
    let everywhere = synopsis("every command:", global("listen").iter());
    let reports = synopsis("verify and check:", reports.iter());
    format!("{table}\n```text\n{synopses}\n{everywhere}{reports}```\n")
}

/// A command and its arguments in lines that are not too long: the positional ones first, and what follows `--` last.
fn synopsis<'a>(command: &str, arguments: impl Iterator<Item = &'a Arg>) -> String {
    let shown = arguments.filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()));
    let (last, others): (Vec<&Arg>, Vec<&Arg>) = shown.partition(|arg| arg.is_last_set());
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = others.into_iter().partition(|arg| arg.is_positional());
    let mut lines = Vec::new();
    let mut line = command.to_owned();
    for word in positional.into_iter().chain(options).chain(last).map(usage) {
        if line.len() + 1 + word.len() > WIDTH {
            lines.push(line);
            line = " ".repeat(command.len());
        }
        line.extend([" ", &word]);
    }
    lines.push(line);
    lines.join("\n") + "\n"
}

/// One argument of a synopsis: `[--count N]`, `WHAT...`, `[-- CMD]`.
fn usage(arg: &Arg) -> String {
    if arg.is_last_set() {
        return format!("[-- {}]", value(arg));
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let flag = [short, long].into_iter().flatten().collect::<Vec<_>>().join("|");
    let range = arg.get_num_args().filter(clap::builder::ValueRange::takes_values);
    let shown = range.map(|range| if range.min_values() == 0 { format!("[{}]", value(arg)) } else { value(arg) });
    let word = [flag, shown.unwrap_or_default()].join(" ");
    let word = if arg.is_required_set() { word.trim().to_owned() } else { format!("[{}]", word.trim()) };
    let repeats = matches!(arg.get_action(), ArgAction::Append) && arg.get_value_delimiter().is_none();
    if repeats { word + "..." } else { word }
}

/// The value of an argument: the possible values, or its placeholder.
fn value(arg: &Arg) -> String {
    let known: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !known.is_empty() {
        let list = if arg.get_value_delimiter().is_some() { ",.." } else { "" };
        return known.join("|") + list;
    }
    let name = arg.get_value_names().unwrap_or_default().join(" ");
    if name.contains(' ') { format!("'{name}'") } else { name }
}

mod markers {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        fill(text, &BTreeMap::from([("a".to_owned(), "new\n".to_owned())]), &mut BTreeSet::from(["a"]))
    }

    #[test]
    fn a_part_replaces_the_text_between_its_markers() {
        let (begin, end) = ("<!-- begin generated: a -->\n", "<!-- end generated -->\n");
        let renewed = format!("before\n{begin}\nnew\n\n{end}after\n");
        assert_eq!(filled(&format!("before\n{begin}{end}after\n")), Ok(renewed.clone()));
        assert_eq!(filled(&format!("before\n{begin}old\nold\n{end}after\n")), Ok(renewed.clone()));
        assert_eq!(filled(&renewed), Ok(renewed));
    }

    #[test]
    fn a_marker_that_has_no_end_or_is_unknown_is_an_error() {
        assert_eq!(filled("<!-- begin generated: a -->\n"), Err("the part `a` has no end".to_owned()));
        assert_eq!(filled("<!-- begin generated: b -->\n"), Err("nothing writes the part `b`".to_owned()));
    }
}
