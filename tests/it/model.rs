//! The contract of one world as a small second implementation: a list, a clock and a counter. It knows nothing of
//! the sandbox's code.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::stage::{BANK, TYPE};

pub(crate) const DETAILS: &str = "/v1.2/identity/bank_account_validation_details";
const DETAILS_TYPE: &str = "BANK_NAME_VALIDATOR_DETAILS";
/// The fast profile, in milliseconds.
const RETRIES_MS: [u64; 6] = [1000, 2000, 4000, 8000, 16_000, 32_000];
/// The delay after which pending records finish.
const AFTER_MS: u64 = 1000;

/// The two products that are asked. Their callbacks have different types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Product {
    Bank,
    Details,
}

impl Product {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Bank => BANK,
            Self::Details => DETAILS,
        }
    }

    pub(crate) fn callback_type(self) -> &'static str {
        match self {
            Self::Bank => TYPE,
            Self::Details => DETAILS_TYPE,
        }
    }
}

/// The possible answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Found,
    NotFound,
    Failed,
    Pending,
    Waiting,
    PendingThenFound,
    PendingThenNotFound,
    PendingThenFailed,
    /// 503, and nothing is stored.
    Unavailable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 9] = [
        Self::Found,
        Self::NotFound,
        Self::Failed,
        Self::Pending,
        Self::Waiting,
        Self::PendingThenFound,
        Self::PendingThenNotFound,
        Self::PendingThenFailed,
        Self::Unavailable,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Found => "COMPLETED_FOUND",
            Self::NotFound => "COMPLETED_NOT_FOUND",
            Self::Failed => "FAILED_TEMPORARY_NETWORK_ERROR",
            Self::Pending => "PENDING",
            Self::Waiting => "WAITING_ON_BANK",
            Self::PendingThenFound => "PENDING_THEN_COMPLETED_FOUND",
            Self::PendingThenNotFound => "PENDING_THEN_COMPLETED_NOT_FOUND",
            Self::PendingThenFailed => "PENDING_THEN_FAILED",
            Self::Unavailable => "SERVICE_UNAVAILABLE_ERROR",
        }
    }

    fn becomes(self) -> Option<Self> {
        match self {
            Self::PendingThenFound => Some(Self::Found),
            Self::PendingThenNotFound => Some(Self::NotFound),
            Self::PendingThenFailed => Some(Self::Failed),
            _ => None,
        }
    }

    fn status(self) -> &'static str {
        match self {
            Self::Found | Self::NotFound => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Waiting => "WAITING_ON_BANK",
            _ => "PENDING",
        }
    }

    /// Whether it sends a callback.
    fn calls_back(self) -> bool {
        matches!(self, Self::Found | Self::NotFound | Self::Failed)
    }
}

/// A record that can be read by its id.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) product: Product,
    input: Value,
    created_ms: u64,
    first: Outcome,
    /// The bytes that were read in each state of the record: they never change.
    seen: BTreeMap<&'static str, String>,
}

/// A callback in the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) callback_type: &'static str,
    pub(crate) record: String,
    pub(crate) tries: usize,
    /// The time of the next try; none if the callback has ended.
    pub(crate) due_ms: Option<u64>,
    pub(crate) state: &'static str,
}

impl Delivery {
    /// The time of the next try, as text.
    pub(crate) fn due(&self) -> Option<String> {
        self.due_ms.map(stamp)
    }
}

/// One world.
#[derive(Debug, Default)]
pub(crate) struct Model {
    now_ms: u64,
    counts: HashMap<(Product, String), u64>,
    pub(crate) records: Vec<Record>,
    queues: HashMap<Product, VecDeque<(Outcome, u32)>>,
    urls: HashSet<Product>,
    /// Later callbacks of types without a URL: the record and its time.
    unsent: Vec<(Product, String, u64)>,
    pub(crate) deliveries: Vec<Delivery>,
    /// The receiver refuses this many callbacks and tests from now on.
    refusals: u32,
    /// Equal requests have different ids, and the same ids again after a reset.
    ids: HashMap<(Product, String, u64), String>,
    /// The holder of an account is always and everywhere the same.
    holders: HashMap<String, Value>,
}

