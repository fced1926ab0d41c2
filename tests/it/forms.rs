//! Form bodies: how `application/x-www-form-urlencoded` is read.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const FORM: &str = "application/x-www-form-urlencoded";
const REST: &str = "user_id=u1&given_names=Sri&nationality=ID";

async fn post(client: &Client, label: &str, form: &str) -> Answer {
    let request = client
        .request("POST", INDIVIDUALS)
        .header("content-type", label)
        .header("x-magic-reply", "COMPLETED_NOT_FOUND")
        .body(form.to_owned());
    Answer::of(request).await
}

/// The echo of an accepted form.
async fn echo(form: &str) -> Value {
    let client = Client::start().await;
    let answer = post(&client, FORM, form).await;
    assert_eq!(answer.status, 200, "{form}: {}", answer.text);
    answer.json()
}

/// The echo of a form that is complete except for its scopes.
async fn scopes(form: &str) -> Value {
    echo(&format!("{REST}&{form}")).await["scopes"].take()
}

/// The complaints about a refused form.
async fn complaints(form: &str) -> Value {
    let client = Client::start().await;
    let answer = post(&client, FORM, form).await;
    assert_eq!(answer.status, 400, "{form}: {}", answer.text);
    let mut json = answer.json();
    assert_eq!(json["error_code"], "API_VALIDATION_ERROR");
    json["errors"].take()
}

/// An own endpoint with a field of every type; no shipped product has a boolean.
async fn every_type(form: &str) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = r#"
        name   = "Every type"
        path   = "/v1/identity/every_type"
        id     = "every_{hex24}"
        source = "decided"

        [request.properties]
        text    = { type = "string" }
        whole   = { type = "integer" }
        number  = { type = "number" }
        yes     = { type = "boolean" }
        wholes  = { type = "array", items = { type = "integer" } }
        grid    = { type = "array", items = { type = "array", items = { type = "integer" } } }
        inner   = { type = "object", properties = { yes = { type = "boolean" }, more = { type = "object", properties = { whole = { type = "integer" } } } } }

        [outcomes.ECHO]
        default = true
        body    = { text = "{{input.text?}}", whole = "{{input.whole?}}", number = "{{input.number?}}", yes = "{{input.yes?}}", wholes = "{{input.wholes?}}", grid = "{{input.grid?}}", inner = "{{input.inner?}}" }
    "#;
    std::fs::write(folder.path().join("every_type.toml"), scenario).expect("a file");
    let client = Client::of(Sandbox::builder().scenarios(folder.path())).await;
    let request = client
        .request("POST", "/v1/identity/every_type")
        .header("content-type", FORM)
        .body(form.to_owned());
    Answer::of(request).await
}

async fn every_type_complaints(form: &str) -> Value {
    let answer = every_type(form).await;
    assert_eq!(answer.status, 400, "{form}: {}", answer.text);
    answer.json()["errors"].take()
}

#[tokio::test]
async fn a_form_and_the_same_json_are_the_same_input() {
    let form = "user_id=u1&given_names=Eko+Hadi&surname=Salim&nationality=ID&scopes=PEP&scopes=OTHER\
                &addresses[0][country]=ID&addresses[0][city]=Jakarta&score_threshold=60\
                &email=eko%40example.com&phone_number=%2B6281234567890";
    let json = json!({
        "user_id": "u1", "given_names": "Eko Hadi", "surname": "Salim", "nationality": "ID",
        "scopes": ["PEP", "OTHER"], "addresses": [{"country": "ID", "city": "Jakarta"}],
        "score_threshold": 60, "email": "eko@example.com", "phone_number": "+6281234567890",
    });
    let client = Client::start().await;
    let request = client
        .request("POST", INDIVIDUALS)
        .header("content-type", FORM)
        .body(form);
    let by_form = Answer::of(request).await;
    let by_json = Client::start().await.post(INDIVIDUALS, &json).await;
    assert_eq!((by_form.status, by_form.text), (200, by_json.text));
}

#[tokio::test]
async fn repeated_keys_make_an_array() {
    assert_eq!(
        scopes("scopes=PEP&scopes=OTHER").await,
        json!(["PEP", "OTHER"])
    );
}

#[tokio::test]
async fn a_single_value_fills_an_array() {
    assert_eq!(scopes("scopes=PEP").await, json!(["PEP"]));
}

