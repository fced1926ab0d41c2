//! The log says why bytes could not be read as HTTP, and never shows these bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::process::Process;

/// Sends each of these to a sandbox, waits until it closes the connection, and returns the log.
fn log_of(all: &[&[u8]]) -> Vec<String> {
    let process = Process::serve(&[]);
    let address = process.url.strip_prefix("http://").expect("a URL");
    for bytes in all {
        let mut socket = TcpStream::connect(address).expect("a connection");
        socket
            .set_read_timeout(Some(Duration::from_mins(1)))
            .expect("a socket");
        socket.write_all(bytes).ok();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).ok();
    }
    let (code, _, log) = process.terminate();
    assert_eq!(code, 0);
    let warnings = log.lines().filter_map(|line| line.split_once(" WARN "));
    warnings
        .map(|(_, warning)| warning.trim_start().to_owned())
        .collect()
}

#[test]
#[cfg(unix)]
fn a_request_that_the_parser_refuses_is_logged_with_its_reason() {
    let blank = "a request line is `METHOD PATH HTTP/1.1`, and a blank in the path or query must be percent-encoded (%20)";
    let quote = "a character of the path or query must be percent-encoded, such as a quote, a bracket or a blank";
    let header = "a header is `name: value`, without control characters and without a blank before the colon";
    let size = "a head has at most 64 KiB and 100 headers";
    let method = "a request begins with a method such as GET or POST";
    let many_headers = format!("GET /health HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70 << 10));
    let long_header = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "a".repeat(200 << 10));
    let cases: [(&[u8], String); 12] = [
        (
            b"GET /?a=\"secret\" HTTP/1.1\r\n\r\n",
            format!("invalid URI ({quote})"),
        ),
        (
            b"GET /secret x HTTP/1.1\r\n\r\n",
            format!("invalid HTTP version parsed ({blank})"),
        ),
        (
            b"GET /secret?a=b c HTTP/1.1\r\n\r\n",
            format!("invalid HTTP version parsed ({blank})"),
        ),
        (
            b"GET /health HTTP/3.0\r\n\r\n",
            format!("invalid HTTP version parsed ({blank})"),
        ),
        (
            b"GET /health HTTP/1.1\r\nsecret x: 1\r\n\r\n",
            format!("invalid HTTP header parsed ({header})"),
        ),
        (
            b"GET /health HTTP/1.1\r\nx: secret\0\r\n\r\n",
            format!("invalid HTTP header parsed ({header})"),
        ),
        (
            b"GET /health HTTP/1.1\r\ncontent-length: secret\r\n\r\n",
            "invalid content-length parsed".to_owned(),
        ),
        (
            many_headers.as_bytes(),
            format!("message head is too large ({size})"),
        ),
        (long.as_bytes(), format!("URI too long ({size})")),
        (
            long_header.as_bytes(),
            format!("message head is too large ({size})"),
        ),
        (
            b"G\0T / HTTP/1.1\r\n\r\n",
            format!("invalid HTTP method parsed ({method})"),
        ),
        (
            b"\0\0\0 secret \r\n\r\n",
            format!("invalid HTTP method parsed ({method})"),
        ),
    ];
    let sent: Vec<_> = cases.iter().map(|(bytes, _)| *bytes).collect();
    let expected: Vec<_> = cases
        .iter()
        .map(|(_, reason)| format!("a request could not be read as HTTP/1.1: {reason}"))
        .collect();
    assert_eq!(log_of(&sent), expected);
}

#[test]
#[cfg(unix)]
fn a_body_with_broken_framing_is_logged_with_the_reason() {
    let head = "POST /v1/identity/face_comparisons HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let sized = format!("{head}secret\r\n{{}}\r\n0\r\n\r\n");
    let ended = format!("{head}2\r\n{{}}secret\r\n0\r\n\r\n");
    let huge = format!("{head}f0000000000000003\r\n");
    let multipart = sized.replace(
        "host:",
        "content-type: multipart/form-data; boundary=x\r\nhost:",
    );
    let coded = sized.replace("host:", "content-encoding: gzip\r\nhost:");
    let sent: Vec<_> = [&sized, &ended, &huge, &multipart, &coded]
        .into_iter()
        .map(String::as_bytes)
        .collect();
    let size = "Invalid chunk size line: missing size digit";
    let expected: Vec<_> = [
        size,
        "Invalid chunk body CR",
        "invalid chunk size: overflow",
        size,
        size,
    ]
    .iter()
    .map(|reason| {
        format!("the body of a request could not be read: {reason} method=\"POST\" path=/v1/identity/face_comparisons")
    })
    .collect();
    assert_eq!(log_of(&sent), expected);
}

#[test]
#[cfg(unix)]
fn a_tls_handshake_on_the_plain_port_is_logged_as_one() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret \r\n\r\n";
    assert_eq!(
        log_of(&[hello]),
        [
            "a client began a TLS handshake on a port of plain HTTP: write http:// in its URL, or serve HTTPS with --tls"
        ]
    );
}

#[test]
#[cfg(unix)]
fn a_client_that_breaks_http2_is_logged() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // A DATA frame on a stream that was never opened.
    let frames = b"\0\0\0\x04\0\0\0\0\0\0\0\x06\0\x01\0\0\0\x09secret";
    assert_eq!(
        log_of(&[&[&preface[..], frames].concat()]),
        [
            "a connection of HTTP/2 was ended, because its client broke the protocol: unspecific protocol error detected"
        ]
    );
}

#[test]
#[cfg(unix)]
fn a_client_that_connects_and_leaves_is_no_news() {
    let process = Process::serve(&[]);
    let address = process.url.strip_prefix("http://").expect("a URL");
    drop(TcpStream::connect(address).expect("a connection"));
    let mut half = TcpStream::connect(address).expect("a connection");
    half.write_all(b"GET /hea").expect("it is taken");
    drop(half);
    let (code, _, log) = process.terminate();
    assert_eq!((code, log.contains(" WARN ")), (0, false), "{log}");
}
