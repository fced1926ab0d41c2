//! The path of a list in the control API, with the parameters that were given.

use std::time::Duration;

use form_urlencoded::Serializer;

pub(super) struct ListPath(Serializer<'static, String>);

impl ListPath {
    /// `list` is a route below `/__sandbox/`.
    pub(super) fn of(list: &str) -> Self {
        Self(Serializer::new(format!("{list}?")))
    }

    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.append_pair(name, value);
        }
    }

    pub(super) fn number(&mut self, name: &str, number: Option<u64>) {
        let number = number.map(|number| number.to_string());
        self.text(name, number.as_deref());
    }

    pub(super) fn duration(&mut self, name: &str, duration: Option<Duration>) {
        let duration = duration.map(|duration| format!("{}ms", duration.as_millis()));
        self.text(name, duration.as_deref());
    }

    pub(super) fn finish(mut self) -> String {
        self.0.finish()
    }
}
