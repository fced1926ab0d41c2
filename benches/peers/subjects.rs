//! The peers: how each is given its only stub, and how it is started. They answer like the sandbox: same status, same type,
//! same bytes. Their logs are off, as the sandbox's is.

use std::fs::{create_dir_all, read_to_string, write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::load::SCREENING;
use crate::common::pinned::Subject;
use crate::common::{Explain, Outcome};

pub struct Peer {
    pub name: &'static str,
    pub version: String,
    pub subject: Subject,
}

/// A peer that is not measured, and the reason.
pub struct Skipped {
    pub name: &'static str,
    pub reason: String,
}

/// Where `benches/peers/install.sh` installs them.
pub struct Folder {
    root: PathBuf,
    /// What a stub answers.
    body: String,
    /// What a peer is asked until it answers with 200.
    first_request: Vec<u8>,
}

type Describe = fn(&Folder, &Path) -> Outcome<(PathBuf, Vec<String>)>;

const PEERS: [(&str, Describe); 5] = [
    ("httpmock", httpmock),
    ("wiremock-rs", wiremock_rs),
    ("wiremock", wiremock),
    ("mockoon", mockoon),
    ("prism", prism),
];

impl Folder {
    pub fn new(body: String, first_request: Vec<u8>) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        Self {
            root: PathBuf::from(target).join("peers"),
            body,
            first_request,
        }
    }

    /// Prepares every peer that is installed.
    pub fn peers(&self) -> Outcome<Vec<Result<Peer, Skipped>>> {
        PEERS
            .iter()
            .map(|(name, describe)| self.peer(name, *describe))
            .collect()
    }

    fn peer(&self, name: &'static str, describe: Describe) -> Outcome<Result<Peer, Skipped>> {
        let home = self.root.join(name);
        let Ok(version) = read_to_string(home.join("installed")) else {
            let reason = read_to_string(home.join("skipped"));
            let reason = reason.unwrap_or_else(|_| "benches/peers/install.sh was not run".into());
            let reason = reason.trim().to_owned();
            return Ok(Err(Skipped { name, reason }));
        };
        create_dir_all(home.join("stub")).explain("cannot make a folder for a stub")?;
        let (program, arguments) = describe(self, &home)?;
        Ok(Ok(Peer {
            name,
            version: version.trim().to_owned(),
            subject: Subject {
                name: name.into(),
                program,
                arguments,
                first_request: self.first_request.clone(),
                is_silent: true,
            },
        }))
    }
}

fn httpmock(folder: &Folder, home: &Path) -> Outcome<(PathBuf, Vec<String>)> {
    // Strings of JSON are strings of YAML.
    let stub = format!(
        "when:\n  method: POST\n  path: {SCREENING}\nthen:\n  status: 200\n  header:\n    - name: content-type\n      \
         value: application/json\n  body: {}\n",
        Value::from(folder.body.as_str())
    );
    let stubs = home.join("stub");
    save(&stubs.join("stub.yaml"), &stub)?;
    let arguments = [
        "--port",
        "{port}",
        "--disable-access-log",
        "--mock-files-dir",
        &text(&stubs),
    ];
    Ok((home.join("bin/httpmock"), owned(&arguments)))
}

fn wiremock_rs(folder: &Folder, home: &Path) -> Outcome<(PathBuf, Vec<String>)> {
    let body = home.join("stub/body.json");
    save(&body, &folder.body)?;
    let arguments = ["{port}", SCREENING, &text(&body)];
    Ok((home.join("bin/wiremock-rs"), owned(&arguments)))
}

/// Its journal has as many entries as the sandbox's: without a limit it would fill the memory.
fn wiremock(folder: &Folder, home: &Path) -> Outcome<(PathBuf, Vec<String>)> {
    let stub = json!({
        "request": {"method": "POST", "urlPath": SCREENING},
        "response": {"status": 200, "headers": {"content-type": "application/json"}, "body": folder.body},
    });
    let root = home.join("stub");
    create_dir_all(root.join("mappings")).explain("cannot make a folder for a stub")?;
    save(&root.join("mappings/stub.json"), &stub.to_string())?;
    let jar = home.join("node_modules/wiremock/build/wiremock-standalone-3.13.2.jar");
    let arguments = [
        "-jar",
        &text(&jar),
        "--port",
        "{port}",
        "--bind-address",
        "127.0.0.1",
        "--root-dir",
        &text(&root),
        "--max-request-journal-entries",
        "1000",
        "--use-chunked-encoding",
        "never",
    ];
    Ok(("java".into(), owned(&arguments)))
}

fn mockoon(folder: &Folder, home: &Path) -> Outcome<(PathBuf, Vec<String>)> {
    let (environment, route, response) = (
        "5f7a7a1e-0000-4000-8000-000000000001",
        "5f7a7a1e-0000-4000-8000-000000000002",
        "5f7a7a1e-0000-4000-8000-000000000003",
    );
    let stub = json!({
        "uuid": environment, "lastMigration": 33, "name": "stub", "port": 3000, "hostname": "127.0.0.1",
        "rootChildren": [{"type": "route", "uuid": route}],
        "routes": [{
            "uuid": route, "type": "http", "method": "post", "endpoint": SCREENING.trim_start_matches('/'),
            "responses": [{
                "uuid": response, "default": true, "statusCode": 200, "bodyType": "INLINE", "body": folder.body,
                "headers": [{"key": "content-type", "value": "application/json"}], "disableTemplating": true,
            }],
        }],
    });
    let file = home.join("stub/environment.json");
    save(&file, &stub.to_string())?;
    let program = home.join("node_modules/@mockoon/cli/bin/run.js");
    let arguments = [
        &text(&program),
        "start",
        "--repair",
        "--disable-log-to-file",
        "--data",
        &text(&file),
        "--port",
        "{port}",
        "--hostname",
        "127.0.0.1",
    ];
    Ok(("node".into(), owned(&arguments)))
}

fn prism(folder: &Folder, home: &Path) -> Outcome<(PathBuf, Vec<String>)> {
    let body: Value = serde_json::from_str(&folder.body).explain("the reply is no JSON")?;
    let stub = json!({
        "openapi": "3.1.0",
        "info": {"title": "stub", "version": "1"},
        "paths": {SCREENING: {"post": {
            "requestBody": {"content": {"application/json": {}}},
            "responses": {"200": {"description": "the stub", "content": {"application/json": {"example": body}}}},
        }}},
    });
    let file = home.join("stub/openapi.json");
    save(&file, &stub.to_string())?;
    let program = home.join("node_modules/@stoplight/prism-cli/dist/index.js");
    let arguments = [
        &text(&program),
        "mock",
        "--port",
        "{port}",
        "--host",
        "127.0.0.1",
        "--verboseLevel",
        "silent",
        &text(&file),
    ];
    Ok(("node".into(), owned(&arguments)))
}

fn save(path: &Path, contents: &str) -> Outcome<()> {
    write(path, contents).explain(format_args!("cannot write {}", path.display()))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}
