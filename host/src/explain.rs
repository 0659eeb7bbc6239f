//! `keyward explain`: looks a registry up anew, watches that, and says everything that there is to say about it.

use std::io::{self, Write};

use keyward::{Trace, TracedRequest, TracedStep};
use keyward_ecr::registry::Registry;
use keyward_ecr::secret::address_without_secrets;

use crate::arguments::Explain;
use crate::frontend::explain::{self, Endpoint, Explanation, Outcome, Sent, Source};
use crate::frontend::print;
use crate::lookup::{self, Answer, Cached};
use crate::settings::{Identity, MatchedRule, Settings};

/// Explains a registry, and returns the exit status that `keyward get` has for it.
pub(crate) fn explain(arguments: &Explain, settings: &Settings, output: &mut dyn Write) -> io::Result<u8> {
    let question = settings.question(&arguments.registry);
    let trace = Trace::new();
    let (answer, cached) = lookup::watch(settings, &question, &trace);
    let (endpoints, sources) = steps(trace.steps());
    let outcome = outcome(&answer);
    let status = match &outcome {
        Outcome::Found { .. } => 0,
        Outcome::Failed { exit_status, .. } => *exit_status,
    };
    let explanation = Explanation {
        address: &address_without_secrets(&question.address),
        looked_up: &address_without_secrets(question.request.registry()),
        registry: Registry::parse(question.request.registry()).ok(),
        rule: question.rule.as_ref().map(|rule| self::rule(settings, rule)),
        identity: identity(&question.identity),
        cache: cache(&cached),
        endpoints,
        sources,
        requests: trace.requests().into_iter().map(sent).collect(),
        budget: &settings.budget,
        usage: trace.usage(),
        outcome,
        compat: settings.compat,
        now: crate::now(),
    };
    match arguments.json {
        true => explain::write_json(&explanation, output)?,
        false => explain::write_text(&explanation, output)?,
    }
    output.flush()?;
    Ok(status)
}

/// Where the rule is, and by what it matched.
fn rule(settings: &Settings, MatchedRule { number, pattern, line }: &MatchedRule) -> String {
    let file = settings.file().map_or_else(String::new, |file| format!(" of {}", file.display()));
    format!("{number}, in line {line}{file}: {pattern}")
}

/// Whose credentials were asked for. An external id is no secret to AWS, but not everybody's business.
fn identity(identity: &Identity) -> Vec<(&'static str, String)> {
    let of_environment = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{value} ({name})"))
    };
    let (profile, region, role) = (identity.profile.clone(), identity.region.clone(), identity.role.clone());
    let (arn, external_id) = match role {
        Some(role) => (Some(role.arn), role.external_id),
        None => (None, None),
    };
    // Without a role, there is no session to be named.
    let session_name = identity.session_name.clone().filter(|_| arn.is_some());
    [
        ("profile", profile.or_else(|| of_environment("AWS_PROFILE"))),
        ("role", arn),
        ("external-id", external_id.map(|_| "given".to_owned())),
        ("session-name", session_name),
        ("region", region.or_else(|| ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(of_environment))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// What the cache has, and what 'get' would make of it.
fn cache(cached: &Cached) -> String {
    let has = match cached {
        Cached::Fresh => "has a credential that 'get' would hand out without asking anybody".to_owned(),
        Cached::Nothing => "has nothing".to_owned(),
        Cached::NotAsked => return "was not asked: nothing is looked up for this address".to_owned(),
        Cached::Off => return "there is none".to_owned(),
        Cached::Silent => "its disk does not answer".to_owned(),
        Cached::Stale => "has a credential that 'get' would refresh, and hand out where that fails".to_owned(),
        Cached::Unusable(error) => error.to_string(),
    };
    format!("{has}; this looks up anew whatever it has, and keeps nothing")
}

fn steps(steps: Vec<TracedStep>) -> (Vec<Endpoint>, Vec<Source>) {
    let (mut endpoints, mut sources) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            TracedStep::Endpoint { service, url, region, setting } => {
                let endpoint = Endpoint { service, url, region, setting };
                // The same one is chosen for each role of a chain.
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
            TracedStep::Source { name, outcome, detail, elapsed } => {
                sources.push(Source { name, outcome: outcome.as_str(), detail, elapsed });
            }
            _ => {}
        }
    }
    (endpoints, sources)
}

fn sent(request: TracedRequest) -> Sent {
    Sent {
        method: request.method,
        destination: request.destination,
        operation: request.operation,
        address: request.address,
        status: request.status,
        failure: request.failure.map(|failure| failure.to_string()),
        elapsed: request.elapsed,
        bytes_received: request.bytes_received,
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer {
        Ok(credential) => Outcome::Found { username: credential.username.clone(), expires_at: credential.expires_at },
        Err(failure) => Outcome::Failed {
            text: failure.to_string(),
            exit_status: print::exit_status(&failure.error),
            error: failure.error.clone(),
        },
    }
}
