//! A strict reader of the Prometheus text format, as far as a server like this writes it.

use std::collections::{BTreeMap, BTreeSet};

/// One sample: its name, labels and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The name of the series.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// Reads an exposition.
///
/// # Errors
/// The line that breaks the format, or a sample whose type was not declared before it.
pub fn parse(text: &str) -> Result<Vec<Sample>, String> {
    let mut samples = Vec::new();
    let mut declared = BTreeSet::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.split_whitespace();
            if words.next() == Some("TYPE") {
                declared.insert(words.next().ok_or_else(|| line.to_owned())?.to_owned());
            }
        } else {
            let sample = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| sample.name.strip_suffix(end));
            if !declared.contains(&sample.name) && !base.is_some_and(|base| declared.contains(base)) {
                return Err(format!("no TYPE before {line}"));
            }
            samples.push(sample);
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let name = &line[..name_end];
    let valid = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid(name).then_some(())?;
    let mut rest = &line[name_end..];
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        let close = inner.rfind('}')?;
        for pair in inner[..close].split(',').filter(|pair| !pair.is_empty()) {
            let (label, quoted) = pair.split_once('=')?;
            let value = quoted.strip_prefix('"')?.strip_suffix('"')?;
            valid(label).then_some(())?;
            labels.insert(label.to_owned(), value.to_owned());
        }
        rest = &inner[close + 1..];
    }
    let value = match rest.strip_prefix(' ')? {
        "+Inf" => f64::INFINITY,
        text => text.parse().ok()?,
    };
    Some(Sample { name: name.to_owned(), labels, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_read_strictly() {
        let text = "# HELP a_total All.\n# TYPE a_total counter\na_total{x=\"1\",y=\"b\"} 3\na_total 4.5\n";
        let samples = parse(text).unwrap();
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].labels["y"], "b");
        assert!((samples[1].value - 4.5).abs() < f64::EPSILON);
        for bad in
            ["a_total 1\n", "# TYPE a gauge\na{x=1} 1\n", "# TYPE a gauge\na one\n", "# TYPE a gauge\na 1"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
