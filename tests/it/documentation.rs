//! Sends every request of the provider's documentation to a fresh sandbox; only the host is changed.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Answer, Client, png};
use crate::shape;

#[derive(Deserialize)]
struct Documentation {
    requests: Vec<Printed>,
}

/// One printed request and its printed reply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    title: String,
    #[serde(rename = "because")]
    _because: Option<String>,
    method: String,
    path: String,
    user: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    parts: Vec<PrintedPart>,
    #[serde(default)]
    new_record: bool,
    body: Option<String>,
    reply: Option<String>,
    #[serde(default)]
    but: BTreeMap<String, Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintedPart {
    name: String,
    text: Option<String>,
    file: Option<String>,
}

/// Cases in which the printed request is right and the printed reply is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    value: Value,
    #[serde(rename = "because")]
    _because: String,
}

#[tokio::test]
async fn every_printed_request_gets_its_printed_reply_from_one_fresh_sandbox() {
    let client = Client::start().await;
    let mut wrong = Vec::new();
    for printed in documentation() {
        let answer = Answer::of(printed.request(&client, &printed.method)).await;
        if answer.status != 200 {
            wrong.push(format!(
                "{}: {} {}",
                printed.title, answer.status, answer.text
            ));
            continue;
        }
        let Some(reply) = &printed.reply else {
            continue;
        };
        let mut comparison = Comparison {
            printed: &printed,
            told: Vec::new(),
            used: Vec::new(),
        };
        let reply: Value = serde_json::from_str(reply).expect("a printed reply is JSON");
        comparison.compare("", &reply, &answer.json());
        comparison.compare_times(&reply, &answer.json());
        for place in printed
            .but
            .keys()
            .filter(|place| !comparison.used.contains(place))
        {
            comparison
                .told
                .push(format!("{place} is no exception: it is as printed"));
        }
        let told = comparison.told.into_iter();
        wrong.extend(told.map(|what| format!("{}: {what}", printed.title)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_record_is_read_by_post_as_the_headings_print_it_and_by_get_as_the_curls_do() {
    let client = Client::start().await;
    let by_id = |printed: &Printed| {
        let id = printed.path.rsplit('/').next().unwrap_or_default();
        printed.method == "GET" && id.len() >= 36
    };
    let mut read = 0;
    for printed in documentation().iter().filter(|printed| by_id(printed)) {
        let got = Answer::of(printed.request(&client, "GET")).await;
        let posted = Answer::of(printed.request(&client, "POST")).await;
        assert_eq!(
            (posted.status, posted.text),
            (got.status, got.text),
            "{}",
            printed.title
        );
        read += 1;
    }
    assert_eq!(read, 7);
}

fn documentation() -> Vec<Printed> {
    let documentation: Documentation =
        toml::from_str(include_str!("documentation.toml")).expect("the data is well-formed");
    documentation.requests
}

impl Printed {
    fn request(&self, client: &Client, method: &str) -> RequestBuilder {
        let mut request = client.bare(method, &self.path);
        if let Some((user, password)) = self.user.as_ref().and_then(|user| user.split_once(':')) {
            request = request.basic_auth(user, Some(password));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        if !self.parts.is_empty() {
            let form = self.parts.iter().fold(Form::new(), PrintedPart::add_to);
            request = request.multipart(form);
        }
        request
    }
}

impl PrintedPart {
    fn add_to(form: Form, part: &Self) -> Form {
        let name = part.name.clone();
        match (&part.text, &part.file) {
            (Some(text), None) => form.text(name, text.clone()),
            (None, Some(file)) => {
                let selfie = Part::bytes(png(600, 600, 204_800)).file_name(file.clone());
                form.part(name, selfie.mime_str("image/png").expect("a type"))
            }
            _ => panic!("the part {name} is either a text or a file"),
        }
    }
}

struct Comparison<'p> {
    printed: &'p Printed,
    /// The differences, as sentences.
    told: Vec<String>,
    /// The exceptions that were needed.
    used: Vec<&'p String>,
}

impl<'p> Comparison<'p> {
    /// Checks that every printed key is there, in the printed order, with the printed value.
    fn compare(&mut self, place: &str, printed: &Value, got: &Value) {
        if let Some((place, exception)) = self.printed.but.get_key_value(place) {
            self.except(place, exception, printed, got);
            return;
        }
        if self.printed.new_record && ["/id", "/created", "/updated"].contains(&place) {
            let (printed, got) = (shape::of(printed), shape::of(got));
            if printed != got {
                self.told
                    .push(format!("{place} is shaped {got}, printed {printed}"));
            }
            return;
        }
        match (printed, got) {
            (Value::Object(printed), Value::Object(got)) => {
                let common: Vec<_> = got
                    .keys()
                    .filter(|key| printed.contains_key(*key))
                    .collect();
                let keys: Vec<_> = printed.keys().collect();
                if common != keys {
                    self.told
                        .push(format!("{place} has the keys {common:?}, printed {keys:?}"));
                }
                for (key, printed) in printed {
                    let got = got.get(key).unwrap_or(&Value::Null);
                    self.compare(&format!("{place}/{key}"), printed, got);
                }
            }
            (Value::Array(printed), Value::Array(got)) if printed.len() == got.len() => {
                for (at, (printed, got)) in printed.iter().zip(got).enumerate() {
                    self.compare(&format!("{place}/{at}"), printed, got);
                }
            }
            _ if printed == got => {}
            _ => self
                .told
                .push(format!("{place} is {got}, printed {printed}")),
        }
    }

    /// A new record has its own times. They are equal where the printed ones are.
    fn compare_times(&mut self, printed: &Value, got: &Value) {
        let are_equal = |reply: &Value| reply["created"] == reply["updated"];
        if are_equal(printed) != are_equal(got) {
            let (created, updated) = (&got["created"], &got["updated"]);
            self.told
                .push(format!("/created is {created}, /updated is {updated}"));
        }
    }

    fn except(&mut self, place: &'p String, exception: &Exception, printed: &Value, got: &Value) {
        if exception.value != *got {
            let expected = &exception.value;
            self.told
                .push(format!("{place} is {got}, by exception {expected}"));
        }
        if exception.value != *printed {
            self.used.push(place);
        }
    }
}
