//! Compiles the delays, faults and rate limits of outcomes.

use std::sync::Arc;

use crate::catalogue::outcome::OutcomeFaults;
use crate::scenario::{
    DelayPart, FaultPart, LoadError, OutcomePart, RateLimitPart, SourceFile, Spanned,
};

/// The faults of an outcome. None if the outcome has none, or only a fault that never happens.
pub(super) fn faults(
    name: &Spanned<String>,
    part: &OutcomePart,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> Option<Arc<OutcomeFaults>> {
    let delay = parsed(part.delay.as_ref(), DelayPart::delay, file, errors);
    let fault = parsed(part.fault.as_ref(), FaultPart::fault, file, errors);
    let rate_limit = parsed(
        part.rate_limit.as_ref(),
        RateLimitPart::rate_limit,
        file,
        errors,
    );
    if let Some(sequence) = &part.sequence
        && (part.delay.is_some() || part.fault.is_some() || part.rate_limit.is_some())
    {
        errors.push(file.error(
            sequence.span(),
            "a `sequence` only names other outcomes: put `delay`, `fault` and `rate_limit` on those",
        ));
    }
    if let Some(limit) = part.rate_limit.as_ref()
        && part.error.is_some()
    {
        errors.push(file.error(
            limit.span(),
            "an error cannot have a `rate_limit`: put it on outcomes with a body",
        ));
    }
    let fault = fault.filter(|(_, probability)| !probability.is_never());
    if delay.is_none() && fault.is_none() && rate_limit.is_none() {
        return None;
    }
    Some(Arc::new(OutcomeFaults {
        outcome: name.as_ref().clone(),
        delay,
        fault,
        rate_limit,
    }))
}

fn parsed<P, T>(
    part: Option<&Spanned<P>>,
    parse: impl Fn(&P) -> Result<T, String>,
    file: &Arc<SourceFile>,
    errors: &mut Vec<LoadError>,
) -> Option<T> {
    let part = part?;
    parse(part.as_ref())
        .map_err(|message| errors.push(file.error(part.span(), message)))
        .ok()
}
