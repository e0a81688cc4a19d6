//! Medians and their spread, and numbers as people read them.

/// The middle of some numbers, and the least and the most of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// None of no numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Self { median, least, most })
    }

    /// The median with `digits` after the point, and the others in brackets.
    pub fn show(self, digits: usize) -> String {
        let Self { median, least, most } = self;
        if least == most {
            return format!("{median:.digits$}");
        }
        format!("{median:.digits$} [{least:.digits$} to {most:.digits$}]")
    }

    /// As [`Spread::show`], in thousands.
    pub fn show_thousands(self) -> String {
        let Self { median, least, most } = self;
        Self { median: median / 1e3, least: least / 1e3, most: most / 1e3 }.show(0)
    }
}

/// A share as the ticks found it, and what finding it so costs in certainty: its standard error.
pub fn share(of: u64, others: u64) -> (f64, f64) {
    let total = (of + others) as f64;
    if total == 0.0 {
        return (0.0, 0.0);
    }
    let share = of as f64 / total;
    (share, (share * (1.0 - share) / total).sqrt())
}
