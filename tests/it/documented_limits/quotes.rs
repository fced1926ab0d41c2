//! Where documents and texts of the sources quote limits, and which constants they quote.

/// The documents in which no number that may be a limit goes unseen. The sources are looked at as well.
pub const PROSE: [&str; 31] = [
    "README.md",
    "SECURITY.md",
    "ARCHITECTURE.md",
    "docs/callbacks.md",
    "docs/ci.md",
    "docs/command-line.md",
    "docs/control-api.md",
    "docs/coverage.md",
    "docs/decisions.md",
    "docs/errors.md",
    "docs/explain.md",
    "docs/faults.md",
    "docs/fidelity.md",
    "docs/getting-started.md",
    "docs/how-requests-are-read.md",
    "docs/https.md",
    "docs/inspector.md",
    "docs/log-and-metrics.md",
    "docs/other-languages.md",
    "docs/personal-data.md",
    "docs/production.md",
    "docs/recipes.md",
    "docs/reliability.md",
    "docs/requests.md",
    "docs/responses.md",
    "docs/scenario-format.md",
    "docs/tests.md",
    "docs/troubleshooting.md",
    "docs/worlds.md",
    "src/control/openapi.json",
    "src/control/pages/inspector/detail.js",
];

/// Parts of these documents that hold measurements, or that are generated from the sources.
pub const MEASUREMENTS: &[(&str, &str)] = &[
    ("docs/command-line.md", "Commands"),
    ("docs/reliability.md", "What attacks cost"),
    ("docs/reliability.md", "What clients can make it hold"),
    ("docs/reliability.md", "What was fuzzed"),
    ("docs/reliability.md", "Half an hour under load"),
];

