//! How one carrier wants its submits: fixed before the first is written.

use std::time::Duration;

use volley_core::UnixMicros;
use volley_smpp::{
    address::TonNpi,
    pdu::{TlvRule, TlvValueError},
    time::{absolute_utc, relative},
};

use crate::{
    options::{CarrierOptions, FileError, ValidityForm},
    preflight::roles::RowValidity,
};

/// The longest span that a relative validity period can say.
const RELATIVE_MAX_S: u64 = 30 * 86_400;

/// How one carrier wants its submits.
#[derive(Debug, Clone)]
pub(crate) struct LaneFormat {
    pub(crate) service_type: String,
    pub(crate) source: TonNpi,
    pub(crate) destination: TonNpi,
    pub(crate) destination_prefix: &'static str,
    /// Bits of esm_class beside the header's.
    pub(crate) esm_class: u8,
    pub(crate) protocol_id: u8,
    pub(crate) priority: u8,
    pub(crate) registered_delivery: u8,
    validity_form: ValidityForm,
    /// The campaign's.
    validity: Option<Duration>,
    /// What the carrier takes.
    min_validity: Option<Duration>,
    max_validity: Option<Duration>,
    pub(crate) tlvs: LaneTlvs,
}

/// The end of the hours in which a row may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) at: UnixMicros,
    /// How long it may take until a message that is made now is written.
    pub(crate) lead: Duration,
}

impl Closing {
    /// How long a message that is made at `wall` may be valid: a relative period counts from when
    /// the carrier takes it.
    fn left(self, wall: UnixMicros, form: ValidityForm) -> Duration {
        let left = self.at.since(wall);
        match form {
            ValidityForm::Relative => left.saturating_sub(self.lead),
            ValidityForm::Absolute | ValidityForm::None => left,
        }
    }
}

/// A carrier's own fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneTlvs {
    /// The same for every message, encoded.
    constant: Vec<u8>,
    columns: Vec<ColumnTlv>,
}

#[derive(Debug, Clone)]
struct ColumnTlv {
    rule: TlvRule,
    /// Of the list's kept columns.
    index: usize,
    column: String,
    required: bool,
}

/// Why a row's value can't be written.
#[derive(Debug)]
pub(crate) struct TlvRefused<'a> {
    pub(crate) column: &'a str,
    pub(crate) what: String,
}

impl LaneFormat {
    /// `columns`: what the list keeps, in its order.
    pub(crate) fn new(
        options: &CarrierOptions,
        sender: &str,
        validity: Option<Duration>,
        columns: &[String],
    ) -> Result<Self, String> {
        Ok(Self {
            service_type: options.service_type.clone(),
            source: options.ton_npi.of_sender(sender),
            destination: options.ton_npi.destination,
            destination_prefix: options.destination_prefix.text(),
            esm_class: options.message_mode.bits(),
            protocol_id: options.protocol_id,
            priority: options.priority,
            registered_delivery: options.registered_delivery.octet(options.intermediate_receipts),
            validity_form: options.validity_form,
            validity,
            min_validity: options.min_validity.map(|min| min.0),
            max_validity: options.max_validity.map(|max| max.0),
            tlvs: LaneTlvs::new(options, columns)?,
        })
    }

    /// The shortest validity that the carrier takes.
    pub(crate) fn min_validity(&self) -> Duration {
        self.min_validity.unwrap_or_default()
    }

    /// The field for a submit at `wall`, of a row that may have a validity of its own; `None` leaves
    /// it empty. A time that has passed leaves a second: the carrier says that it expired. It never
    /// reaches past `closes`, the end of the hours in which the row may be sent.
    pub(crate) fn validity_period(
        &self,
        wall: UnixMicros,
        own: Option<RowValidity>,
        closes: Option<Closing>,
    ) -> Option<[u8; 16]> {
        let left = closes.map(|closing| closing.left(wall, self.validity_form));
        let wanted = match own {
            Some(RowValidity::For(span)) => span,
            Some(RowValidity::Until(at_s)) => {
                let left_s = at_s.saturating_sub(i64::try_from(wall.0 / 1_000_000).unwrap_or(i64::MAX));
                Duration::from_secs(u64::try_from(left_s).unwrap_or(0).max(1))
            }
            None => self.validity.or(left)?,
        };
        let validity =
            wanted.max(self.min_validity.unwrap_or_default()).min(self.max_validity.unwrap_or(Duration::MAX));
        let validity = left.map_or(validity, |left| validity.min(left));
        match self.validity_form {
            ValidityForm::Absolute => Some(absolute_utc(wall.plus(validity).0 / 1_000_000)),
            ValidityForm::Relative => relative(validity.as_secs().clamp(1, RELATIVE_MAX_S)),
            ValidityForm::None => None,
        }
    }
}

