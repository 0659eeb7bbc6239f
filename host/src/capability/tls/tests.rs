use keyward_testbed::Authority;

use super::*;

fn failure(bundle: &str) -> String {
    let config = Config::new().with_variable("AWS_CA_BUNDLE", bundle);
    TrustRoots::new(&config).files.read(&System::probe()).unwrap_err().to_string()
}

#[test]
fn a_bad_bundle_is_an_error_that_names_the_setting_and_the_file() {
    assert_eq!(
        failure("/no/such/bundle.pem"),
        "AWS_CA_BUNDLE names /no/such/bundle.pem, which is not usable (no such file): correct it, or unset it"
    );
    assert_eq!(
        failure("Cargo.toml"),
        "AWS_CA_BUNDLE names Cargo.toml, which has no certificate in it: set it to a file of certificates in PEM \
         form, or unset it"
    );
}

/// A named pipe in the place of a bundle once held up every lookup, beyond every deadline.
#[test]
fn a_bundle_that_is_not_a_regular_file_is_an_error_and_not_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in [pipe.to_str().unwrap(), "/dev/zero"] {
        assert!(failure(file).contains("(it is not a regular file)"), "{}", failure(file));
    }
}

#[cfg(not(target_os = "macos"))]
#[test]
fn the_settings_are_others_only_where_more_certificates_were_found() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::write(&bundle, Authority::new().ca_pem()).unwrap();
    let system = System { bundle: Some(bundle), folders: vec![folder.path().to_owned()] };
    let files = TrustRoots::new(&Config::new()).files;

    let part = files.read(&system).unwrap();
    assert!(part.is_part && part.count == 1);
    let same = files.read_every(&system).unwrap().unless_same(Some(part.clone()));
    assert!(!same.is_part && Arc::ptr_eq(&same.config, &part.config));

    std::fs::write(folder.path().join("other.pem"), Authority::new().ca_pem()).unwrap();
    let wider = files.read_every(&system).unwrap().unless_same(Some(part.clone()));
    assert!(!wider.is_part && wider.count == 2 && !Arc::ptr_eq(&wider.config, &part.config));
}

#[test]
fn a_named_file_is_the_whole_of_what_is_trusted_in_the_place_of_the_systems() {
    let authority = Authority::new();
    let file = authority.ca_file().to_str().unwrap();
    let config = Config::new().with_variable("SSL_CERT_FILE", file);
    let trust = TrustRoots::new(&config).files.read(&System::probe()).unwrap();
    assert!(!trust.is_part && trust.count == 1);
    let other = Authority::new();
    let config = config.with_variable("AWS_CA_BUNDLE", other.ca_file().to_str().unwrap());
    assert_eq!(TrustRoots::new(&config).files.read(&System::probe()).unwrap().count, 2);
}
