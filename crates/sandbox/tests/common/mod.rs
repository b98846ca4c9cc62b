//! A client of bare messages, and sandboxes to connect it to.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::time::Duration;

use bytes::Bytes;
use clap::Parser as _;
use effusion_protocol::body::call::{AddTopic, SetTopic, Subscribe, TimeSeriesAppend};
use effusion_protocol::body::{
    AddTopicRequest, Call, SelectRequest, SetTopicRequest, SubscriptionNotification,
    UpdateConstraint,
};
use effusion_protocol::time_series::{AppendRequest, EventMetadata};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, Credentials, ErrorReport, Message,
    ProtocolVersion, ResponseCode, ServiceId, TopicId, TopicSpecification, TopicType, decode,
    encode, property,
};
use effusion_sandbox::cli::Args;
use effusion_sandbox::server::{Options, Server, StartError};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Options as the command line gives them, on a free port of 127.0.0.1.
pub fn options(arguments: &[&str]) -> Options {
    let program = ["effusion-sandbox", "--listen", "127.0.0.1:0"];
    let args = Args::try_parse_from(program.iter().chain(arguments)).unwrap();
    Options::from(args)
}

/// A sandbox in this process.
pub async fn start(arguments: &[&str]) -> Server {
    try_start(arguments).await.unwrap()
}

pub async fn try_start(arguments: &[&str]) -> Result<Server, StartError> {
    Server::start(options(arguments)).await
}

pub fn url(server: &Server) -> String {
    server.urls().next().unwrap()
}

/// The connect request of a principal with the password of all development principals.
pub fn request(principal: &str) -> ConnectRequest {
    let mut request = ConnectRequest::new(ProtocolVersion::NEWEST);
    request.principal = Some(principal.to_owned());
    request.credentials = Credentials::Password("password".to_owned());
    request
}

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A session. Notifications are acknowledged and pings are answered while it waits for anything.
pub struct Client {
    pub socket: Socket,
    version: ProtocolVersion,
    last_conversation: u64,
    /// Values that came, by the path of their topic.
    pub values: Vec<(String, Bytes)>,
    topics: Vec<(TopicId, String)>,
}

/// Why a call or a wait ended without what it was for.
#[derive(Debug)]
pub enum Failure {
    /// The service says no.
    Error(ErrorReport),
    /// The connection is closed, with the code of its close frame.
    Closed(Option<CloseCode>),
    /// The session was aborted.
    Aborted,
}

impl Client {
    pub async fn connect(url: &str, request: &ConnectRequest) -> Result<Self, ConnectResponse> {
        let socket = open(&format!("{url}?{}", request.to_query())).await;
        Self::on(socket).await
    }

    pub async fn on(mut socket: Socket) -> Result<Self, ConnectResponse> {
        let first = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let response = ConnectResponse::decode(first.into_data()).unwrap();
        if response.code != ResponseCode::Connected {
            return Err(response);
        }
        Ok(Self {
            socket,
            version: ProtocolVersion::new(response.version).unwrap(),
            last_conversation: 0,
            values: Vec::new(),
            topics: Vec::new(),
        })
    }

    pub async fn call<C: Call>(&mut self, request: &C::Request) -> Result<C::Response, Failure> {
        let conversation = self.send::<C>(request).await?;
        loop {
            let (found, answer) = self.answer().await?;
            if found == conversation {
                let body = answer.map_err(Failure::Error)?;
                return Ok(decode(body, self.version).unwrap());
            }
        }
    }

    /// Sends a request without waiting for its answer.
    pub async fn send<C: Call>(&mut self, request: &C::Request) -> Result<ConversationId, Failure> {
        self.last_conversation += 1;
        let conversation = ConversationId(self.last_conversation);
        let message = Message::Request {
            service: C::SERVICE,
            conversation,
            body: encode(request, self.version),
        };
        let bytes = message.encode(self.version);
        match self.socket.send(Frame::Binary(bytes)).await {
            Ok(()) => Ok(conversation),
            Err(_) => Err(Failure::Closed(None)),
        }
    }

    /// The next answer to any request.
    pub async fn answer(
        &mut self,
    ) -> Result<(ConversationId, Result<Bytes, ErrorReport>), Failure> {
        loop {
            match self.receive().await? {
                Message::Response {
                    conversation, body, ..
                } => return Ok((conversation, Ok(body))),
                Message::Error {
                    conversation, body, ..
                } => return Ok((conversation, Err(decode(body, self.version).unwrap()))),
                other => self.notice(other).await?,
            }
        }
    }

