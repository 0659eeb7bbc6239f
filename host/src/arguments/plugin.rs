//! The command line of `install-plugin`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct InstallPlugin {
    /// The folder of the kubelet's --image-credential-provider-bin-dir, as it is seen from here
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// What the program is called there, which is its 'name' in the kubelet's configuration. A node whose configuration has
    /// ecr-credential-provider needs no other configuration
    #[arg(long, default_value = "keyward", value_parser = ["keyward", "ecr-credential-provider"])]
    pub(crate) name: String,
    /// A configuration of the kubelet to copy too, once the program is there
    #[arg(long, value_name = "FILE", requires = "config_to")]
    pub(crate) config_from: Option<PathBuf>,
    /// Where the kubelet looks for it: the file of its --image-credential-provider-config, as it is seen from here
    #[arg(long, value_name = "FILE", requires = "config_from")]
    pub(crate) config_to: Option<PathBuf>,
}
