//! The command line of what has to do with docker.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Options;
use crate::install::HelperName;

#[derive(Args, Debug)]
pub(crate) struct Docker {
    #[command(flatten)]
    pub(crate) options: Options,
    /// What the client asks for: get, store, erase, list or version. More or less than one is wrong use by the protocol
    #[arg(value_name = "ACTION")]
    pub(crate) actions: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct Install {
    /// The registries: hosts, URLs or image references. Without any, those of Amazon ECR that the file names
    #[arg(value_name = "REGISTRY")]
    pub(crate) registries: Vec<String>,
    /// Let docker ask for every registry, and not for those of credHelpers alone
    #[arg(long, conflicts_with = "registries")]
    pub(crate) creds_store: bool,
    /// Replace the entries of other helpers
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) entry: Entry,
}

#[derive(Args, Debug)]
pub(crate) struct Uninstall {
    /// The registries: hosts, URLs or image references. Without any, every entry of the helper
    #[arg(value_name = "REGISTRY")]
    pub(crate) registries: Vec<String>,
    #[command(flatten)]
    pub(crate) entry: Entry,
}

/// What is entered, and where.
#[derive(Args, Debug)]
pub(crate) struct Entry {
    /// The configuration file; else it is config.json in the folder that DOCKER_CONFIG names, else ~/.docker/config.json
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// What docker knows the helper by: it calls docker-credential-NAME
    #[arg(long, value_name = "NAME", default_value = "keyward")]
    pub(crate) helper: HelperName,
    /// Print what the file would be, without the texts that may be secret, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
}
