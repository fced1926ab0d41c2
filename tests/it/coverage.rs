//! `/__sandbox/coverage` and `iluma-sandbox coverage`: what a run has requested, and how to request the rest.

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Process, run, write};
use crate::shell::paste;
use crate::stage::{BANK, Stage, TYPE, key};

const COVERAGE: &str = "/__sandbox/coverage";
const BANK_ID: &str = "v1.1/bank_account_data_requests";

/// A GET with its own error, an outcome with the name of a shared error, and a sequence.
const MINE: &str = r#"
method = "GET"
path   = "/v9/weather/{city}/now"
[request]
[[request.examples]]
city = "Bogor / Kota"
[outcomes.RAIN]
default = true
body    = { rain = true }
[outcomes.NO_WEATHER]
status = 410
error  = "There is none."
[outcomes.RATE_LIMIT_EXCEEDED]
status = 429
error  = "Mine."
[outcomes.IN_TURN]
sequence = ["NO_WEATHER", "RAIN"]
"#;

async fn coverage(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("{COVERAGE}{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn parts(coverage: &Value) -> Vec<&Value> {
    let endpoints = coverage["endpoints"].as_array().expect("a list");
    let more = [&coverage["errors"], &coverage["callback_behaviours"]];
    endpoints.iter().chain(more).collect()
}

fn curls(coverage: &Value) -> Vec<String> {
    let missed = parts(coverage)
        .into_iter()
        .flat_map(|part| part["missed"].as_array().expect("a list"));
    missed
        .map(|missed| missed["curl"].as_str().expect("a curl").to_owned())
        .collect()
}

/// The count of this part.
fn count(coverage: &Value, part: &str, name: &str) -> u64 {
    let parts = parts(coverage);
    let part = parts.iter().find(|one| one["name"] == part).expect(part);
    let done = part["exercised"].as_array().expect("a list");
    let done = done.iter().find(|done| done["name"] == name);
    done.map_or(0, |done| done["count"].as_u64().expect("a count"))
}

/// Runs every curl that a fresh sandbox prints for missing parts, and expects full coverage. Unless `only` kinds of items
/// count, no error is asked for by a magic reply.
async fn pasting_all_covers_all(client: &Client, own_key: &str) -> usize {
    let errors = coverage(client, "").await["errors"]["missed"].clone();
    for error in errors.as_array().expect("a list") {
        let curl = error["curl"].as_str().expect("a curl");
        assert!(!curl.contains("x-magic-reply"), "{curl}");
    }
    pasting_covers_all(client, "", own_key).await
}

async fn pasting_covers_all(client: &Client, query: &str, own_key: &str) -> usize {
    let before = coverage(client, query).await;
    assert_eq!(
        (&before["exercised"], &before["percent"]),
        (&json!(0), &json!(0.0))
    );
    let curls = curls(&before);
    assert_eq!(before["total"], curls.len());
    for curl in &curls {
        paste(client, curl, own_key).await;
    }
    let after = coverage(client, query).await;
    assert_eq!(self::curls(&after), [""; 0], "nothing is missed");
    assert_eq!(
        (&after["exercised"], &after["percent"]),
        (&before["total"], &json!(100.0))
    );
    curls.len()
}

#[tokio::test]
async fn the_curls_for_what_was_missed_cover_everything() {
    let client = Client::start().await;
    let pasted = pasting_all_covers_all(&client, "").await;
    assert!(pasted > 100, "{pasted}");
}

#[tokio::test]
async fn they_do_so_in_strict_mode_where_what_is_refused_does_not_count() {
    let all = coverage(&Client::start().await, "").await["total"].clone();
    let client = Client::of(Sandbox::builder().strict(true)).await;
    let pasted = pasting_all_covers_all(&client, "").await;
    assert!(
        pasted > 50 && all.as_u64() > Some(pasted as u64 + 50),
        "{pasted} of {all}"
    );
}

#[tokio::test]
async fn they_do_so_with_scenarios_and_keys_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "v9/weather.toml", MINE);
    let own = key('o');
    let builder = Sandbox::builder().api_key(own.parse().expect("a key"));
    let client = Client::of(builder.scenarios(folder.path())).await;
    pasting_all_covers_all(&client, &own).await;
    let covered = coverage(&client, "?endpoint=v9/weather").await;
    assert_eq!(
        count(&covered, "v9/weather", "IN_TURN"),
        0,
        "it only names others"
    );
    assert_eq!(
        covered["callback_behaviours"],
        json!({"name": "callbacks", "exercised": [], "missed": []}),
        "it sends none"
    );
    assert_eq!(
        (
            covered["total"].as_u64(),
            count(&covered, "v9/weather", "RATE_LIMIT_EXCEEDED")
        ),
        (Some(3 + 2), 1),
        "an error of its own name is its own"
    );
}

