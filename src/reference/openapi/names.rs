//! Names in the document. They are those of the files, with the characters that `OpenAPI` allows.

use std::collections::{HashMap, HashSet};

use crate::catalogue::{Catalogue, Endpoint};

pub(super) struct ComponentNames {
    /// By endpoint id.
    components: HashMap<String, String>,
    tags: HashMap<String, String>,
}

impl ComponentNames {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let (mut taken, mut taken_tags) = (HashSet::new(), HashSet::new());
        let mut names = Self {
            components: HashMap::new(),
            tags: HashMap::new(),
        };
        taken_tags.insert(super::account::TAG.to_owned());
        for endpoint in catalogue.endpoints() {
            let id = endpoint.id.to_string();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
            let name = id.replace('/', ".");
            let name: String = name
                .chars()
                .map(|c| if plain(c) { c } else { '_' })
                .collect();
            names.components.insert(id.clone(), free(&name, &mut taken));
            names.tags.insert(id, free(&endpoint.name, &mut taken_tags));
        }
        names
    }

    /// The beginning of the names of an endpoint's components.
    pub(super) fn component(&self, endpoint: &Endpoint) -> &str {
        &self.components[&*endpoint.id]
    }

    pub(super) fn tag(&self, endpoint: &Endpoint) -> &str {
        &self.tags[&*endpoint.id]
    }

    pub(super) fn operation(&self, endpoint: &Endpoint, does: &str) -> String {
        format!(
            "{}_{does}",
            self.component(endpoint).replace(['.', '-'], "_")
        )
    }
}

/// The name, with a number if it is taken: two files may lead to the same name.
fn free(name: &str, taken: &mut HashSet<String>) -> String {
    let key = |name: &str| name.replace(['.', '-', ' '], "_");
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names
        .find(|name| taken.insert(key(name)))
        .expect("there are more numbers than names")
}
