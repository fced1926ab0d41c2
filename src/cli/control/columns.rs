//! Rows of texts as aligned columns.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Writes rows with two spaces between the columns. The last column has no padding. No text has a line break.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line += cell;
        line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
    }
    line.trim_end().to_owned() + "\n"
}

/// The same with a row of headings above. `none` is the text if there are no rows.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: Vec<[String; N]>,
    none: &str,
) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    columns(&all)
}

/// A line that says how many items of a list are shown, if it has more.
pub(super) fn shown_of_all(shown: usize, all: &Value, what: &str) -> String {
    match all.as_u64() {
        Some(all) if all > shown as u64 => format!("{shown} of {all} {what} are listed\n"),
        _ => String::new(),
    }
}

/// A number of an answer with its noun: `1 request`, `2 requests`.
pub(super) fn counted(number: &Value, noun: &str) -> String {
    match number.as_u64() {
        Some(1) => format!("1 {noun}"),
        _ => format!("{} {noun}s", cell(number)),
    }
}

/// A value of an answer in a cell: `-` where there is none.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The outcome of a request in a cell, without its endpoint: the path names that.
pub(super) fn outcome_name(request: &Value) -> String {
    let name = cell(&request["outcome"]);
    match name.rsplit_once('/') {
        Some((_, name)) => name.to_owned(),
        None => name,
    }
}

/// The items of a list in an answer.
pub(super) fn items<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}
