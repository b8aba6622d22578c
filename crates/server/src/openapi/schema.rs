//! The schemas of the document. They come from the types.

use jackfield_model::schema::wire_conventions;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::http::routes;

pub(super) fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .with_transform(RecursiveTransform(wire_conventions))
        .with_transform(RecursiveTransform(list_operations))
        .into_generator()
}

/// The schema as it stands in the document, outside of its list of schemas.
pub(super) fn finished(generator: &mut SchemaGenerator, mut schema: Schema) -> Value {
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}

/// Gives the names of operations to a schema that needs them, beside those that it lists. The route table alone knows them.
fn list_operations(schema: &mut Schema) {
    if let Some(Value::Array(more)) = schema.remove("operations") {
        let names = routes::fault_operations().into_iter().map(Value::from).chain(more);
        schema.insert("enum".to_owned(), names.collect());
    }
}