#[tokio::test]
async fn they_do_so_for_one_world_for_some_endpoints_and_for_each_kind() {
    let bank = "endpoint=v1.1/bank_account_data_requests";
    let files = "endpoint=v0/id_card_verifications";
    let listing = "endpoint=v0/cft_pep_listings";
    for query in [
        "?world=own".to_owned(),
        "?only=errors".to_owned(),
        "?only=callbacks".to_owned(),
        format!("?{bank}"),
        format!("?{files}"),
        format!("?{listing}"),
        format!("?{bank}&{files}&world=own"),
    ] {
        let client = Client::start().await;
        let pasted = pasting_covers_all(&client, &query, "").await;
        assert!(pasted > 2, "{query}: {pasted}");
    }
}

/// The names of a part's items.
fn names(coverage: &Value, part: &str) -> Vec<String> {
    let part = parts(coverage).into_iter().find(|one| one["name"] == part);
    let part = part.expect("the part");
    let items = ["exercised", "missed"].map(|list| part[list].as_array().expect("a list"));
    let names = items.into_iter().flatten().map(|item| &item["name"]);
    let mut names: Vec<_> = names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_error_counts_if_a_request_provokes_it_and_the_others_only_with_only_errors() {
    let client = Client::start().await;
    let provoked = [
        "API_VALIDATION_ERROR",
        "CALLBACK_TEST_FAILED_ERROR",
        "DATA_NOT_FOUND",
        "FILE_TOO_LARGE",
        "FILE_TOO_SMALL",
        "INVALID_API_KEY",
        "INVALID_JSON_FORMAT",
        "INVALID_URL_FORMAT",
        "NOT_FOUND",
        "REQUEST_TOO_LARGE",
        "TOKEN_ALREADY_USED_ERROR",
        "UNSUPPORTED_CONTENT_TYPE",
    ];
    assert_eq!(names(&coverage(&client, "").await, "errors"), provoked);
    let all = coverage(&client, "?only=errors").await;
    let others = [
        "API_KEY_IS_NOT_LIVE_ERROR",
        "RATE_LIMIT_EXCEEDED",
        "SERVER_ERROR",
        "SERVICE_UNAVAILABLE_ERROR",
    ];
    let mut both = [&provoked[..], &others[..]].concat();
    both.sort_unstable();
    assert_eq!(names(&all, "errors"), both);
    assert_eq!((&all["endpoints"], &all["total"]), (&json!([]), &json!(16)));
    assert_eq!(names(&all, "callbacks"), [""; 0]);

    let own = coverage(&client, "?world=own").await;
    let without_world = ["INVALID_API_KEY", "NOT_FOUND", "TOKEN_ALREADY_USED_ERROR"];
    let mut of_world = provoked.to_vec();
    of_world.retain(|name| !without_world.contains(name));
    assert_eq!(names(&own, "errors"), of_world);

    let bank = coverage(&client, "?endpoint=v1.1/bank_account_data_requests").await;
    let of_bank = [
        "API_VALIDATION_ERROR",
        "DATA_NOT_FOUND",
        "INVALID_API_KEY",
        "INVALID_JSON_FORMAT",
        "REQUEST_TOO_LARGE",
        "UNSUPPORTED_CONTENT_TYPE",
    ];
    assert_eq!(names(&bank, "errors"), of_bank);
}

#[tokio::test]
async fn a_normal_callback_of_each_type_counts_and_misbehaviours_only_with_only_callbacks() {
    let stage = Stage::start().await;
    let usual = coverage(&stage.client, "").await;
    let types = names(&usual, "callbacks");
    assert!(types.len() > 5, "{types:?}");
    assert!(
        types.iter().all(|name| name.ends_with("/normal")),
        "{types:?}"
    );
    stage.ask("COMPLETED_FOUND").await;
    stage.ask("COMPLETED_FOUND; callback=duplicate").await;
    let usual = coverage(&stage.client, "").await;
    assert_eq!(count(&usual, "callbacks", &format!("{TYPE}/normal")), 1);
    let done = usual["callback_behaviours"]["exercised"].as_array();
    assert_eq!(done.map(Vec::len), Some(1), "other types are not covered");
    let all = coverage(&stage.client, "?only=callbacks").await;
    assert_eq!(count(&all, "callbacks", "duplicate"), 1);
    assert_eq!(names(&all, "callbacks").len(), types.len() + 11);
    assert_eq!(names(&all, "errors"), [""; 0]);
}

#[tokio::test]
async fn what_a_pattern_names_does_not_count() {
    let client = Client::start().await;
    let query = "?endpoint=v1.1/bank_account_data_requests&endpoint=v2/ktp_data_requests";
    let all = coverage(&client, query).await["total"].as_u64();
    let all = all.expect("a number");
    for (pattern, ignored) in [
        ("v2/ktp_data_requests/COMPLETED_FOUND", 1),
        ("V2/KTP*/completed_found", 1),
        ("completed_found", 2),
        ("v2/ktp_data_requests", 3),
        ("v2/*", 3),
        ("errors", 6),
        ("errors/INVALID_*", 2),
        ("INVALID_*", 2),
        ("callbacks", 1),
        ("*/normal", 1),
        ("PENDING&ignore=INVALID_JSON_FORMAT&ignore=pending", 2),
    ] {
        let counted = coverage(&client, &format!("{query}&ignore={pattern}")).await;
        assert_eq!(counted["total"], all - ignored, "{pattern}");
    }
    let nothing = coverage(&client, "?ignore=*").await;
    assert_eq!(
        (&nothing["total"], &nothing["percent"]),
        (&json!(0), &json!(100.0))
    );
}

#[tokio::test]
async fn less_than_min_is_417_with_the_same_body_in_every_format() {
    let client = Client::start().await;
    client
        .magic("/v2/identity/ktp_data_requests", "FOUND")
        .await;
    let of = "?endpoint=v2/ktp_data_requests";
    for format in ["json", "text", "junit"] {
        let ask = |min: u8| {
            let path = format!("{COVERAGE}{of}&format={format}&min={min}");
            let client = &client;
            async move { client.get(&path).await }
        };
        let (enough, less) = (ask(12).await, ask(13).await);
        assert_eq!(
            (enough.status, less.status),
            (200, 417),
            "1 of 8 is covered"
        );
        if format != "junit" {
            assert_eq!(enough.text, less.text);
        }
        assert!(enough.text.contains("UNSUPPORTED_CONTENT_TYPE"));
    }
    let text = client
        .get(&format!("{COVERAGE}{of}&format=junit&min=13"))
        .await;
    insta::assert_snapshot!(
        "coverage_as_junit",
        text.text.replace(&client.sandbox.url(), "URL")
    );
}

#[tokio::test]
async fn names_are_escaped_in_xml() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "path = \"/v9/x\"\n[outcomes.A]\ndefault = true\nbody = {}\n[request]\n\
        [[request.examples]]\na = \"<&\\\"'>\\u0001\"\n";
    write(folder.path(), "v9/x.toml", text);
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let xml = client
        .get(&format!(
            "{COVERAGE}?endpoint=v9/x&format=junit&ignore=callbacks*&ignore=errors"
        ))
        .await;
    assert_eq!(xml.status, 400, "it has no callbacks: {}", xml.text);
    let xml = client
        .get(&format!(
            "{COVERAGE}?endpoint=v9/x&format=junit&ignore=errors"
        ))
        .await;
    let curl = format!(
        "not requested: curl -X POST {}/v9/x -u {PUBLIC_KEY}: -H 'x-magic-reply: A'",
        client.sandbox.url()
    );
    let case =
        format!("<testcase classname=\"v9/x\" name=\"A\"><skipped message=\"{curl}\"/></testcase>");
    assert!(xml.text.contains(&case), "{}", xml.text);
}

