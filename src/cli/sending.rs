//! The flags that say how callbacks are sent: for `serve` and for an audit.

use clap::Args;

use crate::sandbox::Builder;

/// Whether callbacks are signed, and to which hosts they go instead.
#[derive(Debug, Args)]
pub(super) struct SendingArguments {
    /// Sign callbacks, in addition to the token. The only value is `standard-webhooks`.
    #[arg(long, value_name = "HOW", env = "ILUMA_SANDBOX_CALLBACK_SIGNING", value_parser = signing)]
    callback_signing: Option<()>,
    /// Send callbacks for the host FROM to the host TO instead. Can be repeated.
    #[arg(
        long,
        value_name = "FROM=TO",
        env = "ILUMA_SANDBOX_CALLBACK_HOST_MAP",
        value_parser = pair
    )]
    callback_host_map: Vec<(String, String)>,
}

impl SendingArguments {
    pub(super) fn signs(&self) -> bool {
        self.callback_signing.is_some()
    }

    pub(super) fn map_hosts(&self, builder: Builder) -> Builder {
        self.callback_host_map
            .iter()
            .fold(builder, |builder, (from, to)| {
                builder.callback_host(from, to)
            })
    }
}

fn signing(text: &str) -> Result<(), String> {
    match text {
        "standard-webhooks" => Ok(()),
        _ => Err("write `standard-webhooks`".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}