#[tokio::test]
async fn empty_brackets_make_an_array() {
    assert_eq!(scopes("scopes[]=PEP").await, json!(["PEP"]));
    assert_eq!(
        scopes("scopes[]=SANCTION&scopes[]=PEP").await,
        json!(["SANCTION", "PEP"])
    );
}

#[tokio::test]
async fn brackets_may_be_percent_encoded() {
    assert_eq!(
        scopes("scopes%5B%5D=PEP&scopes%5b%5d=OTHER").await,
        json!(["PEP", "OTHER"])
    );
}

#[tokio::test]
async fn indices_say_the_order_whatever_comes_first() {
    let form = "scopes[2]=OTHER&scopes[0]=PEP&scopes[1]=SANCTION";
    assert_eq!(scopes(form).await, json!(["PEP", "SANCTION", "OTHER"]));
}

#[tokio::test]
async fn indices_are_numbers_and_not_texts() {
    let form = "scopes[10]=OTHER&scopes[9]=SANCTION&scopes[1]=PEP";
    assert_eq!(scopes(form).await, json!(["PEP", "SANCTION", "OTHER"]));
}

#[tokio::test]
async fn a_huge_index_makes_no_huge_array() {
    assert_eq!(scopes("scopes[4294967296]=PEP").await, json!(["PEP"]));
    let form = "scopes[18446744073709551615]=OTHER&scopes[7]=PEP";
    assert_eq!(scopes(form).await, json!(["PEP", "OTHER"]));
}

#[tokio::test]
async fn what_is_no_index_makes_no_array() {
    for index in ["18446744073709551616", "first", "-1", "1.0", "0x1", "%2B1"] {
        assert_eq!(
            complaints(&format!("{REST}&scopes[{index}]=PEP")).await,
            json!([{"path": "scopes", "message": "must be an array"}]),
            "{index}"
        );
    }
}

#[tokio::test]
async fn indices_and_names_make_an_array_of_objects() {
    let form = "addresses[0][country]=ID&addresses[0][street_line1]=Jl.+Sudirman+1\
                &addresses[1][country]=SG&addresses[1][category]=WORK";
    let echoed = echo(&format!("{REST}&scopes=PEP&{form}")).await;
    assert_eq!(
        echoed["addresses"],
        json!([
            {"country": "ID", "street_line1": "Jl. Sudirman 1"},
            {"country": "SG", "category": "WORK"},
        ])
    );
}

#[tokio::test]
async fn objects_under_empty_brackets_are_one_each() {
    let form = "addresses[][country]=ID&addresses[][country]=SG";
    let echoed = echo(&format!("{REST}&scopes=PEP&{form}")).await;
    assert_eq!(
        echoed["addresses"],
        json!([{"country": "ID"}, {"country": "SG"}])
    );
}

#[tokio::test]
async fn a_wrong_value_deep_in_a_form_is_complained_about_by_its_path() {
    let form =
        "scopes[0]=PEP&scopes[1]=pep&addresses[0][country]=Indonesia&addresses[1][category]=SHOP";
    assert_eq!(
        complaints(&format!("{REST}&{form}")).await,
        json!([
            {"path": "scopes[1]", "message": "must be one of PEP, SANCTION, OTHER"},
            {"path": "addresses[0].country", "message": "must be an ISO 3166-1 alpha-2 country code in upper case, such as ID"},
            {"path": "addresses[1].category", "message": "must be one of HOME, WORK, PROVINCIAL"},
        ])
    );
}

#[tokio::test]
async fn brackets_that_do_not_match_are_part_of_an_unknown_key() {
    for key in [
        "scopes[",
        "scopes]",
        "[scopes]",
        "scopes[0",
        "scopes[0]x",
        "scopes[[0]]",
        "[]scopes",
        "scopes[0][",
        "[]",
        "",
    ] {
        assert_eq!(
            complaints(&format!("{REST}&{key}=PEP")).await,
            json!([{"path": "scopes", "message": "is required"}]),
            "{key}"
        );
    }
}

#[tokio::test]
async fn brackets_that_go_too_deep_are_part_of_an_unknown_key() {
    for depth in [8, 9, 1000, 400_000] {
        let key = format!("scopes{}", "[]".repeat(depth));
        assert_eq!(
            complaints(&format!("{REST}&{key}=PEP")).await,
            json!([{"path": "scopes", "message": "is required"}]),
            "{depth}"
        );
    }
    assert_eq!(
        complaints(&format!("{REST}&scopes{}=PEP", "[]".repeat(7))).await,
        json!([{"path": "scopes[0]", "message": "must be a string"}])
    );
}

