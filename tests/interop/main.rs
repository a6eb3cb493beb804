//! Other people's implementations of the Svix scheme and Standard Webhooks verify what hookdev signs, and hookdev what
//! they sign; what one refuses the other refuses for the same reason.

#[path = "../acme/mod.rs"]
mod acme;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../packages/mod.rs"]
mod packages;

mod standard_webhooks;
mod svix;

/// The secret of the public vector in the Svix libraries' own tests.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The clock's time in unix seconds, which is what the other implementations read by themselves.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock that is set");
    i64::try_from(since.as_secs()).expect("a time within the next ages")
}
