//! The list as a page: `docs/magic-replies.md`.

use std::fmt::{self, Write};

use super::fields::FieldRule;
use super::listing::{ListedEndpoint, ListedOutcome, Listing};
use super::text;

const HEAD: &str = "\
<!-- Written by `iluma-sandbox list --format markdown`. `make bless` updates it. -->

# Magic replies

A product request with the header `x-magic-reply: NAME` gets the outcome NAME. If the request has a body, the body is
checked and echoed as usual; if not, the sample of the documentation is used. Without the header, a rule of a scenario
file, the dummy data or the default of the endpoint decides. Upper and lower case are the same.

The source says where the knowledge comes from: *documented*, *observed*, *inferred* or *decided*
([what they mean](fidelity.md)). `--strict` answers only with the first two.
";

impl Listing {
    pub(crate) fn markdown(&self) -> String {
        let mut page = HEAD.to_owned();
        self.write_to(&mut page)
            .expect("writing to a string cannot fail");
        page
    }

    fn write_to(&self, page: &mut String) -> fmt::Result {
        for endpoint in &self.endpoints {
            write_endpoint(page, endpoint)?;
        }
        writeln!(page, "\n## Errors of every endpoint\n")?;
        writeln!(page, "| x-magic-reply | status | source | meaning |")?;
        writeln!(page, "|---|---|---|---|")?;
        for error in &self.errors {
            let meaning = meaning(error);
            let cells = [
                &code(&error.name),
                &error.status.to_string(),
                error.source.name(),
                &meaning,
            ];
            write_row(page, &cells)?;
        }
        let behaviours: Vec<_> = self.callback_behaviours.iter().copied().map(code).collect();
        let behaviours = behaviours.join(", ");
        writeln!(
            page,
            "\n## Callbacks that misbehave\n\nIf an outcome sends a callback, \
             `x-magic-reply: NAME; callback=HOW` makes it misbehave: {behaviours}."
        )?;
        writeln!(page, "\n## Other routes\n")?;
        writeln!(page, "| route | source | meaning |")?;
        writeln!(page, "|---|---|---|")?;
        for route in self.account {
            let name = code(&format!("{} {}", route.method, route.path));
            write_row(page, &[&name, route.source.name(), route.description])?;
        }
        Ok(())
    }
}

fn write_endpoint(page: &mut String, endpoint: &ListedEndpoint) -> fmt::Result {
    writeln!(page, "\n## {}\n", endpoint.name)?;
    let route = code(&format!("{} {}", endpoint.method, endpoint.path));
    let mut facts = vec![format!("{route}, {}", endpoint.source.name())];
    match &endpoint.read_back {
        Some(read) if read.source == endpoint.source => {
            facts.push(format!(
                "read back at {}",
                code(&format!("GET {}", read.path))
            ));
        }
        Some(read) => facts.push(format!(
            "read back at {} ({})",
            code(&format!("GET {}", read.path)),
            read.source.name()
        )),
        None if endpoint.method == "POST" => facts.push("not read back".to_owned()),
        None => {}
    }
    if let Some(callback_type) = &endpoint.callback_type {
        facts.push(format!("callbacks of type {}", code(callback_type)));
    }
    if endpoint.content_type == Some("multipart/form-data") {
        facts.push("takes `multipart/form-data`".to_owned());
    }
    facts.push(format!("file {}", code(&format!("{}.toml", endpoint.id))));
    writeln!(page, "{}.", facts.join("; "))?;
    write_outcomes(page, endpoint)?;
    write_fields(page, endpoint)?;
    writeln!(page, "\n```sh\n{}\n```", endpoint.curl)
}

