//! What a list has to say to a campaign's texts.

use std::{fs, path::Path};

use volley_ingest::{Error as ListError, Frozen, Rejects};

use super::EMPTY_STOPS;
use crate::{
    Error,
    options::{CampaignOptions, FileError, TextKey, place_in_text},
    text::place_of_column,
};

/// A column that the list doesn't have, at its place in the campaign file where a text names it.
pub(super) fn placed(error: ListError, options: &CampaignOptions, campaign_file: &Path) -> Error {
    let place = |wanted: &str| {
        let keys = std::iter::once(TextKey::Message).chain((0..options.message.variants.len()).map(TextKey::Variant));
        let mut texts = options.message.texts().zip(keys);
        texts.find_map(|(text, key)| Some((key, place_of_column(text, wanted)?)))
    };
    let ListError::NoColumn { wanted, nearest, .. } = &error else { return error.into() };
    let file = fs::read_to_string(campaign_file).unwrap_or_default();
    let octet = place(wanted).and_then(|(key, at)| place_in_text(&file, key, at));
    let Some(octet) = octet else { return error.into() };
    let hint = nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"));
    let placed = FileError::new(campaign_file, error.to_string()).at_octet(&file, octet);
    hint.into_iter().fold(placed, FileError::with_hint).into()
}

/// Where an empty field is to stop all: says which row has the first.
pub(super) fn stop_at_empty(frozen: &Frozen, folder: &Path) -> Result<(), Error> {
    let Some(n_rows) = frozen.rejected.get(EMPTY_STOPS).copied() else { return Ok(()) };
    for rejected in Rejects::open(folder, &frozen.options.to)? {
        let rejected = rejected?;
        if rejected.code == EMPTY_STOPS {
            let (list, line) = (frozen.options.list.clone(), rejected.line);
            return Err(Error::EmptyField { list, line, column: rejected.column.unwrap_or_default(), n_rows });
        }
    }
    Ok(())
}
