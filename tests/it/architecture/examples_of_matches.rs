//! Small trees with open matches, and what the rule says of them.

use super::examples::in_http;
use super::matches::catch_alls;

#[test]
fn a_catch_all_arm_beside_a_variant_of_an_own_enum_is_seen() {
    let enums =
        "#[strum_discriminants(name(FaultKind), derive(Hash))] enum Fault { Reset, Slow(u32) }";
    for code in [
        "fn f(of: Fault) { match of { Fault::Reset => {} _ => {} } }",
        "fn f(of: Fault) { match of { Fault::Slow(1) => {} other => drop(other) } }",
        "fn f(of: &Fault) { match of { &Fault::Slow(_) | _ => {} } }",
        "fn f(of: Option<Fault>) { match of { None | Some(Fault::Reset) => {} Some(_) => {} } }",
        "fn f(of: (Fault, u8)) { match of { (Fault::Reset, 1) => {} _ => {} } }",
        "impl Fault { fn f(self) { match self { Self::Reset => {} _ => {} } } }",
        "fn f(of: Fault) { match FaultKind::from(of) { FaultKind::Slow => {} _ => {} } }",
        "fn f(of: Fault) { g(|| match of { crate::http::Fault::Reset => {} _ => {} }) }",
    ] {
        let breaches = in_http(catch_alls, &format!("{enums}\n{code}"));
        let name = if code.contains("FaultKind") {
            "FaultKind"
        } else {
            "Fault"
        };
        let breach = format!(
            "src/http/reply.rs: a new variant of `{name}` falls into a catch-all arm (line 2)"
        );
        assert_eq!(breaches, [breach], "{code}");
    }
}

#[test]
fn a_match_that_names_all_variants_or_only_foreign_ones_may_stand() {
    let enums = "enum Fault { Reset, Slow(u32) }";
    for code in [
        "fn f(of: Fault) { match of { Fault::Reset => {} Fault::Slow(_) => {} } }",
        "fn f(of: Fault) { match of { _ if late() => {} Fault::Reset | Fault::Slow(_) => {} } }",
        "fn f(of: Option<Fault>) { match of { Some(Fault::Reset | Fault::Slow(_)) => {} None => {} } }",
        "fn f(of: Result<Fault, Fault>) { match of { Ok(Fault::Reset | Fault::Slow(_)) => {} Err(_) => {} } }",
        "fn f(of: (Fault, u8)) { match of { (Fault::Reset, 1) => {} (Fault::Reset | Fault::Slow(_), _) => {} } }",
        "fn f(of: Kind) { match of { Kind::Reset => {} _ => {} } }",
        "fn f(of: u8) { match of { 1 => {} _ => {} } }",
        "fn f(of: Fault) -> bool { matches!(of, Fault::Reset) }",
        "#[cfg(test)] mod tests { fn f(of: Fault) { match of { Fault::Reset => {} _ => {} } } }",
    ] {
        let breaches = in_http(catch_alls, &format!("{enums}\n{code}"));
        assert!(breaches.is_empty(), "{code}: {breaches:?}");
    }
}
