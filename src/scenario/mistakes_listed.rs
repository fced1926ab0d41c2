//! The mistakes that are listed: a generated file can have a hundred thousand.

use super::mistake::{LoadError, Rest};

/// How many errors, and how many warnings, are listed for one file.
const MISTAKES_OF_A_FILE_MAX: usize = 100;

/// How many errors, and how many warnings, are listed in all.
const MISTAKES_MAX: usize = 1000;

/// A mistake with its place among all that were found.
type Placed = (usize, LoadError);

/// The first mistakes of each file. Where some are left out, an entry says how many. All mistakes of a file must be next
/// to each other.
pub(crate) fn listed_mistakes(found: Vec<LoadError>) -> Vec<LoadError> {
    if found.len() <= MISTAKES_OF_A_FILE_MAX {
        return found;
    }
    let (errors, warnings): (Vec<Placed>, Vec<Placed>) = found
        .into_iter()
        .enumerate()
        .partition(|(_, one)| one.is_error());
    let mut listed = listed_of_a_kind(&errors, "error");
    listed.extend(listed_of_a_kind(&warnings, "warning"));
    listed.sort_by_key(|(place, _)| *place);
    listed.into_iter().map(|(_, one)| one).collect()
}

/// True if there are surely mistakes that will not be listed. Then no time is spent on hints.
pub(crate) fn exceeds_list(found: &[LoadError]) -> bool {
    found.len() > MISTAKES_MAX
}

fn listed_of_a_kind(found: &[Placed], kind: &str) -> Vec<Placed> {
    let mut listed = Vec::new();
    let mut room = MISTAKES_MAX;
    let mut rest = found;
    for of_file in found.chunk_by(|one, next| one.1.file == next.1.file) {
        if room == 0 {
            listed.extend(left_out(rest, kind, "here and in later files"));
            break;
        }
        let shown = of_file.len().min(MISTAKES_OF_A_FILE_MAX).min(room);
        listed.extend_from_slice(&of_file[..shown]);
        listed.extend(left_out(&of_file[shown..], kind, "in this file"));
        room -= shown;
        rest = &rest[of_file.len()..];
    }
    listed
}

fn left_out(rest: &[Placed], kind: &str, place: &str) -> Option<Placed> {
    let (at, first) = rest.first()?;
    let message = match rest.len() {
        1 => format!("1 more {kind} {place} is not listed"),
        number => format!("{number} more {kind}s {place} are not listed"),
    };
    let files = rest.chunk_by(|one, next| one.1.file == next.1.file);
    let rest = Rest {
        mistakes: rest.len(),
        later_files: files.count() - 1,
    };
    Some((*at, LoadError::of_rest(first, rest, message)))
}
