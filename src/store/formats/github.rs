//! GitHub's own record of a delivery, as its API and `gh api` give it. It holds the payload parsed,
//! not the bytes that were signed: recognised, and refused with that reason.

use super::{document::Documents, parts::expected};

/// GitHub's record of a delivery.
pub(super) static GITHUB: Documents = Documents {
    name: "a GitHub delivery",
    is_its: |outline| outline.has_all("", &["guid", "delivered_at", "redelivery"]),
    array: &[],
    entry: |_| {
        let reason = "the bytes that were signed: GitHub keeps the payload parsed, which can't be verified; \
                          have it redelivered to `hookdev listen`";
        Err(expected(reason))
    },
};

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
