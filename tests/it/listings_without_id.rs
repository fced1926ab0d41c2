//! People and businesses on a user's watchlist need no id.

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::write;

const LIST: &str = r#"extends = "dummy/watchlist"
[[individuals]]
names         = ["Zyxwv Qponm"]
scopes        = ["PEP"]
nationalities = ["ID"]
[[individuals]]
names          = ["Zyxwv Qponm"]
scopes         = ["PEP"]
nationalities  = ["ID"]
dates_of_birth = ["1970-05-01"]
[[entities]]
names              = ["Zyxwv Qponm Works"]
scopes             = ["PEP"]
business_domiciles = ["ID"]
"#;

async fn ids(seed: u64) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "list.toml", LIST);
    let builder = iluma_sandbox::Sandbox::builder().seed(seed);
    let client = Client::of(builder.scenarios(folder.path())).await;
    let mut ids = Vec::new();
    for (path, input) in [
        (
            "/v0/identity/individual_cft_peps",
            json!({"given_names": "Zyxwv Qponm", "user_id": "1", "nationality": "ID", "scopes": ["PEP"]}),
        ),
        (
            "/v0/identity/entity_cft_peps",
            json!({"name": "Zyxwv Qponm Works", "user_id": "1", "business_domicile": "ID", "scopes": ["PEP"]}),
        ),
    ] {
        let found = client.post(path, &input).await.json();
        for result in found["results"].as_array().expect("results") {
            let id = result["id"].as_str().expect("an id");
            let read = client
                .get(&format!("/v0/identity/cft_pep_listings/{id}"))
                .await;
            assert_eq!(
                read.status, 200,
                "a listing can be read by its id: {}",
                read.text
            );
            ids.push(result["id"].clone());
        }
    }
    ids
}

#[tokio::test]
async fn a_listing_without_an_id_has_the_same_one_in_every_sandbox() {
    let first = ids(0).await;
    assert_eq!(first.len(), 3);
    assert_ne!(first[0], first[1], "other data, another id");
    assert_eq!(first, ids(7).await);
    insta::assert_snapshot!(json!(first));
}