impl Model {
    /// A request, with or without the header. Returns the expected reply, if the request was understood.
    pub(crate) fn ask(
        &mut self,
        product: Product,
        input: Option<&Value>,
        magic: Option<Outcome>,
        status: u16,
        text: &str,
    ) {
        let waiting = self.queue_of(product).front().map(|(first, _)| *first);
        let queued = waiting.filter(|_| magic.is_none()); // the header goes before it
        let told = magic.or(queued);
        if told == Some(Outcome::Unavailable) {
            self.use_up(product, queued);
            assert_error(status, text, 503, "SERVICE_UNAVAILABLE_ERROR");
            return;
        }
        // A magic request without a body uses the documented sample; any other request without a body is refused.
        let mut sample = json!({"bank_account_number": "1234567890", "bank_code": "BCA"});
        if product == Product::Bank {
            sample["reference_id"] = "foo123".into();
        }
        let Some(input) = input.or(magic.is_some().then_some(&sample)) else {
            assert_error(status, text, 400, "INVALID_JSON_FORMAT");
            return; // what was queued waits on
        };
        self.use_up(product, queued);
        let outcome = told.unwrap_or(Outcome::Found);
        assert_eq!(status, 200, "{text}");
        let reply: Value = serde_json::from_str(text).expect("JSON");
        let id = reply["id"].as_str().expect("an id").to_owned();

        let times = self.counts.entry((product, input.to_string())).or_default();
        *times += 1;
        let before = self
            .ids
            .insert((product, input.to_string(), *times), id.clone());
        assert!(
            before.as_ref().is_none_or(|before| *before == id),
            "{before:?} has become {id}"
        );
        assert!(
            self.records.iter().all(|known| known.id != id),
            "{id} is there twice"
        );
        self.records.push(Record {
            id: id.clone(),
            product,
            input: input.clone(),
            created_ms: self.now_ms,
            first: outcome,
            seen: BTreeMap::new(),
        });
        self.read(self.records.len() - 1, text);
        if !self.urls.contains(&product) {
            if outcome.becomes().is_some() {
                self.unsent.push((product, id, self.now_ms + AFTER_MS));
            }
            return;
        }
        if outcome.becomes().is_some() {
            self.schedule(product, id, self.now_ms + AFTER_MS);
        } else if outcome.calls_back() {
            self.schedule(product, id, self.now_ms);
        }
        self.run_until(self.now_ms);
    }

    fn queue_of(&mut self, product: Product) -> &mut VecDeque<(Outcome, u32)> {
        self.queues.entry(product).or_default()
    }

    fn use_up(&mut self, product: Product, queued: Option<Outcome>) {
        if queued.is_some() {
            let queue = self.queue_of(product);
            let first = queue.front_mut().expect("it was queued");
            first.1 -= 1;
            if first.1 == 0 {
                queue.pop_front();
            }
        }
    }

    /// The expected answer to a GET of a record.
    pub(crate) fn read(&mut self, at: usize, text: &str) {
        let now_ms = self.now_ms;
        let record = &mut self.records[at];
        let finished = now_ms >= record.created_ms + AFTER_MS;
        let (outcome, updated_ms) = match record.first.becomes() {
            Some(later) if finished => (later, Some(record.created_ms + AFTER_MS)),
            None if record.first.calls_back() => (record.first, None),
            _ => (record.first, Some(record.created_ms)),
        };
        let seen = record
            .seen
            .entry(outcome.name())
            .or_insert_with(|| text.to_owned());
        assert_eq!(seen, text, "a record is the bytes that were sent");
        let reply: Value = serde_json::from_str(text).expect("JSON");
        let mut expected = json!({
            "status": outcome.status(),
            "bank_account_number": record.input["bank_account_number"],
            "bank_code": record.input["bank_code"],
            "created": stamp(record.created_ms),
            "updated": updated_ms.map_or_else(|| reply["updated"].clone(), |ms| stamp(ms).into()),
            "id": record.id,
        });
        let fields = expected.as_object_mut().expect("an object");
        if let Some(reference) = record.input.get("reference_id") {
            fields.insert("reference_id".to_owned(), reference.clone());
        }
        match outcome {
            Outcome::Found => {
                let mut result = Map::new();
                let holder = reply["result"]["account_holder_name"].clone();
                let account = record.input["bank_account_number"].to_string();
                let known = self.holders.entry(account).or_insert(holder.clone());
                assert_eq!(*known, holder, "an account has one holder");
                assert!(holder.is_string(), "{text}");
                if record.input["bank_account_number"] == "1234567890" {
                    assert_eq!(holder, "FIRA DIYANKA");
                }
                result.insert("is_found".to_owned(), true.into());
                result.insert("account_holder_name".to_owned(), holder);
                result.insert("is_virtual_account".to_owned(), false.into());
                result.insert("need_review".to_owned(), false.into());
                fields.insert("result".to_owned(), result.into());
            }
            Outcome::NotFound => {
                let nothing =
                    json!({"is_found": false, "is_virtual_account": false, "need_review": false});
                fields.insert("result".to_owned(), nothing);
            }
            Outcome::Failed => {
                fields.insert(
                    "failure_reason".to_owned(),
                    "TEMPORARY_NETWORK_ERROR".into(),
                );
            }
            _ => {}
        }
        assert_eq!(reply, expected);
        if updated_ms.is_none() {
            let updated = reply["updated"].as_str().expect("a time");
            let window = stamp(record.created_ms + 1)..=stamp(record.created_ms + 2000);
            assert!(
                window.contains(&updated.to_owned()),
                "{updated} is not about 0.8 s later"
            );
        }
    }

