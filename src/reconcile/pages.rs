//! Lists, page by page. The first page comes alone; what it tells of the others decides how many are asked for at once, and whether
//! reading the rest is worth it. Only ever reads.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};

use super::connection::Failure;
use super::reader::Reader;
use crate::plan::RemoteId;
use crate::provider::{Listed, Page};

/// What a list is read for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Everything that is there.
    All,
    /// Some objects, which could be read one by one as well: the list ends as soon as they were seen, or as soon as reading those that
    /// are left by themselves takes no more requests than its further pages.
    Wanted,
}

/// Reads the whole list of an account: each object once, in the order of the pages.
///
/// # Errors
/// When a page of it cannot be read.
pub async fn list_all(reader: Reader<'_>) -> Result<Vec<Listed>, Failure> {
    list(reader, BTreeSet::new(), Purpose::All, |_| true).await
}

/// Reads a list. `wanted` are objects that are believed to be on it; what `keep` does not want is dropped as soon as it was seen.
///
/// Each object comes once, in the order of the pages.
///
/// # Errors
/// When a page that belongs to the list cannot be read: a part of a list is no list.
pub(super) async fn list(
    reader: Reader<'_>,
    wanted: BTreeSet<&RemoteId>,
    purpose: Purpose,
    keep: impl Fn(&Listed) -> bool,
) -> Result<Vec<Listed>, Failure> {
    let mut items = Vec::new();
    let mut seen: BTreeSet<RemoteId> = BTreeSet::new();
    let mut unseen = wanted;
    let (mut read, mut wave) = (0, 1);
    loop {
        let mut pages = stream::iter(read + 1..=read + wave).map(|number| reader.page(number)).buffered(reader.at_once());
        let mut last = None;
        // In their order: what follows the end of the list is not looked at, whatever it is.
        while let Some(page) = pages.next().await {
            let Page { items: page, more, pages } = page?;
            read += 1;
            let (before, length) = (seen.len(), page.len());
            for item in page {
                unseen.remove(&item.id);
                if seen.insert(item.id.clone()) && keep(&item) {
                    items.push(item);
                }
            }
            // A page with nothing new on it ends the list too: some services answer beyond the last page with the last page.
            if !more || seen.len() == before || (matches!(purpose, Purpose::Wanted) && unseen.is_empty()) {
                return Ok(items);
            }
            last = Some((length, pages));
        }
        let Some((length, total)) = last else { return Ok(items) };
        let unseen = u32::try_from(unseen.len()).unwrap_or(u32::MAX);
        wave = match total.and_then(|total| total.checked_sub(read)).filter(|further| *further > 0) {
            Some(further) if matches!(purpose, Purpose::Wanted) && unseen <= further => return Ok(items),
            Some(further) => further,
            // Where nobody says how many there are, what we know to be left fills so many at least.
            None if matches!(purpose, Purpose::Wanted) && unseen <= read => return Ok(items),
            None => unseen.div_ceil(u32::try_from(length).unwrap_or(u32::MAX).max(1)).max(1),
        };
    }
}
