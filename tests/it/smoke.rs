use crate::client::Client;

#[tokio::test]
async fn health_needs_no_key() {
    let client = Client::start().await;
    let answer = crate::client::Answer::of(client.bare("GET", "/health")).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
}
