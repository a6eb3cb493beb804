//! The layout of output: [`pretty`] for people, [`json`] for programs. Nothing is printed here; text is appended to
//! buffers that the caller writes.

pub mod api_call;
pub mod cases;
pub mod diagnostic;
pub mod diff;
pub mod events;
pub mod flow;
pub mod gate;
pub mod grant;
pub mod json;
pub mod load;
pub mod palette;
pub mod payload;
pub mod pretty;
pub mod providers;
mod repeat;
pub mod report;
pub mod request;
pub mod script;
pub mod shell;
pub mod size;
pub mod text;
