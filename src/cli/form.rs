//! A multipart form as `curl -F` writes it.

use std::path::Path;
use std::str::FromStr;

use super::try_out::read;

/// Between the parts. It must not occur in any of them, and does not in what people upload.
const BOUNDARY: &str = "iluma-sandbox-3f1c9a7e5b2d4860";

/// `name=value`, or `name=@file`.
#[derive(Clone, Debug)]
pub(super) struct Field {
    name: String,
    value: String,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.contains(['"', '\r', '\n']) => {
                Ok(Self {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
            }
            _ => Err("write NAME=VALUE, or NAME=@FILE".to_owned()),
        }
    }
}

/// The form, as it goes over the wire.
pub(super) struct Form(Vec<u8>);

impl Form {
    pub(super) fn of(fields: &[Field]) -> Result<Self, String> {
        let mut body = Vec::new();
        for Field { name, value } in fields {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes(),
            );
            match value.strip_prefix('@') {
                Some(file) => {
                    let called = Path::new(file).file_name().unwrap_or_default();
                    let called = called.to_string_lossy().replace(['"', '\r', '\n'], "_");
                    let head = format!(
                        "; filename=\"{called}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    );
                    body.extend(head.bytes());
                    body.extend(read(file)?);
                }
                None => body.extend(format!("\r\n\r\n{value}").bytes()),
            }
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        Ok(Self(body))
    }

    /// Its media type, and its bytes.
    pub(super) fn into_parts(self) -> (String, Vec<u8>) {
        (format!("multipart/form-data; boundary={BOUNDARY}"), self.0)
    }
}
