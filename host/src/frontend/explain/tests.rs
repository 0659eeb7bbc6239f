use keyward_ecr::registry::Registry;
use serde_json::{Value, json};

use super::*;

const PRIVATE: &str = "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com";
const NOW: u64 = 1_440_938_160;

fn source(name: &str, outcome: &'static str, detail: &str) -> Source {
    let (name, detail) = (name.to_owned(), detail.to_owned());
    Source { name, outcome, detail, elapsed: Duration::from_millis(3) }
}

fn sent(operation: Option<&str>, status: Option<u16>, failure: Option<&str>) -> Sent {
    Sent {
        method: "POST".to_owned(),
        destination: "https://e.example".to_owned(),
        operation: operation.map(str::to_owned),
        address: Some("192.0.2.1:443".parse().unwrap()),
        status,
        failure: failure.map(str::to_owned),
        elapsed: Duration::from_millis(1234),
        bytes_received: 2048,
    }
}

fn usage() -> Usage {
    let mut usage = Usage::default();
    (usage.wall, usage.fuel, usage.peak_memory) = (Duration::from_millis(31), 712_345, 1_507_328);
    (usage.requests, usage.bytes_received) = (1, 2048);
    usage
}

/// A lookup that found a password.
fn found(budget: &Budget) -> Explanation<'_> {
    Explanation {
        address: PRIVATE,
        looked_up: PRIVATE,
        registry: Registry::parse(PRIVATE).ok(),
        rule: None,
        identity: vec![("profile", "build".to_owned()), ("session-name", "s".to_owned())],
        cache: "not asked".to_owned(),
        endpoints: vec![Endpoint {
            service: "ecr".to_owned(),
            url: "https://e.example".to_owned(),
            region: "us-east-1".to_owned(),
            setting: None,
        }],
        sources: vec![source("profile", "found", "access key ****WXYZ")],
        requests: vec![sent(Some("GetAuthorizationToken"), Some(200), None)],
        budget,
        usage: Some(usage()),
        outcome: Outcome::Found { username: "AWS".to_owned(), expires_at: Some(NOW + 12 * 3600 - 1) },
        compat: false,
        now: NOW,
    }
}

fn failed(error: Error, exit_status: u8, budget: &Budget) -> Explanation<'_> {
    let text = error.to_string();
    Explanation { outcome: Outcome::Failed { error, text, exit_status }, ..found(budget) }
}

fn text(explanation: &Explanation<'_>) -> String {
    let mut output = Vec::new();
    write_text(explanation, &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.lines().count() <= 40, "{text}");
    text
}

