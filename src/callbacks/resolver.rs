//! Resolves host names. Names that nobody answers for do not hold up the others.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexSet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::base::{Host, lock};

/// Simultaneous lookups. Each occupies a thread until the system gives up, which may take half a minute.
const LOOKUPS_MAX: usize = 16;

/// More lookups, for names that had an address before. Names that never had one cannot take their place.
const KNOWN_LOOKUPS_MAX: usize = 4;

/// How long a lookup waits for its turn.
const LOOKUP_TURN_TIME: Duration = Duration::from_secs(5);

/// How long a name without address is not looked up again.
const MISSING_NAME_TIME: Duration = Duration::from_secs(2);

/// How many names of each kind are remembered: those with and those without an address.
const REMEMBERED_NAMES_MAX: usize = 1000;

type Lookup = fn(&str) -> io::Result<Vec<IpAddr>>;

/// None while the system looks for the name.
type Answer = Option<Result<Vec<IpAddr>, String>>;

/// The system's resolver, with limits. It keeps no address: every connection sees the present ones.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    lookup: Lookup,
    lookups: Arc<Semaphore>,
    known_lookups: Arc<Semaphore>,
    names: Arc<Mutex<Names>>,
}

#[derive(Debug, Default)]
struct Names {
    /// Names that are being looked up. Whoever needs the same name waits for the same lookup.
    running: HashMap<String, watch::Receiver<Answer>>,
    /// Names that had no address, and until when they are not looked up again.
    missing: HashMap<String, Instant>,
    /// Names that had an address, those of the latest lookups.
    known: IndexSet<String>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(system_lookup)
    }
}

impl Resolver {
    fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            known_lookups: Arc::new(Semaphore::new(KNOWN_LOOKUPS_MAX)),
            names: Arc::default(),
        }
    }

    /// All addresses of a host, at least one. An address needs no lookup, nor does `localhost`: it is always this
    /// machine (RFC 6761). An error is a sentence.
    pub(crate) async fn resolve(&self, host: &Host) -> Result<Vec<IpAddr>, String> {
        let name = match host {
            Host::Address(address) => return Ok(vec![*address]),
            Host::Name(_) if host.is_localhost() => {
                return Ok(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
            }
            Host::Name(name) => name.to_ascii_lowercase(),
        };
        let present = lock(&self.names).present(&name);
        let mut answer = if let Some(answer) = present {
            answer
        } else {
            let turn = self.turn(&name).await?;
            self.begin(&name, turn)
        };
        let found = answer.wait_for(Option::is_some).await;
        let found = found.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err(no_address(&name)))
    }

    async fn turn(&self, name: &str) -> Result<OwnedSemaphorePermit, String> {
        let is_known = lock(&self.names).known.contains(name);
        let turn = async {
            tokio::select! {
                biased;
                turn = self.lookups.clone().acquire_owned() => turn,
                turn = self.known_lookups.clone().acquire_owned(), if is_known => turn,
            }
        };
        let turn = timeout(LOOKUP_TURN_TIME, turn).await;
        let turn = turn.map_err(|_| {
            format!("the host `{name}` was not looked up: the system's resolver is busy with other names")
        })?;
        Ok(turn.expect("never closed"))
    }

    /// Starts a lookup, unless one of the same name began while this one waited for its turn.
    fn begin(&self, name: &str, turn: OwnedSemaphorePermit) -> watch::Receiver<Answer> {
        let mut names = lock(&self.names);
        if let Some(answer) = names.present(name) {
            return answer;
        }
        let (sender, answer) = watch::channel(None);
        names.running.insert(name.to_owned(), answer.clone());
        drop(names);
        let (resolver, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let found = (resolver.lookup)(&name).unwrap_or_default();
            lock(&resolver.names).remember(&name, !found.is_empty());
            let found = if found.is_empty() {
                Err(no_address(&name))
            } else {
                Ok(found)
            };
            sender.send_replace(Some(found));
            drop(turn); // the thread is free from here
        });
        answer
    }
}

impl Names {
    /// The running lookup of this name, or the answer that it has no address.
    fn present(&self, name: &str) -> Option<watch::Receiver<Answer>> {
        let until = self.missing.get(name);
        if until.is_some_and(|until| *until > Instant::now()) {
            return Some(watch::channel(Some(Err(no_address(name)))).1);
        }
        self.running.get(name).cloned()
    }

