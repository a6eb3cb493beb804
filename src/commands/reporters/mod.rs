//! What commands print while an engine runs.

pub mod listen;
pub mod warnings;
