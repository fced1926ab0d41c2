//! HTTPS: versions, names, protocols, two ports, plain HTTP at an HTTPS port, and clients that stall or send garbage.

use std::net::SocketAddr;
use std::time::Duration;

use iluma_sandbox::Sandbox;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::patience::patiently;
use crate::raw::{ask, request};
use crate::secure::{Http2, Offer, Read, address, get_http1};

const BANK: &str = "/v1.1/identity/bank_account_data_requests";

async fn start() -> Sandbox {
    let builder = Sandbox::builder().tls(true);
    builder.start().await.expect("a sandbox")
}

/// Over TLS and HTTP/1.1.
async fn health(sandbox: &Sandbox) -> u16 {
    let mut offer = Offer::trusting(pem(sandbox));
    offer.alpn = &["http/1.1"];
    let secured = address(&sandbox.tls_url().expect("https"));
    let stream = offer.to(secured, "localhost").await.expect("TLS");
    get_http1(stream, "localhost", "/health").await.status
}

fn pem(sandbox: &Sandbox) -> &str {
    sandbox.ca_pem().expect("an authority")
}

/// Everything that comes back after these bytes, until the connection ends.
async fn told(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    socket.write_all(bytes).await.expect("it is taken");
    let mut came = Vec::new();
    let reading = patiently(socket.read_to_end(&mut came));
    reading.await.expect("the connection ends").ok();
    came
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http_are_spoken_at_one_port() {
    let sandbox = start().await;
    for (version, expected) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut offer = Offer::trusting(pem(&sandbox));
        offer.versions = vec![version];
        let stream = offer.to(sandbox.address(), "localhost").await.expect("TLS");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let http2 = Http2::over(stream, "https://localhost").await;
        assert_eq!(http2.get("/health").await.status, 200);

        offer.alpn = &["http/1.1"];
        let stream = offer.to(sandbox.address(), "localhost").await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(get_http1(stream, "localhost", "/health").await.status, 200);

        // A client that offers no protocol uses HTTP/1.1, or shows that it does not.
        offer.alpn = &[];
        let stream = offer.to(sandbox.address(), "localhost").await.expect("TLS");
        assert_eq!(get_http1(stream, "localhost", "/health").await.status, 200);
        let stream = offer.to(sandbox.address(), "localhost").await.expect("TLS");
        let http2 = Http2::over(stream, "https://localhost").await;
        assert_eq!(http2.get("/health").await.status, 200);
    }
    let mut offer = Offer::trusting(pem(&sandbox));
    offer.alpn = &["spdy/3"];
    let refused = offer.to(sandbox.address(), "localhost").await;
    assert_eq!(
        refused.err().as_deref(),
        Some("received fatal alert: NoApplicationProtocol")
    );
}

