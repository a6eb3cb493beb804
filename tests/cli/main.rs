//! The whole program, run as its users run it: arguments, files, sockets and signals in; exit codes,
//! bytes on both streams and requests out.

// An unwrap here fails its test.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod action;
mod check;
mod config;
#[cfg(unix)]
mod crash;
mod diff;
#[path = "../difference/mod.rs"]
mod difference;
mod events;
#[cfg(target_os = "linux")]
mod faults;
mod field;
mod found;
mod genuine;
mod guesses;
// Some of it is only for tests that run only on Linux.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod harness;
mod listen;
#[path = "../machine/mod.rs"]
mod machine;
mod output;
mod providers;
mod redact;
mod register;
mod schemas;
#[cfg(unix)]
mod screen;
mod secrets;
mod send;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod special_files;
mod trust;
#[cfg(target_os = "linux")]
mod tunnel;
mod untrusted;
mod verify;
