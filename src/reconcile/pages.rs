//! Lists, page by page. The first page comes alone; what it tells of the others decides how many are asked for at once, and whether
//! reading the rest is worth it. Only ever reads.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};

use super::connection::Failure;
use crate::plan::RemoteId;
use crate::provider::Page;

/// From this many known objects on, whole lists are read instead of single objects.
pub(super) const LIST_FROM: usize = 5;

/// What a list is read for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Everything that is there.
    All,
    /// Some objects, which could be read one by one as well: the list ends as soon as they were seen, or as soon as reading those that
    /// are left by themselves takes no more requests than its further pages.
    Wanted,
}

/// Asks for one page after the other, up to `at_once` of them side by side, and hands them over in their order, each with its number
/// and without what an earlier one has shown.
///
/// # Errors
/// When a page that belongs to the list cannot be read: a part of a list is no list. What came before has been handed over.
pub(super) async fn walk<F: Future<Output = Result<Page, Failure>>>(
    ask: impl Fn(u32) -> F,
    at_once: usize,
    wanted: BTreeSet<&RemoteId>,
    purpose: Purpose,
    mut take: impl FnMut(u32, Page),
) -> Result<(), Failure> {
    let mut seen: BTreeSet<RemoteId> = BTreeSet::new();
    let mut unseen = wanted;
    let (mut read, mut wave) = (0, 1);
    loop {
        let mut pages = stream::iter(read + 1..=read + wave).map(&ask).buffered(at_once);
        let mut last = None;
        // In their order: what follows the end of the list is not looked at, whatever it is.
        while let Some(page) = pages.next().await {
            let mut page = page?;
            read += 1;
            let (before, length, more, total) = (seen.len(), page.items.len(), page.more, page.pages);
            page.items.retain(|item| {
                unseen.remove(&item.id);
                seen.insert(item.id.clone())
            });
            take(read, page);
            // A page with nothing new on it ends the list too: some services answer beyond the last page with the last page.
            if !more || seen.len() == before || (matches!(purpose, Purpose::Wanted) && unseen.is_empty()) {
                return Ok(());
            }
            last = Some((length, total));
        }
        let Some((length, total)) = last else { return Ok(()) };
        let unseen = u32::try_from(unseen.len()).unwrap_or(u32::MAX);
        wave = match total.and_then(|total| total.checked_sub(read)).filter(|further| *further > 0) {
            Some(further) if matches!(purpose, Purpose::Wanted) && unseen <= further => return Ok(()),
            Some(further) => further,
            // Where nobody says how many there are, what we know to be left fills so many at least.
            None if matches!(purpose, Purpose::Wanted) && unseen <= read => return Ok(()),
            None => unseen.div_ceil(u32::try_from(length).unwrap_or(u32::MAX).max(1)).max(1),
        };
    }
}
