//! The report as one page: no script, no font, no image from elsewhere.

mod charts;
mod tables;

use std::fmt::{self, Write as _};

use volley_core::MessageState;

use super::{Details, time_text};

const STYLE: &str = include_str!("html/style.css");

/// Text on its way into the page. Every value of a stranger's (names, senders, codes) goes through it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c if c.is_control() => f.write_char(' '),
            c => f.write_char(c),
        })
    }
}

/// 1234567 as "1,234,567".
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        digits.chars().enumerate().try_for_each(|(at, digit)| {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)
        })
    }
}

/// A share of a whole: "93.1 %".
struct Share(u64, u64);

impl Share {
    fn percent(&self) -> f64 {
        self.0 as f64 / self.1.max(1) as f64 * 100.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.percent())
    }
}

/// Writes to a string, which never fails.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ let _ = write!($out, $($arg)*); }};
}
use put;

pub(super) fn page(details: &Details) -> String {
    let mut out = String::with_capacity(1 << 16);
    head(&mut out, details);
    next_steps(&mut out, details);
    funnel(&mut out, details);
    charts::over_time(&mut out, details);
    charts::rate(&mut out, details);
    tables::delays(&mut out, details);
    tables::cost(&mut out, details);
    tables::states(&mut out, details);
    tables::breakdowns(&mut out, details);
    tables::out_of_the_ordinary(&mut out, details);
    tables::doubt(&mut out, details);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn head(out: &mut String, details: &Details) {
    let summary = &details.summary;
    let name = Escaped(&summary.campaign);
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{name}: report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n"
    );
    let delivered = summary.states.get(MessageState::Delivered);
    put!(
        out,
        "<p class=\"verdict\">{}: {} of {} rows delivered ({}).</p>\n",
        summary.status.name(),
        Grouped(delivered),
        Grouped(summary.rows),
        Share(delivered, summary.rows)
    );
    if !summary.why.is_empty() {
        put!(out, "<p>{}</p>\n", Escaped(&summary.why));
    }
    put!(
        out,
        "<p class=\"soft\">As of {}, the last event in these numbers; asked at {}. Times of day are in {}.</p>\n",
        time_text(details.as_of),
        time_text(details.asked_at),
        Escaped(details.zone.iana_name().unwrap_or("UTC"))
    );
}

/// What a person should do, most pressing first.
fn next_steps(out: &mut String, details: &Details) {
    let summary = &details.summary;
    let name = Escaped(&summary.campaign);
    let n_in = |state| summary.states.get(state);
    let mut steps = Vec::new();
    if summary.n_open() > 0 {
        steps.push(format!(
            "{} rows are not done: <code>volley resume {name}</code> goes on with them.",
            Grouped(summary.n_open())
        ));
    }
    if n_in(MessageState::InDoubt) > 0 {
        steps.push(format!(
            "{} rows are in doubt, since their answers were never seen. <code>volley doubt list {name}</code> shows \
             them; <code>volley doubt resolve {name} --as sent</code> (or failed, or resend) decides. Sending again \
             may reach people twice.",
            Grouped(n_in(MessageState::InDoubt))
        ));
    }
    if n_in(MessageState::Rejected) > 0 {
        steps.push(format!(
            "{} rows of the list could not be sent. Line, column and reason of each stand in \
             <code>rejects.csv</code> beside the campaign; mended, they can go out as a list of their own.",
            Grouped(n_in(MessageState::Rejected))
        ));
    }
    let n_lost = n_in(MessageState::Failed) + n_in(MessageState::Undelivered) + n_in(MessageState::Expired);
    if n_lost > 0 {
        steps.push(format!(
            "{} rows were sent and not delivered. The table of errors says why, with the carrier's own codes; \
             <code>volley report {name} --csv</code> has a line for each recipient.",
            Grouped(n_lost)
        ));
    }
    if !details.planned.no_price.is_empty() {
        steps.push(format!(
            "Costs leave out {}: <code>price-per-segment</code> in the carriers file names its price for the next \
             campaign.",
            Escaped(&details.planned.no_price.join(", "))
        ));
    }
    if steps.is_empty() {
        steps.push("Nothing: every row is delivered.".to_owned());
    }
    out.push_str("<section class=\"next\" aria-labelledby=\"next\">\n<h2 id=\"next\">What to do next</h2>\n<ul>\n");
    steps.iter().for_each(|step| put!(out, "<li>{step}</li>\n"));
    out.push_str("</ul>\n</section>\n");
}

fn funnel(out: &mut String, details: &Details) {
    let states = &details.summary.states;
    let without = |left: &[MessageState]| {
        states.iter().filter(|(state, _)| !left.contains(state)).map(|(_, n_rows)| n_rows).sum::<u64>()
    };
    use MessageState::{Accepted, Cancelled, Delivered, Expired, Pending, Rejected, Suppressed, Undelivered, Unknown};
    let taken = [Accepted, Delivered, Undelivered, Expired, Unknown];
    let steps = [
        ("in the list", details.summary.rows),
        ("can be sent", without(&[Rejected, Suppressed])),
        ("tried", without(&[Rejected, Suppressed, Cancelled, Pending])),
        ("taken by a carrier", taken.iter().map(|state| states.get(*state)).sum()),
        ("delivered", states.get(Delivered)),
    ];
    out.push_str("<h2>From the list to the handset</h2>\n");
    for (what, n_rows) in steps {
        let share = Share(n_rows, details.summary.rows);
        let class = if what == "delivered" { "bar done" } else { "bar" };
        put!(
            out,
            "<div class=\"{class}\"><span>{what}</span><span class=\"track\" aria-hidden=\"true\"><span class=\"fill\" \
             style=\"width:{:.2}%\"></span></span><span class=\"n\">{} rows · {share}</span></div>\n",
            share.percent(),
            Grouped(n_rows)
        );
    }
    let segments = details.summary.segments;
    put!(
        out,
        "<p class=\"soft\">Segments: {} planned, {} submitted, {} accepted, {} delivered.</p>\n",
        Grouped(segments.planned),
        Grouped(segments.submitted),
        Grouped(segments.accepted),
        Grouped(segments.delivered)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_strangers_is_markup() {
        let text = Escaped("<script>alert('x')</script> & \"q\"\u{7}").to_string();
        assert_eq!(text, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;q&quot; ");
    }
}
