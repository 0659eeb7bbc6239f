//! The component's side of the world, and the choice of the behaviour.

use crate::{calls, compute, requests};

/// The world of the real guest, and what only an attacker would reach for: random numbers, the monotonic clock, the
/// standard error stream. All of it is linked by the host, since the standard library of a component imports it.
pub(crate) mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated from wit/: the component's ABI")]
    wit_bindgen::generate!({
        path: "../../wit",
        inline: r#"
            package keyward:evil;

            world evil {
                include keyward:registry-credentials/credential-provider@0.1.0;
                import wasi:cli/stderr@0.2.12;
                import wasi:clocks/monotonic-clock@0.2.12;
                import wasi:random/random@0.2.12;
            }
        "#,
        generate_all,
        // Borrowed lists, so that many of their elements can be the same bytes.
        ownership: Borrowing { duplicate_if_necessary: false },
    });
    export!(Component with_types_in self);
    use super::Component;
}

pub(crate) use bindings::exports::keyward::registry_credentials::provider::{Credential, Error};
use bindings::exports::keyward::registry_credentials::provider::{Guest, Request};

/// How a behaviour ends, where it ends at all.
pub(crate) type Outcome = Result<Credential, Error>;

struct Component;

impl Guest for Component {
    fn get(request: Request) -> Outcome {
        let (behaviour, rest) = split(&request.server);
        match behaviour {
            "alias-headers" => calls::alias_headers(number(split(rest).0)?, number(split(rest).1)?),
            "allocate" => compute::allocate(),
            "append" => calls::append(rest),
            "big-call" => calls::big_call(number(rest)?),
            "big-header" => calls::big_header(number(rest)?),
            "call" => requests::call(rest),
            "call-twice" => requests::call_twice(rest),
            "calls" => requests::calls(number(split(rest).0)?, split(rest).1),
            "calls-at-once" => requests::calls_at_once(number(split(rest).0)?, split(rest).1),
            "calls-for-ever" => requests::calls_for_ever(rest),
            "endless-body" => requests::endless_body(rest),
            "environment" => calls::environment(rest),
            "error" => Err(error(rest)),
            "exit" => compute::exit(number(rest)?),
            "flood-headers" => calls::flood_headers(),
            "flood-stderr" => calls::flood_stderr(),
            "flood-stdout" => calls::flood_stdout(),
            "ok" => Ok(credential("evil", "harmless")),
            "open-files" => calls::open_files(rest),
            "open-handles" => calls::open_handles(),
            "panic" => panic!("{rest}"),
            "post" => requests::post(number(split(rest).0)?, split(rest).1),
            "random" => calls::random(number(rest)?),
            "read" => calls::read(rest),
            "recurse" => compute::recurse(),
            "replace" => calls::replace(split(rest).0, split(rest).1, true),
            "replace-by-halves" => calls::replace(split(rest).0, split(rest).1, false),
            "return" => compute::return_secret(number(rest)?),
            "sleep" => calls::sleep(),
            "spin" => compute::spin(),
            "spin-in-calls" => calls::spin_in_calls(),
            "trap" => compute::trap(),
            "unfinished-body" => requests::unfinished_body(rest),
            _ => Err(Error::Other("unknown behaviour".to_owned())),
        }
    }
}

/// What is before the first space, and what is after it.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn number(text: &str) -> Result<usize, Error> {
    text.parse().map_err(|_| Error::Other(format!("not a number: {text:?}")))
}

/// A credential that does not expire.
pub(crate) fn credential(username: &str, secret: &str) -> Credential {
    Credential { username: username.to_owned(), secret: secret.to_owned(), expires_at: None }
}

/// Each case of the interface's error, by the name that it has there.
fn error(rest: &str) -> Error {
    let (case, text) = split(rest);
    let text = text.to_owned();
    match case {
        "denied" => Error::Denied(text),
        "invalid" => Error::Invalid(text),
        "no-credentials" => Error::NoCredentials(text),
        "not-our-registry" => Error::NotOurRegistry,
        "other" => Error::Other(text),
        "throttled" => Error::Throttled(text),
        "unavailable" => Error::Unavailable(text),
        _ => Error::Other(format!("unknown error: {case:?}")),
    }
}
