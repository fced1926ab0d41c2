//! The banks of Indonesia by code: `scenarios/banks.tsv`.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

/// The columns `code`, `name`, `swift_code` and an optional `remark`, separated by tabs, below a heading.
const TABLE: &str = include_str!("../../scenarios/banks.tsv");

/// A bank in the form of the lists.
#[derive(Serialize)]
struct Bank {
    name: &'static str,
    code: String,
    swift_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<&'static str>,
}

static CODES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| rows().map(|[code, ..]| code).collect());

static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| all_banks(""));
static PREFIXED: LazyLock<Vec<u8>> = LazyLock::new(|| all_banks("ID_"));

/// All banks as a JSON array: `{{banks.plain}}` writes codes such as `BCA`, `{{banks.prefixed}}` such as `ID_BCA`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BankList {
    Plain,
    Prefixed,
}

impl BankList {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "plain" => Some(Self::Plain),
            "prefixed" => Some(Self::Prefixed),
            _ => None,
        }
    }

    pub(crate) fn names() -> [&'static str; 2] {
        ["plain", "prefixed"]
    }

    pub(crate) fn json(self) -> &'static [u8] {
        match self {
            Self::Plain => &PLAIN,
            Self::Prefixed => &PREFIXED,
        }
    }

    /// The JSON Schema of the list.
    pub(crate) fn schema(self) -> Value {
        let code = match self {
            Self::Plain => json!({"type": "string"}),
            Self::Prefixed => json!({"type": "string", "pattern": "^ID_"}),
        };
        json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "code": code,
                    "swift_code": {"type": "string"},
                    "remark": {"type": "string"},
                },
                "required": ["name", "code", "swift_code"],
                "additionalProperties": false,
            },
        })
    }
}

/// Whether a bank has this code, plain (`BCA`) or with its country (`ID_BCA`).
pub(crate) fn is_bank_code(code: &str) -> bool {
    CODES.contains(without_country(code))
}

/// The code as in the table. Every version of the API accepts codes with and without `ID_`.
pub(crate) fn without_country(code: &str) -> &str {
    code.strip_prefix("ID_").unwrap_or(code)
}

fn all_banks(prefix: &str) -> Vec<u8> {
    let banks = rows().map(|[code, name, swift_code, remark]| Bank {
        name,
        code: [prefix, code].concat(),
        swift_code,
        remark: Some(remark).filter(|remark| !remark.is_empty()),
    });
    serde_json::to_vec(&banks.collect::<Vec<_>>()).expect("texts always serialise")
}

/// The columns of each row. The missing columns of a short row are empty.
fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    TABLE.lines().skip(1).map(|line| {
        let mut columns = line.split('\t');
        [(); 4].map(|()| columns.next().unwrap_or_default())
    })
}
