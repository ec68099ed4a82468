//! What to believe when a write may have been done although nobody said so: the object is read, and compared with what it was
//! and with what it would be.

use serde_json::{Map, Value};

use super::connection::{Connection, Failure};
use super::verify;
use crate::plan::{Change, Live, Method, RemoteId, Request};

/// Decides about a write whose answer is missing or leaves it open: done where the object is as predicted; not done where it is
/// as before and the service did answer. Everything else stays as doubtful as it was.
///
/// `before` and `predicted` are the object before and after this one request.
///
/// # Errors
/// The failure, in doubt or not.
pub(super) async fn settled(
    connection: &Connection,
    (change, applied): (&Change, &Map<String, Value>),
    id: Option<&RemoteId>,
    request: &Request,
    failure: Failure,
    (before, predicted): (&Live, &Live),
) -> Result<Option<Live>, Failure> {
    let (true, true, Some(id)) = (failure.maybe_done, connection.provider.rules().read, id) else { return Err(failure) };
    let found = connection.read(id, &[applied]).await;
    if request.method == Method::Delete && matches!(found, Ok(None)) {
        return Ok(None);
    }
    let Ok(Some(found)) = found else { return Err(failure) };
    let rules = connection.provider.rules();
    let is = |expected: &Live| verify::differences(change, applied, Some(before), expected, &found, rules).is_empty();
    // Where the request changes nothing that a read shows, there is nothing to tell the two apart by.
    let (as_before, as_predicted) = (found.digest() == before.digest(), is(predicted) && !is(before));
    if as_predicted {
        return Ok(Some(found));
    }
    // A gateway's 502 or 504 does not end what is done behind it, and neither does a lost connection.
    if as_before && matches!(failure.status, Some(500 | 503)) {
        return Err(Failure { maybe_done: false, ..failure });
    }
    let seen = if as_before {
        "it was not done when the object was read again"
    } else {
        "the object is now neither as before nor as planned"
    };
    Err(Failure { message: format!("{}; {seen}", failure.message), ..failure })
}
