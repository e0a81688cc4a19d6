//! Commands by the hundred leave no descriptor and no zombie. Alone in its file: it counts what the process has.

#[path = "support/probing.rs"]
mod probing;
#[path = "support/processes.rs"]
mod processes;

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use probing::{PATIENTLY, endpoint, id, prober};
use processes::await_none;
use waypost::health::command::CommandCheck;
use waypost::health::protocol::Protocol;
use waypost::health::timing::Deadlines;

#[tokio::test]
async fn commands_leave_no_descriptor_and_no_zombie() {
    let prober = prober(Vec::new());
    let scripts = ["exit 0", "exit 3", "/bin/sleep 1000", "/bin/sleep 1000 & exit 0", "kill -KILL $$", "exec /no/such/program"];
    let run = async |rounds: usize| {
        for (script, limit) in scripts.into_iter().cycle().zip([20, 1, 50].into_iter().cycle()).take(rounds) {
            let deadlines = Deadlines { connect: Duration::from_millis(limit), ..PATIENTLY };
            let program = if script.contains("/no/such") { "/no/such/program" } else { "/bin/sh" };
            let command = CommandCheck { program: program.into(), arguments: vec!["-c".into(), script.into()] };
            let check = endpoint(SocketAddr::from(([127, 0, 0, 1], 81)), Protocol::Command(command), deadlines);
            prober.probe(&id(), &check).await;
        }
    };
    // Whatever is made once is made now.
    run(scripts.len()).await;
    let me = std::process::id();
    await_none(|process| process.parent == me);
    let before = descriptors();
    run(40 * scripts.len()).await;
    await_none(|process| process.parent == me);
    // The thread that has seen a command's end closes its descriptor in a moment.
    let deadline = Instant::now() + Duration::from_secs(20);
    while descriptors() > before {
        assert!(Instant::now() < deadline, "{} descriptors, and {before} before", descriptors());
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
