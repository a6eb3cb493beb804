//! How `listen` ends: the reason to stop, what is finished then, and the exit code.

use std::{future::pending, time::Duration};

use tokio::task::{JoinError, JoinHandle};

use super::receiving::Sinks;
use crate::{
    commands::{
        exit::{Exit, Failure},
        interrupt::Interrupts,
        keys::Keys,
        program::{ProgramEnd, UserProgram, timeout},
        reporters::printer::DeliveryReporter,
        terminal::Terminal,
        tunnel::Served,
    },
    engine::receive::ExpectationCounter,
};

/// Why `listen` stops.
#[derive(Clone, Copy)]
pub enum StopReason {
    Met,
    OutputClosed,
    Interrupted,
    TimedOut,
    /// The program that follows `--` has ended.
    Program(ProgramEnd),
}

/// Waits until there is a reason to stop. The terminal is restored then.
pub async fn end(
    program: Option<UserProgram>,
    counter: &ExpectationCounter,
    reporter: &DeliveryReporter,
    interrupts: &mut Interrupts,
    mut keys: Option<Keys>,
    time: Option<Duration>,
    terminal: Terminal,
) -> Result<StopReason, Failure> {
    if let Some(mut program) = program {
        return program.attend(interrupts, time, terminal).await.map(StopReason::Program);
    }
    let quit = async {
        match &mut keys {
            Some(keys) => keys.quit().await,
            None => pending().await,
        }
    };
    Ok(tokio::select! {
        () = counter.met() => StopReason::Met,
        _ = reporter.ended() => StopReason::OutputClosed,
        () = interrupts.next() => StopReason::Interrupted,
        () = quit => StopReason::Interrupted,
        () = timeout(time) => StopReason::TimedOut,
    })
}

/// Waits until everything that was received has its response and is printed. Returns whether it could be.
pub async fn finish(
    serving: JoinHandle<()>,
    inspecting: Option<JoinHandle<()>>,
    tunnel: Served,
    reporter: &DeliveryReporter,
    Sinks { warnings, pages, .. }: &Sinks,
) -> Result<bool, JoinError> {
    tunnel.stop_watching();
    let served = serving.await;
    if let Some(inspecting) = inspecting {
        // An error is a panic, which is reported already.
        let _ = inspecting.await;
    }
    tunnel.end(warnings).await;
    let printed = reporter.ended().await;
    pages.conclude(warnings);
    warnings.flush().await;
    served.map(|()| printed)
}

/// The exit code of a run that ended in this way; `finished` says whether everything is printed, if that ended in time.
pub fn exit_code(
    terminal: Terminal,
    finished: Option<Result<bool, JoinError>>,
    end: StopReason,
    missing: &[String],
) -> Result<Exit, Failure> {
    if finished.is_none() && !matches!(end, StopReason::OutputClosed) {
        terminal.warn("stopped before everything was printed");
    }
    Ok(match (finished, end) {
        (Some(Err(error)), _) => return Err(Failure::new(Exit::Failed, "the receiver failed").because(&error)),
        (_, StopReason::Program(end)) => end.conclude(terminal, missing),
        (Some(Ok(false)), _) => Exit::Failed,
        (_, StopReason::TimedOut) => conclude(terminal, missing),
        (None, StopReason::Interrupted | StopReason::OutputClosed) => Exit::Interrupted,
        // What was expected has arrived, whether or not somebody reads the output.
        _ => Exit::Success,
    })
}

/// The exit code after the timeout.
fn conclude(terminal: Terminal, missing: &[String]) -> Exit {
    if missing.is_empty() {
        return Exit::Success;
    }
    terminal.fail(&Failure::new(Exit::Failed, format!("timed out waiting for: {}", missing.join(", "))));
    Exit::Failed
}