impl LaneTlvs {
    pub(crate) fn new(options: &CarrierOptions, columns: &[String]) -> Result<Self, String> {
        let mut tlvs = Self::default();
        for (tag, tlv) in &options.tlvs {
            let rule = tlv.rule(*tag);
            match &tlv.column {
                None => {
                    let value = tlv.value.as_deref().unwrap_or_default();
                    rule.put(value, &mut tlvs.constant).map_err(|error| error.to_string())?;
                }
                Some(column) => {
                    let index = columns.iter().position(|known| known == column);
                    let index = index.ok_or_else(|| {
                        format!("TLV {:#06x} comes from column `{column}`, which the approved list did not keep", tag.0)
                    })?;
                    tlvs.columns.push(ColumnTlv { rule, index, column: column.clone(), required: tlv.required });
                }
            }
        }
        Ok(tlvs)
    }

    /// Appends a row's fields; `value` gives the column with that index. Checked when the list
    /// was frozen: a value that can't be written does not occur when it is sent.
    pub(crate) fn put<'a>(
        &self,
        mut value: impl FnMut(usize) -> &'a str,
        out: &mut Vec<u8>,
    ) -> Result<(), TlvRefused<'_>> {
        out.extend_from_slice(&self.constant);
        for tlv in &self.columns {
            let value = value(tlv.index).trim();
            let refused = |what| TlvRefused { column: tlv.column.as_str(), what };
            if !value.is_empty() {
                tlv.rule.put(value, out).map_err(|error: TlvValueError| refused(error.to_string()))?;
            } else if tlv.required {
                return Err(refused(format!("TLV {:#06x} needs this column, and it is empty", tlv.rule.tag)));
            }
        }
        Ok(())
    }
}

/// The columns that the text and the carriers' own fields need, each once, the text's first.
pub(crate) fn kept_columns<'a>(text: &[String], carriers: impl Iterator<Item = &'a CarrierOptions>) -> Vec<String> {
    let mut columns = text.to_vec();
    for column in carriers.flat_map(|carrier| carrier.tlvs.values()).filter_map(|tlv| tlv.column.as_ref()) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns
}

/// What a person must know of a carrier's submits.
pub(crate) fn warning(options: &CarrierOptions) -> Option<&'static str> {
    use crate::options::RegisteredDelivery;
    match options.registered_delivery {
        RegisteredDelivery::None => {
            Some("`registered-delivery = \"none\"`: no receipts come, rows end as unknown at the receipt deadline")
        }
        RegisteredDelivery::Failure => {
            Some("`registered-delivery = \"failure\"`: what is delivered ends as unknown at the receipt deadline")
        }
        RegisteredDelivery::Success => {
            Some("`registered-delivery = \"success\"`: what fails ends as unknown at the receipt deadline")
        }
        RegisteredDelivery::All => None,
    }
}

