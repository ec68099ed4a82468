//! A project that can only be looked at. It holds a session and hands out none of it, so a command that has nothing else can
//! neither send a write, nor save state, nor take its lock.

use std::collections::BTreeMap;

use super::args::Common;
use super::exit::Stop;
use super::screen::Screen;
use super::session::Session;
use crate::persona::name::Pointer;
use crate::plan::drift::{Watch, drift};
use crate::plan::value::{item, leaves, lookups, replace};
use crate::plan::{Address, Drift};
use crate::reconcile::Interest;

/// A project that can only be looked at.
pub(super) struct Onlooker(Session);

impl Onlooker {
    /// Opens a project without its lock.
    ///
    /// # Errors
    /// When the files have problems, state cannot be read, or an account has no key.
    pub(super) async fn open(common: &Common, screen: &Screen) -> Result<Self, Stop> {
        let mut session = Session::open(common, screen, None, None).await?;
        // A name whose catalogue cannot be read is taken to lead where it led to when it was last written.
        for address in session.unnamed.keys() {
            let record = session.state.objects.get(session.moves.get(address).unwrap_or(address));
            let (Some(resource), Some(record)) = (session.desired.get_mut(address), record) else { continue };
            let open: Vec<Pointer> = lookups(&resource.fields).into_iter().map(|(path, ..)| path).collect();
            for path in open {
                if let Some(id) = item(&record.applied, &path) {
                    replace(&mut resource.fields, &path, id.clone());
                }
            }
        }
        Ok(Self(session))
    }

    /// Reads every recorded object and compares it with what was last written.
    ///
    /// # Errors
    /// When a selection matches nothing.
    pub(super) async fn drift(&self, ignore: &[Pointer]) -> Result<Drift, Stop> {
        let session = &self.0;
        session.check_selection()?;
        let scope = |address: &Address| {
            session.selects(address) || session.moves.iter().any(|(new, old)| old == address && session.selects(new))
        };
        let recorded = &session.state.objects;
        // Only recorded objects are asked for: what the files want beside them cannot have drifted.
        let (nothing, no_moves, no_creates) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let interest = Interest { desired: &nothing, recorded, pending: &no_creates, moves: &no_moves, scope: &scope };
        let refreshed = session.refresh(interest).await;
        Ok(drift(&Watch {
            accounts: &session.sides(),
            recorded,
            observed: &refreshed.observed,
            desired: &session.desired,
            moves: &session.moves,
            scope: &scope,
            ignore,
        }))
    }

    /// Whether a pointer names something that we wrote anywhere.
    pub(super) fn wrote(&self, pointer: &Pointer) -> bool {
        self.0.state.objects.values().any(|record| leaves(&record.applied).iter().any(|(path, _)| pointer.covers(path)))
    }
}
