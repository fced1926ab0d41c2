//! Request rules: JSON Schema in, Iluma's list of complaints out.

use std::sync::{Arc, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::shape::{Property, Shape};
use super::upload_fields::UploadFields;
use crate::base::{Spellings, UNFIT_MAX};
use crate::http::{Complaint, RefusedInput};
use crate::scenario::{self, FORMATS};

/// The keyword that says how well a field is known, if this differs from its endpoint.
pub(crate) const SOURCE_KEYWORD: &str = "x-source";

/// Why the schema refuses a value.
pub(crate) struct ValueRefusal {
    pub reason: String,
    /// The limit that the number exceeds.
    pub bound: Option<Bound>,
}

/// A limit of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Lower,
    Upper,
}

/// The schema of one endpoint's input.
#[derive(Debug)]
pub(crate) struct RequestSchema {
    json: Value,
    pub shape: Shape,
    /// The fields that hold files in base64.
    pub uploads: Option<Arc<UploadFields>>,
    /// Compiled at the first use. The tests prove the shipped schemas, so they cost no time at the start.
    validator: OnceLock<Validator>,
}

/// More complaints are not listed. A reader corrects the first ones first.
const COMPLAINTS_MAX: usize = 100;

/// The validator stops after this number of errors.
const ERRORS_MAX: usize = 1000;

impl RequestSchema {
    pub(crate) fn new(mut json: Value) -> Self {
        if let Value::Object(map) = &mut json {
            map.entry("type").or_insert_with(|| "object".into());
        }
        Self {
            shape: Shape::of(&json),
            uploads: UploadFields::of(&json),
            json,
            validator: OnceLock::new(),
        }
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// The first of the schema's `examples`. It replaces the body of a request that has none.
    pub(crate) fn sample(&self) -> Option<&Value> {
        self.json.get("examples")?.get(0)
    }

    /// Proves that the schema itself is sound. The error says what is wrong and where.
    pub(crate) fn prove(&self) -> Result<(), String> {
        self.compile().map(|_| ())
    }

    pub(crate) fn check(&self, input: &Value, spellings: &Spellings) -> Result<(), RefusedInput> {
        let validator = self
            .compile()
            .expect("a schema is proven when its file is loaded");
        if validator.is_valid(input) {
            return match spellings.unfit(input) {
                fit if fit.is_empty() => Ok(()),
                unfit => Err(unfit_numbers(unfit)),
            };
        }
        let mut found: Vec<_> = validator
            .iter_errors(input)
            .take(ERRORS_MAX)
            .map(|error| self.complain(&error))
            .collect();
        // Plain complaints go first. Those with an error code of their own, such as `FILE_TOO_LARGE`, follow.
        let are_more = found.len() == ERRORS_MAX;
        found.sort_by_cached_key(|(code, rank, complaint)| {
            (code.is_some(), *rank, in_counting_order(&complaint.path))
        });
        let code = found[0].0.clone();
        found.retain(|(other, ..)| *other == code);
        let mut complaints: Vec<_> = found
            .into_iter()
            .map(|(_, _, complaint)| complaint)
            .collect();
        complaints.dedup_by(|later, first| later.path == first.path);
        let all_listed = !are_more && complaints.len() <= COMPLAINTS_MAX;
        complaints.truncate(COMPLAINTS_MAX);
        Err(RefusedInput {
            code,
            complaints,
            all_listed,
        })
    }

    /// The complaint about the value at a JSON Pointer that does not depend on the rest of the input.
    pub(crate) fn refusal_at(&self, input: &Value, pointer: &str) -> Option<ValueRefusal> {
        use ValidationErrorKind as Kind;
        let errors = self.compile().ok()?.iter_errors(input).take(ERRORS_MAX);
        let mut unconditional = errors.filter(is_unconditional);
        let found = unconditional.find(|error| {
            let rest = error.instance_path().as_str().strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        Some(ValueRefusal {
            reason: sentence(&found),
            bound: match found.kind() {
                Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => Some(Bound::Lower),
                Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => Some(Bound::Upper),
                _ => None,
            },
        })
    }

    /// Whether a field is in every input: it is required, or it has a default.
    pub(crate) fn is_always_there(&self, field: &str) -> bool {
        let Shape::Object(properties) = &self.shape else {
            return false;
        };
        let has_default = |property: &Property| property.default.is_some();
        let property = properties.iter().find(|property| property.name == field);
        let required = self.json.get("required").and_then(Value::as_array);
        property.is_some_and(has_default)
            || required.is_some_and(|names| names.iter().any(|name| name == field))
    }

    fn compile(&self) -> Result<&Validator, String> {
        if let Some(validator) = self.validator.get() {
            return Ok(validator);
        }
        let mut options = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        for (name, check, _) in FORMATS {
            options = options.with_format(name, check);
        }
        options = options.with_format("bank-code", scenario::is_bank_code);
        let built =
            options
                .build(&self.json)
                .map_err(|error| match error.instance_path().as_str() {
                    "" => error.to_string(),
                    path => format!("{error} (at `{}`)", written_path(path)),
                })?;
        Ok(self.validator.get_or_init(|| built))
    }

    /// The error code that the schema asks for, the field's place in the table, and the complaint itself.
    fn complain(&self, error: &ValidationError<'_>) -> (Option<String>, (usize, usize), Complaint) {
        let mut path = written_path(error.instance_path().as_str());
        if let ValidationErrorKind::Required { property } = error.kind() {
            let name = property.as_str().unwrap_or_default();
            path = match path.as_str() {
                "" => name.to_owned(),
                _ => format!("{path}.{name}"),
            };
        }
        let rule = error.schema_path().as_str();
        let (schema, keyword) = rule.rsplit_once('/').unwrap_or(("", rule));
        let code = self
            .json
            .pointer(schema)
            .and_then(|schema| schema.get("x-error")?.get(keyword)?.as_str())
            .map(str::to_owned);
        let mut message = sentence(error);
        let top = path.split(['.', '[']).next().unwrap_or_default();
        let place = self.shape.names().position(|name| name == top);
        let mut rank = (place.unwrap_or(usize::MAX), 0);
        let is_of_file = path.rsplit_once('.').filter(|(part, _)| self.is_file(part));
        if let Some((part, inner)) = is_of_file {
            rank.1 = self.place_in_file(top, inner);
            message = format!("its {inner} {message}");
            path = part.to_owned();
        } else if self.is_file(&path) && matches!(error.kind(), ValidationErrorKind::Type { .. }) {
            "must be a file".clone_into(&mut message);
        }
        (code, rank, Complaint { path, message })
    }

    /// The place of this fact of a file in the schema. Only the first wrong fact is reported.
    fn place_in_file(&self, part: &str, fact: &str) -> usize {
        let field = &self.json["properties"][part];
        let facts = [field, &field["items"]]
            .into_iter()
            .find_map(|file| file["properties"].as_object());
        facts
            .and_then(|facts| facts.keys().position(|name| name == fact))
            .unwrap_or(usize::MAX)
    }

    /// Whether the field at a path such as `pages[0]` is a file.
    fn is_file(&self, path: &str) -> bool {
        let names = path.split(['.', '[', ']']).filter(|name| !name.is_empty());
        self.shape.at(&names.collect::<Vec<_>>()) == Some(&Shape::File)
    }
}

/// Refuses the numbers at these JSON Pointers, because they would lose digits.
pub(crate) fn unfit_numbers(pointers: impl IntoIterator<Item = String>) -> RefusedInput {
    let complain = |pointer: String| Complaint {
        path: written_path(&pointer),
        message: "must be a number that fits into 64 bits".to_owned(),
    };
    let complaints: Vec<_> = pointers.into_iter().map(complain).collect();
    RefusedInput {
        code: None,
        all_listed: complaints.len() < UNFIT_MAX,
        complaints,
    }
}

/// Whether an error does not depend on the rest of the input. Below these keywords it does.
fn is_unconditional(error: &ValidationError<'_>) -> bool {
    let mut rule = error.schema_path().as_str().split('/');
    !rule.any(|part| matches!(part, "if" | "then" | "else" | "dependentSchemas"))
}

/// `/addresses/0/country` → `addresses[0].country`
fn written_path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", segment, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment.replace("~1", "/").replace("~0", "~"));
        }
    }
    path
}

