//! The servers that misbehave, the proxy and the name server do what the tests that rely on them take
//! for granted.

#![forbid(unsafe_code)]

mod answers;
mod before_answer;
mod client;
mod endless;
mod hangs;
mod many;
mod name_server;
mod names;
mod proxy;
