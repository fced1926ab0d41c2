//! Reply bodies with placeholders: a body that compiles renders to JSON, the same every time.

use std::sync::Arc;

use serde_json::Value;

use super::stage::shipped;
use crate::base::{Clock, Mix, Spellings};
use crate::catalogue::{BodyPlan, Fields, Fill, Lookup, Template, TemplateScope};
use crate::scenario::{Reader, SourceFile, Spanned, Tree};

/// The bytes are what follows `body = ` in a scenario file.
///
/// # Panics
/// If a body that compiles does not render to JSON, or not to the same every time.
pub fn template(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return; // refused before it is read
    };
    let file = Arc::new(SourceFile::new(
        "fuzzed",
        "fuzzed.toml",
        format!("body = {text}"),
    ));
    let Some(tree) = tree(&file) else {
        return;
    };
    let catalogue = shipped();
    let endpoint = catalogue
        .endpoint("v0/individual_cft_peps")
        .expect("it is shipped");
    let scope = TemplateScope {
        fields: Fields {
            word: "input",
            shape: &endpoint.schema.shape,
            uploads: endpoint.schema.uploads.as_deref(),
        },
        lookup: Some(Lookup::Individuals),
        has_id: true,
    };
    let mut mistakes = Vec::new();
    let body = Template::compile_body(&tree, &file, scope, &mut mistakes);
    if !mistakes.is_empty() {
        return;
    }
    let sample = endpoint.schema.sample().expect("it has one");
    let filled = sample.as_object().expect("an input is an object");
    for input in [filled, &serde_json::Map::new()] {
        let render = |plan: &BodyPlan| {
            let mut holes = Fill {
                input,
                spellings: &Spellings::default(),
                id: "cftpi_1",
                created: Clock::default().now(),
                updated: Clock::default().now(),
                finding: None,
                drawn: Mix::new(0, "fuzzed").finish(),
            };
            let rendered = plan.render(&mut holes, &mut Vec::new());
            rendered.expect("the input is small").body
        };
        let plan = BodyPlan::new(&body, Some("results"));
        let rendered = render(&plan);
        let json: Value = serde_json::from_slice(&rendered).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&rendered));
        });
        assert_eq!(rendered, render(&plan));
        let has_holes = text.contains("{{")
            || text.contains("\\u")
            || text.contains("\\U")
            || text.contains("\\x");
        if !has_holes {
            assert_eq!(
                json,
                tree.as_ref().to_json(),
                "a body without holes is what it says"
            );
        }
    }
}

/// The value of the only key.
fn tree(file: &Arc<SourceFile>) -> Option<Spanned<Tree>> {
    let mut reader = Reader::new(file);
    let (_, value) = reader.table()?.into_iter().next()?;
    reader.decode(value)
}
