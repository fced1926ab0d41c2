//! A test suite that brings its own sandbox: `cargo test --example fixture`.
//!
//! Every test starts a sandbox on a port of its own; it stops when it is dropped. Nothing is shared, so
//! the tests run side by side, and their answers are the same in every run.

use iluma_sandbox::Sandbox;
use serde_json::{Value, json};

/// The code under test: a customer is let in unless a screening finds the name.
struct Onboarding {
    iluma_url: String,
    api_key: String,
}

impl Onboarding {
    async fn may_join(&self, given_names: &str) -> Result<bool, reqwest::Error> {
        let answer: Value = reqwest::Client::new()
            .post(format!(
                "{}/v0/identity/individual_cft_peps",
                self.iluma_url
            ))
            .basic_auth(&self.api_key, Some(""))
            .json(&json!({
                "user_id": "customer-1",
                "given_names": given_names,
                "nationality": "ID",
                "scopes": ["PEP", "SANCTION"],
            }))
            .send()
            .await?
            .json()
            .await?;
        Ok(answer["results"] == json!([]))
    }
}

/// Run as a program it shows both answers once.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let onboarding = Onboarding {
        iluma_url: sandbox.url(),
        api_key: sandbox.api_key(),
    };
    for name in ["Eko Hadi Salim", "Contoh Orang Biasa"] {
        println!("may {name} join? {}", onboarding.may_join(name).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_politically_exposed_person_is_not_let_in() {
        let sandbox = Sandbox::start().await.expect("the sandbox starts");
        let onboarding = Onboarding {
            iluma_url: sandbox.url(),
            api_key: sandbox.api_key(),
        };
        assert!(
            !onboarding
                .may_join("Eko Hadi Salim")
                .await
                .expect("an answer")
        );
    }

    #[tokio::test]
    async fn somebody_on_no_list_is_let_in() {
        let sandbox = Sandbox::start().await.expect("the sandbox starts");
        let onboarding = Onboarding {
            iluma_url: sandbox.url(),
            api_key: sandbox.api_key(),
        };
        assert!(
            onboarding
                .may_join("Contoh Orang Biasa")
                .await
                .expect("an answer")
        );
    }
}
