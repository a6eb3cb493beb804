//! JUnit XML, as Jenkins, GitLab and most services read it: a suite for each file or provider, a case for each check.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{super::text, Check, CheckOutcome, FilePosition, Problem, Report, clean};

/// The document. It is written at the end, because it starts with the number of cases.
#[derive(Debug, Default)]
pub struct Junit {
    suites: Vec<TestSuite>,
    indexes: HashMap<String, usize>,
}

impl Report for Junit {
    fn check(&mut self, check: &Check, _: &mut Vec<u8>) {
        let index = *self.indexes.entry(check.suite.clone()).or_insert_with(|| {
            self.suites.push(TestSuite::new(clean(&check.suite)));
            self.suites.len() - 1
        });
        let mut case = TestCase::new(clean(&check.name), status(check));
        case.set_classname(clean(&check.suite));
        if !check.warnings.is_empty() {
            let lines = check.warnings.iter().map(|warning| format!("warning: {}", clean_line(&warning.text())));
            case.set_system_out(lines.collect::<Vec<_>>().join("\n"));
        }
        if let Some(elapsed) = check.elapsed {
            case.set_time(elapsed);
        }
        self.suites[index].add_test_case(case);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let mut document = Document::new("hookdev");
        document.add_test_suites(self.suites.drain(..));
        self.indexes.clear();
        // Writing to memory doesn't fail.
        let xml = without_root_skipped(document.to_string().unwrap_or_default());
        out.extend_from_slice(with_escaped_attributes(xml.trim_end()).as_bytes());
        out.push(b'\n');
    }
}

/// Removes the count of skipped cases at the root, which the library always writes and Jenkins's schema doesn't allow.
fn without_root_skipped(mut xml: String) -> String {
    if let Some(start) = xml.find(" skipped=\"")
        && let Some(length) = xml[start + 10..].find('"')
    {
        xml.replace_range(start..=start + 10 + length, "");
    }
    xml
}

/// Writes whitespace in attributes as character references, because parsers would turn it into spaces, and also the
/// second of two `#`, because a service that prints the report to its log might take what follows for a command.
fn with_escaped_attributes(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let (mut is_tag, mut quote) = (false, None);
    for c in xml.chars() {
        match c {
            '<' => is_tag = true,
            '>' if quote.is_none() => is_tag = false,
            '"' | '\'' if is_tag && quote.is_none() => quote = Some(c),
            '"' | '\'' if quote == Some(c) => quote = None,
            _ => {}
        }
        match c {
            '\n' if quote.is_some() => out.push_str("&#10;"),
            '\r' if quote.is_some() => out.push_str("&#13;"),
            '\t' if quote.is_some() => out.push_str("&#9;"),
            '#' if quote.is_some() && out.ends_with('#') => out.push_str("&#35;"),
            c => out.push(c),
        }
    }
    out
}

fn clean_line(text: &str) -> String {
    text::on_one_line(&clean(text))
}

fn status(check: &Check) -> TestCaseStatus {
    match &check.outcome {
        CheckOutcome::Passed => TestCaseStatus::success(),
        CheckOutcome::Skipped(why) => {
            let mut skipped = TestCaseStatus::skipped();
            // The published schemas have no attribute for a message here; consumers read the text.
            skipped.set_description(clean_line(why));
            skipped
        }
        CheckOutcome::Failed(problems) => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(first) = problems.first() {
                failed.set_type(clean(&first.code)).set_message(clean(&first.message));
            }
            // The published schemas have no attribute for a place.
            let place = check.place.iter().map(FilePosition::to_string);
            let lines = problems.iter().map(|problem| format!("{}: {}", problem.code, Problem::text(problem)));
            let lines: Vec<String> = place.chain(lines).map(|line| clean_line(&line)).collect();
            failed.set_description(lines.join("\n"));
            failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{CheckOutcome, samples::checks},
        *,
    };

    #[test]
    fn no_line_of_a_report_begins_with_a_command() {
        let command = "a\tb\n::set-output name=x::y\n  ##[error]z";
        let problem = Problem { code: "code".into(), message: command.into(), hint: None };
        let [check, ..] = checks();
        let check = Check {
            suite: command.into(),
            name: command.into(),
            outcome: CheckOutcome::Failed(vec![problem]),
            ..check
        };
        let (mut report, mut out) = (Junit::default(), Vec::new());
        report.check(&check, &mut out);
        report.finish(&mut out);
        let xml = String::from_utf8(out).unwrap();
        assert!(!xml.lines().any(|line| line.trim_start().starts_with(['#', ':'])), "{xml}");
        assert!(!xml.contains("##["), "{xml}");
        let name = r#"<testcase name="a\tb&#10;::set-output name=x::y&#10;  #&#35;[error]z""#;
        assert!(xml.contains(name), "{xml}");
        let parsed = Document::deserialize_from_str(&xml).unwrap();
        let case = &parsed.test_suites[0].test_cases[0];
        assert_eq!(case.name.as_str(), r"a\tb".to_owned() + "\n::set-output name=x::y\n  ##[error]z");
        let TestCaseStatus::NonSuccess { description, .. } = &case.status else { panic!("{xml}") };
        let text = description.as_ref().unwrap().as_str();
        assert!(text.ends_with("\ncode: a\\tb\\n::set-output name=x::y\\n  ##\\[error]z"), "{text}");
    }

    #[test]
    fn whitespace_in_attributes_is_escaped_and_between_tags_it_stays() {
        assert_eq!(
            with_escaped_attributes("<a b=\"1\n2\r\t>'\"\n c='\n'>\n<d/>x\ny\n</a>"),
            "<a b=\"1&#10;2&#13;&#9;>'\"\n c='&#10;'>\n<d/>x\ny\n</a>"
        );
    }

    #[test]
    fn a_suite_counts_its_cases_and_names_the_failures() {
        let mut report = Junit::default();
        let mut out = Vec::new();
        for check in checks() {
            report.check(&check, &mut out);
        }
        assert_eq!(out, b"");
        report.finish(&mut out);
        let xml = String::from_utf8(out).unwrap();
        let parsed = Document::deserialize_from_str(&xml).unwrap();
        assert_eq!((parsed.tests, parsed.failures, parsed.errors), (3, 1, 0));
        let suite = &parsed.test_suites[0];
        assert_eq!((suite.name.as_str(), suite.tests), ("captures/a.ndjson", 3));
        let warning = "warning: verified with the public development secret. Set ASPECT_WEBHOOK_SECRET";
        assert_eq!(suite.test_cases[0].system_out.as_ref().unwrap().as_str(), warning);
        assert_eq!(suite.test_cases[1].system_out, None);
        let TestCaseStatus::NonSuccess { ty, message, .. } = &suite.test_cases[1].status else { panic!("{xml}") };
        assert_eq!(ty.as_ref().unwrap().as_str(), "no-matching-signature");
        assert_eq!(message.as_ref().unwrap().as_str(), "it's \"wrong\" by 100%, <here>:\\r\n\\u{1b}[31m second, line");
        assert!(xml.contains(">captures/a.ndjson:3\nno-matching-signature: "), "{xml}");
    }
}
