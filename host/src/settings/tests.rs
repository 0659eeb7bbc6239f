use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, FromArgMatches};

use super::sources::{CLIENT_TIMEOUT, IDLE_EXIT, MAX_CLIENTS, SOCKET};
use super::*;
use crate::arguments::DaemonOptions;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// Settings of what is typed, of an environment, and of a file.
fn settings(flags: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyward.toml");
    std::fs::write(&path, file).unwrap();
    let mut variables: BTreeMap<_, _> = variables.iter().copied().collect();
    variables.insert("KEYWARD_CONFIG", path.to_str().unwrap());
    let environment = |name: &str| variables.get(name).map(OsString::from);
    let (options, daemon) = options(flags);
    Settings::of(&options, Caller::Person, &environment)
        .and_then(|settings| settings.with_daemon(&daemon, &environment))
        .map(|(settings, _)| settings)
        .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "FILE"))
}

/// Those of every command, and of the daemon.
fn command() -> clap::Command {
    DaemonOptions::augment_args(Options::augment_args(clap::Command::new("keyward")))
}

fn options(flags: &[&str]) -> (Options, DaemonOptions) {
    let matches = command().try_get_matches_from([&["keyward"], flags].concat()).unwrap();
    (Options::from_arg_matches(&matches).unwrap(), DaemonOptions::from_arg_matches(&matches).unwrap())
}

/// The value and the origin of every setting.
fn shown(settings: &Settings) -> BTreeMap<&'static str, (String, String)> {
    settings.shown.iter().map(|shown| (shown.key, (shown.value.clone(), shown.origin.to_string()))).collect()
}

/// Key, two texts that differ, and what is built in.
const GLOBAL: [(&str, &str, &str, &str); 17] = [
    ("budget.deadline", "1", "2", "5s"),
    ("budget.fuel", "1", "2", "200000000"),
    ("budget.memory", "1", "2", "16777216"),
    ("budget.requests", "1", "2", "64"),
    ("budget.request-bytes", "1", "2", "65536"),
    ("budget.response-bytes", "1", "2", "65536"),
    ("cache.mode", "off", "file", "file"),
    ("cache.dir", "/1", "/2", "/h/.cache/keyward"),
    ("egress.allow", "https://1.example", "https://2.example", ""),
    ("permissions.process", "true", "false", "false"),
    ("permissions.write-sso-cache", "true", "false", "false"),
    ("docker.compat", "true", "false", "false"),
    ("docker.store", "refuse", "ignore", "ignore"),
    ("log.level", "info", "debug", "off"),
    ("log.format", "json", "text", "text"),
    ("serve.client-timeout", "1", "2", "30s"),
    ("serve.max-clients", "1", "2", "64"),
];

const NAMES: [sources::Name; 26] = [
    DEADLINE,
    FUEL,
    MEMORY,
    REQUESTS,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    CACHE,
    CACHE_DIR,
    ALLOW,
    ALLOW_PROCESS,
    WRITE_SSO_CACHE,
    COMPAT,
    STORE,
    LOG,
    LOG_FORMAT,
    SOCKET,
    CLIENT_TIMEOUT,
    IDLE_EXIT,
    MAX_CLIENTS,
    PROFILE,
    ROLE_ARN,
    EXTERNAL_ID,
    SESSION_NAME,
    REGION,
    ENDPOINT,
    ALIAS,
];

fn name(key: &str) -> sources::Name {
    NAMES.into_iter().find(|name| name.key == key).unwrap()
}

#[test]
fn every_flag_is_a_setting_with_a_variable_that_its_help_names() {
    let command = command();
    let flags: BTreeSet<String> =
        command.get_arguments().filter_map(|flag| Some(flag.get_long()?.to_owned())).collect();
    // The file itself is no setting in it, and another component is for who builds the command with it.
    let others = ["config", "component"].map(str::to_owned);
    let of_settings: BTreeSet<String> = NAMES.iter().map(|name| name.flag.to_owned()).collect();
    assert_eq!(&flags - &others.into(), of_settings);
    for name in NAMES {
        let flag = command.get_arguments().find(|flag| flag.get_long() == Some(name.flag)).unwrap();
        let help = flag.get_help().unwrap().to_string();
        assert!(help.contains(&format!("[{}", name.variable())), "{help}");
    }
}

