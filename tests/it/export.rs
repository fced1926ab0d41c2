//! The export: all requests, answers and callbacks as lines.

use serde_json::{Value, json};

use crate::client::Answer;
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