#[tokio::test]
async fn replies_are_counted_by_what_answered() {
    let client = Client::start().await;
    client.magic(BANK, "PENDING").await;
    let made = client.magic(BANK, "pending").await.json();
    let id = made["id"].as_str().expect("an id");
    client.get(&format!("{BANK}/{id}")).await;
    client.magic(BANK, "RATE_LIMIT_EXCEEDED").await;
    client
        .magic(
            "/v1/identity/bank_account_data_requests",
            "RATE_LIMIT_EXCEEDED",
        )
        .await;
    client.magic(BANK, "NO_SUCH").await;
    Answer::of(client.bare("POST", BANK)).await;
    Answer::of(client.bare("GET", "/v1/callback/urls")).await;
    client.get("/nowhere").await;
    Answer::of(client.bare("GET", "/health")).await;
    let covered = coverage(&client, "").await;
    assert_eq!(count(&covered, BANK_ID, "PENDING"), 3);
    let errors = coverage(&client, "?only=errors").await;
    assert_eq!(count(&errors, "errors", "RATE_LIMIT_EXCEEDED"), 2);
    assert_eq!(count(&covered, "errors", "API_VALIDATION_ERROR"), 1);
    assert_eq!(count(&covered, "errors", "INVALID_API_KEY"), 2);
    assert_eq!(count(&covered, "errors", "NOT_FOUND"), 1);
    assert_eq!(
        (&covered["exercised"], &covered["uncounted"]),
        (&json!(4), &json!(0))
    );
    let percent = covered["percent"].as_f64().expect("a number");
    let total = covered["total"].as_f64().expect("a number");
    assert!(
        (percent - 400.0 / total).abs() < 0.1,
        "{percent} of {total}"
    );
}

