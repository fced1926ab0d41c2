//! Screening as an integrator sees it: who is found on the watchlist, and with which score.

use iluma_sandbox::{DateForm, Sandbox};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::shape;

const INDIVIDUALS: &str = "/v0/identity/individual_cft_peps";
const ENTITIES: &str = "/v0/identity/entity_cft_peps";
const LISTINGS: &str = "/v0/identity/cft_pep_listings";

const EKO: &str = "2dc667a4-d232-4d51-a561-631ce966fb2c";
const INTEL: &str = "ed84802c-d73d-4d22-8897-5bc771709073";
/// Sanctioned, from Indonesia, born 1959 or 1960.
const AZLAN_ID: &str = "5cb17c17-2c2e-4518-8f0a-d3372c03b6aa";
/// A person with the same name: politically exposed, from Malaysia, born 1983-11-05.
const AZLAN_MY: &str = "f1c1c878-37e0-40a4-8dc3-1ed1d071b34a";

const OTHER_KEY: &str =
    "iluma_development_000000000000000000000000000000000000000000000000000000000002";

// Names.

#[tokio::test]
async fn every_listed_name_finds_its_own_listing_at_100() {
    let client = Client::start().await;
    let text = include_str!("../../scenarios/dummy/watchlist.toml");
    let watchlist: toml::Table = text.parse().expect("the watchlist is sound");
    let mut searched = 0;
    for (kind, path, name_field, countries, country_field) in [
        (
            "individuals",
            INDIVIDUALS,
            "given_names",
            "nationalities",
            "nationality",
        ),
        (
            "entities",
            ENTITIES,
            "name",
            "business_domiciles",
            "business_domicile",
        ),
    ] {
        for listing in watchlist[kind].as_array().expect("a list") {
            let id = listing["id"].as_str().expect("an id");
            let country = listing[countries]
                .get(0)
                .and_then(toml::Value::as_str)
                .unwrap_or("ID");
            for name in listing["names"].as_array().expect("names") {
                let name = name.as_str().expect("a name");
                let search = json!({name_field: name, country_field: country});
                let found = scores(&client, path, &search).await;
                assert!(
                    found.contains(&(id.to_owned(), 100)),
                    "{name} finds {found:?}"
                );
                searched += 1;
            }
        }
    }
    assert!(searched > 150, "{searched} names");
}

#[tokio::test]
async fn order_case_blanks_and_diacritics_of_a_persons_name_do_not_matter() {
    let client = Client::start().await;
    for (name, nationality, id) in [
        ("salim HADI eko", "ID", EKO),
        ("  Eko\tHadi   Salim ", "ID", EKO),
        (
            "NEBOJSA čukaranović",
            "RS",
            "4c1cb284-5e7f-4c91-84b0-c8d81bb7133a",
        ),
        (
            "Orozketa Inigo Zabalmendi",
            "ES",
            "34de0290-5c4c-4659-8d16-7490a75bf528",
        ),
        (
            "valdemir conceicao taquaral",
            "BR",
            "65735020-dbbf-44a9-838d-b79a23e061d6",
        ),
        (
            "Jean Aurelien Montfaucher",
            "FR",
            "36636b5c-2d5b-4855-b145-6836a5b28abd",
        ),
        (
            "Isaburō Natsukawa",
            "JP",
            "9d1cc027-d5e9-469c-9c43-b5baf3b2833e",
        ),
        (
            "ODreelan Fionnuala",
            "IE",
            "4db10435-bf9b-4b5a-ae06-6bb4e044789e",
        ),
        (
            "JÜRGEN WEISSENKIRCH",
            "DE",
            "3dc6821b-0146-44d4-8070-0c8d9d033562",
        ),
        (
            "Doàn Khac Thuyét",
            "VN",
            "290c0380-2f9b-46e2-a3ff-ca88e7746ea2",
        ),
    ] {
        let search = json!({"given_names": name, "nationality": nationality});
        let found = scores(&client, INDIVIDUALS, &search).await;
        assert_eq!(
            found.first(),
            Some(&(id.to_owned(), 100)),
            "{name} finds {found:?}"
        );
    }
}

