//! The XML that STS answers with, and that other services have for errors: elements and text.
//!
//! It is read strictly (<https://www.w3.org/TR/xml/>): what is not well-formed, and what AWS does not send (document types, processing
//! instructions, deep nesting), is no document. Attributes are passed over, and names keep no prefix.

use crate::wiped::Wiped;

/// How deep elements may be nested. STS nests four deep.
const MAX_DEPTH: usize = 16;

/// An element. The text may be a secret.
pub struct Element<'a> {
    name: &'a str,
    text: Wiped<String>,
    children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// The root of a document, or `None` where a text is none.
    pub fn parse(document: &'a str) -> Option<Self> {
        let mut reader = Reader { rest: document.trim_start() };
        if reader.rest.starts_with("<?xml") {
            reader.until("?>")?;
        }
        reader.skip_comments()?;
        reader.eat("<")?;
        let root = reader.element(0)?;
        reader.skip_comments()?;
        reader.rest.is_empty().then_some(root)
    }

    /// The text of an element below this one, by the names on the way to it.
    pub fn at(&self, path: &[&str]) -> Option<&str> {
        let [name, rest @ ..] = path else { return Some(self.text.trim()) };
        self.children.iter().find(|child| child.name == *name)?.at(rest)
    }

    /// The text of the first element with this name, at whatever depth.
    pub fn first(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(self.text.trim());
        }
        self.children.iter().find_map(|child| child.first(name))
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// An element whose first bracket is behind us.
    fn element(&mut self, depth: usize) -> Option<Element<'a>> {
        let name = self.name()?;
        let mut element = Element { name: local(name), text: Wiped::default(), children: Vec::new() };
        if depth == MAX_DEPTH {
            return None;
        }
        if self.attributes()? {
            return Some(element);
        }
        loop {
            let text = self.rest.find('<')?;
            unescape(&self.rest[..text], &mut element.text)?;
            self.rest = &self.rest[text + 1..];
            if self.eat("/").is_some() {
                self.eat(name)?;
                self.skip_blank();
                self.eat(">")?;
                return Some(element);
            } else if self.eat("!--").is_some() {
                self.until("-->")?;
            } else if self.eat("![CDATA[").is_some() {
                element.text.push_str(self.until("]]>")?);
            } else {
                element.children.push(self.element(depth + 1)?);
            }
        }
    }

    /// Passes over the attributes of an element; whether it ends with them.
    fn attributes(&mut self) -> Option<bool> {
        loop {
            let had_blank = self.skip_blank();
            if self.eat("/>").is_some() {
                return Some(true);
            }
            if self.eat(">").is_some() {
                return Some(false);
            }
            if !had_blank {
                return None;
            }
            self.name()?;
            self.skip_blank();
            self.eat("=")?;
            self.skip_blank();
            let quote = ["\"", "'"].into_iter().find(|quote| self.eat(quote).is_some())?;
            if self.until(quote)?.contains('<') {
                return None;
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let is_end = |sign: char| !(sign.is_alphanumeric() || "_-.:".contains(sign));
        let (name, rest) = self.rest.split_at(self.rest.find(is_end)?);
        self.rest = rest;
        name.starts_with(|sign: char| sign.is_alphabetic() || sign == '_').then_some(name)
    }

    fn skip_comments(&mut self) -> Option<()> {
        self.skip_blank();
        while self.eat("<!--").is_some() {
            self.until("-->")?;
            self.skip_blank();
        }
        Some(())
    }

    fn skip_blank(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let had_blank = rest.len() < self.rest.len();
        self.rest = rest;
        had_blank
    }

    fn eat(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// What is before a text, which is passed over too.
    fn until(&mut self, text: &str) -> Option<&'a str> {
        let (before, rest) = self.rest.split_once(text)?;
        self.rest = rest;
        Some(before)
    }
}

/// A name without the prefix of its namespace.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Adds a text with what its references stand for.
fn unescape(text: &str, into: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        into.push_str(before);
        let (name, after) = reference.split_once(';')?;
        into.push(match name {
            "amp" => '&',
            "apos" => '\'',
            "gt" => '>',
            "lt" => '<',
            "quot" => '"',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        rest = after;
    }
    into.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_path_and_by_their_name() {
        let root = Element::parse(
            "<?xml version=\"1.0\"?>\n<!-- no -->\n<a:r xmlns:a='urn:x'>\n <b><c x = \"1>2\"/><d> t&amp;&lt;&#65;&#x42; </d></b>\n\
             <b><d>second</d></b><e><![CDATA[<raw>]]></e><!-- < --></a:r >\n",
        )
        .unwrap();
        assert_eq!(root.at(&["b", "d"]), Some("t&<AB"));
        assert_eq!(root.at(&["b", "c"]), Some(""));
        assert_eq!(root.first("d"), Some("t&<AB"));
        assert_eq!(root.first("e"), Some("<raw>"));
        assert_eq!(root.at(&["d"]), None);
        assert_eq!(root.first("missing"), None);
    }

    #[test]
    fn what_is_not_well_formed_is_no_document() {
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a><b></a></b>",
            "<a></a><b></b>",
            "<a>&unknown;</a>",
            "<a>&amp</a>",
            "<a>&#xD800;</a>",
            "<a x></a>",
            "<a x=1></a>",
            "<a x='<'></a>",
            "<a x='1'y='2'></a>",
            "<1></1>",
            "<!DOCTYPE a><a></a>",
            "<a><!-- </a>",
            "<a><![CDATA[</a>",
            "<a><?pi?></a>",
        ] {
            assert!(Element::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_no_document() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(Element::parse(&nested(MAX_DEPTH)).is_some());
        assert!(Element::parse(&nested(100_000)).is_none());
    }
}
