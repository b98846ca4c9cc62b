//! A client's side of WebSocket with as little work for a message as can be, so that what is measured is the service.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;

/// The longest answer to an upgrade.
const LONGEST_HEAD: usize = 16 * 1024;
/// The longest message that is taken.
const LONGEST_MESSAGE: usize = 1 << 20;

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Binary,
}

/// The way to the service.
#[derive(Clone, Debug)]
pub struct Sender(Rc<Mutex<OwnedWriteHalf>>);

impl Sender {
    /// Sends one message.
    pub async fn send(&self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        put_frame(&mut frame, kind, payload);
        self.0.lock().await.write_all(&frame).await
    }
}

fn put_frame(frame: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    let opcode = match kind {
        Kind::Text => 1,
        Kind::Binary => 2,
    };
    frame.push(0x80 | opcode);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 126 => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    // The mask that changes nothing: the service has the same work with it as with any other.
    frame.extend([0; 4]);
    frame.extend(payload);
}

/// What comes from the service.
#[derive(Debug)]
pub struct Receiver {
    stream: OwnedReadHalf,
    /// The beginning of a frame that is not whole yet.
    rest: Vec<u8>,
    /// Fragments of a message, or a part of the protocol inside that is not whole yet.
    message: Vec<u8>,
    /// Whether something came together with the answer to the upgrade.
    has_leftover: bool,
    /// Messages that came together with one that was waited for.
    early: VecDeque<Vec<u8>>,
    ended: bool,
}

/// Opens a connection. Each is from one of a few addresses of loopback, so that the ports do not run out.
pub async fn open(
    address: SocketAddr,
    number: usize,
    target: &str,
    protocol: Option<&str>,
) -> Result<(Sender, Receiver)> {
    let socket = TcpSocket::new_v4()?;
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number % 8)?);
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect(address).await.context("no connection")?;
    stream.set_nodelay(true)?;
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    );
    if let Some(protocol) = protocol {
        request.push_str("Sec-WebSocket-Protocol: ");
        request.push_str(protocol);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let rest = upgraded(&mut stream).await?;
    let has_leftover = !rest.is_empty();
    let (read, write) = stream.into_split();
    let receiver = Receiver {
        stream: read,
        rest,
        message: Vec::new(),
        early: VecDeque::new(),
        has_leftover,
        ended: false,
    };
    Ok((Sender(Rc::new(Mutex::new(write))), receiver))
}

/// Reads the answer to the upgrade; gives what came after it.
async fn upgraded(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            bail!("the service closed the connection instead of upgrading it");
        }
        let end = head.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            if !head.starts_with(b"HTTP/1.1 101") {
                bail!("no upgrade: {}", String::from_utf8_lossy(&head));
            }
            return Ok(head.split_off(end + 4));
        }
        if head.len() > LONGEST_HEAD {
            bail!("the answer to the upgrade has no end");
        }
    }
}

impl Receiver {
    /// Waits for something, and hands over every whole message in it. `false` once the connection has ended.
    ///
    /// The buffer is borrowed only while there is something to read, so that many can share one.
    pub async fn receive(
        &mut self,
        buffer: &RefCell<Vec<u8>>,
        mut take: impl FnMut(&[u8]),
    ) -> Result<bool> {
        if !self.early.is_empty() {
            self.early.drain(..).for_each(|message| take(&message));
            return Ok(true);
        }
        if std::mem::take(&mut self.has_leftover) {
            let rest = std::mem::take(&mut self.rest);
            self.frames(&rest, &mut take)?;
            return Ok(true);
        }
        std::future::poll_fn(|context| {
            let mut buffer = buffer.borrow_mut();
            let mut read = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            let bytes = read.filled();
            if bytes.is_empty() {
                return Poll::Ready(Ok(false));
            }
            if self.rest.is_empty() {
                self.frames(bytes, &mut take)?;
            } else {
                let mut all = std::mem::take(&mut self.rest);
                all.extend(bytes);
                self.frames(&all, &mut take)?;
            }
            Poll::Ready(Ok(!self.ended))
        })
        .await
    }

    /// Waits for one message; `None` if the connection ends instead.
    pub async fn receive_one(&mut self, buffer: &RefCell<Vec<u8>>) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(message) = self.early.pop_front() {
                return Ok(Some(message));
            }
            let mut early = VecDeque::new();
            let goes_on = self
                .receive(buffer, |message| early.push_back(message.to_vec()))
                .await?;
            self.early = early;
            if !goes_on && self.early.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Takes the whole frames; keeps what is left.
    fn frames(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<()> {
        while let Some((head, payload, after)) = frame(bytes)? {
            bytes = after;
            match head & 0x0f {
                8 => self.ended = true,
                9 | 10 => {}
                opcode => {
                    if head & 0x80 != 0 && opcode != 0 {
                        take(payload);
                    } else {
                        self.message.extend(payload);
                        if self.message.len() > LONGEST_MESSAGE {
                            bail!("a message without an end");
                        }
                        if head & 0x80 != 0 {
                            take(&self.message);
                            self.message.clear();
                        }
                    }
                }
            }
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }
}

/// A frame's first byte, its payload, and what comes after it; `None` if it is not whole.
#[allow(clippy::type_complexity, reason = "three parts of one slice")]
fn frame(bytes: &[u8]) -> Result<Option<(u8, &[u8], &[u8])>> {
    let [head, length, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (length, rest) = match *length {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (usize::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (usize::try_from(u64::from_be_bytes(*length))?, rest),
            None => return Ok(None),
        },
        length if length < 126 => (usize::from(length), rest),
        _ => bail!("a service does not mask its frames"),
    };
    if length > LONGEST_MESSAGE {
        bail!("a message of {length} bytes");
    }
    Ok(rest
        .split_at_checked(length)
        .map(|(payload, after)| (*head, payload, after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_where_they_end() {
        let bytes = [0x82, 2, 7, 8, 0x81, 1, 9];
        let (head, payload, after) = frame(&bytes).unwrap().unwrap();
        assert_eq!((head, payload), (0x82, &[7, 8][..]));
        let (head, payload, after) = frame(after).unwrap().unwrap();
        assert_eq!((head, payload, after), (0x81, &[9][..], &[][..]));
        for length in 0..4 {
            assert_eq!(frame(&bytes[..length]).unwrap(), None);
        }
        let long = [&[0x82, 126, 1, 0][..], &[5; 256]].concat();
        let (_, payload, after) = frame(&long).unwrap().unwrap();
        assert_eq!((payload.len(), after.len()), (256, 0));
        assert!(frame(&[0x82, 0x81, 1]).is_err());
        assert!(frame(&[0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn what_is_sent_is_masked() {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, Kind::Binary, &[1, 2]);
        assert_eq!(bytes, [0x82, 0x82, 0, 0, 0, 0, 1, 2]);
        let mut bytes = Vec::new();
        put_frame(&mut bytes, Kind::Text, &[b'a'; 300]);
        assert_eq!(bytes[..4], [0x81, 0xfe, 1, 44]);
        assert_eq!(bytes.len(), 308);
    }
}
