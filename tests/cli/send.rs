//! `hookdev send`.

mod auphonic;
mod edit;
mod load;
mod payload;
mod print;
mod resend;
mod resign;
mod retry;
mod success;
mod tamper;
mod tls;
mod unreachable;
mod watch;

/// What follows the reason of a 404.
const NOT_FOUND: &str = " (nothing is served at this path: give the handler's full URL with --to)";
