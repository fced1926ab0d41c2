//! HTTPS of the binary: its authority, users' own certificates, both ports, and the commands that
//! connect to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, command, run};
use crate::secure::{Offer, address, get_http1};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn mode(path: &Path) -> u32 {
    let about = fs::metadata(path).expect("it is there");
    about.permissions().mode() & 0o777
}

/// A process that serves HTTPS with the authority in this folder.
fn serve(ca: &Path, more: &[&str]) -> Process {
    Process::serve(
        &[
            &["--tls", "--ca-dir", text(ca), "--log-format", "off"],
            more,
        ]
        .concat(),
    )
}

/// The error of `serve` if it does not start.
fn refused(arguments: &[&str]) -> String {
    let (code, out, err) = run(&[&["serve", "--port", "0"], arguments].concat());
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    let last = err.lines().last().unwrap_or_default();
    last.strip_prefix("iluma-sandbox: ").expect(last).to_owned()
}

async fn is_trusted(url: &str, pem: &str) -> bool {
    let shaken = Offer::trusting(pem).to(address(url), "localhost").await;
    shaken.is_ok()
}

#[tokio::test]
async fn a_second_start_has_the_same_authority_whose_key_is_its_owners_alone() {
    let data = folder();
    let ca = data.path().join("deep/ca");
    let process = serve(&ca, &[]);
    assert!(
        process.url.starts_with("https://127.0.0.1:"),
        "{}",
        process.url
    );
    let pem = fs::read_to_string(ca.join("ca.pem")).expect("an authority");
    assert!(is_trusted(&process.url, &pem).await);
    assert_eq!((mode(&ca), mode(&ca.join("ca-key.pem"))), (0o700, 0o600));
    assert_eq!(process.terminate().0, 0);

    let again = serve(&ca, &[]);
    assert_eq!(
        fs::read_to_string(ca.join("ca.pem")).expect("an authority"),
        pem
    );
    assert!(is_trusted(&again.url, &pem).await);
    let mut names: Vec<_> = fs::read_dir(&ca)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["ca-key.pem", "ca.lock", "ca.pem"]);
}

