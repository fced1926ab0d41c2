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
            &json!(1),
            &json!(0),
            &json!({"requests": 0, "deliveries": 0})
        )
    );
    let tag = &lines[1]["world"];
    assert_eq!(head["worlds"], json!([tag]));
    let listed = stage.control("requests").await["requests"][1].take();
    let mut exchange = lines[1].clone();
    exchange
        .as_object_mut()
        .expect("an object")
        .shift_remove("type");
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
    assert_eq!(all[0]["worlds"].as_array().map(Vec::len), Some(2));
    let wrong = stage.client.get("/__sandbox/export?worlds=all").await;
    assert_eq!(
        wrong.message(),
        "unknown parameter `worlds`: known are world"
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
