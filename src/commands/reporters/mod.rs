//! What a command prints while its engine runs.

pub mod browsers;
pub mod check;
mod format;
pub mod listen;
pub mod load;
pub mod pause;
pub mod printer;
pub mod send;
pub mod shortfall;
pub mod status;
pub mod verify;
pub mod view;
pub mod warnings;
