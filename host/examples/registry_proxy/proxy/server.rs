//! Clients' connections.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::Proxy;
use super::patience::Patient;

/// The most bytes that the head of a request may have.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The pause after a connection could not be taken, for want of descriptors perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves until `stop` is over, and then for the grace that the limits give. Nothing of it is left afterwards.
pub(super) async fn serve(proxy: Proxy, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = &proxy.0.limits;
    let (ending, _) = watch::channel(false);
    let mut stop = pin!(stop);
    // Dropped with this future, they are aborted.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            stream = accept(&listener), if connections.len() < limits.connections => {
                connections.spawn(serve_connection(proxy.clone(), stream, ending.subscribe()));
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, ended).await.is_err() {
        warn!("{} connections are closed in the middle of an answer", connections.len());
    }
    connections.shutdown().await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!("cannot take a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(proxy: Proxy, stream: TcpStream, mut ending: watch::Receiver<bool>) {
    let limits = &proxy.0.limits;
    let _counted = proxy.0.metrics.connected();
    // An answer is written in few pieces, and none should wait for the last one to be acknowledged.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| async { Ok::<_, Infallible>(proxy.answer(request).await) });
    // Hyper reads on while a request is answered, unless another one has come already; it takes the end of what it reads for the end of
    // the client, and drops the future of the request.
    let connection = http1::Builder::new()
        .half_close(false)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.client_head)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.client_stall)), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        _ = ending.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!("a connection has ended early: {error}");
    }
}
