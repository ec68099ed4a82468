//! The same work on the parts of a list, on as many threads as the machine has to offer: what is done to one file never depends on
//! another.

use std::thread::{available_parallelism, scope};

/// The least items that are worth a thread.
const LEAST: usize = 32;

/// The most threads: more would wait for the disk.
const MOST: usize = 8;

/// Cuts a list into parts, works on all of them at once, and gives the results in their order.
pub fn in_parts<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = available_parallelism().map_or(1, usize::from).min(MOST).min(items.len() / LEAST);
    if threads < 2 {
        return vec![work(items)];
    }
    scope(|scope| {
        let work = &work;
        let parts = items.chunks(items.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_in_their_order_and_none_is_lost() {
        for length in [0, 1, LEAST, 10 * LEAST + 7] {
            let items: Vec<usize> = (0..length).collect();
            let all: Vec<usize> = in_parts(&items, <[usize]>::to_vec).concat();
            assert_eq!(all, items);
        }
    }
}
