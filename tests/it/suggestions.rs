//! A wrong word gets a suggestion only if the suggested one can be meant.

use crate::client::Client;
use crate::process::{run, write};
use crate::stage::BANK;

#[tokio::test]
async fn a_word_that_is_like_no_outcome_gets_no_suggestion() {
    let client = Client::start().await;
    let paths = [
        BANK,
        "/v0/identity/individual_cft_peps",
        "/v1/identity/face_comparisons",
    ];
    for path in paths {
        for word in ["FOO", "BAR", "BAZ", "X", "HELLO", "TEST", "FOOBAR", "COMET"] {
            let message = client.magic(path, word).await.message();
            assert!(!message.contains("Did you mean"), "{word}: {message}");
        }
    }
}

#[tokio::test]
async fn a_misspelt_or_shortened_outcome_still_gets_its_suggestion() {
    let client = Client::start().await;
    for (word, meant) in [
        ("COMPLETED", "COMPLETED_FOUND"),
        ("COMPLETED_FOUNT", "COMPLETED_FOUND"),
        ("COMPLETE_NOT_FOUND", "COMPLETED_NOT_FOUND"),
        ("PENDNG", "PENDING"),
        ("FAILD", "FAILED"),
        ("SERVER_EROR", "SERVER_ERROR"),
        ("TEMPORARY", "TEMPORARY_NETWORK_ERROR"),
    ] {
        let message = client.magic(BANK, word).await.message();
        let expected = format!("Did you mean `{meant}`?");
        assert!(message.contains(&expected), "{word}: {message}");
    }
}

#[test]
fn a_word_of_a_scenario_file_that_is_like_no_known_one_gets_the_list_of_known_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "extends = 'v1.1/bank_account_data_requests'\n[outcomes.MINE]\nsequence = ['FOO']\n";
    write(folder.path(), "mine.toml", text);
    let (code, printed, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    let expected = "error: there is no outcome `FOO`: known are `COMPLETED_FOUND`, ";
    assert!(printed.starts_with(expected), "{printed}");
}
