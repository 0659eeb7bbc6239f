//! Requests as the signature vectors write them: HTTP/1.1, with some liberties.

/// A request, taken apart and otherwise as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawRequest {
    /// The method.
    pub(crate) method: String,
    /// The path, which may have blanks and letters beyond ASCII in it.
    pub(crate) path: String,
    /// The query without its question mark, empty for none.
    pub(crate) query: String,
    /// The headers in their order, with the white space of their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, empty for none.
    pub(crate) body: String,
}

impl RawRequest {
    /// Reads a request.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let request_line = lines.next().unwrap_or_default();
        // The target may have blanks in it, so it is what stands between the first one and the last.
        let target = request_line.split_once(' ').and_then(|(method, rest)| {
            let (target, version) = rest.rsplit_once(' ')?;
            (version == "HTTP/1.1").then_some((method, target))
        });
        let (method, target) = target.ok_or_else(|| format!("not a request: {request_line:?}"))?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: body.to_owned(),
        };
        for line in lines {
            request.add_header_line(line)?;
        }
        Ok(request)
    }

    /// The headers as a set, in the one form of each: the name in lower case, the value with single blanks.
    pub(crate) fn header_set(&self) -> Vec<(String, String)> {
        header_set(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The query's parameters as a set, encoded as they stand.
    pub(crate) fn parameter_set(&self) -> Vec<&str> {
        parameter_set(&self.query)
    }

    fn add_header_line(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with([' ', '\t']) {
            let (_, value) = self.headers.last_mut().ok_or_else(|| format!("nothing to continue: {line:?}"))?;
            value.push('\n');
            value.push_str(line);
        } else {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("not a header: {line:?}"))?;
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }
}

/// Headers as [`RawRequest::header_set`] has them.
pub(crate) fn header_set<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut set: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    set.sort();
    set
}

/// The parameters of a query as [`RawRequest::parameter_set`] has them.
pub(crate) fn parameter_set(query: &str) -> Vec<&str> {
    let mut set: Vec<&str> = query.split('&').filter(|parameter| !parameter.is_empty()).collect();
    set.sort_unstable();
    set
}
