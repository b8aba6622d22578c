//! Plain SVG plots: bars on a logarithmic axis, and small panels of lines. Colours are readable on light and dark.

use std::fmt::Write as _;

const INK: &str = "#57606a";
const GRID: &str = "#8b949e";
const OWN: &str = "#d1572c";
const OTHERS: &str = "#5b8db8";
const WIDTH: f64 = 820.0;
const LABELS: f64 = 240.0;
const BAR: f64 = 20.0;
const PANEL_WIDTH: f64 = 400.0;
const PANEL_HEIGHT: f64 = 220.0;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// Whether it is ours.
    pub is_ours: bool,
}

/// A chart of bars.
#[derive(Clone, Debug)]
pub struct Bars {
    /// What it shows, with the unit.
    pub title: String,
    /// From above.
    pub bars: Vec<Bar>,
}

/// A panel of lines over a logarithmic axis from left to right.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it shows, with the unit.
    pub title: String,
    /// Names and points.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// Charts of bars, one below the other. Lengths are logarithmic, so that all can be read.
#[must_use]
pub fn bars(charts: &[Bars]) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    for Bars { title, bars } in charts {
        y += 20.0;
        text(&mut body, 10.0, y, "start", 15.0, &format!("{title} (logarithmic)"));
        y += 10.0;
        let greatest = bars.iter().map(|bar| bar.value).fold(10.0, f64::max).log10().ceil();
        let least = bars.iter().map(|bar| bar.value).fold(f64::INFINITY, f64::min).max(1.0).log10().floor();
        let room = WIDTH - LABELS - 110.0;
        let x = |value: f64| LABELS + (value.max(1.0).log10() - least) / (greatest - least) * room;
        let bottom = y + bars.len() as f64 * (BAR + 6.0);
        for power in (least as i32)..=(greatest as i32) {
            let at = x(10_f64.powi(power));
            line(&mut body, (at, y), (at, bottom));
            text(&mut body, at, bottom + 14.0, "middle", 11.0, &number(10_f64.powi(power)));
        }
        for Bar { label, value, is_ours } in bars {
            let (color, width) = (if *is_ours { OWN } else { OTHERS }, x(*value) - LABELS);
            let _ = writeln!(
                body,
                r#"<rect x="{LABELS}" y="{:.1}" width="{width:.1}" height="{BAR}" fill="{color}"/>"#,
                y + 3.0
            );
            text(&mut body, LABELS - 8.0, y + 18.0, "end", 13.0, label);
            text(&mut body, x(*value) + 6.0, y + 18.0, "start", 13.0, &number(*value));
            y += BAR + 6.0;
        }
        y += 34.0;
    }
    document(WIDTH, y, &body)
}

/// Panels, two beside one another.
#[must_use]
pub fn panels(panels: &[Panel]) -> String {
    let mut body = String::new();
    for (index, panel) in panels.iter().enumerate() {
        let (left, top) = ((index % 2) as f64 * PANEL_WIDTH, (index / 2) as f64 * PANEL_HEIGHT);
        draw_panel(&mut body, panel, left, top);
    }
    document(2.0 * PANEL_WIDTH, panels.len().div_ceil(2) as f64 * PANEL_HEIGHT, &body)
}

fn draw_panel(body: &mut String, panel: &Panel, left: f64, top: f64) {
    let points = || panel.lines.iter().flat_map(|(_, points)| points);
    let first = points().map(|point| point.0).fold(f64::INFINITY, f64::min).log10();
    let last = points().map(|point| point.0).fold(10.0, f64::max).log10().max(first + 0.1);
    let highest = points().map(|point| point.1).fold(0.0, f64::max) * 1.15 + f64::MIN_POSITIVE;
    let (x0, x1) = (left + 60.0, left + PANEL_WIDTH - 20.0);
    let (y0, y1) = (top + PANEL_HEIGHT - 40.0, top + 50.0);
    let x = |value: f64| x0 + (value.log10() - first) / (last - first) * (x1 - x0);
    let y = |value: f64| y0 + value / highest * (y1 - y0);
    text(body, left + 10.0, top + 20.0, "start", 14.0, &panel.title);
    for part in 0..=2 {
        let value = highest / 1.15 * f64::from(part) / 2.0;
        line(body, (x0, y(value)), (x1, y(value)));
        text(body, x0 - 6.0, y(value) + 4.0, "end", 11.0, &number(value));
    }
    for (index, (name, points)) in panel.lines.iter().enumerate() {
        let color = if index == 0 { OWN } else { OTHERS };
        let path: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
        let path = path.join(" ");
        let _ =
            writeln!(body, r#"<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>"#);
        for point in points {
            let (cx, cy) = (x(point.0), y(point.1));
            let _ = writeln!(body, r#"<circle cx="{cx:.1}" cy="{cy:.1}" r="3" fill="{color}"/>"#);
            if index == 0 {
                text(body, cx, y0 + 16.0, "middle", 11.0, &number(point.0));
            }
        }
        let at = left + 60.0 + index as f64 * 170.0;
        let _ = writeln!(
            body,
            r#"<rect x="{at:.0}" y="{:.0}" width="10" height="10" fill="{color}"/>"#,
            top + 29.0
        );
        text(body, at + 16.0, top + 38.0, "start", 11.0, name);
    }
}

fn document(width: f64, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\">\n{body}</svg>\n"
    )
}

fn line(body: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        body,
        r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{GRID}" stroke-width="0.5"/>"#,
        from.0, from.1, to.0, to.1
    );
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, size: f64, text: &str) {
    let text: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '<' | '&')).collect();
    let _ = writeln!(
        body,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{text}</text>"#
    );
}

/// A number with as many digits as a person wants to see.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{} M", short(value / 1e6)),
        value if value >= 10_000.0 => format!("{} k", short(value / 1e3)),
        value => short(value),
    }
}

fn short(value: f64) -> String {
    let digits = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match text.split_once('.') {
        Some((whole, part)) if part.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (1.234, "1.23"), (96_000.0, "96 k"), (1e7, "10 M"), (480.4, "480")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_longer_bar_is_longer() {
        let bar = |value| Bar { label: "a<b".to_owned(), value, is_ours: false };
        let svg = bars(&[Bars { title: "t".to_owned(), bars: vec![bar(10.0), bar(100.0), bar(1000.0)] }]);
        let widths: Vec<f64> = svg
            .lines()
            .filter_map(|line| line.strip_prefix("<rect")?.split("width=\"").nth(1)?.split('"').next())
            .map(|width| width.parse().unwrap())
            .collect();
        assert!(widths.len() == 3 && widths.is_sorted() && svg.contains(">ab<"), "{svg}");
    }
}
