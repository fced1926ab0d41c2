//! Accepts connections until the sandbox stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::connection;
use super::ports::Ports;
use super::serving::Serving;
use crate::base::time_in_words;

const CONNECTIONS_MAX: usize = 10_000;

/// How long requests in flight, and then the tasks of a blocking sandbox, may take to finish when the sandbox stops.
pub(crate) const STOP_TIME: Duration = Duration::from_secs(5);

/// Serves until the sandbox stops.
pub(crate) async fn serve(mut ports: Ports, serving: Arc<Serving>) {
    ports.log_unopened(); // not earlier: a start that fails has one error
    let mut stop = serving.stopping();
    let connections_max = serving.connections_max.min(CONNECTIONS_MAX);
    let mut connections = JoinSet::new();
    let stop_connections = stop.clone();
    let accepting = async {
        loop {
            // At the limit the next connection waits in the system's queue. An ended task keeps the memory of its
            // connection until it is joined, so that comes first, and the connection counts until then.
            let accepted = tokio::select! {
                biased;
                Some(_) = connections.join_next() => continue,
                accepted = ports.accept(), if connections.len() < connections_max => accepted,
            };
            let (socket, port) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors, most likely
                    continue;
                }
            };
            let (serving, stop) = (serving.clone(), stop_connections.clone());
            connections.spawn(async move {
                connection::serve(socket, port, serving.clone(), stop).await;
                serving.connection_ended.notify_one();
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    drop(ports);
    let finished = tokio::time::timeout(STOP_TIME, async {
        while connections.join_next().await.is_some() {}
    });
    if finished.await.is_err() {
        tracing::warn!(
            "{} connections were cut after {}",
            connections.len(),
            time_in_words(STOP_TIME)
        );
    }
}
