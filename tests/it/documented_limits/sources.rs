//! The limits as the sources define them: constants and their values.

use std::path::Path;
use std::{fmt, fs};

use syn::{BinOp, Expr, Item, Lit};

const HOUR_MS: u128 = 3_600_000;
const DAY_MS: u128 = 24 * HOUR_MS;

/// A constant of `src` whose value is a number, a size, a time or a range of these.
pub struct Limit {
    /// `server::accept::CONNECTIONS_MAX`
    pub name: String,
    /// A time in milliseconds. A range has two.
    pub amounts: Vec<u128>,
    unit: Unit,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Number,
    Bytes,
    Milliseconds,
}

impl Limit {
    /// Its name says that it is a limit.
    pub fn is_named_so(&self) -> bool {
        self.name.ends_with("_MAX") || self.name.ends_with("_TIME")
    }

    /// `accept::CONNECTIONS_MAX` is enough where no other constant is called so.
    pub fn is_called(&self, name: &str) -> bool {
        let rest = self.name.strip_suffix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = self.amounts.iter().map(|amount| match self.unit {
            Unit::Bytes if amount % (1 << 20) == 0 => format!("{} MiB", amount >> 20),
            Unit::Bytes if amount % (1 << 10) == 0 => format!("{} KiB", amount >> 10),
            Unit::Bytes => format!("{amount} bytes"),
            Unit::Milliseconds if amount % DAY_MS == 0 && *amount > DAY_MS => {
                format!("{} days", amount / DAY_MS)
            }
            Unit::Milliseconds if amount % 60_000 == 0 && *amount > 60_000 => {
                format!("{} minutes", amount / 60_000)
            }
            Unit::Milliseconds if amount % 1000 == 0 => format!("{} s", amount / 1000),
            Unit::Milliseconds => format!("{amount} ms"),
            Unit::Number => amount.to_string(),
        });
        f.write_str(&amounts.collect::<Vec<_>>().join(" to "))
    }
}

/// All constants below `src` whose value can be told, without those of tests and fuzzers.
pub fn limits() -> Vec<Limit> {
    let paths = paths();
    let limits = paths.iter().flat_map(|path| {
        let text = fs::read_to_string(root().join(path)).expect("a source is text");
        let file = syn::parse_file(&text).expect("a source is Rust");
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.replace('/', "::");
        let constants = file.items.iter().filter_map(|item| limit(item, &module));
        constants.collect::<Vec<_>>()
    });
    limits.collect()
}

/// The source files, `src/server/accept.rs`, without those of fuzzers.
pub fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    add(&root().join("src"), "src", &mut paths);
    paths
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn add(folder: &Path, name: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let last = path.file_name().and_then(|last| last.to_str());
        let name = format!("{name}/{}", last.expect("a name in UTF-8"));
        if path.is_dir() && name != "src/fuzzing" {
            add(&path, &name, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(name);
        }
    }
}

fn limit(item: &Item, module: &str) -> Option<Limit> {
    let Item::Const(constant) = item else {
        return None;
    };
    let name = constant.ident.to_string();
    let (amounts, is_time) = match &*constant.expr {
        Expr::Range(range) => {
            let ends = [range.start.as_ref()?, range.end.as_ref()?];
            let ends: Option<Vec<_>> = ends.iter().map(|end| number(end)).collect();
            (ends?, false)
        }
        Expr::Call(call) => (vec![milliseconds(&call.func, call.args.first()?)?], true),
        other if name.ends_with("_DAYS") => (vec![number(other)? * DAY_MS], true),
        other => (vec![number(other)?], false),
    };
    let unit = match () {
        () if is_time => Unit::Milliseconds,
        () if name.contains("BYTES") => Unit::Bytes,
        () => Unit::Number,
    };
    Some(Limit {
        name: format!("{module}::{name}"),
        amounts,
        unit,
    })
}

/// `Duration::from_secs(10)`
fn milliseconds(function: &Expr, count: &Expr) -> Option<u128> {
    let Expr::Path(function) = function else {
        return None;
    };
    let unit_ms = match function.path.segments.last()?.ident.to_string().as_str() {
        "from_millis" => 1,
        "from_secs" => 1000,
        "from_mins" => 60_000,
        "from_hours" => HOUR_MS,
        _ => return None,
    };
    Some(number(count)? * unit_ms)
}

/// `10_000`, `64 << 10`, `24 * 366`, `5.0`
fn number(expression: &Expr) -> Option<u128> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            Lit::Float(number) => number.base10_digits().strip_suffix(".0")?.parse().ok(),
            _ => None,
        },
        Expr::Binary(both) => {
            let (left, right) = (number(&both.left)?, number(&both.right)?);
            match both.op {
                BinOp::Shl(_) => Some(left << right),
                BinOp::Mul(_) => Some(left * right),
                _ => None,
            }
        }
        Expr::Paren(inner) => number(&inner.expr),
        _ => None,
    }
}