#[tokio::test]
async fn a_dot_without_a_blank_behind_it_still_ends_a_word() {
    let client = Client::start().await;
    for (name, nationality, id) in [
        (
            "R.Prabawa Kertoningrat",
            "ID",
            "8c3584f3-1748-4dff-b5fc-3700aec1d825",
        ),
        (
            "Md.Shafiqul Barendra",
            "BD",
            "f551fbe1-fa19-4705-99dc-e3d542f6c3b7",
        ),
    ] {
        let search = json!({"given_names": name, "nationality": nationality});
        let found = scores(&client, INDIVIDUALS, &search).await;
        assert_eq!(
            found.first(),
            Some(&(id.to_owned(), 100)),
            "{name} finds {found:?}"
        );
    }
}

#[tokio::test]
async fn a_name_in_its_own_script_finds_the_person() {
    let client = Client::start().await;
    for (name, nationality, ids) in [
        (
            "林菽筠",
            "SG",
            &["eab624b0-50a7-43eb-ae92-46ef3af56643"][..],
        ),
        ("耿维嵩", "CN", &["bb7a929d-12d4-4ec4-bdec-f6eaff7e214d"]),
        ("맹치환", "KR", &["6b6ed3ea-82ca-42e0-ae70-70a00ba38f3c"]),
        (
            "стрельбицын вениамин аркадьевич",
            "RU",
            &["31a864bc-a41e-4c0d-b1ee-9b5ed41f1a2c"],
        ),
        (
            "ΑΡΙΣΤΕΊΔΗΣ ΒΛΑΧΌΠΕΤΡΟΣ",
            "GR",
            &["def069d7-a7c4-417c-95db-93b4180616f0"],
        ),
        (
            "พงศธร รัตนเมฆา",
            "TH",
            &["0f31a159-e229-481c-b7c0-f3579a3d8c7f"],
        ),
        (
            "हरिशंकर वेल्लोडिया",
            "IN",
            &["9d4c2d8d-899a-4fc7-86e2-67d718cd4efa"],
        ),
        // Two people have the same spelling in Arabic: one from Iraq and one from Jordan.
        (
            "نبيل مرتضى الضراوي",
            "IQ",
            &[
                "a86756f6-7dfa-4743-90e8-9d9dc5e53383",
                "5583f42f-d8cc-4554-952e-f8263cbbab38",
            ],
        ),
    ] {
        let search =
            json!({"given_names": name, "nationality": nationality, "score_threshold": 90});
        let found = scores(&client, INDIVIDUALS, &search).await;
        assert_eq!(
            found.first().map(|(_, score)| *score),
            Some(100),
            "{name} finds {found:?}"
        );
        let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, ids, "{name}");
    }
}