#[test]
fn sandboxes_that_start_at_once_agree_on_one_authority() {
    let data = folder();
    let export = || {
        let mut command = command(&["ca", "export", "--ca-dir", text(data.path())]);
        command.stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let all: Vec<_> = (0..8).map(|_| export()).collect();
    let mut said: Vec<_> = all
        .into_iter()
        .map(|one| one.wait_with_output().expect("it ends").stdout)
        .collect();
    said.dedup();
    assert_eq!(said.len(), 1);
    assert_eq!(
        said[0],
        fs::read(data.path().join("ca.pem")).expect("an authority")
    );
}

#[test]
fn an_authority_that_cannot_be_used_is_refused_with_what_to_do() {
    let data = folder();
    let ca = data.path().join("ca");
    let (key, certificate) = (ca.join("ca-key.pem"), ca.join("ca.pem"));
    let make = || {
        fs::remove_dir_all(&ca).ok();
        assert_eq!(run(&["ca", "path", "--ca-dir", text(&ca)]).0, 0);
    };
    let arguments = ["--tls", "--ca-dir", text(&ca)];

    make();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its mode");
    assert_eq!(
        refused(&arguments),
        format!(
            "other users can access {key} (its mode is 644), and with it they can pretend to be any server to \
             your clients: run `chmod 600 {key}`, or remove it and ca.pem to create a new authority",
            key = text(&key)
        )
    );
    make();
    fs::write(&key, "rubbish").expect("a file");
    assert_eq!(
        refused(&arguments),
        format!(
            "{} has no private key that this sandbox created: remove it and ca.pem to create a new authority",
            text(&key)
        )
    );
    make();
    fs::remove_file(&key).expect("a file");
    assert_eq!(
        refused(&arguments),
        format!(
            "{} exists, but its key ca-key.pem is missing: put the key back into the same folder, or remove both to \
             create a new authority",
            text(&certificate)
        )
    );
    let not_its_own = format!(
        "{} is not the certificate of the key in the same folder: remove both to create a new authority, or use your \
         own certificate with --tls-cert and --tls-key",
        text(&certificate)
    );
    let (other, _) = own(data.path(), "other", |_| {});
    for wrong in [
        "",
        "rubbish",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &fs::read_to_string(&other).expect("a file"),
    ] {
        make();
        fs::write(&certificate, wrong).expect("a file");
        assert_eq!(refused(&arguments), not_its_own, "{wrong}");
    }
    make();
    fs::remove_file(&key).expect("a file");
    fs::create_dir(&key).expect("a folder");
    assert_eq!(
        refused(&arguments),
        format!(
            "cannot read {} of the certificate authority: it is not a file",
            text(&key)
        )
    );
    fs::remove_dir_all(&ca).expect("a folder");
    fs::write(&ca, "a file").expect("a file");
    assert_eq!(
        refused(&arguments),
        format!(
            "cannot create the folder of the certificate authority {}: file exists; name another with --ca-dir",
            text(&ca)
        )
    );
}

#[test]
fn a_certificate_that_is_missing_or_near_its_end_is_made_anew_by_the_same_key() {
    let data = folder();
    let (path, key) = (data.path().join("ca.pem"), data.path().join("ca-key.pem"));
    let export = || run(&["ca", "export", "--ca-dir", text(data.path())]);
    assert_eq!(export().0, 0);
    let own_key = fs::read_to_string(&key).expect("a key");
    fs::remove_file(&path).expect("a file");
    let (code, made, _) = export();
    assert_eq!(
        (code, fs::read_to_string(&key).expect("a key")),
        (0, own_key.clone())
    );

    // The same authority, shortly before its end.
    let signer = KeyPair::from_pem(&own_key).expect("a key");
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::OrganizationName, ORGANISATION);
    params
        .distinguished_name
        .push(DnType::CommonName, made_name(&made));
    params.not_after = date_time_ymd(2020, 1, 1);
    let old = params.self_signed(&signer).expect("a certificate").pem();
    fs::write(&path, &old).expect("a file");
    let (code, renewed, _) = export();
    assert_eq!(
        (code, fs::read_to_string(&key).expect("a key")),
        (0, own_key)
    );
    assert!(
        renewed != old && renewed.starts_with("-----BEGIN CERTIFICATE-----"),
        "{renewed}"
    );
    assert_eq!(export().1, renewed);

    fs::write(&path, &old).expect("a file");
    let process = Process::serve(&["--tls", "--ca-dir", text(data.path())]);
    let (_, _, log) = process.terminate();
    let said = format!(
        "the certificate authority {} was valid until 2020-01-01T00:00:00Z and has been renewed",
        text(&path)
    );
    assert!(log.contains(&said), "{log}");
}

#[test]
fn a_certificate_of_the_own_key_with_another_subject_is_refused() {
    let data = folder();
    let (path, key) = (data.path().join("ca.pem"), data.path().join("ca-key.pem"));
    let export = || run(&["ca", "export", "--ca-dir", text(data.path())]);
    let (code, made, _) = export();
    assert_eq!(code, 0);
    let signer = KeyPair::from_pem(&fs::read_to_string(key).expect("a key")).expect("a key");
    let name = made_name(&made);
    let nothing: [(DnType, &str); 0] = [];
    // The name is in the certificate, but clients compare the whole subject with the issuer of a leaf.
    for subject in [
        &nothing[..],
        &[(DnType::CommonName, &name)],
        &[(DnType::OrganizationName, &name)],
        &[
            (DnType::CommonName, &name),
            (DnType::OrganizationName, "Acme"),
        ],
        &[
            (DnType::OrganizationName, ORGANISATION),
            (DnType::CommonName, &name),
        ],
    ] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.distinguished_name = DistinguishedName::new();
        for (part, value) in subject {
            params.distinguished_name.push(part.clone(), *value);
        }
        let other = params.self_signed(&signer).expect("a certificate").pem();
        fs::write(&path, other).expect("a file");
        let (code, _, err) = export();
        assert_eq!(code, 1, "{subject:?}");
        assert!(
            err.contains("ca.pem is not the certificate of the key in the same folder"),
            "{subject:?}: {err}"
        );
    }
}

