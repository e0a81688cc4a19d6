//! Batches of datagrams: `recvmmsg`, `sendmmsg`, and the socket options that have no safe call.
//!
//! The only file of the library with `unsafe`. It knows nothing of DNS. All memory that the kernel is given is allocated in
//! [`Batch::new`] and keeps its address until the batch is dropped; a batch touches lengths, and the two pointers
//! of a reply. Invariant: `received <= BATCH`, and the first `received` headers, sources and controls are the
//! kernel's; `replies <= received`. Sources: recvmmsg(2), sendmmsg(2), socket(7), ip(7), ipv6(7), RFC 3542 §6.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use libc::{c_int, cmsghdr, in_pktinfo, in6_pktinfo, iovec, mmsghdr, msghdr, sockaddr_in, sockaddr_in6, sockaddr_storage};

/// Datagrams that one system call moves at most. Beyond 16 the cost per datagram hardly falls; 64 absorbs bursts.
pub const BATCH: usize = 64;
/// The longest datagram received whole; no query of ours is longer, and larger ones come as [`Datagram::cut`].
pub const RECEIVE_MAX: usize = 4_096;
/// The longest reply.
pub const REPLY_MAX: usize = 4_096;

/// Room for one batch of datagrams and their replies. Made and used by one thread.
pub struct Batch {
    received_headers: Fixed<mmsghdr>,
    reply_headers: Fixed<mmsghdr>,
    /// Where the headers point to; never read by us.
    _iovecs: [Fixed<iovec>; 2],
    reply_iovecs: NonNull<iovec>,
    sources: Fixed<sockaddr_storage>,
    controls: Option<Fixed<Control>>,
    queries: Fixed<u8>,
    answers: Fixed<u8>,
    received: usize,
    replies: usize,
}

/// One datagram as received.
pub struct Datagram<'b> {
    /// The unspecified address and port 0 on a connected socket ([`Batch::for_peer`]).
    pub source: SocketAddr,
    pub octets: &'b [u8],
    /// It was longer than [`RECEIVE_MAX`], and the rest is lost.
    pub cut: bool,
}

/// What became of a batch's replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub sent: usize,
    pub failed: usize,
}

/// Whether a receive waits for the first datagram (as long as the socket's receive timeout) or takes what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    First,
    No,
}

impl Batch {
    /// Allocates everything. `packet_info` makes replies leave from the address their query came to, for sockets
    /// prepared with it.
    pub fn new(packet_info: bool) -> Self {
        Self::naming(true, packet_info)
    }

    /// As [`Batch::new`], for a connected socket: no datagram says where it came from, and replies go to its peer. That
    /// spares the kernel a route lookup a datagram, which a client that loads a server needs itself.
    pub fn for_peer() -> Self {
        Self::naming(false, false)
    }

    fn naming(named: bool, packet_info: bool) -> Self {
        let queries = Fixed::new(BATCH * STRIDE, 0u8);
        let answers = Fixed::new(BATCH * STRIDE, 0u8);
        let sources = Fixed::new(BATCH, zeroed_source());
        let controls = packet_info.then(|| Fixed::new(BATCH, Control([0; CONTROL_LEN])));
        let received_iovecs = iovecs(&queries, RECEIVE_MAX);
        let reply_iovecs = iovecs(&answers, REPLY_MAX);
        let header = |vectors: &Fixed<iovec>, at: usize| {
            let mut header = zeroed_header();
            header.msg_hdr.msg_name = if named { sources.at(at).as_ptr().cast() } else { ptr::null_mut() };
            header.msg_hdr.msg_iov = vectors.at(at).as_ptr();
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = controls.as_ref().map_or(ptr::null_mut(), |controls| controls.at(at).as_ptr().cast());
            header
        };
        let received_headers = Fixed::from_fn(|at| header(&received_iovecs, at));
        let reply_headers = Fixed::from_fn(|at| header(&reply_iovecs, at));
        let first_reply_iovec = reply_iovecs.at(0);
        Self {
            received_headers,
            reply_headers,
            _iovecs: [received_iovecs, reply_iovecs],
            reply_iovecs: first_reply_iovec,
            sources,
            controls,
            queries,
            answers,
            // Makes the first receive set every header's lengths.
            received: BATCH,
            replies: 0,
        }
    }

    /// Another of the same kind, empty.
    pub fn another(&self) -> Self {
        Self::new(self.controls.is_some())
    }

    /// How many datagrams the last receive brought.
    pub(super) fn len(&self) -> usize {
        self.received
    }

