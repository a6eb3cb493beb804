//! The user agent that a provider sends, if its captures show one.

use super::ParsedSample;

/// What a user agent says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UserAgent {
    /// It names the provider.
    Own(String),
    /// It names another program, which the provider may use to send webhooks.
    Other(String),
}

/// The longest user agent that is taken, in characters.
const LONGEST: usize = 100;

/// How the user agents of programs and libraries begin that anyone uses, in lower case.
const CLIENTS: [&str; 34] = [
    "aiohttp",
    "apache-httpclient",
    "axios",
    "bun",
    "curl",
    "dart",
    "deno",
    "dispatch",
    "faraday",
    "fasthttp",
    "go-http",
    "got",
    "guzzle",
    "hookdev",
    "http.rb",
    "httpie",
    "httpx",
    "insomnia",
    "java",
    "ktor",
    "libwww",
    "mozilla",
    "node",
    "okhttp",
    "php",
    "postman",
    "python",
    "reqwest",
    "rest-client",
    "ruby",
    "symfony",
    "undici",
    "wget",
    "xh/",
];

/// The user agent, if all captures have the same, and it isn't that of a program that anyone uses.
pub(super) fn user_agent(name: &str, samples: &[ParsedSample<'_>]) -> Option<UserAgent> {
    let mut texts = samples.iter().map(|read| read.request().headers.text("user-agent"));
    let first = texts.next()??;
    texts.all(|text| text.as_ref() == Some(&first)).then(|| judged(name, &first))?
}

fn judged(name: &str, text: &str) -> Option<UserAgent> {
    let lower = text.to_lowercase();
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || " ./_-();:,+".contains(c));
    // A long run of letters and digits may be a token.
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_safe = is_plain
        && text.len() <= LONGEST
        && words.all(|word| word.len() < 16 || !word.contains(|c: char| c.is_ascii_digit()));
    if !is_safe || text.trim().is_empty() || CLIENTS.iter().any(|client| lower.starts_with(client)) {
        return None;
    }
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let is_own = letters(&lower).contains(&letters(name));
    Some(if is_own { UserAgent::Own(text.to_owned()) } else { UserAgent::Other(text.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_the_providers_own_that_of_its_sender_or_anyones() {
        let own = |text: &str| Some(UserAgent::Own(text.to_owned()));
        let other = |text: &str| Some(UserAgent::Other(text.to_owned()));
        for (name, text, expected) in [
            ("acme", "Acme-Hooks/2", own("Acme-Hooks/2")),
            ("acme-pay", "AcmePay Webhooks (+https://acme.example/)", own("AcmePay Webhooks (+https://acme.example/)")),
            ("acme", "Svix-Webhooks/1.62", other("Svix-Webhooks/1.62")),
            ("acme", "curl/8.5.0", None),
            ("acme", "node", None),
            ("acme", "Go-http-client/1.1", None),
            ("acme", "python-requests/2.32.3", None),
            ("acme", "Mozilla/5.0 (X11; Linux x86_64)", None),
            ("acme", "Acme/1 key:4f9c2a7b81d05e36a9b4", None),
            ("acme", "Acme/1 ada@example.com", None),
            ("acme", " ", None),
        ] {
            assert_eq!(judged(name, text), expected, "{text}");
        }
    }
}
