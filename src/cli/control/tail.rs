//! `iluma-sandbox tail`: shows requests and callbacks while they happen, one line each.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use form_urlencoded::Serializer;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::columns::items;
use super::controlled_world::{ControlledWorld, Failure, MissingWorld, ask, run as run_command};
use super::events::{Event, Events};
use super::followed_callbacks::FollowedCallbacks;
use super::tail_lines::{TailFilters, callback_line, request_line};
use crate::base::{duration_text, parse_duration};
use crate::cli::client::Client;
use crate::cli::os::{StopSignals, stdout_closed};
use crate::cli::output::{print_live, report};

/// The pause between two attempts to connect again.
const PAUSE: Duration = Duration::from_millis(100);

/// A callback is shown so much later, because the event of its request may come after its own.
const REQUEST_FIRST: Duration = Duration::from_millis(250);

/// How many requests a new connection asks for, to show those that came without one.
const MISSED: u64 = 1000;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  iluma-sandbox tail\n  iluma-sandbox tail --all-worlds --status 5xx\n  iluma-sandbox tail --format json | jq .trace"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filters: TailFilters,
    /// Requests and callbacks of all worlds, and requests that belong to none.
    #[arg(long, conflicts_with = "world")]
    all_worlds: bool,
    /// Begin with this number of requests that came before.
    #[arg(long, value_name = "N", default_value_t = 0)]
    lines: u64,
    /// How long to wait for a sandbox that stopped. If it starts again by then, its requests are shown.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    reconnect: Duration,
    #[command(flatten)]
    world: ControlledWorld,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    run_command(async {
        let signals = StopSignals::listen();
        let mut signals = signals
            .map_err(|error| Failure::Failed(format!("cannot listen for Ctrl-C: {error}")))?;
        tokio::select! {
            failure = tail(arguments) => Err(failure),
            _ = signals.next() => Ok(ExitCode::SUCCESS),
            () = stdout_closed() => Ok(ExitCode::SUCCESS),
        }
    })
}

