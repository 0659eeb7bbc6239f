//! The command line, as it was typed. What it means together with the environment is `settings`'.

mod docker;
mod serve;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::frontend::print::Format;
use crate::settings::{CacheMode, LogFormat, LogLevel, Store, count, seconds, switch};

pub(crate) use self::docker::{Docker, Entry, Install, Uninstall};
pub(crate) use self::serve::{DaemonOptions, Serve};

/// Resolves a container registry's credentials inside a WebAssembly sandbox
#[derive(Debug, Parser)]
#[command(
    after_help = "called as docker-credential-keyward, or by another name that begins with docker-credential-, it is a \
                  docker credential helper; called as ecr-credential-provider, it is 'keyward kubelet'"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Print the credential of a registry, or of several
    Get(Get),
    /// Print the password of a region's registries, as 'aws ecr get-login-password' does
    LoginPassword(LoginPassword),
    /// Speak the protocol of docker's credential helpers: for programs of a few lines that set options and hand on the action
    Docker(Docker),
    /// Answer the kubelet, which asks on the standard input for the credential of the image that it pulls
    Kubelet(Kubelet),
    /// Enter the credential helper into docker's configuration file
    Install(Install),
    /// Remove what 'install' has entered
    Uninstall(Uninstall),
    /// Look a registry up, and say what happens on the way: settings, sources, requests, budget; never a secret
    Explain(Explain),
    /// Answer many processes over a Unix socket, with what is remembered in memory
    Serve(Serve),
    /// Look at the settings
    #[command(subcommand)]
    Config(ConfigAction),
    /// Print what makes a shell complete the arguments of this command
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write those of all subcommands
    Man {
        /// Write a page for each subcommand too, into this folder
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Print the version
    Version,
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// The registries' addresses: hosts, URLs or image references. They are looked up at once, each under a budget of its own, and
    /// printed in this order. Without any, or with '-', they are read from the standard input, one a line
    #[arg(value_name = "REGISTRY")]
    pub(crate) registries: Vec<String>,
    /// How the credential is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Here a region chooses the registries, as it does there.
#[derive(Args, Debug)]
#[command(mut_arg("region", |region| region.help(
    "The region of the registries, and of STS. Without it, the registries are those of AWS_REGION, else AWS_DEFAULT_REGION, else the \
     profile; STS's region alone is in KEYWARD_REGION"
)))]
pub(crate) struct LoginPassword {
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Settings of the command.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Say which settings hold and where they come from, and which rule a registry matches
    Check(Check),
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The configuration file to check, instead of the one that would be used
    #[arg(conflicts_with = "config")]
    pub(crate) file: Option<PathBuf>,
    /// Say what asking for this registry means; may be given several times
    #[arg(long = "registry", value_name = "ADDRESS")]
    pub(crate) registries: Vec<String>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Args, Debug)]
