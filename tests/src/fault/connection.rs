//! One connection to a server that misbehaves.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

use crate::connections::{self, CountedConnection};
use crate::fault::Fault;
use crate::fault::answer::Then;
use crate::fault::state::State;
use crate::request::RequestReader;

/// Bytes that are not TLS: no record of TLS begins like this.
const NOT_TLS: &[u8] = b"this is not TLS\r\n\r\n";

/// How much of what nobody looks at is read at once, in bytes. There may be thousands of connections.
const DISCARDED: usize = 256;

/// Serves until it is dropped. The connections are tasks of the runtime, and end with it.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let stream = connections::accept(&listener).await;
        let counted = CountedConnection::new(state.connections.clone());
        let state = state.clone();
        tokio::spawn(async move {
            // That the client goes away is what many tests are about: not an error here.
            let _ = serve_connection(stream, &state).await;
            // After the connection, so that what is counted as closed is closed.
            drop(counted);
        });
    }
}

async fn serve_connection(mut stream: TcpStream, state: &State) -> io::Result<()> {
    match state.fault {
        Fault::CloseAtOnce => Ok(()),
        Fault::TlsSilence => discard(&mut stream).await,
        Fault::TlsGarbage => answer_garbage(&mut stream, state).await,
        _ => serve_tls(stream, state).await,
    }
}

async fn answer_garbage(stream: &mut TcpStream, state: &State) -> io::Result<()> {
    if stream.read(&mut [0; DISCARDED]).await? == 0 {
        return Ok(());
    }
    state.send(stream, NOT_TLS).await?;
    discard(stream).await
}

async fn serve_tls(stream: TcpStream, state: &State) -> io::Result<()> {
    // Most of the handshake's state, and there is much of it, is not needed after it.
    let mut stream = Box::pin(state.acceptor.accept(stream)).await?;
    let mut requests = RequestReader::default();
    loop {
        let head = requests.head(&mut stream).await?;
        state.record_request();
        requests.pass_body(&mut stream, head.content_length(), &mut tokio::io::sink()).await?;
        drop(head);
        state.send(&mut stream, &state.answer.opening).await?;
        match &state.answer.then {
            Then::NextRequest => {}
            Then::Silence => return discard(&mut stream).await,
            Then::Drip(byte) => {
                return while_client_stays(stream, async |stream| {
                    loop {
                        tokio::time::sleep(state.drip_interval()).await;
                        state.send(stream, &[*byte]).await?;
                    }
                })
                .await;
            }
            Then::Flood(piece) => {
                return while_client_stays(stream, async |stream| {
                    loop {
                        state.send(stream, piece).await?;
                    }
                })
                .await;
            }
            Then::Close => return stream.shutdown().await,
            Then::Reset => return stream.get_ref().0.set_zero_linger(),
        }
    }
}

/// Sends until the client closes the connection, which only reading tells.
async fn while_client_stays(
    stream: TlsStream<TcpStream>,
    send: impl AsyncFnOnce(&mut tokio::io::WriteHalf<TlsStream<TcpStream>>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    tokio::select! {
        ended = discard(&mut reader) => ended,
        failed = send(&mut writer) => failed,
    }
}

/// Reads until the client closes the connection.
async fn discard(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut discarded = [0; DISCARDED];
    while stream.read(&mut discarded).await? > 0 {}
    Ok(())
}
