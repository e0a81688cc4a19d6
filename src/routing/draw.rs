//! Chance, as an argument: one random number per query, spent digit by digit.
//!
//! Reads no random source. Invariant: over all draws in `0..a*b*…` each combination of `below(a)`, `below(b)`, …
//! comes up exactly once (they are the number's mixed-radix digits), so laws about shares need no statistics. That
//! holds until `PERIOD_MIN` would be passed; then the number is mixed anew, so that deep trees do not run dry.

use super::chance::Chance;

/// The chance one query was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    rest: u64,
    /// How many values `rest` can still have.
    period: u64,
    seed: u64,
}

/// What must be left of the period after a question, so that its shares are exact to one in four thousand million.
const PERIOD_MIN: u64 = 1 << 32;

impl Draw {
    /// A draw made of one number, random or chosen.
    #[inline]
    pub fn new(number: u64) -> Self {
        Self { rest: number, period: u64::MAX, seed: number }
    }

    /// A number below `bound`, which must not be 0; what is left of the draw serves the next question.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        let bound = u64::from(bound);
        let mut period = self.period / bound;
        if period < PERIOD_MIN {
            *self = Self::new(mix(self.seed));
            period = self.period / bound;
        }
        self.period = period;
        let digit = self.rest % bound;
        self.rest /= bound;
        digit as u32
    }
}

impl Chance for Draw {
    #[inline]
    fn happens(&mut self, part: u32, whole: u32) -> bool {
        self.below(whole) < part
    }

    #[inline]
    fn share<T>(&mut self, total: u32, shares: impl Iterator<Item = (T, u32)>) -> T {
        let mut at = self.below(total);
        for (whose, share) in shares {
            match at.checked_sub(share) {
                None => return whose,
                Some(rest) => at = rest,
            }
        }
        unreachable!("the draw is below the sum of the shares")
    }

    #[inline]
    fn order(&mut self, bound: u32) -> u32 {
        self.below(bound)
    }
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_comes_up_once_in_a_period() {
        let mut seen: Vec<(u32, u32)> = (0..15).map(Draw::new).map(|mut draw| (draw.below(3), draw.below(5))).collect();
        seen.sort();
        let all: Vec<(u32, u32)> = (0..3).flat_map(|a| (0..5).map(move |b| (a, b))).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_draw_does_not_run_dry() {
        let mut draw = Draw::new(3);
        let digits: Vec<u32> = (0..200).map(|_| draw.below(1000)).collect();
        assert!(digits[100..].iter().any(|digit| *digit != digits[100]));
    }
}