/// A document, and words of it around the limits that they quote. Blanks stand for line breaks too. A constant may be
/// called by the end of its path, where that is enough.
pub const QUOTES: &[(&str, &str)] = &[
    (
        "docs/reliability.md",
        "({memory::CONNECTIONS_MAX} with the default of `--memory`)",
    ),
    (
        "src/control/openapi.json",
        "of the body of the answer, at most {log_text::LINE_CHARS_MAX} characters",
    ),
    (
        "src/answer/explain/attempt.rs",
        "of the body of the answer, at most {log_text::LINE_CHARS_MAX} characters",
    ),
    ("docs/faults.md", "it is cut after {fault::BROKEN_MAX}"),
    (
        "docs/inspector.md",
        "at most {page::PAGE_DATA_BYTES_MAX} and {page::PAGE_REQUESTS_MAX} requests",
    ),
    ("docs/faults.md", "or {fault::BROKEN_MAX} have passed"),
    (
        "docs/faults.md",
        "(median and sigma), at most {delay::DELAY_MAX}.",
    ),
    (
        "docs/faults.md",
        "This list (at most {standing_faults::FAULTS_MAX} entries)",
    ),
    (
        "docs/faults.md",
        "(default {faults::TTL_DEFAULT}, at most {standing_faults::TTL_MAX})",
    ),
    (
        "docs/callbacks.md",
        "answer with 2xx within {courier::RECEIVER_TIME}, the callback",
    ),
    (
        "docs/callbacks.md",
        "An answer may take {courier::RECEIVER_TIME}.",
    ),
    (
        "docs/worlds.md",
        "and {api_key::SECRET_CHARS} letters or digits",
    ),
    (
        "docs/worlds.md",
        "(the oldest {named::SHOWN_MAX}, and the number of",
    ),
    (
        "docs/requests.md",
        "Each world keeps the latest {journal::JOURNAL_ENTRIES_MAX} exchanges",
    ),
    (
        "docs/explain.md",
        "keeps the latest {journal::JOURNAL_ENTRIES_MAX} exchanges of each world and the latest {strangers::STRANGERS_MAX} refused exchanges",
    ),
    (
        "docs/requests.md",
        "{ask::LIMIT_DEFAULT} per page (`limit`)",
    ),
    (
        "docs/requests.md",
        "the first {kept_body::BODY_KEPT_BYTES_MAX} of the body are kept",
    ),
    (
        "docs/requests.md",
        "the latest {strangers::STRANGERS_MAX} requests that were refused",
    ),
    (
        "docs/inspector.md",
        "at most {upload_store::OF_REQUEST_MAX} files of a request, and {memory::UPLOADS_BYTES_MAX} in all",
    ),
    (
        "docs/inspector.md",
        "and holds {watchers::WAITING_MAX} exchanges",
    ),
    (
        "docs/inspector.md",
        "At most {watchers::SUBSCRIBERS_MAX} streams can be open",
    ),
    (
        "docs/log-and-metrics.md",
        "at most {exercised::REPLIES_MAX}, and then `other`",
    ),
    (
        "docs/reliability.md",
        "JSON and forms have at most {headers::BODY_BYTES_MAX}, or {headers::BODY_WITH_FILES_BYTES_MAX} with files in base64, and uploads {multipart::UPLOAD_BYTES_MAX}. There are at most {accept::CONNECTIONS_MAX} connections",
    ),
    (
        "docs/reliability.md",
        "and {world::WORLDS_MAX} worlds. Each world has at most {records::RECORDS_MAX} records, {journal::JOURNAL_ENTRIES_MAX} journal entries ({kept_body::BODY_KEPT_BYTES_MAX} of each body), {records::COUNTERS_MAX} counters and {memory::WORLD_BYTES_MAX}",
    ),
    (
        "docs/reliability.md",
        "All worlds together have {memory::WORLDS_BYTES_MAX}, and a snapshot has {snapshot::SNAPSHOT_BYTES_MAX}",
    ),
    (
        "docs/reliability.md",
        "idle for {worlds_room::IDLE_TIME} and nothing pending",
    ),
    (
        "SECURITY.md",
        "is read, for at most {courier::RECEIVER_TIME}",
    ),
    (
        "SECURITY.md",
        "for at most {upload_store::KEPT_TIME} and within {memory::UPLOADS_BYTES_MAX}",
    ),
    ("SECURITY.md", "stops after {delivery::DEPTH_MAX} rounds"),
    (
        "ARCHITECTURE.md",
        "{pace::HEAD_TIME} for a head, {pace::BODY_TIME} for a body, {pace::IDLE_TIME} without a request",
    ),
    (
        "ARCHITECTURE.md",
        "at most {courier::CONNECTS_MAX} connect at once, and {courier::UNANSWERED_MAX} wait for an answer",
    ),
    (
        "docs/ci.md",
        "and {api_key::SECRET_CHARS} letters or digits",
    ),
    (
        "src/sandbox/builder_worlds.rs",
        "The default is {memory::MEMORY_BYTES_MAX}, or three quarters",
    ),
    (
        "src/base/memory.rs",
        "{memory::MEMORY_BYTES_MAX}, or three quarters of what",
    ),
    ("docs/ci.md", "[at most {memory::MEMORY_BYTES_MAX}]"),
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
        "in a budget of {memory::UPLOADS_BYTES_MAX};",
    ),
    (
        "docs/https.md",
        "A handshake has the same {pace::HEAD_TIME} as the head",
    ),
    (
        "docs/https.md",
        "{http2::STREAMS_MAX} streams at once, {head::HEAD_BYTES_MAX} of headers, frames of {http2::FRAME_BYTES_MAX}. - {http2::STREAM_WINDOW_BYTES} of unread data for a stream, and {http2::CONNECTION_WINDOW_BYTES} for all streams. - {http2::UNSEEN_RESETS_MAX} streams that the client resets before they were handled, and {http2::FAULTY_STREAMS_MAX} streams that",
    ),
    (
        "docs/https.md",
        "{pace::BODY_TIME} for a body, after which the request is answered with 408. - {pace::IDLE_TIME} without a request",
    ),
    (
        "docs/https.md",
        "silent for {http2::PING_AFTER} gets a ping and has {http2::PONG_TIME} to answer",
    ),
    (
        "docs/reliability.md",
        "What clients can make the sandbox hold is bounded by `--memory` ({memory::MEMORY_BYTES_MAX}, or",
    ),
    (
        "docs/reliability.md",
        "those of {memory::MEMORY_BYTES_MAX}. A request without room waits for {in_flight::ROOM_TIME} and",
    ),
    (
        "docs/https.md",
        "In its last {authority::RENEWED_DAYS} it is renewed",
    ),
    (
        "docs/https.md",
        "a new certificate for {authority::LEAF_DAYS},",
    ),
    (
        "docs/reliability.md",
        "closed after {pace::HEAD_TIME} without a whole head, and a body is answered with 408 after {pace::BODY_TIME}",
    ),
    (
        "docs/reliability.md",
        "worlds that hold more than {memory::WORLDS_BYTES_MAX}",
    ),
    (
        "docs/reliability.md",
        "more connections than are served ({accept::CONNECTIONS_MAX})",
    ),
    (
        "docs/reliability.md",
        "silent connections are closed after {pace::HEAD_TIME}",
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
        "`GET` returned, at most {snapshot::SNAPSHOT_BYTES_MAX}",
    ),
    (
        "src/control/openapi.json",
        r#"more than {memory::PAGE_BYTES_MAX}.", "schema": {"type": "integer", "minimum": 0, "maximum": {journal::JOURNAL_ENTRIES_MAX}, "default": {ask::LIMIT_DEFAULT}}"#,
    ),
    (
        "src/control/openapi.json",
        r#""The maximum number of callbacks in the list.", "schema": {"type": "integer", "minimum": 0, "default": {ask::LIMIT_DEFAULT}}"#,
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
        "The first {kept_body::BODY_KEPT_BYTES_MAX} of it are kept",
    ),
    (
        "src/control/openapi.json",
        "at most {upload_store::OF_REQUEST_MAX} files of a request, and {memory::UPLOADS_BYTES_MAX} in all",
    ),
    (
        "src/control/openapi.json",
        "did not arrive within {pace::BODY_TIME}",
    ),
    (
        "src/control/openapi.json",
        "The latest {journal::JOURNAL_ENTRIES_MAX} exchanges of a world, or the latest {strangers::STRANGERS_MAX} without",
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
        r#""The number of calls.", "maximum": {queued::TIMES_MAX},"#,
    ),
    (
        "src/control/openapi.json",
        r##""maxItems": {standing_faults::FAULTS_MAX}, "items": {"$ref": "#/components/schemas/FaultItem"}"##,
    ),
    (
        "src/control/openapi.json",
        "at most {standing_faults::TTL_MAX}, default {faults::TTL_DEFAULT}",
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
        "src/sandbox/callbacks.rs",
        "since the last reset, at most {patience::PATIENCE}.",
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
        "because {courier::RECEIVER_TIME} are too long",
    ),
    (
        "docs/callbacks.md",
        "the same again | 2xx within {audit::ANSWER_TIME}",
    ),
    (
        "src/cli/audit/audit.rs",
        "less than the {audit::ANSWER_TIME} of users",
    ),
    (
        "src/control/pages/inspector/detail.js",
        "a world keeps its latest {journal::JOURNAL_ENTRIES_MAX} requests",
    ),
    (
        "src/sandbox/receiver.rs",
        "keeps the first {receiver::RECEIVED_MAX} callbacks",
    ),
    (
        "src/sandbox/worlds.rs",
        "When {world::WORLDS_MAX} worlds have something pending",
    ),
    (
        "src/world/journal/kept_body.rs",
        "Its first {kept_body::BODY_KEPT_BYTES_MAX}.",
    ),
    (
        "clients/node/src/world.ts",
        "The default is 5 seconds, the maximum {ask::WAIT_MAX}",
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
        "clients/java/src/main/java/iluma/sandbox/World.java",
        "The same with another time, {ask::WAIT_MAX} at most",
    ),
    (
        "clients/java/src/main/java/iluma/sandbox/Control.java",
        "a request waits {ask::WAIT_MAX} at most",
    ),
    (
        "clients/java/src/main/java/iluma/sandbox/World.java",
        "faults and delays of this world for {faults::TTL_DEFAULT}",
    ),
    (
        "clients/node/src/world.ts",
        "after `ttl`. The default is {faults::TTL_DEFAULT}",
    ),
    (
        "clients/python/src/iluma_sandbox/world.py",
        "after ``ttl``. The default is {faults::TTL_DEFAULT}",
    ),
    (
        "clients/php/src/World.php",
        "after `wait` ({ask::WAIT_MAX} at most)",
    ),
    (
        "clients/php/src/Control.php",
        "a request waits {ask::WAIT_MAX} at most",
    ),
    (
        "clients/php/src/World.php",
        "after `ttl`. The default is {faults::TTL_DEFAULT}",
    ),
    ("clients/go/world.go", "this time ({ask::WAIT_MAX} at most)"),
    (
        "clients/go/shapes.go",
        "wait for Count, {ask::WAIT_MAX} at most",
    ),
    (
        "clients/go/control.go",
        "a request waits {ask::WAIT_MAX} at most",
    ),
    (
        "clients/go/world.go",
        "after ttl. The default is {faults::TTL_DEFAULT}",
    ),
];

