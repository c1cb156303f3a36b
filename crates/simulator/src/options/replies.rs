//! Messages to the ESME that are no receipts.

use std::num::NonZeroU8;

use serde::Deserialize;

use super::values::{Delay, Share};

/// `[replies]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Replies {
    /// Share of the messages taken that are replied to.
    pub share: Share,
    /// What the replies say, each as likely. Long ones come in parts, the last one first.
    pub texts: Vec<String>,
    /// From submit to reply, or from bind.
    pub delay: Delay,
    /// Each comes so often. Default once.
    pub copies: Option<NonZeroU8>,
    /// Come once, when the first session that can receive is bound.
    pub at_bind: Vec<ReplyAtBind>,
}

/// A reply that no submit has asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReplyAtBind {
    /// The sender's number, digits alone.
    pub from: String,
    /// What it says.
    pub text: String,
}
