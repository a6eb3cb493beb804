//! The output formats of `verify` and `check`.

use crate::{
    cli::FormatArg,
    render::report::{Github, Junit, Report, Sarif},
};

/// An output format with its writer; `P` is the writer of the pretty format.
pub enum OutputFormat<P> {
    /// Text for people.
    Pretty(Box<P>),
    /// One JSON object per line.
    Json,
    /// A report for a CI service.
    Report(Box<dyn Report>),
}

impl<P> OutputFormat<P> {
    /// The writer of a format; `pretty` makes the writer for people.
    pub fn new(format: FormatArg, pretty: impl FnOnce() -> P) -> Self {
        match format {
            FormatArg::Pretty => Self::Pretty(Box::new(pretty())),
            FormatArg::Json => Self::Json,
            FormatArg::Junit => Self::Report(Box::new(Junit::default())),
            FormatArg::Github => Self::Report(Box::new(Github)),
            FormatArg::Sarif => Self::Report(Box::new(Sarif::default())),
        }
    }
}
