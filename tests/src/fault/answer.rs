//! What is answered over a good TLS connection.

use std::net::SocketAddr;

use crate::fault::Fault;

/// An error as AWS's JSON protocol has them.
const ERROR: &str = r#"{"__type":"ServiceUnavailableException","message":"The service is not available."}"#;

/// The head of an answer whose body goes on until the connection ends.
const HEAD_OF_ENDLESS_BODY: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n\r\n";

const ENDLESS_BODY: &str = " ";
const ENDLESS_HEADERS: &str = "x-endless: headers\r\n";
const INTERIM: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// How much of what has no end is sent at once, in bytes.
const PIECE: usize = 4096;

/// What a request is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    /// What is sent at once.
    pub(super) opening: Vec<u8>,
    /// What comes then.
    pub(super) then: Then,
}

/// What comes after the opening of an answer.
#[derive(Debug)]
pub(super) enum Then {
    /// The next request, on the same connection.
    NextRequest,
    /// Nothing, until the client closes the connection.
    Silence,
    /// This byte, again and again, with a pause before each.
    Drip(u8),
    /// These bytes, again and again, as fast as the client reads.
    Flood(Vec<u8>),
    /// The end of the connection, as TLS has it.
    Close,
    /// The end of the connection, by a reset.
    Reset,
}

impl Answer {
    /// The answer that a server at this address gives.
    pub(super) fn of(fault: Fault, address: SocketAddr) -> Self {
        let (opening, then) = match fault {
            Fault::Silence => (String::new(), Then::Silence),
            Fault::HeadersThenSilence => (head("200 OK", 1024), Then::Silence),
            Fault::HeaderDrip => ("HTTP/1.1 200 OK\r\nx-endless: ".to_owned(), Then::Drip(b'x')),
            Fault::BodyDrip => (HEAD_OF_ENDLESS_BODY.to_owned(), Then::Drip(b' ')),
            Fault::Reset => (String::new(), Then::Reset),
            Fault::Close => (String::new(), Then::Close),
            Fault::EndlessBody => (HEAD_OF_ENDLESS_BODY.to_owned(), flood(ENDLESS_BODY)),
            Fault::EndlessHeaders => ("HTTP/1.1 200 OK\r\n".to_owned(), flood(ENDLESS_HEADERS)),
            Fault::TooShortBody => (head("200 OK", ERROR.len() + 1) + ERROR, Then::Close),
            Fault::TooLongBody => (head("200 OK", ERROR.len() - 1) + ERROR, Then::NextRequest),
            Fault::RedirectLoop => {
                let head = format!("HTTP/1.1 302 Found\r\nlocation: https://{address}/\r\ncontent-length: 0\r\n\r\n");
                (head, Then::NextRequest)
            }
            Fault::InterimFlood => (String::new(), flood(INTERIM)),
            Fault::Garbage => ("\u{1}this is not HTTP\r\n\r\n".to_owned(), Then::Silence),
            Fault::ServerError
            // A client that takes what is wrong before has to be told something.
            | Fault::FullBacklog
            | Fault::TlsSilence
            | Fault::TlsGarbage
            | Fault::CloseAtOnce
            | Fault::WrongCertificate
            | Fault::ExpiredCertificate
            | Fault::UntrustedCertificate => {
                (head("503 Service Unavailable", ERROR.len()) + ERROR, Then::NextRequest)
            }
        };
        Self { opening: opening.into_bytes(), then }
    }
}

fn head(status: &str, content_length: usize) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {content_length}\r\n\r\n")
}

fn flood(piece: &str) -> Then {
    Then::Flood(piece.repeat(PIECE / piece.len()).into_bytes())
}
