//! The settings for what the worlds may hold, and for the file that keeps them.

use std::path::PathBuf;

use super::builder::Builder;
use crate::base::Memory;

impl Builder {
    /// How much memory clients can make the sandbox hold. The default is 512 MiB, or three quarters of what the control
    /// group of the process may use, if that is less.
    ///
    /// ```
    /// use iluma_sandbox::{Memory, Sandbox};
    ///
    /// let memory: Memory = "64MiB".parse().unwrap();
    /// assert_eq!(memory.bytes(), 64 << 20);
    /// let builder = Sandbox::builder().memory(memory);
    /// ```
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.options.memory = Some(memory);
        self
    }

    /// Keeps the worlds in a file, which a later sandbox reads when it starts. The file is written every minute and at the
    /// end. [`Sandbox::stop`](crate::Sandbox::stop) returns when it is written; a sandbox that is dropped writes it as far
    /// as the runtime goes on. This setting does not go together with [`Builder::redact`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let builder = Sandbox::builder().state(folder.path().join("worlds.state"));
    /// let before = builder.clone().start().await.unwrap();
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # let bank = "/v1.1/identity/bank_account_data_requests";
    /// # let input = serde_json::json!({"bank_account_number": "7000000001", "bank_code": "BCA"});
    /// # let ask = client.post(before.url() + bank).basic_auth(before.api_key(), Some(""));
    /// # let record = ask.json(&input).send().await.unwrap().text().await.unwrap();
    /// # let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    /// # let id = record["id"].as_str().unwrap();
    /// // … the code under test asks, and keeps the id of its record, then:
    /// before.stop().await;
    ///
    /// let after = builder.start().await.unwrap();
    /// # let ask = client.get(format!("{}{bank}/{id}", after.url()));
    /// # let read = ask.basic_auth(after.api_key(), Some("")).send().await.unwrap();
    /// # assert_eq!(read.status(), 200);
    /// // … the code under test reads the record again, then:
    /// assert_eq!(after.requests()[0].status, 200);
    /// # });
    /// ```
    #[must_use]
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.state = Some(file.into());
        self
    }

    /// Appends all that happens to a file, in lines of JSON, while it happens: requests with their whole bodies, control
    /// calls, callbacks. `iluma-sandbox replay` answers it again. A file that is there already must be a recording. Keys and
    /// tokens are not written; [`Builder::redact`] hides personal fields too. If the disk is full, the sandbox goes on, and
    /// `readyz` says so.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let file = folder.path().join("run.jsonl");
    /// let sandbox = Sandbox::builder().record(&file).start().await.unwrap();
    /// sandbox.world_named("shop").next("v0/individual_cft_peps", "COMPLETED_FOUND");
    /// sandbox.stop().await;
    /// assert!(std::fs::read_to_string(file).unwrap().contains("/__sandbox/next"));
    /// # });
    /// ```
    #[must_use]
    pub fn record(mut self, file: impl Into<PathBuf>) -> Self {
        self.options.record = Some(file.into());
        self
    }

    /// The limit of the file of [`Builder::record`], in bytes. Without it, the limit is 1 GiB. What comes after it is not
    /// recorded.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use iluma_sandbox::Sandbox;
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let file = folder.path().join("run.jsonl");
    /// let sandbox = Sandbox::builder().record(&file).record_max(1000).start().await.unwrap();
    /// # let client = reqwest::Client::builder().no_proxy().build().unwrap();
    /// # client.get(sandbox.url() + "/v1/callback/urls").basic_auth(sandbox.api_key(), Some("")).send().await.unwrap();
    /// // … the code under test asks, then:
    /// sandbox.stop().await;
    /// assert!(std::fs::metadata(file).unwrap().len() <= 1000);
    /// # });
    /// ```
    #[must_use]
    pub fn record_max(mut self, bytes: u64) -> Self {
        self.options.record_bytes_max = Some(bytes);
        self
    }
}
