//! The names and values of a query or of a form.

use std::collections::BTreeMap;

/// The fields of a text such as `name=value&other=value`, decoded.
///
/// # Errors
///
/// Where a field is there twice, or nothing that can be decoded.
pub fn fields(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut fields = BTreeMap::new();
    for field in text.split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = decoded(name)?;
        if fields.insert(name.clone(), decoded(value)?).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(fields)
}

fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or("a percent sign without its digits")?;
                let digits = std::str::from_utf8(digits).map_err(|error| error.to_string())?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|error| format!("%{digits}: {error}"))?);
                rest = after;
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_their_order_does_not_matter() {
        assert_eq!(fields("a=1%2F2&b=x+y%C3%A9").unwrap(), fields("b=x%20y%c3%a9&a=1/2").unwrap());
        assert_eq!(fields("").unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_field_that_is_there_twice_or_cannot_be_decoded_is_an_error() {
        for text in ["a=1&a=1", "a=%", "a=%f", "a=%zz", "a=%ff"] {
            fields(text).expect_err(text);
        }
    }
}
