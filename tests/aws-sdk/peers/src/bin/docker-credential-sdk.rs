//! A credential helper for docker as one writes it in an hour on AWS's own SDK: the default chain of credentials, one call, no
//! cache. It reads a registry's host from its standard input, and AWS's settings from where the SDK reads them.

use std::env;
use std::error::Error;
use std::io::{self, Read};
use std::process::ExitCode;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::error::DisplayErrorContext;
use aws_smithy_http_client::tls::TlsContext;
use keyward_sdk_peers::https;
use serde::Serialize;
use tokio::runtime::Builder;

/// What docker takes for "ask somebody else", word by word.
const NOT_FOUND: &str = "credentials not found in native keychain";

fn main() -> ExitCode {
    match run() {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        // Docker shows what is on the standard output.
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let verb = env::args().nth(1);
    if verb.as_deref() != Some("get") {
        return Err("usage: docker-credential-sdk get".into());
    }
    let mut server = String::new();
    io::stdin().read_to_string(&mut server)?;
    let server = server.trim();
    let region = region(server).ok_or(NOT_FOUND)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let token = runtime.block_on(token(region))?;
    let decoded = String::from_utf8(aws_smithy_types::base64::decode(token)?)?;
    let (username, secret) = decoded.split_once(':').ok_or("AWS has answered with something else than a token")?;
    Ok(serde_json::to_string(&Credential { server, username, secret })?)
}

/// The answer, in the form of docker's protocol.
#[derive(Serialize)]
struct Credential<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Secret")]
    secret: &'a str,
}

/// Of `ACCOUNT.dkr.ecr.REGION.amazonaws.com`, with or without what docker writes around it; `None` for another host.
fn region(server: &str) -> Option<&str> {
    let host = server.strip_prefix("https://").unwrap_or(server).split('/').next()?;
    let (_account, rest) = host.split_once(".dkr.ecr.")?;
    let (region, domain) = rest.split_once('.')?;
    ["amazonaws.com", "amazonaws.com.cn"].contains(&domain).then_some(region)
}

async fn token(region: &str) -> Result<String, Box<dyn Error>> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(https(TlsContext::default()))
        .load()
        .await;
    let answer = Client::new(&config).get_authorization_token().send().await;
    let answer = answer.map_err(|error| DisplayErrorContext(error).to_string())?;
    let token = answer.authorization_data().first().and_then(|data| data.authorization_token());
    Ok(token.ok_or("AWS has answered without a token")?.to_owned())
}
