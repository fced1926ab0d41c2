//! Mistakes in scenario files, each with its exact message, place and caret.

use std::fmt::Write;

use crate::process::{run, write};

/// A small correct endpoint. Each test breaks one place in it.
const THINGS: &str = r#"path = "/v9/things"
id = "thing_{hex24}"
[request.properties]
name = { type = "string" }
"#;

/// Files that have one mistake each, or a few of one kind. `THINGS` stands for the text above.
const BROKEN: &[(&str, &str)] = &[
    ("a key that is not known", "paht = \"/v9/things\""),
    ("nothing to go by", "name = \"empty\""),
    ("a value without quotes", "path = /v9"),
    ("a table that is not closed", "[outcomes.A"),
    (
        "a path below the control API",
        "path = \"/__sandbox/x\"\nid = \"x_{uuid}\"\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "an id without a drawn part",
        "path = \"/v9/x\"\nid = \"thing\"\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "a source that is no label",
        "path = \"/v9/x\"\nsource = \"guessed\"",
    ),
    ("no outcome", "THINGS"),
    ("no default", "THINGS[outcomes.A]\nbody = {}"),
    (
        "two defaults",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[outcomes.B]\ndefault = true\nbody = {}",
    ),
    (
        "an outcome's name",
        "THINGS[outcomes.done]\ndefault = true\nbody = {}",
    ),
    (
        "a misspelt key of an outcome",
        "THINGS[outcomes.A]\ndefualt = true\nbody = {}",
    ),
    (
        "a hole that names no field",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = \"{{input.nmae}}\" }",
    ),
    (
        "a hole that is not known",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = \"{{craeted}}\" }",
    ),
    (
        "a hole of a lookup that is not asked",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = \"{{bank.holder}}\" }",
    ),
    (
        "a hole that is not closed",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = \"{{id\" }",
    ),
    (
        "a fake that is not known",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = \"{{fake.fullname}}\" }",
    ),
    (
        "a hole that may be absent in a list",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = [\"{{input.name?}}\"] }",
    ),
    (
        "a body that is no table",
        "THINGS[outcomes.A]\ndefault = true\nbody = \"text\"",
    ),
    (
        "a date without quotes",
        "THINGS[outcomes.A]\ndefault = true\nbody = { a = 2026-01-01 }",
    ),
    (
        "a status out of range",
        "THINGS[outcomes.A]\ndefault = true\nstatus = 99\nbody = {}",
    ),
    (
        "a status without a body",
        "THINGS[outcomes.A]\ndefault = true\nstatus = 204\nbody = {}",
    ),
    (
        "an error that is a success",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[outcomes.B]\nstatus = 200\nerror = \"x\"",
    ),
    (
        "body and error",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[outcomes.B]\nbody = {}\nerror = \"x\"",
    ),
    (
        "a header that frames the body",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nheaders = { content-length = 3 }",
    ),
    (
        "a header with a line break",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nheaders = { x-a = \"b\\r\\nc: d\" }",
    ),
    (
        "a sequence of nothing",
        "THINGS[outcomes.A]\ndefault = true\nsequence = []",
    ),
    (
        "a sequence of what is not there",
        "THINGS[outcomes.A]\ndefault = true\nsequence = [\"SERVER_EROR\"]",
    ),
    (
        "a sequence with a body",
        "THINGS[outcomes.A]\ndefault = true\nsequence = [\"SERVER_ERROR\"]\nbody = {}",
    ),
    (
        "then for ever",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nthen = { after = \"1s\", outcome = \"A\" }",
    ),
    (
        "then an error",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nthen = { after = \"1s\", outcome = \"SERVER_ERROR\" }",
    ),
    (
        "a delay that is none",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nthen = { after = \"soon\", outcome = \"A\" }",
    ),
    (
        "a callback without a type",
        "THINGS[outcomes.A]\ndefault = true\ncallback = true\nbody = {}",
    ),
    (
        "a way for a callback to go",
        "THINGS[callback]\ntype = \"T\"\n[outcomes.A]\ndefault = true\ncallback = \"duplicat\"\nbody = {}",
    ),
    (
        "a condition on nothing",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nwhen = { \"name\" = 1 }",
    ),
    (
        "a condition on a field that is not there",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nwhen = { \"input.nam\" = 1 }",
    ),
    (
        "an operator that is not known",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nwhen = { \"input.name\" = { start_with = \"a\" } }",
    ),
    (
        "a regular expression",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nwhen = { \"input.name\" = { regex = \"[\" } }",
    ),
    (
        "a keyword of JSON Schema",
        "THINGS[request.properties.age]\ntype = \"integer\"\nminimun = 1\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "a type of JSON Schema",
        "THINGS[request.properties.age]\ntype = \"strng\"\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "an error of a rule",
        "THINGS[request.properties.age]\nx-error = { type = \"TYPO_ERROR\" }\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "a sample that does not fit",
        "path = \"/v9/x\"\nid = \"x_{uuid}\"\n[request]\nrequired = [\"a\"]\nexamples = [{}]\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "an alias that is taken",
        "THINGS[outcomes.A]\ndefault = true\naliases = [\"B\"]\nbody = {}\n[outcomes.B]\nbody = {}",
    ),
    (
        "an alias that is the name of a shared error",
        "THINGS[outcomes.A]\ndefault = true\naliases = [\"SERVER_ERROR\"]\nbody = {}",
    ),
    (
        "an alias that is the outcome's own name",
        "THINGS[outcomes.A]\ndefault = true\naliases = [\"A\"]\nbody = {}",
    ),
    (
        "an alias of two outcomes",
        "THINGS[outcomes.A]\ndefault = true\naliases = [\"C\"]\nbody = {}\n[outcomes.B]\naliases = [\"C\"]\nbody = {}",
    ),
    (
        "an alias in the case of another",
        "THINGS[outcomes.A]\ndefault = true\naliases = [\"C\", \"c\"]\nbody = {}",
    ),
    (
        "a misspelt key of then",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\nthen = { afte = \"1s\", outcome = \"SERVER_ERROR\" }",
    ),
    (
        "a misspelt key of a record",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[[records]]\nid = \"a\"\noutcom = \"A\"",
    ),
    (
        "misspelt keys of the small tables",
        "callback = { typ = \"T\" }\nkeep = { form = \"a\" }\nreply = { bdy = {} }",
    ),
    (
        "a misspelt key of dummy data",
        "extends = \"dummy/register\"\n[[people]]\nnikk = \"1234567890123456\"",
    ),
    (
        "an error without a message",
        "THINGS[outcomes.A]\nerror = { code = \"A\" }",
    ),
    (
        "a method that there is not",
        "path = \"/v9/x\"\nmethod = \"PUT\"\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "a content type that there is not",
        "content_type = \"text/plain\"\nTHINGS[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "listings of what there is not",
        "path = \"/v9/x\"\nlistings = \"register\"",
    ),
    (
        "a lookup that is not known",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[lookup]\nin = \"watchlist.people\"",
    ),
    (
        "something kept from nowhere",
        "keep = { from = \"parts\", at = \"v0/cft_pep_listings\" }\nTHINGS[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "an endpoint to read that is not there",
        "reads = [\"v0/cft_pep_listing\"]\nTHINGS[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "a record that does not fit",
        "THINGS[outcomes.A]\ndefault = true\nbody = {}\n[[records]]\nid = \"a/b\"\noutcome = \"A\"\ncreated = \"yesterday\"\nupdated = \"2026-01-01T00:00:00Z\"\ninput = { name = 1, nam = 2 }",
    ),
    (
        "a path that is taken",
        "path = \"/v1.1/identity/bank_account_data_requests\"\nid = \"x_{uuid}\"\n[outcomes.A]\ndefault = true\nbody = {}",
    ),
    (
        "dummy data that cannot be",
        "extends = \"dummy/register\"\n[[people]]\nnik = \"12\"\nname = \"A\"\nbirthdate = \"31-02-1990\"\nbirthplace = \"B\"\naddress = \"C\"\nselfie_score = 101",
    ),
    (
        "a listing that cannot be",
        "extends = \"dummy/watchlist\"\n[[individuals]]\nid = \"1\"\nnames = []\nscopes = [\"PEPS\"]\nnationalities = [\"XX\"]",
    ),
    (
        "something to extend that is not there",
        "extends = \"v1.1/bank_account_data\"",
    ),
];

#[test]
fn every_mistake_is_reported_with_its_place_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = String::new();
    for (mistake, text) in BROKEN {
        let dir = folder.path().join(mistake.replace(' ', "-"));
        write(&dir, "mine.toml", &text.replace("THINGS", THINGS));
        let (code, out, err) = run(&["check", dir.to_str().expect("UTF-8")]);
        assert_eq!((code, err.as_str()), (1, ""), "{mistake}: {out}");
        let out = out.replace(dir.to_str().expect("UTF-8"), "DIR");
        writeln!(report, "# {mistake}\n{out}").expect("a string");
    }
    insta::assert_snapshot!(report);
}

/// Mistakes that involve several files.
const BROKEN_TOGETHER: &[(&str, &[(&str, &str)])] = &[
    (
        "two files that extend the same and give different outcomes the same alias",
        &[
            (
                "one.toml",
                "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.A]\naliases = [\"MINE\"]\nbody = {}",
            ),
            (
                "two.toml",
                "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.B]\naliases = [\"MINE\"]\nbody = {}",
            ),
        ],
    ),
    (
        "an outcome that is an alias of the file that it extends",
        &[(
            "one.toml",
            "extends = \"v1/ktp_name/validations\"\n[outcomes.FOUND]\nbody = {}",
        )],
    ),
    (
        "an outcome that is an alias of another file that extends the same",
        &[
            (
                "one.toml",
                "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.A]\naliases = [\"MINE\"]\nbody = {}",
            ),
            (
                "two.toml",
                "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.MINE]\nbody = {}",
            ),
        ],
    ),
    (
        "an alias that is a shared error of another file",
        &[
            (
                "errors/mine.toml",
                "extends = \"errors\"\n[outcomes.TEAPOT_ERROR]\nstatus = 418\nerror = \"x\"",
            ),
            (
                "one.toml",
                "extends = \"v1.1/bank_account_data_requests\"\n[outcomes.A]\naliases = [\"TEAPOT_ERROR\"]\nbody = {}",
            ),
        ],
    ),
    (
        "settings that are not known",
        &[(
            "sandbox.toml",
            "watchlist_date = \"strings\"\ncallback_urls = { T = \"ftp://127.0.0.1/\" }",
        )],
    ),
];

#[test]
fn every_mistake_between_files_is_reported_where_it_can_be_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = String::new();
    for (mistake, files) in BROKEN_TOGETHER {
        let dir = folder.path().join(mistake.replace(' ', "-"));
        for (name, text) in *files {
            write(&dir, name, text);
        }
        let (code, out, err) = run(&["check", dir.to_str().expect("UTF-8")]);
        assert_eq!((code, err.as_str()), (1, ""), "{mistake}: {out}");
        let out = out.replace(dir.to_str().expect("UTF-8"), "DIR");
        writeln!(report, "# {mistake}\n{out}").expect("a string");
    }
    insta::assert_snapshot!(report);
}

#[test]
fn a_real_key_in_a_broken_settings_file_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "s3cr3t".repeat(8);
    write(
        folder.path(),
        "sandbox.toml",
        &format!("api_keys = [\"iluma_live_{secret}\"\n"),
    );
    let (code, out, _) = run(&["check", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    assert!(out.contains("iluma_live_·"), "{out}");
    assert!(!out.contains("s3cr3t"), "{out}");

    let (code, out, err) = run(&["serve", "--api-key", &format!("iluma_live_{secret}!")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "iluma-sandbox: a value of --api-key is no API key: after its beginning an API key has \
         30 to 80 letters, digits, `/`, `=` or `+`\n"
    );
}
