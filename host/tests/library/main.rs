//! The library against the fake AWS, through the real component.

mod answers;
mod budget;
mod common;
mod conformance;
mod credentials;
mod network;
mod overload;
mod process;
mod secrets;
mod shared_files;
