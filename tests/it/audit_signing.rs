//! `iluma-sandbox audit` against receivers that verify signatures, and the steps that most receivers fail.

use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::audit::{Heard, TYPE, audit, careful, documented_token, failures, receiver};
use crate::process::run;

/// A secret of the user's own.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIGNED: [&str; 4] = [
    "--callback-signing",
    "standard-webhooks",
    "--secret",
    SECRET,
];

/// What a receiver does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    VerifiesParsedJson,
    TakesAnySignature,
    TakesAnyTime,
    ReadsFirstSignatureOnly,
    RefusesLargeBodies,
    RefusesStrangers,
}

fn signature(heard: &Heard, body: &[u8]) -> String {
    let signed = heard.signed.as_ref().expect("it is signed");
    let secret = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("any length");
    mac.update(format!("{}.{}.", signed.id, signed.timestamp).as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn is_recent(timestamp: &str) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let at = Duration::from_secs(timestamp.parse().expect("seconds"));
    now.abs_diff(at) < Duration::from_mins(5)
}

/// A careful receiver that verifies time and signature too, apart from its flaw.
fn verifying(token: String, flaw: Flaw) -> impl FnMut(&Heard) -> Option<u16> + Send + 'static {
    let mut careful = careful(token);
    move |heard| {
        if flaw == Flaw::RefusesLargeBodies && heard.body.len() > 100_000 {
            return Some(413);
        }
        let signed = heard.signed.clone().expect("it is signed");
        let body = match heard.json() {
            Some(json) if flaw == Flaw::VerifiesParsedJson => json.to_string().into_bytes(),
            _ => heard.body.clone(),
        };
        let right = signature(heard, &body);
        let mut signatures = signed.signatures.split(' ');
        let is_right = if flaw == Flaw::ReadsFirstSignatureOnly {
            signatures.next() == Some(&right)
        } else {
            signatures.any(|one| one == right)
        };
        if !is_right && flaw != Flaw::TakesAnySignature {
            return Some(401);
        }
        if !is_recent(&signed.timestamp) && flaw != Flaw::TakesAnyTime {
            return Some(401);
        }
        let record = heard.json().unwrap_or_default();
        let is_strange = (record["id"].as_str()).is_some_and(|id| !id.starts_with("bknv_"));
        if flaw == Flaw::RefusesStrangers && is_strange {
            return Some(404);
        }
        careful(heard)
    }
}

#[tokio::test]
async fn a_receiver_that_verifies_signatures_passes_every_step() {
    let token = documented_token().await;
    let url = receiver(verifying(token.clone(), Flaw::None));
    let (code, out, err) = audit(&url, &SIGNED);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        format!(
            "callbacks of type NAME_VALIDATOR_REQUEST to URL\n\
             x-callback-token: {token}\n\
             signing secret: the one of --secret\n\
             \n\
             pass normal: sent a callback → 201\n\
             pass duplicate: sent the same callback twice → 201, then 200\n\
             pass reorder: sent the callbacks of two records, the later one first → 201, then 201\n\
             pass wrong-token: sent a callback with a wrong token → 401\n\
             pass no-token: sent a callback without a token → 401\n\
             pass stale: sent a finished record, then its older state → 201, then 200\n\
             pass unknown-fields: sent a callback with fields that are not documented → 201\n\
             pass invalid-json: sent a callback that is not JSON → 400\n\
             pass truncated: sent the first half of a callback → 400\n\
             pass retry: sent a callback, again after each 5xx → 201: \
             the receiver did not fail, so no retry was tested\n\
             pass raw-body: sent a callback whose JSON has unusual blanks, escapes, numbers and order → 201\n\
             pass wrong-signature: sent a callback that is signed with another secret → 401\n\
             pass old-timestamp: sent a callback that was signed an hour ago → 401\n\
             pass rotated-secret: sent two callbacks with the signatures of two secrets, the right one first, \
             then last → 201, then 201\n\
             pass concurrent-duplicate: sent the same callback twice at the same time → 200 and 201\n\
             pass slow-answer: sent a callback without waiting for the answer, then again → no wait, then 200\n\
             pass large: sent a callback of 512 KiB → 201\n\
             pass unknown-type: sent a callback about a record of an unknown product → 201\n\
             \n\
             18 passed, 0 failed\n"
        )
    );
}

