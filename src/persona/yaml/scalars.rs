//! What scalars and tags mean: the core schema's reading, with the doubts that other readers of YAML would have.

use granit_parser::{ScalarStyle, Span, Tag};

use super::{Composer, brief, range};
use crate::persona::node::Kind;
use crate::persona::problem::Problem;
use crate::persona::scalar::{self, Scalar};

impl Composer<'_> {
    /// The value of a scalar, with the warnings and refusals that belong to it.
    pub(super) fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Kind {
        match self.scalar_kind(text, style, tag, span) {
            Ok((kind, doubt)) => {
                if let Some(scalar::Doubt { here, elsewhere }) = doubt {
                    let place = self.place(range(span));
                    let message = format!("`{text}` is {here} here, but {elsewhere} to some readers of YAML");
                    let (help, instead) = match here {
                        "text" => ("quote it to say that text is meant", format!("\"{text}\"")),
                        _ => ("write the number in digits", plain_number(&kind)),
                    };
                    let problem = Problem::warning("ambiguous-value", place.clone(), message).with_help(help);
                    self.problems.push(problem.with_suggestion(place, instead));
                }
                kind
            }
            Err(problem) => {
                self.problems.push(*problem);
                Kind::Null
            }
        }
    }

    pub(super) fn scalar_kind(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(Kind, Option<scalar::Doubt>), Box<Problem>> {
        let as_text = || Ok((Kind::Text(text.to_owned()), None));
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
        let (kind, name) = match scalar {
            Scalar::Null => (Kind::Null, "null"),
            Scalar::Bool(value) => (Kind::Bool(value), "bool"),
            Scalar::Number(number) => {
                let name = if number.is_f64() { "float" } else { "int" };
                (Kind::Number(number), name)
            }
            Scalar::Text => (Kind::Text(text.to_owned()), "str"),
            Scalar::Impossible(why) => {
                let help = "quote it if it is an id or a name";
                let problem = Problem::error("impossible-number", place(), why).with_help(help);
                return Err(Box::new(problem.with_suggestion(place(), format!("\"{text}\""))));
            }
        };
        match core {
            Some(core) if core != name && !(core == "float" && name == "int") => {
                Err(Box::new(Problem::error("wrong-tag", place(), format!("the value is not what its tag `!!{core}` says"))))
            }
            Some(_) => Ok((kind, None)),
            None => Ok((kind, doubt)),
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

/// A number in digits.
fn plain_number(kind: &Kind) -> String {
    match kind {
        Kind::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
        _ => String::new(),
    }
}
