//! The credential helper: docker's protocol in front of this command's settings and lookups.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use crate::arguments::Options;
use crate::frontend::docker::{self, Backend, Invocation};
use crate::lookup::{self, Answer};
use crate::settings::{Caller, Settings, Store};

/// The name that the helper goes by where it is called by another than a helper's.
pub(crate) const NAME: &str = "docker-credential-keyward";

/// Serves one call on the standard streams, and returns the exit status.
pub(crate) fn serve(name: &str, arguments: &[OsString], options: &Options) -> io::Result<u8> {
    let open = || {
        let settings = Settings::load(options, Caller::Docker)?;
        Ok(Helper { settings: Arc::new(settings) })
    };
    let invocation = Invocation { name, arguments };
    docker::serve(&invocation, &mut io::stdin(), &mut io::stdout(), &mut io::stderr(), open)
}

struct Helper {
    settings: Arc<Settings>,
}

impl Backend for Helper {
    fn compat(&self) -> bool {
        self.settings.compat
    }

    fn store(&self) -> Store {
        self.settings.store
    }

    fn resolve(&self, server: &str) -> Answer {
        lookup::resolve(&self.settings, &self.settings.question(server))
    }

    /// Those that are kept for this identity: a client that is told of one can have it without anybody being asked.
    fn list(&self) -> BTreeMap<String, String> {
        let settings = self.settings.clone();
        let listed = lookup::with_cache(&self.settings, move |cache| {
            let entries = cache.entries(|host| settings.question(host).request);
            entries.into_iter().map(|(host, entry)| (host, entry.credential.username)).collect()
        });
        listed.unwrap_or_default()
    }

    /// An entry that cannot be removed is one that no lookup uses either.
    fn forget(&self, server: &str) {
        let question = self.settings.question(server);
        lookup::forget_at_daemon(&self.settings, &question);
        let request = question.request;
        let _ = lookup::with_cache(&self.settings, move |cache| cache.remove(&request));
    }
}
