//! Rust sources as the rules need them: the paths in their code, wherever these occur, and the names and texts.
//!
//! `syn` parses the items, which separates tests from other code and modules from each other. Within an item, the
//! tokens are enough, and include those in macros.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, Meta};

/// All files of a crate.
pub struct Tree {
    /// Its items, in the order of the files.
    pub items: Vec<CodeItem>,
    /// The paths of its modules.
    modules: BTreeSet<Vec<String>>,
    /// The imports of each module: a name and its path.
    imports: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

/// One item outside of any inline module.
pub struct CodeItem {
    /// The file that it is in, from the root of the package.
    pub file: String,
    /// The module that it is in.
    pub module: Vec<String>,
    /// Whether only tests have it.
    pub test: bool,
    tokens: Vec<TokenTree>,
}

/// A path as written, with its line.
pub struct Reference {
    /// Its segments; `*` for all names of a module.
    pub path: Vec<String>,
    /// The line of its first segment.
    pub line: usize,
}

/// The target of a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// Something in this crate, by its path from the root.
    Inside(Vec<String>),
    /// Something else, by its path in an import.
    Outside(Vec<String>),
}

impl Tree {
    /// Reads files, each by its path from the root of the package and its text.
    pub fn read<S: AsRef<str>>(files: &[(S, S)]) -> Self {
        let mut tree = Self { items: Vec::new(), modules: BTreeSet::new(), imports: BTreeMap::new() };
        let mut tests = BTreeSet::new();
        for (file, text) in files {
            let (file, text) = (file.as_ref(), text.as_ref());
            let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
            let module = module_of(file);
            tree.modules.insert(module.clone());
            tree.take_in(file, &module, false, parsed.items, &mut tests);
        }
        // `#[cfg(test)] mod tests;` makes a test of a file that does not know it.
        for item in &mut tree.items {
            item.test |= tests.iter().any(|module| item.module.starts_with(module));
        }
        for item in &tree.items {
            let names = tree.imports.entry(item.module.clone()).or_default();
            collect_imports(&item.tokens, &mut |name, path| drop(names.insert(name, path)));
        }
        tree
    }

    fn take_in(
        &mut self,
        file: &str,
        module: &[String],
        test: bool,
        items: Vec<Item>,
        tests: &mut BTreeSet<Vec<String>>,
    ) {
        for item in items {
            let Item::Mod(inner) = item else {
                let test = test || for_tests(attributes(&item));
                let tokens = item.into_token_stream().into_iter().collect();
                self.items.push(CodeItem { file: file.to_owned(), module: module.to_vec(), test, tokens });
                continue;
            };
            let mut path = module.to_vec();
            path.push(inner.ident.to_string());
            let test = test || for_tests(&inner.attrs);
            match inner.content {
                Some((_, items)) => {
                    self.modules.insert(path.clone());
                    self.take_in(file, &path, test, items, tests);
                }
                None if test => drop(tests.insert(path)),
                None => {}
            }
        }
    }

    /// Whether there is a module of this path.
    pub fn is_module(&self, path: &[String]) -> bool {
        self.modules.contains(path)
    }

    /// The target of a path in a module; `None` if it starts with a local name.
    pub fn resolve(&self, module: &[String], path: &[String]) -> Option<Target> {
        let first = path.first()?;
        let from = |base: &[String], rest: &[String]| Some(Target::Inside([base, rest].concat()));
        match first.as_str() {
            "crate" => return from(&[], &path[1..]),
            "self" => return from(module, &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                return from(&module[..module.len().saturating_sub(ups)], &path[ups..]);
            }
            _ => {}
        }
        if self.modules.contains(&[module, &path[..1]].concat()) {
            return from(module, path);
        }
        match self.imports.get(module).and_then(|names| names.get(first)) {
            // A name that is imported under itself, `use serde;`, leads nowhere further.
            Some(import) if import.first() != Some(first) => {
                self.resolve(module, &[import.as_slice(), &path[1..]].concat())
            }
            _ if first.starts_with(char::is_lowercase) => Some(Target::Outside(path.to_vec())),
            _ => None,
        }
    }
}

impl CodeItem {
    /// Every path of two segments or more, and every one that is imported.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        collect_paths(&self.tokens, &mut |path, line, _| found.push(Reference { path, line }));
        found
    }

    /// The lines where a method of this name is called without arguments.
    pub fn calls(&self, method: &str) -> Vec<usize> {
        let mut found = Vec::new();
        collect_calls(&self.tokens, method, &mut found);
        found
    }

    /// The names of the macros that are called, each with its line.
    pub fn macros(&self) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        collect_macros(&self.tokens, &mut found);
        found
    }

    /// Every name and every text of the code with its line: not of its comments, nor of the
    /// examples that `--help` prints.
    pub fn words(&self) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        collect_words(&self.tokens, &mut found);
        found
    }
}

