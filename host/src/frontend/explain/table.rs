//! Names and texts beside each other, in lines of a bounded width.

use super::MAX_LINES;

/// How wide the lines are at most, and the names.
const WIDTH: usize = 100;
const NAMES: usize = 10;

#[derive(Default)]
pub(super) struct Table(String);

impl Table {
    /// A text beside a name, on as many lines as it takes, but for a long one: that is cut off.
    pub(super) fn row(&mut self, name: &str, text: &str) {
        let mut lines = wrapped(text, WIDTH - NAMES);
        if lines.len() > MAX_LINES {
            lines.truncate(MAX_LINES);
            let last: &mut String = &mut lines[MAX_LINES - 1];
            *last = last.chars().take(WIDTH - NAMES - 1).chain(['…']).collect();
        }
        for (index, line) in lines.iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            self.0.push_str(format!("{name:NAMES$}{line}").trim_end());
            self.0.push('\n');
        }
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// The lines of a text, without what a terminal would obey. A word that is too long for a line is cut in pieces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let text: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let line = lines.last_mut().expect("there is one from the begin");
            let used = line.chars().count();
            let space = usize::from(used > 0);
            let piece = if used + space + rest.len() <= width {
                rest.len()
            } else if used == 0 {
                width
            } else {
                lines.push(String::new());
                continue;
            };
            line.extend(std::iter::repeat_n(' ', space).chain(rest.drain(..piece)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("a 123456789 b", 4), ["a", "1234", "5678", "9 b"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("a\x1b[2Jb\tc", 80), ["a [2Jb c"]);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_off() {
        let mut table = Table::default();
        table.row("name", &"word ".repeat(500));
        let text = table.text();
        assert_eq!(text.lines().count(), MAX_LINES);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH) && text.trim_end().ends_with('…'));
    }
}
