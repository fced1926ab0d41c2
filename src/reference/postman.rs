//! The `OpenAPI` document as a Postman collection: a folder for each product, a request for each outcome, and
//! tests that compare the replies with the document.

use serde_json::{Map, Value, json};

use crate::http;

/// The values that a collection's requests use.
pub(crate) struct Environment<'a> {
    pub base_url: &'a str,
    pub api_key: &'a str,
}

impl Environment<'_> {
    pub(crate) fn written(&self) -> Value {
        let value = |key: &str, value: &str, kind: &str| json!({"key": key, "value": value, "type": kind, "enabled": true});
        json!({
            "name": "iluma-sandbox",
            "values": [
                value("base_url", self.base_url, "default"),
                value("api_key", self.api_key, "secret"),
            ],
            "_postman_variable_scope": "environment",
        })
    }
}

/// The collection of everything that one of our `OpenAPI` documents describes.
pub(crate) fn postman_collection(openapi: &Value) -> Value {
    let mut folders: Vec<_> = entries(&openapi["tags"])
        .map(|tag| Folder {
            name: tag["name"].as_str().unwrap_or_default(),
            items: Vec::new(),
        })
        .collect();
    let mut errors = Vec::new();
    for (path, method, operation) in operations(openapi) {
        let tag = &operation["tags"][0];
        let folder = folders.iter_mut().find(|folder| folder.name == tag);
        let operation = Operation {
            openapi,
            path,
            method,
            described: operation,
        };
        let items = operation.items();
        if let Some(folder) = folder {
            folder.items.extend(items);
        }
        if errors.is_empty() && operation.is_product() {
            errors = operation.shared_errors();
        }
    }
    let folders = folders
        .into_iter()
        .filter(|folder| !folder.items.is_empty());
    let folders = folders.map(|folder| json!({"name": folder.name, "item": folder.items}));
    let errors = json!({"name": "Errors that every endpoint knows", "item": errors});
    json!({
        "info": {
            "name": openapi["info"]["title"],
            "description": openapi["info"]["description"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": {"type": "basic", "basic": [
            {"key": "username", "value": "{{api_key}}", "type": "string"},
            {"key": "password", "value": "", "type": "string"},
        ]},
        "item": folders.chain([errors]).collect::<Vec<_>>(),
    })
}

struct Folder<'a> {
    name: &'a str,
    items: Vec<Value>,
}

struct Operation<'a> {
    openapi: &'a Value,
    path: &'a str,
    method: &'a str,
    described: &'a Value,
}

/// What the tests of a reply expect.
struct ExpectedReply<'a> {
    status: &'a str,
    /// `x-sandbox-outcome`, if it is known.
    outcome: Option<String>,
    example: Option<&'a Value>,
    schema: &'a Value,
}

impl<'a> Operation<'a> {
    fn is_product(&self) -> bool {
        self.described.get("x-sandbox-outcomes").is_some()
    }

    fn items(&self) -> Vec<Value> {
        if self.is_product() {
            let outcomes = entries(&self.described["x-sandbox-outcomes"]);
            return outcomes
                .filter_map(|outcome| self.outcome(outcome))
                .collect();
        }
        let is_read = self.described.get("x-sandbox-endpoint").is_some();
        if is_read && self.described["x-sandbox-reads"] == "listing" {
            return Vec::new(); // the ids of listings come from results
        }
        let expected = ExpectedReply {
            status: "200",
            outcome: None,
            example: None,
            schema: &self.described["responses"]["200"]["content"]["application/json"]["schema"],
        };
        vec![self.request(self.summary(), None, &expected)]
    }

    /// A request that asks for an outcome.
    fn outcome(&self, outcome: &'a Value) -> Option<Value> {
        let name = outcome["name"].as_str()?;
        let stands_for_others = entries(&outcome["sequence"]).next().is_some()
            || outcome["weighted"]
                .as_object()
                .is_some_and(|weights| !weights.is_empty());
        let expected = self.expected(name)?;
        let expected = ExpectedReply {
            outcome: expected.outcome.filter(|_| !stands_for_others),
            // Other outcomes of a sequence or a draw look different.
            example: expected.example.filter(|_| !stands_for_others),
            ..expected
        };
        Some(self.request(name, Some(name), &expected))
    }

