//! A service made by hand on loopback.
#![allow(
    clippy::result_large_err,
    reason = "the WebSocket library's callback returns a whole response as its error"
)]
#![allow(dead_code, reason = "some of it is for one test, some for another")]

use bytes::Bytes;
use effusion_client::ServiceAddress;
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConnectSuccess, Message, ProtocolVersion, ResponseCode,
    ServiceId, SessionId,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;

/// A service that takes one connection after the other.
pub struct Service {
    listener: TcpListener,
}

impl Service {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub fn address(&self) -> ServiceAddress {
        ServiceAddress::new("127.0.0.1").port(self.listener.local_addr().unwrap().port())
    }

    pub async fn accept(&self) -> (Connection, ConnectRequest) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut query = String::new();
        let keep = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/diffusion");
            request.uri().query().unwrap().clone_into(&mut query);
            Ok(response)
        };
        let socket = accept_hdr_async(stream, keep).await.unwrap();
        (
            Connection(socket),
            ConnectRequest::from_query(&query).unwrap(),
        )
    }
}

pub struct Connection(WebSocketStream<TcpStream>);

impl Connection {
    pub async fn send(&mut self, bytes: Bytes) {
        self.0.send(Frame::Binary(bytes)).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Frame::Text(text.into())).await.unwrap();
    }

    /// Closes the connection with these words.
    pub async fn close(mut self, words: &str) {
        let frame = CloseFrame {
            code: CloseCode::Policy,
            reason: words.into(),
        };
        self.0.close(Some(frame)).await.unwrap();
        while self.0.next().await.is_some_and(|it| it.is_ok()) {}
    }

    /// The next message; `None` at the end.
    pub async fn receive(&mut self) -> Option<Message> {
        match self.0.next().await? {
            Ok(Frame::Binary(bytes)) => Some(Message::decode(bytes, VERSION).unwrap()),
            _ => None,
        }
    }

    pub async fn answer(&mut self, code: ResponseCode, last: i32) {
        let success = ConnectSuccess {
            session: SessionId {
                server: 1,
                local: 2,
            },
            token: "tm+Q2GwK+dEUhy028R8WMn2l".parse().unwrap(),
            ping_period: 90_000,
            last: Some(last),
        };
        let response = ConnectResponse {
            version: VERSION.number(),
            code,
            success: code.is_success().then_some(success),
        };
        self.send(response.encode()).await;
    }

    /// Answers the next request with these bytes.
    pub async fn respond(&mut self, wanted: ServiceId, body: &'static [u8]) {
        let Some(Message::Request {
            service,
            conversation,
            ..
        }) = self.receive().await
        else {
            panic!("no request");
        };
        assert_eq!(service, wanted);
        let response = Message::Response {
            service: Some(service),
            conversation,
            body: Bytes::from_static(body),
        };
        self.send(response.encode(VERSION)).await;
    }
}
