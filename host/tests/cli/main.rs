//! The command as a person, a script or docker calls it.

mod bad_input;
mod cache;
mod config;
mod docker;
mod explain;
mod get;
mod harness;
mod helper;
mod identities;
mod install;
mod kubelet;
mod match_images;
mod several;

// What follows looks at processes, which only Linux tells, or needs namespaces, which only Linux has.
#[cfg(target_os = "linux")]
mod authorities;
#[cfg(target_os = "linux")]
mod ends;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod logs;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod names;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod proxies;
#[cfg(target_os = "linux")]
mod running;
#[cfg(target_os = "linux")]
mod serve;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod stuck;
