//! How a campaign's list is read: what the campaign file says, and what the list itself proposes.

use std::path::{Path, PathBuf};

use volley_ingest::{Error as ListError, ListOptions, Proposal, Role, is_stdin, propose};

use crate::{
    Error,
    options::{AudienceOptions, CampaignOptions, FileError},
};

/// Where the list is: absolute, so that a resume from elsewhere finds it when it looks whether it
/// changed.
fn path_of(options: &CampaignOptions, campaign_file: &Path) -> PathBuf {
    let list = Path::new(&options.audience.list);
    if is_stdin(list) {
        return list.to_owned();
    }
    let path = campaign_file.parent().unwrap_or(Path::new("")).join(list);
    std::path::absolute(&path).unwrap_or(path)
}

/// How the list is read, and what was proposed where the campaign file doesn't say.
pub(super) fn options(
    campaign: &CampaignOptions,
    campaign_file: &Path,
    columns: Vec<String>,
) -> Result<(ListOptions, Option<Proposal>), Error> {
    let AudienceOptions { to, default_country, country_column, encoding, delimiter, quote, header, .. } =
        campaign.audience.clone();
    let mut list = ListOptions {
        default_country,
        country_column,
        encoding,
        delimiter,
        quote,
        header,
        duplicates: campaign.audience.duplicates,
        clean_e164: campaign.audience.clean_e164,
        kinds: campaign.audience.kinds(),
        columns,
        ..ListOptions::new(path_of(campaign, campaign_file), to.clone().unwrap_or_default())
    };
    if to.is_some() {
        return Ok((list, None));
    }
    let proposal = propose(&list)?;
    let Some(number) = proposal.column(Role::Number) else {
        let header = proposal.header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("no column of {} looks like phone numbers", list.list.display());
        let error = FileError::new(campaign_file, message);
        return Err(error.with_hint(format!("name it with `to` under [audience]; there are {header}")).into());
    };
    list.to.clone_from(&number.column);
    Ok((list, Some(proposal)))
}

/// Looks at a campaign's list, or at any list, and says which column seems to hold what.
///
/// # Errors
/// When it can't be read.
pub fn propose_columns(list: &Path, default_country: Option<&str>) -> Result<Proposal, ListError> {
    let default_country = default_country.map(str::to_owned);
    propose(&ListOptions { default_country, ..ListOptions::new(list, "") })
}
