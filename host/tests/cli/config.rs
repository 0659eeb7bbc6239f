//! The configuration file and its rules, and `keyward config check`.

use std::fs;
use std::path::{Path, PathBuf};

use keyward_testbed::{
    ACCESS_KEY_ID, AccessKeys, Answer, DEFAULT_ACCOUNT, FakeAws, Role, SECRET_ACCESS_KEY, private_password,
};
use tempfile::TempDir;

use crate::harness::{Call, NOT_FOUND, Outcome, PRIVATE};

const OTHER: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const OTHER_KEY: &str = "AKIDKEYWARDTEST0002";

/// A fake that knows two profiles' keys, and a folder with both profiles and a configuration file.
struct Bed {
    fake: FakeAws,
    folder: TempDir,
}

impl Bed {
    fn new(file: &str) -> Self {
        let fake = FakeAws::start();
        fake.add_keys(AccessKeys::new(OTHER_KEY, "other-secret"));
        let folder = tempfile::tempdir().unwrap();
        let profiles = format!(
            "[profile one]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n\
             [profile other]\naws_access_key_id = {OTHER_KEY}\naws_secret_access_key = other-secret\n"
        );
        fs::write(folder.path().join("aws"), profiles).unwrap();
        fs::write(folder.path().join("keyward.toml"), file).unwrap();
        Self { fake, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("keyward.toml")
    }

    /// A call without keys but those of the profiles.
    fn with(&self, call: Call) -> Call {
        call.variable("SSL_CERT_FILE", self.fake.authority().ca_file())
            .variable("AWS_ENDPOINT_URL", self.fake.url())
            .variable("AWS_CONFIG_FILE", self.folder.path().join("aws"))
            .variable("KEYWARD_CONFIG", self.file())
    }

    fn get(&self, address: &str, arguments: &[&str]) -> Outcome {
        let arguments = [&["get", address, "--format", "password"], arguments].concat();
        self.with(Call::keyward(&arguments)).run()
    }

    /// The key that the last request was signed with.
    fn key(&self) -> String {
        self.fake.requests().last().unwrap().access_key_id.clone().unwrap()
    }
}

fn password(region: &str) -> String {
    format!("{}\n", private_password(DEFAULT_ACCOUNT, region))
}

#[test]
fn the_first_rule_that_matches_chooses_the_profile_and_what_is_typed_goes_before_it() {
    let bed = Bed::new(
        "[[registry]]\nmatch = '*.dkr.ecr.eu-*.amazonaws.com'\nprofile = 'other'\n\
         [[registry]]\nmatch = '*.dkr.ecr.*.amazonaws.com'\nprofile = 'one'\n",
    );
    for (address, arguments, key) in
        [(PRIVATE, &[][..], ACCESS_KEY_ID), (OTHER, &[], OTHER_KEY), (OTHER, &["--profile", "one"], ACCESS_KEY_ID)]
    {
        let outcome = bed.get(address, arguments);
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""), "{address}");
        assert_eq!(bed.key(), key, "{address}");
    }
    let outcome = bed.with(Call::keyward(&["get", OTHER]).variable("KEYWARD_PROFILE", "one")).run();
    assert_eq!((outcome.status, bed.key().as_str()), (0, ACCESS_KEY_ID));
    // Without a rule, and without a profile that is called default, there are no credentials.
    assert_eq!(bed.get("public.ecr.aws", &[]).status, 4);
}

#[test]
fn a_port_in_the_address_leads_to_no_other_identity_than_the_rules() {
    let bed = Bed::new(&format!(
        "[[registry]]\nmatch = '{OTHER}'\nprofile = 'other'\n\
         [[registry]]\nmatch = '*.dkr.ecr.*.amazonaws.com'\nprofile = 'one'\n"
    ));
    for address in [format!("{OTHER}:443/x"), format!("https://{OTHER}:8443"), format!("{OTHER}.:443")] {
        assert_eq!((bed.get(&address, &[]).status, bed.key().as_str()), (0, OTHER_KEY), "{address}");
    }
    let check = bed.with(Call::keyward(&["config", "check", "--registry"])).argument(format!("{OTHER}:443/x")).run();
    assert!(check.output.contains(&format!("\n  rule 1 matches: {OTHER}\n")), "{check:?}");
}