#[tokio::test]
async fn the_certificate_is_for_this_machine_and_the_given_hosts_alone() {
    let builder = Sandbox::builder().tls(true);
    let builder = builder
        .tls_host("KYC.test")
        .and_then(|builder| builder.tls_host("*.kyc.test"));
    let builder = builder.and_then(|builder| builder.tls_host("[fd12::7]"));
    let sandbox = builder.expect("hosts").start().await.expect("a sandbox");
    let own = gethostname::gethostname();
    let own = own.to_str().expect("a name");
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "kyc.test",
        "api.kyc.test",
        "fd12::7",
        own,
    ] {
        let shaken = Offer::trusting(pem(&sandbox))
            .to(sandbox.address(), name)
            .await;
        assert!(shaken.is_ok(), "{name}: {:?}", shaken.err());
    }
    for name in ["example.com", "127.0.0.2", "a.b.kyc.test", "nokyc.test"] {
        let shaken = Offer::trusting(pem(&sandbox))
            .to(sandbox.address(), name)
            .await;
        let refused = shaken.expect_err(name);
        assert!(refused.contains("not valid for name"), "{name}: {refused}");
    }
    for wrong in [
        "https://kyc.test",
        "kyc.test:443",
        "",
        "kyc test",
        "*.*.test",
        "1.2.3",
        "käse.test",
        "kyc.test.",
    ] {
        let refused = Sandbox::builder().tls_host(wrong).expect_err(wrong);
        assert!(
            refused.starts_with(&format!(
                "`{wrong}` is neither a host name nor an IP address: "
            )),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn every_sandbox_has_an_authority_of_its_own_in_memory() {
    let (one, other) = (start().await, start().await);
    assert_ne!(one.ca_pem(), other.ca_pem());
    let refused = Offer::trusting(pem(&other))
        .to(one.address(), "localhost")
        .await;
    assert_eq!(
        refused.err().as_deref(),
        Some("invalid peer certificate: UnknownIssuer")
    );
}

#[tokio::test]
async fn plain_http_at_a_port_of_tls_is_told_so_in_plain_words() {
    let sandbox = start().await;
    for said in [
        request("GET /health", &[], b""),
        request(&format!("POST {BANK}"), &[], b"{}"),
    ] {
        let came = told(sandbox.address(), &said).await;
        assert_eq!(
            String::from_utf8(came).expect("text"),
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 61\r\n\
             connection: close\r\n\r\nthis port speaks HTTPS: write https:// where the URL says so\n"
        );
    }
    let told = Http2::plain(&sandbox).await.get("/health").await;
    assert_eq!(
        (told.status, told.text().as_str()),
        (
            400,
            "this port speaks HTTPS: write https:// where the URL says so\n"
        )
    );
}

#[tokio::test]
async fn rubbish_at_a_port_of_tls_is_refused_and_harms_nobody() {
    let sandbox = start().await;
    for rubbish in [
        &b"\x00\x00\x00\x00"[..],
        &[0xff; 16_000],
        b"\x16\x03\x01\xff\xff rubbish that is longer than it says",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x00\x00\x00\x00\x16\x00\x00\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x80\x2e\x01\x00\x02 an old client says hello",
    ] {
        let mut socket = TcpStream::connect(sandbox.address())
            .await
            .expect("a connection");
        socket.write_all(rubbish).await.ok();
        socket.shutdown().await.ok();
        let mut came = Vec::new();
        let reading = patiently(socket.read_to_end(&mut came));
        reading.await.expect("the connection ends").ok();
        assert!(came.len() < 100, "{came:?}");
        let stream = Offer::trusting(pem(&sandbox))
            .to(sandbox.address(), "localhost")
            .await;
        let http2 = Http2::over(stream.expect("TLS"), "https://localhost").await;
        assert_eq!(http2.get("/health").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_cut_as_a_head_would_be() {
    let sandbox = start().await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let mut stalled = Vec::new();
    for said in [
        &b""[..],
        b"\x16",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
    .repeat(30)
    {
        let mut socket = TcpStream::connect(sandbox.address())
            .await
            .expect("a connection");
        socket.write_all(said).await.expect("it is taken");
        stalled.push(socket);
    }
    let started = Instant::now();
    for mut socket in stalled {
        let reading = patiently(socket.read_u8());
        assert!(reading.await.expect("the connection ends").is_err());
    }
    let waited = started.elapsed();
    assert!(waited <= Duration::from_secs(12), "{waited:?}");
    // After the handshake, the time for a head starts again.
    assert_eq!(health(&sandbox).await, 200);
    for _ in 0..1_000 {
        if metrics.num_alive_tasks() <= before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} tasks are left of {before}", metrics.num_alive_tasks());
}

#[tokio::test]
async fn two_ports_answer_for_the_same_worlds() {
    let builder = Sandbox::builder().tls_port(0);
    let sandbox = builder.start().await.expect("a sandbox");
    assert_eq!(sandbox.url(), format!("http://{}", sandbox.address()));
    let secured = address(&sandbox.tls_url().expect("https"));
    let plain = ask(
        &sandbox,
        request(
            &format!("POST {BANK}"),
            &["x-magic-reply: COMPLETED_FOUND"],
            b"",
        ),
    )
    .await;
    let id = plain.json()["id"].as_str().expect("an id").to_owned();
    let stream = Offer::trusting(pem(&sandbox))
        .to(secured, "localhost")
        .await
        .expect("TLS");
    let http2 = Http2::over(stream, &format!("https://localhost:{}", secured.port())).await;
    let read = http2.get(&format!("{BANK}/{id}")).await;
    assert_eq!((read.status, &read.json()["id"]), (200, &json!(id)));
    // Links to the sandbox use the host name that the client used.
    let setup = http2.get("/__sandbox/setup").await.json();
    assert_eq!(
        setup["url"],
        format!("https://localhost:{}", secured.port())
    );
    let listed = http2.get("/__sandbox/catalog").await.text();
    assert!(
        listed.contains("https://localhost:") && !listed.contains("http://localhost"),
        "{listed}"
    );
    let llms = http2.get("/__sandbox/llms.txt").await.text();
    assert!(
        llms.contains(&format!("https://localhost:{}", secured.port())),
        "{llms}"
    );
    let setup = ask(&sandbox, request("GET /__sandbox/setup", &[], b""))
        .await
        .json();
    assert_eq!(setup["url"], "http://localhost");
}

/// The authority that a shell would use for this line.
#[cfg(unix)]
fn trusted_by(line: &str, bundle: Option<&str>) -> String {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("curl() {{ printf %s \"$2\"; }}; {line}")]);
    shell.env_remove("CURL_CA_BUNDLE");
    let output = shell.envs(bundle.map(|path| ("CURL_CA_BUNDLE", path)));
    String::from_utf8(output.output().expect("a shell").stdout).expect("UTF-8")
}

#[cfg(unix)]
#[tokio::test]
async fn lines_to_paste_name_the_authority_where_it_is_kept() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join(r#"of "us" $HOME `id` {\}"#);
    let builder = Sandbox::builder().tls_port(0).ca_folder(&folder);
    let kept = builder.start().await.expect("a sandbox");
    let secured = address(&kept.tls_url().expect("https"));
    let stream = Offer::trusting(pem(&kept)).to(secured, "localhost").await;
    let http2 = Http2::over(stream.expect("TLS"), "https://localhost").await;
    let catalog = http2.get("/__sandbox/catalog").await.json();
    let line = catalog["endpoints"][0]["curl"].as_str().expect("a line");
    let path = folder.join("ca.pem");
    assert_eq!(trusted_by(line, None), path.to_str().expect("UTF-8"));
    assert_eq!(trusted_by(line, Some("/other.pem")), "/other.pem");
    let begun = &http2.get("/__sandbox/setup").await.json()["curl"];
    assert!(line.starts_with(&format!("{} ", begun.as_str().expect("words"))));
    // Plain HTTP needs no trusted authority.
    let setup = ask(&kept, request("GET /__sandbox/setup", &[], b"")).await;
    assert_eq!(setup.json()["curl"], "curl");

    let in_memory = start().await;
    let offer = Offer::trusting(pem(&in_memory));
    let stream = offer.to(in_memory.address(), "localhost").await;
    let http2 = Http2::over(stream.expect("TLS"), "https://localhost").await;
    let setup = http2.get("/__sandbox/setup").await.json();
    assert_eq!(setup["curl"], "curl");
}

#[tokio::test]
async fn plain_http_fails_where_https_alone_is_answered() {
    let builder = Sandbox::builder().tls_port(0).https_only(true);
    let sandbox = builder.start().await.expect("a sandbox");
    assert_eq!(Some(sandbox.url()), sandbox.tls_url());
    let port = address(&sandbox.url()).port();
    for line in [
        "GET /health",
        "GET /__sandbox/readyz",
        "POST /v1/callback/urls",
    ] {
        let refused = ask(&sandbox, request(line, &[], b"")).await;
        assert_eq!(
            refused.error(),
            (
                403,
                "HTTPS_REQUIRED".to_owned(),
                format!("Calls over plain HTTP fail: use https and the port {port}.")
            )
        );
    }
    let plain = Http2::plain(&sandbox).await;
    assert_eq!(plain.get("/health").await.status, 403);
    assert_eq!(sandbox.requests().len(), 0);
    assert_eq!(health(&sandbox).await, 200);
}

#[tokio::test]
async fn the_faults_of_a_connection_are_the_same_inside_of_tls() {
    let sandbox = start().await;
    let mut offer = Offer::trusting(pem(&sandbox));
    offer.alpn = &["http/1.1"];
    for (fault, expected) in [
        ("reset", Err(std::io::ErrorKind::ConnectionReset)),
        ("empty", Ok(0)),
        ("garbage", Ok(55)),
    ] {
        let mut stream = offer.to(sandbox.address(), "localhost").await.expect("TLS");
        let asked = format!("x-magic-reply: COMPLETED_FOUND; fault={fault}");
        let asked = request(&format!("POST {BANK}"), &[&asked], b"");
        stream.write_all(&asked).await.expect("it is taken");
        let mut came = Vec::new();
        let end = stream.read_to_end(&mut came).await;
        assert_eq!(
            end.map_err(|error| error.kind()),
            expected,
            "{fault}: {came:?}"
        );
    }
}

#[tokio::test]
async fn stopping_lets_a_request_by_tls_finish() {
    let sandbox = start().await;
    let stream = Offer::trusting(pem(&sandbox))
        .to(sandbox.address(), "localhost")
        .await;
    let http2 = Http2::over(stream.expect("TLS"), "https://localhost").await;
    let delayed = tokio::spawn({
        let http2 = http2.clone();
        async move { http2.magic(BANK, "COMPLETED_FOUND; delay=30s").await }
    });
    while sandbox.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    sandbox.stop().await;
    let answer = delayed.await.expect("no panic").expect("an answer");
    assert_eq!(Read::of(answer).await.status, 200);
}
