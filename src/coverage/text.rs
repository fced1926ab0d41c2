//! The coverage as a person reads it: a table, and below it a curl for each thing that was missed.

use std::fmt::{self, Write};

use super::{Coverage, Part, percent};

impl Coverage {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        let more = [&self.errors, &self.callback_behaviours];
        let counting = |part: &&Part| part.total() > 0;
        self.endpoints.iter().chain(more).filter(counting)
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
