//! Writes an observed body as the body of an outcome: placeholders and dummy values stand for ids, times and everything
//! that may be about a person.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::likeness::Scope;
use super::stand_in::{stand_in_number, stand_in_text};
use crate::base::{Stamp, join_path, snake_case};
use crate::catalogue::{Hole, Template};
use crate::scenario::BankList;

/// More items of a list are written only if they have another form.
const ITEMS_MAX: usize = 3;

const FORMS_MAX: usize = 100;

/// A shorter text may be equal to a field of the request by chance.
const ECHO_CHARS_MIN: usize = 4;

/// An id: letters that say its kind, and a random part.
static ID: LazyLock<Regex> = LazyLock::new(|| {
    let random = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{24,}";
    Regex::new(&format!("^([a-z]{{1,8}}_)?({random})$")).expect("the pattern is sound")
});

/// The ids that stand in lists.
static DUMMY_ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("00000000-0000-4000-8000-[0-9]{12}").expect("the pattern is sound")
});

/// Writes the body of one outcome.
pub(super) struct Holes<'c> {
    scope: Scope<'c>,
    /// The texts of the reply that are on the lists of dummy data.
    listed: HashSet<String>,
    /// How many ids of list items were written.
    ids: usize,
}

impl<'c> Holes<'c> {
    pub(super) fn new(scope: Scope<'c>, reply: &Value) -> Self {
        let mut texts = Vec::new();
        texts_of(reply, &mut texts);
        let listed = scope.catalogue.dummy.listed(texts);
        Self {
            scope,
            listed: listed.into_iter().collect(),
            ids: 0,
        }
    }

    /// The body. `near` is that of the most similar outcome, and `common` are those of all.
    pub(super) fn body(
        &mut self,
        reply: &Value,
        near: Option<&Template>,
        common: &[&Template],
    ) -> Value {
        let mut body = self.written(Spot::TOP, reply, near);
        self.leave_out(&mut body, reply, common);
        body
    }

    /// Leaves out what every outcome has and the reply has not: it may be in the body that all share.
    fn leave_out(&self, body: &mut Value, reply: &Value, common: &[&Template]) {
        let (Value::Object(body), Value::Object(reply)) = (body, reply) else {
            return;
        };
        let Some((Template::Object(first), others)) = common.split_first() else {
            return;
        };
        for (name, template) in first {
            let others: Option<Vec<_>> = others.iter().map(|one| entry(one, name)).collect();
            let Some(others) = others else {
                continue;
            };
            let all: Vec<_> = std::iter::once(template).chain(others).collect();
            match (body.get_mut(name), reply.get(name)) {
                (Some(body), Some(reply)) => self.leave_out(body, reply, &all),
                _ if all.iter().all(|one| self.scope.may_lack(one)) => {}
                _ => drop(body.insert(name.clone(), "{{absent}}".into())),
            }
        }
    }

    fn written(&mut self, spot: Spot<'_>, value: &Value, near: Option<&Template>) -> Value {
        let near = near.filter(|near| match near {
            Template::Object(_) | Template::List(_) => true,
            Template::Scalar(_) | Template::Hole(_) | Template::Text(_) => {
                self.scope.differences(near, value).is_empty()
            }
        });
        match near {
            Some(Template::Hole(hole)) => {
                if let Some(written) = self.hole(hole) {
                    return written.into();
                }
            }
            // The sandbox's own value may be written in place of one that is about a person.
            Some(Template::Scalar(known)) if !known.is_null() => return known.clone(),
            Some(
                Template::Scalar(_) | Template::Text(_) | Template::List(_) | Template::Object(_),
            )
            | None => {}
        }
        match value {
            Value::Null => "{{null}}".into(),
            Value::Bool(_) => value.clone(),
            Value::Number(number) => self.number(spot, number),
            Value::String(text) => self.text(spot, text).into(),
            Value::Array(items) => self.list(spot, items, near),
            Value::Object(fields) => self.object(spot, fields, near),
        }
    }

    /// The first items, and of the others one of each form.
    fn list(&mut self, spot: Spot<'_>, items: &[Value], near: Option<&Template>) -> Value {
        let mut near_item = None;
        if let Some(Template::List(items)) = near {
            near_item = items.first();
        }
        let spot = Spot {
            in_list: true,
            ..spot
        };
        let mut forms = HashSet::new();
        let mut written = Vec::new();
        for item in items {
            let ids = self.ids;
            let item = self.written(spot, item, near_item);
            let form = DUMMY_ID.replace_all(&item.to_string(), "").into_owned();
            let is_new = forms.insert(form) && forms.len() <= FORMS_MAX;
            if is_new || written.len() < ITEMS_MAX {
                written.push(item);
            } else {
                self.ids = ids;
            }
        }
        written.into()
    }

    fn object(
        &mut self,
        spot: Spot<'_>,
        fields: &Map<String, Value>,
        near: Option<&Template>,
    ) -> Value {
        let mut written = Map::new();
        for (name, value) in fields {
            let near = near.and_then(|near| entry(near, name));
            let spot = Spot {
                name,
                is_top: spot.name.is_empty() && !spot.in_list,
                in_list: spot.in_list,
            };
            written.insert(name.clone(), self.written(spot, value, near));
        }
        written.into()
    }

