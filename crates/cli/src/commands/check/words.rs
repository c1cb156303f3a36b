//! A check for people.

use volley_engine::{
    Amounts, Bounds, Check, CostLine, Country, Hour, Load, Money, Preflight, Proposal, ProposedColumn, Role,
    SendingPlan, Texts,
};

use crate::output::{aligned, grouped};

/// Countries that are shown one by one.
const MAX_COUNTRIES: usize = 12;
/// Characters that are.
const MAX_FORCING: usize = 8;
/// Hours that are.
const MAX_HOURS: usize = 48;
/// Zones with late messages that are.
const MAX_PLACES: usize = 12;

/// All that a person needs to decide.
pub(crate) fn preview(preflight: &Preflight) -> String {
    let check = &preflight.check;
    let sections = [
        head(preflight),
        times(preflight),
        funnel(preflight),
        parts(check),
        variants(preflight),
        texts(&check.texts),
        cost(check),
        plan(&check.plan),
        guards(check),
    ];
    let verdict = format!("verdict: {}\n", check.reasons.join("; "));
    sections.concat() + &verdict
}

fn head(preflight: &Preflight) -> String {
    let (options, frozen, check) = (&preflight.approved.options, &preflight.frozen, &preflight.check);
    let mut out = format!(
        "{}: {} rows, {} can be sent in {} segments\n  read as {}\n",
        options.name,
        grouped(frozen.n_rows),
        grouped(check.funnel.ready),
        grouped(check.cost.total.load.segments),
        frozen.form
    );
    if let Some(proposal) = &preflight.proposal {
        out.push_str(&proposed(proposal, &frozen.options.to));
    }
    let routes: Vec<_> =
        options.routes.iter().map(|route| format!("{} (weight {})", route.carrier, route.weight)).collect();
    let rate = options.schedule.rate.map_or_else(|| "no limit of its own".to_owned(), |rate| rate.to_string());
    out.push_str(&format!("  from {} via {}; rate: {rate}\n", options.message.sender, routes.join(", ")));
    out
}

/// When it is sent, by whose rules, and what it lacks by them.
fn times(preflight: &Preflight) -> String {
    let schedule = &preflight.approved.options.schedule;
    let mut out = String::new();
    if let Some(window) = &schedule.window {
        let zone = schedule.zone().map_or("each recipient's own time", |zone| zone.iana_name().unwrap_or("one zone"));
        out.push_str(&format!("  window {} in {zone}\n", window.hours()));
    }
    for (word, moment) in [("not before", &schedule.start), ("until", &schedule.finish_by)] {
        out.push_str(&moment.as_ref().map(|moment| format!("  {word} {moment}\n")).unwrap_or_default());
    }
    let n_holidays = preflight.approved.rules.holidays.len();
    if n_holidays > 0 {
        out.push_str(&format!("  nothing on {n_holidays} holidays\n"));
    }
    let is_concerned =
        |pack: &&volley_engine::RulePack| preflight.frozen.by_country.keys().any(|country| pack.is_for(country));
    let packs: Vec<_> =
        preflight.approved.rules.packs.iter().filter(is_concerned).map(|pack| pack.id.as_str()).collect();
    if !packs.is_empty() {
        out.push_str(&format!("  sending rules: {} (`volley rules show`)\n", packs.join(", ")));
    }
    for note in &preflight.rule_notes {
        out.push_str(&format!("  note: {note}\n"));
    }
    for finding in &preflight.rule_findings {
        out.push_str(&format!("  warning: {}: {}\n", finding.code.name(), finding.what));
    }
    out
}

/// What the list itself proposes, where the campaign file leaves it to the list.
fn proposed(proposal: &Proposal, to: &str) -> String {
    let mut out = format!("  no `to` in the campaign: numbers are taken from `{to}`\n");
    for ProposedColumn { role, column, reason } in &proposal.columns {
        let key = match role.key() {
            Some(key) if *role != Role::Number => format!("; `{key} = \"{column}\"` would use it"),
            Some(_) | None => String::new(),
        };
        out.push_str(&format!("    `{column}` holds {}: {reason}{key}\n", role.name()));
    }
    out
}

