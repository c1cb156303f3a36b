//! One finished message of a campaign to a phone of one's own, and what becomes of it. It belongs
//! to no campaign and leaves nothing in the journal.

mod exchange;

use std::path::PathBuf;

use serde_json::{Value, json};
use volley_core::{CampaignId, Clock as _, MessageToken, Msisdn, RowIndex, SystemClock};
use volley_ingest::{FreezeProgress, Plan, PlanChunk, PlanRow, Rejects};
use volley_pipeline::SubmitBatch;
use volley_smpp::text::reference;

use crate::{
    Engine, Error,
    erase::read,
    inspect::encoding_name,
    options::{CampaignOptions, CarrierKind, CarrierOptions, Carriers},
    preflight::{
        self,
        roles::{RoleColumns, RowValidity},
    },
    render::{
        LaneFormat,
        encode::{Encoder, Envelope},
        lane_format,
    },
    sample::Folder,
    text::{Composed, HOLD_OUT},
};

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct SendTest {
    /// The campaign file.
    pub campaign_file: PathBuf,
    /// The carriers file.
    pub carriers_file: PathBuf,
    /// The phone that gets it, as the campaign's list would write it. Never in a log.
    pub to: String,
    /// One of the campaign's carriers; its first if none is named.
    pub carrier: Option<String>,
    /// The line of the row whose values are taken; the first that can be sent if none is named.
    pub line: Option<u64>,
}

/// A message that is ready to be sent. It has no `Debug`: it holds a number.
pub struct TestMessage {
    carriers: Carriers,
    options: CarrierOptions,
    carrier: String,
    campaign: String,
    to: Msisdn,
    line: u64,
    variant: Option<String>,
    alphabet: &'static str,
    n_parts: u8,
    text: String,
    batch: SubmitBatch,
}

impl SendTest {
    /// That the phone is on no suppression list which applies to the campaign.
    ///
    /// # Errors
    /// [`Error::IsSuppressed`] with the cause; when the campaign file or the number can't be used.
    pub fn check_suppression(&self, engine: &Engine) -> Result<(), Error> {
        let options = CampaignOptions::load(&self.campaign_file)?;
        let to = self.recipient(&options)?;
        let suppressed = engine.suppressed(&options.audience.suppress)?;
        match suppressed.cause(to, engine.ground.clock.wall()) {
            None => Ok(()),
            Some(cause) => Err(Error::IsSuppressed { number: to.masked().to_string(), cause: cause.reason() }),
        }
    }

    /// Whether the campaign keeps to suppression lists of its own.
    ///
    /// # Errors
    /// When the campaign file can't be used.
    pub fn has_lists(&self) -> Result<bool, Error> {
        Ok(!CampaignOptions::load(&self.campaign_file)?.audience.suppress.is_empty())
    }

    /// Reads the list as for sending, and makes the message of one row.
    ///
    /// # Errors
    /// As a pre-flight; when the row gets no message, or the carrier is none of the campaign's.
    pub fn compose(&self, progress: &mut dyn FnMut(FreezeProgress)) -> Result<TestMessage, Error> {
        let folder = Folder::new()?;
        let listed =
            preflight::freeze_list(&self.campaign_file, &self.carriers_file, folder.path().to_owned(), None, progress)?;
        if listed.frozen.n_valid == 0 {
            return Err(Error::NothingToSend { n_rows: listed.frozen.n_rows });
        }
        let carriers = Carriers::load(&self.carriers_file)?;
        let plan = Plan::open(folder.path())?;
        let mut chunk = PlanChunk::default();
        for number in 0..plan.n_chunks() {
            plan.read_chunk(number, &mut chunk)?;
            let mut rows = (0..=u16::MAX).map_while(|offset| chunk.row(offset));
            let wanted = rows.find(|row| match self.line {
                Some(line) => row.line == line,
                None => row.variant != HOLD_OUT,
            });
            if let Some(row) = wanted {
                return self.message(&listed.options, carriers, &plan, &row);
            }
        }
        let line = self.line.unwrap_or_default();
        for rejected in Rejects::open(folder.path(), &plan.frozen().options.to)? {
            let rejected = rejected?;
            if rejected.line == line {
                let why = format!("it is rejected, {}: {}", rejected.code, rejected.reason);
                return Err(Error::NoTestRow { line, why });
            }
        }
        let why = if self.line.is_some() { "no row begins there" } else { "every row is held out" };
        Err(Error::NoTestRow { line, why: why.to_owned() })
    }

