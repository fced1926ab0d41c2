//! `wiremock-rs PORT PATH BODY_FILE` answers every POST to the path with the contents of the file.

use std::net::TcpListener;

use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("three arguments");
    let (port, stub, file) = (next(), next(), next());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a free port");
    let body = std::fs::read(file).expect("a file with the body");
    // Without recording: it would keep millions of requests, and cost time.
    let server = MockServer::builder()
        .listener(listener)
        .disable_request_recording()
        .start()
        .await;
    Mock::given(method("POST"))
        .and(path(stub))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .mount(&server)
        .await;
    std::future::pending::<()>().await;
}
