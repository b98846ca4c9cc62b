//! What each service wants to hear: a session that receives a room, and a message for it.

use std::cell::RefCell;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use effusion_protocol::body::SelectRequest;
use effusion_protocol::time_series::AppendRequest;
use effusion_protocol::value::{Json, Value as _};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, Credentials, Message, ProtocolVersion,
    ResponseCode, ServiceId, encode,
};

use super::websocket::{Kind, Receiver, Sender};

const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;

/// A protocol over WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Diffusion's, as a chat uses it: rooms are time series.
    Diffusion,
    /// Engine.IO 4 with Socket.IO 5 in it.
    SocketIo,
    /// MQTT 3.1.1, quality of service 0.
    Mqtt,
    /// Nothing but frames.
    Bare,
}

/// The path of a room's topic.
pub fn room_path(room: usize) -> String {
    format!("Chat/load {room}")
}

impl Dialect {
    /// What is asked for in the upgrade.
    pub fn target(self, room: usize, publishes: bool) -> (String, Option<&'static str>) {
        match self {
            Self::Diffusion => {
                let mut request = ConnectRequest::new(VERSION);
                request.reconnect_timeout = 60_000;
                // Others are anonymous: to check a password takes longer than anything that is measured here.
                if publishes {
                    request.principal = Some("user".to_owned());
                    request.credentials = Credentials::Password("password".to_owned());
                }
                (format!("/diffusion?{}", request.to_query()), None)
            }
            Self::SocketIo => ("/socket.io/?EIO=4&transport=websocket".to_owned(), None),
            Self::Mqtt => ("/".to_owned(), Some("mqtt")),
            Self::Bare => (format!("/{room}"), None),
        }
    }

    /// Opens the session and joins a room.
    pub async fn join(
        self,
        sender: &Sender,
        receiver: &mut Receiver,
        buffer: &RefCell<Vec<u8>>,
        room: usize,
        number: usize,
    ) -> Result<()> {
        match self {
            Self::Diffusion => {
                let first = next(receiver, buffer).await?;
                let response = ConnectResponse::decode(Bytes::from(first))?;
                if response.code != ResponseCode::Connected {
                    bail!("the service refused: {}", response.code.description());
                }
                let subscribe = Message::Request {
                    service: ServiceId::Subscribe,
                    conversation: ConversationId(1),
                    body: encode(
                        &SelectRequest::new(&format!(">{}", room_path(room))),
                        VERSION,
                    ),
                };
                sender
                    .send(Kind::Binary, &subscribe.encode(VERSION))
                    .await?;
                // The notification comes before the answer.
                loop {
                    let message = next(receiver, buffer).await?;
                    if let Some(answer) = self.answer(&message) {
                        sender.send(answer.0, &answer.1).await?;
                    }
                    match Message::decode(Bytes::from(message), VERSION)? {
                        Message::Response { .. } => return Ok(()),
                        Message::Error { .. } => bail!("the subscription was refused"),
                        _ => {}
                    }
                }
            }
            Self::SocketIo => {
                expect(&next(receiver, buffer).await?, b"0")?;
                sender.send(Kind::Text, b"40").await?;
                expect(&next(receiver, buffer).await?, b"40")?;
                let join = format!("420[\"join\",\"{room}\"]");
                sender.send(Kind::Text, join.as_bytes()).await?;
                expect(&next(receiver, buffer).await?, b"430")
            }
            Self::Mqtt => {
                let id = format!("load-{number}");
                let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0];
                put_text(&mut body, &id)?;
                sender.send(Kind::Binary, &packet(0x10, &body)).await?;
                expect(&next(receiver, buffer).await?, &[0x20, 2, 0, 0])?;
                let mut body = vec![0, 1];
                put_text(&mut body, &format!("load/{room}"))?;
                body.push(0);
                sender.send(Kind::Binary, &packet(0x82, &body)).await?;
                expect(&next(receiver, buffer).await?, &[0x90, 3, 0, 1, 0])
            }
            Self::Bare => Ok(()),
        }
    }

    /// A message for a room.
    pub fn publication(self, room: usize, number: u64, text: &str) -> Result<(Kind, Vec<u8>)> {
        Ok(match self {
            Self::Diffusion => {
                let request = AppendRequest {
                    path: room_path(room),
                    value_type: "json".to_owned(),
                    value: Json::object(&[("text", Json::text(text))]).to_bytes(),
                };
                let message = Message::Request {
                    service: ServiceId::TimeSeriesAppend,
                    conversation: ConversationId(number + 10),
                    body: encode(&request, VERSION),
                };
                (Kind::Binary, message.encode(VERSION).to_vec())
            }
            Self::SocketIo => {
                let message = format!("42[\"say\",\"{room}\",{{\"text\":\"{text}\"}}]");
                (Kind::Text, message.into_bytes())
            }
            Self::Mqtt => {
                let mut body = Vec::new();
                put_text(&mut body, &format!("load/{room}"))?;
                body.extend(format!("{{\"text\":\"{text}\"}}").as_bytes());
                (Kind::Binary, packet(0x30, &body))
            }
            Self::Bare => (
                Kind::Binary,
                format!("{{\"text\":\"{text}\"}}").into_bytes(),
            ),
        })
    }

    /// What the protocol wants to hear in answer to a message, if anything.
    pub fn answer(self, message: &[u8]) -> Option<(Kind, Vec<u8>)> {
        match (self, message.first()) {
            // A call by the service: a ping, or the notification of a subscription.
            (Self::Diffusion, Some(0)) => {
                match Message::decode(Bytes::copy_from_slice(message), VERSION) {
                    Ok(Message::Request {
                        service,
                        conversation,
                        ..
                    }) => {
                        let answer = Message::Response {
                            service: Some(service),
                            conversation,
                            body: Bytes::new(),
                        };
                        Some((Kind::Binary, answer.encode(VERSION).to_vec()))
                    }
                    _ => None,
                }
            }
            (Self::SocketIo, Some(b'2')) => Some((Kind::Text, b"3".to_vec())),
            _ => None,
        }
    }
}

