//! Callbacks to https receivers: their certificates, and the errors.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use iluma_sandbox::Sandbox;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::client::Client;
use crate::process::{Process, command, run};
use crate::receiver::Receiver;
use crate::stage::{BANK, TYPE, URLS, list};

/// An authority that signs the certificates of receivers.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        Self::called("an authority")
    }

    fn called(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn acceptor(&self, name: &str, more: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        more(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).expect("a certificate");
        acceptor_of(&leaf, &key)
    }

    /// Puts TLS before a receiver, with a certificate for this name.
    async fn before(
        &self,
        receiver: &Receiver,
        name: &str,
        more: impl FnOnce(&mut CertificateParams),
    ) -> Front {
        front(self.acceptor(name, more), receiver).await
    }
}

fn acceptor_of(certificate: &rcgen::Certificate, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

async fn front(acceptor: TlsAcceptor, receiver: &Receiver) -> Front {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let behind = SocketAddr::from(([127, 0, 0, 1], receiver.port()));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut passed = JoinSet::new();
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            let acceptor = acceptor.clone();
            passed.spawn(async move {
                let Ok(mut secured) = acceptor.accept(socket).await else {
                    return;
                };
                let mut plain = TcpStream::connect(behind).await.expect("the receiver");
                tokio::io::copy_bidirectional(&mut secured, &mut plain)
                    .await
                    .ok();
            });
        }
    });
    Front {
        address,
        _tasks: tasks,
    }
}

struct Front {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Front {
    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/callbacks", self.address.port())
    }
}

/// A sandbox that trusts the authority, calls `hooks.test` on this machine, and does not retry.
async fn client(authority: &Authority) -> Client {
    let builder = Sandbox::builder().callback_ca(&authority.pem).expect("PEM");
    let once = "none".parse().expect("retries");
    let builder = builder.retries(&once);
    Client::of(builder.callback_host("hooks.test", "127.0.0.1")).await
}

async fn register(client: &Client, url: &str) -> (u16, Value) {
    let answer = client.post(URLS, &json!({"type": TYPE, "url": url})).await;
    (answer.status, answer.json())
}

async fn deliveries(client: &Client) -> Vec<Value> {
    client.get("/__sandbox/idle?wait=1m").await;
    list(client.get("/__sandbox/deliveries").await.json()["deliveries"].take())
}

#[tokio::test]
async fn a_receiver_whose_certificate_is_trusted_is_registered_and_called() {
    let (authority, receiver) = (Authority::new(), Receiver::start().await);
    let front = authority.before(&receiver, "hooks.test", |_| {}).await;
    let client = client(&authority).await;
    let url = front.url("hooks.test");
    let (status, registered) = register(&client, &url).await;
    assert_eq!(
        (status, &registered["url"]),
        (200, &json!(url)),
        "{registered}"
    );
    client.magic(BANK, "COMPLETED_FOUND").await;
    let log = deliveries(&client).await;
    assert_eq!(
        (&log[0]["state"], &log[0]["url"]),
        (&json!("delivered"), &json!(url))
    );
    let called = receiver.received(2).await;
    // If another host is called, the certificate and `host` are still those of the URL.
    let host = format!("hooks.test:{}", front.address.port());
    assert_eq!(called[1].header("host"), Some(host.as_str()));
    assert_eq!(
        called[1].header("x-callback-token"),
        Some(client.sandbox.callback_token().as_str())
    );
}

#[tokio::test]
async fn a_receiver_that_is_not_trusted_gets_nothing_and_the_attempt_says_why() {
    let (authority, stranger) = (Authority::new(), Authority::called("a stranger"));
    let receiver = Receiver::start().await;
    let client = client(&authority).await;
    let long_ago = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    };
    let not_yet = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    let unknown = stranger.before(&receiver, "hooks.test", |_| {}).await;
    let namesake = Authority::new();
    let pretended = namesake.before(&receiver, "hooks.test", |_| {}).await;
    let misnamed = authority.before(&receiver, "other.test", |_| {}).await;
    let expired = authority.before(&receiver, "hooks.test", long_ago).await;
    let early = authority.before(&receiver, "hooks.test", not_yet).await;
    let speaks_http = client.sandbox.receiver();
    let plain = speaks_http
        .url()
        .replace("http://127.0.0.1", "https://hooks.test");
    for (url, why) in [
        (
            unknown.url("hooks.test"),
            "its certificate is signed by nobody that is trusted: give its authority with --callback-ca",
        ),
        (
            pretended.url("hooks.test"),
            "its certificate names an authority that is trusted and is not signed by it",
        ),
        (
            misnamed.url("hooks.test"),
            "its certificate is for other.test, not for hooks.test",
        ),
        (expired.url("hooks.test"), "its certificate has expired"),
        (early.url("hooks.test"), "its certificate is not valid yet"),
        (plain, "what it says is no TLS: is it an http receiver?"),
    ] {
        let said = format!("TLS with hooks.test failed: {why}");
        let (status, refused) = register(&client, &url).await;
        assert_eq!(
            (status, &refused["message"]),
            (
                400,
                &json!(format!(
                    "The test callback was not answered with a 2xx: {said}."
                ))
            )
        );
    }
    let so_far = receiver.so_far();
    assert!(so_far.is_empty(), "{so_far:?}");
    assert_eq!(speaks_http.received().len(), 0);
}

