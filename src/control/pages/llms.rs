//! `/__sandbox/llms.txt`: what a coding agent needs to use the sandbox, in one page.

use std::fmt::Write;

use crate::base::{self, PUBLIC_KEY};
use crate::catalogue::{Catalogue, Endpoint, Outcome, Verb, requestable_errors};
use crate::control::routes;

/// The page, for a sandbox at this address.
pub(crate) fn text(catalogue: &Catalogue, base: &str, commands: Vec<(String, String)>) -> String {
    let mut text = format!(
        "# iluma-sandbox {version}\n\n\
        > A local mock server of the Iluma KYC API. The same request always gets the same answer. All data are invented.\n\n\
        ## Start\n\n\
        `iluma-sandbox serve --port 0 --ready-file ready.json` serves on a free port; the file then has \
        `url`, `api_key` and `callback_token`. This sandbox is at {base}. \
        `iluma-sandbox --help` lists the commands.\n\n\
        ## Key\n\n\
        Basic auth, the API key as the user name, no password: `-u {PUBLIC_KEY}:`. Any key of that form is \
        accepted, unless the sandbox was started for certain keys. Each key has its own world: records, \
        callbacks, clock, queue. Give each test its own world: `POST {base}/__sandbox/worlds` with \
        `{{\"name\": \"my test\"}}`.\n\n\
        ## Documents\n\n\
        - {base}/openapi.json: every path, schema, outcome and example (OpenAPI 3.1)\n\
        - {base}/__sandbox/catalog: the same as a list with curl lines\n\
        - {base}/__sandbox/openapi.json: the control API\n\
        - {base}/__sandbox/docs: both as a page for people\n\
        - {base}/__sandbox/docs/book: the documentation; {base}/__sandbox/docs/book/recipes.md is one of its pages as Markdown\n\
        - `docs/SUMMARY.md` in the source of the sandbox: recipes, every page, every error with its remedy\n\n\
        ## Magic replies\n\n\
        Send `x-magic-reply: OUTCOME` to choose the outcome; the body can then be left out. \
        `; delay=3s`, `; fault=KIND` and `; callback=HOW` may follow. An unknown outcome is refused, and the error lists \
        the known ones. A GET that reads a record accepts only errors.\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    let faults = base::faults().join(", ");
    writeln!(
        text,
        "Faults: {faults}. Callbacks: {}.\n",
        base::behaviours().join(", ")
    )
    .ok();
    for endpoint in catalogue.endpoints() {
        endpoint_line(&mut text, endpoint);
    }
    let errors = requestable_errors(&catalogue.shared_errors);
    let errors: Vec<_> = errors
        .map(|(name, error)| format!("{name} ({})", error.status.as_u16()))
        .collect();
    writeln!(text, "\nEvery endpoint: {}.", errors.join(", ")).ok();
    text.push_str(
        "\n## Without a magic reply\n\n\
        The rules of scenario files and the dummy data decide, else the default. \
        `POST /__sandbox/next` with `{\"endpoint\": ID, \"outcome\": OUTCOME}` queues an outcome for future calls.\n\n\
        ## Callbacks\n\n\
        `POST /v1/callback/urls` with `{\"type\": TYPE, \"url\": URL}` registers a receiver. The sandbox sends it a test \
        first; `/__sandbox/inbox/NAME` is a receiver that you can read. Each callback has the header `x-callback-token`. \
        `GET /__sandbox/deliveries` shows them, with `state=no_url` those that had no URL. `POST /__sandbox/trigger` sends one.\n\n\
        ## Waiting\n\n\
        Never sleep. `GET /__sandbox/idle?wait=10s` answers when no callback is pending; \
        `POST /__sandbox/clock/advance` with `{\"by\": \"1h\"}` runs everything that falls due in that time; most lists accept `wait=5s`.\n\n\
        ## Faults\n\n\
        `PUT /__sandbox/faults` sets the faults and delays of this world; `DELETE` removes them. \
        `POST /__sandbox/reset` empties the world.\n\n\
        ## Explain a response\n\n\
        Every response has `x-sandbox-trace`: `GET /__sandbox/explain/TRACE` or `iluma-sandbox explain TRACE`. \
        An error with `x-sandbox-error` comes from the sandbox itself and not from the emulated API. Labels: documented and \
        observed are facts; inferred and decided are not.\n\n",
    );
    writeln!(
        text,
        "## Control API\n\nBelow `/__sandbox/`, with the same key: {}.",
        routes::all()
    )
    .ok();
    self::commands(&mut text, commands);
    text
}

/// `- POST /v0/… (CALLBACK_TYPE): COMPLETED_FOUND*, PENDING`
fn endpoint_line(text: &mut String, endpoint: &Endpoint) {
    let own = endpoint.outcomes.values();
    let own = own.filter(|outcome| !outcome.is_shared);
    let is_default = |outcome: &Outcome| {
        let creation = endpoint.creation.as_ref();
        creation.is_some_and(|creation| creation.default.name == outcome.name)
    };
    let names: Vec<_> = own
        .map(|outcome| {
            let mark = if is_default(outcome) { "*" } else { "" };
            format!("{}{mark}", outcome.name)
        })
        .collect();
    let (verb, path) = match &endpoint.creation {
        Some(_) => (endpoint.verb, endpoint.path.clone()),
        None => (Verb::Get, format!("{}/{{id}}", endpoint.path)),
    };
    let read = if endpoint.creation.is_some() && endpoint.reads_back() {
        ", read back at /{id}"
    } else {
        ""
    };
    let calls = endpoint.callback_type.as_ref();
    let calls = calls.map_or(String::new(), |name| format!(", calls back as {name}"));
    let (id, verb) = (&endpoint.id, verb.name());
    let source = endpoint.source.name();
    writeln!(
        text,
        "- {verb} {path} (id {id}, {source}{read}{calls}): {}",
        names.join(", ")
    )
    .ok();
}

/// The commands and what each is for. A library has none.
fn commands(text: &mut String, commands: Vec<(String, String)>) {
    if commands.is_empty() {
        return;
    }
    text.push_str("\n## Command line\n\nEvery command takes `--format json`.\n\n");
    for (name, about) in commands {
        writeln!(text, "- `iluma-sandbox {name}`: {about}").ok();
    }
}
