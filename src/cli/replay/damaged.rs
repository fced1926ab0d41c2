//! Recordings that were edited by hand, or cut, end with a report or a sentence, and never with a panic.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::fuzzed::replay_export;

#[test]
fn no_damage_of_a_line_makes_a_replay_panic() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/kept.jsonl");
    let kept = fs::read_to_string(kept).expect("it is there");
    let lines: Vec<Value> = kept
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let whole = replay_export(&kept).expect("it is whole").compared;
    let damages: [fn(&mut Value); 4] = [
        |value| *value = Value::Null,
        |value| *value = json!("\u{0}…"),
        |value| *value = json!({"body": [1e300]}),
        |value| *value = json!(u64::MAX),
    ];
    let mut replays = 0;
    for (nth, line) in lines.iter().enumerate() {
        let names: Vec<_> = line.as_object().expect("an object").keys().collect();
        // Some fields of each line, others in the next line.
        for (field, name) in names.into_iter().enumerate() {
            if (nth + field) % 12 > 0 {
                continue;
            }
            let mut edited = lines.clone();
            damages[(nth + field) / 12 % damages.len()](&mut edited[nth][name]);
            let text: Vec<_> = edited.iter().map(Value::to_string).collect();
            if let Ok(replay) = replay_export(&text.join("\n")) {
                assert!(replay.compared <= whole, "{name} of line {}", nth + 1);
                replays += 1;
            }
        }
    }
    assert!(replays > 20, "{replays}");
}