const ORGANISATION: &str = "iluma-sandbox, for tests on this machine";

/// The name in a certificate: `iluma-sandbox local CA 1a2b3c4d`.
fn made_name(pem: &str) -> String {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    let start = b"iluma-sandbox local CA ";
    let at = der.windows(start.len()).position(|part| part == start);
    let at = at.expect("its name");
    String::from_utf8(der[at..at + start.len() + 8].to_vec()).expect("text")
}

/// A user's own certificate for localhost and its key, as files.
fn own(folder: &Path, name: &str, more: impl FnOnce(&mut CertificateParams)) -> (PathBuf, PathBuf) {
    let (certificate, key_path) = (
        folder.join(format!("{name}.pem")),
        folder.join(format!("{name}-key.pem")),
    );
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    more(&mut params);
    let made = params.self_signed(&key).expect("a certificate");
    fs::write(&certificate, made.pem()).expect("a file");
    fs::write(&key_path, key.serialize_pem()).expect("a file");
    (certificate, key_path)
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_shown_and_no_authority_is_made() {
    let data = folder();
    let (certificate, key) = own(data.path(), "own", |_| {});
    let ca = data.path().join("ca");
    let ready = data.path().join("ready.json");
    let process = serve(
        &ca,
        &[
            "--tls-cert",
            text(&certificate),
            "--tls-key",
            text(&key),
            "--ready-file",
            text(&ready),
        ],
    );
    let pem = fs::read_to_string(&certificate).expect("a file");
    assert!(is_trusted(&process.url, &pem).await);
    assert!(!ca.exists());
    let ready: Value = serde_json::from_slice(&fs::read(&ready).expect("a file")).expect("JSON");
    assert_eq!(
        (&ready["url"], &ready["ca_file"]),
        (&process.url.as_str().into(), &Value::Null)
    );
    // It is for localhost and not for 127.0.0.1, but `readyz` works all the same.
    let (code, out, _) = run(&["readyz", "--url", &process.url]);
    assert_eq!((code, out), (0, format!("{} is ready\n", process.url)));
    let url = process.url.replace("127.0.0.1", "localhost");
    let (code, out, err) = run(&["env", "--url", &url, "--ca-file", text(&certificate)]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with(&format!("export ILUMA_BASE_URL='{url}'\n")),
        "{out}"
    );
}

#[test]
fn certificates_and_keys_that_cannot_be_used_are_refused_with_what_to_do() {
    let data = folder();
    let (certificate, key) = own(data.path(), "own", |_| {});
    let (_, other_key) = own(data.path(), "other", |_| {});
    let file = |name: &str, bytes: &[u8]| {
        let path = data.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path
    };
    let der = file("der", b"\x30\x82\x01\x00");
    let encrypted = file(
        "encrypted",
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let old = file("old", b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    let broken = file(
        "broken",
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    );
    let rubbish = file(
        "rubbish",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let empty = file("empty", b"");
    let none = data.path().join("none");
    for (certificate, key, expected) in [
        (&none, &key, "cannot read {c}: no such file or directory"),
        (
            &certificate,
            &none,
            "cannot read {k}: no such file or directory",
        ),
        (
            &certificate,
            &other_key,
            "{k} is not the key of the certificate {c}",
        ),
        (
            &certificate,
            &certificate,
            "{k} has no private key in PEM (`-----BEGIN PRIVATE KEY-----`)",
        ),
        (
            &empty,
            &key,
            "{c} has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)",
        ),
        (&broken, &key, "{c} is broken PEM"),
        (&rubbish, &key, "{c} has no readable X.509 certificate"),
        (
            &der,
            &key,
            "{c} looks like DER or PKCS#12, but PEM is needed: `openssl x509 -inform der -in {c} -out FILE` converts DER, `openssl pkcs12 -nodes -in {c} -out FILE` converts PKCS#12",
        ),
        (
            &certificate,
            &encrypted,
            "the key {k} is encrypted, and the sandbox cannot ask for its password: decrypt it with `openssl pkey -in {k} -out FILE`",
        ),
        (
            &certificate,
            &old,
            "the key {k} is encrypted, and the sandbox cannot ask for its password: decrypt it with `openssl pkey -in {k} -out FILE`",
        ),
    ] {
        let said = refused(&["--tls-cert", text(certificate), "--tls-key", text(key)]);
        let expected = expected
            .replace("{c}", text(certificate))
            .replace("{k}", text(key));
        assert_eq!(said, expected);
    }
    let (code, _, err) = run(&["serve", "--tls-cert", text(&certificate)]);
    assert_eq!(code, 2);
    assert!(err.contains("--tls-key <FILE>"), "{err}");
    assert_eq!(
        refused(&["--tls-host", "kyc.test"]),
        "--tls-host has no effect without HTTPS: add --tls or --tls-port"
    );
    let (code, _, err) = run(&["serve", "--tls", "--tls-host", "https://kyc.test"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("`https://kyc.test` is neither a host name nor an IP address"),
        "{err}"
    );
}

#[tokio::test]
async fn both_ports_are_told_of_and_commands_find_the_one_that_answers() {
    let data = folder();
    let ready = data.path().join("ready.json");
    let mut process = Process::serve(&[
        "--tls-port",
        "0",
        "--ca-dir",
        text(data.path()),
        "--ready-file",
        text(&ready),
        "--log-format",
        "off",
    ]);
    let told: Value = serde_json::from_slice(&fs::read(&ready).expect("a file")).expect("JSON");
    let tls_url = told["tls_url"].as_str().expect("https").to_owned();
    assert_eq!(told["url"], process.url.as_str());
    assert_eq!(told["ca_file"], text(&data.path().join("ca.pem")));
    assert!(process.url.starts_with("http://") && tls_url.starts_with("https://"));
    assert_eq!(process.line(), format!("HTTPS is at {tls_url}\n"));
    let port = tls_url.rsplit(':').next().expect("a port");
    let readyz = |variables: &[(&str, &str)]| {
        let mut command = command(&["readyz"]);
        command.envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("UTF-8"),
        )
    };
    let expected = (Some(0), format!("{tls_url} is ready\n"));
    assert_eq!(
        readyz(&[("ILUMA_SANDBOX_PORT", port), ("ILUMA_SANDBOX_TLS", "true")]),
        expected
    );
    let only = [
        ("ILUMA_SANDBOX_TLS_PORT", port),
        ("ILUMA_SANDBOX_HTTPS_ONLY", "1"),
    ];
    assert_eq!(readyz(&only), expected);
    let plain_port = process.url.rsplit(':').next().expect("a port").to_owned();
    let both = [
        ("ILUMA_SANDBOX_TLS_PORT", port),
        ("ILUMA_SANDBOX_PORT", &plain_port),
    ];
    assert_eq!(
        readyz(&both),
        (Some(0), format!("{} is ready\n", process.url))
    );

    let (code, _, err) = run(&[
        "env",
        "--url",
        &tls_url,
        "--ca-dir",
        text(&data.path().join("none")),
    ]);
    assert_eq!(code, 1);
    assert_eq!(
        err,
        format!(
            "iluma-sandbox: cannot reach a sandbox at {tls_url}: TLS with 127.0.0.1 failed: its certificate is \
             signed by nobody that is trusted: give its authority with --ca-file; start one, or give its URL \
             with --url\n"
        )
    );
    let (code, out, _) = run(&["env", "--url", &tls_url, "--ca-dir", text(data.path())]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with(&format!("export ILUMA_BASE_URL='{tls_url}'\n")),
        "{out}"
    );
    let pem = fs::read_to_string(data.path().join("ca.pem")).expect("an authority");
    let mut offer = Offer::trusting(&pem);
    offer.alpn = &["http/1.1"];
    let stream = offer.to(address(&tls_url), "localhost").await.expect("TLS");
    assert_eq!(get_http1(stream, "localhost", "/health").await.status, 200);
}

#[test]
fn the_authority_is_exported_found_and_explained() {
    let data = folder();
    let home = data.path().join("home folder");
    let own = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env_remove("XDG_DATA_HOME").env("HOME", &home);
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let path = if cfg!(target_os = "macos") {
        home.join("Library/Application Support/iluma-sandbox/ca.pem")
    } else {
        home.join(".local/share/iluma-sandbox/ca.pem")
    };
    assert_eq!(own(&["ca", "path"]), format!("{}\n", text(&path)));
    let pem = fs::read_to_string(&path).expect("an authority");
    assert_eq!(own(&["ca", "export"]), pem);
    let copy = data.path().join("copy.pem");
    assert_eq!(
        own(&["ca", "export", "-o", text(&copy)]),
        format!("{}\n", text(&copy))
    );
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), pem);
    let told: Value =
        serde_json::from_str(&own(&["ca", "export", "--format", "json"])).expect("JSON");
    assert_eq!(
        (&told["pem"], &told["path"]),
        (&pem.into(), &text(&path).into())
    );

    let help = own(&["ca", "trust-help"]);
    let quoted = format!("'{}'", text(&path));
    for words in [
        format!("curl --cacert {quoted} https://localhost:4586/__sandbox/readyz"),
        format!("export NODE_EXTRA_CA_CERTS={quoted}"),
        format!("export REQUESTS_CA_BUNDLE={quoted}"),
        format!("export SSL_CERT_FILE={quoted}"),
        format!("context.load_verify_locations(\"{}\")", text(&path)),
        format!("keytool -importcert -noprompt -alias iluma-sandbox -file {quoted}"),
        "--add-host host.docker.internal:host-gateway".to_owned(),
    ] {
        assert!(help.contains(&words), "{words} in {help}");
    }
    let told: Value =
        serde_json::from_str(&own(&["ca", "trust-help", "go", "--format", "json"])).expect("JSON");
    assert_eq!(
        told["clients"]
            .as_object()
            .expect("clients")
            .keys()
            .collect::<Vec<_>>(),
        ["go"]
    );

    // By the address of the URL.
    for (arguments, environment, url) in [
        (
            &["--url", "https://kyc.test:8443/"][..],
            None,
            "https://kyc.test:8443",
        ),
        (
            &[],
            Some(("ILUMA_SANDBOX_PORT", "4600")),
            "https://localhost:4600",
        ),
        (
            &[],
            Some(("ILUMA_SANDBOX_TLS_PORT", "0")),
            "https://localhost:4586",
        ),
        (
            &[],
            Some(("ILUMA_SANDBOX_TLS_PORT", "")),
            "https://localhost:4586",
        ),
    ] {
        let mut help = command(&[&["ca", "trust-help", "curl"], arguments].concat());
        help.env_remove("XDG_DATA_HOME").env("HOME", &home);
        let output = help.envs(environment).output().expect("it runs");
        let told = String::from_utf8(output.stdout).expect("UTF-8");
        let line = format!("    curl --cacert {quoted} {url}/__sandbox/readyz");
        assert_eq!(told.lines().nth(1), Some(line.as_str()));
    }

    let mut homeless = command(&["serve", "--port", "0", "--tls"]);
    homeless.env_remove("XDG_DATA_HOME").env_remove("HOME");
    let output = homeless.output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).expect("UTF-8"),
        "iluma-sandbox: there is no home folder for the certificate authority: name a folder with --ca-dir, \
         or use your own certificate with --tls-cert and --tls-key\n"
    );
}

