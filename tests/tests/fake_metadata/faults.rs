//! What goes wrong on the way: scripted answers, the hop limit, connections, and the end.

use std::net::Ipv4Addr;
use std::time::Duration;

use keyward_testbed::{Answer, ContainerCredentials, FakeMetadata};

use crate::client::{LIFETIME_HEADER, ROLES, TOKEN, connect, keys, request, send, token, try_send};

#[tokio::test]
async fn a_scripted_error_comes_once_and_the_real_answer_after_it() {
    let fake = FakeMetadata::start();
    fake.answer_next(error(503));
    assert_eq!(send(&fake, "PUT", TOKEN, &[(LIFETIME_HEADER, "60")]).await.status, 503);
    assert_eq!(send(&fake, "PUT", TOKEN, &[(LIFETIME_HEADER, "60")]).await.status, 200);
}

#[tokio::test]
async fn answers_can_be_scripted_by_path() {
    let fake = FakeMetadata::start();
    fake.set_container_credentials(ContainerCredentials::new("/v1/credentials", keys()));
    fake.answer_where(|request| request.method == "PUT", error(403));
    fake.answer_where(|request| request.path == ROLES, Answer::DropConnection);
    fake.answer_where(
        |request| request.path == "/v1/credentials",
        Answer::Delayed(Duration::from_millis(1), Box::new(Answer::Token)),
    );
    assert_eq!(send(&fake, "PUT", TOKEN, &[(LIFETIME_HEADER, "60")]).await.status, 403);
    assert!(try_send(&fake, "GET", ROLES, &[]).await.is_err());
    assert_eq!(send(&fake, "GET", "/v1/credentials", &[("accept", "application/json")]).await.status, 200);
}

#[tokio::test]
async fn at_the_hop_limit_a_request_for_a_session_token_arrives_and_is_not_answered() {
    let fake = FakeMetadata::start();
    fake.set_hop_limit_reached(true);
    let mut client = connect(&fake).await;
    let sending = client.send_request(request("PUT", TOKEN, &[(LIFETIME_HEADER, "60")]));
    let seen = fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1);
    tokio::select! {
        biased;
        () = seen => {}
        response = sending => panic!("it was answered: {response:?}"),
    }
    assert_eq!(fake.requests()[0].refusal.as_deref(), Some("(no answer): the hop limit is reached"));
    assert_eq!(fake.connections_open(), 1);
    drop(client);
    fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == 0).await;

    assert_eq!(send(&fake, "GET", ROLES, &[]).await.status, 401);
    fake.set_hop_limit_reached(false);
    token(&fake).await;
}

#[tokio::test]
async fn silence_is_ended_by_dropping_the_fake() {
    let fake = FakeMetadata::start();
    fake.answer_always(Answer::Silence);
    let address = fake.address();
    let mut client = connect(&fake).await;
    let sending = client.send_request(request("GET", ROLES, &[]));
    let dropping = async {
        fake.wait_until_async("the request is there", |fake| fake.requests().len() == 1).await;
        drop(fake);
    };
    let (response, ()) = tokio::join!(sending, dropping);
    assert!(response.is_err());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn idle_connections_are_closed_when_a_test_says_so() {
    let fake = FakeMetadata::start();
    let mut client = connect(&fake).await;
    let reply = client.send_request(request("PUT", TOKEN, &[(LIFETIME_HEADER, "60")])).await.unwrap();
    assert_eq!((reply.status(), fake.connections_open()), (hyper::StatusCode::OK, 1));
    fake.close_connections();
    fake.wait_until_async("the connection is closed", |fake| fake.connections_open() == 0).await;
}

#[tokio::test]
async fn it_listens_where_a_test_says() {
    let address = Ipv4Addr::new(127, 0, 0, 9);
    let fake = FakeMetadata::start_at((address, 0).into());
    assert_eq!(fake.address().ip(), address);
    assert_eq!(fake.url(), format!("http://{address}:{}", fake.address().port()));
    token(&fake).await;
}

#[tokio::test]
async fn its_debug_output_tells_what_it_is_and_no_secret() {
    let fake = FakeMetadata::start();
    let credentials = ContainerCredentials::new("/v1/credentials", keys()).with_authorization("hidden");
    fake.set_container_credentials(credentials);
    let headers = [("accept", "application/json"), ("authorization", "hidden")];
    assert_eq!(send(&fake, "GET", "/v1/credentials", &headers).await.status, 200);
    let shown = format!("{fake:?} {:?}", fake.requests());
    assert!(shown.starts_with("FakeMetadata {") && shown.contains("/v1/credentials"), "{shown}");
    assert!(!shown.contains("hidden") && !shown.contains("metadata-se"), "{shown}");
}

fn error(status: u16) -> Answer {
    Answer::Raw { status, headers: Vec::new(), body: Vec::new() }
}