#[tokio::test]
async fn a_world_of_ones_own_is_counted_alone_and_a_reset_loses_nothing_of_the_whole() {
    let client = Client::start().await;
    let mine = key('m');
    let ask = |outcome| {
        let request = client.as_key(&mine, "POST", BANK);
        Answer::of(request.header("x-magic-reply", outcome))
    };
    ask("PENDING").await;
    client.magic(BANK, "WAITING_ON_BANK").await;
    let own = format!("?world=own&key={mine}");
    let covered = coverage(&client, &own).await;
    assert_eq!(count(&covered, BANK_ID, "PENDING"), 1);
    assert_eq!(count(&covered, BANK_ID, "WAITING_ON_BANK"), 0);
    assert!(
        covered["of"]
            .as_str()
            .expect("a text")
            .starts_with("world ")
    );
    assert!(
        curls(&covered)
            .iter()
            .all(|curl| curl.contains("$ILUMA_API_KEY"))
    );
    assert_eq!(
        coverage(&client, "?world=own").await["exercised"],
        1,
        "that of Basic auth"
    );

    let reset = client.as_key(&mine, "POST", "/__sandbox/reset");
    assert_eq!(Answer::of(reset).await.status, 200);
    assert_eq!(coverage(&client, &own).await["exercised"], 0);
    ask("PENDING").await;
    let all = coverage(&client, "").await;
    assert_eq!(all["of"], "all worlds");
    assert_eq!(count(&all, BANK_ID, "PENDING"), 2);
    assert_eq!(count(&all, BANK_ID, "WAITING_ON_BANK"), 1);
}

#[tokio::test]
async fn a_callback_counts_when_it_has_somewhere_to_go() {
    let client = Client::start().await;
    client
        .magic(BANK, "COMPLETED_FOUND; callback=duplicate")
        .await;
    let covered = coverage(&client, "").await;
    assert_eq!(count(&covered, "callbacks", "duplicate"), 0);
    let missed = covered["callback_behaviours"]["missed"]
        .as_array()
        .expect("a list");
    let curl = missed[0]["curl"].as_str().expect("a curl");
    assert!(
        curl.contains("/v1/callback/urls") && curl.contains(" && curl "),
        "{curl}"
    );

    let stage = Stage::start().await;
    for how in [
        "; callback=duplicate",
        "; callback=late(2s)",
        "; callback=late(7s)",
        "",
    ] {
        stage.ask(&format!("COMPLETED_FOUND{how}")).await;
    }
    stage.tell("trigger", &json!({"type": TYPE})).await;
    let covered = coverage(&stage.client, "").await;
    let normal = format!("{TYPE}/normal");
    assert_eq!(count(&covered, "callbacks", &normal), 2);
    let covered = coverage(&stage.client, "?only=callbacks").await;
    let counted = [&*normal, "duplicate", "late(10s)", "stale"]
        .map(|name| count(&covered, "callbacks", name));
    assert_eq!(counted, [2, 1, 2, 0], "a trigger counts as well");
    let missed = covered["callback_behaviours"]["missed"].as_array();
    let mut missed = missed.into_iter().flatten();
    assert_eq!(
        missed.find(|one| one["name"] == "none"),
        Some(&json!({
            "name": "none",
            "curl": format!("curl -X POST {}{BANK} -u {PUBLIC_KEY}: -H 'x-magic-reply: COMPLETED_FOUND; callback=none'", stage.client.sandbox.url()),
        })),
        "a URL that is there already stays"
    );
}

