//! A coverage report: its parts, its items, its text.

use std::fmt::{self, Write};

use foldhash::HashSet;
use serde::{Deserialize, Serialize};

/// How much of everything has been exercised.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Coverage {
    /// `all worlds`, or the tag of one.
    pub of: String,
    pub exercised: usize,
    pub total: usize,
    /// Rounded down, so that 100 means all.
    pub percent: f64,
    pub endpoints: Vec<Part>,
    pub errors: Part,
    pub callback_behaviours: Part,
    /// How many replies were not counted, because there were too many kinds of them.
    pub uncounted: u64,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Part {
    /// The id of the endpoint, or what all items of the part are.
    pub name: String,
    pub exercised: Vec<Done>,
    pub missed: Vec<Missed>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Done {
    pub name: String,
    pub count: u64,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Missed {
    pub name: String,
    /// A curl that exercises it.
    pub curl: String,
}

impl Coverage {
    /// Sums up the parts.
    pub(super) fn of_parts(
        of: String,
        endpoints: Vec<Part>,
        errors: Part,
        callbacks: Part,
    ) -> Self {
        let mut coverage = Self {
            of,
            exercised: 0,
            total: 0,
            percent: 0.0,
            endpoints,
            errors,
            callback_behaviours: callbacks,
            uncounted: 0,
        };
        coverage.sum_up();
        coverage
    }

    /// Counts again, after items were taken out.
    pub(super) fn sum_up(&mut self) {
        self.exercised = self.parts().map(|part| part.exercised.len()).sum();
        self.total = self.parts().map(Part::total).sum();
        self.percent = percent(self.exercised, self.total);
    }

    /// Whether at least `min` percent was exercised.
    pub(crate) fn reaches(&self, min: u8) -> bool {
        self.exercised * 100 >= self.total * usize::from(min)
    }
}

impl Part {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn put(&mut self, name: &str, count: u64, curl: impl FnOnce() -> String) {
        let name = name.to_owned();
        if count > 0 {
            self.exercised.push(Done { name, count });
        } else {
            self.missed.push(Missed { name, curl: curl() });
        }
    }

    /// The names of its items.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let exercised = self.exercised.iter().map(|done| done.name.as_str());
        exercised.chain(self.missed.iter().map(|missed| missed.name.as_str()))
    }

    pub(super) fn total(&self) -> usize {
        self.exercised.len() + self.missed.len()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below the precision of a float"
)]
fn percent(exercised: usize, total: usize) -> f64 {
    match total {
        0 => 100.0,
        _ => (exercised * 1000 / total) as f64 / 10.0,
    }
}

impl Coverage {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    /// The whole names of the items that were requested.
    pub(crate) fn covered_items(&self) -> impl Iterator<Item = String> {
        self.parts().flat_map(|part| {
            let names = part.exercised.iter().map(|done| &done.name);
            names.map(|name| format!("{}/{name}", part.name))
        })
    }

    /// The whole names of the others.
    pub(crate) fn missed_items(&self) -> HashSet<String> {
        let missed = self.parts().flat_map(|part| {
            let names = part.missed.iter().map(|missed| &missed.name);
            names.map(|name| format!("{}/{name}", part.name))
        });
        missed.collect()
    }

    /// The parts that count anything.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let more = [&self.errors, &self.callback_behaviours];
        let counting = |part: &&Part| part.total() > 0;
        self.endpoints.iter().chain(more).filter(counting)
    }

    pub(super) fn parts_mut(&mut self) -> impl Iterator<Item = &mut Part> {
        let more = [&mut self.errors, &mut self.callback_behaviours];
        self.endpoints.iter_mut().chain(more)
    }

    fn write_to(&self, text: &mut String) -> fmt::Result {
        for part in self.parts() {
            let (done, total) = (part.exercised.len(), part.total());
            let percent = percent(done, total);
            writeln!(
                text,
                "{percent:5.1} %  {done:3} of {total:3}  {}",
                part.name
            )?;
        }
        writeln!(
            text,
            "{:5.1} %  {:3} of {:3}  in all, over {}",
            self.percent, self.exercised, self.total, self.of
        )?;
        if self.uncounted > 0 {
            writeln!(
                text,
                "{} replies were too many to tell apart",
                self.uncounted
            )?;
        }
        for part in self.parts().filter(|part| !part.missed.is_empty()) {
            writeln!(text, "\nmissed of {}:", part.name)?;
            for missed in &part.missed {
                writeln!(text, "  {}\n    {}", missed.name, missed.curl)?;
            }
        }
        Ok(())
    }
}
