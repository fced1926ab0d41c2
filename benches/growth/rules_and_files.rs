//! The cost of many rules and many files: compares ten rules with ten thousand, and load without
//! reloads with load during reloads.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::load::{Load, Request};
use crate::measure::{Server, Subject, print_row};
use crate::{Explain, Outcome, Plan};

/// The pause between two saves of a file while reloads are measured.
const SAVED_EVERY: Duration = Duration::from_millis(500);
const FEW_RULES: usize = 10;
const MANY_RULES: usize = 10_000;
const MANY_FILES: usize = 1000;

/// Prints the table of both measurements.
pub fn measure_scale(plan: &Plan) -> Outcome<()> {
    let folders = Folders::write()?;

    eprintln!(
        "rules: {} rounds of {:?} each",
        plan.rounds, plan.round_length
    );
    let servers = [
        Server::start(&Subject::over(&folders.few))?,
        Server::start(&Subject::over(&folders.many))?,
    ];
    let mut by_rules = [Rounds::default(), Rounds::default()];
    for number in 0..=plan.rounds {
        for (at, last_rule) in [(0, FEW_RULES - 1), (1, MANY_RULES - 1)] {
            let round = round(&servers[at], account(last_rule), plan)?;
            if number > 0 {
                by_rules[at].push(&round);
            }
        }
    }
    drop(servers);

    eprintln!("files: {} spawns and {} rounds", plan.spawns, plan.rounds);
    let mut start_ups = [vec![], vec![]];
    for _ in 0..plan.spawns {
        for (start_ups, subject) in start_ups
            .iter_mut()
            .zip([Subject::sandbox(), Subject::over(&folders.files)])
        {
            start_ups.push(Server::start(&subject)?.start_up.as_secs_f64() * 1e3);
        }
    }
    let server = Server::start(&Subject::over(&folders.files))?;
    let mut by_reloads = [Rounds::default(), Rounds::default()];
    for number in 0..=plan.rounds {
        let quiet = round(&server, account(0), plan)?;
        let busy = while_saving(&folders.files, || round(&server, account(0), plan))?;
        if number > 0 {
            by_reloads[0].push(&quiet);
            by_reloads[1].push(&busy);
        }
    }

    println!("\n| medians | {FEW_RULES} rules | {MANY_RULES} rules | ratio (min to max) |");
    println!("|---|---:|---:|---:|");
    by_rules.print();
    println!("\n| medians | shipped files | and {MANY_FILES} more | ratio (min to max) |");
    println!("|---|---:|---:|---:|");
    print_row("spawn to first 200, ms", 2, &start_ups);
    println!("\n| medians, {MANY_FILES} files | no reload | reloads | ratio (min to max) |");
    println!("|---|---:|---:|---:|");
    by_reloads.print();
    Ok(())
}

/// The results of rounds of load, in microseconds.
#[derive(Default)]
struct Rounds {
    cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

struct Round {
    load: Load,
    cpu: f64,
}

impl Rounds {
    fn push(&mut self, Round { load, cpu }: &Round) {
        let count = load.latencies.len();
        let at = |percent: usize| load.latencies[count * percent / 100].as_secs_f64() * 1e6;
        self.cpu.push(cpu * 1e6 / count as f64);
        self.p50.push(at(50));
        self.p99.push(at(99));
    }
}

trait Print {
    fn print(self);
}

impl Print for [Rounds; 2] {
    fn print(self) {
        let [one, other] = self;
        print_row("server CPU per request, µs", 2, &[one.cpu, other.cpu]);
        print_row("latency p50, µs", 0, &[one.p50, other.p50]);
        print_row("latency p99, µs", 0, &[one.p99, other.p99]);
    }
}

fn round(server: &Server, mut request: Request, plan: &Plan) -> Outcome<Round> {
    let before = server.cpu_seconds()?;
    let load = server.load(&mut request, u64::MAX, plan.round_length)?;
    let cpu = server.cpu_seconds()? - before;
    Ok(Round { load, cpu })
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
