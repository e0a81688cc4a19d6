//! The socket's limit: a reflector that receives and sends as the server does, and does nothing else.
//!
//! Not a name server. It sets QR, so that no client takes it for another's query.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use waypost::server::mmsg::{Batch, Wait, prepare};

/// Reflects what comes to this address; returns only with an error.
pub fn serve(address: SocketAddr) -> io::Result<()> {
    reflect(&bind(address)?)
}

/// A socket as the server's, but for its timeouts.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    prepare(&socket, &address)?;
    socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
    Ok(socket)
}

/// Reflects until the socket fails.
pub fn reflect(socket: &UdpSocket) -> io::Result<()> {
    let mut batch = Batch::new(false);
    loop {
        match batch.receive(socket, Wait::First) {
            Ok(received) => (0..received).for_each(|at| batch.answer(at, |datagram, out| copy(datagram.octets, out))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        batch.send(socket);
    }
}

fn copy(query: &[u8], out: &mut [u8]) -> usize {
    out[..query.len()].copy_from_slice(query);
    if let Some(flags) = out[..query.len()].get_mut(2) {
        *flags |= 0x80;
    }
    query.len()
}

/// What the server asks for.
const RECEIVE_BUFFER: usize = 4 << 20;
