//! What every host of the component is asked, and what it answers, in the words of `wit/`.

use std::path::PathBuf;

use keyward_testbed::{ACCESS_KEY_ID, FakeAws, SECRET_ACCESS_KEY};

/// A private registry.
pub(crate) const PRIVATE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// A host of the component, with its own WASI, its own transport and its own limits.
pub(crate) trait Host {
    /// Begins a lookup, which goes on by itself.
    fn begin(&self, question: Question) -> Box<dyn UnderWay>;

    /// A lookup to its end.
    fn ask(&self, question: Question) -> Answer {
        self.begin(question).answer()
    }
}

/// A lookup that somebody waits for.
pub(crate) trait UnderWay {
    /// Waits for its end.
    fn answer(self: Box<Self>) -> Answer;

    /// Ends it where it is. What served it goes on to live, so that what it has left behind would be seen.
    fn abandon(self: Box<Self>) -> Box<dyn std::any::Any>;
}

/// A request, and what the component may see.
#[derive(Clone, Default)]
pub(crate) struct Question {
    pub(crate) server: String,
    pub(crate) context: Vec<(String, String)>,
    pub(crate) variables: Vec<(String, String)>,
    /// Folders, by the names that the component has for them. It may read them.
    pub(crate) folders: Vec<(String, PathBuf)>,
}

impl Question {
    /// Nothing but where AWS is, and that there is no instance: this machine may be one.
    pub(crate) fn new(server: &str, aws: &FakeAws) -> Self {
        let question = Self { server: server.to_owned(), ..Self::default() };
        question.with_variable("AWS_ENDPOINT_URL", &aws.url()).with_variable("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// The keys that every fake knows.
    pub(crate) fn with_keys(self) -> Self {
        self.with_variable("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).with_variable("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    }

    /// In the place of the one of that name.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_context(mut self, name: &str, value: &str) -> Self {
        self.context.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_folder(mut self, name: &str, folder: impl Into<PathBuf>) -> Self {
        self.folders.push((name.to_owned(), folder.into()));
        self
    }
}

/// What the component has returned.
pub(crate) type Answer = Result<Credential, Failure>;

/// `credential`.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) expires_at: Option<u64>,
}

/// `error`: the case, as `wit/` spells it, and its text, which is empty where it has none.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) case: String,
    pub(crate) text: String,
}
