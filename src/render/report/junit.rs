//! JUnit XML, as Jenkins, GitLab and most services read it: a suite for each file or provider, a case for each check.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Check, Outcome, Place, Problem, Report, clean};

/// The document. It is written at the end, because its head counts the cases.
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
            let lines = check.warnings.iter().map(|warning| format!("warning: {}", warning.text()));
            case.set_system_out(clean(&lines.collect::<Vec<_>>().join("\n")));
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
        let xml = document.to_string().unwrap_or_default();
        out.extend_from_slice(without_root_skipped(xml).trim_end().as_bytes());
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

fn status(check: &Check) -> TestCaseStatus {
    match &check.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped(why) => {
            let mut skipped = TestCaseStatus::skipped();
            // The published schemas have no attribute for a message here; consumers read the text.
            skipped.set_description(clean(why));
            skipped
        }
        Outcome::Failed(problems) => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(first) = problems.first() {
                failed.set_type(clean(&first.code)).set_message(clean(&first.message));
            }
            // The published schemas have no attribute for a place.
            let place = check.place.iter().map(Place::to_string);
            let lines = problems.iter().map(|problem| format!("{}: {}", problem.code, Problem::text(problem)));
            failed.set_description(clean(&place.chain(lines).collect::<Vec<_>>().join("\n")));
            failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::checks, *};

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
