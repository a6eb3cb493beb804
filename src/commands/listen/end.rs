//! How `listen` ends: the reason to stop, what is then finished, and the exit code.

use tokio::task::{JoinError, JoinHandle};

use super::receiving::Sinks;
use crate::{
    commands::{
        exit::{Exit, Failure},
        interrupt::Interrupts,
        keys::Keys,
        program::{ProgramEnd, UserProgram},
        reporters::{printer::DeliveryReporter, shortfall},
        terminal::Terminal,
        time_limit::TimeLimit,
        tunnel::Served,
    },
    engine::receive::{ExpectationCounter, Shortfall},
};

/// Why `listen` stops.
#[derive(Clone, Copy)]
pub enum StopReason {
    ExpectationsMet,
    OutputClosed,
    Interrupted,
    TimedOut,
    /// The program after `--` has ended.
    Program(ProgramEnd),
}

/// Waits for a reason to stop, then restores the terminal.
pub async fn end(
    program: Option<UserProgram>,
    counter: &ExpectationCounter,
    reporter: &DeliveryReporter,
    interrupts: &mut Interrupts,
    keys: Option<Keys>,
    limit: TimeLimit,
    terminal: Terminal,
) -> Result<StopReason, Failure> {
    if let Some(mut program) = program {
        return program.wait(interrupts, limit, terminal).await.map(StopReason::Program);
    }
    let reason = async {
        tokio::select! {
            // Expectations that were met before the time was up count.
            biased;
            () = counter.met() => StopReason::ExpectationsMet,
            _ = reporter.ended() => StopReason::OutputClosed,
            () = interrupts.next() => StopReason::Interrupted,
            () = limit.end() => StopReason::TimedOut,
        }
    };
    Ok(match keys {
        Some(mut keys) => keys.handle_until(reason).await.unwrap_or(StopReason::Interrupted),
        None => reason.await,
    })
}

/// Waits until every received request has its response and is printed. Returns whether all could be printed.
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
        // An error is a panic, which has been reported.
        let _ = inspecting.await;
    }
    tunnel.end(warnings).await;
    let printed = reporter.ended().await;
    pages.report_total(warnings);
    warnings.flush().await;
    served.map(|()| printed)
}

/// The exit code of a run that stopped for this reason. `finished` says whether everything was printed; `None` if there
/// was no time for that.
pub fn exit_code(
    terminal: Terminal,
    finished: Option<Result<bool, JoinError>>,
    end: StopReason,
    shortfall: Option<&Shortfall>,
) -> Result<Exit, Failure> {
    if finished.is_none() && !matches!(end, StopReason::OutputClosed) {
        terminal.warn("stopped before everything was printed");
    }
    Ok(match (finished, end) {
        (Some(Err(error)), _) => return Err(Failure::new(Exit::Failed, "the receiver failed").because(&error)),
        (_, StopReason::Program(end)) => end.exit(terminal, shortfall),
        (Some(Ok(false)), _) => Exit::Failed,
        (_, StopReason::TimedOut) => exit_after_timeout(terminal, shortfall),
        (None, StopReason::Interrupted | StopReason::OutputClosed) => Exit::Interrupted,
        // The expected deliveries have arrived, whether or not anyone reads the output.
        _ => Exit::Success,
    })
}

/// The exit code after the timeout. Prints what is missing.
fn exit_after_timeout(terminal: Terminal, shortfall: Option<&Shortfall>) -> Exit {
    let Some(shortfall) = shortfall else { return Exit::Success };
    shortfall::report(terminal, "timed out waiting for", shortfall);
    Exit::Failed
}
