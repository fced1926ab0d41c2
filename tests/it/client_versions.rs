//! A release has one version: the clients name that of `Cargo.toml`.

use std::fs;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Each file with the text around its version, which is `VERSION` here. The wheel of Python takes that of `Cargo.toml`.
const PLACES: &[(&str, &str)] = &[
    ("clients/node/package.json", "\n  \"version\": \"VERSION\","),
    (
        "clients/node/package-lock.json",
        "\n  \"version\": \"VERSION\",",
    ),
    ("clients/java/pom.xml", "\n  <version>VERSION</version>"),
    ("clients/java/README.md", "\n  <version>VERSION</version>"),
    (
        "clients/php/composer.json",
        "\n    \"version\": \"VERSION\",",
    ),
    ("clients/go/README.md", "/clients/go@vVERSION"),
    ("clients/check", "version=vVERSION"),
];

#[test]
fn all_clients_have_the_version_of_the_binary() {
    for (path, place) in PLACES {
        let Ok(text) = fs::read_to_string(format!("{ROOT}/{path}")) else {
            assert!(!fs::exists(format!("{ROOT}/clients")).expect("a folder"));
            return; // the package of crates.io has no clients
        };
        let expected = place.replace("VERSION", VERSION);
        assert!(text.contains(&expected), "{path} lacks `{expected}`");
    }
}
