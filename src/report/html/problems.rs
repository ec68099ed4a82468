//! Problems as a page, each with its lines.

use super::markup::Html;
use super::page::document;
use crate::persona::problem::{Place, Problem, Severity};
use crate::report::problems::{count, spot, title, word};
use crate::report::shown::visible;

/// Lines of a place that are shown, and characters of a line.
const MOST_LINES: usize = 8;
const LONGEST_LINE: usize = 400;

/// The lines of a place, with the place marked in them.
fn excerpt(html: &mut Html, place: &Place) {
    let text = &place.file.text;
    let start = place.span.start.min(text.len());
    let end = place.span.end.clamp(start, text.len());
    let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let to = text[end..].find('\n').map_or(text.len(), |length| end + length);
    let lines = text[from..to].lines().count();
    if text[from..to].trim().is_empty() || lines > MOST_LINES || to - from > LONGEST_LINE {
        return;
    }
    let shown = |html: &mut Html, part: &str| {
        for (index, line) in part.split('\n').enumerate() {
            html.raw(if index > 0 { "\n" } else { "" });
            html.exact(&visible::safe(line.trim_end_matches('\r')));
        }
    };
    html.element("pre", &[("class", "excerpt"), ("dir", "auto")], |html| {
        shown(html, &text[from..start]);
        html.element("mark", &[], |html| shown(html, &text[start..end]));
        shown(html, &text[end..to]);
    });
}

/// What is wrong with the files.
pub fn problems(problems: &[Problem]) -> String {
    let title = title(problems);
    document(&format!("personaform: {title}"), "", |html| {
        html.element("header", &[("class", "top")], |html| {
            html.raw("<p class=\"brand\">personaform</p>");
            html.leaf("h1", &[], title);
            html.leaf("p", &[("class", "lead")], &count(problems));
        });
        html.element("main", &[], |html| {
            for problem in problems {
                let class = match problem.severity {
                    Severity::Error => "alert bad",
                    Severity::Warning => "alert",
                };
                html.element("section", &[("class", class)], |html| {
                    html.element("h2", &[], |html| {
                        html.leaf("span", &[("class", "severity")], word(problem.severity));
                        html.raw(" ");
                        html.words(&problem.message);
                    });
                    html.element("p", &[], |html| {
                        if let Some((path, line, column)) = spot(problem) {
                            html.leaf("span", &[("class", "source")], &format!("{path}:{line}:{column}"));
                            html.raw(" ");
                        }
                        html.leaf("span", &[("class", "id")], problem.code);
                    });
                    if let Some(place) = &problem.place {
                        excerpt(html, place);
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
