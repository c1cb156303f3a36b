//! command_id (SMPP 3.4, 5.1.2.1).

macro_rules! commands {
    ($($name:ident = $value:literal, $text:literal;)+) => {
        /// What a PDU is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the standard's own")]
        pub enum CommandId {
            $($name,)+
            /// A command that the standard doesn't know.
            Unknown(u32),
        }

        impl CommandId {
            /// From its number.
            #[inline]
            #[must_use]
            pub const fn from_u32(value: u32) -> Self {
                match value {
                    $($value => Self::$name,)+
                    other => Self::Unknown(other),
                }
            }

            /// Its number.
            #[inline]
            #[must_use]
            pub const fn to_u32(self) -> u32 {
                // Apart, so that the rest is one look-up in a table.
                if let Self::Unknown(value) = self {
                    return value;
                }
                match self {
                    $(Self::$name => $value,)+
                    Self::Unknown(value) => value,
                }
            }

            /// Its name in the standard.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Unknown(_) => "unknown",
                }
            }
        }
    };
}

commands! {
    GenericNack = 0x8000_0000, "generic_nack";
    BindReceiver = 0x01, "bind_receiver";
    BindReceiverResp = 0x8000_0001, "bind_receiver_resp";
    BindTransmitter = 0x02, "bind_transmitter";
    BindTransmitterResp = 0x8000_0002, "bind_transmitter_resp";
    QuerySm = 0x03, "query_sm";
    QuerySmResp = 0x8000_0003, "query_sm_resp";
    SubmitSm = 0x04, "submit_sm";
    SubmitSmResp = 0x8000_0004, "submit_sm_resp";
    DeliverSm = 0x05, "deliver_sm";
    DeliverSmResp = 0x8000_0005, "deliver_sm_resp";
    Unbind = 0x06, "unbind";
    UnbindResp = 0x8000_0006, "unbind_resp";
    ReplaceSm = 0x07, "replace_sm";
    ReplaceSmResp = 0x8000_0007, "replace_sm_resp";
    CancelSm = 0x08, "cancel_sm";
    CancelSmResp = 0x8000_0008, "cancel_sm_resp";
    BindTransceiver = 0x09, "bind_transceiver";
    BindTransceiverResp = 0x8000_0009, "bind_transceiver_resp";
    Outbind = 0x0B, "outbind";
    EnquireLink = 0x15, "enquire_link";
    EnquireLinkResp = 0x8000_0015, "enquire_link_resp";
    SubmitMulti = 0x21, "submit_multi";
    SubmitMultiResp = 0x8000_0021, "submit_multi_resp";
    AlertNotification = 0x102, "alert_notification";
    DataSm = 0x103, "data_sm";
    DataSmResp = 0x8000_0103, "data_sm_resp";
}

impl CommandId {
    const RESPONSE: u32 = 0x8000_0000;

    /// Whether it answers a request.
    #[must_use]
    pub const fn is_response(self) -> bool {
        self.to_u32() & Self::RESPONSE != 0
    }

    /// The response to this request.
    #[must_use]
    pub const fn response(self) -> Self {
        Self::from_u32(self.to_u32() | Self::RESPONSE)
    }
}
