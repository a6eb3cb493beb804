//! GitHub's own record of a delivery, as its API and `gh api` return it. It contains the parsed payload, not the signed
//! bytes, so it is recognised only to be rejected with that reason.

use super::{document::Documents, parts::expected};

/// GitHub's record of a delivery.
pub(super) static GITHUB: Documents = Documents {
    name: "a GitHub delivery",
    matches: |outline| outline.has_all("", &["guid", "delivered_at", "redelivery"]),
    array: &[],
    parse: |_| {
        let reason = "the signed bytes, but GitHub stores the parsed payload, which can't be verified; \
                      redeliver it to `hookdev listen`";
        Err(expected(reason))
    },
};

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::collected;

    #[test]
    fn a_record_is_rejected_with_the_reason() {
        let record = r#"{"id":42,"guid":"58474f00-b361-11eb-836d-0e4f3503ccbe","delivered_at":"2021-05-12T20:33:44Z","redelivery":false,"duration":0.03,"status":"OK","status_code":200,"event":"issues","request":{"headers":{"X-Hub-Signature-256":"sha256=6dcb09b5"},"payload":{"action":"opened"}}}"#;
        let error = "line 1: expected the signed bytes, but GitHub stores the parsed payload, which can't be verified; \
                     redeliver it to `hookdev listen`";
        assert_eq!(collected(record).0, [Err(error.to_owned())]);
        assert_eq!(collected(&format!("[{record},{record}]")).0.len(), 2);
    }
}
