//! The command line, as it was typed. What it means together with the environment is `settings`'.

mod docker;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::frontend::print::Format;
use crate::settings::seconds;

pub(crate) use self::docker::{Docker, Entry, Install, Uninstall};

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

#[derive(Args, Debug)]
pub(crate) struct LoginPassword {
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

/// What every lookup takes, whichever front end asks for it.
#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// How long a lookup may take, in seconds; else KEYWARD_DEADLINE has it, else it is 5
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) deadline: Option<Duration>,
    /// Let the lookup reach one more destination, as in https://ecr.example:8443; may be given several times, or with commas
    /// between. Else KEYWARD_ALLOW has them
    #[arg(long, value_name = "DESTINATION", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Let the lookup run the program that credential_process of its profile names. It is no part of the sandbox. Else
    /// KEYWARD_ALLOW_PROCESS says it, with 1
    #[arg(long)]
    pub(crate) allow_process: bool,
    /// Let the lookup write a token that it has refreshed to where 'aws sso login' has put it. Else KEYWARD_WRITE_SSO_CACHE says it,
    /// with 1
    #[arg(long)]
    pub(crate) write_sso_cache: bool,
    /// Keep credentials in this folder for other runs of the command; else KEYWARD_CACHE_DIR names it, else it is
    /// $XDG_CACHE_HOME/keyward. With KEYWARD_CACHE=off, there is none
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Use this profile of the shared configuration files, before AWS_PROFILE and before the keys of the environment
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) profile: Option<String>,
    /// Assume this role with the credentials that are found
    #[arg(long, value_name = "ARN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) role_arn: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) external_id: Option<String>,
    /// The name of the role's session in AWS's logs
    #[arg(long, value_name = "NAME", requires = "role_arn", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) session_name: Option<String>,
    /// The region of STS, before AWS_REGION; the registry's own region is in its address
    #[arg(long, value_name = "REGION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) region: Option<String>,
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