    fn remember(&mut self, name: &str, has_address: bool) {
        self.running.remove(name);
        self.known.shift_remove(name);
        self.missing.remove(name);
        if has_address {
            if self.known.len() == REMEMBERED_NAMES_MAX {
                self.known.shift_remove_index(0);
            }
            self.known.insert(name.to_owned());
            return;
        }
        let now = Instant::now();
        self.missing.retain(|_, until| *until > now);
        if self.missing.len() < REMEMBERED_NAMES_MAX {
            self.missing
                .insert(name.to_owned(), now + MISSING_NAME_TIME);
        }
    }
}

fn system_lookup(name: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

fn no_address(name: &str) -> String {
    format!("the host `{name}` is not known")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Names with `dead` in them never get an answer.
    fn fake_lookup(name: &str) -> io::Result<Vec<IpAddr>> {
        if name.contains("dead") {
            loop {
                std::thread::park();
            }
        }
        if name.contains("missing") {
            return Err(io::Error::other("no such host"));
        }
        Ok(vec![NEAR])
    }

    fn in_runtime(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(test);
        runtime.shutdown_background(); // the dead lookups never end
    }

    fn name(text: &str) -> Host {
        Host::parse(text).expect("a host")
    }

    /// Starts a lookup and returns when it runs or waits for its turn.
    async fn start(resolver: &Resolver, text: &str) {
        let (resolver, host) = (resolver.clone(), name(text));
        tokio::spawn(async move { resolver.resolve(&host).await });
        tokio::task::yield_now().await;
    }

    #[test]
    fn names_without_answer_take_no_turn_of_known_names_and_of_addresses() {
        in_runtime(async {
            let resolver = Resolver::new(fake_lookup);
            assert_eq!(resolver.resolve(&name("api.test")).await, Ok(vec![NEAR]));
            for number in 0..LOOKUPS_MAX {
                start(&resolver, &format!("dead{number}.test")).await;
            }
            assert_eq!(resolver.lookups.available_permits(), 0);
            assert_eq!(resolver.resolve(&name("API.test")).await, Ok(vec![NEAR]));
            assert_eq!(resolver.resolve(&name("127.0.0.1")).await, Ok(vec![NEAR]));
            let both = vec![IpAddr::V6(Ipv6Addr::LOCALHOST), NEAR];
            for host in ["localhost", "LOCALHOST.", "app.localhost"] {
                assert_eq!(
                    resolver.resolve(&name(host)).await,
                    Ok(both.clone()),
                    "{host}"
                );
            }
        });
    }

    #[test]
    fn one_name_is_looked_up_once_at_a_time() {
        in_runtime(async {
            let resolver = Resolver::new(fake_lookup);
            for _ in 0..100 {
                start(&resolver, "dead.test").await;
            }
            assert_eq!(resolver.lookups.available_permits(), LOOKUPS_MAX - 1);
        });
    }

    #[test]
    fn a_new_name_waits_five_seconds_for_its_turn() {
        in_runtime(async {
            let mut resolver = Resolver::new(fake_lookup);
            resolver.lookups = Arc::new(Semaphore::new(0));
            tokio::time::pause();
            let before = Instant::now();
            assert_eq!(
                resolver.resolve(&name("new.test")).await,
                Err("the host `new.test` was not looked up: the system's resolver is busy with other names".to_owned())
            );
            assert_eq!(before.elapsed().as_secs(), 5);
        });
    }

    #[test]
    fn a_name_without_address_is_not_looked_up_again_for_two_seconds() {
        in_runtime(async {
            let mut resolver = Resolver::new(fake_lookup);
            tokio::time::pause();
            let missing = Err("the host `missing.test` is not known".to_owned());
            assert_eq!(resolver.resolve(&name("missing.test")).await, missing);
            resolver.lookup = |_| Ok(vec![NEAR]);
            assert_eq!(resolver.resolve(&name("missing.test")).await, missing);
            tokio::time::advance(MISSING_NAME_TIME).await;
            assert_eq!(
                resolver.resolve(&name("missing.test")).await,
                Ok(vec![NEAR])
            );
        });
    }

    #[test]
    fn the_number_of_remembered_names_is_limited() {
        in_runtime(async {
            let mut names = Names::default();
            for number in 0..2 * REMEMBERED_NAMES_MAX {
                names.remember(&format!("{number}.test"), true);
                names.remember(&format!("{number}.none"), false);
            }
            assert_eq!(
                (names.known.len(), names.missing.len()),
                (REMEMBERED_NAMES_MAX, REMEMBERED_NAMES_MAX)
            );
            assert!(names.known.contains("1999.test"));
        });
    }
}
