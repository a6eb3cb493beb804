//! What runs: receiving, inspecting, delivering, load, checking a handler, verifying captures, tunnels.
//!
//! An engine takes values and reports events, over a channel or to an observer. It knows no command line, no terminal
//! and no exit code, so that every front end (a command, a page, a test) is a consumer of the same events.

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