#[tokio::test]
async fn only_what_a_project_uses_is_counted_when_it_says_so() {
    let client = Client::start().await;
    client.magic(BANK, "PENDING").await;
    let both = "?endpoint=v1.1/bank_account_data_requests&endpoint=v2/ktp_data_requests&endpoint=v2/ktp_data_requests";
    let covered = coverage(&client, both).await;
    let names: Vec<_> = parts(&covered)
        .into_iter()
        .map(|part| &part["name"])
        .collect();
    assert_eq!(
        names,
        [BANK_ID, "v2/ktp_data_requests", "errors", "callbacks"]
    );
    assert_eq!(
        (&covered["exercised"], &covered["total"]),
        (&json!(1), &json!(8 + 3 + 6 + 1))
    );
    let listing = coverage(&client, "?endpoint=v0/cft_pep_listings").await;
    assert_eq!(listing["endpoints"][0]["missed"][0]["name"], "LISTED");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let client = Client::start().await;
    for (query, message) in [
        (
            "?endpoint=v2/ktp_data_request",
            "there is no endpoint `v2/ktp_data_request`: did you mean `v2/ktp_data_requests`?",
        ),
        ("?world=mine", "`world` is all, own or the tag of a world"),
        (
            "?world=al",
            "`world` is all, own or the tag of a world: did you mean `all`?",
        ),
        (
            "?key=iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw",
            "`key` names a world: say `world=own` as well",
        ),
        ("?format=xml", "`format` is json, text or junit"),
        (
            "?format=jnit",
            "`format` is json, text or junit: did you mean `junit`?",
        ),
        (
            "?minimum=80",
            "unknown parameter `minimum`: known are endpoint, only, ignore, min, format, world",
        ),
        (
            "?min=80%25",
            "`min`: `80%` is no whole number from 0 to 100",
        ),
        ("?min=101", "`min`: `101` is no whole number from 0 to 100"),
        ("?min=-1", "`min`: `-1` is no whole number from 0 to 100"),
        ("?only=outcomes", "`only` is errors or callbacks"),
        (
            "?only=error",
            "`only` is errors or callbacks: did you mean `errors`?",
        ),
        (
            "?ignore=",
            "`ignore` is empty: write a name, in which `*` is any text",
        ),
        (
            "?ignore=v2/ktp_data_request/*",
            "`ignore`: nothing that counts is called `v2/ktp_data_request/*`: did you mean `v2/ktp_data_requests/*`?",
        ),
        (
            "?ignore=v2/ktp_data_request",
            "`ignore`: nothing that counts is called `v2/ktp_data_request`: did you mean `v2/ktp_data_requests`?",
        ),
        (
            "?ignore=v2/ktp_data_requests/COMPLETED_FOND",
            "`ignore`: nothing that counts is called `v2/ktp_data_requests/COMPLETED_FOND`: did you mean \
             `v2/ktp_data_requests/COMPLETED_FOUND`?",
        ),
        (
            "?ignore=COMPLETED_FOND",
            "`ignore`: nothing that counts is called `COMPLETED_FOND`: did you mean `COMPLETED_FOUND`?",
        ),
        (
            "?ignore=eror/*",
            "`ignore`: nothing that counts is called `eror/*`: did you mean `errors/*`?",
        ),
        (
            "?ignore=nothing",
            "`ignore`: nothing that counts is called `nothing`; the names are in the report, such as \
             v2/ktp_data_requests/COMPLETED_FOUND or errors/API_VALIDATION_ERROR",
        ),
    ] {
        let answer = client.get(&format!("{COVERAGE}{query}")).await;
        let refusal = json!({"error": "bad_request", "message": message});
        assert_eq!((answer.status, answer.json()), (400, refusal));
    }
    let own = Answer::of(client.bare("GET", &format!("{COVERAGE}?world=own"))).await;
    assert_eq!(
        (own.status, &own.json()["error"]),
        (401, &json!("no_world"))
    );
}

