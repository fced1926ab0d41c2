//! Looks for data of real people in everything that is to be sent, before anything is sent.

use super::plan::Step;
use crate::answer::real_data_in;
use crate::catalogue::Catalogue;

/// How many requests the sentence names.
const NAMED_MAX: usize = 3;

/// An error is a sentence. It does not repeat the values.
pub(super) fn check(catalogue: &Catalogue, steps: &[Step]) -> Result<(), String> {
    let mut found = steps.iter().filter_map(|step| {
        let (name, hints) = match step {
            Step::Ask(request) => {
                let texts = request.target_texts();
                let in_target = texts
                    .into_iter()
                    .flat_map(|text| real_data_in(catalogue, "its path", &text.into()));
                let headers = request.headers.iter().flat_map(|(name, value)| {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    real_data_in(catalogue, name.as_str(), &text.into())
                });
                let body = request.body.values().cloned().unwrap_or_default();
                let in_body = real_data_in(catalogue, "its body", &body);
                let hints: Vec<_> = in_target.chain(headers).chain(in_body).collect();
                (request.name.clone(), hints)
            }
            Step::Control(call) => {
                let hints = real_data_in(catalogue, "its body", &call.body);
                (format!("{} {}", call.method, call.path), hints)
            }
        };
        let first = hints.into_iter().next()?;
        Some(format!("{name}: {first}"))
    });
    let named: Vec<_> = found.by_ref().take(NAMED_MAX).collect();
    if named.is_empty() {
        return Ok(());
    }
    let more = match found.count() {
        0 => String::new(),
        more => format!(", and {more} more requests"),
    };
    Err(format!(
        "nothing was sent, because requests may hold data of real people ({}{more}): only dummy data is sent to \
         another server; list invented values as dummy_values in the sandbox.toml of a --scenarios folder",
        named.join("; ")
    ))
}
