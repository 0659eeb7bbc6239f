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
    document.remove_helper("r.example", "keyward");
    document.remove_creds_store("keyward");
    assert!(document.is_changed());
    assert_eq!(document.text(), "{\n\t\"a\": 1\n}");
}

#[test]
fn removing_what_was_added_gives_the_file_back() {
    let mut document = document(DOCKERS);
    document.set_helper("m.example", "keyward");
    document.set_creds_store("keyward");
    assert_eq!(document.creds_store().as_deref(), Some("keyward"));
    document.remove_helper("m.example", "keyward");
    document.remove_creds_store("keyward");
    assert_eq!(document.text(), DOCKERS);
}

#[test]
fn what_the_file_names_is_found_however_it_is_escaped() {
    let document = document(r#"{"\u0061uths": {"r\u002eexample": {}}, "credHelpers": {"\u0072": "k\u0065y"}}"#);
    assert_eq!(document.logins(), ["r.example"]);
    assert_eq!(document.helpers(), [("r".to_owned(), "key".to_owned())]);
}

/// docker reads its file with Go's encoding/json, which knows a field in any case, takes the last of several texts and puts objects
/// together.
#[test]
fn a_field_in_another_case_is_read_and_changed_as_docker_reads_it() {
    let text = r#"{"AUTHS": {"a": {}}, "auths": {"b": {}},
        "CredHelpers": {"r": "pass", "s": "pass"}, "credhelpers": {"r": "keyward"},
        "credsStore": "pass", "credsstore": "keyward", "CREDSSTORE": null}"#;
    let mut document = document(text);
    assert_eq!(document.logins(), ["a", "b"]);
    let entry = |host: &str, helper: &str| (host.to_owned(), helper.to_owned());
    assert_eq!(document.helpers(), [entry("r", "keyward"), entry("s", "pass")]);
    assert_eq!(document.creds_store().as_deref(), Some("keyward"));
    assert!(!document.set_helper("r", "keyward") && !document.set_creds_store("keyward") && !document.is_changed());

    assert!(document.set_helper("s", "keyward"));
    assert_eq!(document.helpers(), [entry("r", "keyward"), entry("s", "keyward")]);
    // What another helper had before is what docker reads again.
    document.remove_helper("s", "keyward");
    document.remove_helper("r", "keyward");
    document.remove_creds_store("keyward");
    assert_eq!(document.helpers(), [entry("r", "pass"), entry("s", "pass")]);
    assert_eq!(document.creds_store().as_deref(), Some("pass"));
    assert!(document.redacted().contains("\"CredHelpers\": {\n\t\t\"r\": \"pass\""), "{}", document.redacted());
}

#[test]
fn null_takes_back_the_entries_before_it_and_no_store() {
    let document = document(r#"{"credHelpers": {"r": "pass"}, "credHelpers": null, "credsStore": ""}"#);
    assert_eq!((document.helpers(), document.creds_store()), (Vec::new(), None));
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
        ("{\"CREDHELPERS\": []}", "credHelpers is no object of texts"),
        ("{\"credsStore\": 1, \"credsstore\": \"pass\"}", "credsStore is no text"),
    ] {
        let Err(error) = Document::parse(text) else { panic!("understood: {text}") };
        assert!(error.to_string().contains(said), "{error}: {text}");
    }
}
