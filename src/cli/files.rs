//! A multipart form as `curl -F` writes it.

use std::path::Path;
use std::str::FromStr;

/// The boundary between the parts. It must not occur in any part, and files that people upload do not hold it.
const BOUNDARY: &str = "iluma-sandbox-3f1c9a7e5b2d4860";

/// A field: `name=value`, or `name=@file`. `;type=` and `;filename=` may follow.
#[derive(Clone, Debug)]
pub(super) struct FormField {
    name: String,
    value: String,
    content_type: Option<String>,
    file_name: Option<String>,
}

impl FromStr for FormField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "write NAME=VALUE or NAME=@FILE, optionally followed by ;type=TYPE".to_owned();
        let (name, mut value) = text.split_once('=').ok_or_else(wrong)?;
        let is_sendable = |text: &str| !text.is_empty() && !text.contains(['"', '\r', '\n']);
        let (mut content_type, mut file_name) = (None, None);
        while let Some((before, said)) = value.rsplit_once(';') {
            let (what, word) = if let Some(word) = said.strip_prefix("type=") {
                (&mut content_type, word)
            } else if let Some(word) = said.strip_prefix("filename=") {
                (&mut file_name, word)
            } else {
                break;
            };
            if !is_sendable(word) || what.replace(word.to_owned()).is_some() {
                return Err(wrong());
            }
            value = before;
        }
        if !is_sendable(name) {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            content_type,
            file_name,
        })
    }
}

/// The form, as it goes over the wire.
pub(super) struct Form(Vec<u8>);

impl Form {
    pub(super) fn of(fields: &[FormField]) -> Result<Self, String> {
        let mut body = Vec::new();
        for field in fields {
            let name = &field.name;
            let mut head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
            let file = field.value.strip_prefix('@');
            let own_name = file.map(|file| {
                let called = Path::new(file).file_name().unwrap_or_default();
                called.to_string_lossy().replace(['"', '\r', '\n'], "_")
            });
            if let Some(called) = field.file_name.as_ref().or(own_name.as_ref()) {
                head.extend(["; filename=\"", called, "\""]);
            }
            let unknown = file.map(|_| "application/octet-stream");
            if let Some(content_type) = field.content_type.as_deref().or(unknown) {
                head.extend(["\r\nContent-Type: ", content_type]);
            }
            body.extend(head.bytes().chain(*b"\r\n\r\n"));
            match file {
                Some(file) => body.extend(read(file)?),
                None => body.extend(field.value.bytes()),
            }
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        Ok(Self(body))
    }

    /// The media type and the bytes of the form.
    pub(super) fn into_parts(self) -> (String, Vec<u8>) {
        (format!("multipart/form-data; boundary={BOUNDARY}"), self.0)
    }
}

/// The contents of a file; an error is a sentence.
pub(super) fn read(file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file)
        .map_err(|error| format!("cannot read `{file}`: {}", crate::base::reason(&error)))
}