#[test]
fn for_every_setting_the_flag_goes_before_the_variable_that_before_the_file_and_that_before_what_is_built_in() {
    for (key, one, other, built_in) in GLOBAL {
        let name = name(key);
        let (table, own) = key.split_once('.').unwrap();
        let is_text = ["cache", "docker", "log"].contains(&table) && own != "compat";
        let written = |text: &str| match table {
            "egress" => format!("[{table}]\n{own} = [\"{text}\"]\n"),
            _ if is_text => format!("[{table}]\n{own} = \"{text}\"\n"),
            _ => format!("[{table}]\n{own} = {text}\n"),
        };
        let flag = |text: &str| format!("--{}={text}", name.flag);
        let is = |flags: &[&str], variables: &[(&str, &str)], file: &str, value: &str, origin: &str| {
            let settings = settings(flags, &[&[("HOME", "/h")], variables].concat(), file).unwrap();
            let is_time = ["budget.deadline", "serve.client-timeout"].contains(&key) && !value.ends_with('s');
            let value = if is_time { format!("{value}s") } else { value.to_owned() };
            assert_eq!(shown(&settings)[key], (value, origin.to_owned()), "{key}");
        };
        let variable = name.variable();
        is(&[], &[], "", built_in, "built in");
        is(&[], &[], &written(one), one, "line 2 of the file");
        is(&[], &[(&variable, other)], &written(one), other, &variable);
        is(&[], &[(&variable, "")], &written(one), one, "line 2 of the file");
        is(&[&flag(one)], &[(&variable, other)], &written(other), one, &name.flag());
        is(&[&flag(other)], &[(&variable, one)], &written(one), other, &name.flag());
    }
}

#[test]
fn what_is_set_is_what_lookups_have() {
    let file = "[budget]\ndeadline = 1.5\nfuel = 2\nmemory = 3\nrequests = 4\nrequest-bytes = 5\nresponse-bytes = 6\n\
                [cache]\nmode = 'off'\n[docker]\ncompat = true\nstore = 'refuse'\n\
                [egress]\nallow = ['https://a.example']\n[permissions]\nprocess = true\nwrite-sso-cache = true\n";
    let settings = settings(&[], &[("HOME", "/h")], file).unwrap();
    let budget =
        Budget::default().with_deadline(Duration::from_millis(1500)).with_fuel(2).with_memory(3).with_requests(4);
    assert_eq!(settings.budget, budget.with_request_bytes(5).with_response_bytes(6));
    assert_eq!((settings.cache, settings.compat, settings.store), (None, true, Store::Refuse));
    assert_eq!(
        (settings.allow, settings.allow_process, settings.write_sso_cache),
        (vec!["https://a.example".to_owned()], true, true)
    );
}

#[test]
fn a_switch_that_is_on_elsewhere_can_be_typed_off() {
    let on = [("KEYWARD_ALLOW_PROCESS", "1")];
    assert!(settings(&[], &on, "").unwrap().allow_process);
    assert!(!settings(&["--allow-process=false"], &on, "").unwrap().allow_process);
    assert!(settings(&["--allow-process"], &[], "[permissions]\nprocess = false\n").unwrap().allow_process);
}