    /// Waits until this many values came in all.
    pub async fn wait_for_values(&mut self, count: usize) -> Result<(), Failure> {
        while self.values.len() < count {
            let message = self.receive().await?;
            self.notice(message).await?;
        }
        Ok(())
    }

    /// Reads until the connection is closed. Whether the session was aborted before, and the close frame's code.
    pub async fn closed(&mut self) -> (bool, Option<CloseCode>) {
        let mut aborted = false;
        loop {
            match self.receive().await {
                Ok(message) => aborted |= message == Message::Abort,
                Err(Failure::Closed(code)) => return (aborted, code),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    async fn notice(&mut self, message: Message) -> Result<(), Failure> {
        match message {
            Message::Request {
                service,
                conversation,
                body,
            } => {
                if service == ServiceId::SubscriptionNotification {
                    let subscription: SubscriptionNotification =
                        decode(body, self.version).unwrap();
                    self.topics.push((subscription.topic, subscription.path));
                }
                let answer = Message::Response {
                    service: (!self.version.answers_without_service()).then_some(service),
                    conversation,
                    body: Bytes::new(),
                };
                let bytes = answer.encode(self.version);
                self.socket
                    .send(Frame::Binary(bytes))
                    .await
                    .map_err(|_| Failure::Closed(None))
            }
            Message::TopicValue {
                topic,
                value: bytes,
            }
            | Message::TopicDelta {
                topic,
                delta: bytes,
            } => {
                let topics = &self.topics;
                let (_, path) = topics.iter().rfind(|(id, _)| *id == topic).unwrap();
                self.values.push((path.clone(), bytes));
                Ok(())
            }
            Message::Abort => Err(Failure::Aborted),
            other => panic!("the service sent {other:?}"),
        }
    }

    async fn receive(&mut self) -> Result<Message, Failure> {
        let frame = tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .unwrap();
        match frame {
            Some(Ok(Frame::Binary(bytes))) => Ok(Message::decode(bytes, self.version).unwrap()),
            Some(Ok(Frame::Close(frame))) => Err(Failure::Closed(frame.map(|frame| frame.code))),
            Some(Ok(other)) => panic!("the service sent {other:?}"),
            Some(Err(_)) | None => Err(Failure::Closed(None)),
        }
    }

    pub async fn add_topic(
        &mut self,
        path: &str,
        specification: TopicSpecification,
    ) -> Result<(), Failure> {
        let path = path.to_owned();
        let request = AddTopicRequest {
            path,
            specification,
        };
        self.call::<AddTopic>(&request).await.map(drop)
    }

    pub async fn subscribe(&mut self, selector: &str) -> Result<(), Failure> {
        self.call::<Subscribe>(&SelectRequest::new(selector)).await
    }

    /// Sets a BINARY topic.
    pub async fn set(&mut self, path: &str, value: Bytes) -> Result<(), Failure> {
        self.call::<SetTopic>(&SetTopicRequest {
            path: path.to_owned(),
            topic_type: TopicType::Binary,
            value,
            constraint: UpdateConstraint::Unconstrained,
        })
        .await
    }

    /// Appends to a time series of BINARY events.
    pub async fn append(&mut self, path: &str, value: Bytes) -> Result<EventMetadata, Failure> {
        self.call::<TimeSeriesAppend>(&append_request(path, value))
            .await
    }
}

pub fn append_request(path: &str, value: Bytes) -> AppendRequest {
    AppendRequest {
        path: path.to_owned(),
        value_type: "binary".to_owned(),
        value,
    }
}

/// A time series of BINARY events that keeps this many.
pub fn time_series(limit: usize) -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "binary")
        .with(
            property::TIME_SERIES_RETAINED_RANGE,
            &format!("limit {limit}"),
        )
}

/// A BINARY topic whose values are always sent whole.
pub fn binary() -> TopicSpecification {
    TopicSpecification::new(TopicType::Binary).with(property::PUBLISH_VALUES_ONLY, "true")
}

pub async fn open(url: &str) -> Socket {
    try_open(url).await.unwrap()
}

pub async fn try_open(url: &str) -> Result<Socket, tungstenite::Error> {
    let connecting = tokio_tungstenite::connect_async(url);
    let (socket, _) = tokio::time::timeout(PATIENCE, connecting).await.unwrap()?;
    Ok(socket)
}

/// Numbers that look random, the same ones for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn bytes(&mut self, count: usize) -> Bytes {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
