//! The ready-made folders of `init --from`: each does what its README says.

use std::path::Path;

use iluma_sandbox::{Builder, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::process::run;
use crate::stage::{BANK, Stage, each};

const PEPS: &str = "/v0/identity/individual_cft_peps";

pub(crate) const READY_MADE: [&str; 6] = [
    "resubmission",
    "manual-review",
    "late-hit",
    "provider-outage",
    "slow-day",
    "names",
];

/// The folder as `init --from` writes it.
pub(crate) fn written(name: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let (code, _, complaint) = run(&["init", "--from", name, dir]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{name}");
    folder
}

fn laid_over(folder: &TempDir) -> Builder {
    Sandbox::builder().scenarios(folder.path())
}

fn account(number: &str) -> Value {
    json!({"bank_account_number": number, "bank_code": "BCA"})
}

fn person(name: &str) -> Value {
    json!({"given_names": name, "user_id": "1", "nationality": "ID", "scopes": ["PEP"]})
}

/// `GET {path}/{id}` for the record of an answer.
async fn read(client: &Client, path: &str, record: &Value) -> Value {
    let id = record["id"].as_str().expect("an id");
    client.get(&format!("{path}/{id}")).await.json()
}

#[test]
fn every_folder_has_a_readme_and_no_mistakes_and_no_warnings() {
    for name in READY_MADE {
        let folder = written(name);
        let readme = std::fs::read_to_string(folder.path().join("README.md")).expect("a README");
        assert!(readme.contains("What to look at:"), "{name}");
        let dir = folder.path().to_str().expect("UTF-8");
        let (code, printed, _) = run(&["check", "--deny-warnings", dir]);
        assert_eq!(code, 0, "{name}: {printed}");
    }
}

#[test]
fn the_folders_are_those_of_the_repository() {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    let folders = std::fs::read_dir(folders).expect("the folders");
    let mut folders: Vec<_> = folders
        .map(|entry| {
            entry
                .expect("a folder")
                .file_name()
                .into_string()
                .expect("ASCII")
        })
        .collect();
    folders.sort();
    let mut names = READY_MADE;
    names.sort_unstable();
    assert_eq!(folders, names);
}

#[test]
fn an_unknown_folder_is_refused_with_the_known_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("mine");
    let (code, _, complaint) = run(&["init", "--from", "late_hit", dir.to_str().expect("UTF-8")]);
    assert_eq!(code, 2);
    for name in READY_MADE {
        assert!(complaint.contains(name), "{complaint}");
    }
    assert!(complaint.contains("'late-hit'"), "{complaint}");
    assert!(!dir.exists(), "nothing is written");
}

#[test]
fn a_ready_made_folder_overwrites_nothing() {
    let folder = written("late-hit");
    let dir = folder.path().to_str().expect("UTF-8");
    let (code, _, complaint) = run(&["init", "--from", "late-hit", dir]);
    assert_eq!(code, 1);
    assert!(
        complaint.ends_with("already exists: nothing was written\n"),
        "{complaint}"
    );
}

#[tokio::test]
async fn a_resubmission_is_rejected_and_succeeds_when_it_is_corrected() {
    let client = Client::of(laid_over(&written("resubmission"))).await;
    let result = async |number: &str| {
        let mut body = client.post(BANK, &account(number)).await.json();
        body["result"].take()
    };
    assert_eq!(result("7000000010").await["is_found"], false);
    let corrected = result("7000000011").await;
    assert_eq!(corrected["is_found"], true);
    assert_eq!(corrected["account_holder_name"], "NASABAH CONTOH");
    assert_eq!(result("7000000012").await["is_found"], false);
    assert_eq!(result("7000000012").await["is_found"], true);
}

#[tokio::test]
async fn a_manual_review_is_pending_for_two_hours() {
    let folder = written("manual-review");
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    let client = &stage.client;
    let mut records = Vec::new();
    for number in ["7000000020", "7000000021", "7000000022"] {
        let record = client.post(BANK, &account(number)).await.json();
        assert_eq!(record["status"], "PENDING", "{number}");
        records.push(record);
    }
    let delivered = stage.advance("2h").await;
    assert_eq!(
        each(&delivered, "outcome"),
        [
            "v1.1/bank_account_data_requests/REVIEW_APPROVED",
            "v1.1/bank_account_data_requests/REVIEW_REJECTED"
        ]
    );
    let approved = read(client, BANK, &records[0]).await;
    assert_eq!(
        (&approved["status"], &approved["result"]["is_found"]),
        (&json!("COMPLETED"), &json!(true))
    );
    let rejected = read(client, BANK, &records[1]).await;
    assert_eq!(rejected["result"]["need_review"], true);
    assert_eq!(read(client, BANK, &records[2]).await["status"], "PENDING");
}

#[tokio::test]
async fn a_late_hit_is_clean_for_thirty_days() {
    let folder = written("late-hit");
    let stage = Stage::with(|builder| {
        let url = "http://127.0.0.1:9/".parse().expect("a URL");
        builder
            .scenarios(folder.path())
            .callback("INDIVIDUAL_CFT_PEP", url)
    })
    .await;
    let record = stage
        .client
        .post(PEPS, &person("Orang Contoh"))
        .await
        .json();
    assert_eq!(
        (&record["status"], &record["results"]),
        (&json!("COMPLETED"), &json!([]))
    );
    assert_eq!(stage.advance("29d").await.len(), 0);
    assert_eq!(
        read(&stage.client, PEPS, &record).await["results"],
        json!([])
    );
    let tried = stage.advance("1d").await;
    assert_eq!(tried[0]["type"], "INDIVIDUAL_CFT_PEP");
    let hit = read(&stage.client, PEPS, &record).await;
    assert_eq!(hit["results"][0]["names"], json!(["Orang Contoh"]));
}

#[tokio::test]
async fn a_provider_outage_is_503_then_slow_then_well() {
    let folder = written("provider-outage");
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    let mut statuses = Vec::new();
    let mut seconds = Vec::new();
    for _ in 0..5 {
        let started = tokio::time::Instant::now();
        let answer = stage.client.post(BANK, &account("1234567890")).await;
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), Some("30"));
        }
        statuses.push(answer.status);
        seconds.push(started.elapsed().as_secs());
    }
    assert_eq!(statuses, [503, 503, 200, 200, 200]);
    assert_eq!(seconds, [0, 0, 8, 8, 0]);
    let missing = json!({"bank_account_number": "0000000404", "bank_code": "BCA"});
    let well = stage.client.post(BANK, &missing).await.json();
    assert_eq!(well["result"]["is_found"], false, "the data decides again");
}

