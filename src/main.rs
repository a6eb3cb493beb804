//! The program: nothing but the exit code.

use std::{env, process::ExitCode};

/// musl's own allocator has one lock for all threads: with it, `listen` needs three times as much CPU for a delivery.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hookdev::run(env::args_os())
}
