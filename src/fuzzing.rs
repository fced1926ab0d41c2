//! What the targets in `fuzz/` do with their bytes. It exists for them and for the test that sends every seed the same
//! way; no build that is used contains it.
//!
//! A target is a function that panics where something is wrong: more than a crash, wherever there is more to say of what
//! must come out.

mod basic_auth;
mod control;
mod form;
mod magic;
mod multipart;
mod request;
mod scenario;
pub(crate) mod stage;
mod template;

pub use self::basic_auth::basic_auth;
pub use self::control::control;
pub use self::form::form;
pub use self::magic::magic;
pub use self::multipart::multipart;
pub use self::request::request;
pub use self::scenario::scenario;
pub use self::template::template;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A folder below `fuzz/seeds`, and what is done with each file in it.
    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 8] = [
        ("basic_auth", super::basic_auth),
        ("control", super::control),
        ("form", super::form),
        ("magic", super::magic),
        ("multipart", super::multipart),
        ("request", super::request),
        ("scenario", super::scenario),
        ("template", super::template),
    ];

    fn folders(of: &str) -> Vec<String> {
        let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(of);
        let entries = fs::read_dir(at).expect("it is there");
        let name = |entry: fs::DirEntry| {
            let path = entry.path();
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let mut names: Vec<_> = entries.filter_map(|entry| name(entry.ok()?)).collect();
        names.sort();
        names
    }

    #[test]
    fn every_seed_of_every_fuzz_target_goes_through_as_it_should() {
        for (name, target) in TARGETS {
            let at = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("fuzz/seeds")
                .join(name);
            let mut sent = 0;
            for entry in fs::read_dir(&at).expect("every target has seeds") {
                let path = entry.expect("a file").path();
                eprintln!("{}", path.display()); // shown where it fails
                target(&fs::read(&path).expect("it can be read"));
                sent += 1;
            }
            assert!(sent > 0, "{name} has no seeds");
        }
    }

    #[test]
    fn every_fuzz_target_has_seeds_and_a_place_in_this_test() {
        let known = TARGETS.map(|(name, _)| name.to_owned());
        assert_eq!(folders("fuzz_targets"), known);
        assert_eq!(folders("seeds"), known);
    }
}
