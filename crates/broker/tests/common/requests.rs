//! Requests that the service makes of clients.

use effusion_protocol::body::Call;
use effusion_protocol::{ConversationId, ErrorReport, Message, ServiceId, Wire, decode, encode};

use super::{Client, Incoming, World};

/// The one request that came, read as a service's.
pub fn request<C: Call>(world: &mut World, client: &mut Client) -> (ConversationId, C::Request) {
    let mut requests = requests::<C>(world, client);
    assert_eq!(requests.len(), 1, "one request for {:?}", C::SERVICE);
    requests.remove(0)
}

pub fn requests<C: Call>(
    world: &mut World,
    client: &mut Client,
) -> Vec<(ConversationId, C::Request)> {
    of_service::<C>(client.read_all(world), client)
}

pub fn of_service<C: Call>(
    incoming: Vec<Incoming>,
    client: &Client,
) -> Vec<(ConversationId, C::Request)> {
    incoming
        .into_iter()
        .filter_map(|it| match it {
            Incoming::Request(Message::Request {
                service,
                conversation,
                body,
            }) if service == C::SERVICE => {
                Some((conversation, decode(body, client.version).unwrap()))
            }
            _ => None,
        })
        .collect()
}

pub fn respond<B: Wire>(
    world: &mut World,
    client: &mut Client,
    service: ServiceId,
    conversation: ConversationId,
    body: Result<&B, &ErrorReport>,
) {
    let version = client.version;
    let message = match body {
        Ok(body) => Message::Response {
            service: Some(service),
            conversation,
            body: encode(body, version),
        },
        Err(report) => Message::Error {
            service: Some(service),
            conversation,
            body: encode(report, version),
        },
    };
    client.send(world, message.encode(version));
}
