//! Files of older formats, brought to today's one step at a time.
use super::error::Broken;
use super::json::Item;

/// From one format to the next, over the file as it was read. What a step does not know it leaves for the decoder to name.
pub(super) type Step = fn(Item) -> Result<Item, Broken>;

/// The step at index `n` reads format `n + 1` and gives format `n + 2`. Format 1 is the first there was, so there is no step
/// until there is a second.
pub(super) const STEPS: &[Step] = &[];

/// The format that the last step gives: today's.
pub(super) const fn newest(steps: &[Step]) -> u64 {
    steps.len() as u64 + 1
}

/// Brings a file from its format to the newest.
pub(super) fn migrate(mut file: Item, format: u64, steps: &[Step]) -> Result<Item, Broken> {
    let done = usize::try_from(format.saturating_sub(1)).unwrap_or(usize::MAX);
    for step in steps.iter().skip(done) {
        file = step(file)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::file::json::{What, parse};

    fn append(file: Item, number: u64) -> Result<Item, Broken> {
        let What::List(mut items) = file.what else {
            return Err(Broken::syntax(file.at, String::new(), "not a list"));
        };
        items.push(Item { at: file.at, what: What::Number(number.into()) });
        Ok(Item { at: file.at, what: What::List(items) })
    }

    #[test]
    fn each_step_from_a_files_format_on_is_taken_once_in_order() {
        let steps: [Step; 3] = [|it| append(it, 2), |it| append(it, 3), |it| append(it, 4)];
        assert_eq!(newest(&steps), 4);
        for (format, expected) in [(1, "[2,3,4]"), (2, "[3,4]"), (4, "[]")] {
            let file = migrate(parse("[]").unwrap(), format, &steps).unwrap();
            assert_eq!(file.to_value().to_string(), expected);
        }
    }

    #[test]
    fn a_step_that_fails_ends_it() {
        let steps: [Step; 2] = [|it| append(it, 2), |it| append(it, 3)];
        assert_eq!(migrate(parse("{}").unwrap(), 1, &steps).unwrap_err().message, "not a list");
    }
}
