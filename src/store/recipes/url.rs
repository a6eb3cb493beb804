//! How a tunnel's public URL is learned: from the program's own HTTP server, from a JSON line that it prints, or from a
//! line of text. A URL whose host the recipe doesn't allow is never used.

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::RecipeTemplate;
use crate::webhook::called_url::PublicUrl;

/// Where the URL is found, and which hosts are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawRule")]
pub struct UrlRule {
    /// Where the URL is found.
    pub source: UrlSource,
    /// The domains that its host must be below one of; if empty, all hosts are allowed.
    hosts: Vec<String>,
    /// The scheme for a URL that is found without one.
    scheme: UrlScheme,
}

/// Where a URL is found.
#[derive(Clone, Debug)]
pub enum UrlSource {
    /// In the JSON document at a URL.
    Http {
        url: RecipeTemplate,
        /// The position in the document, as a JSON pointer.
        pointer: String,
    },
    /// In a line of JSON that the program prints, at this JSON pointer.
    Json(String),
    /// In a line that the program prints: the pattern's first group, else the whole match.
    Line(Regex),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UrlScheme {
    Http,
    #[default]
    Https,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { line = 'https://\\S+' }")]
struct RawRule {
    http: Option<RecipeTemplate>,
    pointer: Option<Pointer>,
    json: Option<Pointer>,
    line: Option<UrlPattern>,
    #[serde(default)]
    host: Hosts,
    #[serde(default)]
    scheme: UrlScheme,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Pointer(String);

impl TryFrom<String> for Pointer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with('/') { Ok(Self(text)) } else { Err("a JSON pointer starts with a slash, such as \"/url\"") }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct UrlPattern(Regex);

impl TryFrom<String> for UrlPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Regex::new(&text).map(Self).map_err(|error| format!("invalid regular expression: {error}"))
    }
}

#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "expected a domain such as \"example.com\", or a list of them")]
enum Hosts {
    One(String),
    More(Vec<String>),
    #[default]
    #[serde(skip)]
    Any,
}

impl TryFrom<RawRule> for UrlRule {
    type Error = &'static str;

    fn try_from(raw: RawRule) -> Result<Self, Self::Error> {
        let source = match (raw.http, raw.pointer, raw.json, raw.line) {
            (Some(url), Some(Pointer(pointer)), None, None) => UrlSource::Http { url, pointer },
            (None, None, Some(Pointer(pointer)), None) => UrlSource::Json(pointer),
            (None, None, None, Some(UrlPattern(pattern))) => UrlSource::Line(pattern),
            _ => return Err("it needs either `http` and `pointer`, or `json`, or `line`"),
        };
        let hosts = match raw.host {
            Hosts::Any => Vec::new(),
            Hosts::One(host) => vec![host],
            Hosts::More(hosts) => hosts,
        };
        Ok(Self { source, hosts, scheme: raw.scheme })
    }
}

impl UrlRule {
    /// The URL in a line that the program prints.
    #[must_use]
    pub fn in_line(&self, line: &str) -> Option<PublicUrl> {
        match &self.source {
            UrlSource::Http { .. } => None,
            UrlSource::Json(pointer) => self.at(pointer, &serde_json::from_str(line).ok()?),
            UrlSource::Line(pattern) => pattern.captures_iter(line).find_map(|captures| {
                let found = captures.get(1).or_else(|| captures.get(0))?;
                self.accept(found.as_str())
            }),
        }
    }

    /// The URL in a JSON document, at a JSON pointer.
    #[must_use]
    pub fn at(&self, pointer: &str, document: &Value) -> Option<PublicUrl> {
        self.accept(document.pointer(pointer)?.as_str()?)
    }

    fn accept(&self, found: &str) -> Option<PublicUrl> {
        let scheme = match self.scheme {
            UrlScheme::Http => "http",
            UrlScheme::Https => "https",
        };
        let full = if found.contains("://") { found.to_owned() } else { format!("{scheme}://{found}") };
        let parsed = url::Url::parse(&full).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        self.allows(parsed.host_str()?).then(|| full.parse().ok())?
    }