#[test]
fn a_variable_that_makes_no_sense_is_named() {
    for (name, value, complaint) in [
        ("KEYWARD_DEADLINE", "5s", "is '5s' (not a number): set it to seconds"),
        ("KEYWARD_FUEL", "0", "is '0' (nothing at all): set it to a whole number above 0"),
        ("KEYWARD_REQUESTS", "-1", "is '-1' (not a whole number): set it to a whole number above 0"),
        ("KEYWARD_CACHE", "memory", "is 'memory': set it to file or off"),
        ("KEYWARD_COMPAT", "maybe", "is 'maybe': set it to 1 or 0"),
        ("KEYWARD_STORE", "keep", "is 'keep': set it to ignore or refuse"),
        (
            "KEYWARD_ENDPOINT",
            "https://u:hunter2@x",
            "is not a usable URL (it has user information): set it to https://HOST[:PORT][/PATH]",
        ),
        (
            "KEYWARD_ALIAS",
            "public.ecr.aws",
            "is 'public.ecr.aws' (it has no '='): set it to PATTERN=REGISTRY, with commas between",
        ),
    ] {
        let said = settings(&[], &[(name, value)], "").unwrap_err();
        assert_eq!(said, format!("{name} {complaint}"));
    }
    let said = settings(&["--endpoint", "https://u:hunter2@x"], &[], "").unwrap_err();
    assert!(said.starts_with("--endpoint is not a usable URL") && !said.contains("hunter2"), "{said}");
}

#[test]
fn credentials_are_kept_below_the_users_caches_or_nowhere() {
    let cache =
        |flags: &[&str], variables: &[(&str, &str)], file: &str| settings(flags, variables, file).unwrap().cache;
    let at = |path: &str| Some(PathBuf::from(path));
    assert_eq!(cache(&[], &[("HOME", "/h")], ""), at("/h/.cache/keyward"));
    assert_eq!(cache(&[], &[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], ""), at("/c/keyward"));
    assert_eq!(cache(&[], &[("HOME", "/h"), ("XDG_CACHE_HOME", "c")], ""), at("/h/.cache/keyward"));
    assert_eq!(cache(&[], &[], ""), None);
    assert_eq!(cache(&[], &[("HOME", "/h")], "[cache]\ndir = '~/keys'\n"), at("/h/keys"));
    // Who types a folder wants one.
    assert_eq!(cache(&["--cache-dir", "/x"], &[("KEYWARD_CACHE", "off")], ""), at("/x"));
    assert_eq!(cache(&["--cache-dir", "/x", "--cache", "off"], &[], ""), None);
}

#[test]
fn the_first_rule_that_matches_says_whose_credentials_and_what_was_typed_goes_before_it() {
    let file = "[[registry]]\nmatch = ['*.dkr.ecr.us-*.amazonaws.com', '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/']\n\
                profile = 'one'\n[[registry]]\nmatch = '*.dkr.ecr.*.amazonaws.com'\nprofile = 'two'\nrole-arn = 'arn'\n\
                external-id = 'e'\nsession-name = 's'\nregion = 'r'\nendpoint = 'https://ecr.example'\n";
    let (none, profile) = (settings(&[], &[], file).unwrap(), [("KEYWARD_PROFILE", "mine")]);
    let rule = |address: &str| none.question(address).rule.map(|rule| (rule.number, rule.line));
    assert_eq!(rule(&format!("{REGISTRY}/team/image")), Some((1, 2)));
    assert_eq!(rule(REGISTRY), Some((2, 5)));
    assert_eq!(rule("public.ecr.aws"), None);
    let two = Request::new(REGISTRY).with_profile("two").with_region("r").with_endpoint("https://ecr.example");
    let with_role = |request: Request| request.with_role_arn("arn").with_external_id("e").with_session_name("s");
    assert_eq!(none.question(REGISTRY).request, with_role(two.clone()));
    let typed = settings(&["--region", "mine"], &profile, file).unwrap();
    assert_eq!(typed.question(REGISTRY).request, with_role(two.clone()).with_profile("mine").with_region("mine"));
    assert_eq!(
        typed.question("public.ecr.aws").request,
        Request::new("public.ecr.aws").with_profile("mine").with_region("mine")
    );
    // The role of a rule belongs together.
    let typed = settings(&["--role-arn", "other"], &[], file).unwrap();
    assert_eq!(typed.question(REGISTRY).request, two.with_role_arn("other"));
}

