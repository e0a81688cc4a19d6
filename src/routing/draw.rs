//! Chance, as an argument: one random number per query, spent digit by digit.
//!
//! Reads no random source. Invariant: over all draws in `0..a*b*…` each combination of `below(a)`, `below(b)`, …
//! comes up exactly once (the number's mixed-radix digits), so laws about shares need no statistics.

/// The chance one query was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// A number below `bound`, which must not be 0; what is left of the draw serves the next question.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        let bound = u64::from(bound);
        let digit = self.0 % bound;
        self.0 /= bound;
        digit as u32
    }
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
}
