//! GitHub's workflow commands: an annotation for each check that failed or has warnings, at its file and line.
//!
//! The escapes are those of GitHub's own toolkit (`@actions/core`, `command.ts`).

use super::{Check, Report, clean};

/// Annotations, one per line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Github;

impl Report for Github {
    fn check(&mut self, check: &Check, out: &mut Vec<u8>) {
        let Some(result) = check.result() else { return };
        let mut properties = Vec::new();
        if let Some(place) = &check.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.extend(place.line.map(|line| format!("line={line}")));
        }
        properties.push(format!("title={}", property(&format!("{}: {}", check.name, result.code))));
        let line = format!("::{} {}::{}\n", result.level, properties.join(","), data(&result.text));
        out.extend_from_slice(line.as_bytes());
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}
}

/// The text of a command; it may have several lines.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{super::samples::checks, *};

    #[test]
    fn an_annotation_is_one_line_with_its_file_and_line() {
        let mut out = Vec::new();
        for check in checks() {
            Github.check(&check, &mut out);
        }
        Github.finish(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::warning file=captures/a.ndjson,line=3,title=aspect.task.completed%3A secret-development::verified with the public development secret. Set ASPECT_WEBHOOK_SECRET\n\
             ::error file=captures/a.ndjson,line=3,title=cyanite.v2.finished%3A no-matching-signature::it's \"wrong\" by 100%25, <here>:\\r%0A\\u{1b}[31m second, line. Verify the raw body\n"
        );
    }
}
