//! Tests that the schemas in `scenarios/` are those of the types. `make bless` writes them again.

use serde_json::Value;

use super::document::ScenarioDocument;
use super::generate::generated;
use super::refine::refined;
use super::settings::SettingsDocument;

#[test]
fn the_schema_of_scenario_files_is_that_of_the_types() {
    is_committed("scenario.schema.json", &refined::<ScenarioDocument>());
}

#[test]
fn the_schema_of_settings_is_that_of_the_types() {
    is_committed(
        "sandbox.schema.json",
        &generated::<SettingsDocument>(|_| {}),
    );
}

/// Compares a schema with its file in `scenarios/`, or writes the file, as `insta` does with snapshots.
fn is_committed(name: &str, schema: &Value) {
    let path = format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{schema:#}\n");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &text).expect("the scenarios can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("it is committed");
    assert!(
        committed == text,
        "scenarios/{name} is not what the types say: run `make bless`"
    );
}
