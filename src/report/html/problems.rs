//! Problems as a page, where a plan was to be.

use super::page::document;
use crate::persona::problem::{Problem, Severity};
use crate::report::problems::{count, spot};

/// What is wrong with the files.
pub fn problems(problems: &[Problem]) -> String {
    document("personaform: problems", "", |html| {
        html.element("header", &[("class", "top")], |html| {
            html.raw("<p class=\"brand\">personaform</p><h1>Nothing was planned</h1>");
            html.leaf("p", &[("class", "lead")], &count(problems));
        });
        html.element("main", &[], |html| {
            for problem in problems {
                let class = match problem.severity {
                    Severity::Error => "alert bad",
                    Severity::Warning => "alert",
                };
                html.element("section", &[("class", class)], |html| {
                    html.element("h2", &[], |html| html.words(&problem.message));
                    if let Some((path, line, column)) = spot(problem) {
                        html.element("p", &[], |html| {
                            html.leaf("span", &[("class", "source")], &format!("{path}:{line}:{column}"));
                        });
                    }
                    if let Some(help) = &problem.help {
                        html.element("p", &[], |html| html.words(help));
                    }
                    if let Some(suggestion) = &problem.suggestion {
                        html.element("p", &[], |html| {
                            html.raw("write ");
                            html.leaf("code", &[], &suggestion.text);
                        });
                    }
                });
            }
        });
    })
}
