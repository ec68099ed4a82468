//! `list`: what can be named with `$lookup` at an account.

use serde_json::json;

use super::args::{Common, Format, ListArgs};
use super::exit::{Exit, Stop};
use super::screen::Screen;
use super::selection::matches;
use super::session::Session;
use crate::persona::name::AccountName;
use crate::provider::Catalogue;
use crate::reconcile::lookup;

/// Lists the things of one kind at one account.
///
/// # Errors
/// When there is no such account or kind, or the service cannot be read.
pub(super) async fn list(common: &Common, screen: &Screen, args: &ListArgs) -> Result<Exit, Stop> {
    let account = AccountName::new(&args.account);
    let session = Session::open_account(common, screen, &account).await?;
    let Some(connection) = session.connections.get(&account) else {
        let known: Vec<String> = session.project.accounts.keys().map(|name| format!("`{name}`")).collect();
        return Err(
            Stop::failed(format!("there is no account `{account}`")).with_help(format!("configured are {}", known.join(", ")))
        );
    };
    let title = connection.provider.service().title;
    let catalogue = of_kind(connection.provider.catalogues(), &args.kind).ok_or_else(|| {
        let kinds: Vec<String> =
            connection.provider.catalogues().iter().map(|catalogue| format!("`{}`", catalogue.kind)).collect();
        let stop = Stop::failed(format!("{title} lists nothing of the kind `{}`", args.kind));
        match kinds.is_empty() {
            true => stop.with_help(format!("{title} has no lists, so ids must be written")),
            false => stop.with_help(format!("kinds are {}", kinds.join(", "))),
        }
    })?;
    let mut items = lookup::catalogue(connection, catalogue).await.map_err(|failure| {
        let stop = Stop::failed(format!("{}: {}", failure.request, failure.message));
        match failure.help {
            Some(help) => stop.with_help(help),
            None => stop,
        }
    })?;
    if let Some(pattern) = &args.pattern {
        let pattern = pattern.to_lowercase();
        items.retain(|item| matches(&pattern, &item.name.to_lowercase()));
    }
    match screen.format {
        Format::Json => {
            let items: Vec<_> =
                items.iter().map(|item| json!({ "name": item.name, "id": item.id, "about": item.about })).collect();
            screen.json(&json!({ "account": account, "kind": catalogue.kind, "items": items }));
        }
        _ => {
            let width = items.iter().map(|item| item.name.chars().count()).max().unwrap_or_default();
            let id_width = items.iter().map(|item| item.id.len()).max().unwrap_or_default();
            for item in &items {
                let line =
                    format!("{:width$}  {:id_width$}  {}", printable(&item.name), printable(&item.id), printable(&item.about));
                screen.result(&format!("{}\n", line.trim_end()));
            }
            let noun = if items.len() == 1 { "thing" } else { "things" };
            screen.hint(&format!("{} {noun}; write one as {{ $lookup: {{ {}: NAME }} }}", items.len(), catalogue.kind));
        }
    }
    Ok(Exit::Done)
}

/// The catalogue of a kind; the plural will do.
fn of_kind<'a>(catalogues: &'a [Catalogue], kind: &str) -> Option<&'a Catalogue> {
    let singular = kind.replace('-', "_");
    let is = |word: &str| catalogues.iter().find(|catalogue| catalogue.kind == word);
    is(&singular).or_else(|| is(singular.strip_suffix('s')?))
}

/// A text of the service without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