/// A company without its legal form or with another one, its domicile, and its listing.
const COMPANIES: [(&str, &str, &str); 37] = [
    ("intel", "US", INTEL),
    ("INTEL CORP.", "US", INTEL),
    ("Intel Corporation", "US", INTEL),
    ("Intel, Inc.", "US", INTEL),
    (
        "Rimba Cakrawala Sentausa",
        "ID",
        "50db49ef-5aab-49d5-b6bf-cb8140dd90f0",
    ),
    (
        "PT. Rimba Cakrawala Sentausa, Tbk.",
        "ID",
        "50db49ef-5aab-49d5-b6bf-cb8140dd90f0",
    ),
    (
        "PT.Rimba Cakrawala Sentausa",
        "ID",
        "50db49ef-5aab-49d5-b6bf-cb8140dd90f0",
    ),
    (
        "Tirta Gunung Kelawi",
        "ID",
        "09b0de6e-34f7-4931-829f-ed3b4e66179b",
    ),
    (
        "Cengalbayu Maritime",
        "MY",
        "3dab2c18-7a8f-4d16-a2b4-299afab5e698",
    ),
    (
        "Cengalbayu Maritime SDN. BHD.",
        "MY",
        "3dab2c18-7a8f-4d16-a2b4-299afab5e698",
    ),
    (
        "Larkspur Quay Trading",
        "SG",
        "95d9085c-880f-49ba-9080-ab251cd38e23",
    ),
    (
        "Halvorsund Rederi",
        "NO",
        "69a8ce43-794a-4623-9b21-1ce08be3fe8e",
    ),
    (
        "Karhusuon Paperi",
        "FI",
        "502634ed-35af-4242-a8de-659d7b786b5d",
    ),
    (
        "Brennwalder Praezisionstechnik GmbH",
        "DE",
        "e3821081-c6e6-4b4d-a757-b2d3d19e0617",
    ),
    (
        "Brennwalder Prazision",
        "CH",
        "5c2240dd-b2d6-408d-a952-7488a34e48e6",
    ),
    (
        "Van Oosterkade Handel BV",
        "NL",
        "7119fe2a-3520-4c1f-ad65-d200df4b6dca",
    ),
    (
        "Societe Miniere de Kasombwe",
        "CD",
        "3765020f-b613-4a2f-8834-0a01a3b95969",
    ),
    (
        "Comercializadora Valle Turquesa",
        "MX",
        "0fbec4f3-ff2a-40d7-aaf3-c1ef17fd3c06",
    ),
    (
        "Inversiones Tucandela",
        "PA",
        "8da12574-770b-4874-bfdd-b123b0094b93",
    ),
    (
        "Transportadora Serra Urutagua",
        "BR",
        "7623e05d-f6b1-47bd-ba68-9f4586b41ca2",
    ),
    (
        "Severnaya Mednitsa",
        "RU",
        "86aeb35a-87de-4e47-9fe4-2882a8e3fad5",
    ),
    (
        "Северная Медница",
        "RU",
        "86aeb35a-87de-4e47-9fe4-2882a8e3fad5",
    ),
    (
        "Zhetibulaq Astyq",
        "KZ",
        "5b46706c-e51b-4dec-82f8-183cc76dddcc",
    ),
    (
        "Lanxu Yuanfan Optics",
        "CN",
        "595a43c4-b0c0-4c29-bff3-4cc48aea2065",
    ),
    (
        "Slate Heron Bay Trading",
        "HK",
        "497f554c-ffba-4ebf-b715-0ece4fdfc9be",
    ),
    (
        "Tsukigaura Seimitsu",
        "JP",
        "d1861ba3-1031-4b74-9b20-64d3ec1b21d9",
    ),
    (
        "Norusan Chemical",
        "KR",
        "87d9685d-bdf7-48c4-a05d-e03a948a0c0b",
    ),
    (
        "Siam Phukhao Ngoen",
        "TH",
        "24a4d7cc-41d0-45f8-ba23-1d13881edaf6",
    ),
    (
        "Song Lua Trang",
        "VN",
        "6c3951be-1fcc-475a-86c8-aefad68e4070",
    ),
    (
        "Neelkothar Agro Exports",
        "IN",
        "3fc6502f-8057-4c3e-b2dd-b503718fb345",
    ),
    (
        "Sahil Yaqzan General Trading",
        "AE",
        "0b9d48d7-3055-4c29-8d43-5a5624e00a82",
    ),
    (
        "Kavir Almasgun",
        "IR",
        "ade34773-804d-4a30-bf4c-bb4e271ce34d",
    ),
    (
        "Gokcetuna Denizcilik",
        "TR",
        "7ad1eb6d-3cae-4412-b4d8-aed0a1dfe7fd",
    ),
    (
        "Kymatousa Naftiliaki",
        "GR",
        "65642482-cc28-461b-a45b-f3b8b97ad590",
    ),
    (
        "Thackham & Pennyroyal",
        "GB",
        "050a6a38-bd66-4978-b3a5-bb687976ae22",
    ),
    (
        "Tamarind Ledger Holdings",
        "VG",
        "ac78b62e-4561-4715-a2f3-af35d1375bec",
    ),
    (
        "Wirrabinga Resources",
        "AU",
        "d18e8392-4538-4acb-910a-7d941523c84e",
    ),
];

