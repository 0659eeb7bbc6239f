//! The credential helper: docker's protocol in front of this command's settings and lookups.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use crate::arguments::Options;
use crate::frontend::docker::{self, Backend, Invocation};
use crate::lookup::{self, Answer};
use crate::settings::{Caller, Settings, Store};

/// The name that the helper goes by where it is called by another than a helper's.
pub(crate) const NAME: &str = "docker-credential-keyward";

/// Serves one call on the standard streams, and returns the exit status.
pub(crate) fn serve(name: &str, arguments: &[OsString], options: &Options, compat: bool) -> io::Result<u8> {
    let open = || {
        let mut settings = Settings::load(options, Caller::Docker)?;
        settings.compat |= compat;
        Ok(Helper { settings })
    };
    let invocation = Invocation { name, arguments };
    docker::serve(&invocation, &mut io::stdin(), &mut io::stdout(), &mut io::stderr(), open)
}

struct Helper {
    settings: Settings,
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

    /// Credentials are resolved when they are asked for and kept nowhere: there are none to list.
    fn list(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn forget(&self, _: &str) {}
}