#[tokio::test]
async fn on_a_slow_day_everything_takes_seconds() {
    let folder = written("slow-day");
    let stage = Stage::with(|builder| builder.scenarios(folder.path())).await;
    let started = tokio::time::Instant::now();
    let pending = stage.client.post(BANK, &account("1234567890")).await.json();
    assert_eq!(
        (&pending["status"], started.elapsed().as_secs()),
        (&json!("PENDING"), 2)
    );
    let delivered = stage.advance("45s").await;
    assert_eq!(
        each(&delivered, "outcome"),
        ["v1.1/bank_account_data_requests/COMPLETED_FOUND"]
    );
    let started = tokio::time::Instant::now();
    let screened = stage
        .client
        .post(PEPS, &person("Eko Hadi Salim"))
        .await
        .json();
    assert_eq!(screened["results"][0]["score"], 100);
    assert!(
        (2..=6).contains(&started.elapsed().as_secs()),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn every_odd_name_is_found_as_it_is_written() {
    let client = Client::of(laid_over(&written("names"))).await;
    let long = "Raden Mas Panjang Sekali Namanya Rekaan Contoh Ujian Percobaan Wirawan Kusumo Hadiningrat \
                Purbonegoro Sastrowardoyo Mangkuprojo Tirtonegoro Adiwijaya";
    for name in [
        "Rekaan",
        "Null",
        "O'Contoh \"Si Kutip\" D'Rekaan",
        "<b>Tebal</b> & Miring; --",
        "محمد الخيالي",
        "虚构之人",
        "Вымышленная Персона",
        long,
    ] {
        let found = client.post(PEPS, &person(name)).await.json();
        let results = found["results"].as_array().expect("results");
        assert_eq!(results.len(), 1, "{name}: {results:?}");
        assert_eq!(results[0]["names"], json!([name]));
        assert_eq!(found["given_names"], name);
    }
    for (number, holder) in [
        ("7000000060", "REKAAN".to_owned()),
        ("7000000061", "NULL".to_owned()),
        ("7000000062", "O'CONTOH \"SI KUTIP\" D'REKAAN".to_owned()),
        ("7000000063", long.to_uppercase()),
        ("7000000064", "虚构之人".to_owned()),
    ] {
        let found = client.post(BANK, &account(number)).await.json();
        assert_eq!(found["result"]["account_holder_name"], holder);
    }
}
