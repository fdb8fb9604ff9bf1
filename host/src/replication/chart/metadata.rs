//! `Chart.yaml` as Helm understands it, and the JSON it makes of it: the fields of Helm's
//! `chart.Metadata` in their order, what is empty left out, spaces made plain.

use std::collections::BTreeMap;

use serde::Serialize;

use super::yaml::{self, Yaml};

/// What a chart says of itself.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) home: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sources: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) maintainers: Vec<Maintainer>,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    condition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tags: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    app_version: String,
    #[serde(skip_serializing_if = "is_false")]
    deprecated: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    kube_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<Dependency>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
}

/// Who looks after a chart.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Maintainer {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Dependency {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    repository: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    condition: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    import_values: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    alias: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Metadata {
    /// Reads `Chart.yaml`, and `requirements.yaml` of a chart from the days of Helm 2.
    ///
    /// # Errors
    /// A phrase that says what is wrong.
    pub(super) fn read(chart: &str, requirements: Option<&str>) -> Result<Self, String> {
        let yaml = yaml::read(chart).map_err(|why| format!("Chart.yaml: {why}"))?;
        let field = Field(&yaml);
        let mut metadata = Self::of(&field).map_err(|why| format!("Chart.yaml: {why}"))?;
        if let Some(text) = requirements {
            let wrong = |why| format!("requirements.yaml: {why}");
            let yaml = yaml::read(text).map_err(wrong)?;
            if yaml.get("dependencies").is_some() {
                metadata.dependencies =
                    Field(&yaml).list("dependencies", dependency).map_err(wrong)?;
            }
        }
        metadata.check()?;
        Ok(metadata)
    }

    fn of(field: &Field<'_>) -> Result<Self, String> {
        let api_version = field.text("apiVersion")?;
        Ok(Self {
            name: field.clean("name")?,
            home: field.clean("home")?,
            sources: field.list("sources", clean)?,
            version: field.text("version")?,
            description: field.clean("description")?,
            keywords: field.list("keywords", clean)?,
            maintainers: field.list("maintainers", maintainer)?,
            icon: field.clean("icon")?,
            api_version: if api_version.is_empty() { "v1".to_owned() } else { api_version },
            condition: field.clean("condition")?,
            tags: field.clean("tags")?,
            app_version: field.clean("appVersion")?,
            deprecated: field.boolean("deprecated")?,
            annotations: field.texts("annotations")?,
            kube_version: field.clean("kubeVersion")?,
            dependencies: field.list("dependencies", dependency)?,
            kind: field.text("type")?,
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.name.is_empty() || self.version.is_empty() {
            return Err("Chart.yaml: `name` or `version` is missing".to_owned());
        }
        if !matches!(&*self.kind, "" | "application" | "library") {
            return Err("Chart.yaml: `type` is neither application nor library".to_owned());
        }
        Ok(())
    }
}

/// The fields of one mapping.
struct Field<'y>(&'y Yaml);

impl Field<'_> {
    fn text(&self, key: &str) -> Result<String, String> {
        let text = self.0.get(key).map(Yaml::text).transpose();
        text.map(Option::unwrap_or_default).map_err(|why| format!("`{key}`: {why}"))
    }

    fn clean(&self, key: &str) -> Result<String, String> {
        self.text(key).map(|text| plain(&text))
    }

    fn boolean(&self, key: &str) -> Result<bool, String> {
        let truth = self.0.get(key).map(Yaml::boolean).transpose();
        truth.map(Option::unwrap_or_default).map_err(|why| format!("`{key}`: {why}"))
    }

    fn list<T>(&self, key: &str, item: fn(&Yaml) -> Result<T, String>) -> Result<Vec<T>, String> {
        let Some(list) = self.0.get(key) else { return Ok(Vec::new()) };
        let items = list.items().and_then(|items| items.iter().map(item).collect());
        items.map_err(|why| format!("`{key}`: {why}"))
    }

    fn texts(&self, key: &str) -> Result<BTreeMap<String, String>, String> {
        let Some(map) = self.0.get(key) else { return Ok(BTreeMap::new()) };
        let Yaml::Map(pairs) = map else {
            return Err(format!("`{key}`: something else stands for a mapping"));
        };
        let pair = |(name, value): &(String, Yaml)| Ok((name.clone(), value.text()?));
        pairs.iter().map(pair).collect()
    }
}

fn clean(item: &Yaml) -> Result<String, String> {
    item.text().map(|text| plain(&text))
}

fn maintainer(item: &Yaml) -> Result<Maintainer, String> {
    let field = Field(item);
    let Yaml::Map(_) = item else { return Err("it has an empty item".to_owned()) };
    Ok(Maintainer {
        name: field.clean("name")?,
        email: field.clean("email")?,
        url: field.clean("url")?,
    })
}

fn dependency(item: &Yaml) -> Result<Dependency, String> {
    let field = Field(item);
    let Yaml::Map(_) = item else { return Err("it has an empty item".to_owned()) };
    Ok(Dependency {
        name: field.clean("name")?,
        version: field.clean("version")?,
        repository: field.clean("repository")?,
        condition: field.clean("condition")?,
        tags: field.list("tags", clean)?,
        enabled: field.boolean("enabled")?,
        import_values: field.list("import-values", |item| Ok(item.json()))?,
        alias: field.text("alias")?,
    })
}

/// Every space a plain one, and nothing that cannot be seen (Helm's `sanitizeString`).
fn plain(text: &str) -> String {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{e000}'..='\u{f8ff}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    let shown = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    shown.filter(|c| !unseen(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_chart_is_said() {
        let no_name = "Chart.yaml: `name` or `version` is missing";
        for (text, expected) in [
            ("name: a\n", no_name),
            ("version: 1.0.0\n", no_name),
            (
                "name: [a]\nversion: 1\n",
                "Chart.yaml: `name`: a list or a mapping stands for a text",
            ),
            ("name: a\nversion: 1\ntype: x\n", "Chart.yaml: `type` is neither"),
            ("name: a\nversion: 1\ndeprecated: \"true\"\n", "Chart.yaml: `deprecated`: something"),
            ("name: a\nversion: 1\nmaintainers: [~]\n", "Chart.yaml: `maintainers`: it has an"),
            ("name: a\nversion: 1\nkeywords: x\n", "Chart.yaml: `keywords`: something else"),
            ("- a\n", no_name),
            ("", "Chart.yaml: it is empty"),
        ] {
            let error = Metadata::read(text, None).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let chart = "name: a\nversion: 1.0.0\n";
        let error = Metadata::read(chart, Some("dependencies: x")).unwrap_err();
        assert!(error.starts_with("requirements.yaml: "), "{error}");
        assert!(Metadata::read(chart, Some("other: x")).unwrap().dependencies.is_empty());
    }
}
