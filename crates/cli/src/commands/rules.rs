//! `volley rules list|show`: sending rules as they are written down.

use serde_json::json;
use volley_engine::{Country, PackFacts, rule_packs};

use crate::{
    args::{RulesCommand, RulesList, RulesShow},
    failure::{Code, Failure},
    output::print,
};

pub(crate) fn rules(command: &RulesCommand) -> Result<Code, Failure> {
    match command {
        RulesCommand::List(args) => list(args),
        RulesCommand::Show(args) => show(args),
    }
}

fn list(args: &RulesList) -> Result<Code, Failure> {
    let packs = rule_packs(args.file.as_deref(), None).map_err(volley_engine::Error::from)?;
    if args.json {
        print(&format!("{:#}\n", json!(packs)))?;
        return Ok(Code::Clean);
    }
    print(&format!(
        "{:<12} {:<38} {:<34} {:<12} {}\n",
        "pack", "where", "hours for marketing", "collected", "evidence"
    ))?;
    for pack in &packs {
        let hours = pack.hours.iter().find(|(class, _)| *class == "marketing").map(|(_, hours)| hours.as_str());
        let hours = match (hours, pack.regions.len()) {
            (hours, 0) => hours.unwrap_or("any time").to_owned(),
            (hours, n) => format!("{}by area code, {n} regions", hours.map(|it| format!("{it}; ")).unwrap_or_default()),
        };
        let recommended = if pack.recommended { " (recommended)" } else { "" };
        let (id, title) = (&pack.id, &pack.title);
        let hours = format!("{hours}{recommended}");
        print(&format!("{id:<12} {title:<38} {hours:<34} {:<12} {}\n", pack.collected, pack.evidence))?;
    }
    print("not legal advice: `volley rules show US` has all of it, with the source\n")?;
    Ok(Code::Clean)
}

fn show(args: &RulesShow) -> Result<Code, Failure> {
    let country = Country::from_code(&args.country).ok_or_else(|| Failure::Usage {
        message: format!("`{}` is no country", args.country),
        hint: Some("write two capital letters, such as FR".to_owned()),
    })?;
    let packs = rule_packs(args.file.as_deref(), Some(country.code())).map_err(volley_engine::Error::from)?;
    if args.json {
        print(&format!("{:#}\n", json!(packs)))?;
    } else if packs.is_empty() {
        print(&format!("no pack is for {} ({}): messages go at any time\n", country.name(), country.code()))?;
    } else {
        packs.iter().try_for_each(|pack| print(&in_words(pack)))?;
    }
    Ok(if packs.is_empty() { Code::Failures } else { Code::Clean })
}

fn in_words(pack: &PackFacts) -> String {
    let mut out = format!("{} · {}\n", pack.id, pack.title);
    let mut line = |what: &str, words: &str| out.push_str(&format!("  {what:<13} {words}\n"));
    line("countries", &pack.countries.join(", "));
    for (class, hours) in &pack.hours {
        let recommended = if pack.recommended && hours != "any time" { ", recommended" } else { "" };
        line(class, &format!("{hours}, in the recipient's own time{recommended}"));
    }
    for region in &pack.regions {
        for (class, hours) in &region.hours {
            line(&region.name, &format!("{class} {hours}; area codes {}", region.area_codes.join(" ")));
        }
    }
    if let (Some(first), Some(last)) = (pack.holidays.first(), pack.holidays.last()) {
        line("holidays", &format!("nothing on {} dates from {first} to {last}", pack.holidays.len()));
    }
    let lists = [("required", &pack.required), ("cap", &pack.caps), ("duty", &pack.duties)];
    for (what, words) in lists.into_iter().flat_map(|(what, all)| all.iter().map(move |words| (what, words))) {
        line(what, words);
    }
    line("valid from", &format!("{}, written down {}", pack.valid_from, pack.collected));
    line("source", &format!("{} ({})", pack.source, pack.evidence));
    out
}
