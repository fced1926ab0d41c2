//! Postman collections (format 2.0 and 2.1) with saved replies.

use serde_json::Value;

use super::entry::{Entry, EntryRequest, Headers, ReadEntry, SentBody, SentField, Unusable};
use super::har::{Concerns, target_of};
use super::json_path::Place;

/// Folders in folders beyond this depth are not read.
const DEPTH_MAX: usize = 32;

/// The saved replies of a collection.
pub(super) fn entries(document: &Value, concerns: Concerns<'_>) -> Result<Vec<ReadEntry>, String> {
    let mut found = Vec::new();
    walk(&Place::root(document), "", 0, concerns, &mut found)?;
    Ok(found)
}

fn walk(
    folder: &Place<'_>,
    path: &str,
    depth: usize,
    concerns: Concerns<'_>,
    found: &mut Vec<ReadEntry>,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    for (at, item) in folder.items_of("item")?.iter().enumerate() {
        let path = format!("{path}item[{at}]");
        if item.get("item").is_some() {
            walk(item, &format!("{path}."), depth + 1, concerns, found)?;
            continue;
        }
        let item = Place::root(item.value());
        let replies = match item.items_of("response") {
            Ok(replies) => replies,
            Err(reason) => {
                let entry = Err(reason.into());
                found.push(ReadEntry { place: path, entry });
                continue;
            }
        };
        for (at, reply) in replies.iter().enumerate() {
            let place = format!("{path}.response[{at}]");
            let entry = saved_reply(&place, &item, &Place::root(reply.value()), concerns);
            found.push(ReadEntry { place, entry });
        }
    }
    Ok(())
}

fn saved_reply(
    place: &str,
    item: &Place<'_>,
    reply: &Place<'_>,
    concerns: Concerns<'_>,
) -> Result<Entry, Unusable> {
    let request = match reply.get("originalRequest") {
        Some(request) => request,
        None => item.need("request")?,
    };
    let request = request.object()?;
    let method = request.text_of("method")?.unwrap_or("GET");
    let method = method.to_ascii_uppercase();
    let target = target(&request)?;
    if !concerns(&method, &target) {
        return Err(Unusable::Other);
    }
    let status = reply.need("code")?.number()?;
    let status = u16::try_from(status).ok();
    let status = status.filter(|status| (200..600).contains(status));
    let reply_headers = headers(reply)?;
    let date = reply_headers.get("date");
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    Ok(Entry {
        place: place.to_owned(),
        at: date.map(|date| date.timestamp()),
        request: EntryRequest {
            method,
            target,
            headers: headers(&request)?,
            body: body(&request)?,
        },
        status: status.ok_or_else(|| "`code` is no status of a reply".to_owned())?,
        reply_headers,
        reply: reply.text_of("body")?.unwrap_or_default().into(),
    })
}

/// The target of a request whose URL may begin with a variable: `{{base_url}}/v1.1/…`.
fn target(request: &Place<'_>) -> Result<String, String> {
    let url = request.need("url")?;
    let raw = match url.value() {
        Value::String(raw) => Some(raw.as_str()),
        _ => url.text_of("raw")?,
    };
    if let Some(raw) = raw {
        let below = match raw
            .strip_prefix("{{")
            .and_then(|rest| rest.split_once("}}"))
        {
            Some((_, below)) => below,
            None => raw,
        };
        return Ok(target_of(below));
    }
    let segments = url.items_of("path")?;
    let segments: Result<Vec<_>, _> = segments.iter().map(Place::text).collect();
    Ok(target_of(&format!("/{}", segments?.join("/"))))
}

fn headers(message: &Place<'_>) -> Result<Headers, String> {
    let mut headers = Headers::default();
    for header in message.items_of("header")? {
        let is_off = header
            .get("disabled")
            .is_some_and(|off| *off.value() == true);
        if let Some(name) = header.text_of("key")?.filter(|_| !is_off) {
            let value = header.text_of("value")?.unwrap_or_default();
            headers.0.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

fn body(request: &Place<'_>) -> Result<SentBody, String> {
    let Some(body) = request.get("body") else {
        return Ok(SentBody::Bytes(Vec::new()));
    };
    let body = body.object()?;
    let mode = body.text_of("mode")?.unwrap_or("raw");
    let media_type = match mode {
        "formdata" => "multipart/form-data",
        "urlencoded" => "application/x-www-form-urlencoded",
        _ => {
            let raw = body.text_of("raw")?.unwrap_or_default();
            return Ok(SentBody::Bytes(raw.into()));
        }
    };
    let mut fields = Vec::new();
    for field in body.items_of(mode)? {
        let is_file = field.text_of("type")? == Some("file");
        fields.push(SentField {
            name: field.need("key")?.text()?.to_owned(),
            value: field.text_of("value")?.map(str::to_owned),
            file_name: is_file.then(String::new),
        });
    }
    Ok(SentBody::Fields {
        media_type: media_type.to_owned(),
        fields,
    })
}
