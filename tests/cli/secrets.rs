//! Signing secrets: which one counts, what is wrong with one, and that none is ever shown.

mod keys;
mod leaks;
mod malformed;
mod of_schemes;
mod order;
#[cfg(unix)]
mod process;
mod public_keys;
mod tokens;
