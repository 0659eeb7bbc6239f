//! Names, addresses and connections: what is asked, what is connected to, and what is refused.

use std::net::IpAddr;

use keyward::{Config, Error, Resolver};
use keyward_testbed::{ACCESS_KEY_ID, Answer, FakeAws, NameServer, SECRET_ACCESS_KEY};

use crate::common::{PRIVATE, config, config_without_retries};

/// A registry whose endpoint the configurations here do not lead anywhere by themselves.
const RESOLVED: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const RESOLVED_API: &str = "api.ecr.eu-central-1.amazonaws.com";

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The fake under a name of the operator's, which a name server has to know.
fn named(fake: &FakeAws, names: &NameServer) -> Config {
    Config::new()
        .without_cache()
        .with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .with_variable("SSL_CERT_FILE", fake.authority().ca_file().to_str().unwrap())
        .with_variable("AWS_ENDPOINT_URL", &format!("https://ecr.example:{}", fake.address().port()))
        .with_name_servers([names.address()])
}

#[tokio::test]
async fn a_name_of_aws_that_leads_to_this_machine_or_its_link_is_refused_and_nothing_is_connected() {
    for address in ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "fe80::1", "fd00:ec2::254"] {
        let fake = FakeAws::start();
        let names = NameServer::start(move |_, _| addresses(&[address]));
        let resolver = Resolver::new(&config(&fake).with_name_servers([names.address()])).unwrap();
        let error = resolver.resolve(RESOLVED).await.unwrap_err();
        let Error::Refused { destination, address: Some(refused), .. } = &error else { panic!("{address}: {error:?}") };
        assert_eq!(
            (destination.as_str(), refused.to_string().as_str()),
            ("https://api.ecr.eu-central-1.amazonaws.com", address)
        );
        // The message has the setting that would allow it.
        assert!(error.to_string().contains("AWS_ENDPOINT_URL") && error.to_string().contains("--allow"), "{error}");
        assert_eq!(fake.connections_accepted(), 0);
    }
}

#[tokio::test]
async fn what_the_operator_names_may_lead_to_this_machine() {
    let fake = FakeAws::start();
    let names = NameServer::start(|_, _| addresses(&["127.0.0.1"]));
    Resolver::new(&named(&fake, &names)).unwrap().resolve(PRIVATE).await.unwrap();

    // The same name, of AWS, allowed: it is connected to, on a port where nobody is.
    let config = config(&fake).with_name_servers([names.address()]).with_allowed(&format!("https://{RESOLVED_API}"));
    let error = Resolver::new(&config).unwrap().resolve(RESOLVED).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

/// Who resolves a name for the check, and again for the connection, can be given two answers.
#[tokio::test]
async fn a_name_is_resolved_once_and_the_addresses_that_were_checked_are_connected_to() {
    let fake = FakeAws::start();
    let names = NameServer::start(|_, before| addresses(if before == 0 { &["127.0.0.1"] } else { &["127.0.0.2"] }));
    let resolver = Resolver::new(&named(&fake, &names)).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
    let mut questions = names.questions();
    questions.sort();
    let kinds: Vec<_> = questions.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["A", "AAAA"], "{questions:?}");
}

#[tokio::test]
async fn a_name_server_that_never_answers_about_ipv6_does_not_hold_up_ipv4() {
    let fake = FakeAws::start();
    let names = NameServer::without_answers_for_ipv6(|_, _| addresses(&["127.0.0.1"]));
    Resolver::new(&named(&fake, &names)).unwrap().resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn an_address_where_nobody_is_gives_way_to_one_of_the_other_family() {
    let fake = FakeAws::start();
    let names = NameServer::start(|_, _| addresses(&["127.0.0.9", "::1", "127.0.0.1"]));
    Resolver::new(&named(&fake, &names)).unwrap().resolve(PRIVATE).await.unwrap();
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_said_at_once() {
    let fake = FakeAws::start();
    let names = NameServer::start(|_, _| Vec::new());
    let error = Resolver::new(&named(&fake, &names)).unwrap().resolve(PRIVATE).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(text) if text.contains("does not exist")), "{error:?}");
}

/// A server may close an idle connection in the very moment in which a request is sent on it.
#[tokio::test]
async fn a_request_that_an_idle_connection_does_not_answer_is_sent_once_more_on_a_fresh_one() {
    let fake = FakeAws::start();
    let resolver = Resolver::new(&config_without_retries(&fake)).unwrap();
    resolver.resolve(PRIVATE).await.unwrap();
    fake.answer_next(Answer::DropConnection);
    resolver.resolve(PRIVATE).await.unwrap();
    assert_eq!((fake.requests().len(), fake.connections_accepted()), (3, 2));

    // Once, and not again: on the fresh connection it is a failure.
    fake.answer_next(Answer::DropConnection);
    fake.answer_next(Answer::DropConnection);
    let error = resolver.resolve(PRIVATE).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!((fake.requests().len(), fake.connections_accepted()), (5, 3));
}
