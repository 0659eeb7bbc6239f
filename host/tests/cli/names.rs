//! Name servers that answer nothing, or something that they should not.

use std::net::IpAddr;

use keyward_testbed::{DEFAULT_ACCOUNT, FakeAws, Fault, FaultServer, NameServer, private_password};
use rustix::process::Signal;

use crate::harness::{Call, NOT_FOUND, PRIVATE};
use crate::machine::{Machine, name_server, own_address};
use crate::running::Running;
use crate::stuck::wait_until_stuck;

const API: &str = "api.ecr.us-east-1.amazonaws.com";
const ENDPOINT: &str = "https://api.ecr.us-east-1.amazonaws.com";

fn credential() -> String {
    format!("{}\n", private_password(DEFAULT_ACCOUNT, "us-east-1"))
}

/// A call that asks the endpoint of AWS, on a machine with these names.
fn call(fake: &FakeAws, machine: &Machine) -> Call {
    Call::keyward(&["get", PRIVATE, "--format", "password"]).trusting(fake.authority()).on(machine)
}

fn questions() -> Vec<(String, String)> {
    ["A", "AAAA"].map(|family| (API.to_owned(), family.to_owned())).to_vec()
}

fn sorted_questions(names: &NameServer) -> Vec<(String, String)> {
    let mut questions = names.questions();
    questions.sort();
    questions
}

#[test]
fn a_name_server_that_answers_nothing_is_ended_by_the_deadline_and_by_a_signal() {
    let address = own_address(31);
    let names = NameServer::silent_at(name_server(address));
    let (fake, machine) = (FakeAws::start(), Machine::new("", address));
    let awaited = format!(", while it waited for the name server's answer about {ENDPOINT} for ");

    let outcome = call(&fake, &machine).variable("KEYWARD_DEADLINE", "0.5").run();
    assert_eq!((outcome.status, outcome.output.as_str()), (9, ""), "{outcome:?}");
    assert!(outcome.errors.starts_with(&format!("error: no credential within 500ms{awaited}")), "{outcome:?}");

    let asked = names.question_count();
    let running = call(&fake, &machine).variable("KEYWARD_DEADLINE", "600").start();
    names.wait_until("it is asked", |names| names.question_count() >= asked + 2 && running.is_asleep());
    running.signal(Signal::TERM);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.output.as_str()), (10, ""), "{outcome:?}");
    let text = format!("error: terminated (SIGTERM): the lookup was cancelled{awaited}");
    assert!(outcome.errors.starts_with(&text), "{outcome:?}");
    assert_eq!(fake.connections_accepted(), 0);
}

/// The C library's resolver would sit in a thread that nobody can end, for longer than this test waits.
#[test]
fn who_waits_for_a_name_server_has_no_more_threads_than_who_waits_for_a_server() {
    let server = FaultServer::start(Fault::Silence);
    let waiting = Call::keyward(&["get", PRIVATE]).against_fault(&server).variable("KEYWARD_DEADLINE", "600").start();
    wait_until_stuck(&server, Fault::Silence, &waiting);

    let address = own_address(32);
    let names = NameServer::silent_at(name_server(address));
    let (fake, machine) = (FakeAws::start(), Machine::new("", address));
    let resolving = call(&fake, &machine).variable("KEYWARD_DEADLINE", "600").start();
    names.wait_until("it is asked", |names| names.question_count() >= 2 && resolving.is_asleep());
    // The thread that has read the certificates may still be about to end.
    let threads = |running: &Running| {
        let mut threads = running.threads();
        threads.retain(|name| name != "keyward-file");
        threads
    };
    assert_eq!(threads(&resolving), threads(&waiting));
    for running in [waiting, resolving] {
        running.signal(Signal::TERM);
        assert_eq!(running.finish().status, 10);
    }
}