/// Numbers that look like limits and are none, as they stand in their document.
///
/// The browser decides which pictures it draws, and how large: `inspector/uploads.js`.
pub const NO_LIMITS: &[(&str, &str)] = &[
    (
        "docs/reliability.md",
        "1,400 connections that open and close",
    ),
    ("src/cli/audit/steps.rs", "bodies of 1 MiB (many"),
    ("src/cli/audit/steps.rs", "a callback of 512 KiB"),
    ("docs/callbacks.md", "a body of 512 KiB"),
    ("docs/callbacks.md", "bodies of 1 MiB"),
    ("docs/callbacks.md", "five minutes"),
    ("src/control/openapi.json", "\"maximum\": 100"),
    ("src/base/memory.rs", "which needs at least 20 MiB"),
    ("docs/reliability.md", "which needs at least 20 MiB"),
    (
        "docs/reliability.md",
        "a body of more than 2 MiB never has room",
    ),
    ("docs/reliability.md", "a stream counts as 8 KiB of"),
    ("src/base/memory.rs", "at least 32 MiB"),
    ("docs/callbacks.md", "has ended (40 s at most; `--wait`"),
    (
        "docs/inspector.md",
        "files of up to 25 megapixels as thumbnails (at most 64 pixels)",
    ),
    (
        "docs/command-line.md",
        "(1 s to 32 s), `realistic` (15 min to 12 h)",
    ),
    ("docs/callbacks.md", "1, 2, 4, 8, 16 and 32 seconds."),
    ("docs/decisions.md", "by 9.9 of 10 seconds"),
    ("docs/decisions.md", "to 900 ms that lie between"),
    (
        "docs/scenario-format.md",
        "The default is between 700 and 900 ms",
    ),
    (
        "src/scenario/format.rs",
        "The default is between 700 and 900 ms.",
    ),
    ("docs/other-languages.md", "Look for it every 5 ms"),
    ("docs/production.md", "after 1 to 32 s."),
    (
        "docs/reliability.md",
        "1,000 slow heads and 1,000 slow bodies at once",
    ),
    (
        "docs/reliability.md",
        "2,000 connections that open and close",
    ),
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
    ("src/server/pace.rs", "after 90 s or less"),
    ("src/world/journal/expectation.rs", "at most 2 requests"),
];