/// As an error about the carriers file.
pub(crate) fn wrong(carriers: &crate::options::Carriers, name: &str, what: &str) -> FileError {
    carriers.wrong(name, format!("carrier `{name}`: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> CarrierOptions {
        toml::from_str(&format!("kind = \"smpp\"\n{text}")).unwrap()
    }

    fn format(text: &str, validity_s: u64) -> LaneFormat {
        LaneFormat::new(&options(text), "ACME", Some(Duration::from_secs(validity_s)), &[]).unwrap()
    }

    #[test]
    fn what_is_not_given_has_the_handbooks_default() {
        let format = format("", 60);
        assert_eq!((format.source, format.destination), (TonNpi::ALPHANUMERIC, TonNpi::INTERNATIONAL));
        assert_eq!((format.registered_delivery, format.esm_class, format.priority, format.protocol_id), (1, 0, 0, 0));
        assert_eq!((format.destination_prefix, format.service_type.as_str()), ("", ""));
    }

    #[test]
    fn validity_keeps_to_what_the_carrier_takes_in_the_form_that_it_reads() {
        let at = UnixMicros(1_795_521_600_000_000);
        let period = |text: &str, validity_s| {
            format(text, validity_s)
                .validity_period(at, None, None)
                .map(|text| String::from_utf8(text.to_vec()).unwrap())
        };
        assert_eq!(period("", 3_600).unwrap(), "261124130000000+");
        assert_eq!(period("max-validity = \"10m\"", 3_600).unwrap(), "261124121000000+");
        assert_eq!(period("min-validity = \"2h\"", 3_600).unwrap(), "261124140000000+");
        assert_eq!(period("validity-form = \"relative\"", 90_061).unwrap(), "000001010101000R");
        assert_eq!(period("validity-form = \"relative\"", 400 * 86_400).unwrap(), "000030000000000R");
        assert_eq!(period("validity-form = \"none\"", 3_600), None);
    }

    #[test]
    fn a_rows_own_validity_goes_before_the_campaigns() {
        let at = UnixMicros(1_795_521_600_000_000);
        let period = |text: &str, own| {
            format(text, 60).validity_period(at, Some(own), None).map(|text| String::from_utf8(text.to_vec()).unwrap())
        };
        let hours = |n: u64| RowValidity::For(Duration::from_secs(n * 3_600));
        assert_eq!(period("", hours(1)).unwrap(), "261124130000000+");
        assert_eq!(period("max-validity = \"10m\"", hours(1)).unwrap(), "261124121000000+");
        assert_eq!(period("", RowValidity::Until(1_795_525_200)).unwrap(), "261124130000000+");
        assert_eq!(period("validity-form = \"relative\"", RowValidity::Until(0)).unwrap(), "000000000001000R");
    }

    #[test]
    fn validity_never_reaches_past_the_end_of_the_hours() {
        let at = UnixMicros(1_795_521_600_000_000);
        let lead = Duration::from_secs(5);
        let closes = Some(Closing { at: at.plus(Duration::from_secs(1_800)), lead });
        let period = |text: &str, validity_s| {
            format(text, validity_s)
                .validity_period(at, None, closes)
                .map(|text| String::from_utf8(text.to_vec()).unwrap())
        };
        assert_eq!(period("", 3_600).unwrap(), "261124123000000+");
        assert_eq!(period("", 600).unwrap(), "261124121000000+");
        assert_eq!(period("min-validity = \"2h\"", 3_600).unwrap(), "261124123000000+");
        assert_eq!(period("validity-form = \"relative\"", 3_600).unwrap(), "000000002955000R");
        let none = LaneFormat::new(&options(""), "ACME", None, &[]).unwrap();
        assert_eq!(none.validity_period(at, None, closes).unwrap(), *b"261124123000000+");
        assert_eq!(none.validity_period(at, None, None), None);
    }

    #[test]
    fn addresses_receipts_and_modes_follow_the_profile() {
        let text = "ton-npi = { alphanumeric = [5, 1], destination = [0, 0] }\nregistered-delivery = \"failure\"\n\
                    intermediate-receipts = true\nmessage-mode = \"store-and-forward\"\ndestination-prefix = \"00\"";
        let format = format(text, 60);
        let pair = |it: TonNpi| (it.ton, it.npi);
        assert_eq!((pair(format.source), pair(format.destination)), ((5, 1), (0, 0)));
        assert_eq!((format.registered_delivery, format.esm_class, format.destination_prefix), (0x12, 3, "00"));
    }

    #[test]
    fn fields_come_from_constants_and_columns_and_a_missing_one_is_told() {
        let options = options(
            "[tlvs]\n\"0x1401\" = { type = \"int1\", value = \"7\" }\n\
             \"0x1400\" = { type = \"c-string\", max-length = 4, column = \"template\" }\n\
             \"source_port\" = { column = \"port\", required = false }\n",
        );
        let columns = kept_columns(&["name".to_owned()], [&options].into_iter());
        assert_eq!(columns, ["name", "port", "template"]);
        let tlvs = LaneTlvs::new(&options, &columns).unwrap();
        let put = |port: &'static str, template: &'static str| {
            let mut out = Vec::new();
            let value = |index| if index == 1 { port } else { template };
            tlvs.put(value, &mut out).map(|()| out.clone()).map_err(|refused| (refused.column.to_owned(), refused.what))
        };
        let whole = [0x14, 1, 0, 1, 7, 0x02, 0x0A, 0, 2, 0x1F, 0x90, 0x14, 0, 0, 3, b'A', b'7', 0];
        assert_eq!(put("8080", "A7").unwrap(), whole);
        assert_eq!(put("", "A7").unwrap().len(), whole.len() - 6, "what is not required is left out");
        let refused = |port, template, column: &str, what: &str| {
            assert_eq!(put(port, template), Err((column.to_owned(), what.to_owned())));
        };
        refused("1", " ", "template", "TLV 0x1400 needs this column, and it is empty");
        refused("1", "12345", "template", "TLV 0x1400: 5 octets, and 4 fit");
        refused("70000", "1", "port", "TLV 0x020a: `70000` is no number from 0 to 65535");
    }
}