    pub(crate) fn queue(&mut self, product: Product, outcome: Outcome, times: u32) {
        self.queue_of(product).push_back((outcome, times));
    }

    /// The queue, one entry for each call.
    pub(crate) fn waiting(&self, product: Product) -> Vec<&'static str> {
        let queue = self.queues.get(&product).into_iter().flatten();
        queue
            .flat_map(|(outcome, times)| vec![outcome.name(); *times as usize])
            .collect()
    }

    pub(crate) fn clear_queues(&mut self) {
        self.queues.clear();
    }

    /// A URL is registered if the receiver accepts its test.
    pub(crate) fn register(&mut self, product: Product, status: u16, text: &str) {
        if self.refusals > 0 {
            self.refusals -= 1;
            assert_error(status, text, 400, "CALLBACK_TEST_FAILED_ERROR");
        } else {
            assert_eq!(status, 200, "{text}");
            self.urls.insert(product);
            let unsent = std::mem::take(&mut self.unsent);
            let (of_type, others): (Vec<_>, _) =
                unsent.into_iter().partition(|(one, ..)| *one == product);
            self.unsent = others;
            let now_ms = self.now_ms;
            for (_, record, due_ms) in of_type.into_iter().filter(|(.., due)| *due > now_ms) {
                self.schedule(product, record, due_ms);
            }
        }
    }

    pub(crate) fn is_registered(&self, product: Product) -> bool {
        self.urls.contains(&product)
    }

    /// The receiver answers this many requests with 500.
    pub(crate) fn refuse(&mut self, times: u32) {
        self.refusals += times;
    }

    /// A callback without a request. The answer names its record.
    pub(crate) fn trigger(&mut self, product: Product, record: String) {
        self.schedule(product, record, self.now_ms);
        self.run_until(self.now_ms);
    }

    pub(crate) fn advance(&mut self, by_ms: u64) {
        let until_ms = self.now_ms + by_ms;
        self.run_until(until_ms);
        self.now_ms = until_ms;
    }

    pub(crate) fn now(&self) -> String {
        stamp(self.now_ms)
    }

    /// A reset. Returns the number of cancelled callbacks.
    pub(crate) fn reset(&mut self) -> usize {
        let pending = self
            .deliveries
            .iter()
            .filter(|one| one.due_ms.is_some())
            .count();
        let (ids, holders) = (
            std::mem::take(&mut self.ids),
            std::mem::take(&mut self.holders),
        );
        *self = Self {
            ids,
            holders,
            refusals: self.refusals, // the receiver's, not the world's
            ..Self::default()
        };
        pending
    }

    /// A snapshot that is restored: pending callbacks are cancelled and the log is empty. Everything else stays.
    pub(crate) fn restore(&mut self) -> usize {
        let log = std::mem::take(&mut self.deliveries);
        log.iter().filter(|one| one.due_ms.is_some()).count()
    }

    fn schedule(&mut self, product: Product, record: String, due_ms: u64) {
        self.deliveries.push(Delivery {
            callback_type: product.callback_type(),
            record,
            tries: 0,
            due_ms: Some(due_ms),
            state: "scheduled",
        });
    }

    /// Makes the due attempts, in the order of time and then of the log.
    fn run_until(&mut self, until_ms: u64) {
        loop {
            let due = self
                .deliveries
                .iter_mut()
                .filter(|one| one.due_ms.is_some_and(|due| due <= until_ms));
            let Some(next) = due.min_by_key(|one| one.due_ms) else {
                return;
            };
            next.tries += 1;
            if self.refusals == 0 {
                (next.due_ms, next.state) = (None, "delivered");
                continue;
            }
            self.refusals -= 1;
            let delay = RETRIES_MS.get(next.tries - 1);
            next.due_ms = delay.and_then(|delay| Some(next.due_ms? + delay));
            next.state = if delay.is_some() {
                "retrying"
            } else {
                "failed"
            };
        }
    }
}

pub(crate) fn assert_error(status: u16, text: &str, expected: u16, code: &str) {
    let reply: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(
        (status, &reply["error_code"]),
        (expected, &json!(code)),
        "{text}"
    );
}

/// A time after the start of 2026, within a day.
fn stamp(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    let (days, h, m, s) = (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60);
    format!("2026-01-{:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z", days + 1)
}
