//! The differences between the two chains that are meant to be there, each with its reason.
//!
//! A difference has to prove itself in each case: either the SDK comes to what Keyward comes to once the case says what Keyward
//! takes it to say, or Keyward refuses, and its message says why.

use crate::case::{Case, REGISTRY_REGION};
use crate::generate;
use crate::outcome::{Outcome, Verdict};
use crate::sections::Sections;

/// A difference.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What Keyward does.
    pub name: &'static str,
    /// Why.
    pub reason: &'static str,
    /// How to recognize it.
    pub proof: Proof,
}

/// How a difference is recognized.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// Keyward takes the case for this one, and the SDK comes to the same with this one as Keyward does with the first.
    TakenFor(fn(&Case) -> Option<Case>),
    /// There is something in the case that is none of the SDK's business. In this one it is not there, and both come to the same.
    Without(fn(&Case) -> Option<Case>),
    /// Keyward refuses, with all of these parts in its message.
    Refused(&'static [&'static str]),
}

/// All differences.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "an empty AWS_PROFILE is unset",
        reason: "as to the Go SDK and to botocore; to the SDK it is a profile without a name",
        proof: Proof::TakenFor(|case| case.variable("AWS_PROFILE")?.is_empty().then(|| case.without("AWS_PROFILE"))),
    },
    Difference {
        name: "a blank variable is unset",
        reason: "as to the Go SDK and to botocore; a file without a path and a role without a name help nobody",
        proof: Proof::TakenFor(without_blank_variables),
    },
    Difference {
        name: "a variable is trimmed",
        reason: "no value has a blank at its end on purpose, and many have a line end by mistake",
        proof: Proof::TakenFor(with_trimmed_variables),
    },
    Difference {
        name: "an empty property is none",
        reason: "as to botocore; to the SDK it is a key, a role or a region without a name",
        proof: Proof::TakenFor(without_empty_properties),
    },
    Difference {
        name: "SECRET_ACCESS_KEY is nobody's",
        reason: "no other SDK has it, and the sandbox grants AWS's variables alone",
        proof: Proof::TakenFor(|case| case.variable("SECRET_ACCESS_KEY").map(|_| case.without("SECRET_ACCESS_KEY"))),
    },
    Difference {
        name: "where no setting has a region, STS is asked in the registry's",
        reason: "the registry's address has one, and so no request to the metadata service is needed",
        proof: Proof::TakenFor(with_region),
    },
    Difference {
        name: "a token for a container says nothing where there is none",
        reason: "nobody is there to be shown it; the SDK reads it first, and ends where it cannot",
        proof: Proof::TakenFor(without_lonely_container_tokens),
    },
    Difference {
        name: "a container may be named localhost",
        reason: "as in botocore; the SDK asks a name server for every name, and none is there",
        proof: Proof::TakenFor(|case| {
            let url = case.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")?;
            Some(case.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url.replace("//localhost", "//127.0.0.1")))
        }),
    },
    Difference {
        name: "a token's file may be below ~",
        reason: "as the shared files may be; to the SDK it is a folder of that name",
        proof: Proof::TakenFor(|case| {
            let path = case.variable("AWS_WEB_IDENTITY_TOKEN_FILE")?.strip_prefix("~/")?;
            Some(case.with("AWS_WEB_IDENTITY_TOKEN_FILE", &format!("{}/{path}", case.variable("HOME")?)))
        }),
    },
    Difference {
        name: "a token that has ended is not sent to the portal of IAM Identity Center",
        reason: "its own file says so; the SDK, for profiles without an sso-session, lets the portal say it",
        proof: Proof::TakenFor(without_ended_token),
    },
    Difference {
        name: "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is good for the services of sources too",
        reason: "the reference guide knows no exceptions; in the SDK, what is configured for STS and SSO still holds",
        proof: Proof::TakenFor(without_ignored_endpoints),
    },
    Difference {
        name: "duration_seconds is sent",
        reason: "as botocore does; the SDK ignores it",
        proof: Proof::Without(|case| edited(case, |name, _| name == "duration_seconds")),
    },
    Difference {
        name: "the global endpoint of STS is used where it is asked for, and what else is asked for is refused",
        reason: "the reference guide has the setting; the SDK ignores it",
        proof: Proof::Without(without_global_sts),
    },
    Difference {
        name: "a container's relative URI has to be a path",
        reason: "the SDK takes it for a host, and asks for /",
        proof: Proof::Refused(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is unusable: it is no path"]),
    },
    Difference {
        name: "a container's URI is one of HTTP",
        reason: "the SDK leaves it to its HTTP client to refuse other schemes",
        proof: Proof::Refused(&[
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is unusable: its scheme is neither https nor http",
        ]),
    },
    Difference {
        name: "a region has no dots in it",
        reason: "no region has any, and whoever has such a name in mind means another host; the SDK asks sts.a.b.amazonaws.com",
        proof: Proof::Refused(&["the region 'a.b' is not a valid one"]),
    },
    Difference {
        name: "a duration that is none is refused",
        reason: "STS would refuse it with less to say",
        proof: Proof::Refused(&["duration_seconds of profile ", "set it to a number of seconds"]),
    },
    Difference {
        name: "mfa_serial is refused",
        reason: "nobody is there to type a code; the SDK leaves it to STS to refuse",
        proof: Proof::Refused(&[" has mfa_serial"]),
    },
    Difference {
        name: "a profile that another one names has to be there",
        reason: "as in botocore: the next source would be another identity; the SDK goes on",
        proof: Proof::Refused(&[" does not exist, and profile ", " names it as its source"]),
    },
    Difference {
        name: "a profile that names itself as its source has to have credentials",
        reason: "as above",
        proof: Proof::Refused(&[" has no credentials in it, and profile ", " names it as its source"]),
    },
    Difference {
        name: "a profile of IAM Identity Center has to have a region and a start URL",
        reason: "as above: half of a source is no reason to go on to another identity, as half of a key pair is none",
        proof: Proof::Refused(&["profile ", " has ", "sso_", " and no sso_", ": add it"]),
    },
    Difference {
        name: "an sso-session has to have a region and a start URL",
        reason: "as above",
        proof: Proof::Refused(&["sso-session ", ", has no sso_", ": add it"]),
    },
    Difference {
        name: "a role has to have a source with credentials",
        reason: "as above, where the source is a profile of IAM Identity Center for tokens alone",
        proof: Proof::Refused(&[" has none to give", " is for tokens of IAM Identity Center"]),
    },
    Difference {
        name: "a file that cannot be read ends the chain where the profile may be in it",
        reason: "somebody put it there; the SDK takes it for an empty one",
        proof: Proof::Refused(&["the credentials of profile ", " may be in "]),
    },
    Difference {
        name: "a token that has ended and was not renewed is not sent to the portal of IAM Identity Center",
        reason: "it is refused there, and the refusal of the renewal says more",
        proof: Proof::Refused(&["the login of profile ", " has expired, and was not renewed"]),
    },
    Difference {
        name: "a switch is true or false",
        reason: "what else it says may have been meant for either; the SDK takes it for unset",
        proof: Proof::Refused(&[" is '", "': set it to true or false"]),
    },
];

