//! The table: what both helpers are called with, and where they differ, why.

mod addresses;
mod inputs;

use std::ffi::{OsStr, OsString};
use std::fmt;

use super::bed::Said;

/// How AWS answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aws {
    Well,
    Denies,
    Throttles,
    Fails,
}

/// One call of both helpers.
pub(crate) struct Case {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) input: Vec<u8>,
    pub(crate) aws: Aws,
    pub(crate) has_keys: bool,
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    difference: Option<Difference>,
}

/// What Keyward says instead, and why.
struct Difference {
    reason: &'static str,
    status: i32,
    text: Text,
}

enum Text {
    Is(String),
    /// Of a text that has an id in it, or is in other hands.
    Has(&'static str),
}

const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

pub(crate) fn cases() -> Vec<Case> {
    [addresses::cases(), inputs::cases(), actions(), failures()].into_iter().flatten().collect()
}

const NEWER_LIBRARY: &str = "the texts are those of docker-credential-helpers 0.9.8, and Debian's helper has 0.6.4";
const FLAGS_OF_GO: &str =
    "the protocol has these arguments since 0.9.0, where this helper lets Go's flags have them first";

fn actions() -> Vec<Case> {
    const USAGE: &str = "Usage: docker-credential-ecr-login <store|get|erase|list|version>\n";
    const VERSION: &str = concat!("docker-credential-ecr-login (keyward) ", env!("CARGO_PKG_VERSION"), "\n");
    let unknown = |action: &str| format!("docker-credential-ecr-login: unknown action: {action}\n");
    let call = |arguments: &[&str]| Case::new(arguments, "unused");
    let mut cases = Vec::new();
    for arguments in [&[][..], &["get", "r.example"], &["list", "x"], &["--", "get"]] {
        cases.push(call(arguments).differs(NEWER_LIBRARY, 1, USAGE));
    }
    for action in ["foo", "GET", "", "--", "<&>"] {
        cases.push(call(&[action]).differs(NEWER_LIBRARY, 1, unknown(action)));
    }
    cases.push(call(&["version"]).differs(NEWER_LIBRARY, 0, VERSION));
    for argument in ["-v", "--version"] {
        cases.push(call(&[argument]).differs(FLAGS_OF_GO, 0, VERSION));
    }
    for argument in ["-h", "--help"] {
        cases.push(call(&[argument]).differs(FLAGS_OF_GO, 0, USAGE));
    }
    cases.push(call(&["-x"]).differs(FLAGS_OF_GO, 1, unknown("-x")));
    cases.push(call(&["list"]).differs(
        "it asks AWS for credentials in order to list them; Keyward lists what it has, since docker lists before it does anything",
        0,
        "{}\n",
    ));
    cases.push(call(&["list"]).without_keys());
    cases
}

fn failures() -> Vec<Case> {
    const FLATTENED: &str = "said of a failure, 'not found' makes docker pull anonymously and hides the cause";
    let get = || Case::new(&["get"], PRIVATE);
    let failing = [
        (Aws::Denies, "was denied: AccessDeniedException"),
        (Aws::Throttles, "was throttled: ThrottlingException"),
        (Aws::Fails, "failed: ServerException"),
    ];
    let mut cases = vec![get().without_keys()];
    for (aws, said) in failing {
        cases.push(get().at(aws).differs_with(FLATTENED, 1, Text::Has(said)));
        // And the same, where that is wanted.
        cases.push(get().at(aws).variable("KEYWARD_COMPAT", "1"));
    }
    cases
}

impl Case {
    fn new(arguments: &[impl AsRef<OsStr>], input: impl Into<Vec<u8>>) -> Self {
        Self {
            arguments: arguments.iter().map(|argument| argument.as_ref().to_owned()).collect(),
            input: input.into(),
            aws: Aws::Well,
            has_keys: true,
            variables: Vec::new(),
            difference: None,
        }
    }

    fn at(self, aws: Aws) -> Self {
        Self { aws, ..self }
    }

    fn without_keys(self) -> Self {
        Self { has_keys: false, ..self }
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn differs(self, reason: &'static str, status: i32, output: impl Into<String>) -> Self {
        self.differs_with(reason, status, Text::Is(output.into()))
    }

    fn differs_with(self, reason: &'static str, status: i32, text: Text) -> Self {
        Self { difference: Some(Difference { reason, status, text }), ..self }
    }

    /// What is wrong with what was said.
    pub(crate) fn judge(&self, ours: &Said, theirs: &Said) -> Option<String> {
        let wrong = match &self.difference {
            None if ours != theirs => "differs without a reason".to_owned(),
            // It would hide a difference that comes later.
            Some(Difference { reason, .. }) if ours == theirs => format!("does not differ, in spite of: {reason}"),
            Some(difference) if !difference.is(ours) => "differs, and is not what the table has".to_owned(),
            _ => return None,
        };
        Some(format!("{self:?} {wrong}\n  keyward   {ours:?}\n  ecr-login {theirs:?}"))
    }
}

impl Difference {
    fn is(&self, said: &Said) -> bool {
        let is_text = match &self.text {
            Text::Is(text) => said.output == *text,
            Text::Has(part) => said.output.contains(part) && said.output.lines().count() == 1,
        };
        is_text && said.status == self.status && !said.complained
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { arguments, aws, variables, .. } = self;
        let input = shortened(&String::from_utf8_lossy(&self.input));
        write!(formatter, "{arguments:?} < {input:?}, AWS {aws:?}, {variables:?}:")
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complained = if self.complained { ", and complained" } else { "" };
        write!(formatter, "{} {:?}{complained}", self.status, shortened(&self.output))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