#[tokio::test]
async fn the_legal_form_of_a_company_does_not_matter() {
    let client = Client::start().await;
    let mut wrong = Vec::new();
    for (name, domicile, id) in COMPANIES {
        let search = json!({"name": name, "business_domicile": domicile});
        let found = scores(&client, ENTITIES, &search).await;
        if found.first() != Some(&(id.to_owned(), 100)) {
            wrong.push(format!("{name} finds {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_misspelt_name_is_found_with_less_than_100_and_a_worse_one_with_still_less() {
    let client = Client::start().await;
    let score_of =
        async |name: &str| score(&client, INDIVIDUALS, &json!({"given_names": name}), EKO).await;
    let near = score_of("Eko Hadi Saleem").await.expect("found");
    let farther = score_of("Eka Hady Saleem").await.expect("found");
    assert!((85..100).contains(&near), "{near}");
    assert!((50..near).contains(&farther), "{farther} against {near}");
    assert_eq!(score_of("Bambang Prakoso").await, None);
}

#[tokio::test]
async fn a_name_on_no_list_has_no_results() {
    let client = Client::start().await;
    let person = json!({
        "user_id": "u", "given_names": "Zlqvarth", "surname": "Xwumbo", "nationality": "ID", "scopes": ["PEP"],
    });
    let company = json!({"user_id": "u", "name": "IBM Corporation", "business_domicile": "US", "scopes": ["PEP"]});
    for (path, body) in [(INDIVIDUALS, person), (ENTITIES, company)] {
        let answer = client.post(path, &body).await;
        let outcome = format!("{}/COMPLETED_NOT_FOUND", path.replace("/v0/identity", "v0"));
        assert_eq!(answer.header("x-sandbox-outcome"), Some(outcome.as_str()));
        assert_eq!(
            (&answer.json()["status"], &answer.json()["results"]),
            (&json!("COMPLETED"), &json!([]))
        );
    }
}

#[tokio::test]
async fn people_are_not_found_among_companies_nor_companies_among_people() {
    let client = Client::start().await;
    let search = json!({"name": "Eko Hadi Salim", "business_domicile": "ID"});
    assert_eq!(score(&client, ENTITIES, &search, EKO).await, None);
    let search = json!({"given_names": "Intel Corporation", "nationality": "US"});
    assert_eq!(score(&client, INDIVIDUALS, &search, INTEL).await, None);
}

// Thresholds, scopes, order.

#[tokio::test]
async fn a_threshold_leaves_out_exactly_what_scores_less() {
    let client = Client::start().await;
    let search = |threshold: u64| json!({"given_names": "Sutrimanto", "nationality": "ID", "score_threshold": threshold});
    let all = scores(&client, INDIVIDUALS, &search(50)).await;
    assert!(all.len() >= 2, "{all:?}");
    for threshold in 50..=100 {
        let expected: Vec<_> = all
            .iter()
            .filter(|(_, score)| *score >= threshold)
            .cloned()
            .collect();
        let found = scores(&client, INDIVIDUALS, &search(threshold)).await;
        assert_eq!(found, expected, "threshold {threshold}");
    }
}

#[tokio::test]
async fn the_threshold_is_85_unless_it_is_said() {
    let client = Client::start().await;
    let mut search = json!({"given_names": "Eka Hady Saleem", "score_threshold": 50});
    let low = score(&client, INDIVIDUALS, &search, EKO)
        .await
        .expect("found");
    assert!(low < 85, "{low}");
    search["score_threshold"] = Value::Null;
    assert_eq!(score(&client, INDIVIDUALS, &search, EKO).await, None);
}

#[tokio::test]
async fn a_search_finds_the_listings_that_meet_its_scopes_and_shows_all_of_theirs() {
    let client = Client::start().await;
    let in_scopes = async |scopes: &[&str]| {
        let search =
            json!({"given_names": "Azlan Merantika", "nationality": "ID", "scopes": scopes});
        let found = results(&client, INDIVIDUALS, &search).await;
        found
            .iter()
            .map(|found| found["id"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(in_scopes(&["SANCTION"]).await, [AZLAN_ID]);
    assert_eq!(in_scopes(&["PEP"]).await, [AZLAN_MY]);
    assert_eq!(in_scopes(&["OTHER"]).await, [] as [&str; 0]);
    assert_eq!(
        in_scopes(&["OTHER", "PEP", "SANCTION"]).await,
        [AZLAN_ID, AZLAN_MY]
    );

    let search = json!({"given_names": "Eko Hadi Salim", "nationality": "ID", "scopes": ["OTHER"]});
    assert_eq!(
        results(&client, INDIVIDUALS, &search).await[0]["scopes"],
        json!(["OTHER", "PEP"])
    );
    let search = json!({"name": "intel", "business_domicile": "US", "scopes": ["SANCTION"]});
    assert_eq!(results(&client, ENTITIES, &search).await, [] as [Value; 0]);
}

#[tokio::test]
async fn the_best_result_comes_first() {
    let client = Client::start().await;
    for name in [
        "Hari Shankar Velodia",
        "Maria Celeste",
        "Sutrismanto",
        "Larasmaya Pustakaningsih Endah",
    ] {
        let found = scores(&client, INDIVIDUALS, &json!({"given_names": name})).await;
        assert!(found.len() >= 2, "{name} finds {found:?}");
        assert!(
            found.is_sorted_by(|(_, one), (_, next)| one >= next),
            "{name} finds {found:?}"
        );
    }
    let found = scores(
        &client,
        INDIVIDUALS,
        &json!({"given_names": "Indah Larasmaya Pustakaningsih"}),
    )
    .await;
    let first_two: Vec<_> = found.iter().take(2).map(|(id, _)| id.as_str()).collect();
    assert_eq!(
        first_two,
        [
            "448f4848-fbb7-48ae-86f2-d283060c8e10",
            "e6014b77-ec74-421c-b561-cc10e8c61d8e"
        ]
    );
}

// Other known facts about a person.

#[tokio::test]
async fn the_right_surname_raises_the_score_and_a_wrong_one_lowers_it() {
    let client = Client::start().await;
    let with = async |surname: Value| {
        let search = json!({"given_names": "Eko Hadi", "surname": surname});
        score(&client, INDIVIDUALS, &search, EKO).await.unwrap_or(0)
    };
    let (without, right, wrong) = (
        with(Value::Null).await,
        with(json!("Salim")).await,
        with(json!("Prakoso")).await,
    );
    assert_eq!(right, 100);
    assert!(
        wrong < without && without < right,
        "{wrong}, {without}, {right}"
    );
    assert_eq!(with(json!("")).await, without);
}

#[tokio::test]
async fn the_right_date_of_birth_raises_the_score_and_a_wrong_one_lowers_it() {
    let client = Client::start().await;
    let with = async |name: &str, date: Value| {
        let search = json!({"given_names": name, "date_of_birth": date});
        score(&client, INDIVIDUALS, &search, EKO).await.unwrap_or(0)
    };
    let near = "Eko Hadi Saleem";
    let without = with(near, Value::Null).await;
    let right = with(near, json!("1943-03-11")).await;
    let another_day = with(near, json!("1943-03-12")).await;
    let another_year = with(near, json!("1981-03-11")).await;
    assert!(right > without, "{right} > {without}");
    assert!(without > another_day, "{without} > {another_day}");
    assert!(another_day > another_year, "{another_day} > {another_year}");
    assert_eq!(with("Eko Hadi Salim", json!("1943-03-11")).await, 100);
    assert!(with("Eko Hadi Salim", json!("1981-03-11")).await < 100);
}

#[tokio::test]
async fn a_date_that_is_known_in_part_counts_as_far_as_it_is_known() {
    let client = Client::start().await;
    // The listing has some day of 1959 or of 1960, and some day of April 1959.
    let azlan = ("Azlan Merantica", AZLAN_ID);
    let bonar = ("Bonar Sihalumbang", "c064a387-12b6-41e8-bbdf-866164d5288e");
    let with = async |(name, id): (&str, &str), date: Value| {
        let search = json!({"given_names": name, "date_of_birth": date});
        score(&client, INDIVIDUALS, &search, id).await.unwrap_or(0)
    };
    let without = with(azlan, Value::Null).await;
    for fits in ["1959-05-05", "1960-12-31"] {
        assert!(with(azlan, json!(fits)).await > without, "{fits}");
    }
    assert!(with(azlan, json!("1961-01-01")).await < without);

    let without = with(bonar, Value::Null).await;
    assert!(with(bonar, json!("1959-04-30")).await > without);
    assert!(with(bonar, json!("1959-05-30")).await < without);
}

#[tokio::test]
async fn another_nationality_lowers_the_score_and_any_of_several_fits() {
    let client = Client::start().await;
    let with = async |name: &str, nationality: &str, id: &str| {
        let search = json!({"given_names": name, "nationality": nationality});
        score(&client, INDIVIDUALS, &search, id).await.unwrap_or(0)
    };
    assert_eq!(with("Eko Hadi Salim", "ID", EKO).await, 100);
    let abroad = with("Eko Hadi Salim", "MY", EKO).await;
    assert!((50..100).contains(&abroad), "{abroad}");
    // From Indonesia and from Singapore.
    for nationality in ["ID", "SG"] {
        assert_eq!(
            with(
                "Liem Siok Wun",
                nationality,
                "eab624b0-50a7-43eb-ae92-46ef3af56643"
            )
            .await,
            100
        );
    }
}

#[tokio::test]
async fn nationality_and_date_of_birth_tell_namesakes_apart() {
    let client = Client::start().await;
    let first = async |nationality: &str, date: &str| {
        let search = json!({"given_names": "Azlan Merantika", "nationality": nationality, "date_of_birth": date});
        let found = scores(&client, INDIVIDUALS, &search).await;
        assert!(found.len() == 2 && found[0].1 > found[1].1, "{found:?}");
        found[0].0.clone()
    };
    assert_eq!(first("ID", "1959-08-17").await, AZLAN_ID);
    assert_eq!(first("MY", "1983-11-05").await, AZLAN_MY);
}

#[tokio::test]
async fn domicile_and_date_of_registration_count_for_companies() {
    let client = Client::start().await;
    let samudra = "afac86a1-4747-4b38-a880-7a3bb04d6a5c";
    let with = async |domicile: &str, date: Value| {
        let search = json!({"name": "Samudra Lintang", "business_domicile": domicile, "date_of_registration": date});
        score(&client, ENTITIES, &search, samudra)
            .await
            .unwrap_or(0)
    };
    let without = with("ID", Value::Null).await;
    assert!(with("ID", json!("1997-03-04")).await > without);
    assert!(with("ID", json!("2011-10-18")).await < without);
    assert!(with("SG", Value::Null).await < without);
}

// Reading a listing.

#[tokio::test]
async fn a_result_is_read_byte_for_byte_by_its_id_on_three_paths() {
    let client = Client::start().await;
    let person = json!({"given_names": "Eko Hadi Saleem"});
    let company = json!({"name": "Intell", "business_domicile": "US"});
    for (path, search, id) in [(INDIVIDUALS, person, EKO), (ENTITIES, company, INTEL)] {
        let found = results(&client, path, &search).await;
        let listing = found.iter().find(|found| found["id"] == id).expect("found");
        assert!(listing["score"].as_u64() < Some(100), "{listing}");
        for path in [LISTINGS, INDIVIDUALS, ENTITIES] {
            let read = client.get(&format!("{path}/{id}")).await;
            assert_eq!(
                (read.status, read.text),
                (200, listing.to_string()),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_listing_has_the_score_of_the_search_that_last_returned_it_in_this_world() {
    let client = Client::start().await;
    let read = async || client.get(&format!("{LISTINGS}/{EKO}")).await.json()["score"].as_u64();
    assert_eq!(read().await, Some(100), "before any search");

    let search = json!({"given_names": "Eko Hadi Saleem"});
    let near = score(&client, INDIVIDUALS, &search, EKO).await;
    assert!(near < Some(100));
    assert_eq!(read().await, near);

    let too_high = json!({"given_names": "Eka Hady Saleem", "score_threshold": 100});
    assert_eq!(score(&client, INDIVIDUALS, &too_high, EKO).await, None);
    assert_eq!(
        read().await,
        near,
        "a search that did not return it changes nothing"
    );

    let elsewhere = Answer::of(client.as_key(OTHER_KEY, "GET", &format!("{LISTINGS}/{EKO}"))).await;
    assert_eq!(
        elsewhere.json()["score"],
        100,
        "another key's searches do not count"
    );

    let search = json!({"given_names": "Eko Hadi Salim"});
    assert_eq!(score(&client, INDIVIDUALS, &search, EKO).await, Some(100));
    assert_eq!(read().await, Some(100));
}

#[tokio::test]
async fn a_listing_has_the_documented_keys_in_their_order() {
    let client = Client::start().await;
    assert_eq!(
        client.get(&format!("{LISTINGS}/{EKO}")).await.text,
        r#"{"id":"2dc667a4-d232-4d51-a561-631ce966fb2c","names":["Eko Hadi Salim"],"score":100,"scopes":["OTHER","PEP"],"nationalities":["ID"],"dates_of_birth":["1943-03-11"]}"#
    );
    assert_eq!(
        client.get(&format!("{LISTINGS}/{INTEL}")).await.text,
        r#"{"id":"ed84802c-d73d-4d22-8897-5bc771709073","score":100,"names":["Intel Corp","Intel Corporation"],"business_domiciles":["US"],"scopes":["OTHER","PEP"]}"#
    );
    assert_eq!(
        client
            .get(&format!("{LISTINGS}/50db49ef-5aab-49d5-b6bf-cb8140dd90f0"))
            .await
            .text,
        r#"{"id":"50db49ef-5aab-49d5-b6bf-cb8140dd90f0","score":100,"names":["PT Rimba Cakrawala Sentausa Tbk","Rimba Cakrawala Sentausa"],"business_domiciles":["ID"],"dates_of_registration":["1989-05-16"],"scopes":["PEP"]}"#
    );
}

#[tokio::test]
async fn what_is_no_listing_or_no_record_of_this_path_and_world_is_not_found() {
    let client = Client::start().await;
    let company =
        json!({"user_id": "u", "name": "intel", "business_domicile": "US", "scopes": ["PEP"]});
    let record = client.post(ENTITIES, &company).await.json();
    let record = record["id"].as_str().expect("an id");
    let stranger = client.as_key(OTHER_KEY, "GET", &format!("{ENTITIES}/{record}"));
    assert_eq!(
        Answer::of(stranger).await.status,
        404,
        "another world's record"
    );
    for (path, id) in [
        (LISTINGS, "2dc667a4-d232-4d51-a561-000000000000"),
        (INDIVIDUALS, "2dc667a4-d232-4d51-a561-000000000000"),
        (LISTINGS, "nonsense"),
        (LISTINGS, record),
        (INDIVIDUALS, record),
        (LISTINGS, "cftpi_05e27fc2-ac76-4307-9f46-36179abb7a6d"),
        ("/v0/identity/id_card_verifications", EKO),
    ] {
        let answer = client.get(&format!("{path}/{id}")).await;
        let expected = format!(
            r#"{{"error_code":"DATA_NOT_FOUND","message":"There is no record {id} in the world of this API key."}}"#
        );
        assert_eq!((answer.status, answer.text), (404, expected), "{path}");
    }
}

// The outcome COMPLETED_FOUND.

#[tokio::test]
async fn found_by_magic_a_listed_name_is_its_listing_alone() {
    let client = Client::start().await;
    let body = json!({
        "user_id": "u", "given_names": "salim", "surname": "EKO HADI", "nationality": "MY", "scopes": ["PEP"],
    });
    let found = magic_results(&client, INDIVIDUALS, &body).await;
    let listing = client.get(&format!("{LISTINGS}/{EKO}")).await;
    assert_eq!(json!(found).to_string(), format!("[{}]", listing.text));
    assert_eq!(found[0]["score"], 100);

    let body =
        json!({"user_id": "u", "name": "Intel", "business_domicile": "US", "scopes": ["PEP"]});
    let found = magic_results(&client, ENTITIES, &body).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], INTEL);
}

#[tokio::test]
async fn found_by_magic_an_unlisted_person_is_invented_from_what_was_sent_and_can_be_read() {
    let client = Client::start().await;
    let body = json!({
        "user_id": "u", "given_names": "Budi", "surname": "Takterdaftar", "nationality": "TL",
        "scopes": ["SANCTION", "OTHER"], "date_of_birth": "1990-02-03",
    });
    let found = magic_results(&client, INDIVIDUALS, &body).await;
    assert_eq!(found.len(), 1);
    let id = found[0]["id"].as_str().expect("an id");
    assert!(shape::is_uuid(id), "{id}");
    let rest = r#""names":["Budi Takterdaftar"],"score":100,"scopes":["OTHER","SANCTION"],"nationalities":["TL"],"dates_of_birth":["1990-02-03"]}"#;
    assert_eq!(found[0].to_string(), format!(r#"{{"id":"{id}",{rest}"#));
    for path in [LISTINGS, INDIVIDUALS, ENTITIES] {
        let read = client.get(&format!("{path}/{id}")).await;
        assert_eq!(
            (read.status, read.text),
            (200, found[0].to_string()),
            "{path}"
        );
    }
    let stranger = Answer::of(client.as_key(OTHER_KEY, "GET", &format!("{LISTINGS}/{id}"))).await;
    assert_eq!(stranger.status, 404);
}

#[tokio::test]
async fn found_by_magic_an_unlisted_company_is_invented_from_what_was_sent() {
    let client = Client::start().await;
    let mut body = json!({"user_id": "u", "name": "PT Takterdaftar", "business_domicile": "ID", "scopes": ["PEP"]});
    let found = magic_results(&client, ENTITIES, &body).await;
    let keys: Vec<_> = found[0].as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        ["id", "score", "names", "business_domiciles", "scopes"]
    );
    assert_eq!(found[0]["names"], json!(["PT Takterdaftar"]));

    body["date_of_registration"] = json!("2001-02-03");
    let found = magic_results(&client, ENTITIES, &body).await;
    assert_eq!(found[0]["dates_of_registration"], json!(["2001-02-03"]));
}

// Format of dates.

#[tokio::test]
async fn a_partial_date_is_left_out_where_dates_are_strings() {
    let client = Client::start().await;
    let dates = async |id: &str| {
        client.get(&format!("{LISTINGS}/{id}")).await.json()["dates_of_birth"].clone()
    };
    assert_eq!(
        dates("3ce2fbb2-837c-47a7-8d66-07cc432071ef").await,
        json!(["1960-03-21"])
    );
    assert_eq!(dates(AZLAN_ID).await, json!([]));
    assert_eq!(
        dates("992784cf-0c4a-4b04-8562-d751646573a9").await,
        json!([])
    );
}

#[tokio::test]
async fn dates_can_be_objects_with_a_0_for_what_is_not_known() {
    let client = Client::of(Sandbox::builder().watchlist_dates(DateForm::Objects)).await;
    let dates = async |id: &str, key: &str| {
        client.get(&format!("{LISTINGS}/{id}")).await.json()[key].to_string()
    };
    assert_eq!(
        dates(EKO, "dates_of_birth").await,
        r#"[{"y":1943,"m":3,"d":11}]"#
    );
    assert_eq!(
        dates("3ce2fbb2-837c-47a7-8d66-07cc432071ef", "dates_of_birth").await,
        r#"[{"y":1960,"m":3,"d":21},{"y":1962,"m":0,"d":0}]"#
    );
    assert_eq!(
        dates(
            "d6482794-93e4-4962-b6f1-070fe9f810a5",
            "dates_of_registration"
        )
        .await,
        r#"[{"y":2006,"m":7,"d":0}]"#
    );
    let found = results(
        &client,
        INDIVIDUALS,
        &json!({"given_names": "Eko Hadi Salim"}),
    )
    .await;
    assert_eq!(
        found[0]["dates_of_birth"].to_string(),
        r#"[{"y":1943,"m":3,"d":11}]"#
    );
}

// Searching.

/// The results of a search, by default in all scopes, from score 50, in Indonesia.
async fn results(client: &Client, path: &str, search: &Value) -> Vec<Value> {
    let mut body =
        json!({"user_id": "u", "scopes": ["PEP", "SANCTION", "OTHER"], "score_threshold": 50});
    if path == INDIVIDUALS {
        body["nationality"] = json!("ID");
    }
    let said = search.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(said);
    results_of(&client.post(path, &body).await)
}

/// Ids and scores, in the order of the reply.
async fn scores(client: &Client, path: &str, search: &Value) -> Vec<(String, u64)> {
    let found = results(client, path, search).await;
    let id_and_score =
        |found: &Value| Some((found["id"].as_str()?.to_owned(), found["score"].as_u64()?));
    found
        .iter()
        .map(|found| id_and_score(found).expect("an id and a score"))
        .collect()
}

/// The score of one listing, if it is found.
async fn score(client: &Client, path: &str, search: &Value, id: &str) -> Option<u64> {
    let found = scores(client, path, search).await;
    found
        .into_iter()
        .find(|(found, _)| found == id)
        .map(|(_, score)| score)
}

async fn magic_results(client: &Client, path: &str, body: &Value) -> Vec<Value> {
    let request = client
        .request("POST", path)
        .header("x-magic-reply", "COMPLETED_FOUND");
    results_of(&Answer::of(request.json(body)).await)
}

fn results_of(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"]
        .as_array()
        .expect("results")
        .clone()
}