/// The difference that explains the outcomes of a case; several where it takes them all.
pub fn explain(
    case: &Case,
    ours: &Outcome,
    ask_us: impl Fn(&Case) -> Outcome,
    ask_them: impl Fn(&Case) -> Outcome,
) -> Option<Vec<&'static Difference>> {
    if let Some(difference) = refusal(ours) {
        return Some(vec![difference]);
    }
    // One after the other, as few as possible.
    let applicable: Vec<_> = DIFFERENCES.iter().filter(|difference| difference.rewrite(case).is_some()).collect();
    let singles = applicable.iter().map(|difference| vec![*difference]);
    singles.chain([applicable.clone()]).find(|differences| {
        let mut rewritten = case.clone();
        let mut is_ours = ours.clone();
        for difference in differences {
            rewritten = difference.rewrite(&rewritten).unwrap_or(rewritten);
            if matches!(difference.proof, Proof::Without(_)) {
                is_ours = ask_us(&rewritten);
            }
        }
        !differences.is_empty() && (refusal(&is_ours).is_some() || ask_them(&rewritten) == is_ours)
    })
}

/// The difference that an outcome of ours owns up to.
fn refusal(ours: &Outcome) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| match difference.proof {
        Proof::Refused(parts) => ours.verdict == Verdict::Error && has_parts(&ours.message.0, parts),
        _ => false,
    })
}

