//! The cost of many rules and many files: compares ten rules with ten thousand, and load without
//! reloads with load during reloads.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::load::{Amount, Request};
use crate::common::pinned::{Server, Subject};
use crate::common::rounds::{
    CPU, P50, P99, Plan, in_turns, load_of, print_head, print_rounds, print_row, round,
};
use crate::common::{Explain, Outcome};

/// The pause between two saves of a file while reloads are measured.
const SAVED_EVERY: Duration = Duration::from_millis(500);
const FEW_RULES: usize = 10;
const MANY_RULES: usize = 10_000;
const MANY_FILES: usize = 1000;

pub fn measure(plan: Plan) -> Outcome<()> {
    let folders = Folders::write()?;
    measure_rules(plan, &folders)?;
    measure_start(plan, &folders)?;
    measure_reloads(plan, &folders)
}

fn measure_rules(plan: Plan, folders: &Folders) -> Outcome<()> {
    eprintln!("rules");
    let few = Server::start(&Subject::over(&folders.few))?;
    let many = Server::start(&Subject::over(&folders.many))?;
    let amount = Amount::during(plan.round_length);
    let sides = &mut [
        load_of(&few, account(FEW_RULES - 1), amount),
        load_of(&many, account(MANY_RULES - 1), amount),
    ];
    let rounds = in_turns(plan, sides)?;
    print_head(
        "medians",
        &[
            &format!("{FEW_RULES} rules"),
            &format!("{MANY_RULES} rules"),
        ],
    );
    print_rounds(&rounds, &[CPU, P50, P99]);
    Ok(())
}

fn measure_start(plan: Plan, folders: &Folders) -> Outcome<()> {
    eprintln!("files");
    let mut start_ups = [vec![], vec![]];
    for _ in 0..plan.rounds * 4 {
        for (start_ups, subject) in start_ups
            .iter_mut()
            .zip([Subject::sandbox(), Subject::over(&folders.files)])
        {
            start_ups.push(Server::start(&subject)?.start_up.as_secs_f64() * 1e3);
        }
    }
    print_head(
        "medians",
        &["shipped files", &format!("and {MANY_FILES} more")],
    );
    print_row("spawn to first 200, ms", 2, &start_ups);
    Ok(())
}

fn measure_reloads(plan: Plan, folders: &Folders) -> Outcome<()> {
    eprintln!("reloads");
    let server = Server::start(&Subject::over(&folders.files))?;
    let amount = Amount::during(plan.round_length);
    let load = || round(&server, &mut account(0), amount);
    let sides = &mut [
        load_of(&server, account(0), amount),
        Box::new(|| while_saving(&folders.files, load)),
    ];
    let rounds = in_turns(plan, sides)?;
    print_head(
        &format!("medians, {MANY_FILES} files"),
        &["no reload", "reloads"],
    );
    print_rounds(&rounds, &[CPU, P50, P99]);
    Ok(())
}

/// Saves one file of the folder again and again, each time with other contents.
fn while_saving<T>(folder: &Path, load: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let mut next = Instant::now();
            for number in 0_u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                if Instant::now() >= next {
                    let text = format!("{}# saved {number}\n", endpoint(0));
                    fs::write(folder.join("thing0.toml"), text).explain("cannot save a file")?;
                    next += SAVED_EVERY;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        });
        let loaded = load();
        done.store(true, Ordering::Relaxed);
        let saved: Outcome<()> = saving.join().expect("the saver does not panic");
        saved.and(loaded)
    })
}

/// The bank account of the rule with this number.
fn account(number: usize) -> Request {
    let body = format!(
        r#"{{"bank_account_number":"{}","bank_code":"BCA"}}"#,
        100_000 + number
    );
    Request::post("/v1.1/identity/bank_account_data_requests", &body)
}

/// Scenario folders, which are removed when this is dropped.
struct Folders {
    root: PathBuf,
    few: PathBuf,
    many: PathBuf,
    files: PathBuf,
}

impl Folders {
    fn write() -> Outcome<Self> {
        let root = std::env::temp_dir().join(format!("iluma-sandbox-bench-{}", std::process::id()));
        let folders = Self {
            few: root.join("few"),
            many: root.join("many"),
            files: root.join("files"),
            root,
        };
        for folder in [&folders.few, &folders.many, &folders.files] {
            fs::create_dir_all(folder).explain("cannot make a folder")?;
        }
        for (folder, count) in [(&folders.few, FEW_RULES), (&folders.many, MANY_RULES)] {
            fs::write(folder.join("rules.toml"), rules(count)).explain("cannot write rules")?;
        }
        for number in 0..MANY_FILES {
            let file = folders.files.join(format!("thing{number}.toml"));
            fs::write(file, endpoint(number)).explain("cannot write a file")?;
        }
        Ok(folders)
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root); // left to the system's own cleaning otherwise
    }
}

fn rules(count: usize) -> String {
    let mut text = "extends = \"v1.1/bank_account_data_requests\"\n".to_owned();
    for number in 0..count {
        write!(
            text,
            "[outcomes.RULE_{number}]\nwhen = {{ \"input.bank_account_number\" = \"{}\" }}\n\
             body.result = {{ is_found = false }}\n",
            100_000 + number
        )
        .expect("writing to a string cannot fail");
    }
    text
}

fn endpoint(number: usize) -> String {
    format!(
        "path = \"/v9/things/{number}\"\nid = \"thing_{{hex24}}\"\n\
         [request]\nrequired = [\"name\"]\n[request.properties]\nname = {{ type = \"string\", minLength = 1 }}\n\
         [reply]\nbody = {{ id = \"{{{{id}}}}\", name = \"{{{{input.name}}}}\", created = \"{{{{created}}}}\" }}\n\
         [outcomes.FOUND]\ndefault = true\nbody = {{ is_found = true }}\n\
         [outcomes.NOT_FOUND]\nwhen = {{ \"input.name\" = \"nobody\" }}\nbody = {{ is_found = false }}\n\
         [outcomes.PENDING]\nbody = {{ status = \"PENDING\" }}\nthen = {{ after = \"1s\", outcome = \"FOUND\" }}\n"
    )
}
