//! A request, signed by the guest and by the oracle.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as OracleCredentials;
use aws_sigv4::SigningOutput;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest as OracleRequest, SignatureLocation, SigningInstructions, SigningSettings,
    sign as oracle_sign,
};
use aws_sigv4::sign::v4::SigningParams;
use keyward_ecr::credentials::Credentials;
use keyward_ecr::sigv4::{PathStyle, Scope, SignableRequest, presign, sign};
use keyward_ecr::time::Timestamp;

/// How long presigned requests are good for.
const LIFETIME_SECONDS: u32 = 900;

/// A request, and what signs it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The method.
    pub(crate) method: String,
    /// The host, and the port if there is one.
    pub(crate) authority: String,
    /// The path as it is sent.
    pub(crate) path: String,
    /// The query as it is sent, without its question mark.
    pub(crate) query: Option<String>,
    /// The headers to sign, apart from `host`.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What signs.
    pub(crate) credentials: Credentials,
    /// When it is signed.
    pub(crate) time: Timestamp,
    /// The region of the endpoint.
    pub(crate) region: String,
    /// The signing name of the service.
    pub(crate) service: String,
}

impl Case {
    /// The headers that the guest adds, sorted.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = sign(&self.signable(&self.headers_with_host()), &self.credentials, &self.scope());
        headers.sort();
        headers
    }

    /// The signature that the guest puts into the query.
    pub(crate) fn query_signature(&self) -> String {
        let headers = self.headers_with_host();
        let query = presign(&self.signable(&headers), &self.credentials, &self.scope(), LIFETIME_SECONDS);
        let (_, signature) = query.rsplit_once("&X-Amz-Signature=").expect("the query has a signature");
        signature.to_owned()
    }

    /// The headers that the oracle adds, sorted.
    pub(crate) fn oracle_headers(&self) -> Vec<(String, String)> {
        let (instructions, _) = self.oracle(SignatureLocation::Headers).into_parts();
        let mut headers: Vec<(String, String)> =
            instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.sort();
        headers
    }

    /// The signature that the oracle puts into the query.
    pub(crate) fn oracle_query_signature(&self) -> String {
        self.oracle(SignatureLocation::QueryParams).signature().to_owned()
    }

    /// What the oracle makes of the request, with its settings for all services but S3: the path is normalized and
    /// encoded twice, and the hash of the body is no header. These are its defaults.
    fn oracle(&self, location: SignatureLocation) -> SigningOutput<SigningInstructions> {
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        settings.expires_in =
            (location == SignatureLocation::QueryParams).then_some(Duration::from_secs(LIFETIME_SECONDS.into()));
        let identity = OracleCredentials::new(
            self.credentials.access_key_id.as_str(),
            self.credentials.secret_access_key.expose(),
            self.credentials.session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "test",
        )
        .into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(self.time.seconds))
            .settings(settings)
            .build()
            .expect("the parameters are complete")
            .into();
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The host header is not among these: the oracle makes its own from the URL.
        let request = OracleRequest::new(&self.method, self.url(), headers, SignableBody::Bytes(&self.body));
        oracle_sign(request.expect("the request is valid"), &parameters).expect("the request can be signed")
    }

    /// The request's URL, which is all that the oracle sees of host, path and query.
    pub(crate) fn url(&self) -> String {
        let query = self.query.iter().map(|query| format!("?{query}")).collect::<String>();
        format!("https://{}{}{query}", self.authority, self.path)
    }

    fn headers_with_host(&self) -> Vec<(&str, &str)> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        headers.chain([("Host", self.authority.as_str())]).collect()
    }

    fn signable<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> SignableRequest<'a> {
        SignableRequest {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref().unwrap_or_default(),
            headers,
            body: &self.body,
            path_style: PathStyle::Normalized,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { time: self.time, region: &self.region, service: &self.service }
    }
}

/// An identity.
pub(crate) fn credentials(access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) -> Credentials {
    Credentials::new(access_key_id, secret_access_key).with_session_token(session_token)
}
