//! Everything that runs: receiving, inspecting, delivering, load, checking handlers, verifying captures, tunnels,
//! registration.
//!
//! An engine takes values and reports events, over a channel or to an observer. It has no command line, terminal or
//! exit code, so every front end (a command, a page, a test) consumes the same events.

pub mod check;
pub mod clock;
pub mod deliver;
pub mod entropy;
pub mod inspect;
pub mod load;
pub mod program;
pub mod receive;
pub mod register;
pub mod tunnel;
pub mod verify;
