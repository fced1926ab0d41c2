//! The fields of a request, with the rules of its JSON Schema in words.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::catalogue::{Endpoint, SOURCE_KEYWORD, Verb};
use crate::scenario::{FORMATS, Source};

#[derive(Debug, Serialize)]
pub(crate) struct ListedField {
    /// `score_threshold`, `addresses[].country`
    pub name: String,
    /// `body`, or `path` for a segment of the path.
    #[serde(rename = "in")]
    pub place: &'static str,
    #[serde(rename = "type")]
    pub kind: String,
    pub required: bool,
    pub source: Source,
    pub description: Option<String>,
    pub rules: Vec<FieldRule>,
    pub default: Option<Value>,
    pub example: Option<Value>,
}

/// A rule for a value, in words.
#[derive(Debug)]
pub(crate) struct FieldRule {
    pub words: String,
    /// The regular expression that stands behind the words.
    pub pattern: Option<String>,
}

impl FieldRule {
    fn prefixed(self, prefix: &str) -> Self {
        Self {
            words: format!("{prefix} {}", self.words),
            ..self
        }
    }
}

impl From<String> for FieldRule {
    fn from(words: String) -> Self {
        let pattern = None;
        Self { words, pattern }
    }
}

impl Serialize for FieldRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.pattern {
            None => serializer.serialize_str(&self.words),
            Some(pattern) => serializer.collect_str(&format_args!("{} {pattern}", self.words)),
        }
    }
}

/// Objects in objects are listed down to this depth. Users' schemas may have any depth.
const DEPTH_MAX: usize = 8;

/// Keywords that need more words than a table has space for.
const HARDER: [&str; 9] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "$ref",
    "contains",
    "prefixItems",
    "dependentRequired",
];

pub(super) fn of(endpoint: &Endpoint) -> Vec<ListedField> {
    let mut walk = FieldWalk {
        place: match endpoint.verb {
            Verb::Get => "path",
            Verb::Post => "body",
        },
        fields: Vec::new(),
    };
    if endpoint.creation.is_some() {
        let sample = endpoint.schema.sample();
        walk.object(endpoint.schema.json(), "", endpoint.source, sample, 0);
    }
    walk.fields
}

struct FieldWalk {
    place: &'static str,
    fields: Vec<ListedField>,
}

impl FieldWalk {
    fn object(
        &mut self,
        schema: &Value,
        prefix: &str,
        source: Source,
        sample: Option<&Value>,
        depth: usize,
    ) {
        let required = schema["required"].as_array();
        let is_segment = self.place == "path";
        let is_required = |name: &str| {
            required.is_some_and(|required| required.iter().any(|one| one == name)) || is_segment
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, rule) in properties {
            let label = rule.get(SOURCE_KEYWORD);
            let label =
                label.and_then(|label| serde_json::from_value::<Source>(label.clone()).ok());
            let source = label.unwrap_or(source);
            let sample = sample.and_then(|sample| sample.get(name));
            let path = format!("{prefix}{name}");
            self.fields.push(ListedField {
                name: path.clone(),
                place: self.place,
                kind: kind(rule),
                required: is_required(name),
                source,
                description: rule["description"].as_str().map(str::to_owned),
                rules: rules(rule),
                default: rule.get("default").cloned(),
                example: rule["examples"].get(0).or(sample).cloned(),
            });
            if is_file(rule) || depth == DEPTH_MAX {
                continue;
            }
            self.object(rule, &format!("{path}."), source, sample, depth + 1);
            let of_items = sample.and_then(|sample| sample.get(0));
            let prefix = format!("{path}[].");
            self.object(&rule["items"], &prefix, source, of_items, depth + 1);
        }
    }
}

fn is_file(rule: &Value) -> bool {
    rule["format"] == "file"
}

/// `string`, `array of string`, `integer or null`, `file`
fn kind(rule: &Value) -> String {
    if is_file(rule) {
        return "file".to_owned();
    }
    match &rule["type"] {
        Value::String(kind) if kind == "array" && rule.get("items").is_some() => {
            format!("array of {}", kind_of_items(&rule["items"]))
        }
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn kind_of_items(rule: &Value) -> String {
    rule["type"].as_str().unwrap_or("any").to_owned()
}

/// The rules for a value besides its type, in words.
fn rules(rule: &Value) -> Vec<FieldRule> {
    let mut rules: Vec<FieldRule> = Vec::new();
    if let Some(options) = rule["enum"].as_array() {
        let options: Vec<_> = options.iter().map(plain).collect();
        rules.push(format!("one of {}", options.join(", ")).into());
    }
    if let Some(only) = rule.get("const") {
        rules.push(format!("always {}", plain(only)).into());
    }
    if let Some(format) = rule["format"].as_str().filter(|_| !is_file(rule)) {
        rules.push(format_in_words(format).into());
    }
    if let Some(pattern) = rule["pattern"].as_str() {
        rules.push(FieldRule {
            words: "matches".to_owned(),
            pattern: Some(pattern.to_owned()),
        });
    }
    rules.extend(range(rule, "minLength", "maxLength", " characters").map(FieldRule::from));
    rules.extend(range(rule, "minItems", "maxItems", " items").map(FieldRule::from));
    rules.extend(range(rule, "minimum", "maximum", "").map(FieldRule::from));
    for (keyword, words) in [
        ("exclusiveMinimum", "more than"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
    ] {
        if let Some(limit) = rule.get(keyword) {
            rules.push(format!("{words} {limit}").into());
        }
    }
    if rule["uniqueItems"] == true {
        rules.push("no item twice".to_owned().into());
    }
    for (fact, about) in rule["properties"].as_object().into_iter().flatten() {
        if is_file(rule) {
            let of_fact = self::rules(about);
            rules.extend(of_fact.into_iter().map(|one| one.prefixed(fact)));
        }
    }
    if let Some(items) = rule.get("items").filter(|items| items["type"] != "object") {
        let of_items = self::rules(items).into_iter();
        rules.extend(of_items.map(|one| one.prefixed("each")));
    }
    if HARDER.iter().any(|keyword| rule.get(keyword).is_some()) {
        rules.push("more in its scenario file".to_owned().into());
    }
    rules
}

/// `2 to 100 characters`, `at least 500`, `not empty`
fn range(rule: &Value, lowest: &str, highest: &str, unit: &str) -> Option<String> {
    let is_number = unit.is_empty();
    Some(match (rule.get(lowest), rule.get(highest)) {
        (Some(low), None) if !is_number && *low == 1 => "not empty".to_owned(),
        (Some(low), Some(high)) if low == high => format!("{low}{unit}"),
        (Some(low), Some(high)) => format!("{low} to {high}{unit}"),
        (Some(low), None) => format!("at least {low}{unit}"),
        (None, Some(high)) => format!("at most {high}{unit}"),
        (None, None) => return None,
    })
}

fn format_in_words(format: &str) -> String {
    let ours = FORMATS.iter().find(|(name, ..)| *name == format);
    match (ours, format) {
        (Some((.., sentence)), _) => sentence.trim_start_matches("must be ").to_owned(),
        (None, "email") => "an email address".to_owned(),
        (None, "bank-code") => "the code of a known bank, such as BCA".to_owned(),
        (None, other) => format!("written as {other}"),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
