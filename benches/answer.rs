//! How long one answer takes: parse, look up, choose, copy, append OPT. Wall time: compare within one run only.

mod scenes;

use criterion::{Criterion, criterion_group, criterion_main};
use scenes::{SCENES, Scene};

fn answers(criterion: &mut Criterion) {
    for cookie in [false, true] {
        let mut group = criterion.benchmark_group(if cookie { "answer with cookie" } else { "answer" });
        for (scene, ..) in SCENES {
            let mut asked = Scene::new(scene, cookie);
            let mut draw = 0;
            group.bench_function(scene, |bencher| {
                bencher.iter(|| {
                    draw += 1;
                    asked.answer(draw)
                })
            });
        }
        group.finish();
    }
}

criterion_group!(benches, answers);
criterion_main!(benches);