#[test]
fn the_folder_of_the_authority_may_be_named_before_what_is_asked_of_it() {
    let data = folder();
    let told = run(&["ca", "--ca-dir", text(data.path()), "path"]);
    let path = format!("{}\n", text(&data.path().join("ca.pem")));
    assert_eq!(told, (0, path, String::new()));
}

#[test]
fn a_certificate_of_ones_own_that_is_an_authoritys_is_taken_with_a_warning() {
    let data = folder();
    let (certificate, key) = own(data.path(), "own", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let leaf = own(data.path(), "leaf", |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
    });
    let warned = |(certificate, key): (&Path, &Path)| {
        let process = Process::serve(&["--tls-cert", text(certificate), "--tls-key", text(key)]);
        let (_, _, log) = process.terminate();
        let line = log.lines().find(|line| line.contains(" WARN "));
        line.map(|line| line.split_once(" WARN ").expect("its level").1.to_owned())
    };
    assert_eq!(
        warned((&certificate, &key)),
        Some(format!(
            "the certificate {} is that of an authority (CA:TRUE), which some clients refuse from a server: use one that it \
             has signed",
            text(&certificate)
        ))
    );
    assert_eq!(warned((&leaf.0, &leaf.1)), None);
}

#[test]
fn what_asks_a_port_of_https_in_plain_is_told_so() {
    let data = folder();
    let process = serve(data.path(), &[]);
    let plain = process.url.replace("https", "http");
    let told = format!(
        "iluma-sandbox: the server at {plain} uses HTTPS: write its URL as {}\n",
        process.url
    );
    assert_eq!(run(&["readyz", "--url", &plain]), (1, String::new(), told));
}

