//! The addresses that the sandbox listens on: both loopback addresses unless `--bind` names another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::process::{Process, command, run};
use crate::secure::{Offer, get_http1};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// False on a machine without `::1`: a test has nothing to check there.
fn has_v6() -> bool {
    let bound = TcpListener::bind((V6, 0));
    if let Err(error) = &bound {
        eprintln!("skipped, because this machine has no ::1: {error}");
    }
    bound.is_ok()
}

struct Served {
    process: Process,
    ready: Value,
    _folder: tempfile::TempDir,
}

/// A sandbox with these arguments, and its ready file.
fn serve(arguments: &[&str]) -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ready.json");
    let ready_file = ["--ready-file", path.to_str().expect("UTF-8")];
    let ca = ["--ca-dir", folder.path().to_str().expect("UTF-8")];
    let process = Process::serve(&[arguments, &ready_file, &ca].concat());
    let ready = std::fs::read(&path).expect("a ready file");
    Served {
        process,
        ready: serde_json::from_slice(&ready).expect("JSON"),
        _folder: folder,
    }
}

impl Served {
    fn port(&self) -> u16 {
        let port = self.ready["port"].as_u64().expect("a port");
        u16::try_from(port).expect("a port")
    }

    fn answers_at(&self, address: IpAddr) -> bool {
        TcpStream::connect((address, self.port())).is_ok()
    }
}

