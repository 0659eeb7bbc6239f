use std::fs;
use std::os::unix::fs::symlink;

use keyward_testbed::Authority;

use super::*;

fn slowly(text: &[u8]) -> Vec<Result<CertificateDer<'static>, String>> {
    CertificateDer::pem_slice_iter(text).map(|one| one.map_err(|error| error.to_string())).collect()
}

#[test]
fn a_text_as_nearly_all_are_is_read_quickly_and_as_rustls_reads_it() {
    let pem = [Authority::new(), Authority::new()].map(|authority| authority.ca_pem().to_owned());
    let texts = [
        String::new(),
        "no certificate".to_owned(),
        pem[0].clone(),
        pem.concat(),
        format!("# Behörde\n{}\n\nAnother:\n{}", pem[0], pem[1].trim_end()),
        pem.concat().replace('\n', "\r\n"),
    ];
    for text in texts {
        let quick: Vec<_> = quickly(text.as_bytes()).unwrap().into_iter().map(Ok).collect();
        assert_eq!(quick, slowly(text.as_bytes()), "{text}");
    }
}

/// They are rustls' to judge, whose errors people may know.
#[test]
fn any_other_text_is_left_to_rustls() {
    let (pem, key) = (Authority::new().ca_pem().to_owned(), Authority::new().issue(&["localhost"]).key_pem);
    let texts = [
        pem.replace("-----END CERTIFICATE-----", ""),
        pem.replace("-----\nM", "-----\n*"),
        pem.replace("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE---"),
        pem.replace('\n', " \n"),
        pem.replace('\n', "\r"),
        [key.as_str(), &pem].concat(),
        pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
    ];
    for text in texts.iter().map(String::as_bytes).chain([[b"\xff\n", pem.as_bytes()].concat().as_slice()]) {
        assert_eq!(quickly(text), None, "{}", String::from_utf8_lossy(text));
        let all: Result<Vec<_>, _> = slowly(text).into_iter().collect();
        assert_eq!(parse(text).map_err(|error| error.to_string()), all);
    }
}

#[test]
fn what_is_wrong_with_one_certificate_of_the_system_does_not_matter_to_the_others() {
    let pem = Authority::new().ca_pem().to_owned();
    let text = [&pem, &pem.replace("-----\nM", "-----\n*"), &pem].map(String::as_str).concat();
    assert_eq!(parse_all(text.as_bytes()), [parse(pem.as_bytes()).unwrap(), parse(pem.as_bytes()).unwrap()].concat());
    parse(text.as_bytes()).unwrap_err();
}

#[cfg(not(target_os = "macos"))]
#[test]
fn the_bundle_is_likely_to_have_all_where_there_is_something_beside_it_that_may_have_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [first, second] = [Authority::new(), Authority::new()].map(|authority| authority.ca_pem().to_owned());
    fs::write(path("bundle"), &first).unwrap();
    fs::write(path("second.pem"), &second).unwrap();
    symlink("second.pem", path("01234567.0")).unwrap();
    symlink("nowhere", path("dangling.pem")).unwrap();
    fs::create_dir(path("folder")).unwrap();

    let system = |bundle: Option<&str>, folders| System { bundle: bundle.map(path), folders };
    let both = vec![folder.path().to_owned()];
    let whole = system(Some("bundle"), both.clone());
    assert_eq!(whole.likely().unwrap(), parse(first.as_bytes()).unwrap());
    assert_eq!(whole.all(), [&first, &second].map(|pem| parse(pem.as_bytes()).unwrap().remove(0)));
    // Nothing else is to be had, or nothing at once.
    for (system, count) in [
        (system(Some("bundle"), Vec::new()), 1),
        (system(Some("missing"), both.clone()), 2),
        (system(Some("dangling.pem"), both.clone()), 2),
        (system(None, both), 2),
        (system(None, Vec::new()), 0),
    ] {
        assert_eq!((system.likely(), system.all().len()), (None, count), "{system:?}");
    }
}

/// Whatever this machine has, and however many files it is in.
#[test]
fn the_certificates_of_this_system_are_those_that_rustls_finds() {
    let sorted = |mut certificates: Vec<CertificateDer<'static>>| {
        certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        certificates.dedup();
        certificates
    };
    let found = sorted(rustls_native_certs::load_native_certs().certs);
    assert!(!found.is_empty(), "this test needs a system with trusted certificates (ca-certificates)");
    assert_eq!(sorted(System::probe().all()), found);
    let likely = sorted(System::probe().likely().unwrap_or_default());
    assert!(likely.iter().all(|one| found.contains(one)));
}