#[tokio::test]
async fn the_attempts_of_a_callback_say_what_was_wrong_with_the_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::called("a stranger"));
    let receiver = Receiver::start().await;
    let front = stranger.before(&receiver, "localhost", |_| {}).await;
    let url = front.url("localhost");
    let builder = Sandbox::builder().callback_ca(&authority.pem).expect("PEM");
    let builder = builder.retries(&"none".parse().expect("retries"));
    let client = Client::of(builder.callback(TYPE, url.parse().expect("a URL"))).await;
    client.magic(BANK, "COMPLETED_FOUND").await;
    let log = deliveries(&client).await;
    assert_eq!(log[0]["state"], "failed");
    assert_eq!(
        log[0]["attempts"][0]["error"],
        "TLS with localhost failed: its certificate is signed by nobody that is trusted: give its authority with \
         --callback-ca"
    );
    assert_eq!(receiver.so_far().len(), 0);
}

#[tokio::test]
async fn addresses_that_are_never_called_are_not_called_by_https_either() {
    let client = client(&Authority::new()).await;
    for (url, said) in [
        (
            "https://169.254.169.254/",
            "169.254.169.254 is an address that is never called",
        ),
        (
            "https://[fe80::1]/",
            "fe80::1 is an address that is never called",
        ),
        (
            "https://93.184.215.14/",
            "93.184.215.14 is a public host: allow it with --allow-egress 93.184.215.14",
        ),
    ] {
        let (status, refused) = register(&client, url).await;
        let message = refused["message"].as_str().expect("a message");
        assert!(status == 400 && message.contains(said), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_shakes_hands_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "https://127.0.0.1:{}/",
        listener.local_addr().expect("an address").port()
    );
    let client = client(&Authority::new()).await;
    let (status, refused) = register(&client, &url).await;
    assert_eq!(
        (status, &refused["message"]),
        (
            400,
            &json!("The test callback was not answered with a 2xx: timed out after 10s.")
        )
    );
    drop(listener);
}

#[tokio::test]
async fn a_receiver_that_ends_the_handshake_is_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "https://127.0.0.1:{}/",
        listener.local_addr().expect("an address").port()
    );
    let closing = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        socket.shutdown().await.ok();
        std::future::pending::<()>().await; // what it was sent is left unread
    });
    let client = client(&Authority::new()).await;
    let (_, refused) = register(&client, &url).await;
    let said = "TLS with 127.0.0.1 failed: it closed the connection in the handshake";
    assert!(
        refused["message"]
            .as_str()
            .expect("a message")
            .contains(said),
        "{refused}"
    );
    closing.abort();
}

#[tokio::test]
async fn the_binary_trusts_what_callback_ca_names_and_the_systems() {
    let (authority, receiver) = (Authority::new(), Receiver::start().await);
    let front = authority.before(&receiver, "localhost", |_| {}).await;
    let folder = tempfile::tempdir().expect("a folder");
    let pem = folder.path().join("authority.pem");
    fs::write(&pem, &authority.pem).expect("a file");
    let pem = pem.to_str().expect("UTF-8");
    let by_flag = Process::serve(&["--callback-ca", pem, "--log-format", "off"]);
    // The system's authorities can be set by the variable that OpenSSL reads too.
    let mut by_system = command(&["serve", "--port", "0", "--log-format", "off"]);
    by_system.env("SSL_CERT_FILE", pem);
    let by_system = Process::start(by_system);
    for process in [&by_flag, &by_system] {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let asked = http.post(format!("{}{URLS}", process.url));
        let asked = asked.basic_auth(iluma_sandbox::PUBLIC_KEY, Some(""));
        let asked = asked.json(&json!({"type": TYPE, "url": front.url("localhost")}));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }
    assert_eq!(receiver.so_far().len(), 2);
    let (code, _, err) = run(&["serve", "--port", "0", "--callback-ca", "/none"]);
    assert_eq!(
        (code, err.as_str()),
        (
            2,
            "iluma-sandbox: --callback-ca: cannot read /none: no such file or directory\n"
        )
    );
}