/// A name server that can say where AWS is could have the keys carried to a service of this machine: DNS rebinding.
#[test]
fn a_name_server_that_leads_an_endpoint_of_aws_to_this_machine_is_not_followed() {
    let address = own_address(33);
    let names = NameServer::start_at(name_server(address), move |_, _| vec![address.into()]);
    let machine = Machine::new("", address);
    let fake = FakeAws::start_at((address, 443).into());
    let outcome = call(&fake, &machine).run();
    assert_eq!((outcome.status, outcome.output.as_str()), (12, ""), "{outcome:?}");
    let text = format!(
        "the sandbox does not let the lookup reach {ENDPOINT}, whose name leads to {address}: if it should, name it in \
         AWS_ENDPOINT_URL, in the AWS_ENDPOINT_URL variable of its service, in endpoint_url of a profile, or with \
         --allow (KEYWARD_ALLOW)\n"
    );
    assert_eq!(outcome.errors, format!("error: {text}"));
    assert_eq!(sorted_questions(&names), questions());

    let helper = Call::helper(&["get"]).input(PRIVATE).trusting(fake.authority()).on(&machine).run();
    assert_eq!((helper.status, helper.output.as_str(), helper.errors.as_str()), (1, text.as_str(), text.as_str()));
    assert_ne!(helper.output, NOT_FOUND);
    assert_eq!(fake.connections_accepted(), 0);

    // Each of the settings that the message names.
    for (name, value) in
        [("KEYWARD_ALLOW", ENDPOINT), ("AWS_ENDPOINT_URL", ENDPOINT), ("AWS_ENDPOINT_URL_ECR", ENDPOINT)]
    {
        let outcome = call(&fake, &machine).variable(name, value).run();
        assert_eq!((outcome.status, outcome.output), (0, credential()), "{name}: {}", outcome.errors);
    }
    let outcome = call(&fake, &machine).argument("--allow").argument(ENDPOINT).run();
    assert_eq!((outcome.status, outcome.output), (0, credential()), "{}", outcome.errors);
}

/// In every spelling of this machine's address that a name server has.
#[test]
fn no_address_of_this_machine_is_followed_in_any_family() {
    let address = own_address(34);
    let addresses: [IpAddr; 6] =
        ["127.0.0.1", "0.0.0.0", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"]
            .map(|text| text.parse().unwrap());
    let names = NameServer::start_at(name_server(address), move |_, number| vec![addresses[number]]);
    let (fake, machine) = (FakeAws::start(), Machine::new("", address));
    for address in addresses {
        let outcome = call(&fake, &machine).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (12, ""), "{address}: {outcome:?}");
        assert!(outcome.errors.contains(&format!("whose name leads to {address}: ")), "{outcome:?}");
    }
    assert_eq!(names.question_count(), 2 * addresses.len());
}

#[test]
fn the_hosts_file_of_this_machine_is_followed_and_no_name_server_asked() {
    let address = own_address(35);
    let names = NameServer::silent_at(name_server(address));
    let fake = FakeAws::start_at((address, 443).into());
    let outcome = call(&fake, &Machine::new(&format!("{address} {API}\n"), address)).run();
    assert_eq!((outcome.status, outcome.output), (0, credential()), "{}", outcome.errors);
    assert_eq!(names.question_count(), 0);
}

/// The address that is judged is the one that is connected to: between the two, nothing is asked again. Whoever asked twice
/// would come to another server here.
#[test]
fn a_name_is_resolved_once_however_its_addresses_change() {
    let (address, later) = (own_address(36), own_address(37));
    let names = NameServer::start_at(name_server(address), move |_, number| {
        vec![IpAddr::from(if number == 0 { address } else { later })]
    });
    let machine = Machine::new("", address);
    let fake = FakeAws::start_at((address, 443).into());
    let trap = FakeAws::start_at((later, 443).into());
    let outcome = call(&fake, &machine).argument("--allow").argument(ENDPOINT).run();
    assert_eq!((outcome.status, outcome.output), (0, credential()), "{}", outcome.errors);
    assert_eq!(sorted_questions(&names), questions());
    assert_eq!((fake.connections_accepted(), trap.connections_accepted()), (1, 0));
}
