//! The name server answers, or does not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use keyward_testbed::NameServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::client::is_pending;

const ID: u16 = 4711;

/// More addresses than fit in an answer over UDP.
const MANY: u8 = 200;

#[tokio::test]
async fn both_kinds_of_addresses_are_found() {
    let names = NameServer::start(|name, _| match name {
        "registry.test" => vec![ip("127.0.0.1"), ip("::1"), ip("127.0.0.2")],
        _ => Vec::new(),
    });
    let answer = ask_udp(&names, "registry.test.", RecordType::A).await;
    assert_eq!(addresses(&answer), [ip("127.0.0.1"), ip("127.0.0.2")]);
    assert!(answer.answers.iter().all(|record| record.ttl == 0));
    assert_eq!(addresses(&ask_udp(&names, "registry.test.", RecordType::AAAA).await), [ip("::1")]);
    assert_eq!(addresses(&ask_tcp(&names, "registry.test.", RecordType::AAAA).await), [ip("::1")]);

    assert_eq!(names.question_count(), 3);
    let expected = ["A", "AAAA", "AAAA"].map(|kind| ("registry.test".to_owned(), kind.to_owned()));
    assert_eq!(names.questions(), expected);
}

#[tokio::test]
async fn a_name_without_addresses_of_a_kind_is_answered_without_any() {
    let names = NameServer::start(|_, _| vec![ip("127.0.0.1")]);
    for kind in [RecordType::AAAA, RecordType::TXT] {
        let answer = ask_udp(&names, "registry.test.", kind).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty());
    }
}

#[tokio::test]
async fn questions_are_numbered_by_name_and_type() {
    let names = NameServer::start(|name, number| {
        let number = u8::try_from(number).unwrap();
        let name = u8::try_from(name.len()).unwrap();
        vec![Ipv4Addr::new(127, 0, name, number).into(), Ipv4Addr::new(127, 0, name, number).to_ipv6_mapped().into()]
    });
    for number in 0..3 {
        let answer = ask_udp(&names, "a.test.", RecordType::A).await;
        assert_eq!(addresses(&answer), [Ipv4Addr::new(127, 0, 6, number)]);
        let answer = ask_udp(&names, "A.Test.", RecordType::AAAA).await;
        assert_eq!(addresses(&answer), [Ipv4Addr::new(127, 0, 6, number).to_ipv6_mapped()]);
        // The name is given back as it was asked for.
        assert_eq!(answer.queries[0].name.to_ascii(), "A.Test.");
    }
    let answer = ask_udp(&names, "other.test.", RecordType::A).await;
    assert_eq!(addresses(&answer), [Ipv4Addr::new(127, 0, 10, 0)]);
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_udp_is_whole_over_tcp() {
    let names = NameServer::start(|_, _| (0..MANY).map(|last| Ipv4Addr::new(127, 0, 0, last).into()).collect());
    let answer = ask_udp(&names, "registry.test.", RecordType::A).await;
    assert!(answer.metadata.truncation && answer.answers.is_empty());
    let answer = ask_tcp(&names, "registry.test.", RecordType::A).await;
    assert!(!answer.metadata.truncation);
    assert_eq!(answer.answers.len(), usize::from(MANY));
}

#[tokio::test]
async fn a_silent_server_counts_questions_and_answers_none() {
    let names = NameServer::silent();
    assert!(is_pending(ask_udp(&names, "registry.test.", RecordType::A)).await);
    assert!(is_pending(ask_tcp(&names, "registry.test.", RecordType::A)).await);
    names.wait_until_async("both questions are counted", |names| names.question_count() == 2).await;
    assert!(names.questions().is_empty());
}

#[tokio::test]
async fn questions_for_ipv6_can_stay_without_an_answer() {
    let names = NameServer::without_answers_for_ipv6(|_, _| vec![ip("127.0.0.1"), ip("::1")]);
    assert!(is_pending(ask_udp(&names, "registry.test.", RecordType::AAAA)).await);
    assert!(is_pending(ask_tcp(&names, "registry.test.", RecordType::AAAA)).await);
    assert_eq!(addresses(&ask_udp(&names, "registry.test.", RecordType::A).await).len(), 1);
    assert_eq!(names.question_count(), 3);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_silent_server_can_be_at_a_given_address() {
    let somewhere = NameServer::silent();
    let address: SocketAddr = (Ipv4Addr::new(127, 0, 0, 9), somewhere.address().port()).into();
    let names = NameServer::silent_at(address);
    assert_eq!(names.address(), address);
    assert!(is_pending(ask_udp(&names, "registry.test.", RecordType::A)).await);
    names.wait_until_async("the question is counted", |names| names.question_count() == 1).await;
    assert_eq!(somewhere.question_count(), 0);
}

#[tokio::test]
async fn an_address_can_be_used_again_once_the_server_is_dropped() {
    let first = NameServer::silent();
    let address = first.address();
    // A connection that the server closes first is what the system remembers for a while.
    let stream = TcpStream::connect(address).await.unwrap();
    drop(first);
    drop(stream);
    drop(NameServer::silent_at(address));
    assert!(TcpStream::connect(address).await.is_err());
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(ID, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.to_vec().unwrap()
}

fn read(answer: &[u8]) -> Message {
    let answer = Message::from_vec(answer).unwrap();
    assert_eq!(answer.metadata.id, ID);
    assert_eq!(answer.metadata.message_type, MessageType::Response);
    answer
}

fn addresses(answer: &Message) -> Vec<IpAddr> {
    let records = answer.answers.iter().map(|record| &record.data);
    records
        .map(|data| match data {
            RData::A(address) => address.0.into(),
            RData::AAAA(address) => address.0.into(),
            other => panic!("not an address: {other:?}"),
        })
        .collect()
}

async fn ask_udp(names: &NameServer, name: &str, kind: RecordType) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question(name, kind), names.address()).await.unwrap();
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).await.unwrap();
    read(&answer[..length])
}

async fn ask_tcp(names: &NameServer, name: &str, kind: RecordType) -> Message {
    let mut stream = TcpStream::connect(names.address()).await.unwrap();
    let question = question(name, kind);
    stream.write_u16(question.len().try_into().unwrap()).await.unwrap();
    stream.write_all(&question).await.unwrap();
    let mut answer = vec![0; stream.read_u16().await.unwrap().into()];
    stream.read_exact(&mut answer).await.unwrap();
    read(&answer)
}
