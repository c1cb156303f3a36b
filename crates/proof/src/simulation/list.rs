//! The campaign's files, written from the scenario.

use std::{fmt::Write as _, fs, io, path::Path};

use volley_core::{Msisdn, RecipientCheck};

use crate::simulation::{dice::Dice, scenario::Scenario};

/// Before a row's number: German mobile numbers.
pub(crate) const PREFIX: &str = "49151123";
/// Numbers that are in no list.
pub(crate) const FOREIGN: &str = "49170987";
/// The sender.
pub(crate) const SENDER: &str = "PROOF";
/// The campaign's name.
pub(crate) const NAME: &str = "proof";

/// A row's number, without plus.
pub(crate) fn number(row: u32) -> String {
    format!("{PREFIX}{row:05}")
}

/// What receipts for each row must pass.
pub(crate) fn checks(scenario: &Scenario) -> Vec<RecipientCheck> {
    let of = |row| Msisdn::from_digits(number(row).as_bytes()).map(Msisdn::check).unwrap_or_default();
    (0..scenario.n_rows).map(of).collect()
}

/// Writes list, campaign file and carriers file into `folder`.
pub(crate) fn write(scenario: &Scenario, folder: &Path) -> io::Result<()> {
    let mut dice = Dice::new(scenario.seed ^ 0x7157);
    let mut list = String::from("phone,word\n");
    for row in 0..scenario.n_rows {
        let len = dice.between(1, scenario.longest_text.into()) as usize;
        let word: String = "lorem ipsum dolor sit amet ".chars().cycle().take(len).collect();
        let _ = writeln!(list, "+{},x{}", number(row), word.trim());
        if dice.chance(50) {
            // Rejected: a copy, or no number.
            let _ = writeln!(list, "{},no", if dice.chance(500) { number(row) } else { "12".to_owned() });
        }
    }
    fs::write(folder.join("list.csv"), list)?;
    let mut campaign = format!(
        "name = \"{NAME}\"\n[audience]\nlist = \"list.csv\"\nto = \"phone\"\ndefault-country = \"DE\"\n\
         [message]\nsender = \"{SENDER}\"\ntext = \"{{{{ word }}}}\"\nmax-segments = 3\n\
         [delivery]\nin-doubt = \"{}\"\nreceipt-deadline = \"{}s\"\n",
        scenario.policy, scenario.receipt_deadline_s
    );
    campaign.push_str("[schedule]\n");
    if scenario.campaign_rate > 0 {
        let _ = writeln!(campaign, "rate = \"{}/s\"", scenario.campaign_rate);
    }
    if let Some(window) = scenario.window {
        campaign.push_str(&window.to_toml());
    }
    let mut carriers = String::new();
    for (n, plan) in scenario.carriers.iter().enumerate() {
        let _ = writeln!(campaign, "[[route]]\ncarrier = \"c{n}\"\nweight = {}", n + 1);
        let rate = if plan.rate > 0 { format!("rate = \"{}/s\"\n", plan.rate) } else { String::new() };
        let _ = writeln!(
            carriers,
            "[carriers.c{n}]\nkind = \"smpp\"\nhosts = [\"c{n}:2775\"]\nsystem-id = \"proof\"\n\
             password = {{ file = \"password\" }}\nbinds = {}\nwindow = {}\n{rate}id-mode = \"{}\"\n\
             retry = [\"1s\", \"2s\"]\nresponse-timeout = \"4s\"\nenquire-interval = \"5s\"\n\
             [carriers.c{n}.timers]\nbind = \"3s\"\nenquire-timeout = \"3s\"\ndrain = \"6s\"\ngrace = \"1s\"\nunbind = \"2s\"\n\
             [carriers.c{n}.reconnect]\nfirst = \"200ms\"\nmax = \"5s\"\n\
             [carriers.c{n}.statuses]\n\"0x45\" = {{ class = \"transient\", tries = 3, retry = [\"1s\", \"2s\"] }}\n\
             \"0x0b\" = \"permanent\"",
            plan.binds,
            plan.window,
            if plan.is_hex { "resp-hex-receipt-dec" } else { "as-is" },
        );
    }
    fs::write(folder.join("password"), "secret\n")?;
    fs::write(folder.join("campaign.toml"), campaign)?;
    fs::write(folder.join("carriers.toml"), carriers)
}