/// The path of a file's module: `src/net/mod.rs` is `net`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || path == "lib" || path == "main" {
        module.pop();
    }
    module
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Calls with each path's segments, its line, and the name that it gives to what it leads to.
fn collect_paths(tokens: &[TokenTree], found: &mut impl FnMut(Vec<String>, usize, &str)) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(_) => {
                let imported = at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "use");
                at = collect_path(tokens, at, &[], imported, found);
            }
            TokenTree::Group(group) => {
                collect_paths(&group.stream().into_iter().collect::<Vec<_>>(), found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads the path that begins at a token, after a prefix; returns the place after it.
fn collect_path(
    tokens: &[TokenTree],
    start: usize,
    prefix: &[String],
    imported: bool,
    found: &mut impl FnMut(Vec<String>, usize, &str),
) -> usize {
    let mut path = prefix.to_vec();
    let line = tokens[start].span().start().line;
    let mut at = start;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(name)) => {
                let name = name.to_string().trim_start_matches("r#").to_owned();
                // In a list, `self` is the module before the list.
                if path.is_empty() || name != "self" {
                    path.push(name);
                }
            }
            Some(TokenTree::Punct(star)) if star.as_char() == '*' && !path.is_empty() => path.push("*".to_owned()),
            Some(TokenTree::Group(list)) if list.delimiter() == Delimiter::Brace => {
                let list: Vec<TokenTree> = list.stream().into_iter().collect();
                for entry in list.split(|token| is_punct(Some(token), ',')).filter(|entry| !entry.is_empty()) {
                    collect_path(entry, 0, &path, true, found);
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
            break;
        }
        at += 2;
    }
    let renamed = match (tokens.get(at), tokens.get(at + 1)) {
        (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "as" => Some(name.to_string()),
        _ => None,
    };
    if path.len() > 1 || imported {
        let name = renamed.or_else(|| path.last().cloned()).unwrap_or_default();
        found(path, line, &name);
    }
    at.max(start + 1)
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

/// Calls with each name that the `use` lines among these tokens import, and its path.
fn collect_imports(tokens: &[TokenTree], found: &mut impl FnMut(String, Vec<String>)) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "use" => {
                let end = tokens[at..].iter().position(|token| is_punct(Some(token), ';')).map_or(at, |end| at + end);
                collect_paths(&tokens[at..end], &mut |path, _, name| found(name.to_owned(), path));
            }
            TokenTree::Group(group) => collect_imports(&group.stream().into_iter().collect::<Vec<_>>(), found),
            _ => {}
        }
    }
}

fn collect_calls(tokens: &[TokenTree], method: &str, found: &mut Vec<usize>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(name) if name == method && at > 0 && is_punct(tokens.get(at - 1), '.') => {
                if matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.stream().is_empty()) {
                    found.push(name.span().start().line);
                }
            }
            TokenTree::Group(group) => {
                collect_calls(&group.stream().into_iter().collect::<Vec<_>>(), method, found);
            }
            _ => {}
        }
    }
}

fn collect_macros(tokens: &[TokenTree], found: &mut Vec<(String, usize)>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            // The arguments follow; `!=` is not a call.
            TokenTree::Ident(name)
                if is_punct(tokens.get(at + 1), '!') && matches!(tokens.get(at + 2), Some(TokenTree::Group(_))) =>
            {
                found.push((name.to_string(), name.span().start().line));
            }
            TokenTree::Group(group) => collect_macros(&group.stream().into_iter().collect::<Vec<_>>(), found),
            _ => {}
        }
    }
}

fn collect_words(tokens: &[TokenTree], found: &mut Vec<(String, usize)>) {
    let mut at = 0;
    while at < tokens.len() {
        let line = tokens[at].span().start().line;
        match &tokens[at] {
            TokenTree::Ident(name) if name == "after_help" && is_punct(tokens.get(at + 1), '=') => at += 2,
            TokenTree::Group(group) if !is_documentation(&group.stream()) => {
                collect_words(&group.stream().into_iter().collect::<Vec<_>>(), found);
            }
            TokenTree::Ident(name) => found.push((name.to_string(), line)),
            TokenTree::Literal(literal) => found.push((literal.to_string(), line)),
            _ => {}
        }
        at += 1;
    }
}

/// Whether these are the tokens between the brackets of a comment: `doc = "…"`.
fn is_documentation(tokens: &TokenStream) -> bool {
    let mut tokens = tokens.clone().into_iter();
    matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "doc") && is_punct(tokens.next().as_ref(), '=')
}
