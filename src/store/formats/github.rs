//! GitHub's own record of a delivery, as its API and `gh api` give it. It holds the payload parsed,
//! not the bytes that were signed: recognised, and refused with that reason.

use std::io::BufRead;

use super::{Fault, Format, Reader, document, keys::Outline, refusal::expected};

/// GitHub's record of a delivery.
pub(super) struct GitHub;

impl Format for GitHub {
    fn name(&self) -> &'static str {
        "a GitHub delivery"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let outline = Outline::of(head);
        outline.has_all("", &["guid", "delivered_at", "redelivery"])
    }

    fn read<'a>(&self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        let refuse = |_: &str| {
            let reason = "the bytes that were signed: GitHub keeps the payload parsed, which can't be verified; \
                          have it redelivered to `hookdev listen`";
            Err(expected(reason))
        };
        Ok(Box::new(document::read(input, &[], refuse)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::collected;

    #[test]
    fn a_record_is_refused_with_the_reason() {
        let record = r#"{"id":42,"guid":"58474f00-b361-11eb-836d-0e4f3503ccbe","delivered_at":"2021-05-12T20:33:44Z","redelivery":false,"duration":0.03,"status":"OK","status_code":200,"event":"issues","request":{"headers":{"X-Hub-Signature-256":"sha256=6dcb09b5"},"payload":{"action":"opened"}}}"#;
        let refused = "line 1: expected the bytes that were signed: GitHub keeps the payload parsed, which can't be \
                       verified; have it redelivered to `hookdev listen`";
        assert_eq!(collected(record).0, [Err(refused.to_owned())]);
        assert_eq!(collected(&format!("[{record},{record}]")).0.len(), 2);
    }
}
