//! Chance as routing asks for it: questions with exact probabilities, answered by one random number ([`Draw`]) for a query,
//! or by every answer in turn ([`Paths`]) for whoever wants to know the shares.
//!
//! Reads no random source. Invariant: the probabilities of all paths sum to 1, and each is exact but for the rounding of
//! a floating-point product. The order of what is answered together is no question of [`Paths`]: it changes no value, and
//! eight values have 40,320 orders.
//!
//! [`Draw`]: super::draw::Draw

/// Answers questions of chance.
pub trait Chance {
    /// Whether something happens that happens in `part` of `whole` cases; `whole` is not 0.
    fn happens(&mut self, part: u32, whole: u32) -> bool;

    /// One of `shares`, each as likely as the number beside it; `total`, which is not 0, is their sum.
    fn share<T>(&mut self, total: u32, shares: impl Iterator<Item = (T, u32)>) -> T;

    /// A number below `bound`, which is not 0, that only puts into order what is answered together.
    fn order(&mut self, bound: u32) -> u32;

    /// Whether the client is left to chance too, so that what sticks to clients is shared out by weight.
    #[inline]
    fn is_over_clients(&self) -> bool {
        false
    }
}

/// Every way that chance can fall, one after the other.
///
/// Run a decision, read [`Paths::probability`], and go on with [`Paths::next_path`] while it says that there is another.
/// A run must ask the same questions when it gets the same answers.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// The questions of this path with more than one answer, as far as they have been asked.
    forks: Vec<Fork>,
    /// How many of them have been asked in this run.
    asked: usize,
    is_over_clients: bool,
}

/// One question with the answers that are left to be tried.
#[derive(Clone, Debug)]
struct Fork {
    /// The answer given, and its probability.
    taken: (usize, f64),
    /// Those not yet given, the next one last.
    left: Vec<(usize, f64)>,
}

impl Paths {
    pub fn new() -> Self {
        Self::default()
    }

    /// The ways over all clients at once, for shares of what sticks to clients.
    pub fn over_clients() -> Self {
        Self { is_over_clients: true, ..Self::default() }
    }

    /// How likely the path is that the last run went.
    pub fn probability(&self) -> f64 {
        self.forks.iter().map(|fork| fork.taken.1).product()
    }

    /// The same path once more, from its start.
    pub fn again(&mut self) -> &mut Self {
        self.asked = 0;
        self
    }

    /// Turns to the next path; false when all have been gone.
    pub fn next_path(&mut self) -> bool {
        self.asked = 0;
        while let Some(fork) = self.forks.last_mut() {
            if let Some(next) = fork.left.pop() {
                fork.taken = next;
                return true;
            }
            self.forks.pop();
        }
        false
    }

    /// The answer to the next question, whose answers are `likely` (each with its probability, never none).
    fn ask(&mut self, likely: impl Iterator<Item = (usize, f64)>) -> usize {
        let mut left: Vec<(usize, f64)> = likely.filter(|(_, probability)| *probability > 0.0).collect();
        if let [(only, _)] = left[..] {
            return only;
        }
        if self.asked == self.forks.len() {
            left.reverse();
            let taken = left.pop().expect("some answer is likely");
            self.forks.push(Fork { taken, left });
        }
        self.asked += 1;
        self.forks[self.asked - 1].taken.0
    }
}

impl Chance for Paths {
    fn happens(&mut self, part: u32, whole: u32) -> bool {
        let probability = f64::from(part.min(whole)) / f64::from(whole);
        self.ask([(1, probability), (0, 1.0 - probability)].into_iter()) == 1
    }

    fn share<T>(&mut self, total: u32, shares: impl Iterator<Item = (T, u32)>) -> T {
        let (mut whose, shares): (Vec<T>, Vec<u32>) = shares.unzip();
        let place = self.ask(shares.into_iter().map(|share| f64::from(share) / f64::from(total)).enumerate());
        whose.swap_remove(place)
    }

    fn order(&mut self, _: u32) -> u32 {
        0
    }

    fn is_over_clients(&self) -> bool {
        self.is_over_clients
    }
}

impl<C: Chance> Chance for &mut C {
    #[inline]
    fn happens(&mut self, part: u32, whole: u32) -> bool {
        C::happens(self, part, whole)
    }

    #[inline]
    fn share<T>(&mut self, total: u32, shares: impl Iterator<Item = (T, u32)>) -> T {
        C::share(self, total, shares)
    }

    #[inline]
    fn order(&mut self, bound: u32) -> u32 {
        C::order(self, bound)
    }

    #[inline]
    fn is_over_clients(&self) -> bool {
        C::is_over_clients(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `decide` on every path, and returns each outcome with its probability.
    fn walk<T>(mut decide: impl FnMut(&mut Paths) -> T) -> Vec<(T, f64)> {
        let mut paths = Paths::new();
        let mut outcomes = Vec::new();
        loop {
            let outcome = decide(&mut paths);
            outcomes.push((outcome, paths.probability()));
            if !paths.next_path() {
                return outcomes;
            }
        }
    }

    #[test]
    fn every_path_is_walked_once_with_its_probability() {
        // The second question is asked only after some answers to the first.
        let outcomes = walk(|chance| match chance.share(10, [(0, 7), (1, 0), (2, 3)].into_iter()) {
            2 => (2, chance.happens(1, 4)),
            place => (place, false),
        });
        assert_eq!(outcomes, [((0, false), 0.7), ((2, true), 0.3 * 0.25), ((2, false), 0.3 * 0.75)]);
    }

    #[test]
    fn what_is_certain_and_what_only_orders_makes_no_paths() {
        let outcomes = walk(|chance| {
            (chance.happens(4, 4), chance.happens(0, 4), chance.share(5, [(0, 0), (1, 5)].into_iter()), chance.order(8))
        });
        assert_eq!(outcomes, [((true, false, 1, 0), 1.0)]);
    }

    #[test]
    fn a_path_can_be_gone_again() {
        let mut paths = Paths::new();
        let decide = |paths: &mut Paths| (paths.happens(1, 2), paths.happens(1, 2));
        decide(&mut paths);
        while paths.next_path() {
            let first = decide(&mut paths);
            assert_eq!(decide(paths.again()), first);
        }
    }

    #[test]
    fn eight_of_ten_are_forty_five_subsets_each_as_likely() {
        // Knuth's algorithm S, as `multivalue` asks it.
        let outcomes = walk(|chance| {
            let (mut missing, mut chosen) = (8, 0u32);
            for left in (1..=10).rev() {
                if missing == left || missing > 0 && chance.happens(missing, left) {
                    missing -= 1;
                    chosen |= 1 << left;
                }
            }
            chosen
        });
        assert_eq!(outcomes.len(), 45);
        assert!(outcomes.iter().all(|(chosen, p)| chosen.count_ones() == 8 && (p - 1.0 / 45.0).abs() < 1e-12), "{outcomes:?}");
    }
}
