//! "Did you mean": the nearest known name.

/// The name nearest to what was written, if any is near enough.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let plain = |text: &str| text.chars().filter(|it| it.is_alphanumeric()).collect::<String>().to_lowercase();
    let wanted = plain(written);
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| {
            let candidate = plain(name);
            // `lowercase` for `lower`, `to_upper` for `upper`: one contains the other.
            let within =
                candidate.len() >= 4 && (wanted.contains(&candidate) || candidate.contains(&wanted) && wanted.len() >= 4);
            let far = distance(&wanted, &candidate);
            (if within { far.min(1) } else { far }, name)
        })
        .filter(|(far, _)| *far <= allowed)
        .min_by_key(|(far, name)| (*far, name.len()))
        .map(|(_, name)| name)
}

/// Edits between two short texts, a swap of neighbours counting as one.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
