//! The parts of a page: fenced blocks, and the text outside of them.

/// A part of a page.
#[derive(Debug, PartialEq)]
pub enum Part<'a> {
    /// A line outside of fenced blocks.
    Line(&'a str),
    /// A fenced block: what follows the fence, such as `console background`, and its lines.
    Block(&'a str, Vec<&'a str>),
}

/// The parts of a page, in order.
pub fn parts(page: &str) -> Vec<Part<'_>> {
    let mut lines = page.lines();
    let mut parts = Vec::new();
    while let Some(line) = lines.next() {
        parts.push(match line.strip_prefix("```") {
            Some(info) => Part::Block(info, lines.by_ref().take_while(|line| *line != "```").collect()),
            None => Part::Line(line),
        });
    }
    parts
}

/// The text outside of fenced blocks, with line breaks.
pub fn prose(page: &str) -> String {
    let parts = parts(page);
    let lines = parts.iter().filter_map(|part| match part {
        Part::Line(line) => Some(*line),
        Part::Block(..) => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The inline code of a text, and the text without it.
pub fn inline_code(prose: &str) -> (Vec<&str>, String) {
    let mut code = Vec::new();
    let mut rest = String::new();
    for (index, part) in prose.split('`').enumerate() {
        if index % 2 == 1 {
            code.push(part);
            rest.push('_');
        } else {
            rest.push_str(part);
        }
    }
    (code, rest)
}

#[test]
fn a_page_has_lines_and_blocks() {
    let page = "a `b`\n```sh\nc\n```\nd\n";
    assert_eq!(parts(page), [Part::Line("a `b`"), Part::Block("sh", vec!["c"]), Part::Line("d")]);
    assert_eq!(prose(page), "a `b`\nd");
    assert_eq!(inline_code("a `b` c `d`"), (vec!["b", "d"], "a _ c _".to_owned()));
}
