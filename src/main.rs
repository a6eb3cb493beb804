//! The program: nothing but the exit code.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    hookdev::run(env::args_os())
}