/// The next message, which is kept.
async fn next(receiver: &mut Receiver, buffer: &RefCell<Vec<u8>>) -> Result<Vec<u8>> {
    receiver
        .receive_one(buffer)
        .await?
        .context("the service closed the connection")
}

fn expect(message: &[u8], beginning: &[u8]) -> Result<()> {
    if !message.starts_with(beginning) {
        bail!(
            "the service said {:?} instead of {:?}",
            String::from_utf8_lossy(message),
            String::from_utf8_lossy(beginning)
        );
    }
    Ok(())
}

fn put_text(bytes: &mut Vec<u8>, text: &str) -> Result<()> {
    bytes.extend(u16::try_from(text.len())?.to_be_bytes());
    bytes.extend(text.as_bytes());
    Ok(())
}

/// An MQTT packet: a head, the length in sevens of bits, the body.
fn packet(head: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![head];
    let mut length = body.len();
    loop {
        let seven = u8::try_from(length & 0x7f).unwrap_or(0x7f);
        length >>= 7;
        packet.push(if length > 0 { seven | 0x80 } else { seven });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_their_length_in_sevens() {
        assert_eq!(packet(0x30, &[1, 2]), [0x30, 2, 1, 2]);
        assert_eq!(packet(0x30, &[0; 321])[..3], [0x30, 0xc1, 2]);
    }

    #[test]
    fn every_publication_carries_its_text() {
        for dialect in [
            Dialect::Diffusion,
            Dialect::SocketIo,
            Dialect::Mqtt,
            Dialect::Bare,
        ] {
            let (_, bytes) = dialect
                .publication(3, 1, "@0000000000000042 hello")
                .unwrap();
            let found = bytes.windows(6).any(|window| window == b" hello");
            assert!(found, "{dialect:?}");
        }
    }
}