#[tokio::test]
async fn each_flaw_of_a_receiver_fails_its_step_alone() {
    let token = documented_token().await;
    for (flaw, failure) in [
        (
            Flaw::VerifiesParsedJson,
            "FAIL raw-body: sent a callback whose JSON has unusual blanks, escapes, numbers and order → 401; expected \
             2xx: JSON that is parsed and written again has other bytes than the signed ones: verify the signature \
             over the body as it came, and read it with a JSON parser",
        ),
        (
            Flaw::TakesAnySignature,
            "FAIL wrong-signature: sent a callback that is signed with another secret → 201; expected 401, 403 or \
             another 4xx: anybody who learns the token could send callbacks: compute the signature and compare it, in \
             constant time",
        ),
        (
            Flaw::TakesAnyTime,
            "FAIL old-timestamp: sent a callback that was signed an hour ago → 201; expected 401, 403 or another 4xx: \
             a callback that somebody has recorded could be sent again at any time: refuse a webhook-timestamp that is \
             more than five minutes away",
        ),
        (
            Flaw::ReadsFirstSignatureOnly,
            "FAIL rotated-secret: sent two callbacks with the signatures of two secrets, the right one first, then \
             last → 201, then 401; expected 2xx: while a secret is replaced, callbacks have a signature of the old and \
             one of the new: accept a callback if one of the signatures in webhook-signature is right",
        ),
        (
            Flaw::RefusesLargeBodies,
            "FAIL large: sent a callback of 512 KiB → 413; expected 2xx: a result with many matches is large: let the \
             receiver read bodies of 1 MiB (many frameworks stop at 100 KB)",
        ),
        (
            Flaw::RefusesStrangers,
            "FAIL unknown-type: sent a callback about a record of an unknown product → 404; expected 2xx: a callback \
             that is refused is sent again for hours: answer 2xx to callbacks that you do not know, and ignore them",
        ),
    ] {
        let url = receiver(verifying(token.clone(), flaw));
        let (code, out, err) = audit(&url, &SIGNED);
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        assert_eq!(failures(&out), [failure]);
        assert!(out.ends_with("\n17 passed, 1 failed\n"), "{out}");
    }
}

#[test]
fn a_receiver_that_cannot_process_two_copies_at_once_fails_that_step() {
    let (both, count) = (Arc::new(Barrier::new(2)), Mutex::new(0));
    let url = crate::audit::concurrent_receiver(move |heard| {
        let number = {
            let mut count = count.lock().expect("no panic");
            *count += 1;
            *count
        };
        // Without signatures these are the two copies. Each waits for the other, so they are in work together.
        if number == 15 || number == 16 {
            let is_second = both.wait().is_leader();
            return Some(if is_second { 500 } else { 201 });
        }
        Some(match heard.token.as_deref().map(str::len) {
            Some(64) if heard.json().is_some() => 200,
            _ => 400,
        })
    });
    let (code, out, _) = audit(&url, &["--receiver-time", "20s"]);
    assert_eq!(code, 1);
    assert_eq!(
        failures(&out)[1],
        "FAIL concurrent-duplicate: sent the same callback twice at the same time → 201 and 500; expected 2xx: two \
         copies can be processed in the same moment: let a unique key of the database decide, and answer 2xx to both"
    );
}

#[test]
fn a_receiver_that_answers_too_slowly_fails_that_step() {
    let url = receiver(|_| Some(200));
    let (code, out, _) = audit(&url, &["--answer-time", "0ms"]);
    assert_eq!(code, 1);
    let slow = failures(&out)[4];
    let (start, rest) = slow.split_once(" after ").expect("the time is shown");
    assert_eq!(
        start,
        "FAIL slow-answer: sent a callback without waiting for the answer, then again → no wait, then 200"
    );
    let (_, end) = rest.split_once("; ").expect("a clause");
    assert_eq!(
        end,
        "expected 2xx within 0ns: a sender does not wait for a slow answer and sends the callback again: store the \
         callback, answer 2xx, and do the work later"
    );
}

