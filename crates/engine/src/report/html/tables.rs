//! The tables of the page.

use std::fmt::Write as _;

use super::{Escaped, Grouped, Share, put};
use crate::{
    Amounts,
    report::{
        Breakdown, By, Details, Tally,
        delays::{PERCENTILES, Percentiles},
    },
};
use volley_core::MessageState;

/// Lines of a breakdown that the page shows; the rest is summed up in one.
const MAX_LINES: usize = 25;

pub(super) fn delays(out: &mut String, details: &Details) {
    out.push_str("<h2>How long it took</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">delay</th>");
    PERCENTILES.iter().for_each(|(name, _)| put!(out, "<th scope=\"col\">{name}</th>"));
    out.push_str("<th scope=\"col\">rows</th></tr></thead>\n<tbody>\n");
    for (what, delay) in [
        ("from the submit to the carrier's answer", details.answer_delay()),
        ("from the submit to the final receipt", details.receipt_delay()),
    ] {
        delay_row(out, what, delay);
    }
    out.push_str("</tbody></table></div>\n");
}

fn delay_row(out: &mut String, what: &str, delay: Percentiles) {
    put!(out, "<tr><th scope=\"row\">{what}</th>");
    match delay.ms {
        Some(all) => all.iter().for_each(|ms| put!(out, "<td>{}</td>", human_ms(*ms))),
        None => PERCENTILES.iter().for_each(|_| out.push_str("<td>–</td>")),
    }
    put!(out, "<td>{}</td></tr>\n", Grouped(delay.count));
}

fn human_ms(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{} ms", Grouped(ms)),
        10_000..600_000 => format!("{:.1} s", ms as f64 / 1e3),
        600_000..36_000_000 => format!("{:.1} min", ms as f64 / 6e4),
        36_000_000.. => format!("{:.1} h", ms as f64 / 3.6e6),
    }
}

pub(super) fn cost(out: &mut String, details: &Details) {
    out.push_str("<h2>Cost</h2>\n");
    let total = &details.total;
    let mut all = details.planned.total.clone();
    all.merge(&total.cost_submitted);
    if all.is_empty() {
        out.push_str("<p>No price: no carrier of this campaign has a <code>price-per-segment</code>.</p>\n");
        return;
    }
    out.push_str(
        "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">currency</th><th scope=\"col\">planned</th>\
         <th scope=\"col\">if all written were charged</th><th scope=\"col\">settled: taken by a carrier</th></tr></thead>\n\
         <tbody>\n",
    );
    for money in all.iter() {
        let of = |amounts: &Amounts| amounts.of(money.currency).amount();
        put!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            money.currency,
            of(&details.planned.total),
            of(&total.cost_submitted),
            of(&total.cost_settled)
        );
    }
    out.push_str("</tbody></table></div>\n<p class=\"soft\">Planned: each carrier with its share by weight.");
    if let Some((least, most)) = details.planned.range {
        put!(out, " By other shares it could be from {least} to {most}.");
    }
    if total.no_price > 0 {
        put!(out, " {} segments were taken by carriers without a price for them.", Grouped(total.no_price));
    }
    out.push_str("</p>\n");
}

pub(super) fn states(out: &mut String, details: &Details) {
    out.push_str(
        "<h2>Where every row stands</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">state</th>\
         <th scope=\"col\">rows</th><th scope=\"col\">share</th></tr></thead>\n<tbody>\n",
    );
    let rows = details.summary.rows;
    for (state, n_rows) in details.summary.states.iter().filter(|(_, n_rows)| *n_rows > 0) {
        let share = Share(n_rows, rows);
        put!(out, "<tr><th scope=\"row\">{state}</th><td>{}</td><td>{share}</td></tr>\n", Grouped(n_rows));
    }
    put!(
        out,
        "</tbody>\n<tfoot><tr><th scope=\"row\">all</th><td>{}</td><td>{}</td></tr></tfoot></table></div>\n",
        Grouped(rows),
        Share(rows, rows)
    );
}

pub(super) fn breakdowns(out: &mut String, details: &Details) {
    for breakdown in &details.breakdowns {
        let by = breakdown.by;
        put!(
            out,
            "<h2>By {}</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">{0}</th>",
            by.name()
        );
        if by == By::Error {
            out.push_str("<th scope=\"col\" class=\"text\">the carrier's own code</th>");
        }
        out.push_str(
            "<th scope=\"col\">rows</th><th scope=\"col\">delivered</th><th scope=\"col\">share</th>\
             <th scope=\"col\">not delivered</th><th scope=\"col\">segments taken</th>",
        );
        if by == By::Carrier || by == By::Country {
            out.push_str("<th scope=\"col\">cost planned</th>");
        }
        out.push_str("<th scope=\"col\">cost settled</th></tr></thead>\n<tbody>\n");
        for line in breakdown.lines.iter().take(MAX_LINES) {
            let planned = line.cost_planned.clone().unwrap_or_default();
            breakdown_row(out, by, &line.name, line.code.as_deref(), &line.tally, &planned);
        }
        rest(out, breakdown);
        let mut planned = Amounts::default();
        breakdown.lines.iter().filter_map(|line| line.cost_planned.as_ref()).for_each(|cost| planned.merge(cost));
        out.push_str("</tbody>\n<tfoot>");
        breakdown_row(out, by, "all", None, &breakdown.total(), &planned);
        out.push_str("</tfoot></table></div>\n");
    }
}