async fn status(url: String, host: Option<&str>) -> u16 {
    let client = reqwest::Client::builder().no_proxy();
    let mut asked = client
        .build()
        .expect("a client")
        .get(url)
        .basic_auth(PUBLIC_KEY, Some(""));
    if let Some(host) = host {
        asked = asked.header("host", host);
    }
    asked.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn without_bind_it_answers_at_both_loopback_addresses_at_one_port() {
    if !has_v6() {
        return;
    }
    for arguments in [&[][..], &["--bind", "localhost"], &["--bind", "LOCALHOST"]] {
        let served = serve(&[arguments, &["--log-format", "off"]].concat());
        let port = served.port();
        let [v4, v6] = [
            format!("http://127.0.0.1:{port}"),
            format!("http://[::1]:{port}"),
        ];
        assert_eq!(served.process.url, v4);
        assert_eq!(served.ready["url"], v4);
        assert_eq!(served.ready["urls"], json!([v4, v6]));
        assert_eq!(served.ready["control_token"], Value::Null);
        for url in [v4, v6] {
            assert_eq!(status(format!("{url}/__sandbox/clock"), None).await, 200);
        }
    }
}

#[tokio::test]
async fn the_control_api_checks_the_host_at_both_addresses() {
    if !has_v6() {
        return;
    }
    let served = serve(&["--log-format", "off"]);
    let port = served.port();
    for address in ["127.0.0.1", "[::1]"] {
        let url = format!("http://{address}:{port}/__sandbox/clock");
        for (host, expected) in [
            (format!("localhost:{port}"), 200),
            (format!("127.0.0.1:{port}"), 200),
            (format!("[::1]:{port}"), 200),
            (format!("rebound.test:{port}"), 403),
        ] {
            let status = status(url.clone(), Some(&host)).await;
            assert_eq!(status, expected, "{address}, {host}");
        }
    }
}

#[test]
fn an_address_of_bind_is_the_only_one() {
    let served = serve(&["--bind", "127.0.0.1", "--log-format", "off"]);
    assert_eq!(served.ready["urls"], json!([served.process.url]));
    assert!(served.answers_at(V4) && !served.answers_at(V6));
    if !has_v6() {
        return;
    }
    for spelling in ["::1", "[::1]", "0:0:0:0:0:0:0:1"] {
        let served = serve(&["--bind", spelling, "--log-format", "off"]);
        let url = format!("http://[::1]:{}", served.port());
        assert_eq!(served.process.url, url);
        assert_eq!(served.ready["urls"], json!([url]));
        assert!(served.answers_at(V6) && !served.answers_at(V4));
    }
}

#[test]
fn an_address_of_ipv4_that_is_written_as_ipv6_is_that_of_ipv4() {
    let served = serve(&["--bind", "::ffff:127.0.0.1", "--log-format", "off"]);
    assert_eq!(
        served.process.url,
        format!("http://127.0.0.1:{}", served.port())
    );
}

#[test]
fn what_is_no_address_is_refused_with_what_to_write() {
    for wrong in [
        "localhosts",
        "127.0.0.1:80",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[::1]:80",
    ] {
        let (code, out, err) = run(&["serve", "--bind", wrong]);
        assert_eq!((code, out.as_str()), (2, ""), "{wrong}");
        let sentence =
            "write `localhost` or an IP address without a port, such as 0.0.0.0 or ::1\n";
        assert!(err.contains(sentence), "{wrong}: {err}");
    }
}

#[test]
fn for_all_addresses_it_names_one_that_can_be_opened() {
    let served = serve(&["--bind", "0.0.0.0", "--log-format", "off"]);
    let v4 = format!("http://127.0.0.1:{}", served.port());
    assert_eq!(served.process.url, v4);
    assert_eq!(served.ready["urls"], json!([v4]));
    assert_eq!(served.ready["control_url"], format!("{v4}/__sandbox"));
    assert!(served.ready["control_token"].is_string());
    if !has_v6() {
        return;
    }
    for spelling in ["::", "[::]"] {
        let served = serve(&["--bind", spelling, "--log-format", "off"]);
        let port = served.port();
        let [v4, v6] = [
            format!("http://127.0.0.1:{port}"),
            format!("http://[::1]:{port}"),
        ];
        assert_eq!(served.process.url, v6);
        assert_eq!(served.ready["urls"], json!([v6, v4]));
        assert!(served.answers_at(V4) && served.answers_at(V6));
    }
}

#[test]
fn a_fixed_port_that_is_taken_at_the_second_address_is_a_warning() {
    if !has_v6() {
        return;
    }
    let taken = TcpListener::bind((V6, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let mut serve = command(&["serve", "--log-format", "json"]);
    serve.env("ILUMA_SANDBOX_PORT", port.to_string());
    let process = Process::start(serve);
    assert_eq!(process.url, format!("http://127.0.0.1:{port}"));
    let (code, _, log) = process.terminate();
    assert_eq!(code, 0);
    let warning = format!(
        "another program listens at [::1]:{port}: the sandbox listens at 127.0.0.1:{port} only, and clients that use \
         localhost may reach the other program"
    );
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let warnings: Vec<_> = lines
        .filter(|line| line["level"] == "WARN")
        .map(|line| line["message"].clone())
        .collect();
    assert_eq!(warnings, [json!(warning)]);
}

#[tokio::test]
async fn the_port_of_https_is_open_at_both_addresses_with_one_certificate() {
    if !has_v6() {
        return;
    }
    for arguments in [
        &["--tls-port", "0"][..],
        &["--tls"],
        &["--tls-port", "0", "--https-only"],
    ] {
        let served = serve(&[arguments, &["--log-format", "off"]].concat());
        let tls_url = served.ready["tls_url"].as_str().expect("a URL");
        let port = tls_url
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let port: u16 = port.expect("a port");
        assert_eq!(tls_url, format!("https://127.0.0.1:{port}"));
        let pem = std::fs::read_to_string(served.ready["ca_file"].as_str().expect("a file"));
        let pem = pem.expect("a certificate");
        for address in [V4, V6] {
            for name in ["127.0.0.1", "::1", "localhost"] {
                let mut offer = Offer::trusting(&pem);
                offer.alpn = &["http/1.1"];
                let stream = offer.to(SocketAddr::new(address, port), name).await;
                let read = get_http1(stream.expect("TLS"), "localhost", "/health").await;
                assert_eq!(read.status, 200, "{address}, {name}");
            }
        }
        let scheme = served.process.url.split("://").next().expect("a scheme");
        let others = served.ready["urls"].as_array().expect("URLs");
        let port = served.port();
        assert_eq!(others[1], format!("{scheme}://[::1]:{port}"));
    }
}

#[test]
fn commands_find_a_sandbox_by_the_same_bind() {
    let served = serve(&["--log-format", "off"]);
    let readyz = |bind: &str| {
        let mut readyz = command(&["readyz"]);
        readyz.env("ILUMA_SANDBOX_BIND", bind);
        readyz.env("ILUMA_SANDBOX_PORT", served.port().to_string());
        let output = readyz.output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let v4 = format!("{} is ready\n", served.process.url);
    for bind in ["localhost", "0.0.0.0", "127.0.0.1", ""] {
        assert_eq!(readyz(bind), v4, "{bind}");
    }
    if has_v6() {
        let v6 = format!("http://[::1]:{} is ready\n", served.port());
        for bind in ["::1", "[::1]", "::"] {
            assert_eq!(readyz(bind), v6, "{bind}");
        }
    }
}

#[tokio::test]
async fn a_callback_to_the_own_inbox_arrives_at_the_second_address() {
    if !has_v6() {
        return;
    }
    let sandbox = Sandbox::builder().both_loopbacks(true);
    let sandbox = sandbox.start().await.expect("a sandbox");
    let inbox = format!("{}/__sandbox/inbox/mine", sandbox.urls()[1]);
    let world = sandbox.world();
    world.register_callback_url("NAME_VALIDATOR_REQUEST", &inbox);
    world.trigger(json!({"type": "NAME_VALIDATOR_REQUEST"}));
    world.idle().await;
    let url = format!("{}/__sandbox/deliveries", sandbox.url());
    let asked = reqwest::Client::new()
        .get(url)
        .basic_auth(world.api_key(), Some(""));
    let listed = asked.send().await.expect("an answer").text().await;
    let listed: Value = serde_json::from_str(&listed.expect("a body")).expect("JSON");
    assert_eq!(listed["deliveries"][0]["state"], "delivered", "{listed}");
}

#[tokio::test]
async fn the_library_listens_at_one_address_unless_it_is_asked_for_two() {
    let one = Sandbox::start().await.expect("a sandbox");
    assert_eq!(one.urls(), [one.url()]);
    let port = one.address().port();
    assert!(TcpStream::connect((V6, port)).is_err());

    let builder = Sandbox::builder().both_loopbacks(true);
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let both = builder.address(everywhere).start().await.expect("one");
    let port = both.address().port();
    assert_eq!(both.address(), SocketAddr::new(V4, port));
    assert_eq!(both.url(), format!("http://127.0.0.1:{port}"));
    assert!(both.control_token().is_none());
    if has_v6() {
        assert_eq!(both.urls(), [both.url(), format!("http://[::1]:{port}")]);
        assert_eq!(
            status(format!("{}/health", both.urls()[1]), None).await,
            200
        );
    }
    both.stop().await;
    assert!(TcpStream::connect((V6, port)).is_err(), "both are closed");
}
