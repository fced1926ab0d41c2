//! Whether the HTTP clients of this machine trust the local certificate authority, as they are set up here.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::finding::Finding;
use crate::base::{LogText, reason, short};
use crate::sandbox::Sandbox;
use crate::server::{AUTHORITY_FILE, create};

const CHECK: &str = "trust";

/// How long a program may take. Java needs some seconds to start.
const PROGRAM_TIME: Duration = Duration::from_secs(10);

const SOURCE_FILE: &str = "Ask.java";

const NODE: &str = "require('https').get(process.argv[1], () => process.exit(0))\
    .on('error', error => { console.error(error.code, error.message); process.exit(1) })";

const PYTHON: &str = "import sys, urllib.request\n\
    try: urllib.request.urlopen(sys.argv[1], timeout=5)\n\
    except Exception as error: sys.exit(str(error))";

const JAVA: &str = "import java.net.URI;\n\
    import java.net.http.*;\n\
    class Ask {\n    \
    public static void main(String[] arguments) throws Exception {\n        \
    var request = HttpRequest.newBuilder(URI.create(arguments[0])).build();\n        \
    try { HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.discarding()); }\n        \
    catch (java.io.IOException error) { System.err.println(error); System.exit(1); }\n    \
    }\n\
    }\n";

/// Words in the errors of clients about a certificate.
const DISTRUST: [&str; 5] = ["certificate", "cert_", "self_signed", "pkix", "ssl"];

/// Asks a sandbox of its own with TLS, by each client. `is_needed` says that the user's sandbox serves HTTPS.
pub(super) async fn check(folder: Result<PathBuf, String>, is_needed: bool) -> Vec<Finding> {
    let folder = match folder {
        Ok(folder) if folder.join(AUTHORITY_FILE).exists() => folder,
        Ok(_) | Err(_) => {
            let none = "skipped: there is no local certificate authority; the first `serve --tls` creates it";
            return vec![Finding::ok(CHECK, none)];
        }
    };
    let started = Sandbox::builder().tls(true).ca_folder(folder).start().await;
    let sandbox = match started {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let remedy = "see `iluma-sandbox ca --help`";
            return vec![Finding::error(CHECK, error.to_string(), remedy)];
        }
    };
    let url = format!("{}/__sandbox/livez", sandbox.url());
    let by_curl = ["--silent", "--show-error", "--noproxy", "*", &url];
    let (by_node, by_python) = (["-e", NODE, &url], ["-c", PYTHON, &url]);
    let (curl, node, python, java) = tokio::join!(
        asked("curl", "curl", &by_curl, is_needed),
        asked("node", "node", &by_node, is_needed),
        asked("python", "python3", &by_python, is_needed),
        java(&url, is_needed),
    );
    sandbox.stop().await;
    vec![curl, node, python, java]
}

async fn java(url: &str, is_needed: bool) -> Finding {
    let folder = match written_source() {
        Ok(folder) => folder,
        Err(error) => {
            return skipped(
                "java",
                &format!("no file can be written: {}", reason(&error)),
            );
        }
    };
    let path = folder.path().join(SOURCE_FILE);
    let path = path.to_string_lossy();
    asked("java", "java", &[&path, url], is_needed).await
}

/// A folder with the source, which is removed when this is dropped.
fn written_source() -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    create(&folder.path().join(SOURCE_FILE), JAVA.as_bytes())?;
    Ok(folder)
}

async fn asked(name: &str, program: &str, arguments: &[&str], is_needed: bool) -> Finding {
    let output = Command::new(program)
        .args(arguments)
        .envs([("NO_PROXY", "*"), ("no_proxy", "*")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match timeout(PROGRAM_TIME, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
            return skipped(name, &format!("{program} is not installed here"));
        }
        Ok(Err(error)) => return unclear(name, &format!("{program}: {}", reason(&error))),
        Err(_) => {
            let slow = format!("{program} did not end within {PROGRAM_TIME:?}");
            return unclear(name, &slow);
        }
    };
    if output.status.success() {
        return Finding::ok(
            CHECK,
            format!("{name} trusts the local certificate authority"),
        );
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let shown = |line: &str| short(&LogText(line).to_string());
    // curl begins with the reason, and then has advice in several lines.
    let Some(error) = stderr.lines().find(|line| is_distrust(line)).map(shown) else {
        let last = stderr.lines().rfind(|line| !line.trim().is_empty());
        let error = shown(last.unwrap_or_default());
        return unclear(name, &format!("{program} failed: {error}"));
    };
    let message = format!("{name} does not trust the local certificate authority: {error}");
    let remedy = format!("see `iluma-sandbox ca trust-help {name}`");
    if is_needed {
        Finding::error(CHECK, message, remedy)
    } else {
        Finding::warning(CHECK, message + " (this matters only for HTTPS)", remedy)
    }
}

fn is_distrust(line: &str) -> bool {
    let line = line.to_lowercase();
    DISTRUST.iter().any(|word| line.contains(word))
}

fn skipped(name: &str, why: &str) -> Finding {
    Finding::ok(CHECK, format!("{name} was skipped: {why}"))
}

/// The program is there, but does not say whether it trusts the authority.
fn unclear(name: &str, why: &str) -> Finding {
    Finding::warning(
        CHECK,
        format!("{name} cannot be asked: {why}"),
        "see whether the program works here",
    )
}