    /// Receives up to [`BATCH`] datagrams: waits for one, takes the others that are there.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when nothing came in time, `Interrupted` by a signal.
    pub fn receive(&mut self, socket: &UdpSocket, wait: Wait) -> io::Result<usize> {
        for at in 0..self.received {
            let control_len = if self.controls.is_some() { CONTROL_LEN } else { 0 };
            let header = &mut self.received_headers.get_mut(at).msg_hdr;
            header.msg_namelen = if header.msg_name.is_null() { 0 } else { mem::size_of::<sockaddr_storage>() as _ };
            header.msg_controllen = control_len as _;
        }
        self.received = 0;
        self.replies = 0;
        let flags = match wait {
            Wait::First => libc::MSG_WAITFORONE,
            Wait::No => libc::MSG_DONTWAIT,
        };
        let headers = self.received_headers.at(0).as_ptr();
        // SAFETY: `headers` are BATCH headers whose pointers all lead into memory that this value owns, of the
        // lengths that they say (set in `new`, and above); no timeout is given.
        let count = unsafe { libc::recvmmsg(socket.as_raw_fd(), headers, BATCH as _, flags as _, ptr::null_mut()) };
        self.received = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        Ok(self.received)
    }

    /// What the last receive brought.
    pub(super) fn received(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.received).map(|at| octets_of(&self.queries, at, self.received_headers.get(at)))
    }

    /// Shows datagram `at` to `answer`, with room for its reply; the length it returns is sent, unless it is 0.
    ///
    /// # Panics
    /// When `at` is not below how many were received or the length is above [`REPLY_MAX`].
    #[inline]
    pub fn answer(&mut self, at: usize, answer: impl FnOnce(Datagram<'_>, &mut [u8]) -> usize) {
        assert!(at < self.received && self.replies <= at, "each datagram of the batch is answered once, in order");
        let header = self.received_headers.get(at);
        let datagram = Datagram {
            source: socket_address(self.sources.get(at), header.msg_hdr.msg_namelen as usize),
            octets: octets_of(&self.queries, at, header),
            cut: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        };
        let reply_len = answer(datagram, self.answers.slice_mut(self.replies * STRIDE, REPLY_MAX));
        assert!(reply_len <= REPLY_MAX, "a reply fits the room it was given");
        if reply_len > 0 {
            self.put_reply(at, reply_len);
        }
    }

    /// Addresses the next reply to the source of datagram `at`.
    fn put_reply(&mut self, at: usize, len: usize) {
        if let Some(controls) = &mut self.controls {
            forget_interface(controls.get_mut(at));
        }
        let received = self.received_headers.get(at).msg_hdr;
        let reply = &mut self.reply_headers.get_mut(self.replies).msg_hdr;
        reply.msg_name = received.msg_name;
        reply.msg_namelen = received.msg_namelen;
        reply.msg_control = received.msg_control;
        reply.msg_controllen = received.msg_controllen;
        // SAFETY: `replies < received <= BATCH`, the number of iovecs; nothing else refers to them now.
        unsafe { (*self.reply_iovecs.as_ptr().add(self.replies)).iov_len = len };
        self.replies += 1;
    }

    /// Sends the replies. One that the kernel refuses is skipped; when the kernel has no room, the rest are.
    pub fn send(&mut self, socket: &UdpSocket) -> Sent {
        let mut outcome = Sent::default();
        let total = mem::take(&mut self.replies);
        while outcome.sent + outcome.failed < total {
            let done = outcome.sent + outcome.failed;
            let headers = self.reply_headers.at(done).as_ptr();
            // SAFETY: `total - done` headers follow from `done` on; each was set by `put_reply` to a source, a
            // control and an answer that this value owns.
            let count = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers, (total - done) as _, 0) };
            match usize::try_from(count) {
                // Never seen; counted so that the loop ends whatever a kernel does.
                Ok(0) => outcome.failed += 1,
                Ok(sent) => outcome.sent += sent,
                Err(_) => outcome.failed += not_sent(&io::Error::last_os_error(), total - done),
            }
        }
        outcome
    }
}

/// The octets of datagram `at`, as far as they were received.
#[inline]
fn octets_of<'b>(queries: &'b Fixed<u8>, at: usize, header: &mmsghdr) -> &'b [u8] {
    let len = (header.msg_len as usize).min(RECEIVE_MAX);
    &queries.slice(at * STRIDE, RECEIVE_MAX)[..len]
}

