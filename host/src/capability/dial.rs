//! Addresses → one TCP connection, as Happy Eyeballs have it (RFC 8305, sections 4 and 5): the families take turns, the next
//! address is tried when the one before has failed or has not answered for a while, the first connection wins, and the
//! other attempts are dropped.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use crate::capability::meter::Meter;

/// How long an address has before the next one is tried beside it (RFC 8305, section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to whichever of the addresses answers first.
pub(crate) async fn dial(addresses: &[SocketAddr], meter: &Meter) -> io::Result<TcpStream> {
    let mut addresses = take_turns(addresses).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    while let Some(address) = addresses.next() {
        meter.address(address);
        attempts.push(TcpStream::connect(address));
        let is_last = addresses.as_slice().is_empty();
        let mut next_is_due = pin!(tokio::time::sleep(ATTEMPT_DELAY));
        loop {
            tokio::select! {
                Some(ended) = attempts.next() => match ended {
                    Ok(stream) => {
                        // The one that won need not be the one that was begun last.
                        if let Ok(address) = stream.peer_addr() {
                            meter.address(address);
                        }
                        stream.set_nodelay(true)?;
                        return Ok(stream);
                    }
                    Err(error) => failure = error,
                },
                () = &mut next_is_due, if !is_last => break,
                else => break,
            }
            if !is_last {
                break;
            }
        }
    }
    Err(failure)
}

/// The addresses, one of IPv6 and one of IPv4 in turn, IPv6 first; each family in its own order.
fn take_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let (six, four): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv6());
    let longest = six.len().max(four.len());
    (0..longest).flat_map(|index| [six.get(index), four.get(index)]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns_and_ipv6_begins() {
        assert_eq!(
            take_turns(&addresses(&["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "[2001:db8::1]:1"])),
            addresses(&["[2001:db8::1]:1", "192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"])
        );
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next_at_once() {
        let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listening = listener.local_addr().unwrap();
        let stream = dial(&[refusing, listening], &Meter::default()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listening);
        let refused = dial(&[refusing], &Meter::default()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        assert_eq!(dial(&[], &Meter::default()).await.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    }
}
