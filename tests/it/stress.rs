//! Resets while callbacks are on their way, on many threads: what is called back does not come, what came is not counted
//! as called back, and afterwards the world is as quiet as a new one.

use std::collections::HashSet;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::Receiver;
use crate::stage::{BANK, TYPE, key};

const ROUNDS: usize = 40;
const CALLS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_reset_nothing_comes_of_what_was_before_and_every_callback_came_or_was_called_back()
{
    let receiver = Receiver::start().await;
    let client = Client::of(Sandbox::builder().callback(TYPE, receiver.url())).await;
    let own = key('r');
    let tell = async |method: &str, path: &str| -> Value {
        let request = client.as_key(&own, method, &format!("/__sandbox/{path}"));
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    };
    let ask = async |number: usize, outcome: &str| -> String {
        let body = json!({"bank_account_number": format!("{number}"), "bank_code": "BCA"});
        let request = client.as_key(&own, "POST", BANK).json(&body);
        let answer = Answer::of(request.header("x-magic-reply", outcome)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    };
    let came = |before: usize| -> Vec<String> {
        let arrived = receiver.so_far().split_off(before);
        let id = |callback: &crate::receiver::Received| {
            callback.json()["id"].as_str().map(str::to_owned)
        };
        arrived.iter().filter_map(id).collect()
    };
    let mut quiet_from = 0;
    for round in 0..ROUNDS {
        let mut asked = Vec::new();
        for call in 0..CALLS {
            // Some are due at once and on their way, the others lie in line.
            let outcome = if call % 3 == 0 {
                "PENDING_THEN_COMPLETED_FOUND"
            } else {
                "COMPLETED_FOUND"
            };
            asked.push(ask(round * 100 + call, outcome).await);
        }
        let reset = tell("POST", "reset").await;
        let cancelled =
            usize::try_from(reset["cancelled_callbacks"].as_u64().expect("a number")).expect("few");
        let came_before = came(quiet_from);
        let last = ask(round * 100 + 99, "COMPLETED_FOUND").await;
        tell("GET", "idle?wait=30s").await;
        let mut came_in_all = came(quiet_from);
        // Behind the reset only what was asked behind it.
        let of_before = came_in_all.iter().filter(|id| **id != last).count();
        assert_eq!(
            of_before,
            came_before.len(),
            "something came after the reset: {came_in_all:?}"
        );
        assert_eq!(came_in_all.pop().as_ref(), Some(&last));
        let once: HashSet<_> = came_in_all.iter().collect();
        assert_eq!(once.len(), came_in_all.len(), "something came twice");
        assert!(came_in_all.iter().all(|id| asked.contains(id)));
        // What was on its way when it was called back may have come all the same: it counts as called back.
        assert!(
            came_in_all.len() + cancelled >= CALLS,
            "{} came, {cancelled} were called back",
            came_in_all.len()
        );
        assert!(cancelled >= CALLS / 3, "what lay in line is called back");
        assert!(cancelled <= CALLS, "{cancelled} of {CALLS}");
        quiet_from += came_in_all.len() + 1;
    }
    tell("POST", "reset").await;
    let ready = tell("GET", "readyz").await;
    assert_eq!(ready["deliveries"]["pending"], 0);
    assert_eq!(ready["records"]["held"], 0);
}
