//! `hookdev verify`: checks captured requests; the exit code says whether all of them are good.

mod interruption;
mod judging;
mod pipeline;
mod progress;
mod tally;
mod teller;
mod watching;

use std::path::{Path, PathBuf};

use super::{
    context::Context,
    exit::{Exit, Failure},
};
use crate::{cli::Verify, store::formats::bare, webhook::request::Headers};
use interruption::Interruption;
use judging::Judging;
use pipeline::Input;
use progress::Progress;
use tally::Tally;
use teller::Teller;

/// The name that standard input goes by.
const STDIN: &str = "-";

/// Verifies every request in the files that were named.
///
/// # Errors
///
/// When the options are wrong, or the output can't be written.
pub fn run(context: &Context, args: &Verify) -> Result<Exit, Failure> {
    let judging = Judging::new(context, args)?;
    let inputs = inputs(args)?;
    if args.watch {
        return watching::run(context, args, judging, &inputs);
    }
    verify(context, &judging, &inputs, &Interruption::default())
}

/// One run over inputs; an interruption ends it early.
fn verify(
    context: &Context,
    judging: &Judging<'_>,
    inputs: &[Input],
    interruption: &Interruption,
) -> Result<Exit, Failure> {
    let mut teller = Teller::new(context);
    let mut tally = Tally::default();
    let progress = Progress::new(context);
    for input in inputs {
        let before = tally.seen();
        let run = pipeline::run(judging, input, &mut |told| {
            if interruption.came() {
                return Err(Failure::interrupted());
            }
            tally.count(&told);
            progress.step(tally.seen());
            teller.tell(told)
        });
        match run {
            Err(failure) if failure.exit == Exit::Interrupted => break,
            run => run?,
        }
        let may_be_none = matches!(input, Input::Found(_));
        if tally.seen() == before && !may_be_none {
            // A check of nothing must not pass.
            let nothing = format!("there is no captured request in {}", input.path().display());
            teller.tell(pipeline::Told::Broken(Failure::new(Exit::UnreadableInput, nothing)))?;
            tally.broken += 1;
        }
    }
    progress.finish();
    teller.finish()?;
    if interruption.came() {
        context.terminal.note(&format!("stopped: {}", tally.summary().trim_end()));
        return Ok(Exit::Interrupted);
    }
    context.terminal.say(&tally.summary());
    Ok(tally.exit())
}

fn inputs(args: &Verify) -> Result<Vec<Input>, Failure> {
    if let Some(body) = &args.body {
        let headers: Result<Headers, _> = args.header.iter().map(|text| bare::header(text)).collect();
        let headers = headers.map_err(|error| Failure::usage(error.to_string()))?;
        return Ok(vec![Input::Body(body.clone(), headers)]);
    }
    let input = |path: &PathBuf| if path == Path::new(STDIN) { Input::Stdin } else { Input::Path(path.clone()) };
    Ok(args.files.iter().map(input).collect())
}