/// A sort key that puts `scopes[2]` before `scopes[10]`.
fn in_counting_order(path: &str) -> Vec<(u64, String)> {
    path.split('[')
        .map(|part| match part.split_once(']') {
            Some((index, rest)) => (index.parse().unwrap_or(u64::MAX), rest.to_owned()),
            None => (0, part.to_owned()),
        })
        .collect()
}

/// The message that an API client reads, for each kind of rule.
fn sentence(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Required { .. } => "is required".to_owned(),
        Kind::Type { kind } => match kind {
            TypeKind::Single(single) => format!("must be {}", with_article(&single.to_string())),
            TypeKind::Multiple(set) => {
                let kinds: Vec<_> = set
                    .iter()
                    .map(|kind| with_article(&kind.to_string()))
                    .collect();
                format!("must be {}", kinds.join(" or "))
            }
        },
        Kind::Enum { options } => {
            let options: Vec<_> = options
                .as_array()
                .map(|options| options.iter().map(plain).collect())
                .unwrap_or_default();
            format!("must be one of {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("must be {}", plain(expected_value)),
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => format!("must be at least {limit} characters long"),
        Kind::MaxLength { limit } => format!("must be at most {limit} characters long"),
        Kind::MinItems { limit: 1 } => "must hold at least one item".to_owned(),
        Kind::MinItems { limit } => format!("must hold at least {limit} items"),
        Kind::MaxItems { limit } => format!("must hold at most {limit} items"),
        Kind::UniqueItems => "must not hold the same item twice".to_owned(),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Format { format } => scenario::FORMATS
            .iter()
            .find(|(name, ..)| name == format)
            .map_or_else(
                || match format.as_str() {
                    "email" => "must be an email address".to_owned(),
                    "bank-code" => "must be the code of a known bank, such as BCA".to_owned(),
                    other => format!("must be written as {other}"),
                },
                |(.., sentence)| (*sentence).to_owned(),
            ),
        _ => "does not fit the schema".to_owned(),
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "object" => "an object".to_owned(),
        "array" | "integer" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
