//! The form in which the commands that check something tell what they find.

use crate::{
    cli::Format,
    render::report::{Github, Junit, Report, Sarif},
};

/// One of the forms, with what it is written by; `P` writes for people.
pub enum Form<P> {
    /// For people.
    Pretty(Box<P>),
    /// One JSON object a line.
    Json,
    /// For a CI service.
    Report(Box<dyn Report>),
}

impl<P> Form<P> {
    /// The form that was asked for.
    pub fn of(format: Format, pretty: impl FnOnce() -> P) -> Self {
        match format {
            Format::Pretty => Self::Pretty(Box::new(pretty())),
            Format::Json => Self::Json,
            Format::Junit => Self::Report(Box::new(Junit::default())),
            Format::Github => Self::Report(Box::new(Github)),
            Format::Sarif => Self::Report(Box::new(Sarif::default())),
        }
    }
}
