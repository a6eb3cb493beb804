//! Values as programs print them for debugging, and the headers among them.

pub(super) mod elixir;
pub(super) mod go;
pub(super) mod literal;
pub(super) mod maps;
pub(super) mod php;
pub(super) mod scan;
pub(super) mod text_literal;
mod var_dumper;

use self::literal::Literal;
use super::cgi;

/// The headers in a text that is known to be headers, as printed by a program or as JSON.
pub(super) fn headers(text: &str) -> Option<Vec<(String, String)>> {
    let text = text.trim();
    let printed = literal::value(text).filter(|(_, rest)| rest.trim().is_empty());
    let found = printed.and_then(|(value, _)| fields(&value)).or_else(|| Some(maps::headers(text)?.0));
    found.filter(|fields| fields.iter().all(|(name, _)| is_field_name(name)))
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// The quoted text at the start of a text, and the rest.
pub(super) fn text(text: &str) -> Option<(String, &str)> {
    match literal::value(text)? {
        (Literal::Text(text), rest) => Some((text, rest)),
        _ => None,
    }
}

/// The bytes of a text of the form `b'…'`, as Python prints them.
pub(super) fn python_bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let is_literal = text.starts_with("b'") || text.starts_with("b\"");
    match literal::value(text).filter(|_| is_literal)? {
        (Literal::Bytes(bytes), "") => Some(bytes),
        _ => None,
    }
}

/// The fields of an object, or of a list of pairs, whose values are text or lists of text.
pub(super) fn fields(value: &Literal) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    match value {
        Literal::Object(members) => {
            let has_variables = members.iter().any(|(name, _)| name.starts_with("HTTP_"));
            for (name, value) in members {
                match value {
                    Literal::List(values) => {
                        fields.extend(
                            values
                                .iter()
                                .map(|value| Some((name.clone(), value.text()?.to_owned())))
                                .collect::<Option<Vec<_>>>()?,
                        );
                    }
                    Literal::Lost if is_cgi(name) => {}
                    // `argv` in PHP's `$_SERVER`.
                    Literal::Object(_) if has_variables => {}
                    value => fields.push((name.clone(), value.text()?.to_owned())),
                }
            }
        }
        Literal::List(pairs) => {
            for pair in pairs {
                let Literal::List(pair) = pair else { return None };
                let [name, value] = &pair[..] else { return None };
                fields.push((name.text()?.to_owned(), value.text()?.to_owned()));
            }
        }
        _ => return None,
    }
    if fields.iter().any(|(name, _)| name.starts_with("HTTP_")) {
        fields = fields.iter().filter_map(|(name, value)| Some((cgi::header_name(name)?, value.clone()))).collect();
    }
    Some(fields)
}

/// Whether a name is that of a CGI variable, such as those that WSGI sets beside the headers.
fn is_cgi(name: &str) -> bool {
    name.contains(['.', '_'])
}

/// Whether these are the headers of a request, judging by their names.
pub(super) fn are_headers(fields: &[(String, String)]) -> bool {
    const USUAL: [&str; 6] = ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];
    let is_header = |name: &str| {
        let name = name.to_ascii_lowercase();
        USUAL.contains(&name.as_str()) || name.starts_with("x-") || name.ends_with("-signature")
    };
    fields.iter().all(|(name, _)| is_field_name(name)) && fields.iter().filter(|(name, _)| is_header(name)).count() > 1
}