pub(crate) struct Kubelet {
    /// The one thing that credential providers do. It means nothing: kOps and others write it into the kubelet's configuration
    #[arg(hide = true, value_parser = ["get-credentials"])]
    pub(crate) action: Option<String>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The registry's address: a host, a URL or an image reference
    pub(crate) registry: String,
    /// Print an object for programs
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// The headings of the options.
const BUDGET: &str = "Budget of a lookup";
const PERMISSIONS: &str = "What a lookup may do";
const CACHE: &str = "Cache";
const IDENTITY: &str = "Whose credentials, and where, before what the rules of the configuration file say";
const DOCKER: &str = "As docker's credential helper";
const DAEMON: &str = "Daemon";
const LOG: &str = "Log, on the standard error stream";

/// What every lookup takes, whichever front end asks for it. Each is a setting: the flag goes before the variable, the variable before
/// the configuration file, and that before what is built in.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// The configuration file, or off for none [KEYWARD_CONFIG; $XDG_CONFIG_HOME/keyward/keyward.toml, else
    /// /etc/keyward/keyward.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How long a lookup may take, in seconds [KEYWARD_DEADLINE; 5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = BUDGET)]
    pub(crate) deadline: Option<Duration>,
    /// How much the component may compute, in units of fuel [KEYWARD_FUEL; 200000000]
    #[arg(long, value_name = "UNITS", value_parser = count::<u64>, help_heading = BUDGET)]
    pub(crate) fuel: Option<u64>,
    /// How much memory the component may have, in bytes [KEYWARD_MEMORY; 16777216]
    #[arg(long, value_name = "BYTES", value_parser = count::<u64>, help_heading = BUDGET)]
    pub(crate) memory: Option<u64>,
    /// How many requests a lookup may make [KEYWARD_REQUESTS; 64]
    #[arg(long, value_name = "NUMBER", value_parser = count::<u32>, help_heading = BUDGET)]
    pub(crate) requests: Option<u32>,
    /// How many bytes the body of one request may have [KEYWARD_REQUEST_BYTES; 65536]
    #[arg(long, value_name = "BYTES", value_parser = count::<u64>, help_heading = BUDGET)]
    pub(crate) request_bytes: Option<u64>,
    /// How many bytes one answer may have [KEYWARD_RESPONSE_BYTES; 65536]
    #[arg(long, value_name = "BYTES", value_parser = count::<u64>, help_heading = BUDGET)]
    pub(crate) response_bytes: Option<u64>,
    /// Let the lookup reach one more destination, as in https://ecr.example:8443; may be given several times, or with commas
    /// between [KEYWARD_ALLOW]
    #[arg(long, value_name = "DESTINATION", value_delimiter = ',', help_heading = PERMISSIONS)]
    pub(crate) allow: Vec<String>,
    /// Let the lookup run the program that credential_process of its profile names. It is no part of the sandbox
    /// [KEYWARD_ALLOW_PROCESS; false]
    #[arg(long, value_name = "BOOL", value_parser = switch, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", help_heading = PERMISSIONS)]
    pub(crate) allow_process: Option<bool>,
    /// Let the lookup write a token that it has refreshed to where 'aws sso login' has put it [KEYWARD_WRITE_SSO_CACHE; false]
    #[arg(long, value_name = "BOOL", value_parser = switch, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", help_heading = PERMISSIONS)]
    pub(crate) write_sso_cache: Option<bool>,
    /// Whether credentials are kept for other runs of the command [KEYWARD_CACHE; file]
    #[arg(long, value_enum, value_name = "WHERE", help_heading = CACHE)]
    pub(crate) cache: Option<CacheMode>,
    /// The folder in which they are kept [KEYWARD_CACHE_DIR; $XDG_CACHE_HOME/keyward]
    #[arg(long, value_name = "FOLDER", help_heading = CACHE)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Use this profile of the shared configuration files, before AWS_PROFILE and before the keys of the environment
    /// [KEYWARD_PROFILE]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) profile: Option<String>,
    /// Assume this role with the credentials that are found [KEYWARD_ROLE_ARN]
    #[arg(long, value_name = "ARN", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) role_arn: Option<String>,
    /// The external id that the role's trust policy asks for [KEYWARD_EXTERNAL_ID]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) external_id: Option<String>,
    /// The name of the role's session in AWS's logs [KEYWARD_SESSION_NAME]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) session_name: Option<String>,
    /// The region of STS, before AWS_REGION; the registry's own region is in its address [KEYWARD_REGION]
    #[arg(long, value_name = "REGION", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) region: Option<String>,
    /// Ask for the registry's token at this endpoint, before AWS_ENDPOINT_URL_ECR and its relatives [KEYWARD_ENDPOINT]
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), help_heading = IDENTITY)]
    pub(crate) endpoint: Option<String>,
    /// Take an address for a registry of Amazon ECR that it stands for, as in
    /// registry.example.com=123456789012.dkr.ecr.eu-west-1.amazonaws.com; may be given several times, or with commas between
    /// [KEYWARD_ALIAS]
    #[arg(long, value_name = "PATTERN=REGISTRY", value_delimiter = ',', help_heading = IDENTITY)]
    pub(crate) alias: Vec<String>,
    /// Say of every failure what clients take as 'no credentials: go on without' [KEYWARD_COMPAT; false]
    #[arg(long, value_name = "BOOL", value_parser = switch, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", help_heading = DOCKER)]
    pub(crate) compat: Option<bool>,
    /// What to make of credentials that are to be stored or erased [KEYWARD_STORE; ignore]
    #[arg(long, value_enum, value_name = "HOW", help_heading = DOCKER)]
    pub(crate) store: Option<Store>,
    /// The socket of a daemon, 'keyward serve': where it listens, and where 'get' and docker's credential helper ask instead of looking up
    /// themselves [KEYWARD_SOCKET]
    #[arg(long, value_name = "PATH", help_heading = DAEMON)]
    pub(crate) socket: Option<PathBuf>,
    /// Say what is done: once for a line of each lookup, twice for its requests too. Short for --log info and --log debug
    #[arg(short = 'v', action = ArgAction::Count, conflicts_with = "log", help_heading = LOG)]
    pub(crate) verbose: u8,
    /// What is logged [KEYWARD_LOG; off]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = LOG)]
    pub(crate) log: Option<LogLevel>,
    /// How it is written [KEYWARD_LOG_FORMAT; text]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = LOG)]
    pub(crate) log_format: Option<LogFormat>,
    /// Run the component in FILE instead of the one that is built in
    #[cfg(feature = "compile")]
    #[arg(long, value_name = "FILE.wasm")]
    pub(crate) component: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Arguments::command().debug_assert();
    }
}
