//! docker's configuration as a text that is changed in places: the order of its members and what each of them says stay as
//! they were written, and it is laid out as docker lays it out, or as its author did.

use serde_json::Value;

/// Why a text is no configuration of docker's.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// With the line and the column; nothing of the file is quoted.
    #[error("it is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("it is no object")]
    Root,
    #[error("credHelpers is no object of texts")]
    Helpers,
    #[error("credsStore is no text")]
    Store,
}

/// The configuration.
pub(super) struct Document {
    members: Vec<Member>,
    indentation: String,
    end: &'static str,
    is_changed: bool,
}

const AUTHS: &str = "auths";
const CREDS_STORE: &str = "credsStore";
const CRED_HELPERS: &str = "credHelpers";

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        // docker takes an empty file for one that says nothing.
        let text = if text.trim_ascii().is_empty() { "{}" } else { text };
        let value: Value = serde_json::from_str(text)?;
        let is_texts = |value: &Value| value.as_object().is_some_and(|texts| texts.values().all(Value::is_string));
        if !value.is_object() {
            return Err(DocumentError::Root);
        }
        // What docker does not read either: it would be lost on the next change. Null is as good as nothing.
        if value.get(CRED_HELPERS).is_some_and(|value| !value.is_null() && !is_texts(value)) {
            return Err(DocumentError::Helpers);
        }
        if value.get(CREDS_STORE).is_some_and(|value| !value.is_null() && !value.is_string()) {
            return Err(DocumentError::Store);
        }
        let Node::Object(members) = Reader { rest: text }.node() else {
            return Err(DocumentError::Root);
        };
        Ok(Self {
            members,
            indentation: indentation(text).to_owned(),
            end: if text.ends_with('\n') { "\n" } else { "" },
            is_changed: false,
        })
    }

    /// Whether it says something else than the file.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The addresses of registries that somebody has logged in to.
    pub(super) fn logins(&self) -> Vec<String> {
        self.object(AUTHS).iter().map(|(name, _)| unquoted(name)).collect()
    }

    /// The hosts that have a helper of their own, with its name.
    pub(super) fn helpers(&self) -> Vec<(String, String)> {
        let members = self.object(CRED_HELPERS).iter();
        members.filter_map(|(name, value)| Some((unquoted(name), value.text()?))).collect()
    }

    /// The helper that is asked for every other registry.
    pub(super) fn creds_store(&self) -> Option<String> {
        self.members.iter().rev().find(|(name, _)| unquoted(name) == CREDS_STORE)?.1.text()
    }

    /// Whether that is new.
    pub(super) fn set_helper(&mut self, host: &str, helper: &str) -> bool {
        let members = match place(&mut self.members, CRED_HELPERS) {
            Node::Object(members) => members,
            null => {
                *null = Node::Object(Vec::new());
                let Node::Object(members) = null else { return false };
                members
            }
        };
        let is_new = set_text(members, host, helper);
        self.is_changed |= is_new;
        is_new
    }

    /// Whether that is new.
    pub(super) fn set_creds_store(&mut self, helper: &str) -> bool {
        let is_new = set_text(&mut self.members, CREDS_STORE, helper);
        self.is_changed |= is_new;
        is_new
    }

    /// Removes the entry of a host, and the object where it was the last.
    pub(super) fn remove_helper(&mut self, host: &str) {
        for (_, node) in self.members.iter_mut().filter(|(name, _)| unquoted(name) == CRED_HELPERS) {
            if let Node::Object(members) = node {
                members.retain(|(name, _)| unquoted(name) != host);
            }
        }
        let is_empty = |node: &Node| matches!(node, Node::Object(members) if members.is_empty());
        self.members.retain(|(name, node)| unquoted(name) != CRED_HELPERS || !is_empty(node));
        self.is_changed = true;
    }

    pub(super) fn remove_creds_store(&mut self) {
        self.members.retain(|(name, _)| unquoted(name) != CREDS_STORE);
        self.is_changed = true;
    }

    /// The file as it would be.
    pub(super) fn text(&self) -> String {
        self.written(|_, scalar| scalar.to_owned())
    }

    /// The file as it would be, for other eyes: of texts, those of the helpers alone. Logins, headers and proxies may hold
    /// secrets, and who knows what else does.
    pub(super) fn redacted(&self) -> String {
        let is_shown = |member: &str| member == CREDS_STORE || member == CRED_HELPERS;
        self.written(|member, scalar| {
            if scalar.starts_with('"') && !is_shown(member) { "\"…\"".to_owned() } else { scalar.to_owned() }
        })
    }

    /// With what a scalar is written as, by the member of the file that it is part of.
    fn written(&self, scalar: impl Fn(&str, &str) -> String) -> String {
        let mut text = String::from("{");
        for (index, (name, node)) in self.members.iter().enumerate() {
            let member = unquoted(name);
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&self.indentation);
            text.push_str(name);
            text.push_str(": ");
            self.write(&mut text, node, 1, &|text| scalar(&member, text));
        }
        text.push_str(if self.members.is_empty() { "}" } else { "\n}" });
        text.push_str(self.end);
        text
    }

    fn write(&self, text: &mut String, node: &Node, depth: usize, scalar: &dyn Fn(&str) -> String) {
        let (brackets, items): (_, Vec<(Option<&String>, &Node)>) = match node {
            Node::Scalar(raw) => return text.push_str(&scalar(raw)),
            Node::Object(members) => (["{", "}"], members.iter().map(|(name, node)| (Some(name), node)).collect()),
            Node::Array(nodes) => (["[", "]"], nodes.iter().map(|node| (None, node)).collect()),
        };
        text.push_str(brackets[0]);
        for (index, (name, node)) in items.iter().enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&self.indentation.repeat(depth + 1));
            if let Some(name) = name {
                text.push_str(name);
                text.push_str(": ");
            }
            self.write(text, node, depth + 1, scalar);
        }
        if !items.is_empty() {
            text.push('\n');
            text.push_str(&self.indentation.repeat(depth));
        }
        text.push_str(brackets[1]);
    }

    /// The members of one that is an object.
    fn object(&self, member: &str) -> &[Member] {
        match self.members.iter().rev().find(|(name, _)| unquoted(name) == member) {
            Some((_, Node::Object(members))) => members,
            _ => &[],
        }
    }
}

