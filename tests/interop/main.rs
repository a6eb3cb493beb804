//! Other implementations of the Svix scheme and Standard Webhooks verify what hookdev signs, and vice versa; what one
//! rejects, the other rejects for the same reason.

#[path = "../acme/mod.rs"]
mod acme;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../packages/mod.rs"]
mod packages;

mod libraries;
mod scripts;
mod standard_webhooks;
mod svix;

/// The secret of the public vector in the Svix libraries' own tests.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The current time in Unix seconds, which the other implementations read themselves.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock that is set");
    i64::try_from(since.as_secs()).expect("a time within the next ages")
}
