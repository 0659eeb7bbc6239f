//! A second opinion: whose credentials are found, and whom one asks for them, according to Keyward and according to the AWS SDK
//! for Rust.
//!
//! A [`case::Case`] is an environment, some files and a fake AWS. Both chains are given the same one, and what they come to has
//! to be the same [`outcome::Outcome`], or else one of the [`differences`] that are meant to be there.

#![forbid(unsafe_code)]

pub mod case;
pub mod differences;
pub mod fake;
pub mod generate;
pub mod ours;
pub mod outcome;
pub mod sections;
pub mod theirs;
