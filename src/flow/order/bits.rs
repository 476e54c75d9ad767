//! Sets of small numbers, one a row.

/// Rows of bits of one width.
#[derive(Debug, Clone)]
pub(super) struct BitRows {
    words: Vec<u64>,
    stride: usize,
}

impl BitRows {
    pub(super) fn new(rows: usize, width: usize) -> Self {
        let stride = width.div_ceil(64);
        Self { words: vec![0; rows * stride], stride }
    }

    pub(super) fn set(&mut self, row: usize, bit: usize) {
        self.words[row * self.stride + bit / 64] |= 1 << (bit % 64);
    }

    pub(super) fn get(&self, row: usize, bit: usize) -> bool {
        self.words[row * self.stride + bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Adds all of `other` to `row`.
    pub(super) fn unite(&mut self, row: usize, other: usize) {
        for at in 0..self.stride {
            self.words[row * self.stride + at] |= self.words[other * self.stride + at];
        }
    }

    /// Keeps of `row` only what is in `other`, or is `also`.
    pub(super) fn intersect_with(&mut self, row: usize, other: usize, also: Option<usize>) {
        for at in 0..self.stride {
            let extra = also.filter(|bit| bit / 64 == at).map_or(0, |bit| 1 << (bit % 64));
            self.words[row * self.stride + at] &= self.words[other * self.stride + at] | extra;
        }
    }

    /// What is in a row, ascending.
    pub(super) fn ones(&self, row: usize) -> impl Iterator<Item = usize> {
        let words = &self.words[row * self.stride..(row + 1) * self.stride];
        words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(at * 64 + bit)
            })
        })
    }
}
