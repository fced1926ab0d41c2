//! Reports as XML of `JUnit`, which CI systems show.

use std::fmt::{self, Write};

/// The test cases of one report.
pub(super) struct JunitSuite<'a> {
    pub name: &'a str,
    pub cases: Vec<JunitCase<'a>>,
}

pub(super) struct JunitCase<'a> {
    pub name: &'a str,
    pub result: JunitResult,
}

pub(super) enum JunitResult {
    Passed,
    /// One line, and a text of any length.
    Failed {
        message: String,
        details: String,
    },
    /// The reason.
    Skipped(String),
}

impl JunitSuite<'_> {
    fn failures(&self) -> usize {
        let results = self.cases.iter().map(|case| &case.result);
        results
            .filter(|result| matches!(result, JunitResult::Failed { .. }))
            .count()
    }

    fn skipped(&self) -> usize {
        let results = self.cases.iter().map(|case| &case.result);
        results
            .filter(|result| matches!(result, JunitResult::Skipped(_)))
            .count()
    }

    fn write(&self, xml: &mut String) -> fmt::Result {
        let name = escaped(self.name);
        let (tests, failures, skipped) = (self.cases.len(), self.failures(), self.skipped());
        writeln!(
            xml,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}">"#
        )?;
        for case in &self.cases {
            case.write(&name, xml)?;
        }
        writeln!(xml, "  </testsuite>")
    }
}

impl JunitCase<'_> {
    fn write(&self, suite: &str, xml: &mut String) -> fmt::Result {
        let name = escaped(self.name);
        write!(xml, r#"    <testcase classname="{suite}" name="{name}""#)?;
        match &self.result {
            JunitResult::Passed => writeln!(xml, "/>"),
            JunitResult::Failed { message, details } => {
                let (message, details) = (escaped(message), escaped(details));
                writeln!(
                    xml,
                    r#"><failure message="{message}">{details}</failure></testcase>"#
                )
            }
            JunitResult::Skipped(reason) => {
                let reason = escaped(reason);
                writeln!(xml, r#"><skipped message="{reason}"/></testcase>"#)
            }
        }
    }
}

/// The document of a report.
pub(super) fn junit(name: &str, suites: &[JunitSuite<'_>]) -> String {
    let mut xml = String::new();
    write_document(name, suites, &mut xml).expect("writing to a string cannot fail");
    xml
}

fn write_document(name: &str, suites: &[JunitSuite<'_>], xml: &mut String) -> fmt::Result {
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let failures: usize = suites.iter().map(JunitSuite::failures).sum();
    let skipped: usize = suites.iter().map(JunitSuite::skipped).sum();
    let name = escaped(name);
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        xml,
        r#"<testsuites name="{name}" tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}">"#
    )?;
    for suite in suites {
        suite.write(xml)?;
    }
    writeln!(xml, "</testsuites>")
}

/// A text as XML. XML cannot contain most control characters and two others, not even escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_stay_texts() {
        let failed = |message: &str, details: &str| JunitCase {
            name: "a<b",
            result: JunitResult::Failed {
                message: message.to_owned(),
                details: details.to_owned(),
            },
        };
        let suite = JunitSuite {
            name: "\"T\" & Co",
            cases: vec![failed("]]>\u{1b}[31m\u{ffff}", "one\ntwo\t</failure>")],
        };
        assert_eq!(
            junit("r", &[suite]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"r\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">\n  \
             <testsuite name=\"&quot;T&quot; &amp; Co\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">\n    \
             <testcase classname=\"&quot;T&quot; &amp; Co\" name=\"a&lt;b\"><failure message=\"]]&gt; [31m\u{fffd}\">\
             one&#10;two&#9;&lt;/failure&gt;</failure></testcase>\n  </testsuite>\n</testsuites>\n"
        );
    }
}