    fn message(
        &self,
        campaign: &CampaignOptions,
        carriers: Carriers,
        plan: &Plan,
        row: &PlanRow<'_>,
    ) -> Result<TestMessage, Error> {
        let line = row.line;
        if row.variant == HOLD_OUT {
            return Err(Error::NoTestRow { line, why: "it is held out and gets nothing".to_owned() });
        }
        let to = self.recipient(campaign)?;
        let (name, options) = self.route(campaign, &carriers)?;
        let wrong = |what: String| lane_format::wrong(&carriers, name, &what);
        let format = preflight::message_format(campaign, &carriers)?;
        let mut composed = Composed::default();
        // It was made before, when the list was checked.
        let _ = format.compose(row.variant, |index| row.field(index), &mut composed);
        let validity = campaign.message.validity.map(|validity| validity.0);
        let lane = LaneFormat::new(options, &campaign.message.sender, validity, plan.columns()).map_err(wrong)?;
        let mut tlvs = Vec::new();
        lane.tlvs.put(|index| row.field(index), &mut tlvs).map_err(|refused| wrong(refused.what))?;
        let own = RoleColumns::new(&campaign.audience, plan.columns()).validity();
        let own = own.and_then(|column| RowValidity::parse(row.field(column)));
        let now = SystemClock.wall();
        let validity = lane.validity_period(now, own, None);
        let envelope = Envelope {
            sender: &campaign.message.sender,
            recipient: to,
            // Differs from test to test, so that handsets don't join parts of two.
            reference: reference(to.as_u64(), CampaignId((now.0 / 1_000_000) as u32).0),
            concat: format.segments.concat,
            validity_period: validity.as_ref().map_or(&[][..], |text| text.as_slice()),
            tlvs: &tlvs,
        };
        let segments = &composed.segments;
        let n_parts = u8::try_from(segments.len()).unwrap_or(u8::MAX);
        let (mut encoder, mut batch) = (Encoder::default(), SubmitBatch::default());
        for part in 0..n_parts {
            encoder.encode(&lane, &envelope, segments, MessageToken::new(RowIndex(0), part), &mut batch);
        }
        Ok(TestMessage {
            campaign: campaign.name.clone(),
            carrier: name.to_owned(),
            options: options.clone(),
            to,
            line,
            variant: campaign.message.variant_name(row.variant),
            alphabet: encoding_name(segments.encoding(), format.segments.alphabet),
            n_parts,
            text: segments.text(&composed.text).to_owned(),
            batch,
            carriers,
        })
    }

    fn recipient(&self, campaign: &CampaignOptions) -> Result<Msisdn, Error> {
        read(&self.to, campaign.audience.default_country.as_deref())
    }

    fn route<'a>(
        &self,
        campaign: &'a CampaignOptions,
        carriers: &'a Carriers,
    ) -> Result<(&'a str, &'a CarrierOptions), Error> {
        let names = || campaign.routes.iter().map(|route| route.carrier.as_str());
        let name = match &self.carrier {
            None => names().next(),
            Some(wanted) => names().find(|name| name == wanted),
        };
        let name = name.ok_or_else(|| Error::NoRoute {
            carrier: self.carrier.clone().unwrap_or_default(),
            known: names().collect::<Vec<_>>().join(", "),
        })?;
        Ok((name, carriers.get(name)?))
    }
}

impl TestMessage {
    /// Whether it leaves this machine: its carrier is neither simulated nor on loopback.
    #[must_use]
    pub fn leaves(&self) -> bool {
        let is_local = |host: &String| {
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        self.options.kind != CarrierKind::Simulated && !self.options.hosts.iter().all(is_local)
    }

    /// As JSON; the keys are a promise.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "campaign": self.campaign,
            "carrier": self.carrier,
            "to": format!("+{}", self.to.masked()),
            "line": self.line,
            "variant": self.variant,
            "alphabet": self.alphabet,
            "parts": self.n_parts,
            "characters": self.text.chars().count(),
            "text": self.text,
        })
    }
}
