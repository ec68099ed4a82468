//! Where in the bytes a change goes. Proposes splices; whether they are right is found out by reading the result.

use std::ops::Range;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::super::tree::{Form, Node, Pair};
use super::super::write;
use super::page::Page;
use super::{Parent, Site, Splice, block};

fn splice(span: Range<usize>, text: impl Into<String>) -> Splice {
    Splice { span, text: text.into() }
}

fn insertion(at: usize, text: impl Into<String>) -> Splice {
    splice(at..at, text)
}

impl Page<'_> {
    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    fn is_first_on_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].bytes().all(|byte| byte == b' ')
    }

    /// After the colon of a key.
    fn after_colon(&self, pair: &Pair) -> usize {
        let from = pair.key_span.end;
        self.text[from..].find(':').map_or(from, |length| from + length + 1)
    }

    /// Before the dash of an item; none where it cannot be told.
    fn dash(&self, item: &Node) -> Option<usize> {
        let before = self.text[..item.span.start].trim_end();
        // Of an item that is nothing, the parser gives a place at or before its dash.
        if before.ends_with('-') { Some(before.len() - 1) } else { None }
    }

    /// The end of what a value says: block scalars without the blank lines after them.
    fn end(&self, node: &Node, fallback: usize) -> usize {
        if node.span.is_empty() {
            return fallback.max(node.span.end);
        }
        match &node.form {
            Form::Scalar(_) if node.is_block() => {
                let content = &self.text[node.span.clone()];
                node.span.start + content.trim_end_matches(['\n', '\r', ' ', '\t']).len()
            }
            Form::List { flow: false, items } => items.last().map_or(node.span.end, |item| self.end(item, node.span.end)),
            Form::Mapping { flow: false, pairs } => pairs.last().map_or(node.span.end, |pair| self.pair_end(pair)),
            _ => node.span.end,
        }
    }

    fn pair_end(&self, pair: &Pair) -> usize {
        self.end(&pair.value, self.after_colon(pair))
    }

    /// The last scalar of a value, if it is a block that keeps all line ends (`|+`).
    fn keeps_line_ends(&self, node: &Node) -> bool {
        match &node.form {
            Form::Scalar(_) if node.is_block() => {
                let header = self.text[..node.span.start].trim_end();
                let header = &header[self.line_start(header.len())..];
                header.split(" #").next().unwrap_or_default().contains('+')
            }
            Form::List { flow: false, items } => items.last().is_some_and(|item| self.keeps_line_ends(item)),
            Form::Mapping { flow: false, pairs } => pairs.last().is_some_and(|pair| self.keeps_line_ends(&pair.value)),
            _ => false,
        }
    }

    /// New lines after a value that ends at `end`; `lines` has no line end of its own.
    fn lines_after(&self, last: &Node, end: usize, lines: &str) -> Splice {
        if self.keeps_line_ends(last) && self.text[..last.span.end].ends_with('\n') {
            return insertion(deepest_end(last), format!("{lines}\n"));
        }
        insertion(self.line_end(end), format!("\n{lines}"))
    }

    /// The way to write a new value over a node.
    pub(super) fn set(&self, site: &Site<'_>, new: &Value) -> Vec<Vec<Splice>> {
        let node = site.node;
        let flow = match site.parent {
            Parent::Root => false,
            Parent::Pair { mapping, .. } => matches!(mapping.form, Form::Mapping { flow: true, .. }),
            Parent::Item { list, .. } => matches!(list.form, Form::List { flow: true, .. }),
        };
        let mut found = Vec::new();
        if let (Form::Scalar(style), Value::String(text)) = (&node.form, new) {
            if node.is_block() {
                found.extend(
                    self.header(site).and_then(|header| block::rewritten(self, header, node, *style, text)).unwrap_or_default(),
                );
            } else {
                found.extend(self.inline(site, *style, text, flow));
            }
        }
        if node.is_block() {
            found.extend(self.instead_of_block(site, new));
        } else if flow || site.parent_pair().is_none() {
            found.push(vec![self.over(site, &write::flow(new, flow))]);
        } else if let Some((mapping, pair)) = site.parent_pair() {
            let after = write::after_key(new, self.mapping_column(mapping));
            found.push(self.after_key(pair, node, &after));
            found.push(vec![self.over(site, &write::flow(new, false))]);
        }
        found
    }

    /// A text in place of an inline scalar, in its style if that can hold it.
    fn inline(&self, site: &Site<'_>, style: ScalarStyle, text: &str, flow: bool) -> Vec<Vec<Splice>> {
        let mut found = Vec::new();
        let over = |text: String| vec![self.over(site, &text)];
        let old = &self.text[site.node.span.clone()];
        let block = (text.contains('\n') && !flow).then(|| self.as_literal(site, text)).flatten();
        let escapes = style == ScalarStyle::DoubleQuoted && old.contains("\\n");
        if !escapes {
            found.extend(block.clone());
        }
        match style {
            ScalarStyle::SingleQuoted => found.extend(write::single_quoted(text).map(over)),
            ScalarStyle::DoubleQuoted => found.push(over(write::double_quoted(text))),
            _ => {}
        }
        if write::is_safe_plain(text, flow) && !site.node.span.is_empty() {
            found.push(over(text.to_owned()));
        }
        found.push(over(write::double_quoted(text)));
        found
    }

    /// A text as a literal block in place of an inline value.
    fn as_literal(&self, site: &Site<'_>, text: &str) -> Option<Vec<Splice>> {
        let parent = match site.parent {
            Parent::Pair { mapping, .. } => self.mapping_column(mapping),
            Parent::Item { list, index } => match &list.form {
                Form::List { items, .. } => self.column(self.dash(items.get(index)?)?),
                _ => return None,
            },
            Parent::Root => return None,
        };
        let written = write::literal(text, parent)?;
        let end = self.line_end(site.node.span.end);
        let lines: String = written.lines.iter().map(|line| format!("\n{line}")).collect();
        Some(vec![self.over(site, &written.header), insertion(end, lines)])
    }

    /// A one-line text over an inline value, which may be nothing.
    fn over(&self, site: &Site<'_>, text: &str) -> Splice {
        match site.parent {
            Parent::Pair { mapping: Node { form: Form::Mapping { pairs, .. }, .. }, index }
                if site.node.span.is_empty() && index < pairs.len() =>
            {
                insertion(self.after_colon(&pairs[index]), format!(" {text}"))
            }
            _ if site.node.span.is_empty() => insertion(site.node.span.end, format!(" {text}")),
            _ => splice(site.node.span.clone(), text),
        }
    }

    /// What `write::after_key` gave, in place of an inline value.
    fn after_key(&self, pair: &Pair, node: &Node, after: &str) -> Vec<Splice> {
        let (first, rest) = after.split_once('\n').map_or((after, None), |(first, rest)| (first, Some(rest)));
        let from = self.after_colon(pair);
        let to = if node.span.is_empty() { from } else { node.span.end };
        let mut splices = vec![splice(from..to, first)];
        splices.extend(rest.map(|rest| insertion(self.line_end(to), format!("\n{rest}"))));
        splices
    }

    fn mapping_column(&self, mapping: &Node) -> usize {
        match &mapping.form {
            Form::Mapping { pairs, .. } => pairs.first().map_or(0, |pair| self.column(pair.key_span.start)),
            _ => 0,
        }
    }

    /// The stretch of a block scalar's header (`|-`), without a comment.
    fn header(&self, site: &Site<'_>) -> Option<block::Header> {
        let (from, parent) = match site.parent {
            Parent::Pair { mapping: mapping @ Node { form: Form::Mapping { pairs, .. }, .. }, index } => {
                (self.after_colon(pairs.get(index)?), self.mapping_column(mapping))
            }
            Parent::Item { list: Node { form: Form::List { items, .. }, .. }, index } => {
                let line = self.text[..site.node.span.start].trim_end().len();
                let dash = self.text[self.line_start(line)..line].find("- ").map(|at| at + self.line_start(line))?;
                let _ = (items, index);
                (dash + 1, self.column(dash))
            }
            _ => return None,
        };
        let start = from + self.text.get(from..)?.find(['|', '>'])?;
        let length = self.text[start + 1..].find(|letter: char| !matches!(letter, '+' | '-' | '0'..='9'))?;
        Some(block::Header { span: start..start + 1 + length, parent })
    }

    /// A value that is no block in place of a block scalar or a block collection.
    fn instead_of_block(&self, site: &Site<'_>, new: &Value) -> Vec<Vec<Splice>> {
        let node = site.node;
        let end = self.end(node, node.span.end);
        let Some((mapping, pair)) = site.parent_pair() else {
            let one_line = write::flow(new, false);
            return match self.header(site).filter(|_| matches!(node.form, Form::Scalar(_))) {
                Some(header) => {
                    let below = self.line_end(header.span.end)..self.line_end(end);
                    vec![vec![splice(header.span, one_line), splice(below, "")]]
                }
                None => vec![vec![splice(node.span.start..end, one_line)]],
            };
        };
        let colon = self.after_colon(pair);
        let after = write::after_key(new, self.mapping_column(mapping));
        let (first, rest) = after.split_once('\n').map_or((after.as_str(), ""), |(first, rest)| (first, rest));
        let header_line = self.line_end(colon);
        let rest = if rest.is_empty() { String::new() } else { format!("\n{rest}") };
        let header = self.header(site).map_or(colon..colon, |header| colon..header.span.end);
        let header = if matches!(node.form, Form::Scalar(_)) { header } else { colon..colon };
        vec![vec![splice(header, first), splice(header_line..self.line_end(end), rest)]]
    }

    /// Ways to add a key at the end of a mapping.
    pub(super) fn add(&self, site: &Site<'_>, key: &str, new: &Value) -> Vec<Vec<Splice>> {
        let Form::Mapping { flow, pairs } = &site.node.form else { return Vec::new() };
        match (flow, pairs.last()) {
            (true, None) => {
                let mut found = Vec::new();
                if let Some((mapping, pair)) = site.parent_pair().filter(|(mapping, _)| mapping.is_block()) {
                    let column = self.mapping_column(mapping) + 2;
                    let line = format!("{:column$}{}:{}", "", write::key(key, false), write::after_key(new, column));
                    if line.contains('\n') {
                        found.push(self.after_key(pair, site.node, &format!("\n{line}")));
                    }
                }
                let members = format!("{{ {}: {} }}", write::key(key, true), write::flow(new, true));
                found.push(vec![splice(site.node.span.clone(), members)]);
                found
            }
            (true, Some(last)) => {
                let end = self.pair_end(last);
                let member = format!("{}: {}", write::key(key, true), write::flow(new, true));
                let rest = &self.text[end..site.node.span.end];
                vec![match rest.find(',') {
                    Some(comma) => vec![insertion(end + comma + 1, format!(" {member}"))],
                    None => vec![insertion(end, format!(", {member}"))],
                }]
            }
            (false, Some(last)) => {
                let column = self.mapping_column(site.node);
                let line = format!("{:column$}{}:{}", "", write::key(key, false), write::after_key(new, column));
                vec![vec![self.lines_after(&last.value, self.pair_end(last), &line)]]
            }
            (false, None) => Vec::new(),
        }
    }

    /// Ways to take a pair away.
    pub(super) fn remove(&self, site: &Site<'_>, index: usize) -> Vec<(Vec<Splice>, Range<usize>)> {
        let Form::Mapping { flow, pairs } = &site.node.form else { return Vec::new() };
        let Some(pair) = pairs.get(index) else { return Vec::new() };
        if *flow {
            let spans: Vec<_> = pairs.iter().map(|pair| pair.key_span.start..self.pair_end(pair)).collect();
            return self.out_of_flow(site.node, &spans, index);
        }
        let end = self.pair_end(pair);
        if pairs.len() == 1 {
            return self.emptied(site, pair.key_span.start, end, "{}");
        }
        if !self.is_first_on_line(pair.key_span.start) {
            let Some(next) = pairs.get(index + 1) else { return Vec::new() };
            let span = pair.key_span.start..next.key_span.start;
            return vec![(vec![splice(span, "")], pair.key_span.start..self.line_end(end))];
        }
        let end = if self.keeps_line_ends(&pair.value) { deepest_end(&pair.value) } else { self.next_line(end) };
        vec![self.without_lines(self.line_start(pair.key_span.start), end)]
    }

    /// Ways to add an item before the one at `index`, or at the end.
    pub(super) fn insert(&self, site: &Site<'_>, index: usize, new: &Value) -> Vec<Vec<Splice>> {
        let Form::List { flow, items } = &site.node.form else { return Vec::new() };
        let before = index.checked_sub(1).and_then(|at| items.get(at));
        if *flow {
            let item = write::flow(new, true);
            return vec![vec![match (before, items.first()) {
                (Some(before), _) => insertion(before.span.end, format!(", {item}")),
                (None, Some(first)) => insertion(first.span.start, format!("{item}, ")),
                (None, None) => splice(site.node.span.clone(), format!("[{item}]")),
            }]];
        }
        let Some(dash) = items.first().and_then(|first| self.dash(first)) else { return Vec::new() };
        let column = self.column(dash);
        let line = format!("-{}", write::after_dash(new, column));
        match before {
            Some(before) => {
                let end = self.end(before, before.span.end);
                vec![vec![self.lines_after(before, end, &format!("{:column$}{line}", ""))]]
            }
            None => vec![vec![insertion(dash, format!("{line}\n{:column$}", ""))]],
        }
    }

    /// Ways to take an item away.
    pub(super) fn drop_item(&self, site: &Site<'_>, index: usize) -> Vec<(Vec<Splice>, Range<usize>)> {
        let Form::List { flow, items } = &site.node.form else { return Vec::new() };
        let Some(item) = items.get(index) else { return Vec::new() };
        if *flow {
            let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
            return self.out_of_flow(site.node, &spans, index);
        }
        let Some(dash) = self.dash(item) else { return Vec::new() };
        let end = self.end(item, item.span.end);
        if items.len() == 1 {
            return self.emptied(site, dash, end, "[]");
        }
        if !self.is_first_on_line(dash) {
            let Some(next) = items.get(index + 1).and_then(|next| self.dash(next)) else { return Vec::new() };
            return vec![(vec![splice(dash..next, "")], dash..self.line_end(end))];
        }
        let end = if self.keeps_line_ends(item) { deepest_end(item) } else { self.next_line(end) };
        vec![self.without_lines(self.line_start(dash), end)]
    }

    /// Whole lines go; at the end of a text without final newline, so does the newline before them.
    fn without_lines(&self, start: usize, end: usize) -> (Vec<Splice>, Range<usize>) {
        let gone = start..end;
        let start = if end == self.text.len() && !self.text.ends_with('\n') && start > 0 {
            self.text[..start].trim_end_matches('\n').trim_end_matches('\r').len()
        } else {
            start
        };
        (vec![splice(start..end, "")], gone)
    }

    /// The last member of a block collection goes: the collection becomes `{}` or `[]` on the line of its key.
    fn emptied(&self, site: &Site<'_>, start: usize, end: usize, empty: &str) -> Vec<(Vec<Splice>, Range<usize>)> {
        match site.parent_pair() {
            Some((_, pair)) if self.is_first_on_line(start) => {
                let (mut splices, gone) = self.without_lines(self.line_start(start), self.next_line(end));
                splices.push(insertion(self.after_colon(pair), format!(" {empty}")));
                vec![(splices, gone)]
            }
            _ => vec![(vec![splice(start..end, empty)], start..end)],
        }
    }

    fn out_of_flow(&self, node: &Node, spans: &[Range<usize>], index: usize) -> Vec<(Vec<Splice>, Range<usize>)> {
        let Some(own) = spans.get(index) else { return Vec::new() };
        let span = match (spans.get(index + 1), index.checked_sub(1).and_then(|before| spans.get(before))) {
            (Some(next), _) => own.start..next.start,
            (None, Some(before)) => before.end..own.end,
            (None, None) => node.span.start + 1..node.span.end - 1,
        };
        vec![(vec![splice(span, "")], own.clone())]
    }
}

/// The very end of a block collection or scalar, blank lines included.
fn deepest_end(node: &Node) -> usize {
    match &node.form {
        Form::List { flow: false, items } => items.last().map_or(node.span.end, deepest_end),
        Form::Mapping { flow: false, pairs } => pairs.last().map_or(node.span.end, |pair| deepest_end(&pair.value)),
        _ => node.span.end,
    }
}

impl Site<'_> {
    /// The mapping and the pair whose value this is.
    fn parent_pair(&self) -> Option<(&Node, &Pair)> {
        match self.parent {
            Parent::Pair { mapping, index } => match &mapping.form {
                Form::Mapping { pairs, .. } => Some((mapping, pairs.get(index)?)),
                _ => None,
            },
            Parent::Root | Parent::Item { .. } => None,
        }
    }
}
