//! The export: all requests, answers and callbacks as lines.

use iluma_sandbox::PUBLIC_KEY;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::process::{Process, run};
use crate::stage::{BANK, Stage, each, key};

async fn export(stage: &Stage, query: &str) -> Vec<Value> {
    let answer = stage.client.get(&format!("/__sandbox/export{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert!(answer.text.ends_with('\n'));
    let lines = answer.text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn exchanges_and_deliveries_are_lines_in_the_order_of_time() {
    let stage = Stage::start().await;
    stage.ask("COMPLETED_FOUND").await;
    stage.ended().await;
    stage.client.get("/v1/callback/urls").await;
    let lines = export(&stage, "").await;
    assert_eq!(
        each(&lines, "type"),
        ["export", "exchange", "delivery", "exchange"]
    );
    let head = &lines[0];
    assert_eq!(
        (&head["version"], &head["seed"], &head["dropped"]),
        (
            &json!(2),
            &json!(0),
            &json!({"requests": 0, "deliveries": 0})
        )
    );
    let tag = &lines[1]["world"];
    assert_eq!(each_world(head), [tag]);
    let listed = stage.control("requests").await["requests"][1].take();
    let mut exchange = lines[1].clone();
    for name in [
        "type",
        "commit",
        "elapsed_ns",
        "advanced_ns",
        "generation",
        "target",
    ] {
        let taken = exchange
            .as_object_mut()
            .expect("an object")
            .shift_remove(name);
        assert!(taken.is_some(), "{name}");
    }
    assert_eq!(exchange, listed, "an exchange is what `requests` shows");
    let delivery = &lines[2];
    assert_eq!(
        (
            &delivery["id"],
            &delivery["callback_type"],
            &delivery["state"],
            &delivery["world"]
        ),
        (
            &json!("dlv_1"),
            &json!("NAME_VALIDATOR_REQUEST"),
            &json!("delivered"),
            tag
        )
    );
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
    let times = each(&lines[1..], "at");
    assert!(times.is_sorted_by_key(|at| at.as_str()), "{times:?}");
}

fn each_world(head: &Value) -> Vec<&Value> {
    each(head["worlds"].as_array().expect("a list"), "world")
}

#[tokio::test]
async fn the_digest_of_a_world_is_an_hmac_that_other_tools_compute_too() {
    let stage = Stage::with(|builder| builder.seed(7)).await;
    stage.ask("COMPLETED_FOUND").await;
    let live = "iluma_live_000000000000000000000000000000000000000001";
    stage.ask_as(live, "COMPLETED_FOUND").await;
    let head = export(&stage, "?world=all").await.swap_remove(0);
    // printf %s "$KEY" | openssl dgst -sha256 -hmac 7 | cut -c 1-32, for both keys
    let expected = json!([
        {"world": "28d10d40", "digest": "28d10d402edae986a2426651cf31dc46", "environment": "LIVE", "missing": null},
        {"world": "7fc42bff", "digest": "7fc42bff024431875474ea7047916757", "environment": "TEST", "missing": null},
    ]);
    assert_eq!(head["worlds"], expected);
}

#[tokio::test]
async fn over_all_worlds_strangers_are_exported_as_well() {
    let stage = Stage::start().await;
    stage.ask("COMPLETED_NOT_FOUND").await;
    stage.ask_as(&key('a'), "COMPLETED_FOUND").await;
    Answer::of(stage.client.bare("POST", BANK)).await;
    stage.ended().await;
    assert_eq!(export(&stage, "").await.len(), 3);
    let strangers = export(&stage, "?world=strangers").await;
    assert_eq!(each(&strangers, "type"), ["export", "exchange"]);
    assert_eq!(
        (&strangers[0]["worlds"], &strangers[1]["status"]),
        (&json!([]), &json!(401))
    );
    let all = export(&stage, "?world=all").await;
    let exchanges: Vec<_> = all
        .iter()
        .filter(|line| line["type"] == "exchange")
        .collect();
    let statuses: Vec<_> = exchanges.iter().map(|line| &line["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(200), &json!(401)]);
    let tags = each_world(&all[0]);
    assert_eq!(tags.len(), 2);
    assert!(tags.is_sorted_by_key(|tag| tag.as_str()), "{tags:?}");
    let wrong = stage.client.get("/__sandbox/export?worlds=all").await;
    assert_eq!(
        wrong.message(),
        "unknown parameter `worlds`: did you mean `world`?"
    );
}

#[tokio::test]
async fn an_export_of_many_pieces_comes_whole_and_a_head_without_it() {
    let stage = Stage::start().await;
    let padding = "x".repeat(50_000);
    for _ in 0..20 {
        stage.client.post(BANK, &json!({"padding": padding})).await;
    }
    let lines = export(&stage, "").await;
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[20]["seq"], 20);
    let head = Answer::of(stage.client.request("HEAD", "/__sandbox/export")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn the_head_counts_warnings_of_the_exported_worlds_by_their_fields_and_not_their_values() {
    let stage = Stage::start().await;
    let real = json!({"nik": "3171011202800001", "name": "Dummy"});
    let ktp = "/v2/identity/ktp_data_requests";
    stage.client.post(ktp, &real).await;
    stage.client.post(ktp, &real).await;
    let live = "iluma_live_000000000000000000000000000000000000000001";
    stage.ask_as(live, "COMPLETED_FOUND").await;
    let head = export(&stage, "?world=all").await.swap_remove(0);
    let tag = stage.client.get("/__sandbox/setup").await.json()["world"].take();
    let of_own = json!({
        "kind": "personal_data", "world": tag, "endpoint": "v2/ktp_data_requests",
        "message": "nik may be the identity number of a real person", "count": 2,
    });
    assert_eq!(head["warnings"][0], of_own);
    let live = &head["warnings"][1];
    assert_eq!(
        (&live["kind"], &live["message"], &live["count"]),
        (
            &json!("live_key"),
            &json!("a key of the live environment was sent to a sandbox"),
            &json!(1)
        )
    );
    let own = export(&stage, "").await.swap_remove(0);
    assert_eq!(own["warnings"], json!([of_own]));
    let strangers = export(&stage, "?world=strangers").await.swap_remove(0);
    assert_eq!(strangers["warnings"], json!([]));
}

#[tokio::test]
async fn the_command_writes_lines_and_a_page_and_fails_on_warnings() {
    let process = Process::serve(&["--log-format", "off"]);
    let post = |key: &str, body: Value| {
        let request =
            reqwest::Client::new().post(format!("{}/v2/identity/ktp_data_requests", process.url));
        request.basic_auth(key, Some("")).json(&body).send()
    };
    let own = key('c');
    post(
        &own,
        json!({"nik": "3171012345670001", "name": "</script>\u{2028}<!--"}),
    )
    .await
    .expect("an answer");
    let export = |more: &[&str]| run(&[&["export", "--url", &process.url], more].concat());
    let (code, out, err) = export(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out.lines().count(), 2, "{out}");
    let (_, own_world, _) = export(&["--world", "own", "--api-key", &key('d')]);
    assert_eq!(own_world.lines().count(), 1, "{own_world}");

    let folder = tempfile::tempdir().expect("a folder");
    let [lines, page] = ["run.jsonl", "run.html"].map(|name| folder.path().join(name));
    let [lines_path, page_path] =
        [&lines, &page].map(|path| path.to_str().expect("UTF-8").to_owned());
    let files = [
        "--output",
        &lines_path,
        "--html",
        &page_path,
        "--fail-on",
        "warning",
    ];
    assert_eq!(export(&files), (0, String::new(), String::new()));
    assert_eq!(
        std::fs::read_to_string(&lines)
            .expect("a file")
            .lines()
            .count(),
        2
    );
    let html = std::fs::read_to_string(&page).expect("a file");
    assert_eq!(
        html.matches("</script>").count(),
        2,
        "the data and the script"
    );
    assert!(!html.contains('\u{2028}') && !html.contains("<!--"));
    assert!(
        !html.contains(&own) && !html.contains(PUBLIC_KEY),
        "keys are masked"
    );
    assert!(html.contains(r#"content="default-src 'none'; script-src 'sha256-"#));

    post(&own, json!({"nik": "3171011202800001", "name": "Dummy"}))
        .await
        .expect("an answer");
    let (code, out, err) = export(&files);
    assert_eq!((code, out.as_str()), (5, ""));
    assert!(
        err.contains(
            "nik may be the identity number of a real person (v2/ktp_data_requests, world "
        ),
        "{err}"
    );
    assert_eq!(
        std::fs::read_to_string(&lines)
            .expect("a file")
            .lines()
            .count(),
        3,
        "it is written all the same"
    );
    let (code, _, err) = export(&["--html", "/no/such/folder/run.html", "--fail-on", "warning"]);
    assert_eq!(code, 1);
    assert!(
        err.starts_with("iluma-sandbox: cannot export to /no/such/folder/run.html: "),
        "{err}"
    );
    let (code, _, err) = run(&["export", "--url", "http://127.0.0.1:1"]);
    assert_eq!(code, 1);
    assert!(err.contains("connection refused"), "{err}");
}

#[tokio::test]
async fn a_page_has_the_newest_requests_that_fit_and_counts_the_others() {
    let process = Process::serve(&["--log-format", "off"]);
    let client = reqwest::Client::new();
    let padding = "x".repeat(60_000);
    for number in 0..580 {
        let request = client.post(format!("{}/v2/identity/ktp_data_requests", process.url));
        let body = json!({"nik": "3171012345670001", "name": "Dummy", "padding": padding, "number": number});
        request
            .basic_auth(PUBLIC_KEY, Some(""))
            .json(&body)
            .send()
            .await
            .expect("an answer");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("run.html");
    let (code, _, err) = run(&[
        "export",
        "--url",
        &process.url,
        "--html",
        page.to_str().expect("UTF-8"),
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    let html = std::fs::read_to_string(&page).expect("a file");
    assert!(html.len() < 36 << 20, "{}", html.len());
    assert!(
        html.contains("\"number\":579")
            && !html.contains("\"number\":1,")
            && !html.contains("\"number\":1}")
    );
    assert!(!html.contains("\"omitted\":{\"requests\":0,"));
}