#[test]
fn the_variable_for_the_sessions_name_is_for_the_roles_of_rules_too() {
    let arn = "arn:aws:iam::123456789012:role/puller";
    let bed = Bed::new(&format!(
        "[[registry]]\nmatch = '{PRIVATE}'\nprofile = 'one'\nrole-arn = '{arn}'\nexternal-id = 'e-1'\nsession-name = 'build'\n"
    ));
    bed.fake.add_role(Role::new(arn));
    let call = bed.with(Call::keyward(&["get", PRIVATE])).variable("KEYWARD_SESSION_NAME", "ci");
    assert_eq!(call.run().status, 0);
    let assumed = &bed.fake.requests()[0];
    assert_eq!(assumed.parameter("RoleSessionName").as_deref(), Some("ci"));
    assert_eq!(assumed.parameter("ExternalId").as_deref(), Some("e-1"));
}

#[test]
fn a_rule_names_the_role_and_what_belongs_to_it() {
    let arn = "arn:aws:iam::123456789012:role/puller";
    let bed = Bed::new(&format!(
        "[[registry]]\nmatch = '{PRIVATE}'\nprofile = 'one'\nrole-arn = '{arn}'\nexternal-id = 'e-1'\nsession-name = 'build'\n"
    ));
    bed.fake.add_role(Role::new(arn));
    assert_eq!(bed.get(PRIVATE, &[]).output, password("us-east-1"));
    let requests = bed.fake.requests();
    let parameter = |name: &str| requests[0].parameter(name);
    assert_eq!(parameter("RoleArn").as_deref(), Some(arn));
    assert_eq!(parameter("ExternalId").as_deref(), Some("e-1"));
    assert_eq!(parameter("RoleSessionName").as_deref(), Some("build"));
}

#[test]
fn a_name_of_ones_own_stands_for_a_registry_and_is_answered_as_it_was_asked() {
    let bed = Bed::new(&format!("[[registry]]\nmatch = 'registry.example.com'\nalias = '{OTHER}'\nprofile = 'one'\n"));
    let asked = "https://registry.example.com/v2/";
    let outcome = bed.with(Call::helper(&["get"])).input(asked).run();
    let password = private_password(DEFAULT_ACCOUNT, "eu-west-1");
    let expected = format!("{{\"ServerURL\":\"{asked}\",\"Username\":\"AWS\",\"Secret\":\"{password}\"}}\n");
    assert_eq!((outcome.status, outcome.output, outcome.errors.as_str()), (0, expected, ""));
    assert_eq!(bed.fake.requests()[0].scope.as_ref().unwrap().region, "eu-west-1");

    for foreign in ["registry.example.com.evil.example", "other.example.com", "user@registry.example.com", "docker.io"]
    {
        let outcome = bed.with(Call::helper(&["get"])).input(foreign).run();
        assert_eq!((outcome.status, outcome.output.as_str()), (1, NOT_FOUND), "{foreign}");
        assert_eq!(bed.get(foreign, &[]).status, 3, "{foreign}");
    }
    assert_eq!(bed.fake.requests().len(), 1);

    let alias = format!("*.example.net={OTHER}");
    let outcome = bed.get("cache.example.net/team/image", &["--alias", &alias, "--profile", "one"]);
    assert_eq!((outcome.status, outcome.output), (0, format!("{password}\n")));
}

#[test]
fn an_endpoint_of_a_rule_is_reached_where_no_variable_names_it() {
    let without = Bed::new("");
    let file = format!("[[registry]]\nmatch = '{PRIVATE}'\nprofile = 'one'\nendpoint = '{}'\n", without.fake.url());
    fs::write(without.file(), file).unwrap();
    let get = |arguments: &[&str]| {
        let call = without.with(Call::keyward(&[&["get", PRIVATE], arguments].concat()));
        call.variable("AWS_ENDPOINT_URL", "https://localhost:1").run()
    };
    assert_eq!(get(&[]).status, 0);
    let outcome = get(&["--endpoint", "https://user:hunter2@ecr.example"]);
    assert_eq!(outcome.status, 8);
    assert!(outcome.errors.starts_with("error: --endpoint is not a usable URL") && !outcome.errors.contains("hunter2"));
}