#[test]
fn an_export_overwrites_nothing_but_a_certificate() {
    let data = folder();
    let file = data.path().join("file");
    let export = || {
        run(&[
            "ca",
            "export",
            "--ca-dir",
            text(data.path()),
            "-o",
            text(&file),
        ])
    };
    let (own, own_key) = own(data.path(), "own", |_| {});
    let (own, own_key) = (fs::read(own), fs::read(own_key));
    let (own, own_key) = (own.expect("a file"), own_key.expect("a file"));
    for kept in [
        b"notes".to_vec(),
        own_key.clone(),
        own.repeat(2),
        [own_key, own.clone()].concat(),
    ] {
        fs::write(&file, &kept).expect("a file");
        let refused = format!(
            "iluma-sandbox: {} exists and is not a single certificate in PEM: remove it, or name another \
             file\n",
            text(&file)
        );
        assert_eq!(export(), (1, String::new(), refused));
        assert_eq!(fs::read(&file).expect("a file"), kept);
    }
    let pem = fs::read(data.path().join("ca.pem")).expect("an authority");
    for replaced in [own, Vec::new()] {
        fs::write(&file, replaced).expect("a file");
        assert_eq!(export().0, 0);
        assert_eq!(fs::read(&file).expect("a file"), pem);
    }
}

#[test]
fn plain_http_and_https_cannot_have_the_same_port() {
    let data = folder();
    let (code, _, err) = run(&[
        "serve",
        "--port",
        "45860",
        "--tls-port",
        "45860",
        "--ca-dir",
        text(data.path()),
    ]);
    assert_eq!(
        (code, err.as_str()),
        (
            2,
            "iluma-sandbox: plain HTTP and HTTPS cannot use the same port, 45860: choose another with --tls-port, \
             or serve HTTPS alone with --tls\n"
        )
    );
    assert!(!data.path().join("ca.pem").exists(), "nothing was made");
}
