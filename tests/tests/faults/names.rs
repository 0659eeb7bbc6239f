//! The names of the faults.

use keyward_testbed::{Fault, FaultServer};

#[test]
fn every_fault_is_found_by_its_name() {
    for fault in Fault::ALL {
        assert_eq!(fault.as_str().parse(), Ok(fault));
        assert_eq!(fault.to_string(), fault.as_str());
    }
}

#[test]
fn a_name_is_that_of_the_variant_in_small_letters() {
    for fault in Fault::ALL {
        let letters: String = fault.as_str().split('-').collect();
        assert_eq!(letters, format!("{fault:?}").to_lowercase());
    }
}

#[test]
fn the_list_of_faults_has_every_one() {
    // In the order in which they are declared, so that one that is missing would shift the others.
    for (number, fault) in Fault::ALL.into_iter().enumerate() {
        assert_eq!(fault as usize, number);
    }
    assert_eq!(Fault::ALL.len(), Fault::ServerError as usize + 1);
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let error = "nothing".parse::<Fault>().unwrap_err();
    assert!(error.contains("\"nothing\"") && error.contains("silence") && error.contains("server-error"), "{error}");
}

#[test]
fn a_server_says_what_it_does() {
    let text = format!("{:?}", FaultServer::start(Fault::Silence));
    assert!(text.contains("Silence") && text.contains("accepted: 0"), "{text}");
}