/// How many of the `left` replies an error on the first of them costs.
fn not_sent(error: &io::Error, left: usize) -> usize {
    match error.raw_os_error() {
        // Nothing was tried: the same reply again.
        Some(libc::EINTR) => 0,
        // No room, after waiting for the send timeout: waiting 63 times more would stop this worker's receiving.
        Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => left,
        // This asker can't be reached, is forbidden by a filter, or the reply is too long for its path.
        _ => 1,
    }
}

/// Prepares a UDP socket: replies are never refused for the path's size, and (on a wildcard address) each datagram
/// says which address it came to.
///
/// # Errors
/// The kernel's.
pub fn prepare(socket: &impl AsRawFd, address: &SocketAddr) -> io::Result<()> {
    // Path MTU discovery is what an off-path attacker forges to make us fragment; OMIT ignores what it claims.
    let (level, discover, omit, packet_info) = match address {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT, libc::IPV6_RECVPKTINFO),
    };
    set_option(socket, level, discover, omit)?;
    if address.ip().is_unspecified() {
        set_option(socket, level, packet_info, 1)?;
    }
    Ok(())
}

/// What waits in a socket to be received, as the kernel counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveQueue {
    /// Memory of the datagrams that wait, and of up to a quarter of `limit` in those received last, given back late.
    pub octets: u32,
    /// What it may be at most.
    pub limit: u32,
    /// Datagrams dropped since the socket was made, modulo 2^32.
    pub dropped: u32,
}

impl ReceiveQueue {
    /// That of `socket`.
    ///
    /// # Errors
    /// The kernel's: it is older than Linux 4.12.
    pub fn of(socket: &UdpSocket) -> io::Result<Self> {
        let mut info = [0u32; MEMINFO_VARS];
        let mut len = mem::size_of_val(&info) as libc::socklen_t;
        let fd = socket.as_raw_fd();
        // SAFETY: the kernel writes at most `len` octets, which `info` has and which any value may be in.
        let status = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, info.as_mut_ptr().cast(), &raw mut len) };
        match status {
            0 => Ok(Self {
                octets: info[libc::SK_MEMINFO_RMEM_ALLOC as usize],
                limit: info[libc::SK_MEMINFO_RCVBUF as usize],
                dropped: info[libc::SK_MEMINFO_DROPS as usize],
            }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// How many small datagrams wait where no memory is given back late.
    pub fn datagrams(&self) -> u64 {
        u64::from(self.octets.saturating_sub(self.limit / 4)) / DATAGRAM_MEMORY_MIN
    }

    /// How many there are at most, however late it is.
    pub fn datagrams_max(&self) -> u64 {
        u64::from(self.octets) / DATAGRAM_MEMORY_MIN
    }
}

/// Octets that the smallest datagram takes of a socket's receive memory; on loopback 832.
const DATAGRAM_MEMORY_MIN: u64 = 768;
/// Values of SO_MEMINFO: the drops are the last (linux/sock_diag.h).
const MEMINFO_VARS: usize = libc::SK_MEMINFO_DROPS as usize + 1;

fn set_option(socket: &impl AsRawFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let len = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the option's value is an int, and lives through the call.
    let status = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), len) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets the routing table choose the interface of the reply; the control message came with the query's, which may
/// be another (asymmetric routes). Link-local addresses mean nothing without theirs.
fn forget_interface(control: &mut Control) {
    let octets = control.0.as_mut_ptr();
    // SAFETY: a Control is aligned for a cmsghdr and holds one with an in6_pktinfo (checked below, `CONTROL_LEN`);
    // the kernel wrote a whole header, or the zeros of `new` are still there. All are plain integers.
    unsafe {
        let header: cmsghdr = octets.cast::<cmsghdr>().read();
        let data = libc::CMSG_DATA(octets.cast());
        match (header.cmsg_level, header.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => (*data.cast::<in_pktinfo>()).ipi_ifindex = 0,
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let info = &mut *data.cast::<in6_pktinfo>();
                if !Ipv6Addr::from(info.ipi6_addr.s6_addr).is_unicast_link_local() {
                    info.ipi6_ifindex = 0;
                }
            }
            _ => {}
        }
    }
}

