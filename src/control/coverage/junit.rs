//! A coverage report as `JUnit` XML: a suite for each part, a test case for each item.

use std::fmt::{self, Write};

use super::report::{Coverage, Part};

/// A check of a gate, and why it has failed.
pub(crate) struct GateCheck {
    /// The flag or the parameter.
    pub name: String,
    pub failure: Option<String>,
}

impl Coverage {
    /// Checks that at least `min` percent is covered. `flag` requires it.
    pub(crate) fn check_min(&self, min: u8, flag: &str) -> GateCheck {
        let failure = (!self.reaches(min)).then(|| {
            format!(
                "the coverage is {} % ({} of {}), less than the {min} % that {flag} requires",
                self.percent, self.exercised, self.total
            )
        });
        GateCheck {
            name: format!("{flag} {min}"),
            failure,
        }
    }

    /// Items that were not requested are skipped test cases. A failed check is a failed one.
    pub(crate) fn junit(&self, checks: &[GateCheck]) -> String {
        let mut xml = String::new();
        self.write_junit(checks, &mut xml)
            .expect("writing to a string cannot fail");
        xml
    }

    fn write_junit(&self, checks: &[GateCheck], xml: &mut String) -> fmt::Result {
        let failures = checks
            .iter()
            .filter(|check| check.failure.is_some())
            .count();
        let (tests, skipped) = (self.total + checks.len(), self.total - self.exercised);
        writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            xml,
            r#"<testsuites name="coverage" tests="{tests}" failures="{failures}" skipped="{skipped}">"#
        )?;
        for part in self.parts() {
            write_part(part, xml)?;
        }
        if !checks.is_empty() {
            let tests = checks.len();
            writeln!(
                xml,
                r#"  <testsuite name="gate" tests="{tests}" failures="{failures}" skipped="0">"#
            )?;
            for check in checks {
                let case = format!(
                    r#"<testcase classname="gate" name="{}""#,
                    escaped(&check.name)
                );
                match check.failure.as_deref().map(escaped) {
                    None => writeln!(xml, "    {case}/>")?,
                    Some(why) => {
                        writeln!(xml, r#"    {case}><failure message="{why}"/></testcase>"#)?;
                    }
                }
            }
            writeln!(xml, "  </testsuite>")?;
        }
        writeln!(xml, "</testsuites>")
    }
}

fn write_part(part: &Part, xml: &mut String) -> fmt::Result {
    let suite = escaped(&part.name);
    let (tests, skipped) = (part.total(), part.missed.len());
    writeln!(
        xml,
        r#"  <testsuite name="{suite}" tests="{tests}" failures="0" skipped="{skipped}">"#
    )?;
    for done in &part.exercised {
        let name = escaped(&done.name);
        writeln!(xml, r#"    <testcase classname="{suite}" name="{name}"/>"#)?;
    }
    for missed in &part.missed {
        let (name, curl) = (escaped(&missed.name), escaped(&missed.curl));
        writeln!(
            xml,
            r#"    <testcase classname="{suite}" name="{name}"><skipped message="not requested: {curl}"/></testcase>"#
        )?;
    }
    writeln!(xml, "  </testsuite>")
}

/// A text as the value of an attribute. XML cannot contain most control characters at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
