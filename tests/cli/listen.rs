//! `hookdev listen`.

mod browsers;
mod captures;
mod causes;
mod expectations;
mod flow;
mod forwards;
mod handshakes;
mod headers;
mod inspect;
#[cfg(unix)]
mod keys;
mod limits;
mod lines;
mod loops;
mod pretty;
#[cfg(unix)]
mod program;
mod reload;
mod repeats;
mod responses;
mod start_and_stop;
mod verdicts;
mod waits;
