//! A request with its reply, as another tool wrote it down.

use jiff::Timestamp;

/// A request with its reply.
pub(super) struct Entry {
    /// Its place in the file, such as `log.entries[3]`.
    pub place: String,
    pub at: Option<Timestamp>,
    pub request: EntryRequest,
    pub status: u16,
    pub reply_headers: Headers,
    pub reply: Vec<u8>,
}

/// An entry as far as it could be read.
pub(super) struct ReadEntry {
    pub place: String,
    pub entry: Result<Entry, Unusable>,
}

pub(super) struct EntryRequest {
    pub method: String,
    /// Its path and its query.
    pub target: String,
    pub headers: Headers,
    pub body: SentBody,
}

pub(super) enum SentBody {
    Bytes(Vec<u8>),
    /// Something was sent, and the file does not have it. Browsers leave out the forms of uploads.
    Missing,
    /// The fields of a form whose text the file does not have.
    Fields {
        media_type: String,
        fields: Vec<SentField>,
    },
}

pub(super) struct SentField {
    pub name: String,
    pub value: Option<String>,
    pub file_name: Option<String>,
}

/// Names and values, in their order.
#[derive(Default)]
pub(super) struct Headers(pub Vec<(String, String)>);

/// Why an entry cannot be used.
pub(super) enum Unusable {
    /// It is no request to the API, and no control call that changes a world.
    Other,
    Because(String),
}

impl Headers {
    /// The first value of a name, in any case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.0.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl From<String> for Unusable {
    fn from(reason: String) -> Self {
        Self::Because(reason)
    }
}
