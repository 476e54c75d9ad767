//! Writes a connector as the text that lies in `assets/catalog`: one schema or operation a line, so that a change of
//! one is a change of one line.
use super::Connector;

impl Connector {
    /// The text. The same connector gives the same bytes, and reading them gives the same connector.
    ///
    /// # Errors
    /// Never for a connector that was read or imported; the error type is that of JSON.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        use serde_json::to_string as json;
        let mut text = format!("{{\n\"id\":{},\n\"title\":{},\n", json(&self.id)?, json(&self.title)?);
        let mut line = |name: &str, value: String| {
            for part in ["\"", name, "\":", &value, ",\n"] {
                text.push_str(part);
            }
        };
        line("environments", json(&self.environments)?);
        line("auth", json(&self.auth)?);
        line("account", json(&self.account)?);
        line("rates", json(&self.rates)?);
        if let Some(it) = &self.limit_headers {
            line("limit_headers", json(it)?);
        }
        if let Some(it) = &self.breaker {
            line("breaker", json(it)?);
        }
        line("errors", json(&self.errors)?);
        if !self.guides.is_empty() {
            line("guides", json(&self.guides)?);
        }
        if let Some(it) = &self.probe {
            line("probe", json(it)?);
        }
        if !self.makers.is_empty() {
            line("makers", json(&self.makers)?);
        }
        let mut schemas = Vec::with_capacity(self.schemas.len());
        for (name, schema) in self.schemas.iter() {
            schemas.push(format!("{}:{}", json(name)?, json(schema)?));
        }
        line("schemas", format!("{{\n{}\n}}", schemas.join(",\n")));
        let mut operations = Vec::with_capacity(self.operations.len());
        for it in self.operations.values() {
            operations.push(json(it.as_ref())?);
        }
        text.push_str("\"operations\":[\n");
        text.push_str(&operations.join(",\n"));
        text.push_str("\n]\n}\n");
        Ok(text)
    }
}
