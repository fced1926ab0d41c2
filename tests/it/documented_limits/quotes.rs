//! Where documents and texts of the sources quote limits, and which constants they quote.

/// The documents in which no number that may be a limit goes unseen. The sources are looked at as well.
pub const PROSE: [&str; 11] = [
    "README.md",
    "SECURITY.md",
    "ARCHITECTURE.md",
    "docs/ci.md",
    "docs/decisions.md",
    "docs/https.md",
    "docs/other-languages.md",
    "docs/production.md",
    "docs/reliability.md",
    "src/control/openapi.json",
    "src/control/pages/inspector/detail.js",
];

/// Parts of these documents that hold measurements.
pub const MEASUREMENTS: &[(&str, &str)] = &[
    ("README.md", "Speed"),
    ("docs/reliability.md", "What attacks cost"),
    ("docs/reliability.md", "What was fuzzed"),
    ("docs/reliability.md", "Half an hour of everything"),
];

/// A document, and words of it around the limits that they quote. Blanks stand for line breaks too. A constant may be
/// called by the end of its path, where that is enough.
pub const QUOTES: &[(&str, &str)] = &[
    ("README.md", "after {fault::BROKEN_MAX} it is cut"),
    ("README.md", "or {fault::BROKEN_MAX} are over"),
    (
        "README.md",
        "(median and sigma), {delay::DELAY_MAX} at most",
    ),
    ("README.md", "These ({standing_faults::FAULTS_MAX} at most)"),
    (
        "README.md",
        "({faults::TTL_DEFAULT} unless said otherwise, {standing_faults::TTL_MAX} at most)",
    ),
    (
        "README.md",
        "answer 2xx within {courier::RECEIVER_TIME} is tried again",
    ),
    ("README.md", "An answer may take {courier::RECEIVER_TIME}."),
    ("README.md", "and {api_key::SECRET_CHARS} letters or digits"),
    (
        "README.md",
        "the oldest {named::SHOWN_MAX}, and how many `more_callbacks`",
    ),
    (
        "README.md",
        "Each world keeps the latest {journal::ENTRIES_MAX} exchanges",
    ),
    (
        "README.md",
        "keeps the latest {journal::ENTRIES_MAX} exchanges of each world and the latest {strangers::STRANGERS_MAX} refused ones",
    ),
    ("README.md", "{ask::LIMIT_DEFAULT} a page (`limit`)"),
    (
        "README.md",
        "only the first {kept_body::BODY_KEPT_BYTES_MAX} are kept",
    ),
    (
        "README.md",
        "the latest {strangers::STRANGERS_MAX} requests that were refused",
    ),
    ("README.md", "drawn small ({sketch::PIXELS} pixels at most)"),
    ("README.md", "up to {sketch::AREA_MAX} (a progressive JPEG"),
    ("README.md", "holds {watchers::WAITING_MAX} exchanges"),
    ("README.md", "{watchers::LOOKERS_MAX} may be open"),
    (
        "README.md",
        "{exercised::REPLIES_MAX} at most, and `other` beyond",
    ),
    (
        "README.md",
        "JSON and forms {headers::BODY_BYTES_MAX}, uploads {body::UPLOAD_BYTES_MAX}; {accept::CONNECTIONS_MAX} connections",
    ),
    (
        "README.md",
        "{world::WORLDS_MAX} worlds, each with {records::RECORDS_MAX} records, {journal::ENTRIES_MAX} journal entries ({kept_body::BODY_KEPT_BYTES_MAX} of each body), {records::COUNTERS_MAX} counters and {world::WORLD_BYTES_MAX}",
    ),
    (
        "README.md",
        "{world::BYTES_MAX} over all worlds; a snapshot has {snapshot::SNAPSHOT_BYTES_MAX}",
    ),
    (
        "README.md",
        "idle for {worlds::IDLE_TIME} and room is needed",
    ),
    ("SECURITY.md", "no longer than {courier::RECEIVER_TIME}"),
    ("SECURITY.md", "ends after {delivery::DEPTH_MAX} rounds"),
    (
        "ARCHITECTURE.md",
        "{pace::HEAD_TIME} for a head, {pace::BODY_TIME} for a body, {pace::IDLE_TIME} for nothing",
    ),
    (
        "ARCHITECTURE.md",
        "at most {outbox::SENDS_OF_WORLD_MAX} a world and {courier::SENDS_MAX} in all",
    ),
    (
        "docs/ci.md",
        "and {api_key::SECRET_CHARS} letters or digits",
    ),
    ("docs/ci.md", "[at most {world::BYTES_MAX}]"),
    (
        "docs/decisions.md",
        "A truncated stream waits {sabotage::WRITE_TIME} before",
    ),
    (
        "docs/decisions.md",
        "({names::NAME_BYTES_MAX}, {names::WORDS_MAX} words)",
    ),
    (
        "docs/decisions.md",
        "from a budget of {thumbnails::ROOM_BYTES_MAX};",
    ),
    (
        "docs/decisions.md",
        "at most {sketch::AREA_MAX} and {sketch::JPEG_BYTES_MAX}",
    ),
    (
        "docs/https.md",
        "A handshake has the {pace::HEAD_TIME} that",
    ),
    (
        "docs/https.md",
        "{http2::STREAMS_MAX} streams at once; {connection::HEAD_BYTES_MAX} of headers; frames of {http2::FRAME_BYTES_MAX}; {http2::STREAM_WINDOW_BYTES} ahead of what was read for a stream and {http2::CONNECTION_WINDOW_BYTES} for all; {http2::UNSEEN_RESETS_MAX} streams that are reset before they were looked at and {http2::FAULTY_STREAMS_MAX} that had to be reset",
    ),
    (
        "docs/https.md",
        "{pace::BODY_TIME} for a body, after which its stream is reset; {pace::IDLE_TIME} without a request",
    ),
    (
        "docs/https.md",
        "nothing for {http2::PING_AFTER} is asked whether it is there and has {http2::PONG_TIME} to answer",
    ),
    (
        "docs/reliability.md",
        "shares of {headers::BODY_BYTES_MAX} that bodies",
    ),
    ("docs/https.md", "in its last {authority::RENEWED_DAYS};"),
    (
        "docs/https.md",
        "a new certificate for {authority::LEAF_DAYS},",
    ),
    (
        "docs/reliability.md",
        "they are cut after {pace::HEAD_TIME} and {pace::BODY_TIME}",
    ),
    (
        "docs/reliability.md",
        "worlds that hold more than {world::BYTES_MAX}",
    ),
    (
        "docs/reliability.md",
        "more connections than are served ({accept::CONNECTIONS_MAX})",
    ),
    (
        "docs/reliability.md",
        "who says nothing goes after {pace::HEAD_TIME}",
    ),
    (
        "src/control/openapi.json",
        r#""1 to {worlds::NAME_CHARS_MAX} characters. The key is derived"#,
    ),
    (
        "src/control/openapi.json",
        r#""maxLength": {worlds::NAME_CHARS_MAX}"#,
    ),
    (
        "src/control/openapi.json",
        "larger than {snapshot::SNAPSHOT_BYTES_MAX} (`snapshot_too_large`)",
    ),
    (
        "src/control/openapi.json",
        "What `GET` gave, {snapshot::SNAPSHOT_BYTES_MAX} at most",
    ),
    (
        "src/control/openapi.json",
        r#"more than {requests::PAGE_BYTES_MAX}.", "schema": {"type": "integer", "minimum": 0, "maximum": {journal::ENTRIES_MAX}, "default": {ask::LIMIT_DEFAULT}}"#,
    ),
    (
        "src/control/openapi.json",
        r#""How many are listed.", "schema": {"type": "integer", "minimum": 0, "default": {ask::LIMIT_DEFAULT}}"#,
    ),
    (
        "src/control/openapi.json",
        r#"the stream begins with.", "schema": {"type": "integer", "minimum": 0, "maximum": {events::BACKLOG_MAX},"#,
    ),
    (
        "src/control/openapi.json",
        "Up to {inbox::NAME_CHARS_MAX} letters, digits",
    ),
    (
        "src/control/openapi.json",
        r#""^[A-Za-z0-9._-]{1,{inbox::NAME_CHARS_MAX}}$""#,
    ),
    (
        "src/control/openapi.json",
        "How long to wait, {ask::WAIT_MAX} at most",
    ),
    (
        "src/control/openapi.json",
        "the first {kept_body::BODY_KEPT_BYTES_MAX} are kept",
    ),
    (
        "src/control/openapi.json",
        "pictures of at most {sketch::PIXELS} x {sketch::PIXELS} pixels",
    ),
    (
        "src/control/openapi.json",
        r##""maxItems": {verify::STEPS_MAX}, "items": {"$ref": "#/components/schemas/Filters"}"##,
    ),
    (
        "src/control/openapi.json",
        "nearest first, {expectation::NEAR_MISSES_MAX} at most",
    ),
    (
        "src/control/openapi.json",
        r#""For how many calls.", "maximum": {queued::TIMES_MAX},"#,
    ),
    (
        "src/control/openapi.json",
        r##""maxItems": {standing_faults::FAULTS_MAX}, "items": {"$ref": "#/components/schemas/FaultItem"}"##,
    ),
    (
        "src/control/openapi.json",
        "For how long they stand, {standing_faults::TTL_MAX} at most; {faults::TTL_DEFAULT} where nothing is said",
    ),
    (
        "src/control/openapi.json",
        r#""records": { "type": "array", "maxItems": {records::RECORDS_MAX},"#,
    ),
    (
        "src/control/openapi.json",
        r#""counters": { "type": "array", "maxItems": {records::COUNTERS_MAX},"#,
    ),
    (
        "src/sandbox/world.rs",
        "after `ttl`, which is {faults::TTL_DEFAULT} by default",
    ),
    (
        "src/sandbox/requests.rs",
        "Waits at most {patience::PATIENCE} for a request",
    ),
    (
        "src/sandbox/callbacks.rs",
        "holds this up for {courier::RECEIVER_TIME} a try",
    ),
    (
        "src/sandbox/callbacks.rs",
        "`by` is more than {clock::DURATION_MAX}",
    ),
    (
        "src/sandbox/callbacks.rs",
        "is pending any more, at most {patience::PATIENCE}.",
    ),
    (
        "src/sandbox/sandbox.rs",
        "in flight finish ({accept::STOP_TIME} at most)",
    ),
    (
        "src/sandbox/receiver.rs",
        "It waits at most {patience::PATIENCE}.",
    ),
    (
        "src/base/behaviour.rs",
        "has answered, {outbox::WAIT} at most",
    ),
    (
        "src/reference/openapi/callbacks.rs",
        "nothing within {courier::RECEIVER_TIME}:",
    ),
    (
        "src/cli/audit/audit.rs",
        "where {courier::RECEIVER_TIME} are too long",
    ),
    (
        "src/control/pages/inspector/detail.js",
        "a world keeps its latest {journal::ENTRIES_MAX},",
    ),
    (
        "src/control/sketch.rs",
        "at most {sketch::PIXELS} x {sketch::PIXELS} pixels",
    ),
    (
        "src/sandbox/receiver.rs",
        "keeps the first {receiver::RECEIVED_MAX} callbacks",
    ),
    (
        "src/sandbox/worlds.rs",
        "When {world::WORLDS_MAX} worlds are in use",
    ),
    (
        "src/world/journal/kept_body.rs",
        "Its first {kept_body::BODY_KEPT_BYTES_MAX}.",
    ),
    (
        "clients/node/src/world.ts",
        "otherwise, {ask::WAIT_MAX} at most",
    ),
    (
        "clients/node/src/control.ts",
        "a request waits {ask::WAIT_MAX} at most",
    ),
    (
        "clients/python/src/iluma_sandbox/world.py",
        "``wait`` ({ask::WAIT_MAX} at most)",
    ),
    (
        "clients/python/src/iluma_sandbox/control.py",
        "a request waits {ask::WAIT_MAX} at most",
    ),
    (
        "clients/node/src/world.ts",
        "after `ttl`: {faults::TTL_DEFAULT} unless said otherwise",
    ),
    (
        "clients/python/src/iluma_sandbox/world.py",
        "after ``ttl``: {faults::TTL_DEFAULT} unless said otherwise",
    ),
];

