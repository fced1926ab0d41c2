//! Compares a world with a model of it: after any operations in any order, it follows the contract, and operations on
//! the other world change nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::model::{Delivery, Model, Outcome, Product, assert_error};
use crate::receiver::{Reaction, Receiver, StandingClock};
use crate::replay::assert_text_replays;

/// Ten thousand take about twelve minutes: `PROPTEST_CASES=10000 cargo test --test it model_based`.
const CASES: u32 = 24;
const STEPS_MAX: usize = 24;

/// The operations on a world.
#[derive(Clone, Debug)]
enum Step {
    Ask(Product, Option<usize>, Option<Outcome>),
    Wrong(Product, Wrong),
    Read(usize),
    Queue(Product, Outcome, u32),
    ClearQueues,
    Register(Product),
    Refuse(u32),
    Trigger(Product),
    Advance(u64),
    Reset,
    Restore,
}

/// Requests that change nothing.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Body,
    Fields,
    Key,
    Path,
    Outcome,
    Id,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let product = || select(vec![Product::Bank, Product::Details]);
    let outcome = || select(&Outcome::ALL[..]);
    let input = || prop_oneof![4 => (0..INPUTS).prop_map(Some), 1 => Just(None)];
    let wrong = select(vec![
        Wrong::Body,
        Wrong::Fields,
        Wrong::Key,
        Wrong::Path,
        Wrong::Outcome,
        Wrong::Id,
    ]);
    let step = prop_oneof![
        8 => (product(), input(), proptest::option::of(outcome())).prop_map(|(p, i, o)| Step::Ask(p, i, o)),
        2 => (product(), wrong).prop_map(|(p, w)| Step::Wrong(p, w)),
        4 => (0..20_usize).prop_map(Step::Read),
        3 => (product(), outcome(), 1..3_u32).prop_map(|(p, o, n)| Step::Queue(p, o, n)),
        1 => Just(Step::ClearQueues),
        4 => product().prop_map(Step::Register),
        2 => (1..9_u32).prop_map(Step::Refuse),
        1 => product().prop_map(Step::Trigger),
        5 => select(vec![1, 400, 999, 1000, 1001, 3000, 10_000, 70_000]).prop_map(Step::Advance),
        1 => Just(Step::Reset),
        1 => Just(Step::Restore),
    ];
    vec(step, 1..STEPS_MAX)
}

const INPUTS: usize = 3;

fn input(which: usize) -> Value {
    [
        json!({"bank_account_number": "1234567890", "bank_code": "BCA"}),
        json!({"bank_account_number": "1234567890", "bank_code": "ID_BCA", "reference_id": "again"}),
        json!({"bank_account_number": "77001234", "bank_code": "BRI"}),
    ][which]
        .clone()
}