/// Shows events until something ends that.
async fn tail(arguments: &Arguments) -> Failure {
    let mut tail = Tail {
        arguments,
        filters: arguments.filters.clone(),
        last_request_at: String::new(),
        callbacks: HashMap::new(),
    };
    match tail.follow().await {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

/// A connection to the sandbox.
struct Connection {
    client: Client,
    events: Events,
}

struct Tail<'a> {
    arguments: &'a Arguments,
    filters: TailFilters,
    /// The time of the latest request, on the clock of the machine.
    last_request_at: String,
    /// The callbacks by the tags of their worlds.
    callbacks: HashMap<String, FollowedCallbacks>,
}

impl Tail<'_> {
    async fn follow(&mut self) -> Result<Infallible, Failure> {
        let mut connection = self
            .connect(self.arguments.lines, MissingWorld::Refuse)
            .await?;
        let url = connection.client.url();
        self.skip_earlier(&connection.client).await?;
        report(format_args!(
            "requests and callbacks of {url} (Ctrl-C ends this)"
        ));
        let mut shown_until = String::new();
        loop {
            self.show_all(&mut connection, &shown_until).await?;
            report(format_args!(
                "the sandbox at {url} has closed the connection: waiting until it is back"
            ));
            shown_until.clone_from(&self.last_request_at);
            connection = self.connect_again(&url).await?;
            report(format_args!("connected to {url} again"));
            for world in self.callbacks.keys().cloned().collect::<Vec<_>>() {
                self.show_callbacks(&connection.client, &world).await?;
            }
        }
    }

    /// Opens a stream of events that begins with the latest requests.
    async fn connect(&self, backlog: u64, missing: MissingWorld) -> Result<Connection, Failure> {
        let client = self.arguments.world.client(missing).await?;
        let mut path = Serializer::new("events?".to_owned());
        path.append_pair("backlog", &backlog.to_string());
        path.append_pair("world", self.whose());
        let path = path.finish();
        let response = client.open(&path).await.map_err(Failure::Failed)?;
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if status != StatusCode::OK || !is_stream {
            let refused = ask(&client, Method::GET, &path, None).await.err();
            let no_sandbox = || {
                Failure::Failed(format!(
                    "the server at {} is not a sandbox",
                    client.shown_url()
                ))
            };
            return Err(refused.unwrap_or_else(no_sandbox));
        }
        let events = Events::of(response.into_body());
        Ok(Connection { client, events })
    }

    fn whose(&self) -> &'static str {
        if self.arguments.all_worlds {
            "all"
        } else {
            "own"
        }
    }

    /// Connects again to a sandbox that stopped, as soon as it is back.
    async fn connect_again(&self, url: &str) -> Result<Connection, Failure> {
        let reconnect = self.arguments.reconnect;
        let until = Instant::now() + reconnect;
        loop {
            sleep(PAUSE).await;
            if let Ok(connection) = self.connect(MISSED, MissingWorld::Create).await {
                return Ok(connection);
            }
            if Instant::now() >= until {
                let reconnect = duration_text(reconnect);
                return Err(Failure::Failed(format!(
                    "the sandbox at {url} has stopped, and it was not back within {reconnect}"
                )));
            }
        }
    }

    /// Checks the names of endpoints, and finds out which requests and callbacks came before.
    async fn skip_earlier(&mut self, client: &Client) -> Result<(), Failure> {
        for endpoint in &mut self.filters.endpoints {
            *endpoint = endpoint_id(client, endpoint).await?;
        }
        let newest = format!("requests?limit=1&world={}", self.whose());
        let newest = ask(client, Method::GET, &newest, None).await?;
        if let Some(at) = newest["requests"][0]["at"].as_str() {
            at.clone_into(&mut self.last_request_at);
        }
        let worlds = if self.arguments.all_worlds {
            ask(client, Method::GET, "worlds", None).await?
        } else {
            json!({"worlds": [ask(client, Method::GET, "world", None).await?]})
        };
        for world in items(&worlds, "worlds").filter(|world| world["deliveries"] != 0) {
            let tag = world["world"].as_str().unwrap_or_default();
            let list = ask(client, Method::GET, &callbacks_path(tag, 0), None).await?;
            self.callbacks
                .entry(tag.to_owned())
                .or_default()
                .news(&list);
        }
        Ok(())
    }

    /// Shows events until the connection ends. Requests until `shown_until` are known already.
    async fn show_all(
        &mut self,
        connection: &mut Connection,
        shown_until: &str,
    ) -> Result<(), Failure> {
        let mut changed = BTreeSet::<String>::new();
        let mut due = Instant::now();
        loop {
            let next = connection.events.next();
            let event = if changed.is_empty() {
                next.await
            } else if let Ok(event) = timeout_at(due, next).await {
                event
            } else {
                for world in std::mem::take(&mut changed) {
                    self.show_callbacks(&connection.client, &world).await?;
                }
                continue;
            };
            let Some(event) = event else {
                return Ok(());
            };
            if event.name == "deliveries" {
                let world = event.data["world"].as_str().unwrap_or_default();
                self.callbacks.entry(world.to_owned()).or_default();
                if changed.is_empty() {
                    due = Instant::now() + REQUEST_FIRST;
                }
                changed.insert(world.to_owned());
            } else {
                self.show(&event, shown_until).await?;
            }
        }
    }

    async fn show(&mut self, event: &Event, shown_until: &str) -> Result<(), Failure> {
        match event.name.as_str() {
            "exchanges" => return self.show_requests(&event.data, shown_until).await,
            "reset" => match event.data["world"].as_str() {
                Some(world) => drop(self.callbacks.remove(world)),
                None => self.callbacks.clear(),
            },
            "skipped" => {
                let skipped = &event.data["exchanges"];
                report(format_args!(
                    "{skipped} requests came too quickly and are not shown"
                ));
            }
            _ => {}
        }
        Ok(())
    }

    async fn show_requests(&mut self, requests: &Value, shown_until: &str) -> Result<(), Failure> {
        let format = self.arguments.world.format;
        let mut lines = String::new();
        for request in requests.as_array().into_iter().flatten() {
            let at = request["at"].as_str().unwrap_or_default();
            if at <= shown_until {
                continue;
            }
            if at > self.last_request_at.as_str() {
                at.clone_into(&mut self.last_request_at);
            }
            if self.filters.takes_request(request) {
                lines += &request_line(request, format);
            }
        }
        print_live(lines, format).await.map_err(Failure::NotPrinted)
    }

    /// Shows what is new about the callbacks of a world.
    async fn show_callbacks(&mut self, client: &Client, world: &str) -> Result<(), Failure> {
        let callbacks = self.callbacks.entry(world.to_owned()).or_default();
        let path = callbacks_path(world, callbacks.ended_until);
        let Ok(mut list) = ask(client, Method::GET, &path, None).await else {
            self.callbacks.remove(world); // the world has ended, or the sandbox has stopped
            return Ok(());
        };
        if list["last_seq"].as_u64() < Some(callbacks.ended_until) {
            // The sandbox has started again and counts anew.
            *callbacks = FollowedCallbacks::default();
            let path = callbacks_path(world, 0);
            list = ask(client, Method::GET, &path, None).await?;
        }
        let (now, format) = (Timestamp::now(), self.arguments.world.format);
        let news = callbacks.news(&list).into_iter();
        let lines = news
            .filter(|delivery| self.filters.takes_callback(delivery))
            .map(|delivery| callback_line(world, delivery, now, format));
        print_live(lines.collect(), format)
            .await
            .map_err(Failure::NotPrinted)
    }
}

fn callbacks_path(world: &str, after_seq: u64) -> String {
    let mut path = Serializer::new("deliveries?limit=1000".to_owned());
    path.append_pair("after_seq", &after_seq.to_string());
    path.append_pair("world", world);
    path.finish()
}

/// The id of an endpoint, which may be named by its path.
async fn endpoint_id(client: &Client, name: &str) -> Result<String, Failure> {
    let mut path = Serializer::new("requests?limit=0".to_owned());
    path.append_pair("endpoint", name);
    ask(client, Method::GET, &path.finish(), None).await?; // refuses an unknown name
    if !name.starts_with('/') {
        return Ok(name.to_owned());
    }
    let catalog = ask(client, Method::GET, "catalog", None).await?;
    let named = items(&catalog, "endpoints").find(|endpoint| endpoint["path"] == name);
    let id = named.and_then(|endpoint| endpoint["id"].as_str());
    Ok(id.unwrap_or(name).to_owned())
}
