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