/// Answers every request with these bytes and closes without the closing message of TLS.
async fn curt(acceptor: TlsAcceptor, answer: &'static str) -> Front {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            let mut secured = acceptor.accept(socket).await.expect("a handshake");
            let mut head = Vec::new();
            while !head.ends_with(b"}") {
                secured.read_buf(&mut head).await.expect("a request");
            }
            secured
                .write_all(answer.as_bytes())
                .await
                .expect("it is read");
            secured.flush().await.expect("it is read");
        }
    });
    Front {
        address,
        _tasks: tasks,
    }
}

#[tokio::test]
async fn an_answer_without_a_length_ends_where_the_receiver_closes() {
    let authority = Authority::new();
    let client = client(&authority).await;
    let acceptor = || authority.acceptor("hooks.test", |_| {});
    let whole = curt(acceptor(), "HTTP/1.1 200 OK\r\n\r\nwell").await;
    assert_eq!(register(&client, &whole.url("hooks.test")).await.0, 200);
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nwell";
    let half = curt(acceptor(), half).await;
    assert_eq!(register(&client, &half.url("hooks.test")).await.0, 400);
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_no_servers() {
    let authority = Authority::new();
    let receiver = Receiver::start().await;
    let front = authority.before(&receiver, "hooks.test", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let (status, refusal) =
        register(&client(&authority).await, &front.await.url("hooks.test")).await;
    assert_eq!(status, 400);
    let message = refusal["message"].as_str().expect("a message");
    assert!(
        message.contains("its certificate is that of an authority and no server's: make one with basicConstraints=CA:FALSE, or give this certificate itself with --callback-ca"),
        "{message}"
    );
}

#[tokio::test]
async fn a_sandbox_that_speaks_https_calls_its_own_inbox() {
    let client = Client::of(Sandbox::builder().tls(true).tls_port(0)).await;
    let secured = client.sandbox.tls_url().expect("https");
    let url = format!("{secured}/__sandbox/inbox/mine");
    let (status, refusal) = register(&client, &url).await;
    assert_eq!(status, 200, "{refusal}");
}

/// A receiver with a self-signed certificate, and the certificate in PEM.
async fn self_signed(
    receiver: &Receiver,
    names: &[&str],
    more: impl FnOnce(&mut CertificateParams),
) -> (Front, String) {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    more(&mut params);
    let certificate = params.self_signed(&key).expect("a certificate");
    let acceptor = acceptor_of(&certificate, &key);
    (front(acceptor, receiver).await, certificate.pem())
}

fn as_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

#[tokio::test]
async fn a_self_signed_receiver_is_called_if_its_certificate_is_given() {
    let receiver = Receiver::start().await;
    for (names, is_authority) in [
        (&["hooks.test"][..], false),
        (&["hooks.test"], true), // as `openssl req -x509` makes it
        (&[], true),             // and without `-addext subjectAltName=…`
    ] {
        let more = if is_authority {
            as_authority
        } else {
            |_: &mut _| {}
        };
        let (front, pem) = self_signed(&receiver, names, more).await;
        let authority = Authority {
            pem,
            ..Authority::new()
        };
        let client = client(&authority).await;
        let (status, registered) = register(&client, &front.url("hooks.test")).await;
        assert_eq!(status, 200, "{names:?} {is_authority}: {registered}");
    }
}

#[tokio::test]
async fn of_a_given_certificate_names_times_and_bytes_count() {
    let receiver = Receiver::start().await;
    let long_ago = |params: &mut CertificateParams| {
        as_authority(params);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    };
    let not_yet = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    let (expired, expired_pem) = self_signed(&receiver, &["hooks.test"], long_ago).await;
    let (early, early_pem) = self_signed(&receiver, &["hooks.test"], not_yet).await;
    let (misnamed, misnamed_pem) = self_signed(&receiver, &["other.test"], as_authority).await;
    let (twin, _) = self_signed(&receiver, &["hooks.test"], |_| {}).await;
    let (_, twin_pem) = self_signed(&receiver, &["hooks.test"], |_| {}).await;
    for (front, pem, why) in [
        (expired, expired_pem, "its certificate has expired"),
        (early, early_pem, "its certificate is not valid yet"),
        (
            misnamed,
            misnamed_pem,
            "its certificate is for other.test, not for hooks.test",
        ),
        (
            twin,
            twin_pem,
            "its certificate names an authority that is trusted and is not signed by it",
        ),
    ] {
        let authority = Authority {
            pem,
            ..Authority::new()
        };
        let (status, refused) = register(&client(&authority).await, &front.url("hooks.test")).await;
        let said = format!(
            "The test callback was not answered with a 2xx: TLS with hooks.test failed: {why}."
        );
        assert_eq!((status, &refused["message"]), (400, &json!(said)));
    }
    assert_eq!(receiver.so_far().len(), 0);
}
