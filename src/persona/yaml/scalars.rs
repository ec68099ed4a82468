//! What scalars and tags mean: the core schema's reading, with the doubts that other readers of YAML would have.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Span, Tag};

use super::{Composer, brief, range};
use crate::persona::node::Kind;
use crate::persona::problem::Problem;
use crate::persona::scalar::{self, Scalar};

impl Composer<'_> {
    /// The value of a scalar, with the warnings and refusals that belong to it.
    pub(super) fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Kind {
        match self.scalar_value(&text, style, tag, span) {
            Ok((value, doubt)) => {
                if let Some(scalar::Doubt { here, elsewhere }) = doubt {
                    let place = self.place(range(span));
                    let message = format!("`{text}` is {here} here, but {elsewhere} to some readers of YAML");
                    let (help, instead) = match here {
                        "text" => ("quote it to say that text is meant", format!("\"{text}\"")),
                        _ => ("write the number in digits", plain_number(&value)),
                    };
                    let problem = Problem::warning("ambiguous-value", place.clone(), message).with_help(help);
                    self.problems.push(problem.with_suggestion(place, instead));
                }
                kind(value, text)
            }
            Err(problem) => {
                self.problems.push(*problem);
                Kind::Null
            }
        }
    }

    /// What a scalar means; never a number that JSON does not have.
    pub(super) fn scalar_value(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(Scalar, Option<scalar::Doubt>), Box<Problem>> {
        let as_text = || Ok((Scalar::Text, None));
        let core = match tag {
            None if style != ScalarStyle::Plain => return as_text(),
            None => None,
            Some(tag) if tag.is_yaml_core_schema_tag("str") || tag.original() == "!" => return as_text(),
            Some(tag) => match tag.core_suffix() {
                Some(suffix) => Some(suffix.to_owned()),
                None => return Err(Box::new(self.unknown_tag(tag, span, Some(text)))),
            },
        };
        let place = || self.place(range(span));
        let (scalar, doubt) = scalar::read(text);
        let name = match &scalar {
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Number(number) if number.is_f64() => "float",
            Scalar::Number(_) => "int",
            Scalar::Text => "str",
            Scalar::Impossible(why) => {
                let help = "quote it if it is an id or a name";
                let problem = Problem::error("impossible-number", place(), *why).with_help(help);
                return Err(Box::new(problem.with_suggestion(place(), format!("\"{text}\""))));
            }
        };
        match core {
            Some(core) if core != name && !(core == "float" && name == "int") => {
                Err(Box::new(Problem::error("wrong-tag", place(), format!("the value is not what its tag `!!{core}` says"))))
            }
            Some(_) => Ok((scalar, None)),
            None => Ok((scalar, doubt)),
        }
    }

    pub(super) fn collection_tag(&mut self, tag: Option<&Tag>, wanted: &str, span: &Span) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema_tag(wanted)
        {
            let problem = self.unknown_tag(tag, span, None);
            self.problems.push(problem);
        }
    }

    fn unknown_tag(&self, tag: &Tag, span: &Span, value: Option<&str>) -> Problem {
        let place = self.place(span.tag_span().map_or_else(|| range(span), |span| range(&span)));
        let original = tag.original();
        let help = match (original.trim_start_matches('!'), value) {
            (name @ ("file" | "include" | "env"), Some(value)) => {
                let name = if name == "env" { "env" } else { "file" };
                format!("write `{{ ${name}: {} }}`", brief(value))
            }
            _ => "remove the tag, or quote the text if it is meant literally".to_owned(),
        };
        Problem::error("unknown-tag", place, format!("the tag `{}` means nothing here", brief(&original))).with_help(help)
    }
}

/// The value of a scalar that was written as this text.
pub(super) fn kind(value: Scalar, text: Cow<'_, str>) -> Kind {
    match value {
        Scalar::Null | Scalar::Impossible(_) => Kind::Null,
        Scalar::Bool(value) => Kind::Bool(value),
        Scalar::Number(number) => Kind::Number(number),
        Scalar::Text => Kind::Text(text.into_owned()),
    }
}

/// A number in digits.
fn plain_number(value: &Scalar) -> String {
    match value {
        Scalar::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        _ => String::new(),
    }
}
