//! The few structures that threads share, under everything that threads can do to them at once. Nothing here
//! waits for a time. Every result must be exact.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;
use tokio::time::Instant;

use super::stage::{ReceivedReply, authorization_of, run, sandbox, send, shipped};
use crate::base::{ApiKey, Turns};
use crate::sandbox::Sandbox;
use crate::server::Serving;
use crate::world::{WAITING_MAX, WORLDS_MAX, Watchers};

const BANK: &str = "/v1.1/identity/bank_account_data_requests";
const THREADS: u64 = 4;

fn key(number: u64) -> ApiKey {
    format!("iluma_development_{number:040}")
        .parse()
        .expect("a key")
}

/// One request through the server's own code, on the thread that asks.
fn ask(
    sandbox: &Arc<Serving>,
    key: &ApiKey,
    method: &str,
    path: &str,
    body: &[u8],
) -> ReceivedReply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\
         content-length: {}\r\n\r\n",
        authorization_of(key.reveal()),
        body.len()
    );
    let (_, mut replies) = run(async { send(sandbox, &[head.as_bytes(), body]).await });
    assert_eq!(replies.len(), 1, "one request, one reply");
    replies.remove(0)
}

fn json(heard: &ReceivedReply) -> Value {
    serde_json::from_slice(heard.body.as_ref().expect("a body")).expect("JSON")
}

