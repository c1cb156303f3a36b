//! Bodies, borrowed from the read buffer.

use super::{
    Address, AlertNotification, Bind, BindResp, CancelSm, CommandId, CommandStatus, DataSm, Destination, Destinations,
    HEADER_LEN, MessageResp, Outbind, QuerySm, QuerySmResp, RawPdu, ReplaceSm, ShortMessage, SubmitMulti,
    SubmitMultiResp, Tlvs, Unsuccessful,
};

/// A decoded PDU. What has no body keeps only its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// bind_transmitter, bind_receiver or bind_transceiver: the header says which.
    Bind(Bind<'a>),
    /// Their responses.
    BindResp(BindResp<'a>),
    /// outbind.
    Outbind(Outbind<'a>),
    /// submit_sm.
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp.
    SubmitSmResp(MessageResp<'a>),
    /// deliver_sm.
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp.
    DeliverSmResp(MessageResp<'a>),
    /// data_sm.
    DataSm(DataSm<'a>),
    /// data_sm_resp.
    DataSmResp(MessageResp<'a>),
    /// query_sm.
    QuerySm(QuerySm<'a>),
    /// query_sm_resp.
    QuerySmResp(QuerySmResp<'a>),
    /// cancel_sm.
    CancelSm(CancelSm<'a>),
    /// cancel_sm_resp.
    CancelSmResp,
    /// replace_sm.
    ReplaceSm(ReplaceSm<'a>),
    /// replace_sm_resp.
    ReplaceSmResp,
    /// submit_multi.
    SubmitMulti(SubmitMulti<'a>),
    /// submit_multi_resp.
    SubmitMultiResp(SubmitMultiResp<'a>),
    /// alert_notification.
    AlertNotification(AlertNotification<'a>),
    /// enquire_link.
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResp,
    /// unbind.
    Unbind,
    /// unbind_resp.
    UnbindResp,
    /// generic_nack.
    GenericNack,
    /// A command that nobody here knows; the body as it came.
    Other(&'a [u8]),
}

/// A mandatory field that is missing or cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} at octet {offset} of the PDU is missing or cut short")]
pub struct DecodeError {
    /// The field's name in the standard.
    pub field: &'static str,
    /// Where it should begin, counted from the PDU's first octet.
    pub offset: usize,
}

struct Fields<'a> {
    body: &'a [u8],
    rest: &'a [u8],
}

type Field<T> = Result<T, DecodeError>;

impl<'a> Fields<'a> {
    const fn new(body: &'a [u8]) -> Self {
        Self { body, rest: body }
    }

    #[cold]
    const fn missing(&self, field: &'static str) -> DecodeError {
        DecodeError { field, offset: HEADER_LEN + self.body.len() - self.rest.len() }
    }

    #[inline]
    fn u8(&mut self, field: &'static str) -> Field<u8> {
        let [value] = self.array(field)?;
        Ok(value)
    }

    /// Several fields of one octet each; an error names the first, and where it should begin.
    #[inline]
    fn array<const N: usize>(&mut self, field: &'static str) -> Field<[u8; N]> {
        let (value, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.missing(field))?;
        self.rest = rest;
        Ok(*value)
    }

    /// A C-string without its NUL. Lengths beyond the standard's are taken: carriers exceed them.
    #[inline]
    fn c_string(&mut self, field: &'static str) -> Field<&'a [u8]> {
        let Some((value, rest)) = nul_at(self.rest).and_then(|end| self.rest.split_at_checked(end)) else {
            return Err(self.missing(field));
        };
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(value)
    }

    /// The last C-string of a response: its NUL may be missing where the PDU ends.
    #[inline]
    fn last_c_string(&mut self) -> &'a [u8] {
        self.c_string("").unwrap_or_else(|_| std::mem::take(&mut self.rest))
    }

    #[inline]
    fn octets(&mut self, n: usize, field: &'static str) -> Field<&'a [u8]> {
        let (value, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.missing(field))?;
        self.rest = rest;
        Ok(value)
    }

    #[inline]
    fn address(&mut self, ton_npi: &'static str, addr: &'static str) -> Field<Address<'a>> {
        let [ton, npi] = self.array(ton_npi)?;
        Ok(Address { ton, npi, addr: self.c_string(addr)? })
    }

    #[inline]
    fn source(&mut self) -> Field<Address<'a>> {
        self.address("source_addr_ton", "source_addr")
    }

    #[inline]
    fn destination(&mut self) -> Field<Address<'a>> {
        self.address("dest_addr_ton", "destination_addr")
    }

    const fn tlvs(self) -> Tlvs<'a> {
        Tlvs::new(self.rest)
    }
}

/// Where the first NUL stands. Most strings are empty or a dozen octets, so that eight octets at a
/// time beat both a plain loop and a call.
#[inline]
fn nul_at(octets: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    if octets.first() == Some(&0) {
        return Some(0);
    }
    let mut rest = octets;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // The lowest bit set belongs to the first octet that is zero (higher ones may lie).
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(octets.len() - rest.len() + (zeros.trailing_zeros() / 8) as usize);
        }
        rest = after;
    }
    let at = rest.iter().position(|octet| *octet == 0)?;
    Some(octets.len() - rest.len() + at)
}

#[inline]
pub(super) fn decode<'a>(raw: &RawPdu<'a>) -> Field<Pdu<'a>> {
    let fields = Fields::new(raw.body);
    match raw.header.command_id {
        CommandId::SubmitSmResp => Ok(Pdu::SubmitSmResp(message_resp(fields))),
        CommandId::DeliverSm => short_message(fields).map(Pdu::DeliverSm),
        CommandId::SubmitSm => short_message(fields).map(Pdu::SubmitSm),
        CommandId::DeliverSmResp => Ok(Pdu::DeliverSmResp(message_resp(fields))),
        CommandId::EnquireLink => Ok(Pdu::EnquireLink),
        CommandId::EnquireLinkResp => Ok(Pdu::EnquireLinkResp),
        CommandId::DataSm => data_sm(fields).map(Pdu::DataSm),
        CommandId::DataSmResp => Ok(Pdu::DataSmResp(message_resp(fields))),
        CommandId::Unbind => Ok(Pdu::Unbind),
        CommandId::UnbindResp => Ok(Pdu::UnbindResp),
        CommandId::GenericNack => Ok(Pdu::GenericNack),
        CommandId::BindReceiver | CommandId::BindTransmitter | CommandId::BindTransceiver => {
            bind(fields).map(Pdu::Bind)
        }
        CommandId::BindReceiverResp | CommandId::BindTransmitterResp | CommandId::BindTransceiverResp => {
            let MessageResp { message_id, tlvs } = message_resp(fields);
            Ok(Pdu::BindResp(BindResp { system_id: message_id, tlvs }))
        }
        CommandId::Outbind => outbind(fields).map(Pdu::Outbind),
        CommandId::QuerySm => query_sm(fields).map(Pdu::QuerySm),
        CommandId::QuerySmResp => query_sm_resp(raw, fields).map(Pdu::QuerySmResp),
        CommandId::CancelSm => cancel_sm(fields).map(Pdu::CancelSm),
        CommandId::CancelSmResp => Ok(Pdu::CancelSmResp),
        CommandId::ReplaceSm => replace_sm(fields).map(Pdu::ReplaceSm),
        CommandId::ReplaceSmResp => Ok(Pdu::ReplaceSmResp),
        CommandId::SubmitMulti => submit_multi(fields).map(Pdu::SubmitMulti),
        CommandId::SubmitMultiResp => submit_multi_resp(raw, fields).map(Pdu::SubmitMultiResp),
        CommandId::AlertNotification => alert_notification(fields).map(Pdu::AlertNotification),
        CommandId::Unknown(_) => Ok(Pdu::Other(raw.body)),
    }
}

/// A response may have no body, an empty string, or all of it (HANDBOOK A.1).
#[inline]
fn message_resp(mut fields: Fields<'_>) -> MessageResp<'_> {
    MessageResp { message_id: fields.last_c_string(), tlvs: fields.tlvs() }
}

fn bind(mut fields: Fields<'_>) -> Field<Bind<'_>> {
    let system_id = fields.c_string("system_id")?;
    let password = fields.c_string("password")?;
    let system_type = fields.c_string("system_type")?;
    let [interface_version, addr_ton, addr_npi] = fields.array("interface_version")?;
    let address_range = fields.c_string("address_range")?;
    Ok(Bind { system_id, password, system_type, interface_version, addr_ton, addr_npi, address_range })
}

fn outbind(mut fields: Fields<'_>) -> Field<Outbind<'_>> {
    Ok(Outbind { system_id: fields.c_string("system_id")?, password: fields.c_string("password")? })
}

#[inline]
fn short_message(mut fields: Fields<'_>) -> Field<ShortMessage<'_>> {
    let service_type = fields.c_string("service_type")?;
    let source = fields.source()?;
    let destination = fields.destination()?;
    after_destination(fields, service_type, source, destination)
}

/// What submit_sm, deliver_sm and submit_multi have in common.
#[inline]
fn after_destination<'a>(
    mut fields: Fields<'a>,
    service_type: &'a [u8],
    source: Address<'a>,
    destination: Address<'a>,
) -> Field<ShortMessage<'a>> {
    let [esm_class, protocol_id, priority_flag] = fields.array("esm_class")?;
    let schedule_delivery_time = fields.c_string("schedule_delivery_time")?;
    let validity_period = fields.c_string("validity_period")?;
    let [registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id, sm_length] =
        fields.array("registered_delivery")?;
    let short_message = fields.octets(usize::from(sm_length), "short_message")?;
    Ok(ShortMessage {
        service_type,
        source,
        destination,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs: fields.tlvs(),
    })
}

fn data_sm(mut fields: Fields<'_>) -> Field<DataSm<'_>> {
    let service_type = fields.c_string("service_type")?;
    let source = fields.source()?;
    let destination = fields.destination()?;
    let [esm_class, registered_delivery, data_coding] = fields.array("esm_class")?;
    let tlvs = fields.tlvs();
    Ok(DataSm { service_type, source, destination, esm_class, registered_delivery, data_coding, tlvs })
}

fn query_sm(mut fields: Fields<'_>) -> Field<QuerySm<'_>> {
    Ok(QuerySm { message_id: fields.c_string("message_id")?, source: fields.source()? })
}

/// Refusals come without a body.
fn query_sm_resp<'a>(raw: &RawPdu<'a>, mut fields: Fields<'a>) -> Field<QuerySmResp<'a>> {
    if raw.body.is_empty() && raw.header.command_status != CommandStatus::ROK {
        return Ok(QuerySmResp::default());
    }
    let message_id = fields.c_string("message_id")?;
    let final_date = fields.c_string("final_date")?;
    let [message_state, error_code] = fields.array("message_state")?;
    Ok(QuerySmResp { message_id, final_date, message_state, error_code, tlvs: fields.tlvs() })
}

fn cancel_sm(mut fields: Fields<'_>) -> Field<CancelSm<'_>> {
    Ok(CancelSm {
        service_type: fields.c_string("service_type")?,
        message_id: fields.c_string("message_id")?,
        source: fields.source()?,
        destination: fields.destination()?,
    })
}

fn replace_sm(mut fields: Fields<'_>) -> Field<ReplaceSm<'_>> {
    let message_id = fields.c_string("message_id")?;
    let source = fields.source()?;
    let schedule_delivery_time = fields.c_string("schedule_delivery_time")?;
    let validity_period = fields.c_string("validity_period")?;
    let [registered_delivery, sm_default_msg_id, sm_length] = fields.array("registered_delivery")?;
    let short_message = fields.octets(usize::from(sm_length), "short_message")?;
    Ok(ReplaceSm {
        message_id,
        source,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        sm_default_msg_id,
        short_message,
        tlvs: fields.tlvs(),
    })
}

const SME_ADDRESS: u8 = 1;

fn submit_multi(mut fields: Fields<'_>) -> Field<SubmitMulti<'_>> {
    let service_type = fields.c_string("service_type")?;
    let source = fields.source()?;
    let n = fields.u8("number_of_dests")?;
    let start = fields.rest;
    for _ in 0..n {
        destination(&mut fields)?;
    }
    let octets = start.get(..start.len() - fields.rest.len()).unwrap_or_default();
    let message = after_destination(fields, service_type, source, Address::default())?;
    Ok(SubmitMulti { destinations: Destinations { n, octets }, message })
}

fn destination<'a>(fields: &mut Fields<'a>) -> Field<Destination<'a>> {
    match fields.u8("dest_flag")? {
        SME_ADDRESS => fields.destination().map(Destination::Sme),
        _ => fields.c_string("dl_name").map(Destination::List),
    }
}

pub(super) fn destinations(destinations: Destinations<'_>) -> impl Iterator<Item = Destination<'_>> {
    let mut fields = Fields::new(destinations.octets);
    (0..destinations.n).map_while(move |_| destination(&mut fields).ok())
}

fn submit_multi_resp<'a>(raw: &RawPdu<'a>, mut fields: Fields<'a>) -> Field<SubmitMultiResp<'a>> {
    if raw.body.is_empty() {
        return Ok(SubmitMultiResp::default());
    }
    let message_id = fields.c_string("message_id")?;
    let n = fields.u8("no_unsuccess")?;
    let start = fields.rest;
    for _ in 0..n {
        refusal(&mut fields)?;
    }
    let octets = start.get(..start.len() - fields.rest.len()).unwrap_or_default();
    Ok(SubmitMultiResp { message_id, unsuccessful: Unsuccessful { n, octets }, tlvs: fields.tlvs() })
}

fn refusal<'a>(fields: &mut Fields<'a>) -> Field<(Address<'a>, CommandStatus)> {
    let address = fields.destination()?;
    Ok((address, CommandStatus(u32::from_be_bytes(fields.array("error_status_code")?))))
}

pub(super) fn unsuccessful(unsuccessful: Unsuccessful<'_>) -> impl Iterator<Item = (Address<'_>, CommandStatus)> {
    let mut fields = Fields::new(unsuccessful.octets);
    (0..unsuccessful.n).map_while(move |_| refusal(&mut fields).ok())
}

fn alert_notification(mut fields: Fields<'_>) -> Field<AlertNotification<'_>> {
    let source = fields.source()?;
    let esme = fields.address("esme_addr_ton", "esme_addr")?;
    Ok(AlertNotification { source, esme, tlvs: fields.tlvs() })
}
