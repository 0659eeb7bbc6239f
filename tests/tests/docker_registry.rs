//! The real registry: whom it lets in, and that nothing of it stays.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_testbed::DockerRegistry;

#[test]
fn it_takes_its_password_and_no_other_one_and_after_a_change_the_new_one_alone() {
    let registry = DockerRegistry::start("AWS", "first:one");
    let status = |password| status(registry.address(), Some(("AWS", password)));
    assert_eq!(self::status(registry.address(), None), 401);
    assert_eq!([status("first:one"), status("second")], [200, 401]);
    registry.set_password("AWS", "second");
    assert_eq!([status("first:one"), status("second")], [401, 200]);
}

#[test]
fn it_ends_with_its_value() {
    let registry = DockerRegistry::start("AWS", "password");
    let address = registry.address();
    assert!(TcpStream::connect(address).is_ok());
    drop(registry);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn its_debug_form_has_no_password() {
    assert!(!format!("{:?}", DockerRegistry::start("AWS", "hunter2")).contains("hunter2"));
}

/// How a registry answers who asks whether it is one.
fn status(registry: SocketAddr, login: Option<(&str, &str)>) -> u16 {
    let mut stream = TcpStream::connect(registry).unwrap();
    let authorization = login.map_or_else(String::new, |(user, password)| {
        format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
    });
    let request = format!("GET /v2/ HTTP/1.1\r\nHost: {registry}\r\n{authorization}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer}"))
}
