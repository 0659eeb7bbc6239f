//! Why there is no client, and what a registry's refusal looks like.

use oci_client::errors::{OciDistributionError, OciErrorCode};

/// Why there is no client for an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client cannot be made, by the configuration that [`Clients::new`](crate::Clients::new) was given for it: a proxy or a certificate
    /// makes no sense.
    #[error("the client of this registry cannot be made: {0}; correct its configuration")]
    Client(OciDistributionError),
    /// The lookup has failed. It is never [`NotOurRegistry`](keyward::Error::NotOurRegistry) nor
    /// [`NoCredentials`](keyward::Error::NoCredentials), with which an image is pulled anonymously.
    #[error(transparent)]
    Lookup(#[from] keyward::Error),
}

/// Whether an error of the client says that the registry does not take the credential, or that it does not let its owner do this:
/// registries tell the two apart by their messages alone. Amazon ECR calls a password that is over `DENIED`, with the status 403, as it does
/// an image that the role may not pull.
///
/// So [`Clients::refused`](crate::Clients::refused) and one more try are right, and more tries are not.
pub fn is_refusal(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => true,
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| matches!(error.code, OciErrorCode::Denied | OciErrorCode::Unauthorized))
        }
        OciDistributionError::ServerError { code, .. } => *code == 403,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, message: &str) -> OciDistributionError {
        OciDistributionError::ServerError { code, url: "https://registry/v2/".to_owned(), message: message.to_owned() }
    }

    fn said(code: OciErrorCode) -> OciDistributionError {
        let error = oci_client::errors::OciError { code, message: String::new(), detail: Default::default() };
        let envelope = oci_client::errors::OciEnvelope { errors: vec![error] };
        OciDistributionError::RegistryError { envelope, url: "https://registry/v2/".to_owned() }
    }

    #[test]
    fn a_refusal_is_told_from_what_is_not_there_and_from_what_does_not_work() {
        let unauthorized = OciDistributionError::UnauthorizedError { url: "https://registry/v2/".to_owned() };
        let failed = OciDistributionError::AuthenticationFailure("incorrect username or password".to_owned());
        for refusal in [unauthorized, failed, answered(403, "Forbidden"), said(OciErrorCode::Denied)] {
            assert!(is_refusal(&refusal), "{refusal:?}");
        }
        for other in
            [said(OciErrorCode::ManifestUnknown), said(OciErrorCode::Toomanyrequests), answered(503, "403 is not it")]
        {
            assert!(!is_refusal(&other), "{other:?}");
        }
    }
}