#[tokio::test]
async fn endpoints_whose_ids_are_not_ascii_are_told_apart_by_header_filters_coverage_and_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, path) in [("ä", "/v9/one"), ("ö", "/v9/other")] {
        let text = format!(
            "method = \"GET\"\npath = \"{path}\"\n[outcomes.A]\ndefault = true\nbody = {{}}\n[outcomes.B]\nstatus = 410\nerror = \"Gone.\"\n"
        );
        write(folder.path(), &format!("v9/{name}.toml"), &text);
    }
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let answer = client.get("/v9/one").await;
    assert_eq!(answer.header("x-sandbox-outcome"), Some("v9/%C3%A4/A"));
    let gone = client
        .request("GET", "/v9/one")
        .header("x-magic-reply", "B");
    let gone = Answer::of(gone).await;
    assert_eq!(gone.header("x-sandbox-outcome"), Some("v9/%C3%A4/B"));
    let coverage = coverage(&client, "").await;
    for (outcome, times) in [("A", 1), ("B", 1)] {
        assert_eq!(count(&coverage, "v9/ä", outcome), times);
        assert_eq!(count(&coverage, "v9/ö", outcome), 0);
    }
    for (endpoint, outcome, found) in [
        ("v9/ä", "A", 1),
        ("v9/ö", "A", 0),
        ("v9/ä", "B", 1),
        ("v9/%C3%A4", "A", 1),
        ("v9/%C3%B6", "A", 0),
        ("v9/%c3%a4", "b", 1),
    ] {
        let escaped = endpoint.replace('%', "%25");
        for filter in [
            format!("outcome={escaped}/{outcome}"),
            format!("endpoint={escaped}&outcome={outcome}"),
        ] {
            let asked = client.get(&format!("/__sandbox/requests?{filter}")).await;
            let asked = asked.json();
            let requests = asked["requests"].as_array().expect("a list");
            assert_eq!(requests.len(), found, "{filter}");
        }
        let request = json!({"outcome": format!("{endpoint}/{outcome}")});
        let wish = json!({"request": request, "exactly": found});
        let verified = client.post("/__sandbox/verify", &wish).await;
        assert_eq!(verified.status, 200, "{}", verified.text);
    }
    client.get("/v9/other").await;
    let metrics = client.get("/__sandbox/metrics").await.text;
    for endpoint in ["v9/ä", "v9/ö"] {
        let line = format!(
            "iluma_sandbox_requests_total{{endpoint=\"{endpoint}\",outcome=\"A\",status=\"200\"}} 1\n"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
    let snapshot = client.get("/__sandbox/snapshot").await.json();
    let restored = Answer::of(client.request("PUT", "/__sandbox/snapshot").json(&snapshot)).await;
    assert_eq!(restored.status, 200, "{}", restored.text);
}

async fn magic(process: &Process, path: &str, outcome: &str) {
    let request = reqwest::Client::new().post(format!("{}{path}", process.url));
    let request = request.basic_auth(key('c'), Some(""));
    let answer = request.header("x-magic-reply", outcome).send().await;
    answer.expect("an answer");
}

#[tokio::test]
async fn the_command_prints_a_table_and_the_curls() {
    let process = Process::serve(&["--log-format", "off"]);
    for outcome in ["FOUND", "COMPLETED_NOT_FOUND", "RATE_LIMIT_EXCEEDED"] {
        magic(&process, "/v2/identity/ktp_data_requests", outcome).await;
    }
    let arguments = [
        "coverage",
        "--endpoint",
        "v2/ktp_data_requests",
        "--url",
        &process.url,
    ];
    let (code, out, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("coverage_as_text", out.replace(&process.url, "URL"));
    let page = format!(
        "{}{COVERAGE}?endpoint=v2/ktp_data_requests&format=text",
        process.url
    );
    let page = reqwest::get(page).await.expect("an answer");
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(page.text().await.expect("a body"), out);

    let (code, out, _) = run(&[&arguments[..], &["--format", "json"]].concat());
    let printed: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &printed["exercised"]), (0, &json!(2)));
}

