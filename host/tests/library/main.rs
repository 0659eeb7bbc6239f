//! The library against the fake AWS, through the real component.

mod answers;
mod budget;
mod cache;
mod chain;
mod common;
mod conformance;
mod credentials;
mod endpoint;
mod events;
mod fuel;
mod identities;
mod keychain;
mod metadata;
mod network;
mod overload;
mod process;
mod replay;
mod replayed;
mod secrets;
mod shared_files;
mod trace;
mod world;
