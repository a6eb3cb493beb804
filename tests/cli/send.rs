//! `hookdev send`.

mod auphonic;
mod payload;
mod print;
mod resend;
mod retry;
mod success;
mod tls;
mod unreachable;
