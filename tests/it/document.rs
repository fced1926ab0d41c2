//! `document`: pictures that every upload accepts. They are always the same, and their names select an outcome.

use std::path::{Path, PathBuf};

use reqwest::multipart::{Form, Part};

use crate::client::{Answer, Client};
use crate::process::{command, write};

const ID_CARDS: &str = "/v0/identity/id_card_verifications";

/// The output and exit code of a command in a folder.
fn document(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = command(&[&["document"], arguments].concat());
    let output = command.current_dir(folder).output().expect("it runs");
    (
        output.status.code().expect("an exit code"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// The bytes of a file that is drawn.
fn drawn(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, err) = document(folder.path(), arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    let path = out.strip_suffix('\n').expect("one line");
    std::fs::read(folder.path().join(path)).expect("it was written")
}

#[tokio::test]
async fn cards_and_selfies_are_taken_by_every_shipped_upload() {
    let client = Client::start().await;
    let mut uploads = 0;
    for (path, request) in shipped_requests() {
        let properties = request["properties"].as_table().expect("properties");
        let is_file = |(_, rules): &(&String, &toml::Value)| {
            rules.get("format").and_then(toml::Value::as_str) == Some("file")
        };
        for (field, _) in properties.iter().filter(is_file) {
            uploads += 1;
            for arguments in [
                ["--kind", "card"].as_slice(),
                &["--kind", "selfie"],
                &["--magic", "SERVER_ERROR"],
            ] {
                let sample = request["examples"][0].as_table().expect("a sample");
                let texts = sample.iter().filter(|(_, value)| value.is_str());
                let form = texts.fold(Form::new(), |form, (name, text)| {
                    form.text(name.clone(), text.as_str().unwrap_or_default().to_owned())
                });
                let part = Part::bytes(drawn(arguments)).file_name("picture.png");
                let request = client.request("POST", &path);
                let form = form.part(field.clone(), part);
                let answer = Answer::of(request.multipart(form)).await;
                assert_eq!(answer.status, 200, "{path} {arguments:?}: {}", answer.text);
            }
        }
    }
    assert!(uploads > 0, "there are uploads");
}

#[tokio::test]
async fn a_picture_that_is_too_small_or_too_large_is_refused_as_it_is_meant_to_be() {
    let client = Client::start().await;
    for (arguments, error) in [
        (["--size", "499x640"], "FILE_TOO_SMALL"),
        (["--size", "640x499"], "FILE_TOO_SMALL"),
        (["--size", "400x400"], "FILE_TOO_SMALL"),
        (["--bytes", "512001"], "FILE_TOO_LARGE"),
    ] {
        let answer = verify(&client, drawn(&arguments)).await;
        assert_eq!(answer.status, 413, "{arguments:?}: {}", answer.text);
        assert_eq!(answer.json()["error_code"], error, "{arguments:?}");
    }
    let largest = verify(&client, drawn(&["--bytes", "512000"])).await;
    assert_eq!(largest.status, 200, "{}", largest.text);
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_outcome_gives_others() {
    for kind in ["card", "selfie"] {
        let draw = |magic| drawn(&["--kind", kind, "--magic", magic]);
        let first = draw("COMPLETED_FOUND");
        assert!(first == draw("COMPLETED_FOUND"), "{kind}");
        assert!(first == draw("completed_found"), "{kind}");
        assert!(first != draw("COMPLETED_NOT_FOUND"), "{kind}");
        assert!(first != drawn(&["--kind", kind]), "{kind}");
    }
    assert!(drawn(&[]) != drawn(&["--kind", "selfie"]));
}

#[test]
fn another_decoder_reads_what_is_drawn() {
    for (arguments, width, height) in [
        ([].as_slice(), 1012, 638),
        (&["--kind", "selfie", "--magic", "FAILED"], 640, 640),
        (&["--size", "64x65"], 64, 65),
        (&["--size", "65x64", "--bytes", "70000"], 65, 64), // two pixels a byte, and one is left
        (&["--size", "4096x70"], 4096, 70),
    ] {
        let file = drawn(arguments);
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it fits")];
        let frame = reader.next_frame(&mut pixels).expect("pixels");
        reader.finish().expect("an end");
        assert_eq!(
            (frame.width, frame.height),
            (width, height),
            "{arguments:?}"
        );
        let red = pixels
            .chunks(3)
            .filter(|pixel| *pixel == [0xc4, 0x1e, 0x1e]);
        let red = red.count() * 100 / (pixels.len() / 3);
        assert!(
            (8..=20).contains(&red),
            "{arguments:?}: {red} % of a band that warns"
        );
    }
}

#[test]
fn a_file_of_a_length_that_is_asked_for_has_exactly_that_length() {
    let own = drawn(&["--size", "64x64"]).len();
    for bytes in [own, own + 20, own + 21, 100_000] {
        let bytes = bytes.to_string();
        let file = drawn(&["--size", "64x64", "--bytes", &bytes]);
        assert_eq!(file.len().to_string(), bytes);
    }
    let folder = tempfile::tempdir().expect("a folder");
    for bytes in [1, own - 1, own + 1, own + 19] {
        let (code, out, err) = document(
            folder.path(),
            &["--size", "64x64", "--bytes", &bytes.to_string()],
        );
        assert_eq!((code, out.as_str()), (2, ""));
        assert_eq!(
            err,
            format!(
                "iluma-sandbox: a picture of 64x64 has {own} bytes, and can only be filled up to {} bytes or more: give a smaller --size or another --bytes\n",
                own + 20
            )
        );
    }
}

#[test]
fn the_file_name_carries_the_outcome_and_is_printed() {
    let magic = ["--magic", "COMPLETED_NOT_FOUND"];
    for (arguments, path) in [
        ([].as_slice(), "card.png"),
        (&["--kind", "selfie"], "selfie.png"),
        (&["-o", "ktp.png"], "ktp.png"),
        (&magic, "card.completed_not_found.png"),
        (
            &[&magic[..], &["-o", "ktp.png"]].concat(),
            "ktp.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "ktp"]].concat(),
            "ktp.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "my.ktp.PNG"]].concat(),
            "my.ktp.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "Completed_Not_Found.png"]].concat(),
            "Completed_Not_Found.png",
        ),
        (
            &[&magic[..], &["-o", "a.completed_not_found.png"]].concat(),
            "a.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "in"]].concat(),
            "in/card.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "in/", "--kind", "selfie"]].concat(),
            "in/selfie.completed_not_found.png",
        ),
        (
            &[&magic[..], &["-o", "in/ktp.png"]].concat(),
            "in/ktp.completed_not_found.png",
        ),
        (&["--magic", "failed"], "card.failed.png"),
        (&["--magic", "FILE_TOO_LARGE"], "card.file_too_large.png"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("in")).expect("a folder");
        let printed = document(folder.path(), arguments);
        assert_eq!(
            printed,
            (0, format!("{path}\n"), String::new()),
            "{arguments:?}"
        );
        assert!(folder.path().join(path).is_file(), "{arguments:?}");
    }
}

#[test]
fn nothing_is_overwritten_unless_it_is_forced() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "card.png", "mine");
    let kept = || std::fs::read(folder.path().join("card.png")).expect("a file");
    assert_eq!(
        document(folder.path(), &[]),
        (
            1,
            String::new(),
            "iluma-sandbox: card.png already exists: use --force to overwrite it\n".to_owned()
        )
    );
    assert_eq!(kept(), b"mine");
    assert_eq!(document(folder.path(), &["--force"]).0, 0);
    assert!(kept() == drawn(&[]));
}

#[test]
fn what_cannot_be_drawn_or_written_is_one_clear_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, code, sentence) in [
        (
            ["-o", "ktp.jpg"],
            2,
            "iluma-sandbox: only PNG files can be written: use `ktp.png`\n",
        ),
        (
            ["-o", "no/such/ktp.png"],
            1,
            "iluma-sandbox: cannot write no/such/ktp.png: no such file or directory\n",
        ),
        (
            ["-o", ".png"],
            2,
            "iluma-sandbox: .png is not a file name\n",
        ),
    ] {
        let said = document(folder.path(), &arguments);
        assert_eq!(said, (code, String::new(), sentence.to_owned()));
    }
    for (arguments, part) in [
        (
            ["--size", "63x64"],
            "write width and height in pixels, such as `400x400`, from 64 to 4096",
        ),
        (
            ["--size", "64"],
            "write width and height in pixels, such as `400x400`, from 64 to 4096",
        ),
        (["--bytes", "16777217"], "16777217 is not in 1..=16777216"),
        (["--kind", "passport"], "[possible values: card, selfie]"),
    ] {
        let (code, out, err) = document(folder.path(), &arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left behind");
}

#[test]
fn an_outcome_that_no_upload_has_is_refused_with_the_nearest_and_all_that_are_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, err) = document(folder.path(), &["--magic", "COMPLETED_NOTFOUND"]);
    assert_eq!((code, out.as_str()), (2, ""));
    let start = "iluma-sandbox: `COMPLETED_NOTFOUND` is not an outcome of an endpoint with an upload: \
                 did you mean `COMPLETED_NOT_FOUND`? known outcomes: `COMPLETED_FOUND`, `COMPLETED_NOT_FOUND`, ";
    assert!(err.starts_with(start), "{err}");

    // This outcome belongs to a bank validator, which has no uploads.
    let (code, _, err) = document(folder.path(), &["--magic", "COMPLETED_VIRTUAL_ACCOUNT"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn outcomes_and_uploads_of_a_folder_count_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenarios = "path = \"/v9/passports\"\nid = \"pass_{uuid}\"\ncontent_type = \"multipart/form-data\"\n\
                     [request.properties.scan]\ntype = \"object\"\nformat = \"file\"\n\
                     [outcomes.STAMPED]\ndefault = true\nbody = {}\n";
    write(
        &folder.path().join("scenarios"),
        "passports.toml",
        scenarios,
    );
    let arguments = ["--magic", "stamped", "--scenarios", "scenarios"];
    let printed = document(folder.path(), &arguments);
    assert_eq!(printed, (0, "card.stamped.png\n".to_owned(), String::new()));
    assert_eq!(document(folder.path(), &arguments[..2]).0, 2);
}

async fn verify(client: &Client, file: Vec<u8>) -> Answer {
    let form = Form::new()
        .text("name", "Contoh Orang")
        .text("id_card_number", "3171010101700001")
        .part("selfie", Part::bytes(file).file_name("picture.png"));
    Answer::of(client.request("POST", ID_CARDS).multipart(form)).await
}

/// Path and request rules of every shipped endpoint with uploads.
fn shipped_requests() -> Vec<(String, toml::Value)> {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                let text = std::fs::read_to_string(path).expect("a file");
                let file: toml::Table = text.parse().expect("TOML");
                let kind = file.get("content_type").and_then(toml::Value::as_str);
                if kind == Some("multipart/form-data") {
                    let path = file["path"].as_str().expect("a path");
                    found.push((path.to_owned(), file["request"].clone()));
                }
            }
        }
    }
    found
}
