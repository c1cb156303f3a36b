//! Whose turn it is, and at which rate and hour: decisions as values; time is an argument.
//!
//! [`Limit`] is one rate, over governor's GCRA; [`Stack`] several at once, of which each gives
//! exactly what all of them allow; [`Lanes`] shares work among carriers by weight. [`Calendar`]
//! says when a message may be sent, in its recipient's own time; [`Pace`] how fast a campaign may be
//! over time, and [`Deadline`] whether it can be done by then.

mod calendar;
mod lanes;
mod limit;
mod pace;
mod stack;

pub use calendar::{
    Calendar, CalendarBook, CalendarIndex, Closed, Holidays, Hours, HoursError, LocalHours, Span, Verdict, Weekdays,
};
pub use lanes::Lanes;
pub use limit::Limit;
pub use pace::{Deadline, Outlook, Over, Pace, Ramp};
pub use stack::{Admitted, Stack, Wait};
