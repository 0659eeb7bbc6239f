//! A reverse proxy in front of container registries that logs in for its clients: they pull without a credential, and it asks Keyward for the
//! upstream's.
//!
//! ```sh
//! cargo run --release --example registry_proxy -- --upstream 123456789012.dkr.ecr.us-east-1.amazonaws.com
//! docker pull localhost:5000/123456789012.dkr.ecr.us-east-1.amazonaws.com/team/image:1
//! curl http://localhost:5000/metrics
//! ```
//!
//! The first part of an image's name is the upstream. Only those that `--upstream` names are served, so that it is a proxy for nothing else;
//! of them only what a pull asks for: `GET` and `HEAD` of manifests, blobs, lists of tags and of referrers. What it shows of Keyward:
//!
//! - A client that hangs up ends its lookup. Hyper drops the future of a request whose client is gone, the future owns the lookup, and the
//!   lookup its sandbox and its connections: there is no task to forget.
//! - An upstream whose AWS is stuck holds up nobody else. Nothing that waits is shared between upstreams, and each may have so many requests
//!   at once, less than there may be connections.
//! - A token that the registry refuses before its time is looked up once more, and at most once in a minute.
//! - `/metrics` has what lookups cost and how they end, for Prometheus.
//!
//! Registries that give out a token of their own for a login, as Amazon ECR Public does, and Docker Hub to whoever asks, are understood too. Where
//! a registry redirects to (Amazon ECR to S3, for layers), the proxy goes itself, without the credential: its clients may not reach it.
//!
//! What it is not: a store. Nothing is kept, each pull comes from upstream. It speaks HTTP without TLS and asks nobody for a password:
//! whoever reaches its port pulls with its credentials, so it listens on this machine alone unless told otherwise. It asks upstreams without
//! a proxy before them; Keyward's own requests do take `HTTPS_PROXY`. A client that sends a second request before it has the answer to the
//! first one is not seen to hang up between the two; the lookup's deadline ends that.

mod arguments;
mod proxy;

use std::error::Error;
use std::io;

use keyward::{Budget, Resolver};
use tokio::net::TcpListener;

use arguments::Arguments;
use proxy::{Limits, Proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read();
    tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(arguments.log_level).init();

    let budget = Budget::default().with_deadline(arguments.deadline);
    let limits = Limits {
        connections: arguments.max_connections,
        requests_of_one_upstream: arguments.max_requests_of_one_upstream,
        ..Limits::default()
    };
    let proxy = Proxy::new(&Resolver::builder().with_budget(budget), arguments.upstreams, limits)?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let stop = told_to_stop()?;
    println!("listening on http://{}", listener.local_addr()?);
    proxy.serve(listener, stop).await;
    Ok(())
}

/// Is over with the first SIGTERM or SIGINT.
#[cfg(unix)]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Is over with the first Control-C.
#[cfg(not(unix))]
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
