//! What the command says and how: protocols only, with the streams as parameters.

pub(crate) mod docker;
pub(crate) mod print;
