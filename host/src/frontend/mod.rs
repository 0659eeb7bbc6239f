//! What the command says and how: protocols only, with the streams as parameters.

pub(crate) mod docker;
pub(crate) mod explain;
pub(crate) mod go_json;
pub(crate) mod kubelet;
pub(crate) mod print;
pub(crate) mod progress;