impl Difference {
    fn rewrite(&self, case: &Case) -> Option<Case> {
        match self.proof {
            Proof::TakenFor(rewrite) | Proof::Without(rewrite) => rewrite(case).filter(|rewritten| rewritten != case),
            Proof::Refused(_) => None,
        }
    }
}

/// Whether the parts are there in this order.
fn has_parts(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| {
        let found = rest.find(part);
        rest = found.map_or(rest, |begin| &rest[begin + part.len()..]);
        found.is_some()
    })
}

fn without_blank_variables(case: &Case) -> Option<Case> {
    let mut rewritten = case.clone();
    rewritten.environment.retain(|name, value| name == "AWS_PROFILE" || !value.trim().is_empty());
    Some(rewritten)
}

fn with_trimmed_variables(case: &Case) -> Option<Case> {
    let mut rewritten = case.clone();
    for value in rewritten.environment.values_mut().filter(|value| !value.trim().is_empty()) {
        *value = value.trim().to_owned();
    }
    Some(rewritten)
}

fn without_empty_properties(case: &Case) -> Option<Case> {
    edited(case, |_, value| value.is_empty())
}

fn with_region(case: &Case) -> Option<Case> {
    let is_set = |name| case.variable(name).is_some_and(|value| !value.trim().is_empty());
    let in_profile = |sections: Sections| Some(!sections.profile(selected(case))?.get("region")?.is_empty());
    let has_region = is_set("AWS_REGION")
        || is_set("AWS_DEFAULT_REGION")
        || Sections::of(case).and_then(in_profile).unwrap_or_default();
    (!has_region).then(|| case.with("AWS_REGION", REGISTRY_REGION))
}

fn without_lonely_container_tokens(case: &Case) -> Option<Case> {
    let is_set = |name| case.variable(name).is_some_and(|value| !value.trim().is_empty());
    let is_lonely = !is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") && !is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    is_lonely
        .then(|| case.without("AWS_CONTAINER_AUTHORIZATION_TOKEN").without("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
}

fn without_ended_token(case: &Case) -> Option<Case> {
    let mut rewritten = case.clone();
    rewritten.files.remove(&generate::ended_token())?;
    Some(rewritten)
}

fn without_ignored_endpoints(case: &Case) -> Option<Case> {
    const PROPERTY: &str = "ignore_configured_endpoint_urls";
    let sections = Sections::of(case)?;
    let is_ignored = match case.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        Some(value) => value == "true",
        None => sections.profile(selected(case))?.get(PROPERTY)? == "true",
    };
    let mut rewritten = case.clone();
    rewritten.environment.retain(|name, _| !name.starts_with("AWS_ENDPOINT_URL"));
    is_ignored.then(|| sections.without(|name, _| ["endpoint_url", "services"].contains(&name)).write(&rewritten))
}

fn without_global_sts(case: &Case) -> Option<Case> {
    let case = case.without("AWS_STS_REGIONAL_ENDPOINTS");
    Some(edited(&case, |name, _| name == "sts_regional_endpoints").unwrap_or(case))
}

/// The name of the selected profile.
fn selected(case: &Case) -> &str {
    case.variable("AWS_PROFILE").filter(|name| !name.is_empty()).unwrap_or("default")
}

/// The case without some properties, where there are any.
fn edited(case: &Case, is_dropped: impl Fn(&str, &str) -> bool) -> Option<Case> {
    let sections = Sections::of(case)?;
    let fewer = sections.without(is_dropped);
    (fewer != sections).then(|| fewer.write(case))
}
