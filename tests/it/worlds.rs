//! `/__sandbox/worlds`: creating a world by name, listing all worlds, ending a world.

use iluma_sandbox::{PUBLIC_KEY, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::receiver::Reaction;
use crate::stage::{BANK, Stage, TYPE, each, key, list};

const WORLDS: &str = "/__sandbox/worlds";

/// Creates a world without a key or token.
async fn mint(client: &Client, wish: &Value) -> Answer {
    Answer::of(client.bare("POST", WORLDS).json(wish)).await
}

async fn minted(client: &Client, name: &str) -> Value {
    let answer = mint(client, &json!({"name": name})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

async fn end(client: &Client, key: &str) -> Value {
    let answer = Answer::of(client.as_key(key, "DELETE", WORLDS)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn ask_as(client: &Client, key: &str, magic: &str) -> Answer {
    Answer::of(
        client
            .as_key(key, "POST", BANK)
            .header("x-magic-reply", magic),
    )
    .await
}

fn key_of(world: &Value) -> &str {
    world["api_key"].as_str().expect("a key")
}

#[tokio::test]
async fn tokens_come_from_the_key_and_keys_and_account_holders_from_the_seed_alone() {
    let client = Client::of(Sandbox::builder().sign_callbacks(true)).await;
    let made = minted(&client, "a test").await;
    assert_eq!(
        made["api_key"],
        "iluma_development_d5c50a6798e77140264172103ee49e17a1a219272cf589cc30835619bdae0d27"
    );
    assert_eq!(
        made["callback_token"],
        "9c0aafa8c40d95a64c87252c86fd754bda548dd2726edb5c09ae3fa6dd52e8eb"
    );
    assert_eq!(
        made["callback_signing_secret"],
        "whsec_GA5nGi0+1AxootJgtDhx3Qn0tMMKtA1C"
    );
    let issued = Answer::of(client.bare("GET", "/businesses/5abc/api_keys?token=123")).await;
    assert_eq!(
        issued.json()["api_keys"],
        json!([
            {
                "environment": "TEST",
                "api_key": "iluma_development_e1e285224363ce82d240456ede5ac88777fdcf7db91bf42cb312d8e6e5e4",
            },
            {
                "environment": "LIVE",
                "api_key": "iluma_live_61ca8e2b4b806c7e6a72fdbc6bec9c0311e28eec4c418b0f69b8c7417bec",
            },
        ])
    );
    for (number, holder) in [
        ("8800112234", "AGUS HIDAYAT"),
        ("1234567890", "FIRA DIYANKA"),
    ] {
        let account = json!({"bank_code": "BCA", "bank_account_number": number});
        let answer = client.post(BANK, &account).await;
        assert_eq!(answer.json()["result"]["account_holder_name"], holder);
    }
}

async fn names(client: &Client) -> Vec<Value> {
    let answer = Answer::of(client.bare("GET", WORLDS)).await;
    let mut names: Vec<_> = list(answer.json()["worlds"].take())
        .iter()
        .map(|world| world["name"].clone())
        .collect();
    names.sort_by_key(ToString::to_string);
    names
}

#[tokio::test]
async fn a_name_has_the_same_key_ids_and_token_on_every_start_and_others_under_another_seed() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let client = Client::of(Sandbox::builder().seed(seed)).await;
        let world = minted(&client, "tests::pays_out").await;
        let made = ask_as(&client, key_of(&world), "COMPLETED_FOUND").await;
        runs.push((world, made.json()["id"].clone()));
    }
    assert_eq!(runs[0], runs[1]);
    let (one, other) = (&runs[0], &runs[2]);
    assert_ne!(one.1, other.1);
    for part in ["api_key", "callback_token", "world"] {
        assert_ne!(one.0[part], other.0[part], "{part}");
    }
    let key = key_of(&one.0)
        .strip_prefix("iluma_development_")
        .expect("a development key");
    assert_eq!(key.len(), 64);
    assert!(
        key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{key}"
    );
}

#[tokio::test]
async fn a_minted_world_is_the_one_that_its_key_opens() {
    let client = Client::of(Sandbox::builder().sign_callbacks(true)).await;
    let world = minted(&client, "Zoë's test 🐢").await;
    assert_eq!(world["name"], "Zoë's test 🐢");
    let shown = Answer::of(client.as_key(key_of(&world), "GET", "/__sandbox/world"))
        .await
        .json();
    for part in ["world", "callback_token", "callback_signing_secret"] {
        assert_eq!(world[part], shown[part], "{part}");
    }
    let token =
        Answer::of(client.as_key(key_of(&world), "GET", "/v1/callback/authentication_tokens"))
            .await;
    assert_eq!(
        world["callback_token"],
        token.json()["callback_authentication_token"]
    );
    let made = ask_as(&client, key_of(&world), "COMPLETED_FOUND").await;
    let trace = made.header("x-sandbox-trace").expect("a trace").to_owned();
    assert!(
        trace.starts_with(world["world"].as_str().expect("a tag")),
        "{trace}"
    );
}

#[tokio::test]
async fn a_name_in_use_is_refused_unless_it_is_to_be_emptied() {
    let client = Client::start().await;
    let world = minted(&client, "mine").await;
    let made = ask_as(&client, key_of(&world), "COMPLETED_FOUND")
        .await
        .json();
    let again = mint(&client, &json!({"name": "mine"})).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        again.json(),
        json!({
            "error": "world_in_use",
            "message": "there is a world `mine` already: send `\"reset\": true` to empty it and go on with it, `\"share\": true` to go on with it as it is, or take another name",
        })
    );
    let path = format!("{BANK}/{}", made["id"].as_str().expect("an id"));
    let read = || Answer::of(client.as_key(key_of(&world), "GET", &path));
    assert_eq!(read().await.status, 200, "the refusal changed nothing");
    let emptied = mint(&client, &json!({"name": "mine", "reset": true})).await;
    assert_eq!((emptied.status, emptied.json()), (200, world.clone()));
    assert_eq!(read().await.status, 404);
    let first_again = ask_as(&client, key_of(&world), "COMPLETED_FOUND")
        .await
        .json();
    assert_eq!(first_again["id"], made["id"], "it counts from the start");
    let new = mint(&client, &json!({"name": "new", "reset": true})).await;
    assert_eq!(new.status, 201, "nothing was there to be emptied");
}

#[tokio::test]
async fn a_world_that_its_key_opened_unasked_is_in_use() {
    let key = key_of(&minted(&Client::start().await, "from the last run").await).to_owned();
    let client = Client::start().await;
    ask_as(&client, &key, "PENDING").await;
    let wish = json!({"name": "from the last run"});
    assert_eq!(mint(&client, &wish).await.status, 409);
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let client = Client::start().await;
    let (client, wish) = (&client, &json!({"name": "wanted"}));
    let wants = std::iter::repeat_with(|| mint(client, wish)).take(20);
    let mut got: Vec<_> = futures(wants)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    got.sort_unstable();
    assert_eq!(got[..2], [201, 409]);
    assert_eq!(got[19], 409);
}

/// Awaits all of them at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in &mut all {
            if done.is_none()
                && let std::task::Poll::Ready(value) = one.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if all.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn without_a_name_the_next_free_one_is_made_up() {
    let client = Client::start().await;
    minted(&client, "world 2").await;
    for expected in ["world 1", "world 3"] {
        let answer = Answer::of(client.bare("POST", WORLDS)).await;
        assert_eq!(
            (answer.status, &answer.json()["name"]),
            (201, &json!(expected))
        );
    }
    let answer = mint(&client, &json!({"reset": true})).await;
    assert_eq!(
        (answer.status, &answer.json()["name"]),
        (201, &json!("world 4"))
    );
    end(&client, key_of(&answer.json())).await;
    let next = mint(&client, &json!({})).await.json();
    assert_eq!(
        next["name"], "world 5",
        "a name that was used is not made up again"
    );
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_is_refused_with_the_reason() {
    let client = Client::start().await;
    let rule = "`name`: a world's name has 1 to 200 characters, and no line breaks or other control characters";
    let too_long = "é".repeat(201);
    for name in ["", &too_long, "two\nlines", "\u{7f}"] {
        let answer = mint(&client, &json!({"name": name})).await;
        let refusal = json!({"error": "bad_request", "message": rule});
        assert_eq!((answer.status, answer.json()), (400, refusal), "{name:?}");
    }
    assert_eq!(
        mint(&client, &json!({"name": "é".repeat(200)}))
            .await
            .status,
        201
    );
    for (wish, complaint) in [
        (
            json!({"nam": "x"}),
            "unknown field `nam`: did you mean `name`?",
        ),
        (
            json!({"name": 7}),
            "invalid type: integer `7`, expected a string",
        ),
    ] {
        let answer = mint(&client, &wish).await;
        let message = answer.message();
        assert_eq!(answer.status, 400);
        assert!(
            message.starts_with("the body cannot be taken: "),
            "{message}"
        );
        assert!(message.contains(complaint), "{message}");
    }
    assert_eq!(names(&client).await.len(), 1, "refusals make no worlds");
}

#[tokio::test(start_paused = true)]
async fn an_end_says_what_was_still_to_come_and_the_key_begins_anew() {
    let stage = Stage::start().await;
    let client = &stage.client;
    let world = minted(client, "ends").await;
    let key = key_of(&world);
    let made = stage.ask_as(key, "PENDING_THEN_COMPLETED_FOUND").await;
    stage
        .ask_as(key, "COMPLETED_FOUND; callback=late(10m)")
        .await;
    let tell = |method, path: &str, body| {
        Answer::of(
            client
                .as_key(key, method, &format!("/__sandbox/{path}"))
                .json(&body),
        )
    };
    let next =
        json!({"endpoint": "v1.1/bank_account_data_requests", "outcome": "PENDING", "times": 3});
    assert_eq!(tell("POST", "next", next).await.status, 200);
    let faults = json!({"faults": [{"fault": "503"}, {"delay": "1s"}]});
    assert_eq!(tell("PUT", "faults", faults).await.status, 200);

    let ended = end(client, key).await;
    assert_eq!(
        (&ended["status"], &ended["world"]),
        (&json!("ended"), &world["world"])
    );
    let pending = &ended["pending"];
    let callbacks = list(pending["callbacks"].clone());
    assert_eq!(each(&callbacks, "state"), ["scheduled", "scheduled"]);
    assert_eq!(each(&callbacks, "type"), [TYPE, TYPE]);
    assert_eq!(
        callbacks[0]["record"],
        made.json()["id"],
        "the oldest first"
    );
    assert_eq!(
        (
            &pending["more_callbacks"],
            &pending["queued"],
            &pending["faults"]
        ),
        (&json!(0), &json!(3), &json!(2))
    );

    let again = stage.ask_as(key, "PENDING_THEN_COMPLETED_FOUND").await;
    assert_eq!(
        again.text, made.text,
        "a fresh world answers as the first did"
    );
    let trace = again.header("x-sandbox-trace").expect("a trace");
    assert!(trace.ends_with("-1"), "{trace}");
    assert_eq!(names(client).await, [Value::Null], "its name went with it");
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_does_not_outlive_the_world() {
    let stage = Stage::start().await;
    stage.receiver.usually(Reaction::Hang);
    let key = key('e');
    stage.ask_as(&key, "COMPLETED_FOUND").await;
    stage.receiver.open(1).await;
    let ended = end(&stage.client, &key).await;
    assert_eq!(ended["pending"]["callbacks"][0]["state"], "sending");
    let list = Answer::of(stage.client.bare("GET", WORLDS)).await.json();
    assert_eq!(list, json!({"worlds": []}));
}

#[tokio::test]
async fn an_end_of_nothing_is_an_end() {
    let client = Client::start().await;
    let nothing = json!({"callbacks": [], "more_callbacks": 0, "queued": 0, "faults": 0});
    let ended = end(&client, PUBLIC_KEY).await;
    assert_eq!(
        (&ended["status"], &ended["pending"]),
        (&json!("ended"), &nothing)
    );
    assert_eq!(
        names(&client).await,
        [Value::Null; 0],
        "it makes no world to end it"
    );
    let refused = Answer::of(client.bare("DELETE", WORLDS)).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("no_world"))
    );
    let by_query = Answer::of(client.bare("DELETE", &format!("{WORLDS}?key={}", key('q')))).await;
    assert_eq!(by_query.status, 200);
    let misspelt = Answer::of(client.request("DELETE", &format!("{WORLDS}?world=all"))).await;
    assert_eq!(misspelt.status, 400);
}

#[tokio::test(start_paused = true)]
async fn the_list_shows_what_each_holds_and_never_a_key() {
    let stage = Stage::start().await;
    let client = &stage.client;
    let world = minted(client, "listed").await;
    stage
        .ask_as(key_of(&world), "COMPLETED_FOUND; callback=late(10m)")
        .await;
    stage.ask("PENDING").await;
    stage.ask("PENDING").await;
    let answer = Answer::of(client.bare("GET", WORLDS)).await;
    assert!(
        !answer.text.contains("iluma_development_"),
        "{}",
        answer.text
    );
    let mut worlds = list(answer.json()["worlds"].take());
    worlds.sort_by_key(|world| world["name"].to_string());
    assert_eq!(
        worlds[0],
        json!({
            "world": world["world"], "name": "listed", "records": 1, "requests": 1,
            "deliveries": 1, "pending_callbacks": 1, "idle_ms": 0, "rests": false,
        })
    );
    assert_eq!(
        (
            &worlds[1]["name"],
            &worlds[1]["records"],
            &worlds[1]["requests"]
        ),
        (&Value::Null, &json!(2), &json!(2))
    );
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    let later = Answer::of(client.bare("GET", WORLDS)).await.json();
    let worlds = later["worlds"].as_array().expect("a list");
    assert_eq!(
        each(worlds, "idle_ms"),
        [5000, 5000],
        "to look at them is not to use them"
    );
}

#[tokio::test]
async fn where_only_some_keys_are_let_in_minted_ones_are_too() {
    let builder = Sandbox::builder().api_key(PUBLIC_KEY.parse().expect("a key"));
    let client = Client::of(builder).await;
    assert_eq!(ask_as(&client, &key('x'), "PENDING").await.status, 401);
    let world = minted(&client, "let in").await;
    assert_eq!(ask_as(&client, key_of(&world), "PENDING").await.status, 200);
    end(&client, key_of(&world)).await;
    let after = ask_as(&client, key_of(&world), "PENDING").await;
    assert_eq!(after.status, 200, "the key begins a fresh world");
}

#[tokio::test]
async fn a_name_can_be_shared_by_those_who_say_so() {
    let client = Client::start().await;
    let share = json!({"name": "ours", "share": true});
    let first = mint(&client, &share).await;
    assert_eq!(first.status, 201);
    let world = first.json();
    let made = ask_as(&client, key_of(&world), "COMPLETED_FOUND")
        .await
        .json();
    let second = mint(&client, &share).await;
    assert_eq!((second.status, second.json()), (200, world.clone()));
    let path = format!("{BANK}/{}", made["id"].as_str().expect("an id"));
    let read = Answer::of(client.as_key(key_of(&world), "GET", &path)).await;
    assert_eq!(read.status, 200, "what was there is there");
    let both = mint(
        &client,
        &json!({"name": "ours", "share": true, "reset": true}),
    )
    .await;
    let message =
        "`reset` empties a world that is in use and `share` leaves it as it is: say one of them";
    assert_eq!((both.status, both.message().as_str()), (400, message));
}
