//! What the sandbox costs beside a bare hyper server, what many rules and files and an open inspector cost, printed as
//! markdown tables.
//!
//! ```text
//! cargo bench --bench throughput                           # about two minutes
//! cargo bench --bench throughput -- --quick                # a few seconds: does it still work?
//! cargo bench --bench throughput -- --profile 30           # only load, for a profiler to watch
//! SANDBOX_BIN=/some/other/build cargo bench --bench throughput
//! ```
//!
//! The rival sends the very bytes the sandbox sends (same headers, same length of body) and does
//! nothing else, so the ratio between the two is the price of everything the sandbox does on top
//! of hyper. Servers run on core 0 and the load generator on core 1. Both are measured in turns
//! within one run, because a machine's speed drifts more between runs than the two differ.
//!
//! Requests per second mean something only while the server is the bottleneck: its core should be
//! near 100 % busy and the generator's well below. Server CPU per request is a second view of the
//! same cost, and does not depend on that.

#![forbid(unsafe_code)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for a reader"
)]
#![allow(unreachable_pub, reason = "nothing is outside of a benchmark")]

#[cfg(target_os = "linux")]
#[path = "throughput/inspector.rs"]
mod inspector;
#[cfg(target_os = "linux")]
#[path = "throughput/load.rs"]
mod load;
#[cfg(target_os = "linux")]
#[path = "throughput/measure.rs"]
mod measure;
#[cfg(target_os = "linux")]
#[path = "throughput/scale.rs"]
mod scale;

use std::convert::Infallible;
use std::fmt::Display;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How much to measure.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
struct Plan {
    rounds: usize,
    round_length: Duration,
    spawns: usize,
    /// POSTs sent while watching the sandbox's memory, in ten equal steps.
    memory_requests: u64,
}

const FULL: Plan = Plan {
    rounds: 5,
    round_length: Duration::from_secs(3),
    spawns: 20,
    memory_requests: 1_000_000,
};

const QUICK: Plan = Plan {
    rounds: 1,
    round_length: Duration::from_secs(1),
    spawns: 3,
    memory_requests: 20_000,
};

/// A failure is a whole sentence, meant for the person who started the benchmark.
type Outcome<T> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("throughput: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome<()> {
    if let [first, body_length, headers @ .., port] = arguments
        && first == "--bare-server"
    {
        return bare_server(port, body_length, headers);
    }
    let mut plan = FULL;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // cargo bench adds it
            "--quick" => plan = QUICK,
            "--profile" => {
                let seconds = arguments
                    .next()
                    .ok_or("--profile needs a number of seconds")?;
                let seconds = seconds.parse().explain("--profile needs whole seconds")?;
                return profile(Duration::from_secs(seconds));
            }
            other => return Err(format!("{other} is none of --quick and --profile SECONDS")),
        }
    }
    measure(&plan)
}

#[cfg(target_os = "linux")]
use measure::{measure, profile};

#[cfg(not(target_os = "linux"))]
fn measure(_: &Plan) -> Outcome<()> {
    println!("This benchmark needs Linux: it pins cores and reads /proc.");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn profile(_: Duration) -> Outcome<()> {
    measure(&QUICK)
}

/// The rival: this same executable, started again as a process of its own. It is the least that
/// hyper can do: read each request to its end and send a constant answer, with no limits and no
/// timers, on the kind of runtime that the sandbox has.
fn bare_server(port: &str, body_length: &str, headers: &[String]) -> Outcome<()> {
    let port: u16 = port.parse().explain("the bare server needs a port")?;
    let body_length = body_length
        .parse()
        .explain("the bare server needs a length")?;
    // Leaked on purpose: static bytes are cloned without counting references.
    let body = Bytes::from_static(vec![b'x'; body_length].leak());
    let mut headers = header_map(headers)?;
    headers.remove(CONTENT_LENGTH); // hyper adds it by itself,
    let with_date = headers.remove(DATE).is_some(); // and this one if it is told to
    let headers: &HeaderMap = Box::leak(Box::new(headers));

    let workers = available_parallelism().explain("cannot count the cores")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers.get())
        .enable_io()
        .build()
        .explain("cannot start the bare server's runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.explain("the bare server cannot listen")?;
        println!("The bare server listens on 127.0.0.1:{port}.");
        loop {
            let (stream, _) = listener
                .accept()
                .await
                .explain("the bare server cannot accept")?;
            stream
                .set_nodelay(true)
                .explain("the bare server cannot set TCP_NODELAY")?;
            let body = body.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let mut response = Response::new(Full::new(body.clone()));
                response.headers_mut().clone_from(headers);
                async move {
                    let mut incoming = request.into_body();
                    while let Some(Ok(_)) = incoming.frame().await {}
                    Ok::<_, Infallible>(response)
                }
            });
            let connection = http1::Builder::new()
                .auto_date_header(with_date)
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    })
}

/// The headers in lines of `name: value`.
fn header_map(lines: &[String]) -> Outcome<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line
            .split_once(": ")
            .ok_or(format!("{line} is no header"))?;
        let name = HeaderName::from_bytes(name.as_bytes()).explain("bad header name")?;
        headers.append(name, HeaderValue::from_static(String::from(value).leak()));
    }
    Ok(headers)
}

/// Puts what was being tried in front of what went wrong.
trait Explain<T> {
    fn explain(self, attempt: impl Display) -> Outcome<T>;
}

impl<T, E: Display> Explain<T> for Result<T, E> {
    fn explain(self, attempt: impl Display) -> Outcome<T> {
        self.map_err(|error| format!("{attempt}: {error}"))
    }
}
