//! Attacks through calls of the host, other than requests: its time, its memory, its files.

use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Write};
use std::mem;

use crate::world::bindings::wasi::cli::stderr;
use crate::world::bindings::wasi::clocks::monotonic_clock;
use crate::world::bindings::wasi::http::types::{Fields, HeaderError};
use crate::world::bindings::wasi::random::random as wasi_random;
use crate::world::{Error, Outcome, credential};

/// An hour, in the clock's nanoseconds: longer than any deadline of a test.
const HOUR: u64 = 3600 * 1_000_000_000;

/// What a flood writes at a time.
const FLOOD: [u8; 4096] = [b'!'; 4096];

/// Against fuel and deadline, from inside of the host: most of its time, it is there.
pub(crate) fn spin_in_calls() -> ! {
    loop {
        black_box(monotonic_clock::now());
    }
}

/// Against the deadline: it waits in the host, where no fuel is used.
pub(crate) fn sleep() -> Outcome {
    monotonic_clock::subscribe_duration(HOUR).block();
    Ok(credential("evil", "an hour has passed"))
}

/// Against whoever keeps or shows what a guest says.
pub(crate) fn flood_stderr() -> ! {
    loop {
        // A stream that is closed does not stop it.
        let _ = io::stderr().write_all(&FLOOD);
    }
}

/// As [`flood_stderr`], into the stream that nobody asked for.
pub(crate) fn flood_stdout() -> ! {
    loop {
        let _ = io::stdout().write_all(&FLOOD);
    }
}

/// Against the host's memory: it makes the bytes before they are anybody's.
pub(crate) fn random(bytes: usize) -> Outcome {
    let random = wasi_random::get_random_bytes(bytes as u64);
    Ok(credential(&random.len().to_string(), ""))
}

/// Against the host's tables: it never drops what it makes there.
pub(crate) fn open_handles() -> ! {
    loop {
        mem::forget(Fields::new());
    }
}

/// Against the host's tables and its memory, which holds the content of what is open.
pub(crate) fn open_files(path: &str) -> Outcome {
    for opened in 0_u64.. {
        match File::open(path) {
            Ok(file) => mem::forget(file),
            Err(error) => return Err(Error::Invalid(format!("after {opened} files: {error}"))),
        }
    }
    unreachable!("nobody can count that far")
}

/// Reads a file, which may not be its to read.
pub(crate) fn read(path: &str) -> Outcome {
    let content = fs::read(path).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(credential("evil", &String::from_utf8_lossy(&content)))
}

/// Writes a file in the place of one that is there, which may not be its to write.
pub(crate) fn replace(path: &str, content: &str, synchronises: bool) -> Outcome {
    let replace = || {
        let mut file = File::create(path)?;
        file.write_all(content.as_bytes())?;
        if synchronises { file.sync_all() } else { Ok(()) }
    };
    replace().map_err(|error: io::Error| Error::Invalid(error.to_string()))?;
    Ok(credential("evil", "replaced"))
}

/// Writes to a file as it is, at its end.
pub(crate) fn append(path: &str) -> Outcome {
    let mut file = File::options().append(true).open(path).map_err(|error| Error::Invalid(error.to_string()))?;
    file.write_all(b"appended").map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(credential("evil", "appended"))
}

/// Reads a variable, which may not be its to read.
pub(crate) fn environment(name: &str) -> Outcome {
    let value = env::var(name).map_err(|error| Error::NoCredentials(error.to_string()))?;
    Ok(credential("evil", &value))
}

/// Against the host's memory: one list of headers, without end.
pub(crate) fn flood_headers() -> Outcome {
    let fields = Fields::new();
    for number in 0_u64.. {
        fields.append(&format!("x-{number}"), &[b'x'; 100]).map_err(refused)?;
    }
    unreachable!("nobody can count that far")
}

/// Against the host's memory: one header.
pub(crate) fn big_header(bytes: usize) -> Outcome {
    Fields::new().append("x-big", &vec![b'x'; bytes]).map_err(refused)?;
    Ok(credential("evil", "the header was taken"))
}

/// Against the host's memory: it holds a copy of a list before the call that the list is for can refuse it.
pub(crate) fn big_call(bytes: usize) -> Outcome {
    let stream = stderr::get_stderr();
    stream.write(&vec![b'x'; bytes]).map_err(|error| Error::Other(format!("the list was refused: {error:?}")))?;
    Ok(credential("evil", "the list was taken"))
}

/// As [`big_call`], with few bytes of its own: each element of the list is the same bytes to the guest, and a copy of
/// them to the host.
pub(crate) fn alias_headers(count: usize, bytes: usize) -> Outcome {
    let value = vec![b'x'; bytes];
    let headers = vec![("x-alias", &value[..]); count];
    Fields::from_list(&headers).map_err(refused)?;
    Ok(credential("evil", "the headers were taken"))
}

fn refused(error: HeaderError) -> Error {
    Error::Other(format!("the header was refused: {error:?}"))
}
