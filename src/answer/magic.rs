//! `x-magic-reply`: the header with which a client picks its answer.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::HeaderMap;

use crate::base::{Behaviour, Delay, Fault, nearest, short};
use crate::catalogue::{Endpoint, Outcome};
use crate::http::{self, ApiError, MAGIC_HEADER, RepeatedHeader};

/// The parts of the header: `COMPLETED_FOUND; delay=3s; fault=truncate; callback=duplicate`.
#[derive(Default)]
pub(crate) struct Magic<'e> {
    pub outcome: Option<&'e Arc<Outcome>>,
    pub callback: Option<Behaviour>,
    pub faults: AskedFaults,
}

/// The delay and the fault that a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AskedFaults {
    pub delay: Option<Delay>,
    pub fault: Option<Fault>,
}

impl AskedFaults {
    pub(super) fn is_none(&self) -> bool {
        self.delay.is_none() && self.fault.is_none()
    }
}

/// The parts that may follow an outcome, or stand alone. A GET has no callback.
const AXES: [&str; 3] = ["delay", "fault", "callback"];

const AXIS_BYTES_MAX: usize = 200;

/// Reads the header. An empty header counts as none. An unknown value is refused.
pub(crate) fn read_magic<'e>(
    headers: &HeaderMap,
    endpoint: &'e Endpoint,
    only_errors: bool,
) -> Result<Magic<'e>, ApiError> {
    let mut magic = Magic::default();
    let repeated = |RepeatedHeader| {
        ApiError::unknown_magic(
            "x-magic-reply came more than once, with different values: say all of it in one, such as \
             `COMPLETED_FOUND; delay=3s`."
                .to_owned(),
        )
    };
    let Some(header) = http::single_header(headers, MAGIC_HEADER).map_err(repeated)? else {
        return Ok(magic);
    };
    let Ok(text) = std::str::from_utf8(header.as_bytes()) else {
        return Err(ApiError::unknown_magic(
            "x-magic-reply is not UTF-8 text.".to_owned(),
        ));
    };
    let mut header = Cow::from(text);
    if header.contains(char::is_control) {
        header = header.replace(char::is_control, " ").into(); // error messages repeat it
    }
    let (asked, axes) = match header.split_once(';') {
        None if header.contains('=') => ("", &*header), // axes alone
        None => (header.trim(), ""),
        Some((asked, _)) if asked.contains('=') => ("", &*header),
        Some((asked, axes)) => (asked.trim(), axes),
    };
    if !asked.is_empty() {
        match endpoint.outcome(asked) {
            Some(outcome) if !only_errors || outcome.is_error() => magic.outcome = Some(outcome),
            _ => {
                let message = endpoint.unknown_outcome(asked, only_errors);
                return Err(ApiError::unknown_magic(message));
            }
        }
    }
    for axis in axes.split(';').map(str::trim) {
        if !axis.is_empty() {
            magic.axis(axis, only_errors)?;
        }
    }
    Ok(magic)
}

impl Magic<'_> {
    fn axis(&mut self, axis: &str, only_errors: bool) -> Result<(), ApiError> {
        let (name, value) = axis.split_once('=').unwrap_or((axis, ""));
        let (name, value) = (name.trim(), value.trim());
        let was_said = match name {
            _ if axis.len() > AXIS_BYTES_MAX || value.is_empty() => {
                return Err(unknown_axis(axis, name, only_errors));
            }
            "delay" => {
                let delay = value.parse().map_err(ApiError::unknown_magic)?;
                self.faults.delay.replace(delay).is_some()
            }
            "fault" => {
                let fault = value.parse().map_err(ApiError::unknown_magic)?;
                self.faults.fault.replace(fault).is_some()
            }
            "callback" if !only_errors => {
                let behaviour = value.parse().map_err(ApiError::unknown_magic)?;
                if let Some(outcome) = self.outcome
                    && outcome.is_error()
                {
                    return Err(ApiError::unknown_magic(format!(
                        "The outcome {} sends no callback that could misbehave.",
                        outcome.name
                    )));
                }
                self.callback.replace(behaviour).is_some()
            }
            _ => return Err(unknown_axis(axis, name, only_errors)),
        };
        if was_said {
            return Err(ApiError::unknown_magic(format!(
                "x-magic-reply says `{name}` twice."
            )));
        }
        Ok(())
    }
}

fn unknown_axis(axis: &str, name: &str, only_errors: bool) -> ApiError {
    let shown = short(axis);
    let known = &AXES[..AXES.len() - usize::from(only_errors)];
    let near = nearest(name, known.iter().copied()).filter(|near| *near != name);
    let near = near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
    let (of, examples) = if only_errors {
        (" of a GET", "`delay=3s` or `fault=truncate`")
    } else {
        ("", "`delay=3s`, `fault=truncate` or `callback=duplicate`")
    };
    ApiError::unknown_magic(format!(
        "`{shown}` is nothing that x-magic-reply{of} knows behind an outcome.{near} Write {examples}."
    ))
}