#[tokio::test]
async fn numbers_are_read_where_the_schema_wants_one() {
    let echoed = echo(&format!("{REST}&scopes=PEP&score_threshold=90")).await;
    assert_eq!(echoed["score_threshold"], json!(90));
}

#[tokio::test]
async fn a_whole_number_may_be_written_in_any_way_that_json_knows() {
    for text in ["90.0", "9e1", "0.9E%2B2", "900e-1"] {
        let echoed = echo(&format!("{REST}&scopes=PEP&score_threshold={text}")).await;
        assert_eq!(echoed["score_threshold"], json!(90), "{text}");
    }
}

#[tokio::test]
async fn digits_stay_text_where_the_schema_wants_text() {
    let echoed = echo("user_id=007&given_names=true&surname=null&nationality=ID&scopes=PEP").await;
    assert_eq!(
        (
            &echoed["user_id"],
            &echoed["given_names"],
            &echoed["surname"]
        ),
        (&json!("007"), &json!("true"), &json!("null"))
    );
}

#[tokio::test]
async fn text_that_is_no_number_is_complained_about() {
    for text in [
        "abc", "", "9O", "0x5A", "NaN", "90abc", "1e999", "true", "null", "\"90\"", "[90]",
    ] {
        assert_eq!(
            complaints(&format!("{REST}&scopes=PEP&score_threshold={text}")).await,
            json!([{"path": "score_threshold", "message": "must be an integer"}]),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_number_of_a_form_is_held_to_the_same_limits() {
    let complaint = |message| json!([{"path": "score_threshold", "message": message}]);
    let with = |text| format!("{REST}&scopes=PEP&score_threshold={text}");
    assert_eq!(
        complaints(&with("49")).await,
        complaint("must be at least 50")
    );
    assert_eq!(
        complaints(&with("101")).await,
        complaint("must be at most 100")
    );
    assert_eq!(
        complaints(&with("-1")).await,
        complaint("must be at least 50")
    );
    assert_eq!(
        complaints(&with("50.5")).await,
        complaint("must be an integer")
    );
}

#[tokio::test]
async fn a_field_that_takes_one_value_does_not_take_two() {
    assert_eq!(
        complaints("user_id=u1&user_id=u2&given_names=Sri&nationality=ID&scopes=PEP&score_threshold=60&score_threshold=70").await,
        json!([
            {"path": "user_id", "message": "must be a string"},
            {"path": "score_threshold", "message": "must be an integer"},
        ])
    );
}

#[tokio::test]
async fn text_becomes_whatever_type_the_schema_wants() {
    let form = "text=12&whole=-3&number=2.5&yes=true&wholes=1&wholes=2&grid[0][]=1&grid[0][]=2&grid[1]=3\
                &inner[yes]=false&inner[more][whole]=7";
    let answer = every_type(form).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            200,
            r#"{"text":"12","whole":-3,"number":2.5,"yes":true,"wholes":[1,2],"grid":[[1,2],[3]],"inner":{"yes":false,"more":{"whole":7}}}"#
        )
    );
}

#[tokio::test]
async fn only_true_and_false_are_booleans() {
    for text in ["1", "0", "TRUE", "yes", "on", "", "null", " true"] {
        assert_eq!(
            every_type_complaints(&format!("yes={text}")).await,
            json!([{"path": "yes", "message": "must be a boolean"}]),
            "{text}"
        );
    }
}

#[tokio::test]
async fn everything_that_cannot_be_converted_is_complained_about_at_once() {
    let form = "whole=one&number=two&yes=three&wholes=4&wholes=four&grid[1][0]=five&inner[yes]=six&inner[more][whole]=seven";
    assert_eq!(
        every_type_complaints(form).await,
        json!([
            {"path": "whole", "message": "must be an integer"},
            {"path": "number", "message": "must be a number"},
            {"path": "yes", "message": "must be a boolean"},
            {"path": "wholes[1]", "message": "must be an integer"},
            {"path": "grid[0][0]", "message": "must be an integer"},
            {"path": "inner.more.whole", "message": "must be an integer"},
            {"path": "inner.yes", "message": "must be a boolean"},
        ])
    );
}

#[tokio::test]
async fn text_where_an_object_belongs_is_complained_about() {
    assert_eq!(
        every_type_complaints("inner=plain").await,
        json!([{"path": "inner", "message": "must be an object"}])
    );
    assert_eq!(
        complaints(&format!("{REST}&scopes=PEP&addresses=Jakarta")).await,
        json!([{"path": "addresses[0]", "message": "must be an object"}])
    );
}

#[tokio::test]
async fn json_under_a_form_label_is_read_as_json() {
    let client = Client::start().await;
    let json = r#"{"user_id":"u1","given_names":"Sri","nationality":"ID","scopes":["PEP"],"score_threshold":90}"#;
    for body in [json.to_owned(), format!("\r\n\t {json}\n")] {
        let answer = post(&client, FORM, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["score_threshold"], json!(90));
    }
}

#[tokio::test]
async fn broken_json_under_a_form_label_is_refused_as_json() {
    let client = Client::start().await;
    let answer = post(&client, FORM, "{\"user_id\": \"u1\",\n").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            400,
            r#"{"error_code":"INVALID_JSON_FORMAT","message":"The body is not valid JSON: EOF while parsing a value at line 2 column 0."}"#
        )
    );
}