#[test]
fn copies_have_the_id_of_their_callback_and_other_callbacks_have_others() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    let url = receiver(move |one| {
        let signed = one.signed.clone().expect("it is signed");
        kept.lock().expect("no panic").push(signed);
        Some(200)
    });
    let (_, out, _) = audit(&url, &["--callback-signing", "standard-webhooks"]);
    assert!(out.contains("\nsigning secret: whsec_"), "{out}");
    let heard = heard.lock().expect("no panic");
    let ids: Vec<_> = heard
        .iter()
        .map(|signed| signed.id.rsplit_once('_').expect("a number").1)
        .collect();
    assert_eq!(
        ids.join(" "),
        "1 2 2 4 3 5 6 7 8 9 10 11 12 13 14 15 16 17 18 18 19 19 20 21"
    );
    let number = |signatures: &str| signatures.split(' ').count();
    let rotated: Vec<_> = (0..heard.len())
        .filter(|at| number(&heard[*at].signatures) == 2)
        .collect();
    assert_eq!(rotated, [16, 17]);
}

#[test]
fn a_report_in_xml_has_a_test_case_for_each_step() {
    let url = receiver(|heard| Some(if heard.body.len() > 1000 { 413 } else { 200 }));
    let (code, out, err) = audit(&url, &["--format", "junit"]);
    assert_eq!((code, err.as_str()), (1, ""));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        &lines[..4],
        [
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<testsuites name="audit" tests="18" failures="5" errors="0" skipped="3">"#,
            r#"  <testsuite name="NAME_VALIDATOR_REQUEST" tests="18" failures="5" errors="0" skipped="3">"#,
            r#"    <testcase classname="NAME_VALIDATOR_REQUEST" name="normal"/>"#,
        ]
    );
    assert_eq!(
        &lines[14..15],
        [
            r#"    <testcase classname="NAME_VALIDATOR_REQUEST" name="wrong-signature"><skipped message="callbacks are signed only with --callback-signing standard-webhooks"/></testcase>"#
        ]
    );
    assert_eq!(
        lines[19],
        "    <testcase classname=\"NAME_VALIDATOR_REQUEST\" name=\"large\"><failure message=\"received 413; expected \
         2xx\">FAIL large: sent a callback of 512 KiB → 413; expected 2xx: a result with many matches is large: let \
         the receiver read bodies of 1 MiB (many frameworks stop at 100 KB)</failure></testcase>"
    );
    assert_eq!(&lines[21..], ["  </testsuite>", "</testsuites>"]);
}

#[test]
fn an_audit_reaches_its_receiver_by_the_host_map() {
    let url = receiver(|_| Some(200)).replace("127.0.0.1", "receiver.test");
    let map = ["--callback-host-map", "receiver.test=127.0.0.1"];
    let (code, out, err) = audit(&url, &map);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(
        out.contains("\npass normal: sent a callback → 200\n"),
        "{out}"
    );
}

#[test]
fn flags_of_an_audit_that_have_no_effect_are_refused() {
    let url = "http://127.0.0.1:1/";
    for (flags, expected) in [
        (
            &["--secret", SECRET][..],
            "--secret has no effect without --callback-signing standard-webhooks\n",
        ),
        (
            &[
                "--callback-signing",
                "standard-webhooks",
                "--secret",
                "p4ss word",
            ],
            "a value of --secret is no signing secret: write `whsec_` and the base64 of the secret, or the base64 alone",
        ),
        (
            &[
                "--callback-signing",
                "standard-webhooks",
                "--secret",
                "whsec_",
            ],
            "a value of --secret is no signing secret: write `whsec_` and the base64 of the secret, or the base64 alone",
        ),
        (&["--callback-signing", "hmac"], "write `standard-webhooks`"),
        (&["--callback-host-map", "a"], "write FROM=TO"),
        (
            &["--callback-host-map", "a=169.254.169.254"],
            "`a=169.254.169.254` in the host map has no effect: 169.254.169.254 is an address that is never called",
        ),
    ] {
        let arguments = ["audit", "--callback", url, "--type", TYPE];
        let (code, out, err) = run(&[&arguments, flags].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{flags:?}");
        assert!(err.contains(expected), "{flags:?}: {err}");
        assert!(!err.contains("p4ss"), "{err}");
    }
}

#[test]
fn nothing_of_a_signature_is_sent_where_nothing_is_signed() {
    let url = receiver(|heard| Some(if heard.signed.is_some() { 500 } else { 200 }));
    let (_, out, _) = audit(&url, &["--format", "json"]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let received = report["steps"].as_array().expect("a list");
    assert!(
        received
            .iter()
            .all(|step| !step["received"].to_string().contains("500"))
    );
}
