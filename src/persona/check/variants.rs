//! `anyOf` and `oneOf`: which of several shapes a writer meant, so that only what is wrong with that one is reported.

use serde_json::Value;

use super::super::expression;
use super::super::node::{Kind, Node};
use super::super::problem::{Place, Problem, Severity};
use super::super::schema::shape::{Shape, ShapeId};
use super::{Checker, is_of_type};

/// Checks a node against several shapes.
pub(super) fn walk<'a>(checker: &mut Checker<'a>, node: &'a Node, variants: &[ShapeId], key: Option<&Place>) {
    let all = checker.shapes;
    let shapes: Vec<ShapeId> =
        variants.iter().copied().filter(|shape| all.get(*shape).types != ["null"] || node.is_null()).collect();
    if let [only] = shapes[..] {
        return checker.walk(node, only, key);
    }
    // Every shape a fixed value: an enum in disguise.
    let fixed: Option<Vec<&Vec<&Value>>> = shapes.iter().map(|shape| all.reached(*shape).options.as_ref()).collect();
    if let Some(fixed) = fixed
        && node.scalar().is_some()
    {
        let options: Vec<&Value> = fixed.into_iter().flatten().copied().collect();
        if options.iter().any(|option| node.scalar().as_ref().is_some_and(|value| same_kind(option, value))) {
            return checker.one_of(node, &options);
        }
    }
    let candidates = match distinguished(checker, node, &shapes) {
        Ok(candidates) => candidates,
        Err(()) => return,
    };
    let is_expression = expression::recognise(node).is_some();
    let fits = |shape: ShapeId| {
        let types = &all.get(shape).types;
        types.is_empty() || types.iter().any(|wanted| is_of_type(node, wanted) || (is_expression && *wanted == "string"))
    };
    let mut best: Option<(usize, Vec<Problem>)> = None;
    for shape in candidates.iter().copied().filter(|shape| fits(*shape)) {
        let mut attempt = Checker { shapes: all, path: checker.path.clone(), problems: Vec::new() };
        attempt.walk(node, shape, key);
        let errors = attempt.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        if best.as_ref().is_none_or(|(least, _)| errors < *least) {
            best = Some((errors, attempt.problems));
        }
    }
    match best {
        Some((_, problems)) => checker.problems.extend(problems),
        None => {
            let mut types: Vec<&str> = candidates.iter().flat_map(|shape| all.get(*shape).types.iter().copied()).collect();
            types.sort_unstable();
            types.dedup();
            checker.wrong_type(node, &types, key);
        }
    }
}

/// Narrows shapes by the field that tells them apart, one that is a constant in each. An unknown value of it is reported.
fn distinguished(checker: &mut Checker<'_>, node: &Node, shapes: &[ShapeId]) -> Result<Vec<ShapeId>, ()> {
    let Kind::Mapping(_) = node.kind else { return Ok(shapes.to_vec()) };
    let all = checker.shapes;
    let objects: Vec<&Shape<'_>> =
        shapes.iter().map(|shape| all.reached(*shape)).filter(|shape| shape.schema.get("properties").is_some()).collect();
    let Some((first, _)) = objects.split_first() else { return Ok(shapes.to_vec()) };
    let constant = |shape: &Shape<'_>, name: &str| {
        all.reached(shape.property(name)?).options.as_ref().filter(|options| !options.is_empty())
    };
    let names = first.schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    for name in names {
        let options: Option<Vec<&Vec<&Value>>> = objects.iter().map(|shape| constant(shape, name)).collect();
        let Some(options) = options.filter(|options| options.len() > 1) else { continue };
        let Some(written) = node.get(name) else { continue };
        let Some(value) = written.scalar() else { continue };
        let chosen: Vec<ShapeId> = shapes
            .iter()
            .copied()
            .filter(|shape| constant(all.reached(*shape), name).is_some_and(|options| options.contains(&&value)))
            .collect();
        if chosen.is_empty() {
            checker.one_of(written, &options.into_iter().flatten().copied().collect::<Vec<_>>());
            return Err(());
        }
        return Ok(chosen);
    }
    Ok(shapes.to_vec())
}

fn same_kind(left: &Value, right: &Value) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}
