//! What went wrong with a request → the case of `wasi:http` for it, found by the types of an error and its causes and
//! never by their texts.

use std::error::Error as StdError;
use std::io;

use rustix::io::Errno;
use wasmtime_wasi_http::Error;

use crate::capability::dns::NameError;
use crate::record::RequestFailure;

/// The case for an error.
pub(crate) fn explain(error: &(dyn StdError + 'static)) -> Error {
    let mut cause = Some(error);
    let mut explanation = Error::HttpProtocolError;
    while let Some(error) = cause {
        if let Some(found) = explain_one(error) {
            return found;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // An error inside an io::Error is not among its sources, but in its place.
            match error.get_ref().map(|inner| explain(inner)) {
                None | Some(Error::HttpProtocolError) => explanation = explain_io(error),
                Some(found) => return found,
            }
        }
        cause = error.source();
    }
    explanation
}

/// What a trace says of a request that failed with a case.
pub(crate) fn failure(case: &Error) -> RequestFailure {
    match case {
        Error::ConnectionReadTimeout | Error::HttpResponseTimeout => RequestFailure::AnswerTimeout,
        Error::ConnectionRefused => RequestFailure::ConnectionRefused,
        Error::ConnectionTerminated => RequestFailure::ConnectionClosed,
        Error::ConnectionTimeout => RequestFailure::ConnectionTimeout,
        Error::DestinationIpUnroutable | Error::DestinationUnavailable => RequestFailure::Unreachable,
        Error::DnsError { .. } => RequestFailure::UnknownName,
        Error::DnsTimeout => RequestFailure::NoNameServer,
        Error::HttpProtocolError => RequestFailure::NotHttp,
        Error::HttpRequestBodySize(_) | Error::HttpResponseBodySize(_) | Error::HttpResponseHeaderSectionSize(_) => {
            RequestFailure::TooLarge
        }
        Error::TlsAlertReceived { .. } | Error::TlsCertificateError | Error::TlsProtocolError => RequestFailure::Tls,
        _ => RequestFailure::Other,
    }
}

fn explain_one(error: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Error::TlsCertificateError,
            rustls::Error::AlertReceived(alert) => {
                Error::TlsAlertReceived { alert_id: Some(u8::from(*alert)), alert_message: Some(format!("{alert:?}")) }
            }
            _ => Error::TlsProtocolError,
        });
    }
    if let Some(error) = error.downcast_ref::<NameError>() {
        return Some(match error {
            NameError::NoAnswer => Error::DnsTimeout,
            other => Error::DnsError { rcode: Some(other.to_string()), info_code: None },
        });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Some(Error::ConnectionTerminated);
        }
        if error.is_parse_too_large() {
            return Some(Error::HttpResponseHeaderSectionSize(None));
        }
    }
    None
}

/// Whether nobody who is trusted has signed a server's certificate. An authority of the same name with another key signs badly.
pub(crate) fn is_of_unknown_authority(error: &io::Error) -> bool {
    use rustls::CertificateError::{BadSignature, UnknownIssuer};
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(rustls::Error::InvalidCertificate(BadSignature | UnknownIssuer)))
}

/// Why a server's certificate is not trusted, and what to do about it, where that is what went wrong.
pub(crate) fn untrusted(error: &io::Error) -> Option<&'static str> {
    use rustls::CertificateError as Certificate;
    let Some(rustls::Error::InvalidCertificate(error)) = error.get_ref()?.downcast_ref() else { return None };
    Some(match error {
        Certificate::Expired | Certificate::ExpiredContext { .. } => {
            "it has expired; check this machine's clock, and whose certificate it is"
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            "it is for another name; check the AWS_ENDPOINT_URL settings and what answers in AWS's place"
        }
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
            "it is not valid yet; check this machine's clock"
        }
        // An authority of the same name with another key signs badly.
        Certificate::BadSignature | Certificate::UnknownIssuer => {
            "it is from an authority that is not known; name a file with that authority's certificate in AWS_CA_BUNDLE"
        }
        _ => "it is not one that can be trusted; check what answers in AWS's place",
    })
}

/// Why this machine has no more sockets to give, and what to do about it, where that is what went wrong.
pub(crate) fn exhausted(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(
            "this process has as many open files as it may; raise that limit (ulimit -n), or lower the limit of live lookups",
        ),
        Errno::NFILE => Some("this machine has as many open files as it can; close some of its programs"),
        _ => None,
    }
}

fn explain_io(error: &io::Error) -> Error {
    if exhausted(error).is_some() {
        return Error::ConnectionLimitReached;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Error::DestinationIpUnroutable,
        io::ErrorKind::AddrNotAvailable => Error::DestinationUnavailable,
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => Error::ConnectionTerminated,
        _ => Error::HttpProtocolError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_inside_an_io_error_is_found() {
        let certificate = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert!(matches!(explain(&io::Error::other(certificate)), Error::TlsCertificateError));
        assert!(matches!(explain(&io::Error::other(NameError::NoAnswer)), Error::DnsTimeout));
    }

    #[test]
    fn an_io_error_of_the_system_is_explained_by_its_kind() {
        let explained = |kind: io::ErrorKind| explain(&io::Error::from(kind));
        assert!(matches!(explained(io::ErrorKind::ConnectionRefused), Error::ConnectionRefused));
        assert!(matches!(explained(io::ErrorKind::NetworkUnreachable), Error::DestinationIpUnroutable));
        assert!(matches!(explained(io::ErrorKind::ConnectionReset), Error::ConnectionTerminated));
        assert!(matches!(explained(io::ErrorKind::InvalidData), Error::HttpProtocolError));
    }

    #[test]
    fn a_process_without_a_file_to_open_is_no_fault_of_the_server() {
        for (number, said) in [(Errno::MFILE, "this process"), (Errno::NFILE, "this machine")] {
            let error = io::Error::from(number);
            assert!(matches!(explain(&error), Error::ConnectionLimitReached));
            assert!(exhausted(&error).unwrap().starts_with(said));
        }
        assert_eq!(exhausted(&io::ErrorKind::ConnectionRefused.into()), None);
        assert_eq!(exhausted(&Errno::CONNREFUSED.into()), None);
    }
}
