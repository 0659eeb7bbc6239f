//! Attacks that need nothing of the host but its processor and its memory.

use std::arch::wasm32;
use std::hint::black_box;
use std::process;

use crate::world::{Credential, Outcome, credential};

/// What one allocation takes: a page of WebAssembly's memory.
const PAGE_BYTES: usize = 64 * 1024;

/// Against fuel and deadline: it computes, and never calls the host.
pub(crate) fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Against the memory: it keeps whatever it gets, and writes to all of it.
pub(crate) fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; PAGE_BYTES]));
    }
}

/// Against the stack.
pub(crate) fn recurse() -> Outcome {
    /// It has an end that is never reached, and something to do after the call: so the compiler makes no loop of it.
    fn deeper(depth: u64) -> u64 {
        if depth == u64::MAX { depth } else { black_box(deeper(black_box(depth + 1))).wrapping_add(depth) }
    }
    Ok(credential(&deeper(0).to_string(), ""))
}

/// Against the host's memory, which takes a copy of what is returned. In the guest's own memory, it is there once.
pub(crate) fn return_secret(bytes: usize) -> Outcome {
    Ok(Credential { username: "evil".to_owned(), secret: "x".repeat(bytes), expires_at: None })
}

/// A crash that says nothing.
pub(crate) fn trap() -> ! {
    wasm32::unreachable()
}

/// Against the host's own process, which must not end.
pub(crate) fn exit(status: usize) -> ! {
    process::exit(i32::try_from(status).unwrap_or(i32::MAX))
}
