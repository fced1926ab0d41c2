//! How to make each client trust the local certificate authority, in words to paste. Each entry is for one
//! program or one process: nothing here changes what the whole machine trusts, unless the entry says so.

use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::reference::shell_word;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    Curl,
    Node,
    Python,
    Java,
    Go,
    Docker,
}

/// The certificate to trust, and the sandbox that shows it.
pub(super) struct TrustHelp<'a> {
    pub path: &'a Path,
    /// `https://localhost:4586`
    pub url: String,
}

impl TrustHelp<'_> {
    pub(super) fn text(&self, only: Option<Client>) -> String {
        let said = asked(only).map(|client| {
            let body = self.words(client);
            format!("{}\n{}\n", title(client), indented(&body))
        });
        said.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn json(&self, only: Option<Client>) -> Value {
        let clients = asked(only).map(|client| {
            let name = client.to_possible_value().expect("none is skipped");
            (name.get_name().to_owned(), self.words(client).into())
        });
        json!({"path": self.path, "clients": clients.collect::<serde_json::Map<String, Value>>()})
    }

    fn words(&self, client: Client) -> String {
        let ca = shell_word(&self.path.display().to_string());
        let url = shell_word(&self.url);
        let quoted = Value::from(self.path.display().to_string()); // Python and Go read this quoting too
        match client {
            Client::Curl => format!(
                "curl --cacert {ca} {url}/__sandbox/readyz\n\
                 # or for every curl of this shell:\n\
                 export CURL_CA_BUNDLE={ca}"
            ),
            Client::Node => format!(
                "# Adds it to the authorities that Node trusts. Node reads this once, at its start:\n\
                 export NODE_EXTRA_CA_CERTS={ca}"
            ),
            Client::Python => format!(
                "# For requests; replaces the authorities that it trusts:\n\
                 export REQUESTS_CA_BUNDLE={ca}\n\
                 # For httpx and everything that uses ssl.create_default_context(); also replaces them:\n\
                 export SSL_CERT_FILE={ca}\n\
                 # or in the program, in addition to those of the system:\n\
                 context = ssl.create_default_context()\n\
                 context.load_verify_locations({quoted})\n\
                 httpx.Client(verify=context)"
            ),
            Client::Java => format!(
                "# Creates a trust store that holds only this authority:\n\
                 keytool -importcert -noprompt -alias iluma-sandbox -file {ca} \\\n    \
                 -keystore iluma-sandbox.p12 -storetype PKCS12 -storepass changeit\n\
                 java -Djavax.net.ssl.trustStore=iluma-sandbox.p12 \\\n    \
                 -Djavax.net.ssl.trustStorePassword=changeit -Djavax.net.ssl.trustStoreType=PKCS12 …"
            ),
            Client::Go => format!(
                "# On Linux and the BSDs; replaces the authorities of the system:\n\
                 export SSL_CERT_FILE={ca}\n\
                 # or in the program, on every system:\n\
                 pem, err := os.ReadFile({quoted})\n\
                 roots := x509.NewCertPool()\n\
                 roots.AppendCertsFromPEM(pem)\n\
                 client := &http.Client{{Transport: &http.Transport{{TLSClientConfig: &tls.Config{{RootCAs: roots}}}}}}"
            ),
            Client::Docker => format!(
                "# Start the sandbox with the name that containers use for it: --tls-host host.docker.internal\n\
                 docker run --add-host host.docker.internal:host-gateway \\\n    \
                 -v {ca}:/iluma-sandbox-ca.pem:ro -e NODE_EXTRA_CA_CERTS=/iluma-sandbox-ca.pem \\\n    \
                 -e SSL_CERT_FILE=/iluma-sandbox-ca.pem -e REQUESTS_CA_BUNDLE=/iluma-sandbox-ca.pem …\n\
                 # or for a whole Debian image, in its Dockerfile:\n\
                 COPY ca.pem /usr/local/share/ca-certificates/iluma-sandbox.crt\n\
                 RUN update-ca-certificates"
            ),
        }
    }
}

fn asked(only: Option<Client>) -> impl Iterator<Item = Client> {
    let all = Client::value_variants().iter().copied();
    all.filter(move |client| only.is_none_or(|only| only == *client))
}

fn title(client: Client) -> &'static str {
    match client {
        Client::Curl => "curl",
        Client::Node => "Node (fetch, axios, got, undici; since Node 7.3)",
        Client::Python => "Python (requests, httpx, ssl)",
        Client::Java => "Java (keytool; java.net.http, OkHttp, Apache HttpClient)",
        Client::Go => "Go (net/http)",
        Client::Docker => "Docker (a container that calls the sandbox)",
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("    {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