/// Reads an address that the kernel wrote; the unspecified one and port 0 when it wrote none.
fn socket_address(source: &sockaddr_storage, len: usize) -> SocketAddr {
    let storage: *const sockaddr_storage = source;
    match c_int::from(source.ss_family) {
        libc::AF_INET if len >= mem::size_of::<sockaddr_in>() => {
            // SAFETY: the family says which of the storage's forms it is; the storage is large and aligned enough.
            let v4 = unsafe { &*storage.cast::<sockaddr_in>() };
            SocketAddrV4::new(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)), u16::from_be(v4.sin_port)).into()
        }
        libc::AF_INET6 if len >= mem::size_of::<sockaddr_in6>() => {
            // SAFETY: as above.
            let v6 = unsafe { &*storage.cast::<sockaddr_in6>() };
            let address = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            SocketAddrV6::new(address, u16::from_be(v6.sin6_port), v6.sin6_flowinfo, v6.sin6_scope_id).into()
        }
        _ => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    }
}

fn iovecs(octets: &Fixed<u8>, len: usize) -> Fixed<iovec> {
    Fixed::from_fn(|at| iovec { iov_base: octets.at(at * STRIDE).as_ptr().cast(), iov_len: len })
}

fn zeroed_header() -> mmsghdr {
    // SAFETY: all of its fields are integers and pointers, for which zero is a value.
    let msg_hdr: msghdr = unsafe { mem::zeroed() };
    mmsghdr { msg_hdr, msg_len: 0 }
}

fn zeroed_source() -> sockaddr_storage {
    // SAFETY: all of its fields are integers.
    unsafe { mem::zeroed() }
}

/// Memory whose address the kernel's structures hold: never moved, and only borrowed for as long as a call to one
/// of these functions' results lasts, so that no reference of ours lives while the kernel writes.
struct Fixed<T>(NonNull<[T]>);

impl<T: Copy> Fixed<T> {
    fn new(len: usize, fill: T) -> Self {
        Self::from_box(vec![fill; len].into_boxed_slice())
    }

    /// One for each datagram of a batch.
    fn from_fn(make: impl FnMut(usize) -> T) -> Self {
        Self::from_box((0..BATCH).map(make).collect())
    }

    fn from_box(items: Box<[T]>) -> Self {
        Self(NonNull::from(Box::leak(items)))
    }

    /// The address of item `at`.
    fn at(&self, at: usize) -> NonNull<T> {
        assert!(at < self.0.len(), "within what was allocated");
        // SAFETY: just checked.
        unsafe { self.0.cast::<T>().add(at) }
    }

    fn get(&self, at: usize) -> &T {
        // SAFETY: allocated and initialised by `from_box`; exclusive access needs `&mut self`.
        unsafe { self.at(at).as_ref() }
    }

    fn get_mut(&mut self, at: usize) -> &mut T {
        // SAFETY: as above, and `&mut self` is exclusive.
        unsafe { self.at(at).as_mut() }
    }

    fn slice(&self, from: usize, len: usize) -> &[T] {
        assert!(from + len <= self.0.len(), "within what was allocated");
        // SAFETY: as for `get`; the range was just checked.
        unsafe { std::slice::from_raw_parts(self.at(from).as_ptr(), len) }
    }

    fn slice_mut(&mut self, from: usize, len: usize) -> &mut [T] {
        assert!(from + len <= self.0.len(), "within what was allocated");
        // SAFETY: as for `get_mut`; the range was just checked.
        unsafe { std::slice::from_raw_parts_mut(self.at(from).as_ptr(), len) }
    }
}

impl<T> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: leaked from a box by `from_box`, and dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Room for one control message.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_LEN]);

const CONTROL_LEN: usize = 64;
// SAFETY: CMSG_SPACE only computes.
const _: () = assert!(unsafe { libc::CMSG_SPACE(mem::size_of::<in6_pktinfo>() as u32) } as usize <= CONTROL_LEN);

