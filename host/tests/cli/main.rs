//! The command as a person, a script or docker calls it.

mod bad_input;
mod ends;
mod get;
mod harness;
mod helper;
mod machine;
mod running;
mod stuck;
