//! What `docs/testcontainers.md` relies on. The code of the page itself needs a container engine and is not run.

use serde_json::json;

use crate::book::Page;
use crate::process::{Process, command};
use crate::receiver::Receiver;
use crate::stage::{TYPE, key};

#[tokio::test]
async fn a_sandbox_with_the_variables_of_the_page_is_ready_without_its_token_and_maps_hosts() {
    let receiver = Receiver::start().await;
    let mut serve = command(&["serve", "--port", "0", "--bind", "127.0.0.1"]);
    serve
        .env("ILUMA_SANDBOX_CONTROL_TOKEN", "of-the-test")
        .env("ILUMA_SANDBOX_CALLBACK_HOST_MAP", "app.test=127.0.0.1");
    let process = Process::start(serve);
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let status = async |path: &str, token: Option<&str>| {
        let request = http.get(format!("{}/__sandbox/{path}", process.url));
        let request = request.basic_auth(key('t'), Some(""));
        let request = match token {
            Some(token) => request.header("x-sandbox-control-token", token),
            None => request,
        };
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("readyz", None).await, 200);
    assert_eq!(status("world", None).await, 401);
    assert_eq!(status("world", Some("of-the-test")).await, 200);
    let url = format!("http://app.test:{}/callbacks", receiver.port());
    let request = http.post(format!("{}/v1/callback/urls", process.url));
    let request = request.basic_auth(key('t'), Some(""));
    let answer = request
        .json(&json!({"type": TYPE, "url": url}))
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status().as_u16(), 200);
    assert_eq!(receiver.received(1).await.len(), 1);
}

#[test]
fn the_code_for_every_language_has_the_wait_the_token_the_host_map_and_the_port() {
    let page = Page::read("docs/testcontainers.md");
    let blocks: Vec<_> = page.blocks().collect();
    let languages: Vec<_> = blocks.iter().map(|block| block.language).collect();
    assert_eq!(languages, ["java", "ts", "go", "csharp"]);
    let image = std::fs::read_to_string("Dockerfile").expect("UTF-8");
    assert!(image.contains("EXPOSE 4586\n") && image.contains("HEALTHCHECK "));
    for block in blocks {
        for needed in [
            "/__sandbox/readyz",
            "4586",
            "ILUMA_SANDBOX_CONTROL_TOKEN",
            "ILUMA_SANDBOX_CALLBACK_HOST_MAP",
            "localhost=host.docker.internal",
            "host-gateway",
        ] {
            assert!(block.text.contains(needed), "{}: {needed}", block.language);
        }
    }
}