fn account(number: u64) -> Vec<u8> {
    format!(r#"{{"bank_account_number": "{number}", "bank_code": "BCA"}}"#).into_bytes()
}

/// Runs `work` in all threads at once, from the same instant on.
fn at_once(threads: u64, work: impl Fn(u64) + Sync) {
    let start = Barrier::new(usize::try_from(threads).expect("few"));
    thread::scope(|scope| {
        for thread in 0..threads {
            let (work, start) = (&work, &start);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

#[test]
fn a_request_during_reloads_is_answered_from_one_catalogue_and_never_from_an_older_one_than_before()
{
    let folder = tempfile::tempdir().expect("a folder");
    let write = |number: u64| {
        // One number in many places: a reply from two catalogues would show two numbers.
        let text = format!(
            "extends = 'v1.1/bank_account_data_requests'\n[outcomes.STAMPED]\nstatus = {}\n\
             headers.x-number = '{number}'\nbody = {{ status = '{number}', result = {{ numbers = [{number}, {number}] }} }}\n",
            200 + number % 2
        );
        fs::write(folder.path().join("mine.toml"), text).expect("a file");
    };
    write(0);
    let sandbox = Sandbox::builder()
        .scenarios(folder.path())
        .unserved()
        .expect("it loads");
    let done = AtomicBool::new(false);
    let asked = AtomicU64::new(0);
    at_once(THREADS, |thread| {
        if thread == 0 {
            for number in 1..=20 {
                write(number);
                sandbox.control.engine.scenarios.reload();
            }
            done.store(true, Ordering::Release);
            return;
        }
        let mut latest = 0;
        loop {
            let is_last = done.load(Ordering::Acquire);
            let head = format!(
                "POST {BANK} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: {}\r\n\
                 x-magic-reply: STAMPED\r\n\r\n",
                authorization_of(key(thread).reveal())
            );
            let (_, replies) = run(async { send(&sandbox, &[head.as_bytes()]).await });
            let reply = json(&replies[0]);
            let number: u64 = reply["status"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("a number");
            assert_eq!(
                reply["result"]["numbers"],
                serde_json::json!([number, number])
            );
            assert_eq!(u64::from(replies[0].status), 200 + number % 2);
            assert!(
                replies[0]
                    .headers
                    .contains(&format!("\"x-number\": \"{number}\"")),
                "{replies:?}"
            );
            assert!(number >= latest, "{number} comes behind {latest}");
            latest = number;
            asked.fetch_add(1, Ordering::Relaxed);
            if is_last {
                assert_eq!(number, 20, "what is reloaded answers");
                return;
            }
        }
    });
    assert_eq!(sandbox.control.engine.scenarios.last_reload().failed, 0);
    assert!(asked.into_inner() >= THREADS - 1);
}

#[test]
fn a_world_that_is_in_use_is_not_given_up_and_one_that_is_given_up_begins_again_whole() {
    let sandbox = sandbox(shipped());
    let long_ago = Instant::now();
    let now = long_ago + Duration::from_mins(11);
    for number in 0..WORLDS_MAX as u64 {
        sandbox
            .control
            .engine
            .worlds
            .enter(&key(number), long_ago)
            .expect("there is room");
    }
    let own = (0..THREADS).map(|thread| {
        let worlds = &sandbox.control.engine.worlds;
        worlds.enter(&key(thread), long_ago).expect("it is there")
    });
    let own: Vec<_> = own.collect();
    // Each holds a world of its own and makes a hundred new ones, which take the places of idle ones.
    at_once(THREADS, |thread| {
        let mine = own[usize::try_from(thread).expect("a few")].clone();
        mine.state().counters.count(thread);
        for number in 0..100 {
            let fresh = key(1_000_000 + thread * 1000 + number);
            let world = sandbox
                .control
                .engine
                .worlds
                .enter(&fresh, now)
                .expect("an idle one gives way");
            assert_eq!(world.key, fresh);
            assert_eq!(world.state().counters.len(), 0, "a fresh world is empty");
            let again = sandbox
                .control
                .engine
                .worlds
                .enter(&key(thread), long_ago)
                .expect("it is still there");
            assert!(
                Arc::ptr_eq(&mine, &again),
                "a world that somebody holds was given up"
            );
        }
        assert_eq!(mine.state().counters.len(), 1);
    });
    let turns = Turns::default();
    let held = run(sandbox.control.engine.worlds.tally(&mut turns.brief()));
    assert_eq!(
        (held.worlds, held.evicted, held.refused),
        (WORLDS_MAX, THREADS * 100, 0)
    );
}

#[test]
fn who_looks_on_slowly_is_told_of_every_exchange_or_how_many_were_skipped_and_holds_nobody_up() {
    const EACH: u64 = 20_000;
    let live = Arc::new(Watchers::default());
    let slow = live.subscribe(None).expect("there is room");
    let reported = AtomicU64::new(0);
    let (mut taken, mut skipped) = (Vec::new(), 0);
    let writers = AtomicU64::new(THREADS);
    thread::scope(|scope| {
        for writer in 0..THREADS {
            let (live, writers, reported) = (&live, &writers, &reported);
            scope.spawn(move || {
                let tag = *format!("{writer:08x}")
                    .as_bytes()
                    .first_chunk()
                    .expect("eight");
                for seq in 1..=EACH {
                    live.exchange(tag, seq);
                    reported.fetch_add(1, Ordering::Relaxed);
                }
                writers.fetch_sub(1, Ordering::Release);
            });
        }
        loop {
            let is_last = writers.load(Ordering::Acquire) == 0;
            let waiting = slow.take();
            assert!(waiting.exchanges.len() <= WAITING_MAX);
            skipped += waiting.skipped;
            taken.extend(waiting.exchanges);
            if is_last {
                break;
            }
            for _ in 0..100 {
                thread::yield_now(); // slow
            }
        }
    });
    assert_eq!(taken.len() as u64 + skipped, THREADS * EACH);
    assert_eq!(reported.into_inner(), THREADS * EACH);
    for writer in 0..THREADS {
        let tag = format!("{writer:08x}");
        let of_one = taken
            .iter()
            .filter(|(of, _)| of == tag.as_bytes())
            .map(|(_, seq)| *seq);
        assert!(
            of_one.is_sorted_by(|one, next| one < next),
            "in its order, none twice"
        );
    }
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
}

#[test]
fn a_request_while_its_world_is_ended_is_answered_and_every_reply_is_counted_once() {
    const EACH: u64 = 150;
    let sandbox = sandbox(shipped());
    let one = key(1);
    let turns = Turns::default();
    let counted = || {
        let totals = run(sandbox.control.engine.worlds.totals(&mut turns.brief()));
        totals
            .exercised
            .by_status()
            .map(|(.., times)| times)
            .sum::<u64>()
    };
    let done = AtomicU64::new(0);
    at_once(THREADS, |thread| match thread {
        0 => {
            while done.load(Ordering::Acquire) < THREADS - 2 {
                run(sandbox.control.engine.worlds.end(&one, Instant::now()));
            }
        }
        1 => {
            let mut before = 0;
            while done.load(Ordering::Acquire) < THREADS - 2 {
                let now = counted();
                assert!(now <= (THREADS - 2) * EACH, "{now} is more than there were");
                before = now.max(before);
            }
            assert!(before <= counted());
        }
        _ => {
            for number in 0..EACH {
                let heard = ask(&sandbox, &one, "POST", BANK, &account(number));
                assert_eq!(heard.status, 200, "{heard:?}");
            }
            done.fetch_add(1, Ordering::Release);
        }
    });
    run(sandbox.control.engine.worlds.end(&one, Instant::now()));
    assert_eq!(counted(), (THREADS - 2) * EACH);
    assert!(sandbox.control.engine.worlds.get(&one).is_none());
    assert_eq!(
        run(sandbox.control.engine.worlds.tally(&mut turns.brief())).bytes,
        0,
        "what is no more takes no room"
    );
}

#[test]
fn a_world_is_put_back_whole_whatever_is_asked_meanwhile() {
    const SAVED: u64 = 20;
    const ROUNDS: u64 = 60;
    let sandbox = sandbox(shipped());
    let one = key(1);
    let id = |number| json(&ask(&sandbox, &one, "POST", BANK, &account(number)))["id"].clone();
    let saved: Vec<_> = (0..SAVED).map(id).collect();
    let take = || json(&ask(&sandbox, &one, "GET", "/__sandbox/snapshot", b""));
    let snapshot = take();
    let written = snapshot.to_string().into_bytes();
    let ids = |snapshot: &Value| -> Vec<Value> {
        let records = snapshot["records"].as_array().expect("a list");
        records.iter().map(|record| record["id"].clone()).collect()
    };
    assert_eq!(ids(&snapshot), saved);
    let done = AtomicBool::new(false);
    at_once(THREADS, |thread| {
        if thread == 0 {
            for _ in 0..ROUNDS {
                let heard = ask(&sandbox, &one, "PUT", "/__sandbox/snapshot", &written);
                assert_eq!(heard.status, 200, "{heard:?}");
            }
            done.store(true, Ordering::Release);
            return;
        }
        let mut number = thread * 1_000_000;
        while !done.load(Ordering::Acquire) {
            number += 1;
            // The world is never half restored.
            let now = ids(&take());
            assert_eq!(
                now[..saved.len()],
                saved,
                "what was saved comes first, and all of it"
            );
            let asked = ask(&sandbox, &one, "POST", BANK, &account(number));
            assert_eq!(asked.status, 200);
            let read = format!("{BANK}/{}", saved[0].as_str().expect("an id"));
            assert_eq!(ask(&sandbox, &one, "GET", &read, b"").status, 200);
        }
    });
    let heard = ask(&sandbox, &one, "PUT", "/__sandbox/snapshot", &written);
    assert_eq!(heard.status, 200, "{heard:?}");
    for part in ["records", "counters", "next", "faults", "clock"] {
        assert_eq!(take()[part], snapshot[part], "{part}");
    }
}
