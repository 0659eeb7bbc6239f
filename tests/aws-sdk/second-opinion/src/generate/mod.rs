//! Generated cases: what people set, and what they should not have.

mod environment;
mod files;
mod profiles;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use crate::case::{Case, Container, Imds, Portal, Services, Sts};

/// The file of a token that has ended, for profiles that have no sso-session.
pub fn ended_token() -> String {
    files::sso_cache("https://ended.test/start")
}

/// Any case.
pub fn case() -> impl Strategy<Value = Case> {
    (environment::environment(), files::shared_files(), services()).prop_map(|(environment, shared, services)| {
        let mut files: BTreeMap<String, Vec<u8>> =
            files::others().into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        files.extend(shared);
        Case { environment, files, services }
    })
}

fn services() -> impl Strategy<Value = Services> {
    use Container::{Absent, Broken, NotCredentials, NotFound, Refuses, Works};
    let container = or_else(Works, &[Absent, Broken, NotCredentials, NotFound, Refuses]);
    let imds = or_else(
        Imds::Works,
        &[Imds::Absent, Imds::Broken, Imds::Ended, Imds::Forbidden, Imds::NoRole, Imds::NoRole, Imds::Untrusted],
    );
    let sso = prop_oneof![3 => Just(Portal::Works), 2 => Just(Portal::NoRenewal), 1 => Just(Portal::Refuses)];
    let sts = prop_oneof![9 => Just(Sts::Works), 1 => Just(Sts::Refuses)];
    (container, imds, sso, sts).prop_map(|(container, imds, sso, sts)| Services { container, imds, sso, sts })
}

/// Mostly the one, and else one of the others.
fn or_else<T: Clone + std::fmt::Debug + 'static>(usual: T, others: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop_oneof![5 => Just(usual), 1 => select(others.to_vec())]
}

/// One of some texts.
fn one_of(texts: &[&str]) -> BoxedStrategy<String> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    select(texts).boxed()
}
