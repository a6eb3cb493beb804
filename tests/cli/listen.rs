//! `hookdev listen`.

mod answers;
mod captures;
mod expectations;
mod forwards;
mod limits;
mod lines;
mod pretty;
mod reload;
mod start_and_end;
mod verdicts;
