//! Recipes for tunnels: how to start a program that gives this machine a public URL, and how to learn that URL.
//! Built-in ones are files beside this one; `[tunnel.NAME]` in the config has the same keys. What runs them is in
//! `engine::tunnel`.

mod url;

use std::{collections::BTreeMap, path::Path, sync::LazyLock, time::Duration};

use serde::Deserialize;

pub use self::url::{UrlRule, UrlSource};
use crate::webhook::{
    nearest,
    signature::SecretText,
    template::{TemplatePiece, split},
    time::{InvalidDuration, parse_duration},
};

/// The name of the recipe whose program needs no installation.
pub const NEEDS_NOTHING: &str = "ssh";

/// The placeholders that templates in a recipe may contain.
const PLACEHOLDERS: [&str; 3] = ["port", "free_port", "empty_file"];

/// How a tunnel is started.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { command = [\"prog\", \"{port}\"], url = { line = 'https://\\S+' } }"
)]
pub struct Recipe {
    /// The program and its arguments, run without a shell.
    pub command: RecipeCommand,
    /// Variables to set for the program, unless the user's environment sets them.
    #[serde(default)]
    pub env: BTreeMap<String, SecretText>,
    /// How the public URL is learned.
    pub url: UrlRule,
    /// How to find out that the tunnel works. Without it, the tunnel counts as working once its URL is known.
    pub ready: Option<RecipeProbe>,
    /// Whether to check with requests through the public URL that the tunnel still works, for programs that don't
    /// notice when they lose their connection.
    #[serde(default)]
    pub check_url: bool,
    /// How long to wait after the tunnel is ready until the URL is reachable from everywhere.
    #[serde(default)]
    grace: Grace,
    /// The account that it needs, for people.
    pub account: Option<String>,
    /// Its limits, for people.
    pub limits: Option<String>,
    /// How to get the program, for people.
    pub install: Option<String>,
}

impl Recipe {
    /// How long to wait after the tunnel is ready until the URL is reachable from everywhere.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace.0
    }
}

/// A URL that responds with a 2xx status while the tunnel works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { http = \"http://127.0.0.1:{free_port}/ready\" }")]
pub struct RecipeProbe {
    /// The URL.
    pub http: RecipeTemplate,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct Grace(Duration);

impl TryFrom<String> for Grace {
    type Error = InvalidDuration;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_duration(&text).map(Self)
    }
}

/// A program and its arguments.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<RecipeTemplate>")]
pub struct RecipeCommand {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: RecipeTemplate,
    /// Its arguments.
    pub args: Vec<RecipeTemplate>,
}

impl RecipeCommand {
    /// The program and its arguments, as written in the recipe.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.program).chain(&self.args).map(|word| word.0.as_str())
    }
}

impl TryFrom<Vec<RecipeTemplate>> for RecipeCommand {
    type Error = &'static str;

    fn try_from(mut words: Vec<RecipeTemplate>) -> Result<Self, Self::Error> {
        if words.first().is_none_or(|program| program.0.is_empty()) {
            return Err("the command is empty: write the program and its arguments, such as [\"prog\", \"{port}\"]");
        }
        Ok(Self { program: words.remove(0), args: words })
    }
}

/// A text with placeholders such as `{port}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct RecipeTemplate(String);

impl TryFrom<String> for RecipeTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        for piece in split(&text)? {
            if let TemplatePiece::Placeholder(name) = piece
                && !PLACEHOLDERS.contains(&name)
            {
                return Err(nearest::unknown("placeholder", name, PLACEHOLDERS));
            }
        }
        Ok(Self(text))
    }
}

/// The values of the placeholders.
#[derive(Clone, Copy, Debug)]
pub struct RecipeValues<'a> {
    /// The port of this machine that the tunnel leads to.
    pub port: u16,
    /// A free port of this machine for the program to use.
    pub free_port: u16,
    /// An empty file.
    pub empty_file: &'a Path,
}

impl RecipeTemplate {
    /// The text with its placeholders replaced.
    #[must_use]
    pub fn fill(&self, values: RecipeValues<'_>) -> String {
        let pieces = split(&self.0).unwrap_or_default();
        let piece = |piece: &TemplatePiece<'_>| match *piece {
            TemplatePiece::Literal(text) => text.to_owned(),
            TemplatePiece::Placeholder("port") => values.port.to_string(),
            TemplatePiece::Placeholder("free_port") => values.free_port.to_string(),
            TemplatePiece::Placeholder(_) => values.empty_file.to_string_lossy().into_owned(),
        };
        pieces.iter().map(piece).collect()
    }
}

/// The built-in recipes, by name.
pub fn built_in() -> &'static BTreeMap<&'static str, Recipe> {
    &BUILT_IN
}

static BUILT_IN: LazyLock<BTreeMap<&'static str, Recipe>> = LazyLock::new(|| {
    // Each is parsed by a test.
    FILES.iter().filter_map(|(name, text)| Some((*name, toml::from_str(text).ok()?))).collect()
});

const FILES: [(&str, &str); 6] = [
    ("bore", include_str!("bore.toml")),
    ("cloudflared", include_str!("cloudflared.toml")),
    ("ngrok", include_str!("ngrok.toml")),
    ("pinggy", include_str!("pinggy.toml")),
    ("ssh", include_str!("ssh.toml")),
    ("zrok", include_str!("zrok.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_is_valid_and_complete() {
        for (name, text) in FILES {
            let recipe: Recipe = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (account, limits, install) = (recipe.account, recipe.limits, recipe.install);
            assert!(account.is_some() && limits.is_some() && install.is_some(), "{name}");
            assert!(recipe.command.words().any(|word| word.contains("{port}")), "{name}");
        }
        assert_eq!(built_in().len(), FILES.len());
        assert!(built_in().contains_key(NEEDS_NOTHING));
    }

    #[test]
    fn a_template_is_filled() {
        let values = RecipeValues { port: 1, free_port: 2, empty_file: Path::new("/tmp/empty") };
        let fill = |text: &str| RecipeTemplate::try_from(text.to_owned()).map(|template| template.fill(values));
        assert_eq!(fill("127.0.0.1:{port}-{free_port} {empty_file}").as_deref(), Ok("127.0.0.1:1-2 /tmp/empty"));
        let known = "(known: `port`, `free_port`, `empty_file`)";
        assert_eq!(fill("{prot}"), Err(format!("unknown placeholder `prot`; did you mean `port`? {known}")));
        assert_eq!(fill("{port"), Err("`{` at character 1 is not closed".to_owned()));
    }

    #[test]
    fn no_recipe_has_a_secret_among_its_arguments() {
        for (name, recipe) in built_in() {
            let args: Vec<&str> = recipe.command.words().collect();
            assert!(!args.iter().any(|arg| arg.contains("token") || arg.contains("secret")), "{name}: {args:?}");
        }
    }
}