fn funnel(preflight: &Preflight) -> String {
    let funnel = &preflight.check.funnel;
    let mut out = String::new();
    let mut put = |what: &str, n_rows: u64, why: &str| {
        out.push_str(format!("  {what:<16} {:>10}  {why}", grouped(n_rows)).trim_end());
        out.push('\n');
    };
    put("rows read", funnel.rows, "");
    funnel.rejected.iter().for_each(|(code, n_rows)| put("rejected", *n_rows, code));
    for (n_rows, code) in [(funnel.duplicates, "duplicate"), (funnel.wrong_type, "not-a-mobile")] {
        if n_rows > 0 {
            put("rejected", n_rows, code);
        }
    }
    let n_suppressed: u64 = funnel.suppressed.values().sum();
    for (what, n_rows) in
        [("suppressed", n_suppressed), ("outside windows", funnel.outside_windows), ("unroutable", funnel.unroutable)]
    {
        if n_rows > 0 {
            put(what, n_rows, "");
        }
    }
    put("ready", funnel.ready, "");
    for (cause, n_rows) in &funnel.suppressed {
        out.push_str(&format!("    {}: {} rows\n", cause.reason(), grouped(*n_rows)));
    }
    for row in &preflight.frozen.samples {
        let column = row.column.as_deref().map(|column| format!(", column {column}")).unwrap_or_default();
        out.push_str(&format!("    line {}{column}: {}: {}\n", row.line, row.code, row.reason));
    }
    out
}

fn parts(check: &Check) -> String {
    let mut out = String::new();
    for (parts, line) in &check.cost.by_parts {
        let (rows, segments) = (grouped(line.load.rows), grouped(line.load.segments));
        out.push_str(&format!("  in {}: {rows} rows, {segments} segments\n", n_parts(*parts)));
    }
    if let Some(most) = check.most {
        out.push_str(&format!("  most parts: {} in line {}\n", most.parts, most.line));
    }
    out
}

fn n_parts(parts: u8) -> String {
    format!("{parts} part{}", if parts == 1 { "" } else { "s" })
}

fn variants(preflight: &Preflight) -> String {
    let mut out = String::new();
    for (variant, count) in &preflight.frozen.by_variant {
        let name = preflight.approved.options.message.variant_name(*variant);
        let Some(name) = name.filter(|_| count.n_segments > 0) else { continue };
        let (rows, segments) = (grouped(count.n_rows), grouped(count.n_segments));
        let ucs2 = match count.n_ucs2 {
            0 => String::new(),
            n_rows => format!("; {} rows need UCS-2", grouped(n_rows)),
        };
        out.push_str(&format!("  variant {name}: {rows} rows in {segments} segments{ucs2}\n"));
    }
    out
}

fn texts(texts: &Texts) -> String {
    let all: u64 = texts.by_alphabet.values().map(|load| load.rows).sum();
    let alphabet = |(name, load): (&&str, &Load)| {
        let percent = load.rows as f64 / all.max(1) as f64 * 100.0;
        format!("{name} {} rows ({percent:.1} %), {} segments", grouped(load.rows), grouped(load.segments))
    };
    if all == 0 {
        return String::new();
    }
    let alphabets = texts.by_alphabet.iter().map(alphabet).collect::<Vec<_>>().join("; ");
    let mut out = format!("  alphabets: {alphabets}\n");
    for forcing in texts.forcing.iter().take(MAX_FORCING) {
        let shown = if is_shown(forcing.c) { format!(" {}", forcing.c) } else { String::new() };
        let (code_point, name, rows) = (forcing.code_point(), forcing.name(), grouped(forcing.rows));
        out.push_str(&format!("    {code_point}{shown} {name} forces UCS-2 in {rows} rows\n"));
    }
    let n_more = texts.forcing.len().saturating_sub(MAX_FORCING) as u64 + texts.n_more_forcing;
    if n_more > 0 {
        out.push_str(&format!("    {} other characters do too\n", grouped(n_more)));
    }
    let mut best = (0, 0);
    for level in &texts.smart {
        let saved = (level.saved_rows, level.saved_segments);
        if saved.0 <= best.0 && saved.1 <= best.1 {
            continue;
        }
        best = saved;
        let cost = level.saved_cost.amounts().map(|(currency, amount)| format!(", {amount} {currency}"));
        out.push_str(&format!(
            "  smart-encoding = \"{}\" would save {} messages from UCS-2, {} segments{}\n",
            level.level.name(),
            signed(level.saved_rows),
            signed(level.saved_segments),
            cost.collect::<String>()
        ));
    }
    out
}

/// Whether a terminal shows it as it is. Signs that change what stands around them stay out.
fn is_shown(c: char) -> bool {
    let is_sign = matches!(c, '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{BF}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}'
        | '\u{20A0}'..='\u{20C0}' | '\u{2100}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}');
    c.is_alphanumeric() || is_sign
}

