//! The component's side of the world.

use std::env;

use crate::SUFFIX;

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated from wit/: the component's ABI")]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "keyward:registry-credentials/credential-provider@0.1.0",
        generate_all,
    });
    export!(Component with_types_in self);
    use super::Component;
}

use bindings::exports::keyward::registry_credentials::provider::{Credential, Error, Guest, Request};

struct Component;

impl Guest for Component {
    fn get(request: Request) -> Result<Credential, Error> {
        let host = request.server.split('/').next().unwrap_or_default();
        if !host.ends_with(SUFFIX) {
            return Err(Error::NotOurRegistry);
        }
        let missing = |name: &str| Error::NoCredentials(format!("{name} is not set: set it to log in at {host}"));
        let username = env::var("TOY_USER").map_err(|_| missing("TOY_USER"))?;
        let secret = env::var("TOY_PASSWORD").map_err(|_| missing("TOY_PASSWORD"))?;
        match secret.as_str() {
            // What no keychain may go on after.
            "refused" => Err(Error::Denied(format!("{host} does not let {username} in: ask its owner"))),
            _ => Ok(Credential { username, secret, expires_at: None }),
        }
    }
}