fn write_outcomes(page: &mut String, endpoint: &ListedEndpoint) -> fmt::Result {
    if endpoint.outcomes.is_empty() {
        return writeln!(
            page,
            "\nThis endpoint only reads. Its magic replies are the errors below."
        );
    }
    writeln!(page, "\n| x-magic-reply | also | source | meaning |")?;
    writeln!(page, "|---|---|---|---|")?;
    for outcome in &endpoint.outcomes {
        let aliases: Vec<_> = outcome.aliases.iter().map(|alias| code(alias)).collect();
        let meaning = meaning(outcome);
        let cells = [
            &code(&outcome.name),
            &aliases.join(", "),
            outcome.source.name(),
            &meaning,
        ];
        write_row(page, &cells)?;
    }
    Ok(())
}

/// The meaning of an outcome and what follows it, in sentences.
fn meaning(outcome: &ListedOutcome) -> String {
    let mut sentences = Vec::new();
    if outcome.is_default {
        sentences.push("**The default**, if nothing else decides.".to_owned());
    }
    sentences.extend(outcome.description.clone().or(outcome.message.clone()));
    if let Some(error) = &outcome.error_code {
        if *error != outcome.name {
            sentences.push(format!("Its `error_code` is {}.", code(error)));
        }
    } else if outcome.status != 200 {
        sentences.push(format!("Status {}.", outcome.status));
    }
    for all in &outcome.when {
        sentences.push(format!("When {}.", code(&text::conditions(all))));
    }
    for breaks in &outcome.breaks {
        sentences.push(format!("With {}.", code(breaks)));
    }
    if !outcome.sequence.is_empty() {
        let steps: Vec<_> = outcome.sequence.iter().map(|name| code(name)).collect();
        sentences.push(format!(
            "Answers in turn: {}; then {}.",
            steps.join(", "),
            if outcome.cycle {
                "the first again"
            } else {
                "always the last"
            }
        ));
    }
    if !outcome.weighted.is_empty() {
        let weights = outcome.weighted.iter();
        let weights: Vec<_> = weights
            .map(|(name, weight)| format!("{} ({weight})", code(name)))
            .collect();
        sentences.push(format!("Draws one by its weight: {}.", weights.join(", ")));
    }
    for then in &outcome.then {
        sentences.push(format!(
            "Becomes {} after {}.",
            code(&then.outcome),
            then.after
        ));
    }
    match outcome.callback.as_deref() {
        None => {}
        Some("normal") if !outcome.then.is_empty() => {
            sentences.push("A callback is sent then.".to_owned());
        }
        Some("normal") => sentences.push("Sends a callback.".to_owned()),
        Some(how) => sentences.push(format!("Sends a callback that misbehaves: {}.", code(how))),
    }
    sentences.join(" ")
}

fn write_fields(page: &mut String, endpoint: &ListedEndpoint) -> fmt::Result {
    if endpoint.fields.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "\n| field | type | required | rule | source | meaning |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|")?;
    for field in &endpoint.fields {
        let required = if field.required { "yes" } else { "" };
        let mut rules: Vec<_> = field.rules.iter().map(in_words).collect();
        if let Some(default) = &field.default {
            rules.push(format!("default {default}"));
        }
        let cells = [
            &code(&field.name),
            &field.kind,
            required,
            &rules.join("; "),
            field.source.name(),
            field.description.as_deref().unwrap_or_default(),
        ];
        write_row(page, &cells)?;
    }
    Ok(())
}

fn write_row(page: &mut String, cells: &[&str]) -> fmt::Result {
    let cells: Vec<_> = cells.iter().map(|cell| in_a_cell(cell)).collect();
    writeln!(page, "| {} |", cells.join(" | "))
}

/// Writes a pattern as code, because its characters have a meaning in Markdown.
fn in_words(rule: &FieldRule) -> String {
    match &rule.pattern {
        Some(pattern) => format!("{} {}", rule.words, code(pattern)),
        None => rule.words.clone(),
    }
}

/// Escapes what would end a cell or the table.
fn in_a_cell(text: &str) -> String {
    text.replace('|', r"\|").replace(['\r', '\n'], " ")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