#[test]
fn what_is_not_known_is_refused_with_its_line_by_every_front_end() {
    let bed = Bed::new("[budget]\ndeadline = 5\n\n[[registry]]\nmatch = 'a.example'\nprofil = 'x'\n");
    let text = format!("{}:6:1: unknown field `profil`, expected one of `match`, `alias`", bed.file().display());
    let outcome = bed.get(PRIVATE, &[]);
    assert!(outcome.status == 8 && outcome.errors.starts_with(&format!("error: {text}")), "{outcome:?}");
    let outcome = bed.with(Call::helper(&["get"])).input(PRIVATE).run();
    assert!(outcome.status == 1 && outcome.output.starts_with(&text), "{outcome:?}");
    let outcome = Call::keyward(&["config", "check"]).argument(bed.file()).run();
    assert!(outcome.status == 8 && outcome.errors.starts_with(&format!("error: {text}")), "{outcome:?}");
    assert_eq!(bed.fake.connections_accepted(), 0);
}

#[test]
fn the_flag_goes_before_the_variable_and_that_before_the_file() {
    let bed = Bed::new("[budget]\ndeadline = 0.3\n");
    bed.fake.answer_always(Answer::Silence);
    let said = |arguments: &[&str], variable: &str| {
        let call = bed.with(Call::keyward(&[&["get", PRIVATE, "--profile", "one"], arguments].concat()));
        call.variable("KEYWARD_DEADLINE", variable).run().errors
    };
    for (arguments, variable, within) in
        [(&[][..], "", "300ms"), (&[], "0.2", "200ms"), (&["--deadline", "0.1"], "0.2", "100ms")]
    {
        let said = said(arguments, variable);
        assert!(said.starts_with(&format!("error: no credential within {within}")), "{said}");
    }
}

#[test]
fn every_part_of_the_budget_that_the_file_sets_is_kept() {
    for (line, said) in [
        ("fuel = 1000", "fuel"),
        ("memory = 65536", "memory"),
        ("requests = 1", "request"),
        ("request-bytes = 1", "request"),
        ("response-bytes = 1", "larger than 1 bytes"),
    ] {
        let arn = "arn:aws:iam::123456789012:role/puller";
        let rule = format!("[[registry]]\nmatch = '{PRIVATE}'\nprofile = 'one'\nrole-arn = '{arn}'\n");
        let bed = Bed::new(&format!("[budget]\n{line}\n{rule}"));
        bed.fake.add_role(Role::new(arn));
        let outcome = bed.get(PRIVATE, &[]);
        assert!(outcome.status != 0 && outcome.errors.contains(said), "{line}: {outcome:?}");
    }
}

/// Of a disk that does not answer, a pipe that nobody writes to is the likeness that needs no mount.
#[test]
fn a_file_that_is_never_read_to_its_end_is_waited_for_no_longer_than_a_lookup() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let outcome = Call::keyward(&["get", PRIVATE, "--deadline", "0.2"]).variable("KEYWARD_CONFIG", &pipe).run();
    assert_eq!(outcome.status, 8);
    let text = format!("error: {} was not read within 200ms: ", pipe.display());
    assert!(outcome.errors.starts_with(&text), "{outcome:?}");
}

#[test]
fn a_check_says_which_file_counts_what_holds_and_what_an_address_means() {
    let bed = Bed::new(&format!(
        "[budget]\ndeadline = 2.5\n[egress]\nallow = ['https://a.example', 'https://b.example:8443']\n\
         [[registry]]\nmatch = ['*.dkr.ecr.eu-*.amazonaws.com', 'mirror.example.com/team/']\nprofile = 'other'\nregion = 'eu-west-1'\n\
         [[registry]]\nmatch = 'registry.example.com'\nalias = '{OTHER}'\n\
         role-arn = 'arn:aws:iam::123456789012:role/puller'\nexternal-id = 'e-1'\n\
         [[registry]]\nmatch = '{OTHER}/team/'\nprofile = 'never'\n"
    ));
    let addresses = ["registry.example.com/team/image:1", "mirror.example.com/other", OTHER, "public.ecr.aws"];
    let arguments = addresses.iter().flat_map(|address| ["--registry", address]);
    let arguments: Vec<&str> = ["config", "check", "--requests", "9"].into_iter().chain(arguments).collect();
    let outcome = bed
        .with(Call::keyward(&arguments))
        .variable("HOME", "/h")
        .variable("KEYWARD_ALLOW_PROCESS", "1")
        .variable("KEYWARD_CACHE", "off")
        .run();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
    let said = outcome.output.replace(bed.file().to_str().unwrap(), "FILE");
    assert_eq!(said, fs::read_to_string(golden("config_check.txt")).unwrap());
    assert_eq!(bed.fake.connections_accepted(), 0);
}

