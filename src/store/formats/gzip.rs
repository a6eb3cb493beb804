//! Gzip in the messages of queues and logs. A few kilobytes can expand to many megabytes, and a file may have thousands
//! of messages, so the expansion is limited for each message and for the whole file, including files nested in its
//! messages.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::{
    MAX_SIZE,
    parts::{ParseError, expected},
    variables::file_limit,
};

/// How much the messages of a file may still expand.
#[derive(Default)]
pub struct GzipBudget {
    /// In bytes; `None` until a file is read.
    limits: Option<GzipLimits>,
}

#[derive(Clone, Copy)]
struct GzipLimits {
    file: usize,
    left: usize,
}

impl GzipBudget {
    /// Sets the limit for a file of this size in bytes. A file within a message shares the limit of the outer one.
    pub(super) fn start(&mut self, size: usize) {
        let file = file_limit(size);
        self.limits.get_or_insert(GzipLimits { file, left: file });
    }

    /// The content of a message, decompressed if it starts like gzip.
    ///
    /// # Errors
    ///
    /// If it is invalid, or expands beyond the limit.
    pub(super) fn decompressed(&mut self, key: &str, bytes: Bytes) -> Result<Bytes, ParseError> {
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Ok(bytes);
        }
        let GzipLimits { file, left } = self.limits.unwrap_or(GzipLimits { file: 0, left: 0 });
        let limit = left.min(MAX_SIZE);
        let mut inflated = Vec::new();
        let read = MultiGzDecoder::new(&*bytes).take(limit as u64 + 1).read_to_end(&mut inflated);
        // Invalid data also takes time to decompress, so it counts.
        self.limits = Some(GzipLimits { file, left: left.saturating_sub(inflated.len()) });
        match read {
            Ok(_) if inflated.len() > limit => {
                let limit = if left < MAX_SIZE { file } else { MAX_SIZE };
                Err(expected(format!("gzip that expands to at most {} MiB, in `{key}`", limit >> 20)))
            }
            Ok(_) => Ok(inflated.into()),
            Err(error) => Err(expected(format!("gzip in `{key}`: {error}"))),
        }
    }
}