fn signed(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(n.unsigned_abs()))
}

fn cost(check: &Check) -> String {
    let cost = &check.cost;
    let total = &cost.total.cost;
    let mut out = match total.expected.is_empty() {
        true => "  planned cost: no price".to_owned(),
        false => format!("  planned cost: {} by the routes' weights", total.expected.in_words()),
    };
    if let (Some(least), Some(most)) = (total.least, total.most)
        && least != most
    {
        out.push_str(&format!(", from {least} to {most} by others"));
    }
    if !cost.no_price.is_empty() && !total.expected.is_empty() {
        out.push_str(&format!("; no price for {}", cost.no_price.join(", ")));
    }
    out.push('\n');
    let titles = ["", "messages", "segments", "minimum", "expected", "maximum"].map(str::to_owned);
    let mut rows = vec![titles];
    let country = |country: &Option<Country>| country.map_or("no country", Country::code).to_owned();
    rows.extend(cost.by_carrier.iter().map(|(name, line)| cost_row(name.clone(), line)));
    let mut countries: Vec<_> = cost.by_country.iter().collect();
    countries.sort_by_key(|(_, line)| std::cmp::Reverse(line.load.segments));
    rows.extend(countries.iter().take(MAX_COUNTRIES).map(|(of, line)| cost_row(country(of), line)));
    rows.extend(cost.by_parts.iter().map(|(parts, line)| cost_row(n_parts(*parts), line)));
    for line in aligned(&rows).lines() {
        out.push_str(&format!("    {}\n", line.trim_end()));
    }
    if let Some(n_more) = countries.len().checked_sub(MAX_COUNTRIES).filter(|n| *n > 0) {
        out.push_str(&format!("    {n_more} countries more, all of them with --json\n"));
    }
    out
}

fn cost_row(name: String, line: &CostLine) -> [String; 6] {
    let Bounds { expected, least, most } = &line.cost;
    let bound = |money: &Option<Money>| money.map_or_else(|| "–".to_owned(), |money| money.to_string());
    let words = |amounts: &Amounts| if amounts.is_empty() { "–".to_owned() } else { amounts.in_words() };
    [name, grouped(line.load.rows), grouped(line.load.segments), bound(least), words(expected), bound(most)]
}

fn plan(plan: &SendingPlan) -> String {
    if plan.hours.is_empty() {
        return String::new();
    }
    let mut out = "  sending plan, segments in the hour from (UTC), of what each carrier can take:\n".to_owned();
    let cell = |n: u64, ceiling: Option<u64>| match ceiling {
        Some(ceiling) => format!("{} of {}", grouped(n), grouped(ceiling)),
        None => grouped(n),
    };
    let time = |hour: &Hour| volley_engine::hour_text(hour.begins);
    let mut table = vec![format!("    {:<16}", "hour")];
    let widths: Vec<usize> = plan.ceilings.iter().map(|ceiling| ceiling.carrier.chars().count().max(22)).collect();
    for (ceiling, width) in plan.ceilings.iter().zip(&widths) {
        table.iter_mut().for_each(|head| head.push_str(&format!("  {:>width$}", ceiling.carrier)));
    }
    for hour in plan.hours.iter().take(MAX_HOURS) {
        let mut line = format!("    {:<16}", time(hour));
        for ((n, ceiling), width) in hour.segments.iter().zip(&hour.ceilings).zip(&widths) {
            line.push_str(&format!("  {:>width$}", cell(*n, *ceiling)));
        }
        if hour.waiting > 0 {
            line.push_str(&format!("  {} messages wait", grouped(hour.waiting)));
        }
        table.push(line);
    }
    out.push_str(&table.join("\n"));
    out.push('\n');
    if let Some(n_more) = plan.hours.len().checked_sub(MAX_HOURS).filter(|n| *n > 0) {
        out.push_str(&format!("    {n_more} hours more, all of them with --json\n"));
    }
    for late in plan.late.iter().take(MAX_PLACES) {
        out.push_str(&format!("  late: {} messages in {}\n", grouped(late.load.rows), late.place));
    }
    out
}

fn guards(check: &Check) -> String {
    let words = |guard: &volley_engine::GuardFinding| {
        let verdict = if guard.stops { "stops" } else { "passes" };
        format!("  guard {verdict}: {}\n", guard.in_words())
    };
    check.guards.iter().map(words).collect()
}
