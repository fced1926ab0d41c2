//! The bare server: the least that hyper can do.

use std::convert::Infallible;
use std::thread::available_parallelism;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{Explain, Outcome};

/// The bare server: this executable, started again as a separate process. It does the least that
/// hyper can do: read each request to its end and send a constant answer, without limits and
/// timers, on the same kind of runtime as the sandbox.
pub fn bare_server(port: &str, body_length: &str, headers: &[String]) -> Outcome<()> {
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
    let mut runtime = match workers.get() {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime
        .enable_io()
        .build()
        .explain("cannot start the bare server's runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.explain("the bare server cannot listen")?;
        let address = listener
            .local_addr()
            .explain("the bare server has no address")?;
        println!("the bare server is ready at http://{address}");
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
