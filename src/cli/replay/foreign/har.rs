//! HAR 1.2: the requests that a browser or a proxy has seen.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::entry::{Entry, EntryRequest, Headers, ReadEntry, SentBody, SentField, Unusable};
use super::json_path::Place;
use super::sent_body::unpacked;

/// Says whether a request with this method and target concerns the API or the control API.
pub(super) type Concerns<'c> = &'c dyn Fn(&str, &str) -> bool;

/// The entries of a HAR document. An error is a sentence.
pub(super) fn entries(document: &Value, concerns: Concerns<'_>) -> Result<Vec<ReadEntry>, String> {
    let log = Place::root(document).need("log")?.object()?;
    let entries = log.need("entries")?.items()?;
    let entries = entries.iter().enumerate().map(|(at, entry)| {
        let place = format!("log.entries[{at}]");
        let entry = read_entry(&place, entry.value(), concerns);
        ReadEntry { place, entry }
    });
    Ok(entries.collect())
}

/// The program that wrote the document.
pub(super) fn creator(document: &Value) -> String {
    let creator = &document["log"]["creator"];
    let text = |name: &str| creator[name].as_str().unwrap_or_default();
    format!("HAR of {} {}", text("name"), text("version"))
        .trim_end()
        .to_owned()
}

fn read_entry(place: &str, entry: &Value, concerns: Concerns<'_>) -> Result<Entry, Unusable> {
    let entry = Place::root(entry).object()?;
    let request = entry.need("request")?.object()?;
    let method = request.need("method")?.text()?.to_ascii_uppercase();
    let url = request.need("url")?.text()?;
    let mut target = target_of(url);
    if !target.contains('?') {
        target.push_str(&query_of(&request)?);
    }
    if !concerns(&method, &target) {
        return Err(Unusable::Other);
    }
    let response = entry.need("response")?.object()?;
    let status = status(&entry, &response)?;
    let mut sent = headers(&request)?;
    if sent.get("content-type").is_none()
        && let Some(media_type) = media_type(&request)?
    {
        sent.0.push(("content-type".to_owned(), media_type));
    }
    Ok(Entry {
        place: place.to_owned(),
        at: (entry.text_of("startedDateTime")?).and_then(|at| at.trim().parse::<Timestamp>().ok()),
        request: EntryRequest {
            method,
            target,
            body: sent_body(&request, &sent)?,
            headers: sent,
        },
        status,
        reply_headers: headers(&response)?,
        reply: reply(&response)?,
    })
}

/// The status of a reply that a server gave to this very request.
fn status(entry: &Place<'_>, response: &Place<'_>) -> Result<u16, Unusable> {
    let because = |reason: &str| Err(Unusable::Because(reason.to_owned()));
    let status = response.need("status")?.number()?;
    if status == 304 || entry.get("_fromCache").is_some() {
        return because("the cache of the browser answered them");
    }
    match u16::try_from(status) {
        Ok(300..=399) => because("a redirect answered them"),
        Ok(status @ 200..=599) => Ok(status),
        Ok(0) => because("they got no reply"),
        Ok(_) | Err(_) => because("`response.status` is no status of a reply"),
    }
}

/// Path and query of a URL, as a request can carry them.
pub(super) fn target_of(url: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const UNSENDABLE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .add(b'|')
        .add(b'\\')
        .add(b'^');
    let url = url.split('#').next().unwrap_or_default();
    let below = url.split_once("://").map_or(url, |(_, rest)| {
        let start = rest.find(['/', '?']).unwrap_or(rest.len());
        &rest[start..]
    });
    let target = utf8_percent_encode(below, UNSENDABLE).to_string();
    if target.starts_with('/') {
        target
    } else {
        format!("/{target}")
    }
}

/// The query of a request whose URL has none.
fn query_of(request: &Place<'_>) -> Result<String, String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut is_empty = true;
    for pair in request.items_of("queryString")? {
        let name = pair.need("name")?.text()?;
        query.append_pair(name, pair.text_of("value")?.unwrap_or_default());
        is_empty = false;
    }
    if is_empty {
        return Ok(String::new());
    }
    Ok(format!("?{}", query.finish()))
}

/// Headers besides those that HTTP/2 has in place of a first line.
fn headers(message: &Place<'_>) -> Result<Headers, String> {
    let mut headers = Headers::default();
    for header in message.items_of("headers")? {
        let name = header.need("name")?.text()?;
        let value = header.text_of("value")?.unwrap_or_default();
        if !name.starts_with(':') && !name.is_empty() {
            headers.0.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

/// The media type of the body, for a request whose headers do not say it.
fn media_type(request: &Place<'_>) -> Result<Option<String>, String> {
    let Some(data) = request.get("postData") else {
        return Ok(None);
    };
    let media_type = data.text_of("mimeType")?;
    Ok(media_type.filter(|one| !one.is_empty()).map(str::to_owned))
}

fn sent_body(request: &Place<'_>, headers: &Headers) -> Result<SentBody, String> {
    let Some(data) = request.get("postData") else {
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.trim().parse::<u64>().ok());
        return Ok(match length {
            Some(1..) => SentBody::Missing,
            Some(0) | None => SentBody::Bytes(Vec::new()),
        });
    };
    let data = data.object()?;
    let text = data.text_of("text")?.unwrap_or_default();
    let mut fields = Vec::new();
    for param in data.items_of("params")? {
        let text = |name: &str| Ok::<_, String>(param.text_of(name)?.map(str::to_owned));
        fields.push(SentField {
            name: param.need("name")?.text()?.to_owned(),
            value: text("value")?,
            file_name: text("fileName")?,
        });
    }
    if text.is_empty() && !fields.is_empty() {
        let media_type = data.text_of("mimeType")?.unwrap_or_default().to_owned();
        return Ok(SentBody::Fields { media_type, fields });
    }
    Ok(SentBody::Bytes(content(&data, text, "postData.text")?))
}

fn reply(response: &Place<'_>) -> Result<Vec<u8>, Unusable> {
    let Some(of) = response.get("content") else {
        return Ok(Vec::new());
    };
    let of = of.object()?;
    let Some(text) = of.text_of("text")? else {
        let size = of.get("size").and_then(|size| size.value().as_i64());
        return match size {
            Some(1..) => Err(Unusable::Because(
                "the file does not have the bodies of their replies".to_owned(),
            )),
            Some(_) | None => Ok(Vec::new()),
        };
    };
    Ok(unpacked(content(&of, text, "response.content.text")?)?)
}

/// The bytes of a text that may be base64.
fn content(of: &Place<'_>, text: &str, path: &str) -> Result<Vec<u8>, String> {
    let encoding = match of.text_of("encoding")? {
        None => of.text_of("_encoding")?,
        some => some,
    };
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "utf-8" | "utf8") => Ok(text.as_bytes().to_vec()),
        Some("base64") => {
            let text: String = text.split_whitespace().collect();
            (STANDARD.decode(text)).map_err(|_| format!("`{path}` is not the base64 that it says"))
        }
        Some(_) => Err(format!(
            "`{path}` has another encoding than base64: only base64 is read"
        )),
    }
}
