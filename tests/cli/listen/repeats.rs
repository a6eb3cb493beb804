//! Deliveries that arrive more than once.

use serde_json::{Value, json};

use crate::harness::{AUPHONIC, CYANITE, CYANITE_HEADERS, Dir, Listener, Signed, post};

/// The `repeat` of a delivery that `send` would make.
#[track_caller]
fn repeat(listener: &mut Listener, path: &str, signed: &Signed) -> Value {
    listener.receives(path, &signed.headers(), &signed.body).1["repeat"].take()
}

#[test]
fn the_same_signed_bytes_are_a_repeat_and_forgeries_are_not() {
    let mut listener = Dir::new().listen().starts();
    let repeats = [0, 1, 2].map(|_| listener.receives("/cyanite", &CYANITE_HEADERS, CYANITE).1["repeat"].take());
    assert_eq!(repeats, [Value::Null, json!({"of": 1, "by": "bytes"}), json!({"of": 1, "by": "bytes"})]);
    let (_, forged) = listener.receives("/cyanite", &[("signature", "00")], CYANITE);
    assert_eq!((&forged["verdict"], &forged["repeat"]), (&json!("rejected"), &Value::Null));
}

#[test]
fn the_same_id_is_a_repeat_although_the_retry_is_signed_later() {
    let (dir, mut listener) = (Dir::new(), Dir::new().listen().args(["--now", "2026-01-01T00:00:00Z"]).starts());
    let sent = |now, id| Signed::new(&dir, "aspect.task.completed", &["--now", now, "--id", id]);
    let first = sent("2026-01-01T00:00:00Z", "msg_1");
    assert_eq!(repeat(&mut listener, "/aspect", &first), Value::Null);
    assert_eq!(repeat(&mut listener, "/aspect", &sent("2026-01-01T00:00:01Z", "msg_2")), Value::Null);
    let retry = sent("2026-01-01T00:01:01Z", "msg_1");
    assert_eq!(repeat(&mut listener, "/aspect", &retry), json!({"of": 1, "by": "id"}));
    // A forged delivery with the same id is no retry of a genuine one.
    let forged = sent("2026-01-01T00:00:00Z", "msg_1").with("svix-signature", "v1,AAAA");
    assert_eq!(repeat(&mut listener, "/aspect", &forged), Value::Null);
}

#[test]
fn the_id_may_be_a_field_of_the_payload() {
    let mut listener = Dir::new().listen().starts();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let repeats = [0, 1].map(|_| listener.receives("/auphonic", &form, AUPHONIC).1["repeat"].take());
    assert_eq!(repeats, [Value::Null, json!({"of": 1, "by": "id"})]);
}

#[test]
fn people_see_which_time_it_is() {
    let dir = Dir::new();
    let listen = dir.hookdev().args(["listen", "--addr", "127.0.0.1:0", "--now", "2026-01-01T00:00:00Z"]);
    let mut listener = listen.starts_for_people();
    for _ in 0..2 {
        post(&listener.url("/cyanite"), &CYANITE_HEADERS, CYANITE);
    }
    listener.prints("\n  repeat: 2nd time, after 0 s (same bytes as #1)\n");
}