/// A value. Names and scalars are kept as they were written.
enum Node {
    Array(Vec<Node>),
    Object(Vec<Member>),
    Scalar(String),
}

type Member = (String, Node);

impl Node {
    fn text(&self) -> Option<String> {
        match self {
            Self::Scalar(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }
}

/// The value of a member, which is made where it is missing.
fn place<'a>(members: &'a mut Vec<Member>, member: &str) -> &'a mut Node {
    let index = members.iter().rposition(|(name, _)| unquoted(name) == member).unwrap_or_else(|| {
        members.push((quoted(member), Node::Scalar("null".to_owned())));
        members.len() - 1
    });
    &mut members[index].1
}

fn set_text(members: &mut Vec<Member>, member: &str, text: &str) -> bool {
    let node = place(members, member);
    let is_new = node.text().as_deref() != Some(text);
    if is_new {
        *node = Node::Scalar(quoted(text));
    }
    is_new
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn unquoted(raw: &str) -> String {
    serde_json::from_str(raw).unwrap_or_default()
}

/// What the first member stands behind on its line; docker writes tabs.
fn indentation(text: &str) -> &str {
    let inner = text.trim_ascii_start().strip_prefix('{').unwrap_or_default();
    let blanks = &inner[..inner.len() - inner.trim_ascii_start().len()];
    match blanks.rsplit_once('\n') {
        Some((_, indentation)) if !indentation.is_empty() => indentation,
        _ => "\t",
    }
}

/// Takes a text apart that is known to be JSON.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn node(&mut self) -> Node {
        if self.takes('{') {
            let mut members = Vec::new();
            while !self.takes('}') {
                self.takes(',');
                let name = self.scalar();
                self.takes(':');
                members.push((name, self.node()));
            }
            Node::Object(members)
        } else if self.takes('[') {
            let mut nodes = Vec::new();
            while !self.takes(']') {
                self.takes(',');
                nodes.push(self.node());
            }
            Node::Array(nodes)
        } else {
            Node::Scalar(self.scalar())
        }
    }

    /// Whether this character comes next, which it is passed over then.
    fn takes(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A text with its quotation marks, a number, a truth value or null.
    fn scalar(&mut self) -> String {
        self.rest = self.rest.trim_ascii_start();
        let length = if self.rest.starts_with('"') {
            let mut is_escaped = false;
            let end = self.rest[1..].find(|character| {
                let is_end = character == '"' && !is_escaped;
                is_escaped = character == '\\' && !is_escaped;
                is_end
            });
            end.map_or(self.rest.len(), |end| end + 2)
        } else {
            self.rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(self.rest.len())
        };
        let (scalar, rest) = self.rest.split_at(length);
        self.rest = rest;
        scalar.to_owned()
    }
}

#[cfg(test)]
mod tests;
