//! Combinations of a few of many, one after the other, and how many there are.
//!
//! Invariant: each combination comes once, its places ascending, in lexicographic order.

/// How many ways there are to choose `size` of `of`; the largest number where that would not fit.
pub(super) fn combinations(of: usize, size: usize) -> u64 {
    if size > of {
        return 0;
    }
    let mut ways: u128 = 1;
    for at in 0..size {
        // Of `at + 1` numbers in a row one is a multiple of it, so this divides without a rest.
        ways = ways * (of - at) as u128 / (at + 1) as u128;
        if ways > u128::from(u64::MAX) {
            return u64::MAX;
        }
    }
    ways as u64
}

/// Calls `visit` with each choice of `size` places of `of`.
pub(super) fn for_each(of: usize, size: usize, visit: &mut impl FnMut(&[usize])) {
    if size > of {
        return;
    }
    let mut chosen: Vec<usize> = (0..size).collect();
    loop {
        visit(&chosen);
        // The last place that can still move up; those behind it follow it closely.
        let Some(at) = (0..size).rev().find(|at| chosen[*at] < of - size + at) else { return };
        let first = chosen[at] + 1;
        chosen[at..].iter_mut().zip(first..).for_each(|(place, next)| *place = next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_comes_once_in_order() {
        for of in 0..9 {
            for size in 0..=of + 1 {
                let mut found = Vec::new();
                for_each(of, size, &mut |chosen| found.push(chosen.to_vec()));
                let all = (0u32..1 << of).filter(|set| set.count_ones() as usize == size);
                let mut expected: Vec<Vec<usize>> = all.map(|set| (0..of).filter(|at| set >> at & 1 == 1).collect()).collect();
                expected.sort();
                assert_eq!(found, expected, "{size} of {of}");
                assert_eq!(combinations(of, size), expected.len() as u64);
            }
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_the_largest() {
        assert_eq!(combinations(100_000, 2), 4_999_950_000);
        assert_eq!(combinations(1_000, 500), u64::MAX);
    }
}
