//! The book at `/__sandbox/docs/book`, for readers without a network.

use std::fs;

use regex::Regex;

use crate::client::{Answer, Client};

/// Pages that are not in the binary: other pages of the sandbox show the same, or they are about its making.
const LEFT_OUT: [&str; 6] = [
    "command-line.md",
    "decisions.md",
    "dependencies.md",
    "magic-replies.md",
    "reliability.md",
    "speed.md",
];

#[tokio::test]
async fn every_page_of_the_summary_is_in_the_binary_unless_the_sandbox_shows_it_elsewhere() {
    let client = Client::start().await;
    let summary = fs::read_to_string("docs/SUMMARY.md").expect("the summary");
    let link = Regex::new(r"\]\(([^)]+)\)").expect("a pattern");
    let pages = link.captures_iter(&summary).map(|link| link[1].to_owned());
    let mut left_out = Vec::new();
    for page in pages.chain(["SUMMARY.md".to_owned()]) {
        let asked = client.bare("GET", &format!("/__sandbox/docs/book/{page}"));
        let answer = Answer::of(asked).await;
        if answer.status != 200 {
            left_out.push(page);
            continue;
        }
        assert_eq!(
            answer.header("content-type"),
            Some("text/markdown; charset=utf-8")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let text = fs::read_to_string(format!("docs/{page}")).expect("a page");
        assert_eq!(answer.text, text, "{page}");
    }
    left_out.retain(|page| !page.starts_with("control/")); // `/__sandbox/docs` shows it
    left_out.sort();
    assert_eq!(left_out, LEFT_OUT);
}

#[tokio::test]
async fn the_book_needs_no_token_and_loads_nothing_from_elsewhere() {
    let token = "open-sesame".parse().expect("a token");
    let client = Client::of(iluma_sandbox::Sandbox::builder().control_token(token)).await;
    for path in ["", "/"] {
        let page = client.bare("GET", &format!("/__sandbox/docs/book{path}"));
        let page = Answer::of(page).await;
        assert_eq!(page.status, 200);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(!page.text.contains("<script>") && !page.text.contains("//"));
    }
    let script = Answer::of(client.bare("GET", "/__sandbox/docs/book/book.js")).await;
    assert_eq!(script.status, 200);
    assert!(!script.text.contains("innerHTML"));
    let none = Answer::of(client.bare("GET", "/__sandbox/docs/book/none.md")).await;
    assert_ne!(none.status, 200);
}