    /// Requests for the errors that every endpoint has.
    fn shared_errors(&self) -> Vec<Value> {
        let of_header = |one: &&Value| one["name"] == http::MAGIC_HEADER.as_str();
        let header = entries(&self.described["parameters"]).find(of_header);
        let names = header.map_or(&Value::Null, |header| &header["schema"]["enum"]);
        let is_own = |name: &str| {
            let mut own = entries(&self.described["x-sandbox-outcomes"]);
            own.any(|outcome| {
                outcome["name"] == name || entries(&outcome["aliases"]).any(|alias| alias == name)
            })
        };
        let names = entries(names).filter_map(Value::as_str);
        let names = names.filter(|name| !is_own(name));
        let request = |name| Some(self.request(name, Some(name), &self.expected(name)?));
        names.filter_map(request).collect()
    }

    /// The reply that the document shows for an outcome.
    fn expected(&self, name: &str) -> Option<ExpectedReply<'a>> {
        let replies = self.described["responses"].as_object()?;
        replies.iter().find_map(|(status, reply)| {
            let media = &reply["content"]["application/json"];
            let example = media["examples"].get(name)?;
            let endpoint = self.described["x-sandbox-endpoint"].as_str()?;
            Some(ExpectedReply {
                status,
                outcome: Some(format!("{endpoint}/{name}")),
                example: example.get("value"),
                schema: &media["schema"],
            })
        })
    }

    fn request(&self, name: &str, magic: Option<&str>, expected: &ExpectedReply<'_>) -> Value {
        let mut headers = Vec::new();
        if let Some(magic) = magic {
            headers.push(json!({"key": http::MAGIC_HEADER.as_str(), "value": magic}));
        }
        let mut request = json!({
            "method": self.method.to_uppercase(),
            "url": self.url(),
            "description": self.summary(),
        });
        if let Some(sample) = self.sample() {
            headers.push(json!({"key": "content-type", "value": "application/json"}));
            request["body"] = json!({
                "mode": "raw",
                "raw": format!("{sample:#}"),
                "options": {"raw": {"language": "json"}},
            });
        }
        if self.described["security"]
            .as_array()
            .is_some_and(Vec::is_empty)
        {
            request["auth"] = json!({"type": "noauth"});
        }
        request["header"] = headers.into();
        let mut script = self.tests(expected);
        if let Some(path) = self.path_to_id() {
            if self.is_read() {
                script.push(same_id(&path));
            } else if expected.status.starts_with('2') {
                script.push(keep_id(&path));
            }
        }
        json!({
            "name": name,
            "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": script}}],
            "request": request,
        })
    }

    /// The keys that lead to the id in a reply of this endpoint, as the link of the document says.
    fn path_to_id(&self) -> Option<Vec<String>> {
        let endpoint = self.described.get("x-sandbox-endpoint")?;
        operations(self.openapi)
            .filter(|(_, _, other)| other.get("x-sandbox-endpoint") == Some(endpoint))
            .flat_map(|(_, _, other)| other["responses"].as_object().into_iter().flatten())
            .find_map(|(_, reply)| {
                let id = reply["links"]["read"]["parameters"]["id"].as_str()?;
                let keys = id.strip_prefix("$response.body#/")?.split('/');
                Some(
                    keys.map(|key| key.replace("~1", "/").replace("~0", "~"))
                        .collect(),
                )
            })
    }

    fn is_read(&self) -> bool {
        !self.is_product() && self.described.get("x-sandbox-endpoint").is_some()
    }

    fn summary(&self) -> &'a str {
        self.described["summary"].as_str().unwrap_or(self.path)
    }

    /// The body. An upload has none: the header alone gets the answer, and files are not part of a collection.
    fn sample(&self) -> Option<Value> {
        let examples = &self.described["requestBody"]["content"]["application/json"]["examples"];
        let mut sample = examples.as_object()?.values().next()?["value"].clone();
        if let Some(url) = sample.get_mut("url").filter(|_| !self.is_product()) {
            *url = "{{base_url}}/__sandbox/inbox/postman".into();
        }
        Some(sample)
    }

    /// The URL with a value in each segment: its example, the id of the last record, or a new id.
    fn url(&self) -> Value {
        let parameters = || entries(&self.described["parameters"]);
        let value = |name: &str| {
            let parameter = parameters().find(|one| one["name"] == name);
            let example = parameter.and_then(|one| one["example"].as_str());
            match example {
                Some(example) => example.to_owned(),
                None if self.is_read() => "{{id}}".to_owned(),
                None => "{{$guid}}".to_owned(),
            }
        };
        let segments = self.path.split('/').skip(1).map(|part| {
            let name = part
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            name.map_or_else(|| part.to_owned(), value)
        });
        let segments: Vec<_> = segments.collect();
        let query = parameters().filter(|one| one["in"] == "query");
        let query: Vec<_> = query
            .map(|one| json!({"key": one["name"], "value": "{{$guid}}"}))
            .collect();
        let pairs = query.iter().filter_map(|pair| pair["key"].as_str());
        let pairs: Vec<_> = pairs.map(|key| format!("{key}={{{{$guid}}}}")).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        let raw = format!(
            "{{{{base_url}}}}/{}{mark}{}",
            segments.join("/"),
            pairs.join("&")
        );
        json!({"raw": raw, "host": ["{{base_url}}"], "path": segments, "query": query})
    }

    /// The `pm.test` calls for the status, the content type, the outcome and the body.
    fn tests(&self, expected: &ExpectedReply<'_>) -> Vec<String> {
        let status = expected.status;
        let mut script = vec![
            format!("pm.test('the status is {status}', () => pm.response.to.have.status({status}));"),
            "pm.test('it is JSON', () => pm.expect(pm.response.headers.get('content-type')).to.include('application/json'));"
                .to_owned(),
            "const body = pm.response.json();".to_owned(),
        ];
        if let Some(outcome) = &expected.outcome {
            let outcome = json!(outcome);
            script.push(format!(
                "pm.test('the outcome is the one asked for', () => pm.expect(pm.response.headers.get('x-sandbox-outcome')).to.equal({outcome}));"
            ));
        }
        let Some(schema) = self.schema_of(expected) else {
            return script;
        };
        for name in entries(&schema["required"]) {
            script.push(format!(
                "pm.test('it has ' + {name}, () => pm.expect(body).to.have.property({name}));"
            ));
        }
        for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(only) = rule.get("const") {
                let name = json!(name);
                script.push(format!(
                    "pm.test('what it always says as ' + {name}, () => pm.expect(body[{name}]).to.equal({only}));"
                ));
            }
        }
        let code = expected
            .example
            .and_then(|example| example.get("error_code"));
        if let Some(code) = code {
            script.push(format!(
                "pm.test('the error is the one asked for', () => pm.expect(body.error_code).to.equal({code}));"
            ));
        }
        script
    }

    /// The one schema that the reply must match. If there are several, it is the one that the example fits.
    fn schema_of(&self, expected: &ExpectedReply<'a>) -> Option<&'a Value> {
        let alternatives = expected.schema.get("anyOf").and_then(Value::as_array);
        let alternatives =
            alternatives.map_or(std::slice::from_ref(expected.schema), Vec::as_slice);
        let mut resolved = alternatives.iter().map(|schema| self.resolved(schema));
        match (expected.example, alternatives) {
            (_, [_]) => resolved.next(),
            (Some(example), _) => resolved.find(|schema| fits(schema, example)),
            (None, _) => None,
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"]
            .as_str()
            .and_then(|text| text.strip_prefix('#'));
        let found = reference.and_then(|pointer| self.openapi.pointer(pointer));
        found.unwrap_or(schema)
    }
}

/// Keeps the id, so that a later request can read the record back.
fn keep_id(path: &[String]) -> String {
    let id = at(path);
    format!("if ({id}) pm.collectionVariables.set('id', {id});")
}

fn same_id(path: &[String]) -> String {
    let id = at(path);
    format!(
        "pm.test('it is the record that was asked for', () => pm.expect({id}).to.equal(pm.collectionVariables.get('id')));"
    )
}

/// The value in the body to which the keys lead.
fn at(path: &[String]) -> String {
    let keys = path.iter().map(|key| format!("?.[{}]", json!(key)));
    keys.fold("body".to_owned(), |value, key| value + &key)
}

/// Whether an object has the required fields, the constants and no unknown fields at its top level.
fn fits(schema: &Value, example: &Value) -> bool {
    let has_all = entries(&schema["required"])
        .filter_map(Value::as_str)
        .all(|name| example.get(name).is_some());
    let properties = schema["properties"].as_object();
    let known = |name: &String| properties.is_some_and(|known| known.contains_key(name));
    let is_open = schema["additionalProperties"] != false;
    let mut keys = example.as_object().into_iter().flatten();
    let constants = properties.into_iter().flatten().all(|(name, rule)| {
        let only = rule.get("const");
        only.is_none_or(|only| example.get(name).is_none_or(|value| value == only))
    });
    has_all && constants && keys.all(|(name, _)| is_open || known(name))
}

fn operations(openapi: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = openapi["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods: Option<&Map<_, _>> = item.as_object();
        let methods = methods.into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