#[test]
fn a_check_says_what_differs_for_a_client_of_docker_by_the_variables_of_amazons_helper() {
    let check = || Call::keyward(&["config", "check"]).variable("HOME", "/h");
    let set = |call: Call| call.variable("AWS_ECR_DISABLE_CACHE", "1").variable("AWS_ECR_CACHE_DIR", "~/.ecr");
    let said = |call: Call| {
        let outcome = call.run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
        let behind = outcome.output.split_once("\nwhat differs as docker's credential helper");
        behind.map(|(_, lines)| lines.lines().skip(1).map(words).collect::<Vec<_>>())
    };
    assert_eq!(said(check()), None);
    let expected = ["cache.mode off AWS_ECR_DISABLE_CACHE", "cache.dir /h/.ecr/keyward AWS_ECR_CACHE_DIR"];
    assert_eq!(said(set(check())), Some(expected.map(str::to_owned).into()));
    let refusing = check().variable("AWS_ECR_IGNORE_CREDS_STORAGE", "false");
    assert_eq!(said(refusing), Some(vec!["docker.store refuse AWS_ECR_IGNORE_CREDS_STORAGE".to_owned()]));
    // Keyward's own go before them.
    let own = set(check()).variable("KEYWARD_CACHE", "file").variable("KEYWARD_CACHE_DIR", "/c");
    assert_eq!(said(own), None);
}

#[test]
fn a_check_without_a_file_says_where_one_was_looked_for() {
    let home = tempfile::tempdir().unwrap();
    let check = |value: &str| {
        Call::keyward(&["config", "check"]).variable("KEYWARD_CONFIG", value).variable("HOME", home.path())
    };
    assert!(check("off").run().output.starts_with("file: none, since KEYWARD_CONFIG is off\n"));
    fs::create_dir_all(home.path().join(".config/keyward")).unwrap();
    let usual = home.path().join(".config/keyward/keyward.toml");
    fs::write(&usual, "[budget]\nfuel = 7\n").unwrap();
    let outcome = check("").run();
    let text = format!("file: {}, which lies where a configuration file may be\n", usual.display());
    assert!(outcome.status == 0 && outcome.output.starts_with(&text), "{outcome:?}");
    let outcome = check(home.path().join("missing").to_str().unwrap()).run();
    assert!(
        outcome.status == 8 && outcome.errors.contains("which KEYWARD_CONFIG names, cannot be read"),
        "{outcome:?}"
    );
}

#[test]
fn a_check_finds_what_a_lookup_would_refuse() {
    let bed = Bed::new("[egress]\nallow = ['ecr.example']\n");
    let outcome = Call::keyward(&["config", "check"]).argument(bed.file()).run();
    assert!(outcome.status == 8 && outcome.errors.contains("ecr.example"), "{outcome:?}");
}

#[test]
fn the_example_in_the_documentation_is_a_configuration_file_that_changes_nothing_by_itself() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/keyward.toml");
    let check = |file: &Path| {
        let outcome = Call::keyward(&["config", "check"]).argument(file).variable("HOME", "/h").run();
        assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
        // Key and value of each setting.
        let settings = outcome.output.lines().skip_while(|line| !line.starts_with("settings")).skip(1);
        let settings = settings.take_while(|line| line.starts_with("  "));
        let pair = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        settings.map(pair).collect::<Vec<_>>()
    };
    let with = check(&example);
    assert_eq!(with, check(Path::new("off")));
    let text = fs::read_to_string(&example).unwrap();
    for setting in with {
        let (key, _) = setting.split_once(' ').unwrap();
        let key = key.split_once('.').unwrap().1;
        assert!(text.contains(&format!("\n{key} = ")), "{key} is not in the example");
    }
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name)
}
