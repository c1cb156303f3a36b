//! What a person writes: the campaign file and the carriers file (DESIGN section 7).

mod audience;
mod campaign;
mod carriers;
mod file_error;
mod guards;
mod human;
mod keywords;
mod message;
mod place;
mod run_guards;
mod schedule;

pub use audience::AudienceOptions;
pub(crate) use campaign::check_sender;
pub use campaign::{
    CampaignOptions, Class, DeliveryOptions, InDoubtPolicy, PrivacyOptions, ReplyOptions, RouteOptions, SmartEncoding,
};
pub use carriers::{
    BindType, CarrierKind, CarrierOptions, Carriers, ClockSkew, Concatenation, Currency, DefaultAlphabet,
    DestinationPrefix, IdMode, InterfaceVersion, MessageMode, Money, NationalLanguage, Prices, QueryOptions,
    ReceiptOptions, ReceiptStateName, ReceiptZone, ReceiverOptions, ReconnectOptions, RegisteredDelivery, SecretSource,
    StatusClassName, StatusCodes, StatusRule, StripPattern, TimerOptions, TlsForm, TlsTable, TlvOptions, TlvTag,
    TlvType, TonNpiOptions, ValidityForm, ValuePattern,
};
pub use file_error::FileError;
pub(crate) use file_error::{nearest, read as read_toml};
pub use guards::{ConsentDate, GuardOptions};
pub use human::HumanDuration;
pub use keywords::{built_in as built_in_keywords, load as load_keywords};
pub(crate) use message::TextKey;
pub use message::{EmptyPolicy, MAX_VARIANTS, MessageOptions, OneOrMany, Share, VariantOptions};
pub(crate) use place::place_in_text;
pub use run_guards::{BudgetOptions, CanaryOptions, Cap, PauseOptions, Portion, Refused};
pub use schedule::{
    DateText, HolidayOptions, Moment, RampOptions, RulesChoice, ScheduleOptions, WindowOptions, ZoneOption,
};
