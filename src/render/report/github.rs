//! GitHub's workflow commands: an error annotation for each problem and a warning for each warning, at its file and line.
//!
//! The escapes are those of GitHub's own toolkit (`@actions/core`, `command.ts`).

use super::{Check, Outcome, Problem, Report, clean};

/// Annotations, one per line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Github;

impl Report for Github {
    fn check(&mut self, check: &Check, out: &mut Vec<u8>) {
        if let Outcome::Failed(problems) = &check.outcome {
            annotate("error", check, problems, out);
        }
        annotate("warning", check, &check.warnings, out);
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}
}

/// Appends an annotation for each problem.
fn annotate(level: &str, check: &Check, problems: &[Problem], out: &mut Vec<u8>) {
    for problem in problems {
        let mut properties = Vec::new();
        if let Some(place) = &check.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.extend(place.line.map(|line| format!("line={line}")));
        }
        properties.push(format!("title={}", property(&format!("{}: {}", check.name, problem.code))));
        let line = format!("::{level} {}::{}\n", properties.join(","), data(&problem.text()));
        out.extend_from_slice(line.as_bytes());
    }
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
