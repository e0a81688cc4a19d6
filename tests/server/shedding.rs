//! A worker that can't keep up: which queries it answers, and what it counts.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// More than any socket holds that was given less than 4 MiB, and as many as make an overload of one that was given more.
const QUERIES: u32 = 6_000;

/// What a worker may let a query wait.
const SHED_AFTER: Duration = Duration::from_millis(50);

/// An echo that waits at each message that begins with 0: it says so, and goes on when it is told to.
struct Slow {
    server: Server,
    client: UdpSocket,
    at_work: Receiver<()>,
    go_on: Sender<()>,
}

impl Slow {
    fn start(shed_after: Option<Duration>) -> Self {
        let (says, at_work) = channel();
        let (go_on, told) = channel::<()>();
        let told = Arc::new(Mutex::new(told));
        let waiting = move |message: &[u8], asker: &Asker, out: &mut [u8]| {
            if message[0] == 0 {
                says.send(()).unwrap();
                told.lock().unwrap().recv().unwrap();
            }
            echo(message, asker, out)
        };
        let server = start(bind(&["127.0.0.1:0"], 1), waiting, Limits { shed_after, ..Limits::default() });
        let client = client("127.0.0.1:0");
        client.connect(server.address).unwrap();
        Self { server, client, at_work, go_on }
    }

    /// Has the worker take a batch's time for the first of many queries that wait, and then answer as fast as it can.
    fn overload(&self) {
        self.client.send(&[0]).unwrap();
        self.at_work.recv_timeout(PATIENCE).unwrap();
        for number in 0..QUERIES {
            let head = if number == 0 { 0 } else { 1 };
            let message = [&[head][..], &number.to_be_bytes()].concat();
            self.client.send(&message).unwrap();
        }
        self.go_on.send(()).unwrap();
        self.at_work.recv_timeout(PATIENCE).unwrap();
        // The whole batch waits for its first query.
        assert_eq!(self.client.recv(&mut [0; 8]).unwrap(), 1);
        self.client.set_read_timeout(Some(SHED_AFTER * 2)).unwrap();
        assert_eq!(self.client.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
        self.go_on.send(()).unwrap();
    }

    /// Stops the server once it has answered what it was slow with and some of what waited meanwhile; the numbers of the
    /// replies, and what was counted.
    async fn stop(self) -> (Vec<u32>, String) {
        self.client.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut numbers: Vec<u32> = (0..=64).map(|_| number(&self.client).unwrap()).collect();
        let counted = self.server.stop().await;
        self.client.set_nonblocking(true).unwrap();
        numbers.extend(std::iter::from_fn(|| number(&self.client)));
        (numbers, counted)
    }
}

/// The number of the next reply.
fn number(client: &UdpSocket) -> Option<u32> {
    let mut reply = [0; 8];
    let len = client.recv(&mut reply).ok()?;
    Some(u32::from_be_bytes(reply[1..len].try_into().unwrap()))
}

fn counted(scrape: &str, series: &str) -> u32 {
    let line = scrape.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("no {series} in\n{scrape}"));
    line.trim().parse().unwrap()
}

const SHED: &str = r#"waypost_dropped_total{transport="udp",reason="shed"}"#;
const RESPONSES: &str = r#"waypost_responses_total{transport="udp",rcode="NOERROR"}"#;
const KERNEL_DROPPED: &str = "waypost_udp_kernel_dropped_total";

#[tokio::test]
async fn the_oldest_are_shed_and_the_newest_answered_when_more_wait_than_can_be_answered_in_time() {
    let slow = Slow::start(Some(SHED_AFTER));
    slow.overload();
    let (numbers, scrape) = slow.stop().await;
    let held = QUERIES - counted(&scrape, KERNEL_DROPPED);
    let newest: Vec<u32> = numbers.iter().copied().filter(|number| *number >= 64).collect();
    // What was received before anybody could know that it is slow, and of the rest the last batches.
    assert_eq!(numbers[..64], (0..64).collect::<Vec<_>>());
    assert!((64..128).contains(&newest.len()), "{newest:?}");
    assert_eq!(newest, (held - newest.len() as u32..held).collect::<Vec<_>>());
    assert_eq!(counted(&scrape, SHED) + numbers.len() as u32, held, "each is counted once");
    assert_eq!(counted(&scrape, RESPONSES), numbers.len() as u32 + 1);
}

#[tokio::test]
async fn nothing_is_shed_when_that_is_off() {
    let slow = Slow::start(None);
    slow.overload();
    let (_, scrape) = slow.stop().await;
    assert_eq!(counted(&scrape, SHED), 0);
    assert_eq!(counted(&scrape, RESPONSES) + counted(&scrape, KERNEL_DROPPED), QUERIES + 1);
}

#[tokio::test]
async fn nothing_is_shed_where_what_waits_is_answered_soon() {
    let slow = Slow::start(Some(Duration::from_secs(3_600)));
    slow.overload();
    let (_, scrape) = slow.stop().await;
    assert_eq!(counted(&scrape, SHED), 0);
}
