use super::*;

/// What docker writes, with values that a careless program would change.
const DOCKERS: &str = "{
\t\"auths\": {
\t\t\"https://index.docker.io/v1/\": {
\t\t\t\"auth\": \"aHVudGVyMg==\"
\t\t}
\t},
\t\"HttpHeaders\": {
\t\t\"X-Token\": \"hunt\\\"er2\\u00e9\\/\"
\t},
\t\"psFormat\": \"table {{.ID}}\\t, [x]\",
\t\"credHelpers\": {
\t\t\"z.example\": \"pass\",
\t\t\"a.example\": \"keyward\"
\t},
\t\"numbers\": [
\t\t1.0,
\t\t1e2,
\t\t123456789012345678901234567890,
\t\t-0,
\t\ttrue,
\t\tnull
\t],
\t\"empty\": {},
\t\"none\": []
}";

fn document(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_nobody_changes_stays_as_it_was_written() {
    for text in [DOCKERS, &DOCKERS.replace('\t', "  "), &format!("{DOCKERS}\n"), "{}"] {
        let document = document(text);
        assert_eq!(document.text(), text);
        assert!(!document.is_changed());
    }
}

#[test]
fn an_entry_is_added_behind_the_others_and_once() {
    let mut document = document(DOCKERS);
    assert!(document.set_helper("m.example", "keyward"));
    assert!(document.is_changed());
    assert!(!document.set_helper("m.example", "keyward"));
    let before = "\"a.example\": \"keyward\"";
    assert_eq!(document.text(), DOCKERS.replace(before, &format!("{before},\n\t\t\"m.example\": \"keyward\"")));
}

#[test]
fn an_entry_that_is_there_already_changes_nothing() {
    let mut document = document(DOCKERS);
    assert!(!document.set_helper("a.example", "keyward"));
    assert!(!document.is_changed());
}

#[test]
fn an_entry_of_another_helper_is_replaced_where_it_stands() {
    let mut document = document(DOCKERS);
    assert!(document.set_helper("z.example", "keyward"));
    assert_eq!(document.text(), DOCKERS.replace("\"pass\"", "\"keyward\""));
}

#[test]
fn in_an_empty_file_the_object_is_made() {
    for text in ["", " \n", "{}", "{\"credHelpers\":null}"] {
        let mut document = document(text);
        document.set_helper("r.example", "keyward");
        assert_eq!(document.text(), "{\n\t\"credHelpers\": {\n\t\t\"r.example\": \"keyward\"\n\t}\n}", "{text:?}");
    }
}

#[test]
fn removing_the_last_entry_removes_the_object() {
    let mut document =
        document("{\"a\": 1, \"credHelpers\": {\"r.example\": \"keyward\"}, \"credsStore\": \"keyward\"}");
    document.remove_helper("r.example");
    document.remove_creds_store();
    assert!(document.is_changed());
    assert_eq!(document.text(), "{\n\t\"a\": 1\n}");
}

#[test]
fn removing_what_was_added_gives_the_file_back() {
    let mut document = document(DOCKERS);
    document.set_helper("m.example", "keyward");
    document.set_creds_store("keyward");
    assert_eq!(document.creds_store().as_deref(), Some("keyward"));
    document.remove_helper("m.example");
    document.remove_creds_store();
    assert_eq!(document.text(), DOCKERS);
}

#[test]
fn what_the_file_names_is_found_however_it_is_escaped() {
    let document = document(r#"{"\u0061uths": {"r\u002eexample": {}}, "credHelpers": {"\u0072": "k\u0065y"}}"#);
    assert_eq!(document.logins(), ["r.example"]);
    assert_eq!(document.helpers(), [("r".to_owned(), "key".to_owned())]);
}

#[test]
fn other_eyes_see_no_text_but_the_names_of_helpers() {
    let mut document = document(DOCKERS);
    document.set_creds_store("keyward");
    let redacted = document.redacted();
    for shown in
        ["\"z.example\": \"pass\"", "\"credsStore\": \"keyward\"", "https://index.docker.io/v1/", "\"auth\": \"…\""]
    {
        assert!(redacted.contains(shown), "{redacted}");
    }
    for hidden in ["aHVudGVyMg", "hunt", "table"] {
        assert!(!redacted.contains(hidden), "{redacted}");
    }
}

#[test]
fn a_damaged_file_is_an_error_with_its_line() {
    for (text, said) in [
        ("{\n\"auths\": {}\n\"a\": 1}", "line 3"),
        ("{\n\t\"auths\": {", "line 2"),
        ("{} x", "line 1"),
        ("[]", "no object"),
        ("{\"credHelpers\": {\"a\": 1}}", "credHelpers is no object of texts"),
        ("{\"credHelpers\": []}", "credHelpers is no object of texts"),
        ("{\"credsStore\": {}}", "credsStore is no text"),
    ] {
        let Err(error) = Document::parse(text) else { panic!("understood: {text}") };
        assert!(error.to_string().contains(said), "{error}: {text}");
    }
}
