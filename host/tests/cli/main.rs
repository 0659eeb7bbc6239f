//! The command as a person, a script or docker calls it.

mod bad_input;
mod get;
mod harness;
mod helper;