#[test]
fn two_worlds_at_once_do_what_the_contract_says_whatever_is_done_to_them_in_whatever_order() {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(std::env::var("PROPTEST_CASES").map_or(CASES, |cases| {
            cases.parse().expect("PROPTEST_CASES is a number")
        }))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let client = runtime.block_on(Client::start());
    let outcome = TestRunner::new(config).run(&(steps(), steps()), |(one, other)| {
        runtime.block_on(async {
            let _still = StandingClock::hold();
            // Every case has its own keys, so that a failed case does not change the others.
            let mut worlds = [World::new(&client).await, World::new(&client).await];
            let [first, second] = &mut worlds;
            tokio::join!(first.go_through(&one), second.go_through(&other));
            let [first, second] = &worlds;
            first.knows_nothing_of(second).await;
            second.knows_nothing_of(first).await;
            first.replays().await;
            for world in worlds {
                world.end().await;
            }
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// The number of worlds so far. Every case gets new keys from it.
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// A world of the sandbox, and its model.
struct World<'c> {
    client: &'c Client,
    receiver: Receiver,
    key: String,
    model: Model,
}

impl<'c> World<'c> {
    async fn new(client: &'c Client) -> Self {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        Self {
            client,
            receiver: Receiver::start().await,
            key: format!("iluma_development_{number:040}"),
            model: Model::default(),
        }
    }

    async fn go_through(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(step).await;
            self.is_as_it_should().await;
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Ask(product, which, magic) => {
                let body = which.map(input);
                let mut request = self.request("POST", product.path());
                if let Some(body) = &body {
                    request = request.json(body);
                }
                if let Some(outcome) = magic {
                    request = request.header("x-magic-reply", outcome.name());
                }
                let answer = Answer::of(request).await;
                self.model
                    .ask(product, body.as_ref(), magic, answer.status, &answer.text);
            }
            Step::Wrong(product, wrong) => self.refused(product, wrong).await,
            Step::Read(at) if self.model.records.is_empty() => _ = at,
            Step::Read(at) => {
                let at = at % self.model.records.len();
                self.read(at).await;
            }
            Step::Queue(product, outcome, times) => {
                let entry =
                    json!({"endpoint": product.path(), "outcome": outcome.name(), "times": times});
                assert_eq!(self.tell("POST", "next", &entry).await.0, 200);
                self.model.queue(product, outcome, times);
            }
            Step::ClearQueues => {
                assert_eq!(self.tell("DELETE", "next", &json!({})).await.0, 200);
                self.model.clear_queues();
            }
            Step::Register(product) => {
                let wish =
                    json!({"type": product.callback_type(), "url": self.receiver.url_text()});
                let answer =
                    Answer::of(self.request("POST", "/v1/callback/urls").json(&wish)).await;
                self.model.register(product, answer.status, &answer.text);
            }
            Step::Refuse(times) => {
                self.receiver
                    .then((0..times).map(|_| Reaction::status(500)));
                self.model.refuse(times);
            }
            Step::Trigger(product) => {
                let wish = json!({"type": product.callback_type()});
                let (status, delivery) = self.tell("POST", "trigger", &wish).await;
                if self.model.is_registered(product) {
                    assert_eq!(status, 202, "{delivery}");
                    let record = delivery["record"].as_str().expect("a record");
                    self.model.trigger(product, record.to_owned());
                } else {
                    assert_eq!(status, 400, "{delivery}");
                }
            }
            Step::Advance(ms) => {
                let by = json!({"by": format!("{ms}ms")});
                let (status, clock) = self.tell("POST", "clock/advance", &by).await;
                self.model.advance(ms);
                assert_eq!((status, &clock["now"]), (200, &json!(self.model.now())));
            }
            Step::Reset => {
                let (status, reset) = self.tell("POST", "reset", &json!({})).await;
                let cancelled = self.model.reset();
                assert_eq!(
                    (status, &reset["cancelled_callbacks"]),
                    (200, &json!(cancelled))
                );
            }
            Step::Restore => {
                let (_, snapshot) = self.tell("GET", "snapshot", &json!({})).await;
                let (status, restored) = self.tell("PUT", "snapshot", &snapshot).await;
                let cancelled = self.model.restore();
                assert_eq!(
                    (status, &restored["cancelled_callbacks"]),
                    (200, &json!(cancelled))
                );
            }
        }
    }

    async fn refused(&self, product: Product, wrong: Wrong) {
        let json = "application/json";
        let post = || {
            self.request("POST", product.path())
                .header("content-type", json)
        };
        let (request, status, code) = match wrong {
            // With a magic header, the queue is not used.
            Wrong::Body => (post().body("{"), 400, "INVALID_JSON_FORMAT"),
            Wrong::Fields => (post().body("{}"), 400, "API_VALIDATION_ERROR"),
            Wrong::Key => {
                let bare = self.client.bare("POST", product.path());
                let answer = Answer::of(bare.body("{}")).await;
                return assert_error(answer.status, &answer.text, 401, "INVALID_API_KEY");
            }
            Wrong::Path => (self.request("DELETE", product.path()), 404, "NOT_FOUND"),
            Wrong::Outcome => {
                let unheard_of = post()
                    .json(&input(0))
                    .header("x-magic-reply", "COMPLETED_UNHEARD_OF");
                let answer = Answer::of(unheard_of).await;
                return assert_error(answer.status, &answer.text, 400, "API_VALIDATION_ERROR");
            }
            Wrong::Id => {
                let path = format!("{}/bknv_000000000000000000000000", product.path());
                (self.request("GET", &path), 404, "DATA_NOT_FOUND")
            }
        };
        let request = match wrong {
            Wrong::Body | Wrong::Fields => request.header("x-magic-reply", "COMPLETED_FOUND"),
            _ => request,
        };
        let answer = Answer::of(request).await;
        assert_error(answer.status, &answer.text, status, code);
    }

    async fn read(&mut self, at: usize) {
        let record = &self.model.records[at];
        let path = format!("{}/{}", record.product.path(), record.id);
        let answer = Answer::of(self.request("GET", &path)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.model.read(at, &answer.text);
    }

    /// Checks that the queue and the sent callbacks are those of the model. It waits, because callbacks are sent after
    /// their reply.
    async fn is_as_it_should(&mut self) {
        let (_, next) = self.tell("GET", "next", &json!({})).await;
        for product in [Product::Bank, Product::Details] {
            let id = product.path().replace("/identity/", "/");
            // Compared one by one: if an entry was put back after a refusal, two equal entries may be one or two.
            let mut waiting = Vec::new();
            for entry in next["waiting"].as_array().expect("a list") {
                let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                if format!("/{}", text("endpoint")) == id {
                    let times = entry["times"].as_u64().expect("a number");
                    waiting.extend((0..times).map(|_| text("outcome")));
                }
            }
            assert_eq!(waiting, self.model.waiting(product), "{product:?}");
        }
        let mut log = Value::Null;
        for _ in 0..10_000 {
            log = self
                .tell("GET", "deliveries?limit=1000", &json!({}))
                .await
                .1["deliveries"]
                .take();
            if self.is_expected(&log) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{log:#}\nis not\n{:#?}", self.model.deliveries);
    }

    fn is_expected(&self, log: &Value) -> bool {
        let log = log.as_array().expect("a list");
        let is = |shown: &Value, expected: &Delivery| {
            shown["type"] == expected.callback_type
                && shown["record"] == *expected.record
                && shown["state"] == expected.state
                && shown["attempts"].as_array().map(Vec::len) == Some(expected.tries)
                && shown["next_try"] == json!(expected.due())
        };
        let expected = self.model.deliveries.iter();
        log.len() == expected.len()
            && log
                .iter()
                .rev()
                .zip(expected)
                .all(|(shown, one)| is(shown, one))
    }

    /// Checks that records of the other world cannot be read here.
    async fn knows_nothing_of(&self, other: &Self) {
        for record in &other.model.records {
            let path = format!("{}/{}", record.product.path(), record.id);
            let answer = Answer::of(self.request("GET", &path)).await;
            assert_error(answer.status, &answer.text, 404, "DATA_NOT_FOUND");
        }
    }

    /// Expects that a replay of its export answers and sends the same.
    async fn replays(&self) {
        let exported = Answer::of(self.request("GET", "/__sandbox/export")).await;
        assert_text_replays(&exported.text);
    }

    /// Reads its records once more and ends it.
    async fn end(mut self) {
        for at in 0..self.model.records.len() {
            self.read(at).await;
        }
        assert_eq!(self.tell("DELETE", "worlds", &json!({})).await.0, 200);
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.as_key(&self.key, method, path)
    }

    async fn tell(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.request(method, &format!("/__sandbox/{path}"));
        let answer = Answer::of(if method == "GET" {
            request
        } else {
            request.json(body)
        })
        .await;
        (answer.status, answer.json())
    }
}