/// Numbers that look like limits and are none, as they stand in their document.
///
/// The 9 megapixels of a progressive JPEG follow from `JPEG_BYTES_MAX` and the decoder.
pub const NO_LIMITS: &[(&str, &str)] = &[
    ("README.md", "waits for its end (40 s at most, `--wait`)"),
    ("README.md", "(a progressive JPEG up to 9)"),
    ("README.md", "(1 s to 32 s), `realistic` (15 min to 12 h)"),
    ("docs/decisions.md", "by 9.9 of 10 seconds"),
    ("docs/other-languages.md", "Look for it every 5 ms"),
    ("docs/production.md", "after 1 to 32 s;"),
    (
        "docs/reliability.md",
        "1,000 slow heads and 1,000 slow bodies at once",
    ),
    ("docs/reliability.md", "2,000 connections that come and go"),
    ("docs/reliability.md", "pipelines of 1,000"),
    ("docs/reliability.md", "10 MiB of `[`"),
    (
        "docs/reliability.md",
        "images that claim 100,000 x 100,000 pixels",
    ),
    (
        "src/control/openapi.json",
        r#""minimum": 200, "maximum": 599"#,
    ),
    (
        "src/control/openapi.json",
        r#""minimum": 0, "maximum": 1, "default": 1"#,
    ),
    ("src/control/openapi.json", r#""maxItems": 3"#),
    ("src/answer/record.rs", "about 0.8 s between"),
    ("src/base/amount.rs", "1 s"),
    ("src/base/rate_limit.rs", "between 1 ms and"),
    ("src/callbacks/options.rs", "16 and 32 seconds"),
    (
        "src/callbacks/options.rs",
        "15 and 45 minutes, 2, 3, 6 and 12 hours",
    ),
    (
        "src/cli/serve.rs",
        "(1 s to 32 s), `realistic` (15 min to 12 h)",
    ),
    ("src/control/faults.rs", "between 1 ms and"),
    ("src/scenario/format_dummy.rs", "up to 34 digits"),
    ("src/server/connection/begun.rs", "24 at most"),
    ("src/world/journal/expectation.rs", "at most 2 requests"),
];

/// Constants that are called as limits are, and that nobody meets from outside.
pub const INTERNAL: &[(&str, &str)] = &[
    (
        "answer::explain::rules::SHOWN_MAX",
        "an explanation shows the nearest rules",
    ),
    (
        "answer::real_data::DEPTH_MAX",
        "hints look at the upper fields",
    ),
    (
        "answer::real_data::HINTS_MAX",
        "a warning names the first fields",
    ),
    (
        "base::json_reading::DEPTH_MAX",
        "the JSON reader refuses deeper bodies before",
    ),
    (
        "base::text::REPEATED_CHARS_MAX",
        "how much of a text a message repeats",
    ),
    (
        "catalogue::body::render::SCRATCH_BYTES_MAX",
        "a buffer is freed or used again",
    ),
    (
        "catalogue::compile::never::ITEMS_MAX",
        "how far `check` looks for warnings",
    ),
    (
        "catalogue::compile::overlaps::OTHERS_MAX",
        "how far `check` looks for warnings",
    ),
    (
        "catalogue::compile::overlaps::PAIRS_MAX",
        "how far `check` looks for warnings",
    ),
    (
        "catalogue::route::PATH_CHARS_MAX",
        "how much of a path a message repeats",
    ),
    (
        "catalogue::upload_fields::PARTS_MAX",
        "how far a schema is searched for files",
    ),
    (
        "catalogue::upload_fields::UNREAD_BYTES_MAX",
        "how much of an unreadable body stays readable in the journal",
    ),
    ("catalogue::watch::DEBOUNCE_MAX", "when a reload begins"),
    ("cli::audit::battery::RESENDS_MAX", "the steps of an audit"),
    ("cli::document::png::STORED_MAX", "the format of PNG"),
    ("cli::serve::WAITS_MAX", "when memory is given back"),
    (
        "http::error::REASON_CHARS_MAX",
        "how much of a reason a message repeats",
    ),
    (
        "reference::listing::fields::DEPTH_MAX",
        "how deep lists show fields",
    ),
    (
        "reference::openapi::examples::PROCESSING_TIME",
        "an example",
    ),
    (
        "sandbox::callbacks::TOLD_MAX",
        "how many callbacks a message names",
    ),
    (
        "server::connection::http2::QUIET_TICKS_MAX",
        "when a connection without requests ends, as the sandbox stops",
    ),
    (
        "server::sabotage::CLOSE_TIME",
        "how a connection is broken on purpose",
    ),
    (
        "server::sabotage::WRITE_TIME",
        "how a stream is broken on purpose",
    ),
    (
        "server::tls::plain::FRAMES_MAX",
        "plain HTTP/2 at a port of HTTPS is answered once",
    ),
    (
        "server::tls::plain::FRAME_BYTES_MAX",
        "plain HTTP/2 at a port of HTTPS is answered once",
    ),
    (
        "server::tls::plain::READS_MAX",
        "plain HTTP at a port of HTTPS is answered once",
    ),
];