#[test]
fn an_address_stands_for_another_registry_where_that_is_said_of_it_and_nowhere_else() {
    let file = format!("[[registry]]\nmatch = '*.example.com'\nalias = '{REGISTRY}'\nprofile = 'p'\n");
    let without = settings(&[], &[], &file).unwrap();
    let question = without.question("https://r.example.com/v2/");
    assert_eq!((question.address.as_str(), question.request.registry()), ("https://r.example.com/v2/", REGISTRY));
    assert!(without.serves(&question));
    for foreign in
        ["docker.io", "r.example.com.evil.example", "http://r.example.com", "u@r.example.com", "r.example.com:5000"]
    {
        let question = without.question(foreign);
        assert_eq!((question.request.registry(), question.rule.is_none()), (foreign, true));
        assert!(!without.serves(&question), "{foreign}");
    }
    let public = "r.example.com=public.ecr.aws,*.example.org=public.ecr.aws";
    let typed = settings(&["--alias", public], &[("KEYWARD_ALIAS", "docker.io=public.ecr.aws")], &file).unwrap();
    assert_eq!(typed.question("r.example.com").request, Request::new("public.ecr.aws").with_profile("p"));
    assert_eq!(typed.question("a.example.org").request.registry(), "public.ecr.aws");
    assert_eq!(typed.question("docker.io").request.registry(), "docker.io");
}

#[test]
fn an_external_id_goes_with_the_role_that_is_named_in_the_same_place_or_behind_it() {
    let asked =
        |flags: &[&str], variables: &[(&str, &str)]| settings(flags, variables, "").unwrap().question(REGISTRY).request;
    let with = |arn: &str| Request::new(REGISTRY).with_role_arn(arn);
    let both = [("KEYWARD_ROLE_ARN", "a"), ("KEYWARD_EXTERNAL_ID", "of-a")];
    assert_eq!(asked(&[], &both), with("a").with_external_id("of-a"));
    assert_eq!(asked(&["--external-id", "e"], &both), with("a").with_external_id("e"));
    assert_eq!(asked(&["--role-arn", "b"], &both), with("b"));
    assert_eq!(asked(&["--role-arn", "b", "--external-id", "e"], &both), with("b").with_external_id("e"));
    settings(&[], &both[1..], "").unwrap_err();
}

#[test]
fn the_name_of_a_session_may_stand_alone() {
    let settings = settings(&[], &[("KEYWARD_SESSION_NAME", "ci")], "").unwrap();
    assert_eq!(settings.question(REGISTRY).request, Request::new(REGISTRY).with_session_name("ci"));
}

#[test]
fn what_belongs_to_a_role_is_set_with_one_in_the_same_place() {
    let said = settings(&["--external-id", "e"], &[], "").unwrap_err();
    assert_eq!(
        said,
        "--external-id (KEYWARD_EXTERNAL_ID) is set, and no role is: name the role that it belongs to, with --role-arn (KEYWARD_ROLE_ARN)"
    );
    settings(&["--external-id", "e"], &[("KEYWARD_ROLE_ARN", "arn")], "").unwrap();
    let said = settings(&[], &[], "[[registry]]\nmatch = 'a.example'\nsession-name = 's'\n").unwrap_err();
    assert_eq!(said, "FILE:3:16: session-name belongs to a role, and the rule has no role-arn: name the role");
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_utf8_is_named_and_not_taken_for_unset() {
    use std::os::unix::ffi::OsStringExt;
    let environment = |name: &str| match name {
        "KEYWARD_CONFIG" => Some("off".into()),
        "KEYWARD_PROFILE" => Some(OsString::from_vec(vec![0xff])),
        _ => None,
    };
    let said = Settings::of(&Options::default(), Caller::Docker, &environment).unwrap_err();
    assert_eq!(said.to_string(), "KEYWARD_PROFILE is not UTF-8: correct it");
}
