//! An answer allocates nothing: every kind of answer that the benches ask for, counted by the allocator.
//!
//! Says nothing of the sockets, whose buffers are allocated once; refusals of malformed messages are counted too.

#[path = "../benches/scenes.rs"]
mod scenes;

use scenes::{SCENES, Scene};

#[test]
fn no_answer_allocates() {
    for (scene, ..) in SCENES {
        for cookie in [false, true] {
            let mut asked = Scene::new(scene, cookie);
            let counted = allocation_counter::measure(|| {
                for draw in 0..100 {
                    assert!(asked.answer(draw).len > 0);
                }
            });
            assert_eq!(counted.count_total, 0, "{scene}, with cookie: {cookie}");
        }
    }
}

#[test]
fn no_refusal_allocates() {
    let mut asked = Scene::new("static", false);
    for cut in 0..asked.message_len() {
        let counted = allocation_counter::measure(|| {
            asked.answer_first(cut);
        });
        assert_eq!(counted.count_total, 0, "the first {cut} octets");
    }
}
