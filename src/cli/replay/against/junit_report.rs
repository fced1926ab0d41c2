//! What a comparison with another server found, as `JUnit` XML: a suite for each endpoint, a test case for each field.

use std::fmt::{self, Write};

use super::findings::Findings;
use super::report::failure;
use crate::cli::replay::xml::escaped;

pub(super) fn junit(findings: &Findings) -> String {
    let mut xml = String::new();
    write(findings, &mut xml).expect("writing to a string cannot fail");
    xml
}

fn write(findings: &Findings, xml: &mut String) -> fmt::Result {
    let fields = || {
        findings
            .endpoints
            .values()
            .flat_map(|found| found.fields.values())
    };
    let failed = fields()
        .filter(|field| !field.differences.is_empty())
        .count();
    let (stopped, skipped) = (
        usize::from(findings.stopped.is_some()),
        findings.skipped.len(),
    );
    let tests = fields().count() + stopped + skipped;
    writeln!(xml, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        xml,
        r#"<testsuites name="replay" tests="{tests}" failures="{failed}" errors="{stopped}" skipped="{skipped}">"#
    )?;
    for (endpoint, found) in &findings.endpoints {
        let suite = escaped(endpoint);
        let tests = found.fields.len();
        let fields = found.fields.values();
        let failed = fields.filter(|field| !field.differences.is_empty()).count();
        writeln!(
            xml,
            r#"  <testsuite name="{suite}" tests="{tests}" failures="{failed}" errors="0" skipped="0">"#
        )?;
        for ((path, source), field) in &found.fields {
            let case = format!(
                r#"<testcase classname="{suite}" name="{} ({})""#,
                escaped(path),
                source.name()
            );
            match failure(field).map(|words| escaped(&words)) {
                None => writeln!(xml, "    {case}/>")?,
                Some(words) => {
                    writeln!(xml, r#"    {case}><failure message="{words}"/></testcase>"#)?;
                }
            }
        }
        writeln!(xml, "  </testsuite>")?;
    }
    if stopped + skipped > 0 {
        write_unsent(findings, xml)?;
    }
    writeln!(xml, "</testsuites>")
}

fn write_unsent(findings: &Findings, xml: &mut String) -> fmt::Result {
    let (stopped, skipped) = (
        usize::from(findings.stopped.is_some()),
        findings.skipped.len(),
    );
    let tests = stopped + skipped;
    writeln!(
        xml,
        r#"  <testsuite name="not sent" tests="{tests}" failures="0" errors="{stopped}" skipped="{skipped}">"#
    )?;
    for (reason, tally) in &findings.skipped {
        let (reason, count) = (escaped(reason), tally.count);
        writeln!(
            xml,
            r#"    <testcase classname="not sent" name="{reason}"><skipped message="requests: {count}"/></testcase>"#
        )?;
    }
    if let Some(stopped) = &findings.stopped {
        let why = escaped(stopped);
        writeln!(
            xml,
            r#"    <testcase classname="not sent" name="the rest"><error message="{why}"/></testcase>"#
        )?;
    }
    writeln!(xml, "  </testsuite>")
}
