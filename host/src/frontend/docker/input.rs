//! The standard input, read as the reference reads it: by Go's `bufio.Scanner`, line by line, with nothing left between
//! the lines.

use std::io::{self, BufRead, BufReader, Read};

/// The buffer of Go's scanner (`bufio.MaxScanTokenSize`), into which a line has to fit together with its end.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The most that is read in all. The reference has no such bound: whoever feeds it short lines fills its memory. What a
/// client sends has a thousandth of it.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// Why the input was not read. Displayed, it is what the standard output says.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    /// The text of Go's scanner.
    #[error("bufio.Scanner: token too long")]
    LineTooLong,
    #[error("the input is longer than {MAX_INPUT_BYTES} bytes: send the registry's address alone")]
    TooLong,
    #[error("the standard input failed: {0}")]
    Stream(#[from] io::Error),
}

/// All lines of the input, put together.
pub(super) fn read_lines(input: &mut dyn Read) -> Result<Vec<u8>, InputError> {
    // One byte more tells an input that has an end from one that goes on.
    let mut input = BufReader::new(input.take(MAX_INPUT_BYTES + 1));
    let mut lines = Vec::new();
    let mut total = 0;
    loop {
        let begin = lines.len();
        let read = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut lines)? as u64;
        total += read;
        let has_end = lines.len() > begin && lines.ends_with(b"\n");
        if read == MAX_LINE_BYTES && !has_end {
            return Err(InputError::LineTooLong);
        }
        if total > MAX_INPUT_BYTES {
            return Err(InputError::TooLong);
        }
        if has_end {
            lines.pop();
        }
        // One carriage return belongs to the end of a line, whether the line feed is there or not.
        if lines.len() > begin && lines.ends_with(b"\r") {
            lines.pop();
        }
        if read == 0 {
            return Ok(lines);
        }
    }
}

/// Without the blanks around it, of which Unicode has more than ASCII.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.utf8_chunks().next().map_or(0, |first| first.valid().len() - first.valid().trim_start().len());
    let rest = &bytes[blanks..];
    let blanks = match rest.utf8_chunks().last() {
        Some(last) if last.invalid().is_empty() => last.valid().len() - last.valid().trim_end().len(),
        _ => 0,
    };
    &rest[..rest.len() - blanks]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<Vec<u8>, String> {
        read_lines(&mut &*input).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_put_together_without_their_ends() {
        for (input, lines) in [
            (&b""[..], &b""[..]),
            (b"r.example", b"r.example"),
            (b"r.exa\nmple\n", b"r.example"),
            (b"r.exa\r\nmple\r\n", b"r.example"),
            // One carriage return alone belongs to the end.
            (b"a\r\r\nb\r", b"a\rb"),
            (b"a\rb", b"a\rb"),
            (b"\n\n\n", b""),
        ] {
            assert_eq!(read(input).as_deref(), Ok(lines), "{input:?}");
        }
    }

    #[test]
    fn a_line_has_to_fit_into_the_buffer_of_go_together_with_its_end() {
        let too_long = Err("bufio.Scanner: token too long".to_owned());
        for (length, end, fits) in
            [(65_535, "", true), (65_535, "\nb", true), (65_534, "\r\nb", true), (65_536, "", false)]
        {
            let mut input = vec![b'a'; length];
            input.extend_from_slice(end.as_bytes());
            assert_eq!(read(&input).is_ok(), fits, "{length} {end:?}");
        }
        for end in ["", "\n", "\nb"] {
            let mut input = vec![b'a'; 65_536];
            input.extend_from_slice(end.as_bytes());
            assert_eq!(read(&input), too_long, "{end:?}");
        }
        let mut input = vec![b'a'; 65_535];
        input.extend_from_slice(b"\r\n");
        assert_eq!(read(&input), too_long);
    }

    #[test]
    fn input_without_an_end_is_refused_whatever_its_lines_are() {
        for byte in [b'x', b'\n'] {
            read_lines(&mut io::repeat(byte)).unwrap_err();
        }
        let lines = b"1234567\n".repeat(128 * 1024);
        assert_eq!(read(&lines).map(|lines| lines.len()), Ok(7 * 128 * 1024));
        assert_eq!(
            read(&[&lines[..], b"\n"].concat()),
            Err("the input is longer than 1048576 bytes: send the registry's address alone".to_owned())
        );
    }

    #[test]
    fn blanks_are_those_of_unicode_and_other_bytes_stay() {
        for (bytes, trimmed) in [
            (&b" \t\x0b\x0c r.example \r"[..], &b"r.example"[..]),
            ("\u{a0}\u{2003}\u{3000}a b\u{85}".as_bytes(), b"a b"),
            (b"\xa0a\x85", b"\xa0a\x85"),
            (b"\xff", b"\xff"),
            (b"  ", b""),
            (b"", b""),
        ] {
            assert_eq!(trim(bytes), trimmed, "{bytes:?}");
        }
    }
}
