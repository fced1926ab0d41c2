//! Resets while callbacks are under way, on many threads: waiting callbacks are not sent, every callback ends
//! once, and afterwards the world is as quiet as a new one.

use std::collections::HashSet;

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::Receiver;
use crate::stage::{BANK, TYPE, key};

const ROUNDS: usize = 40;
const CALLS: usize = 12;

/// The number of delivered and cancelled callbacks, over all resets.
async fn ended(client: &Client) -> (usize, usize) {
    let metrics = client.get("/__sandbox/metrics").await.text;
    let count = |state: &str| -> usize {
        let name = format!("iluma_sandbox_deliveries_total{{state=\"{state}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&*name));
        count.expect("a sample").parse().expect("a number")
    };
    (count("delivered"), count("cancelled"))
}

/// A receiver may read a callback after the reset, if it was sent before: the receiver's system has the bytes. So the
/// sandbox's own counts are compared, and the receiver only shows that it got nothing that the counts do not include.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_reset_every_callback_of_before_was_answered_or_called_back_and_none_comes_that_lay_in_line()
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
    let came = || -> Vec<String> {
        let id = |callback: &crate::receiver::Received| {
            callback.json()["id"].as_str().map(str::to_owned)
        };
        receiver.so_far().iter().filter_map(id).collect()
    };
    let mut due_at_once = HashSet::new();
    let (mut delivered, mut cancelled) = (0, 0);
    for round in 0..ROUNDS {
        for call in 0..CALLS {
            // Some are due at once and under way; the others wait.
            if call % 3 == 0 {
                ask(round * 100 + call, "COMPLETED_FOUND; callback=late(1h)").await;
            } else {
                due_at_once.insert(ask(round * 100 + call, "COMPLETED_FOUND").await);
            }
        }
        let reset = tell("POST", "reset").await;
        let came_before = came().len();
        let called_back = reset["cancelled_callbacks"].as_u64().expect("a number");
        let called_back = usize::try_from(called_back).expect("few");
        assert!(
            called_back >= CALLS / 3,
            "what lay in line is called back: {called_back}"
        );
        cancelled += called_back;
        delivered += CALLS
            .checked_sub(called_back)
            .expect("no more than there were");
        assert_eq!(ended(&client).await, (delivered, cancelled));
        assert!(came_before >= delivered, "what was answered has come");
        // After the reset, only callbacks of later requests arrive, and no earlier callback is answered any more.
        let last = ask(round * 100 + 99, "COMPLETED_FOUND").await;
        tell("GET", "idle?wait=30s").await;
        delivered += 1;
        assert_eq!(ended(&client).await, (delivered, cancelled));
        assert!(came().contains(&last));
        due_at_once.insert(last);
    }
    let came = came();
    let once: HashSet<_> = came.iter().cloned().collect();
    assert_eq!(once.len(), came.len(), "something came twice");
    assert!(once.is_subset(&due_at_once), "something came out of line");
    tell("POST", "reset").await;
    let ready = tell("GET", "readyz").await;
    assert_eq!(ready["deliveries"]["pending"], 0);
    assert_eq!(ready["records"]["held"], 0);
}