#[tokio::test]
async fn a_form_is_known_by_its_label_in_any_letter_case_and_with_parameters() {
    let client = Client::start().await;
    for label in [
        "application/x-www-form-urlencoded; charset=UTF-8",
        "Application/X-WWW-Form-URLencoded ;x=y",
    ] {
        let answer = post(&client, label, &format!("{REST}&scopes=PEP")).await;
        assert_eq!(answer.status, 200, "{label}: {}", answer.text);
    }
}

#[tokio::test]
async fn plus_and_percent_are_decoded() {
    let echoed = echo("user_id=a%26b%3Dc%2Bd&given_names=Sri+M%C3%BClyani%20%F0%9F%90%89&surname=50%&nationality=ID&scopes=PEP").await;
    assert_eq!(
        (
            &echoed["user_id"],
            &echoed["given_names"],
            &echoed["surname"]
        ),
        (&json!("a&b=c+d"), &json!("Sri Mülyani 🐉"), &json!("50%"))
    );
}

#[tokio::test]
async fn an_empty_value_is_an_empty_text() {
    let echoed = echo(&format!("{REST}&surname=&scopes=PEP&reference_id")).await;
    assert_eq!(
        (&echoed["surname"], &echoed["reference_id"]),
        (&json!(""), &json!(""))
    );
    assert_eq!(
        complaints("user_id=&given_names=Sri&nationality=ID&scopes=PEP").await,
        json!([{"path": "user_id", "message": "must not be empty"}])
    );
}

#[tokio::test]
async fn keys_that_nobody_asked_for_are_neither_refused_nor_echoed() {
    let plain = echo(&format!("{REST}&scopes=PEP")).await;
    let noisy = echo(&format!(
        "0=a&1=b&=c&[]=d&x[y]=e&status=f&id[]=g&{REST}&scopes=PEP&&&"
    ))
    .await;
    assert_eq!(noisy, plain);
}

#[tokio::test]
async fn a_form_that_says_nothing_misses_every_field() {
    for form in ["&", "=", "a", "0=0", "[]=x", "%00=%00"] {
        assert_eq!(
            complaints(form).await,
            json!([
                {"path": "user_id", "message": "is required"},
                {"path": "given_names", "message": "is required"},
                {"path": "nationality", "message": "is required"},
                {"path": "scopes", "message": "is required"},
            ]),
            "{form}"
        );
    }
}

#[tokio::test]
async fn an_empty_form_is_no_body() {
    let client = Client::start().await;
    let request = client
        .request("POST", INDIVIDUALS)
        .header("content-type", FORM)
        .body("");
    let answer = Answer::of(request).await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            400,
            r#"{"error_code":"INVALID_JSON_FORMAT","message":"The request has no body."}"#
        )
    );
}

#[tokio::test]
async fn a_form_has_at_most_ten_thousand_fields() {
    let client = Client::start().await;
    let pairs = |count| {
        (0..count)
            .map(|at| format!("k{at}[{at}]=v&"))
            .collect::<Vec<_>>()
            .concat()
    };
    let rest = format!("{REST}&scopes=PEP");
    let fields = rest.split('&').count();
    let most = post(&client, FORM, &(pairs(10_000 - fields) + &rest)).await;
    assert_eq!(most.status, 200, "{}", most.text);
    let more = post(&client, FORM, &(pairs(10_001 - fields) + &rest)).await;
    assert_eq!(
        (more.status, more.text.as_str()),
        (
            400,
            r#"{"error_code":"API_VALIDATION_ERROR","message":"The form has more than 10000 fields."}"#
        )
    );
}
