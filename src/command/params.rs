//! `gcl-sweep params`: the table of all job parameters, and of the settings of generated data.

use sweeps::parameter::{Parameter, Role};
use sweeps::registry::{PARAMETERS, SETTINGS};

use crate::arguments::{Format, Params};
use crate::error::CommandError;
use crate::output;

/// Prints the parameters whose name contains the filter.
pub fn params(arguments: &Params, format: Format) -> Result<(), CommandError> {
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let all = || PARAMETERS.iter().chain(SETTINGS);
    let wanted: Vec<&Parameter> = all()
        .filter(|parameter| parameter.name.contains(filter))
        .collect();
    if wanted.is_empty() {
        let nearest = sweeps::parameter::nearest(filter, all().map(|parameter| parameter.name));
        let hint = nearest
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        return Err(CommandError::Usage(format!(
            "no parameter's name contains `{filter}`{hint}"
        )));
    }
    match format {
        Format::Json => output::json(
            &wanted
                .iter()
                .map(|parameter| as_json(parameter))
                .collect::<Vec<_>>(),
        ),
        Format::Text => {
            let mut table = output::table(&[
                "parameter",
                "type and range",
                "unit",
                "default",
                "paper",
                "meaning",
            ]);
            for parameter in wanted {
                let applies = if parameter.condition.is_empty() {
                    String::new()
                } else {
                    format!(" With {}.", parameter.condition)
                };
                let role = match parameter.role {
                    Role::Training => "",
                    Role::Reporting => " Decided when reporting: not part of a job's id.",
                    Role::Data => " Under [dataset.synthetic] or on an axis, not in [job].",
                };
                table.add_row([
                    parameter.name.to_owned(),
                    parameter.kind.to_string(),
                    parameter.unit.to_owned(),
                    default(parameter),
                    parameter.section.to_owned(),
                    format!("{}{applies}{role}", parameter.doc),
                ]);
            }
            output::print(&table.to_string())
        }
    }
}

fn default(parameter: &Parameter) -> String {
    (parameter.default)().map_or_else(|| "unset".to_owned(), |value| value.to_string())
}

fn as_json(parameter: &Parameter) -> serde_json::Value {
    serde_json::json!({
        "name": parameter.name,
        "type": parameter.kind.to_string(),
        "unit": parameter.unit,
        "default": (parameter.default)(),
        "section": parameter.section,
        "meaning": parameter.doc,
        "condition": parameter.condition,
        "reporting": parameter.role == Role::Reporting,
        "data": parameter.role == Role::Data,
    })
}
