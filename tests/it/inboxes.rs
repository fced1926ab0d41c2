//! Inboxes share one limit, and one that holds much takes nothing from the others.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::stage::list;

const MIB: usize = 1 << 20;

async fn post(client: &Client, name: &str, body: Vec<u8>) {
    let request = client.bare("POST", &format!("/__sandbox/inbox/{name}"));
    let answer = Answer::of(request.body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn inbox(client: &Client, name: &str) -> Value {
    client.get(&format!("/__sandbox/inbox/{name}")).await.json()
}

async fn tally(client: &Client) -> Value {
    client.get("/__sandbox/readyz").await.json()["inboxes"].take()
}

#[tokio::test]
async fn the_inbox_that_holds_most_gives_way_and_the_loss_is_counted() {
    let client = Client::start().await;
    post(&client, "victim", b"first".to_vec()).await;
    for _ in 0..66 {
        post(&client, "greedy", vec![b'x'; MIB - 1]).await;
    }
    post(&client, "victim", b"second".to_vec()).await;
    let victim = inbox(&client, "victim").await;
    let bodies: Vec<_> = list(victim["received"].clone())
        .iter()
        .map(|one| one["body"].clone())
        .collect();
    assert_eq!(
        (bodies, &victim["dropped"]),
        (vec![json!("second"), json!("first")], &json!(0))
    );
    let greedy = client.get("/__sandbox/inbox").await.json()["inboxes"][0].take();
    let counts = json!({"inbox": "greedy", "received": 63, "last_seq": 66, "dropped": 3});
    assert_eq!(greedy, counts);
    let tally = tally(&client).await;
    assert_eq!((&tally["held"], &tally["dropped"]), (&json!(65), &json!(3)));
    assert!(tally["bytes"].as_u64() <= Some(64 << 20), "{tally}");

    Answer::of(client.bare("DELETE", "/__sandbox/inbox/greedy")).await;
    Answer::of(client.bare("DELETE", "/__sandbox/inbox/victim")).await;
    let freed = client.get("/__sandbox/readyz").await.json()["inboxes"].take();
    assert_eq!(freed, json!({"held": 0, "bytes": 0, "dropped": 3}));
}

#[tokio::test]
async fn headers_count_and_only_eight_kib_of_them_are_kept() {
    let client = Client::start().await;
    let request = client.bare("POST", "/__sandbox/inbox/mine");
    let request = request
        .header("x-small", "kept")
        .header("x-large", "y".repeat(54_000))
        .header("x-after", "kept too");
    assert_eq!(Answer::of(request).await.status, 200);
    let headers = inbox(&client, "mine").await["received"][0]["headers"].take();
    assert_eq!(
        [
            &headers["x-small"],
            &headers["x-large"],
            &headers["x-after"]
        ],
        [&json!("kept"), &json!("…"), &json!("kept too")]
    );
    let bytes = tally(&client).await["bytes"].as_u64().expect("a number");
    assert!((100..2000).contains(&bytes), "{bytes}");
    for _ in 0..10 {
        let request = client.bare("POST", "/__sandbox/inbox/mine");
        let request = (0..90).fold(request, |request, i| {
            request.header(format!("x-{i}"), "z".repeat(500))
        });
        assert_eq!(Answer::of(request).await.status, 200);
    }
    let bytes = tally(&client).await["bytes"].as_u64().expect("a number");
    assert!((10 * 8000..10 * 20_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn of_too_many_inboxes_the_one_that_nobody_used_for_longest_is_dropped_and_its_numbers_go_on()
{
    let client = Client::start().await;
    for name in 0..1000 {
        post(&client, &format!("n{name}"), b"1".to_vec()).await;
    }
    post(&client, "n1", b"2".to_vec()).await;
    inbox(&client, "n0").await;
    for name in ["one-more", "and-another"] {
        post(&client, name, b"1".to_vec()).await;
    }
    let listed = client.get("/__sandbox/inbox").await.json();
    let names: Vec<_> = list(listed["inboxes"].clone());
    assert_eq!(names.len(), 1000);
    for gone in ["n2", "n3"] {
        assert!(
            names.iter().all(|one| one["inbox"] != gone),
            "{gone} is still there"
        );
    }
    assert_eq!(tally(&client).await["dropped"], 2);
    post(&client, "n2", b"again".to_vec()).await;
    let again = inbox(&client, "n2").await;
    assert_eq!(
        again["received"][0]["seq"], 2,
        "who waits for a number after 1 finds it"
    );
}