fn json(explanation: &Explanation<'_>) -> Value {
    let mut output = Vec::new();
    write_json(explanation, &mut output).unwrap();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn a_lookup_that_worked_is_one_screen() {
    assert_eq!(
        text(&found(&Budget::default())),
        "\
address   123456789012.dkr.ecr-fips.us-east-1.amazonaws.com
          a private registry of account 123456789012, region us-east-1, partition aws, FIPS
rule      no rule matches
identity  profile build, session-name s
cache     not asked
endpoint  ecr: https://e.example, for us-east-1 (AWS's own)
sources   profile: found (3 ms): access key ****WXYZ
requests  GetAuthorizationToken of https://e.example at 192.0.2.1:443 (1.2 s): status 200, 2048
          bytes
budget    31 ms of 5 s, 0.71 of 200 million units of fuel, 1.4 of 16 MiB of memory, 1 of 64
          requests, 2048 bytes received
outcome   a password for AWS, good until 2015-08-31T00:35:59Z (11 h 59 min from now)
docker    gets this password from the credential helper
"
    );
}

#[test]
fn the_same_for_programs_has_names_that_stay() {
    assert_eq!(
        json(&found(&Budget::default())),
        json!({
            "address": PRIVATE,
            "lookedUp": PRIVATE,
            "registry": {
                "host": PRIVATE,
                "kind": "private",
                "account": "123456789012",
                "region": "us-east-1",
                "partition": "aws",
                "fips": true,
                "dualStack": false,
            },
            "rule": null,
            "identity": { "profile": "build", "sessionName": "s" },
            "cache": "not asked",
            "endpoints": [
                { "service": "ecr", "url": "https://e.example", "region": "us-east-1", "setting": null },
            ],
            "sources": [
                { "name": "profile", "outcome": "found", "detail": "access key ****WXYZ", "milliseconds": 3 },
            ],
            "requests": [{
                "method": "POST",
                "destination": "https://e.example",
                "operation": "GetAuthorizationToken",
                "address": "192.0.2.1:443",
                "status": 200,
                "failure": null,
                "milliseconds": 1234,
                "bytesReceived": 2048,
            }],
            "budget": {
                "milliseconds": { "used": 31, "allowed": 5000 },
                "fuel": { "used": 712_345, "allowed": 200_000_000 },
                "memoryBytes": { "used": 1_507_328, "allowed": 16_777_216 },
                "requests": { "used": 1, "allowed": 64 },
                "bytesReceived": 2048,
            },
            "outcome": {
                "found": true,
                "username": "AWS",
                "expiresAt": NOW + 12 * 3600 - 1,
                "secondsLeft": 12 * 3600 - 1,
                "exitStatus": 0,
            },
            "docker": "gets this password from the credential helper",
        })
    );
    let denied = json(&failed(Error::Denied("why".to_owned()), 5, &Budget::default()));
    assert_eq!(denied["outcome"], json!({ "found": false, "error": "denied", "message": "why", "exitStatus": 5 }));
}

#[test]
fn without_credentials_it_says_how_docker_comes_to_its_message() {
    let budget = Budget::default();
    let explanation = Explanation {
        sources: vec![source("environment", "not configured", "AWS_ACCESS_KEY_ID is not set")],
        ..failed(Error::NoCredentials("all that again".to_owned()), 4, &budget)
    };
    let text = text(&explanation);
    assert!(text.contains("environment: not configured (3 ms): AWS_ACCESS_KEY_ID is not set\n"), "{text}");
    assert!(text.contains("no AWS credentials are configured (exit status 4)") && !text.contains("again"), "{text}");
    assert!(text.contains("credentials not found in native keychain") && text.contains("anonymously"), "{text}");
    assert!(text.contains("no basic auth credentials"), "{text}");
}

#[test]
fn what_docker_makes_of_a_failure_depends_on_what_the_helper_calls_it() {
    let budget = Budget::default();
    let row = |compat: bool| {
        let said = text(&Explanation { compat, ..failed(Error::Denied("why".to_owned()), 5, &budget) });
        let (_, row) = said.split_once("\ndocker    ").unwrap();
        row.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        row(false),
        "shows what went wrong and pulls anonymously all the same: of a private registry, its last word is 'no basic auth credentials', \
         and the cause stands before it; podman, skopeo and others stop with the cause"
    );
    assert_eq!(
        row(true),
        "is told 'credentials not found in native keychain', since --compat (KEYWARD_COMPAT) is set, and pulls anonymously, as every \
         client does; of a private registry, its last word is 'no basic auth credentials'"
    );
}

#[test]
fn what_is_no_registry_of_ecr_is_told_to_be_given_an_alias() {
    let budget = Budget::default();
    let explanation = Explanation {
        address: "registry.example",
        looked_up: "registry.example",
        registry: None,
        usage: None,
        ..failed(Error::NotOurRegistry, 3, &budget)
    };
    let said = text(&explanation);
    assert!(said.contains("no registry of Amazon ECR") && said.contains("alias"), "{said}");
    assert!(said.contains("nothing was looked up") && said.contains("exit status 3"), "{said}");
    assert_eq!(json(&explanation)["registry"], Value::Null);
}

#[test]
fn an_address_that_a_rule_changes_and_a_setting_that_names_the_endpoint_are_said() {
    let budget = Budget::default();
    let mut explanation =
        Explanation { address: "images.example", rule: Some("3: *.example".to_owned()), ..found(&budget) };
    explanation.endpoints[0].setting = Some("AWS_ENDPOINT_URL".to_owned());
    let said = text(&explanation);
    assert!(
        said.contains("address   images.example\n") && said.contains(&format!("looked up as {PRIVATE}\n")),
        "{said}"
    );
    assert!(said.contains("rule      3: *.example\n") && said.contains("(AWS_ENDPOINT_URL)"), "{said}");
}

#[test]
fn a_failure_is_said_once_and_what_a_terminal_would_obey_is_not_said() {
    let budget = Budget::default();
    let error = Error::Invalid("the profile\u{1b}[2J is odd".to_owned());
    let explanation = Explanation {
        sources: vec![source("profile", "failed", &error.to_string())],
        requests: vec![
            sent(None, Some(200), Some("cut off")),
            sent(None, None, Some("refused")),
            sent(None, None, None),
        ],
        ..failed(error, 8, &budget)
    };
    let said = text(&explanation);
    assert_eq!(said.matches("is odd").count(), 1, "{said}");
    assert!(said.contains("profile: failed (3 ms): see the outcome") && !said.contains('\u{1b}'), "{said}");
    for result in ["status 200, and then: cut off", "(1.2 s): refused", "(1.2 s): under way"] {
        assert!(said.contains(&format!("{result}\n")), "{result}: {said}");
    }
}

#[test]
fn however_much_there_is_to_say_it_stays_one_screen() {
    let budget = Budget::default();
    let long = "word ".repeat(400);
    let reason = "x".repeat(260);
    let sources =
        ["environment", "profile", "web identity", "container"].map(|name| source(name, "not configured", "unset"));
    let explanation = Explanation {
        sources: sources.into_iter().chain([source("instance metadata", "not reached", &reason)]).collect(),
        requests: (0..64).map(|_| sent(Some("AssumeRole"), None, Some("no answer in time"))).collect(),
        ..failed(Error::Unavailable(long), 7, &budget)
    };
    let said = text(&explanation);
    assert!(said.contains("and 54 more; --json has them"), "{said}");
    assert_eq!(json(&explanation)["requests"].as_array().unwrap().len(), 64);
}
