//! What the control API works with: the engine, the courier, and the parts that belong to the sandbox itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hyper::StatusCode;
use tokio::sync::watch;

use super::inbox_store::Inbox;
use super::recording_status::RecordingStatus;
use super::redacted_explanation::redact_explanation;
use super::state_access::StateAccess;
use super::upload_store::UploadStore;
use crate::answer::{self, Engine, Explanation, FoundExchange};
use crate::base::{InFlight, Turns};
use crate::callbacks::Courier;
use crate::catalogue::Catalogue;
use crate::http::{Call, ControlToken};
use crate::reference::{Curl, curl_start, public_key};
use crate::world::{Exchange, Mask, World};

#[derive(Debug)]
pub(crate) struct Context {
    pub engine: Arc<Engine>,
    pub courier: Arc<Courier>,
    pub inbox: Inbox,
    pub uploads: UploadStore,
    /// The memory for requests and replies in flight.
    pub in_flight: InFlight,
    /// A page of requests ends when its bodies and heads reach this size, for they may be large.
    pub page_bytes_max: usize,
    /// The file that keeps the worlds. None without `--state`.
    pub state: Option<StateAccess>,
    /// None without `--record`.
    pub recording: Option<Arc<Mutex<RecordingStatus>>>,
    /// Personal fields are not shown.
    pub redacts: bool,
    /// A broken file makes the sandbox unready.
    pub strict_reload: bool,
    /// The file with the certificate of the sandbox's own authority.
    pub authority_file: Option<PathBuf>,
    /// The commands of the binary, each with its purpose. A library has none.
    pub commands: fn() -> Vec<(String, String)>,
    /// True when the sandbox stops.
    pub stop: watch::Receiver<bool>,
    /// Long calculations for the control API.
    pub turns: Turns,
}

impl Context {
    /// Curl lines for the address at which the client called the sandbox.
    pub(super) fn curl(&self, catalogue: &Catalogue, call: &Call) -> Curl {
        let lets_in = self.admits_public_key(catalogue);
        Curl::new(self.curl_start(call), call.base_url(), lets_in)
    }

    /// The start of a curl line that calls the sandbox as this call did.
    pub(super) fn curl_start(&self, call: &Call) -> String {
        let authority = self.authority_file.as_deref();
        curl_start(authority.filter(|_| call.is_secure()))
    }

    /// Whether the documentation's key is let in.
    pub(super) fn admits_public_key(&self, catalogue: &Catalogue) -> bool {
        self.engine.admit(catalogue, &public_key()).is_ok()
    }

    /// The mask for everything that the control API and the log write.
    pub(crate) fn mask(&self) -> Mask {
        let token = self.engine.guard.token();
        Mask::new(self.engine.worlds.tokens.clone())
            .with_control_token(token.map(ControlToken::reveal))
            .with_personal(self.redacts)
    }

    /// Explains why an exchange was answered as it was. `world` is none for an exchange of no world.
    pub(crate) fn explain(&self, world: Option<&World>, exchange: &Exchange) -> Explanation {
        let mut explanation = answer::explain(&self.engine, world, exchange);
        if self.redacts {
            redact_explanation(
                &mut explanation,
                exchange,
                &self.engine.catalogue().personal,
            );
        }
        explanation
    }

    /// The same for the exchange of a trace. If there is none, the error is a status and a sentence.
    pub(crate) fn explain_trace(
        &self,
        trace: &str,
        may_see: impl Fn(&World) -> bool,
    ) -> Result<Explanation, (StatusCode, String)> {
        let FoundExchange { world, exchange } =
            answer::find_exchange(&self.engine, trace, may_see)?;
        Ok(self.explain(world.as_deref(), &exchange))
    }
}
