//! What AWS writes in XML.

/// The namespace of STS.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The answer to an action of STS. `result` is XML.
pub(crate) fn response(action: &str, result: &str, request_id: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\">\n  <{action}Result>{result}</{action}Result>\n  \
         <ResponseMetadata>{}</ResponseMetadata>\n</{action}Response>\n",
        element("RequestId", request_id),
    )
}

/// An error of STS. None of them is the service's own fault.
pub(crate) fn error(code: &str, message: &str, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    {}\n    {}\n  </Error>\n  \
         {}\n</ErrorResponse>\n",
        element("Code", code),
        element("Message", message),
        element("RequestId", request_id),
    )
}

/// A page of the instance metadata service that tells an error.
pub(crate) fn page(status: u16, reason: &str) -> String {
    let title = format!("{status} - {reason}");
    format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
         <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
         <head>\n  {}\n </head>\n <body>\n  {}\n </body>\n</html>\n",
        element("title", &title),
        element("h1", &title),
    )
}

/// An element that holds text.
pub(crate) fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(element("Code", "a<b>&c"), "<Code>a&lt;b&gt;&amp;c</Code>");
    }
}
