//! Values and problems, as a table or a document holds them.

use jackfield_client::sync::Problem;
use serde_json::{Value, json};

/// A text of at most this width, cut in the middle.
pub(super) fn cut(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    let skipped = count - tail;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(skipped)).collect()
}

/// A problem as a JSON object.
pub(super) fn problem(problem: &Problem) -> Value {
    let mut object = json!({
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "rule": problem.rule,
    });
    if let Some(sheet) = &problem.sheet {
        object["sheet"] = json!(sheet);
        object["cell"] = json!(problem.cell());
    }
    object
}
