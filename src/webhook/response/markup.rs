//! The text of an HTML page: tags removed, line breaks where a browser shows them, entities decoded.

/// Elements that are not text: the start of the tag, and the end of the element.
const HIDDEN: [(&str, &str); 5] = [
    ("!--", "-->"),
    ("style", "</style>"),
    ("script", "</script>"),
    ("textarea", "</textarea>"),
    ("title", "</title>"),
];

/// Elements that continue a line. All others start a new one.
const INLINE: [&str; 13] = ["a", "abbr", "b", "cite", "code", "em", "i", "kbd", "q", "small", "span", "strong", "tt"];

/// Entities with a name that error pages use.
const NAMED: [(&str, char); 7] =
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' '), ("para", '¶')];

/// The longest entity, in bytes, without `&` and `;`.
const MAX_ENTITY_BYTES: usize = 8;

/// The text of a page. The title is left out, because error pages repeat it or say no more than "Error" there.
pub(super) fn text(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    let mut is_preformatted = false;
    while let Some((before, markup)) = rest.split_once('<') {
        push_text(before, is_preformatted, &mut out);
        let name = name(markup).to_ascii_lowercase();
        if !INLINE.contains(&name.trim_start_matches('/')) {
            out.push('\n');
        }
        match name.as_str() {
            "pre" => is_preformatted = true,
            "/pre" => is_preformatted = false,
            _ => {}
        }
        let hidden = HIDDEN.iter().find(|(start, _)| markup.starts_with(start)).map(|(_, end)| *end);
        let after = hidden.and_then(|end| markup.split_once(end)).or_else(|| markup.split_once('>'));
        rest = after.map_or("", |(_, after)| after);
    }
    push_text(rest, is_preformatted, &mut out);
    out
}

/// Appends the text between two tags. Line breaks count only where text is preformatted.
fn push_text(text: &str, is_preformatted: bool, out: &mut String) {
    if is_preformatted { push_decoded(text, out) } else { push_decoded(&text.replace(['\r', '\n'], " "), out) }
}

/// The name of a tag, with its slash if it is an end tag.
fn name(markup: &str) -> &str {
    let end = markup.find(|c: char| !c.is_ascii_alphanumeric() && c != '/').unwrap_or(markup.len());
    &markup[..end]
}

fn push_decoded(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let entity = after.split_once(';').filter(|(entity, _)| entity.len() <= MAX_ENTITY_BYTES);
        rest = if let Some((character, after)) = entity.and_then(|(entity, after)| Some((decoded(entity)?, after))) {
            out.push(character);
            after
        } else {
            out.push('&');
            after
        };
    }
    out.push_str(rest);
}

fn decoded(entity: &str) -> Option<char> {
    let code = match entity.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        },
        None => return NAMED.iter().find(|(name, _)| *name == entity).map(|(_, character)| *character),
    };
    char::from_u32(code?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_removed_and_entities_decoded() {
        let page = "<h1>No &lt;id&gt;</h1><p>at <b>a</b>&nbsp;&amp; b<br>it&#39;s &#x27;x&#x27; &bogus; & c</p>";
        let lines: Vec<String> = text(page).lines().filter(|l| !l.is_empty()).map(str::to_owned).collect();
        assert_eq!(lines, ["No <id>", "at a & b", "it's 'x' &bogus; & c"]);
    }

    #[test]
    fn scripts_styles_and_comments_are_left_out() {
        let page = "<style>\n a > b {}\n</style><script>if (1<2) {}</script><!-- a > b -->\n<p>text";
        assert_eq!(text(page).trim(), "text");
    }
}
