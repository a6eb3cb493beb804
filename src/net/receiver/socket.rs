//! A connection's socket, and a watch that notices when the sender closes its side while hyper isn't reading.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// The socket as hyper uses it.
#[derive(Debug)]
pub struct Socket {
    /// Shared with the watch. Only the connection's own task uses both, so neither waits for the other.
    read: Arc<Mutex<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

/// Notices when the sender closes its side.
#[derive(Clone, Debug, Default)]
pub struct SenderWatch(Option<Arc<Mutex<OwnedReadHalf>>>);

impl Socket {
    /// Splits a stream into the socket and its watch.
    pub fn new(stream: TcpStream) -> (Self, SenderWatch) {
        let (read, write) = stream.into_split();
        let read = Arc::new(Mutex::new(read));
        (Self { read: Arc::clone(&read), write }, SenderWatch(Some(read)))
    }
}

impl SenderWatch {
    /// Waits until the sender closes its side or resets the connection; forever if it sends another request first.
    pub async fn closed(&self) {
        poll_fn(|context| {
            let Some(read) = &self.0 else { return Poll::Pending };
            let mut byte = [0];
            match ready!(read.lock().poll_peek(context, &mut ReadBuf::new(&mut byte))) {
                Ok(0) | Err(_) => Poll::Ready(()),
                Ok(_) => Poll::Pending,
            }
        })
        .await;
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.read.lock()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.write.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}