/// One line for those that are too many to show.
fn rest(out: &mut String, breakdown: &Breakdown) {
    let beyond = breakdown.lines.get(MAX_LINES..).unwrap_or_default();
    if beyond.is_empty() {
        return;
    }
    let (mut tally, mut planned) = (Tally::default(), Amounts::default());
    for line in beyond {
        tally.merge(&line.tally);
        line.cost_planned.iter().for_each(|cost| planned.merge(cost));
    }
    breakdown_row(out, breakdown.by, &format!("{} others", beyond.len()), None, &tally, &planned);
}

fn breakdown_row(out: &mut String, by: By, name: &str, code: Option<&str>, tally: &Tally, planned: &Amounts) {
    let n_in = |state| tally.states.get(state);
    let delivered = n_in(MessageState::Delivered);
    let lost = n_in(MessageState::Undelivered) + n_in(MessageState::Expired) + n_in(MessageState::Failed);
    put!(out, "<tr><th scope=\"row\">{}</th>", Escaped(name));
    if by == By::Error {
        put!(out, "<td class=\"text\">{}</td>", Escaped(code.unwrap_or("–")));
    }
    put!(
        out,
        "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
        Grouped(tally.rows()),
        Grouped(delivered),
        Share(delivered, tally.rows()),
        Grouped(lost),
        Grouped(tally.segments.accepted)
    );
    let mut cells = vec![cost_cell(&tally.cost_settled, tally.no_price)];
    if by == By::Carrier || by == By::Country {
        cells.insert(0, cost_cell(planned, 0));
    }
    cells.iter().for_each(|cell| put!(out, "<td>{cell}</td>"));
    out.push_str("</tr>\n");
}

fn cost_cell(cost: &Amounts, no_price: u64) -> String {
    match (cost.is_empty(), no_price > 0) {
        (true, true) => "no price".to_owned(),
        (true, false) => "–".to_owned(),
        (false, true) => format!("{} + no price", cost.in_words()),
        (false, false) => cost.in_words(),
    }
}

pub(super) fn out_of_the_ordinary(out: &mut String, details: &Details) {
    let (summary, receipts) = (&details.summary, details.receipts);
    out.push_str(
        "<h2>Out of the ordinary</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">what</th>\
         <th scope=\"col\">how many</th></tr></thead>\n<tbody>\n",
    );
    for (what, n) in [
        ("possible duplicates: rows sent again after a try of unknown fate", summary.possible_duplicates),
        ("of these surely taken twice by the carrier", summary.taken_twice),
        ("rows whose answer is missing and of which a receipt told", summary.inferred),
        ("late corrections: a receipt turned another final state into delivered", receipts.corrections),
        ("late corrections: a final receipt after the receipt deadline", receipts.late),
        ("receipts that contradict an earlier final one", receipts.conflicts),
        ("receipts that came twice", receipts.duplicates),
        ("recipients who replied to opt out", details.opt_outs),
    ] {
        put!(out, "<tr><th scope=\"row\">{what}</th><td>{}</td></tr>\n", Grouped(n));
    }
    out.push_str("</tbody></table></div>\n");
}

pub(super) fn doubt(out: &mut String, details: &Details) {
    let n_rows = details.summary.states.get(MessageState::InDoubt);
    if n_rows == 0 {
        return;
    }
    put!(
        out,
        "<h2>Rows in doubt</h2>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<caption>{} of {}, in the order of the list; numbers \
         are masked</caption>\n<thead><tr><th scope=\"col\">line</th><th scope=\"col\" class=\"text\">number</th>\
         <th scope=\"col\" class=\"text\">carrier</th><th scope=\"col\" class=\"text\">since</th>\
         <th scope=\"col\" class=\"text\">why</th></tr></thead>\n<tbody>\n",
        Grouped(details.doubtful.len() as u64),
        Grouped(n_rows)
    );
    for row in &details.doubtful {
        put!(out, "<tr><th scope=\"row\">{}</th>", row.line);
        for field in [&row.number, &row.carrier, &row.since, &row.reason] {
            put!(out, "<td class=\"text\">{}</td>", Escaped(field));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}