#[tokio::test]
async fn the_command_is_a_gate() {
    let process = Process::serve(&["--log-format", "off"]);
    for outcome in ["FOUND", "COMPLETED_NOT_FOUND", "INVALID_API_KEY"] {
        magic(&process, "/v2/identity/ktp_data_requests", outcome).await;
    }
    let gate = |more: &[&str]| {
        let only = [
            "coverage",
            "--endpoint",
            "v2/ktp_data_requests",
            "--url",
            &process.url,
        ];
        run(&[&only[..], more].concat())
    };
    assert_eq!(gate(&["--min", "37"]).0, 0, "3 of 8 are 37.5 %");
    let (code, out, err) = gate(&["--min", "38"]);
    assert_eq!(code, 1);
    assert!(out.contains("3 of   8  in all, over all worlds\n"), "{out}");
    assert_eq!(
        err,
        "iluma-sandbox: the coverage is 37.5 % (3 of 8), less than the 38 % that --min requires\n"
    );
    let own = ["--world", "own", "--api-key", PUBLIC_KEY, "--min", "1"];
    assert_eq!(gate(&own).0, 1, "another world did all of it");
    let own = ["--world", "own", "--api-key", &key('c'), "--min", "28"];
    assert_eq!(gate(&own).0, 0);
    let (code, out, err) = gate(&["--endpoint", "v2/ktp"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "iluma-sandbox: there is no endpoint `v2/ktp`: did you mean `v2/ktp_data_requests`?\n"
    );
    assert_eq!(gate(&["--min", "101"]).0, 2);
    let url = process.url.clone();
    drop(process);
    let (code, _, err) = run(&["coverage", "--url", &url]);
    assert_eq!(code, 1);
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: cannot reach a sandbox at {url}: connection refused; start one, or give its URL with --url\n"
        )
    );
}

#[tokio::test]
async fn the_command_compares_with_a_saved_report() {
    let ktp = "/v2/identity/ktp_data_requests";
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("coverage.json");
    let file = saved.to_str().expect("UTF-8");
    let gate = |process: &Process, more: &[&str]| {
        run(&[&["coverage", "--url", &process.url], more].concat())
    };
    {
        let process = Process::serve(&["--log-format", "off"]);
        magic(&process, ktp, "FOUND").await;
        magic(&process, ktp, "COMPLETED_NOT_FOUND").await;
        magic(&process, ktp, "INVALID_JSON_FORMAT").await;
        magic(&process, ktp, "SERVER_ERROR").await;
        let (code, out, _) = gate(&process, &["--format", "json"]);
        assert_eq!(code, 0);
        std::fs::write(&saved, out).expect("written");
        let (code, _, err) = gate(&process, &["--at-least-as", file]);
        assert_eq!((code, err.as_str()), (0, ""));
    }
    let process = Process::serve(&["--log-format", "off"]);
    magic(&process, ktp, "FOUND").await;
    magic(&process, ktp, "COMPLETED_NAME_MISMATCH").await;
    let (code, out, err) = gate(&process, &["--at-least-as", file]);
    assert_eq!(code, 1);
    assert!(out.contains("in all, over all worlds"), "{out}");
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: {file} covers what is not covered now: \
             v2/ktp_data_requests/COMPLETED_NOT_FOUND, errors/INVALID_JSON_FORMAT\n"
        )
    );
    let ignored = [
        "--at-least-as",
        file,
        "--ignore",
        "INVALID_JSON_FORMAT",
        "--ignore",
        "COMPLETED_NOT_FOUND",
    ];
    assert_eq!(
        gate(&process, &ignored).0,
        0,
        "what does not count is not compared"
    );
    let (code, out, err) = gate(
        &process,
        &[
            "--at-least-as",
            file,
            "--min",
            "100",
            "--format",
            "junit",
            "--ignore",
            "v1*",
            "--ignore",
            "v0*",
        ],
    );
    assert_eq!(
        (code, err.lines().count()),
        (1, 2),
        "both checks have failed"
    );
    assert!(
        out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
        "{out}"
    );
    assert!(
        out.contains(
            "<testcase classname=\"gate\" name=\"--min 100\"><failure message=\"the coverage is"
        ),
        "{out}"
    );
    assert!(
        out.contains("<testcase classname=\"gate\" name=\"--at-least-as\"><failure message="),
        "{out}"
    );

    let other = folder.path().join("other.json");
    for (content, why) in [
        (Some("{}"), "missing field `of`; save one with"),
        (
            Some("text"),
            "it is no JSON: expected ident at line 1 column 2; save one with",
        ),
        (Some("[1]"), "save one with"),
        (None, "cannot read "),
    ] {
        match content {
            Some(content) => std::fs::write(&other, content).expect("written"),
            None => std::fs::remove_file(&other).expect("removed"),
        }
        let (code, out, err) = gate(&process, &["--at-least-as", other.to_str().expect("UTF-8")]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(why), "{err}");
    }
}