    /// A placeholder as files write it. None for one that depends on its place.
    fn hole(&self, hole: &Hole) -> Option<String> {
        let word = self.scope.endpoint.verb.fields_word();
        let name = match hole {
            Hole::Input { path, optional } => {
                let mark = if *optional { "?" } else { "" };
                format!("{word}.{}{mark}", join_path(path))
            }
            Hole::Id => "id".to_owned(),
            Hole::Created => "created".to_owned(),
            Hole::Updated => "updated".to_owned(),
            Hole::Null => "null".to_owned(),
            Hole::Found { field, optional } => {
                let creation = self.scope.endpoint.creation.as_ref()?;
                let lookup = creation.lookup.as_ref()?.lookup;
                let mut names = lookup.fields();
                let name = names.find(|name| lookup.field(name) == Some(*field))?;
                let mark = if *optional { "?" } else { "" };
                format!("{}.{name}{mark}", lookup.prefix())
            }
            Hole::Banks(BankList::Plain) => "banks.plain".to_owned(),
            Hole::Banks(BankList::Prefixed) => "banks.prefixed".to_owned(),
            Hole::Absent | Hole::Fake { .. } => return None,
        };
        Some(format!("{{{{{name}}}}}"))
    }

    fn number(&self, spot: Spot<'_>, number: &serde_json::Number) -> Value {
        let value = Value::Number(number.clone());
        if let Some(echo) = self.echo(spot, &value) {
            return echo.into();
        }
        if self.scope.keeps(spot.name, &value) {
            return value;
        }
        stand_in_number(spot.name, number)
    }

    fn text(&mut self, spot: Spot<'_>, text: &str) -> String {
        if let Some(echo) = self.echo(spot, &Value::from(text)) {
            return echo;
        }
        // The country of an entry is that of many people.
        let is_listed = self.listed.contains(text) && text.len() > 3 && !text.contains("{{");
        if is_listed
            || self
                .scope
                .vocabulary
                .keeps_text(self.scope.catalogue, spot.name, text)
        {
            return text.to_owned();
        }
        let name = snake_case(spot.name);
        if text.parse::<Stamp>().is_ok() {
            let is_created = name.starts_with("created");
            return if is_created {
                "{{created}}"
            } else {
                "{{updated}}"
            }
            .to_owned();
        }
        if let Some(id) = self.id(spot, text) {
            return id;
        }
        if self.scope.catalogue.personal.has(&name) && text.is_empty() {
            return String::new();
        }
        stand_in_text(&name, text)
    }

    /// The placeholder of the field of the request that the value repeats.
    fn echo(&self, spot: Spot<'_>, value: &Value) -> Option<String> {
        let endpoint = self.scope.endpoint;
        let uploads = endpoint.schema.uploads.as_deref();
        let is_file = |name: &String| {
            let is_facts = self.scope.input.and_then(|input| input.get(name));
            is_facts.is_some_and(Value::is_object)
                || uploads.is_some_and(|files| files.touch(std::slice::from_ref(name)))
        };
        let written = |name: &str| {
            let always = endpoint.schema.is_always_there(name);
            let mark = if always { "" } else { "?" };
            let word = endpoint.verb.fields_word();
            let mark = if spot.in_list { "" } else { mark };
            format!("{{{{{word}.{}{mark}}}}}", join_path(&[name.to_owned()]))
        };
        let is_field = endpoint.schema.shape.property(spot.name).is_some();
        let Some(input) = self.scope.input else {
            // A record that is read repeats the fields of another request.
            let own = spot.name.to_owned();
            return (is_field && spot.is_top && !is_file(&own)).then(|| written(&own));
        };
        if is_field && input.get(spot.name) == Some(value) {
            return Some(written(spot.name));
        }
        let text = value
            .as_str()
            .filter(|text| text.chars().count() >= ECHO_CHARS_MIN)?;
        if self
            .scope
            .vocabulary
            .keeps_text(self.scope.catalogue, spot.name, text)
        {
            return None;
        }
        let mut fields = input.iter();
        let (name, _) = fields.find(|(name, sent)| *sent == value && !is_file(name))?;
        Some(written(name))
    }

    /// A stand-in for an id.
    fn id(&mut self, spot: Spot<'_>, text: &str) -> Option<String> {
        let name = snake_case(spot.name);
        let creation = self.scope.endpoint.creation.as_ref()?;
        if spot.is_top && name == "id" && creation.id_pattern.is_some() {
            return Some("{{id}}".to_owned());
        }
        let found = ID.captures(text);
        if found.is_none() && name != "id" && !name.ends_with("_id") {
            return None;
        }
        let kind = found.as_ref().and_then(|found| found.get(1));
        let kind = kind.map_or("", |kind| kind.as_str());
        if !spot.in_list {
            return Some(format!("{kind}{{{{fake.uuid}}}}"));
        }
        // A placeholder is the same in all items of a list.
        self.ids += 1;
        Some(format!("{kind}00000000-0000-4000-8000-{:012}", self.ids))
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Spot<'n> {
    /// The name of its field, or of the field whose list it is in.
    name: &'n str,
    is_top: bool,
    in_list: bool,
}

impl Spot<'_> {
    const TOP: Self = Self {
        name: "",
        is_top: true,
        in_list: false,
    };
}

fn entry<'t>(template: &'t Template, name: &str) -> Option<&'t Template> {
    match template {
        Template::Object(entries) => {
            let mut entries = entries.iter();
            entries
                .find(|(known, _)| known == name)
                .map(|(_, value)| value)
        }
        Template::Scalar(_) | Template::Hole(_) | Template::Text(_) | Template::List(_) => None,
    }
}

fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| texts_of(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
