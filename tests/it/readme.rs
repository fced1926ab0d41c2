//! The curls in the README give exactly the printed replies.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::client::{Answer, Client};

const README: &str = include_str!("../../README.md");
const SERVED_AT: &str = "http://127.0.0.1:4586";

#[tokio::test]
async fn every_curl_is_answered_as_printed() {
    let transcripts = transcripts();
    assert_eq!(transcripts.len(), 2, "a curl and a reply each");
    for (curl, printed) in transcripts {
        let client = Client::start().await;
        let words = shell_words(curl);
        let mut method = "GET";
        let (mut path, mut body, mut headers) = ("", None, HeaderMap::new());
        let mut rest = words.iter().map(String::as_str).skip(1);
        while let Some(word) = rest.next() {
            match word {
                "-X" => method = rest.next().expect("a method"),
                "-u" => assert!(rest.next().expect("a key").ends_with(':')),
                "-d" => (method, body) = ("POST", rest.next()),
                "-H" => {
                    let (name, value) = rest
                        .next()
                        .expect("a header")
                        .split_once(": ")
                        .expect("a colon");
                    headers.insert(
                        name.parse::<HeaderName>().expect("a name"),
                        value.parse::<HeaderValue>().expect("a value"),
                    );
                }
                url => path = url.strip_prefix(SERVED_AT).expect("the default address"),
            }
        }
        let mut request = client.request(method, path).headers(headers);
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        assert_eq!(Answer::of(request).await.text, printed);
    }
}

/// `cargo test` runs the example. The lines in the README must be in it.
#[test]
fn the_rust_test_is_part_of_the_example() {
    fn trimmed(text: &str) -> Vec<&str> {
        text.lines().map(str::trim).collect()
    }
    let example = trimmed(include_str!("../../examples/fixture.rs"));
    let blocks = README.split("```rust\n").skip(1);
    let shown: Vec<_> = blocks
        .map(|rest| trimmed(rest.split("```").next().expect("an end")))
        .collect();
    assert_eq!(shown.len(), 1, "one block of Rust");
    let is_shown = |lines: &[&str]| *lines == *shown[0];
    assert!(
        example.windows(shown[0].len()).any(is_shown),
        "not in the example: {}",
        shown[0].join("\n")
    );
}

/// Each `sh` block that calls curl and is followed by a `json` block.
fn transcripts() -> Vec<(&'static str, &'static str)> {
    let blocks: Vec<_> = README.split("```").skip(1).step_by(2).collect();
    blocks
        .windows(2)
        .filter_map(|pair| {
            let curl = pair[0]
                .strip_prefix("sh\n")
                .filter(|block| block.starts_with("curl"))?;
            let reply = pair[1].strip_prefix("json\n")?;
            Some((curl, reply.trim_end()))
        })
        .collect()
}

/// Splits a command as a shell does, for the forms in the README: blanks, single quotes, continued lines.
fn shell_words(command: &str) -> Vec<String> {
    command
        .replace("\\\n", " ")
        .split('\'')
        .enumerate()
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
