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

/// The longest name of a product, in characters. A longer one may be a token.
const LONGEST_NAME: usize = 24;

/// The maximum number of products in a user agent that is accepted.
const MOST_PRODUCTS: usize = 3;

/// How the user agents of widely used programs and libraries begin, in lower case.
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

/// The user agent, if all captures have the same, and it isn't that of a widely used program.
pub(super) fn user_agent(name: &str, samples: &[ParsedSample<'_>]) -> Option<UserAgent> {
    let mut texts = samples.iter().map(|read| read.request().headers.text("user-agent"));
    let first = texts.next()??;
    texts.all(|text| text.as_ref() == Some(&first)).then(|| judged(name, &first))?
}

fn judged(name: &str, text: &str) -> Option<UserAgent> {
    // Anything but names and versions may identify a person or an account.
    let mut products = text.split(' ');
    if text.split(' ').count() > MOST_PRODUCTS || !products.all(is_product) {
        return None;
    }
    let lower = text.to_lowercase();
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    if letters(&lower).contains(&letters(name)) {
        return Some(UserAgent::Own(text.to_owned()));
    }
    let is_anyones = CLIENTS.iter().any(|client| lower.starts_with(client));
    (!is_anyones).then(|| UserAgent::Other(text.to_owned()))
}

/// Whether this is a name, or a name with a version, such as `Acme-Hooks/1.2`.
fn is_product(text: &str) -> bool {
    let (name, version) = text.split_once('/').unwrap_or((text, "0"));
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= LONGEST_NAME
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    let is_part = |part: &str| (1..=4).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    is_name && version.split('.').all(is_part) && version.split('.').count() <= 4
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
            ("acme-pay", "AcmePay Webhooks/1.2.3", own("AcmePay Webhooks/1.2.3")),
            ("nodeping", "NodePing Webhooks/1.0", own("NodePing Webhooks/1.0")),
            ("acme", "Svix-Webhooks/1.62", other("Svix-Webhooks/1.62")),
            ("acme", "curl/8.5.0", None),
            ("acme", "node", None),
            ("acme", "Go-http-client/1.1", None),
            ("acme", "python-requests/2.32.3", None),
            ("acme", "Mozilla/5.0 (X11; Linux x86_64)", None),
            ("acme", "Acme/1 key:4f9c2a7b81d05e36a9b4", None),
            ("acme", "Acme/1 4f9c2a7b-81d0-4e36-a9b4-0123456789ab", None),
            ("acme", "Acme/1 sk-live-abcdefghijklmnopqrstuvwx", None),
            ("acme", "Acme/123456789012345", None),
            ("acme", "Acme-Hooks/1 (account 123456789012345)", None),
            ("acme", "Acme/1 (ada.lovelace; +49-170-1234567)", None),
            ("acme", "Acme/1 ada@example.com", None),
            ("acme", " ", None),
        ] {
            assert_eq!(judged(name, text), expected, "{text}");
        }
    }
}
