//! docker's configuration as a text that is changed in places: the order of its members and what each of them says stay as
//! they were written, and it is laid out as docker lays it out, or as its author did.

use std::collections::BTreeMap;

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
        // The reader takes only what is known to be JSON.
        serde_json::from_str::<Value>(text)?;
        let Node::Object(members) = Reader { rest: text }.node() else {
            return Err(DocumentError::Root);
        };
        // What docker does not read either: it would be lost on the next change. Null is as good as nothing.
        let is_texts = |node: &Node| match node {
            Node::Object(members) => members.iter().all(|(_, node)| node.text().is_some()),
            node => node.is_null(),
        };
        if !members.iter().filter(|member| is_field(member, CRED_HELPERS)).all(|(_, node)| is_texts(node)) {
            return Err(DocumentError::Helpers);
        }
        let is_text = |node: &Node| node.is_null() || node.text().is_some();
        if !members.iter().filter(|member| is_field(member, CREDS_STORE)).all(|(_, node)| is_text(node)) {
            return Err(DocumentError::Store);
        }
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
        self.object(AUTHS).into_keys().collect()
    }

    /// The hosts that have a helper of their own, with its name.
    pub(super) fn helpers(&self) -> Vec<(String, String)> {
        self.object(CRED_HELPERS).into_iter().filter_map(|(host, node)| Some((host, node.text()?))).collect()
    }

    /// The helper that is asked for every other registry.
    pub(super) fn creds_store(&self) -> Option<String> {
        let texts = self.members.iter().filter(|member| is_field(member, CREDS_STORE));
        texts.rev().find_map(|(_, node)| node.text()).filter(|store| !store.is_empty())
    }

    /// Whether that is new.
    pub(super) fn set_helper(&mut self, host: &str, helper: &str) -> bool {
        if self.object(CRED_HELPERS).get(host).and_then(|node| node.text()).as_deref() == Some(helper) {
            return false;
        }
        let node = place(&mut self.members, CRED_HELPERS, is_field);
        if node.is_null() {
            *node = Node::Object(Vec::new());
        }
        if let Node::Object(members) = node {
            *place(members, host, is_key) = Node::Scalar(quoted(helper));
        }
        self.is_changed = true;
        true
    }

    /// Whether that is new.
    pub(super) fn set_creds_store(&mut self, helper: &str) -> bool {
        if self.creds_store().as_deref() == Some(helper) {
            return false;
        }
        *place(&mut self.members, CREDS_STORE, is_field) = Node::Scalar(quoted(helper));
        self.is_changed = true;
        true
    }

    /// Removes the entry that a host has of a helper, and the object where it was the last.
    pub(super) fn remove_helper(&mut self, host: &str, helper: &str) {
        self.members.retain_mut(|member| {
            let is_meant = is_field(member, CRED_HELPERS);
            match &mut member.1 {
                Node::Object(members) if is_meant => {
                    members.retain(|member| !is_key(member, host) || member.1.text().as_deref() != Some(helper));
                    !members.is_empty()
                }
                _ => true,
            }
        });
        self.is_changed = true;
    }

    /// Removes a helper from being asked for every other registry.
    pub(super) fn remove_creds_store(&mut self, helper: &str) {
        self.members.retain(|member| !is_field(member, CREDS_STORE) || member.1.text().as_deref() != Some(helper));
        self.is_changed = true;
    }

    /// The file as it would be.
    pub(super) fn text(&self) -> String {
        self.written(|_, scalar| scalar.to_owned())
    }

    /// The file as it would be, for other eyes: of texts, those of the helpers alone. Logins, headers and proxies may hold
    /// secrets, and who knows what else does.
    pub(super) fn redacted(&self) -> String {
        let is_shown = |member: &str| [CREDS_STORE, CRED_HELPERS].iter().any(|name| name.eq_ignore_ascii_case(member));
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

    /// What docker reads of a field that is an object. Where there are several of the name, they are put together, and null takes
    /// back what was said before.
    fn object(&self, field: &str) -> BTreeMap<String, &Node> {
        let mut object = BTreeMap::new();
        for (_, node) in self.members.iter().filter(|member| is_field(member, field)) {
            match node {
                Node::Object(members) => object.extend(members.iter().map(|(name, node)| (unquoted(name), node))),
                _ => object.clear(),
            }
        }
        object
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

    fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(raw) if raw == "null")
    }
}

/// Whether a member is this field of docker's configuration. docker reads it with Go's encoding/json, which knows a field in any case;
/// of several, the last counts.
fn is_field((name, _): &Member, field: &str) -> bool {
    unquoted(name).eq_ignore_ascii_case(field)
}

/// Whether a member of an object has this name.
fn is_key((name, _): &Member, key: &str) -> bool {
    unquoted(name) == key
}

/// The value of the last member of a name, which is made where it is missing.
fn place<'a>(members: &'a mut Vec<Member>, name: &str, is_meant: impl Fn(&Member, &str) -> bool) -> &'a mut Node {
    let index = members.iter().rposition(|member| is_meant(member, name)).unwrap_or_else(|| {
        members.push((quoted(name), Node::Scalar("null".to_owned())));
        members.len() - 1
    });
    &mut members[index].1
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
