use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at a time; more wait in the system's own line.
const CONNECTIONS: usize = 1024;

/// Accepts connections that end when their client takes too long over a request, or over reading its answer.
pub(crate) struct GuardedListener {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    patience: Duration,
}

/// A connection. While no request is being answered, `patience` runs from the last byte that was written.
pub(crate) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    patience: Duration,
    busy: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Requests that are being answered.
    pub busy: Arc<AtomicUsize>,
}

impl GuardedListener {
    pub(crate) fn new(listener: TcpListener, patience: Duration) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(CONNECTIONS)), patience }
    }
}

impl Listener for GuardedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("nobody closes the semaphore");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Answers are written whole, so nothing is gained by waiting for more. Without this an answer may be late, never wrong.
        let _ = stream.set_nodelay(true);
        let (end, patience) = (Box::pin(sleep(self.patience)), self.patience);
        (Connection { stream, end, patience, busy: Arc::default(), _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, GuardedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, GuardedListener>) -> Self {
        Self { address: *stream.remote_addr(), busy: Arc::clone(&stream.io().busy) }
    }
}

impl Connection {
    fn has_written(&mut self) {
        let end = Instant::now() + self.patience;
        self.end.as_mut().reset(end);
    }

    /// Ends the wait for a client that takes too long.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        while self.end.as_mut().poll(context).is_ready() {
            if self.busy.load(Ordering::Relaxed) == 0 {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.has_written();
        }
        Poll::Pending
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => Poll::Ready(read),
            Poll::Pending => self.poll_end(context).map(Err),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.has_written();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        if written.is_ready() {
            self.has_written();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