    /// Whether a host may be that of the tunnel, unlike the service's API, which errors may name.
    fn allows(&self, host: &str) -> bool {
        let is_below = |domain: &String| {
            host.strip_suffix(domain.trim_start_matches('.')).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        !host.starts_with("api.") && (self.hosts.is_empty() || self.hosts.iter().any(is_below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::recipes::built_in;

    fn rule(text: &str) -> Result<UrlRule, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn found(name: &str, line: &str) -> Option<String> {
        built_in()[name].url.in_line(line).map(|url| url.to_string())
    }

    #[test]
    fn a_rule_has_one_source() {
        let either = "it needs either `http` and `pointer`, or `json`, or `line`";
        for text in ["http = \"http://127.0.0.1\"", "json = \"/a\"\nline = 'b'", "pointer = \"/a\"", ""] {
            assert_eq!(rule(text).unwrap_err(), either, "{text}");
        }
        assert_eq!(rule("json = \"a\"").unwrap_err(), "a JSON pointer starts with a slash, such as \"/url\"");
        assert!(rule("line = '('").unwrap_err().starts_with("invalid regular expression: "));
    }

    #[test]
    fn the_lines_of_each_service_have_its_url() {
        // As recorded by users of localhost.run, ngrok, zrok, bore and pinggy.
        assert_eq!(
            found("ssh", "8beaa541ba3dc2.lhr.life tunneled with tls termination, https://8beaa541ba3dc2.lhr.life"),
            Some("https://8beaa541ba3dc2.lhr.life".to_owned())
        );
        let ngrok = r#"{"addr":"http://localhost:4142","lvl":"info","msg":"started tunnel","name":"command_line","obj":"tunnels","t":"2026-09-30T02:40:01Z","url":"https://ab12-203-0-113-7.ngrok-free.app"}"#;
        assert_eq!(found("ngrok", ngrok), Some("https://ab12-203-0-113-7.ngrok-free.app".to_owned()));
        let zrok = r#"{"frontend_endpoints":["https://x1y2z3.shares.zrok.io"],"message":"boot","token":"x1y2z3"}"#;
        assert_eq!(found("zrok", zrok), Some("https://x1y2z3.shares.zrok.io".to_owned()));
        let bore = "2026-11-28T17:00:00.000000Z  INFO bore_cli::client: listening at bore.pub:31415";
        assert_eq!(found("bore", bore), Some("http://bore.pub:31415".to_owned()));
        assert_eq!(
            found("pinggy", "https://rnxyz-203-0-113-7.a.free.pinggy.link"),
            Some("https://rnxyz-203-0-113-7.a.free.pinggy.link".to_owned())
        );
    }

    #[test]
    fn other_hosts_in_lines_are_not_taken() {
        assert_eq!(found("ssh", "see https://localhost.run/docs/forever-free/ for more information"), None);
        assert_eq!(found("pinggy", "upgrade at https://dashboard.pinggy.io, see https://evilpinggy.link"), None);
        let rule = rule("line = 'https://[a-z0-9.-]+'\nhost = \"trycloudflare.com\"").unwrap();
        let line = r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": EOF"#;
        assert_eq!(rule.in_line(line), None);
        let both = format!("{line} https://a-b.trycloudflare.com");
        assert_eq!(rule.in_line(&both).map(|url| url.to_string()), Some("https://a-b.trycloudflare.com".to_owned()));
    }

    #[test]
    fn a_document_has_a_url_or_a_bare_host() {
        let rule = |text: &str| rule(&format!("http = \"http://127.0.0.1\"\npointer = \"/h\"\n{text}")).unwrap();
        let at = |rule: &UrlRule, host: &str| rule.at("/h", &serde_json::json!({"h": host})).map(|url| url.to_string());
        assert_eq!(at(&rule(""), "a.example"), Some("https://a.example".to_owned()));
        assert_eq!(at(&rule("scheme = \"http\""), "a.example:8080"), Some("http://a.example:8080".to_owned()));
        assert_eq!(at(&rule(""), "http://a.example/x/"), Some("http://a.example/x".to_owned()));
        assert_eq!(at(&rule(""), ""), None);
        assert_eq!(at(&rule("host = [\"b.example\"]"), "a.example"), None);
    }
}