/// From one datagram's buffer to the next: a cache line more than a page, or the first lines of all 64 buffers, the
/// only ones that a query touches, would compete for one set of the L1 cache.
const STRIDE: usize = 4_096 + 64;
const _: () = assert!(RECEIVE_MAX <= STRIDE && REPLY_MAX <= STRIDE);

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket and a batch holding `count` datagrams from one client, which is returned too.
    fn batch_of(count: usize) -> (UdpSocket, UdpSocket, Batch) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for octet in 0..count {
            client.send_to(&[octet as u8], socket.local_addr().unwrap()).unwrap();
        }
        let mut batch = Batch::new(false);
        assert_eq!(batch.receive(&socket, Wait::First).unwrap(), count);
        (socket, client, batch)
    }

    fn echo(batch: &mut Batch) {
        for at in 0..batch.len() {
            batch.answer(at, |datagram, out| {
                out[..datagram.octets.len()].copy_from_slice(datagram.octets);
                datagram.octets.len()
            });
        }
    }

    fn replies(client: &UdpSocket, count: usize) -> Vec<u8> {
        let mut octet = [0];
        (0..count).map(|_| client.recv(&mut octet).map(|_| octet[0]).unwrap()).collect()
    }

    #[test]
    fn a_reply_that_the_kernel_refuses_costs_no_other_reply() {
        let (socket, client, mut batch) = batch_of(5);
        for refused in [0, 2, 4] {
            // Broadcast without SO_BROADCAST is EACCES.
            let source: *mut sockaddr_storage = batch.sources.get_mut(refused);
            // SAFETY: the kernel wrote an IPv4 address there.
            unsafe { (*source.cast::<sockaddr_in>()).sin_addr.s_addr = u32::MAX };
        }
        echo(&mut batch);
        assert_eq!(batch.send(&socket), Sent { sent: 2, failed: 3 });
        assert_eq!(replies(&client, 2), [1, 3]);
    }

    #[test]
    fn what_an_error_costs_is_one_reply_unless_there_is_no_room() {
        for (errno, cost) in [
            (libc::EINTR, 0),
            (libc::EPERM, 1),
            (libc::EMSGSIZE, 1),
            (libc::ECONNREFUSED, 1),
            (libc::EAGAIN, 7),
            (libc::ENOBUFS, 7),
        ] {
            assert_eq!(not_sent(&io::Error::from_raw_os_error(errno), 7), cost, "errno {errno}");
        }
    }

    #[test]
    fn unanswered_datagrams_leave_no_gap_in_the_replies() {
        let (socket, client, mut batch) = batch_of(6);
        for at in 0..6 {
            batch.answer(at, |datagram, out| {
                out[0] = datagram.octets[0];
                usize::from(datagram.octets[0] % 2 == 1)
            });
        }
        assert_eq!(batch.send(&socket), Sent { sent: 3, failed: 0 });
        assert_eq!(replies(&client, 3), [1, 3, 5]);
        assert_eq!(batch.send(&socket), Sent::default(), "a batch is sent once");
    }

    #[test]
    fn a_datagram_longer_than_the_buffer_is_known_to_be_cut() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for len in [RECEIVE_MAX, RECEIVE_MAX + 1, 0] {
            client.send_to(&vec![7; len], socket.local_addr().unwrap()).unwrap();
        }
        let mut batch = Batch::new(false);
        assert_eq!(batch.receive(&socket, Wait::First).unwrap(), 3);
        for (at, expected) in [(RECEIVE_MAX, false), (RECEIVE_MAX, true), (0, false)].into_iter().enumerate() {
            batch.answer(at, |datagram, _| {
                assert_eq!((datagram.octets.len(), datagram.cut), expected);
                assert_eq!(datagram.source, client.local_addr().unwrap());
                0
            });
        }
    }

    #[test]
    fn a_connected_socket_replies_to_its_peer() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        for octet in [4, 5, 6] {
            server.send_to(&[octet], client.local_addr().unwrap()).unwrap();
        }
        let mut batch = Batch::for_peer();
        assert_eq!(batch.receive(&client, Wait::First).unwrap(), 3);
        batch.answer(0, |datagram, _| {
            assert_eq!((datagram.source.port(), datagram.octets), (0, &[4][..]));
            0
        });
        batch.answer(1, |_, out| {
            out[0] = 7;
            1
        });
        assert_eq!(batch.send(&client), Sent { sent: 1, failed: 0 });
        assert_eq!(replies(&server, 1), [7]);
    }

    #[test]
    fn a_full_queue_says_so_and_what_it_dropped() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let empty = ReceiveQueue::of(&socket).unwrap();
        assert_eq!((empty.octets, empty.dropped, empty.datagrams()), (0, 0, 0));
        let mut sent = 0;
        let full = loop {
            client.send_to(&[7; 40], socket.local_addr().unwrap()).unwrap();
            sent += 1;
            let queue = ReceiveQueue::of(&socket).unwrap();
            if queue.dropped == 10 {
                break queue;
            }
            assert!(sent < 1_000_000, "{queue:?}");
        };
        let waiting = sent - 10;
        assert!(
            full.octets <= full.limit + 4_096 && (waiting / 2..=waiting).contains(&full.datagrams()),
            "{waiting} of {full:?}"
        );
    }

    #[test]
    fn a_socket_with_nothing_to_read_says_so() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut batch = Batch::new(false);
        assert_eq!(batch.receive(&socket, Wait::No).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(batch.len(), 0);
    }
}
