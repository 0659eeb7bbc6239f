//! `keyward explain`: looks a registry up anew, watches that, and says everything that there is to say about it.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use keyward::{Trace, TracedRequest, TracedStep};
use keyward_ecr::registry::Registry;

use crate::arguments::{Explain, Options};
use crate::frontend::explain::{self, Endpoint, Explanation, Outcome, Sent, Source};
use crate::frontend::print;
use crate::lookup::{self, Answer};
use crate::settings::{Question, Settings};

/// Explains a registry, and returns the exit status that `keyward get` has for it.
pub(crate) fn explain(arguments: &Explain, settings: &Settings, output: &mut dyn Write) -> io::Result<u8> {
    let question = settings.question(&arguments.registry);
    let question = Question { request: question.request.with_explanation(), ..question };
    let trace = Trace::new();
    let answer =
        lookup::resolve_traced(settings, std::slice::from_ref(&question), std::slice::from_ref(&trace)).swap_remove(0);
    let (endpoints, sources) = steps(trace.steps());
    let outcome = outcome(&answer);
    let status = match &outcome {
        Outcome::Found { .. } => 0,
        Outcome::Failed { exit_status, .. } => *exit_status,
    };
    let explanation = Explanation {
        address: &question.address,
        looked_up: question.request.registry(),
        registry: Registry::parse(question.request.registry()).ok(),
        rule: None,
        identity: identity(&arguments.options),
        cache: "not asked: this looks up anew, and keeps nothing".to_owned(),
        endpoints,
        sources,
        requests: trace.requests().into_iter().map(sent).collect(),
        budget: &settings.budget,
        usage: trace.usage(),
        outcome,
        now: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
    };
    match arguments.json {
        true => explain::write_json(&explanation, output)?,
        false => explain::write_text(&explanation, output)?,
    }
    output.flush()?;
    Ok(status)
}

/// Whose credentials were asked for. An external id is no secret to AWS, but not everybody's business.
fn identity(options: &Options) -> Vec<(&'static str, String)> {
    let of_environment = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{value} ({name})"))
    };
    let profile = options.profile.clone().or_else(|| of_environment("AWS_PROFILE"));
    let region = options.region.clone().or_else(|| of_environment("AWS_REGION"));
    [
        ("profile", profile),
        ("role", options.role_arn.clone()),
        ("external-id", options.external_id.as_ref().map(|_| "given".to_owned())),
        ("session-name", options.session_name.clone()),
        ("region", region),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
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
