//! Reports as XML of `JUnit`, which CI systems show.

use std::fmt::{self, Write};

/// The document.
pub(crate) struct JunitReport<'a> {
    pub name: &'a str,
    /// Whether it says that no test ended with an error. A report has no such tests.
    pub names_errors: bool,
    pub suites: Vec<JunitSuite<'a>>,
}

/// Test cases that belong together.
pub(crate) struct JunitSuite<'a> {
    pub name: &'a str,
    pub cases: Vec<JunitCase<'a>>,
}

pub(crate) struct JunitCase<'a> {
    pub name: &'a str,
    pub result: JunitResult,
}

pub(crate) enum JunitResult {
    Passed,
    /// One line, and a text of any length, which may be empty.
    Failed {
        message: String,
        details: String,
    },
    /// The reason.
    Skipped(String),
}

impl JunitReport<'_> {
    pub(crate) fn xml(&self) -> String {
        let mut xml = String::new();
        self.write(&mut xml)
            .expect("writing to a string cannot fail");
        xml
    }

    fn write(&self, xml: &mut String) -> fmt::Result {
        let tests: usize = self.suites.iter().map(|suite| suite.cases.len()).sum();
        let failures: usize = self.suites.iter().map(JunitSuite::failures).sum();
        let skipped: usize = self.suites.iter().map(JunitSuite::skipped).sum();
        let (name, errors) = (escaped(self.name), self.errors());
        writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(
            xml,
            r#"<testsuites name="{name}" tests="{tests}" failures="{failures}"{errors} skipped="{skipped}">"#
        )?;
        for suite in &self.suites {
            suite.write(errors, xml)?;
        }
        writeln!(xml, "</testsuites>")
    }

    /// The attribute.
    fn errors(&self) -> &'static str {
        if self.names_errors {
            r#" errors="0""#
        } else {
            ""
        }
    }
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

    fn write(&self, errors: &str, xml: &mut String) -> fmt::Result {
        let name = escaped(self.name);
        let (tests, failures, skipped) = (self.cases.len(), self.failures(), self.skipped());
        writeln!(
            xml,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}"{errors} skipped="{skipped}">"#
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
            JunitResult::Failed { message, details } if details.is_empty() => {
                let message = escaped(message);
                writeln!(xml, r#"><failure message="{message}"/></testcase>"#)
            }
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
        let report = JunitReport {
            name: "r",
            names_errors: true,
            suites: vec![suite],
        };
        assert_eq!(
            report.xml(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"r\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">\n  \
             <testsuite name=\"&quot;T&quot; &amp; Co\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\">\n    \
             <testcase classname=\"&quot;T&quot; &amp; Co\" name=\"a&lt;b\"><failure message=\"]]&gt; [31m\u{fffd}\">\
             one&#10;two&#9;&lt;/failure&gt;</failure></testcase>\n  </testsuite>\n</testsuites>\n"
        );
    }

    #[test]
    fn a_failure_without_details_is_one_element() {
        let failed = JunitResult::Failed {
            message: "m".to_owned(),
            details: String::new(),
        };
        let case = |name, result| JunitCase { name, result };
        let cases = vec![
            case("a", failed),
            case("b", JunitResult::Skipped("why".to_owned())),
        ];
        let report = JunitReport {
            name: "r",
            names_errors: false,
            suites: vec![JunitSuite { name: "s", cases }],
        };
        assert_eq!(
            report.xml(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"r\" tests=\"2\" failures=\"1\" skipped=\"1\">\n  \
             <testsuite name=\"s\" tests=\"2\" failures=\"1\" skipped=\"1\">\n    \
             <testcase classname=\"s\" name=\"a\"><failure message=\"m\"/></testcase>\n    \
             <testcase classname=\"s\" name=\"b\"><skipped message=\"why\"/></testcase>\n  \
             </testsuite>\n</testsuites>\n"
        );
    }
}
