//! Charts as inline SVG: told apart by line and label, never by colour alone.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use volley_core::UnixMicros;

use super::{Escaped, Grouped, put};
use crate::report::{Details, delays::Series};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 200.0;
/// Room for the numbers at the left, and the times below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 8.0;

/// The plane of a chart: from a place in time and an amount to a place on paper.
struct Plane {
    n_buckets: usize,
    top: f64,
}

impl Plane {
    fn x(&self, bucket: f64) -> f64 {
        LEFT + bucket / self.n_buckets.max(1) as f64 * (WIDTH - LEFT - 4.0)
    }

    fn y(&self, amount: f64) -> f64 {
        HEIGHT - BELOW - amount / self.top.max(f64::MIN_POSITIVE) * (HEIGHT - BELOW - ABOVE)
    }
}

/// Sums up to each bucket, submitted and delivered.
pub(super) fn over_time(out: &mut String, details: &Details) {
    let (mut submitted, mut delivered) = (details.submitted.clone(), details.delivered.clone());
    submitted.align(&mut delivered);
    out.push_str("<h2>Delivered over time</h2>\n");
    let sums = |series: &Series| {
        let sum = series.buckets.iter().scan(0, |sum, n| {
            *sum += n;
            Some(*sum as f64)
        });
        sum.collect::<Vec<_>>()
    };
    let (submitted_sums, delivered_sums) = (sums(&submitted), sums(&delivered));
    let Some(top) = submitted_sums.last().copied().filter(|top| *top > 0.0) else {
        out.push_str("<p>Nothing was sent yet.</p>\n");
        return;
    };
    let n_delivered = delivered_sums.last().copied().unwrap_or(0.0);
    let plane = Plane { n_buckets: submitted.buckets.len(), top: round_up(top) };
    let label = format!(
        "{} segments submitted and {} delivered over time, each summed up",
        Grouped(top as u64),
        Grouped(n_delivered as u64)
    );
    begin(out, &label, &plane);
    for (class, sums) in [("sent", &submitted_sums), ("good", &delivered_sums)] {
        let mut points = format!("{:.1},{:.1}", plane.x(0.0), plane.y(0.0));
        for (bucket, sum) in sums.iter().enumerate() {
            put!(points, " {:.1},{:.1}", plane.x(bucket as f64 + 1.0), plane.y(*sum));
        }
        put!(out, "<polyline class=\"line {class}\" points=\"{points}\"/>\n");
    }
    times(out, &plane, details, submitted.width);
    out.push_str(
        "</svg>\n<figcaption><span class=\"key\"></span>segments submitted (full line)\
         <span class=\"key good\"></span>delivered (dashed)</figcaption>\n</figure>\n",
    );
}

/// Segments per second in each bucket, and what was allowed.
pub(super) fn rate(out: &mut String, details: &Details) {
    let series = &details.submitted;
    let per_s: Vec<f64> = series.buckets.iter().map(|n| *n as f64 / f64::from(series.width)).collect();
    let most = per_s.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let limit = limit(details);
    let plane = Plane { n_buckets: per_s.len(), top: round_up(most.max(limit.unwrap_or(0.0))) };
    out.push_str("<h2>Rate against limit</h2>\n");
    let allowed = limit.map_or_else(
        || "no limit was set".to_owned(),
        |limit| format!("{} a second were allowed", Grouped(limit.round() as u64)),
    );
    begin(
        out,
        &format!("at most {} segments a second in {} s; {allowed}", Grouped(most.round() as u64), series.width),
        &plane,
    );
    for (bucket, rate) in per_s.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
        let (x, y) = (plane.x(bucket as f64), plane.y(*rate));
        let width = (plane.x(1.0) - plane.x(0.0)) * 0.9;
        put!(
            out,
            "<rect class=\"sent\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\n",
            plane.y(0.0) - y
        );
    }
    if let Some(limit) = limit {
        let y = plane.y(limit);
        put!(out, "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n");
    }
    times(out, &plane, details, series.width);
    put!(
        out,
        "</svg>\n<figcaption><span class=\"key\"></span>segments a second, mean of {} s, by the last try of each row \
         (bars){}. {}{allowed}.</figcaption>\n</figure>\n",
        series.width,
        if limit.is_some() { "<span class=\"key limit\"></span>limit (dotted line)" } else { "" },
        if series.width == 1 {
            "Bars follow whole seconds, so that two half ones may stand beside each other; "
        } else {
            ""
        }
    );
}

/// The next number that is easy to read: 1, 2, 2.5, 4, 5, 6 or 8 with zeros.
fn round_up(amount: f64) -> f64 {
    let magnitude = 10_f64.powf(amount.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 2.5, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * magnitude).find(|top| *top >= amount).unwrap_or(amount)
}

/// The campaign's own rate, or what all carriers together allow; `None` when one has no limit.
fn limit(details: &Details) -> Option<f64> {
    let approved = &details.approved;
    let of_carrier = |contract: &crate::Contract| contract.rate.map(volley_core::Rate::as_per_sec);
    let of_carriers: Option<f64> = approved.contracts.values().map(of_carrier).sum();
    let of_carriers = of_carriers.filter(|limit| *limit > 0.0);
    let of_campaign = approved.options.schedule.rate.map(volley_core::Rate::as_per_sec);
    match (of_campaign, of_carriers) {
        (Some(campaign), Some(carriers)) => Some(campaign.min(carriers)),
        (one, other) => one.or(other),
    }
}

fn begin(out: &mut String, label: &str, plane: &Plane) {
    put!(out, "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n", Escaped(label));
    for part in [0.0, 0.5, 1.0] {
        let (amount, y) = (plane.top * part, plane.y(plane.top * part));
        put!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6.0,
            y + 4.0,
            Grouped(amount.round() as u64)
        );
    }
}

/// The first, middle and last moment below the chart.
fn times(out: &mut String, plane: &Plane, details: &Details, width: u32) {
    let seconds = plane.n_buckets as f64 * f64::from(width);
    for (part, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
        let at = details.begun_at.0 + (seconds * part) as u64 * 1_000_000;
        put!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>\n",
            plane.x(plane.n_buckets as f64 * part),
            HEIGHT - 6.0,
            clock(UnixMicros(at), &details.zone, seconds)
        );
    }
}

/// As much of a time as the length of the whole makes worth knowing.
fn clock(at: UnixMicros, zone: &TimeZone, seconds: f64) -> String {
    let at = i64::try_from(at.0 / 1_000_000).ok().and_then(|second| Timestamp::from_second(second).ok());
    let form = if seconds < 600.0 {
        "%H:%M:%S"
    } else if seconds < 86_400.0 {
        "%H:%M"
    } else {
        "%d %b %H:%M"
    };
    at.map(|at| at.to_zoned(zone.clone()).strftime(form).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_in_round_numbers() {
        for (amount, top) in
            [(0.0, 1.0), (1.0, 1.0), (3_300.0, 4_000.0), (11_855.0, 20_000.0), (99.0, 100.0), (2_100.0, 2_500.0)]
        {
            assert!((round_up(amount) - top).abs() < 1e-6, "{amount}: {}", round_up(amount));
        }
    }
}