/// Constants that are called as limits are, and that nobody meets from outside.
pub const INTERNAL: &[(&str, &str)] = &[
    (
        "cli::learn::outcome_name::DIFFERENCES_MAX",
        "the name of a learned outcome has the first differences",
    ),
    (
        "cli::learn::report::PLACES_SHOWN_MAX",
        "the report of `--learn` shows the first places of a difference",
    ),
    (
        "cli::learn::vocabulary::CODE_CHARS_MAX",
        "a longer text is no code, so a dummy value stands for it",
    ),
    (
        "cli::learn::stand_in::TEXT_CHARS_MAX",
        "a longer text is a picture or a document, so a dummy value stands for it",
    ),
    (
        "cli::document::jpeg::SEGMENT_BYTES_MAX",
        "a comment in a JPEG goes on in the next one",
    ),
    (
        "cli::replay::against::compared_reply::SHOWN_CHARS_MAX",
        "`replay --against` cuts a longer value",
    ),
    (
        "cli::replay::against::findings::EXAMPLES_MAX",
        "`replay --against` counts further examples",
    ),
    (
        "cli::replay::against::personal_data::NAMED_MAX",
        "the message counts further requests",
    ),
    (
        "cli::replay::difference::SHOWN_CHARS_MAX",
        "`replay` cuts a longer value",
    ),
    (
        "cli::replay::comparison::TRACES_SHOWN_MAX",
        "`replay` counts further traces",
    ),
    (
        "base::recycled_json::RECYCLED_BYTES_MAX",
        "the memory of a larger document is not used again",
    ),
    (
        "server::respond::REUSED_HEADERS_MAX",
        "the memory of more headers is not used again",
    ),
    (
        "server::socket::JOINED_BYTES_MAX",
        "a larger reply is written in pieces",
    ),
    (
        "server::tls::handshake::NAME_CHARS_MAX",
        "the longest name of a host",
    ),
    (
        "world::outbox::log::NAMED_MAX",
        "the log names the first callbacks that were cancelled together",
    ),
    (
        "cli::control::events::SILENCE_TIME",
        "`tail` takes a silent connection for a dead one",
    ),
    (
        "cli::control::events::EVENT_BYTES_MAX",
        "`tail` ends the connection to a server that sends more in one event",
    ),
    (
        "cli::doctor::clients::PROGRAM_TIME",
        "a program that takes longer is skipped",
    ),
    (
        "cli::doctor::network::LOOKUP_TIME",
        "a finding names it when it is over",
    ),
    (
        "cli::doctor::network::SHOWN_MAX",
        "a finding names the first variables",
    ),
    (
        "cli::doctor::port::CONNECT_TIME",
        "a finding names it when it is over",
    ),
    (
        "cli::doctor::receivers::RECEIVER_TIME",
        "a finding names it when it is over",
    ),
    (
        "cli::coverage::saved::NAMED_MAX",
        "the sentence says how many there are more",
    ),
    (
        "cli::export::page::EXPORT_TIME",
        "only a sandbox that hangs reaches it",
    ),
    (
        "cli::export::exported_run::NAMED_MAX",
        "the sentence says how many there are more",
    ),
    ("cli::help::LINE_CHARS_MAX", "where the help breaks lines"),
    (
        "cli::port_holder::ANSWER_TIME",
        "a holder of the port that does not answer is not named",
    ),
    (
        "cli::port_holder::VERSION_CHARS_MAX",
        "the holder of the port is no sandbox",
    ),
    (
        "base::log_path::SEGMENT_BYTES_MAX",
        "longer segments are shortened like names",
    ),
    (
        "base::log_path::DIGITS_MAX",
        "longer numbers are shortened like names",
    ),
    (
        "cli::ready_file::CONTENT_BYTES_MAX",
        "a longer file is no ready file, and is not read",
    ),
    (
        "base::text::ALIKE_BYTES_MAX",
        "longer texts are only not searched for characters that look alike",
    ),
    (
        "base::text::NAMED_CHARS_MAX",
        "a message names the first characters that differ",
    ),
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
    ("cli::audit::audit::ANSWER_TIME", "the steps of an audit"),
    ("cli::audit::battery::RESENDS_MAX", "the steps of an audit"),
    ("cli::document::png::STORED_MAX", "the format of PNG"),
    ("cli::progress::SILENT_TIME", "when progress is shown"),
    ("cli::process::WAITS_MAX", "when memory is given back"),
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
        "sandbox::callbacks::LISTED_MAX",
        "how many callbacks a message names",
    ),
    (
        "server::connection::connection::STREAM_TICKS_MAX",
        "when a stream that its client does not read ends, as the sandbox stops",
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
