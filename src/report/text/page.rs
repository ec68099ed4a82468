//! The page: rows of spans, wrapped to the width of the screen. The only place where text meets style, and the last gate that
//! no control character passes.

use similar::DiffableStr;
use unicode_width::UnicodeWidthStr;

use super::super::shown::visible;
use super::style::Tone;

/// Below this the layout falls apart, so a narrower screen wraps by itself.
const NARROWEST: usize = 40;

/// Marks that never begin a row in Japanese and Chinese text.
const NEVER_FIRST: &str = "、。，．・：；！？」』）】〕〉》ー々…";

/// A piece of text in one tone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Span {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// What stands left of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gutter {
    indent: usize,
    sign: Option<(char, Tone)>,
    repeated: bool,
    hang: usize,
}

impl Gutter {
    /// Spaces only.
    pub(super) fn indent(indent: usize) -> Self {
        Self { indent, sign: None, repeated: false, hang: 0 }
    }

    /// A sign and a space; a second row is set in below the text, and two columns more.
    pub(super) fn sign(indent: usize, sign: char, tone: Tone) -> Self {
        Self { indent, sign: Some((sign, tone)), repeated: false, hang: 2 }
    }

    /// A sign that every row repeats, so that a wrapped line of a diff is never taken for context.
    pub(super) fn every_row(indent: usize, sign: char, tone: Tone) -> Self {
        Self { indent, sign: Some((sign, tone)), repeated: true, hang: 2 }
    }

    /// The same with second rows set in further.
    pub(super) fn hang(mut self, hang: usize) -> Self {
        self.hang = hang;
        self
    }

    fn width(self, first: bool) -> usize {
        self.indent + if self.sign.is_some() { 2 } else { 0 } + if first { 0 } else { self.hang }
    }
}

/// A text under construction.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    width: usize,
}

/// One grapheme: wrapping never takes an emoji family or an accent apart.
struct Glyph<'a> {
    text: &'a str,
    width: usize,
    tone: Tone,
}

impl Glyph<'_> {
    fn is_space(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// Whether a row may end before or after it without a space: the scripts that write none.
    fn is_wide_letter(&self) -> bool {
        self.width == 2 && self.text.chars().next().is_some_and(|first| first.is_alphabetic() || NEVER_FIRST.contains(first))
    }
}

impl Page {
    pub(super) fn new(width: usize) -> Self {
        Self { text: String::new(), width: width.max(NARROWEST) }
    }

    /// Columns that are left beside a gutter.
    pub(super) fn room(&self, gutter: Gutter) -> usize {
        self.width.saturating_sub(gutter.width(true)).max(8)
    }

    /// An empty line, unless the page is empty or one stands there already.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// One line, wrapped into as many rows as it takes.
    pub(super) fn line(&mut self, gutter: Gutter, spans: &[Span]) {
        let safe: Vec<_> = spans.iter().map(|span| (visible::safe(&span.text), span.tone)).collect();
        let glyphs: Vec<Glyph<'_>> = safe
            .iter()
            .flat_map(|(text, tone)| {
                text.tokenize_graphemes().into_iter().map(|text| Glyph { text, width: text.width(), tone: *tone })
            })
            .collect();
        let mut start = 0;
        let mut at = 0;
        let mut column = 0;
        let mut chance = None;
        let mut first = true;
        while at < glyphs.len() {
            let room = self.width.saturating_sub(gutter.width(first)).max(8);
            let glyph = &glyphs[at];
            if may_break(&glyphs, start, at) {
                chance = Some(at);
            }
            // A space may hang over the edge: it is trimmed.
            if column + glyph.width > room && !glyph.is_space() && at > start {
                let end = chance.unwrap_or(at);
                self.row(gutter, first, &glyphs[start..end]);
                first = false;
                start = end;
                while glyphs.get(start).is_some_and(Glyph::is_space) {
                    start += 1;
                }
                (at, column, chance) = (start, 0, None);
                continue;
            }
            column += glyph.width;
            at += 1;
        }
        self.row(gutter, first, &glyphs[start..]);
    }

    /// Lines that are not wrapped, set in.
    pub(super) fn verbatim(&mut self, indent: usize, text: &str) {
        for line in text.lines() {
            self.text.push_str(format!("{:indent$}{}", "", visible::safe(line)).trim_end());
            self.text.push('\n');
        }
    }

    fn row(&mut self, gutter: Gutter, first: bool, glyphs: &[Glyph<'_>]) {
        let end = glyphs.iter().rposition(|glyph| !glyph.is_space()).map_or(0, |last| last + 1);
        let glyphs = &glyphs[..end];
        let sign = gutter.sign.filter(|_| first || gutter.repeated);
        if let Some((sign, tone)) = sign {
            self.spaces(gutter.indent);
            self.styled(tone, &sign.to_string());
        }
        if !glyphs.is_empty() {
            self.spaces(gutter.width(first) - if sign.is_some() { gutter.indent + 1 } else { 0 });
        }
        for run in glyphs.chunk_by(|left, right| left.tone == right.tone) {
            let text: String = run.iter().map(|glyph| glyph.text).collect();
            self.styled(run[0].tone, &text);
        }
        self.text.push('\n');
    }

    fn spaces(&mut self, number: usize) {
        self.text.extend(std::iter::repeat_n(' ', number));
    }

    fn styled(&mut self, tone: Tone, text: &str) {
        let style = tone.style();
        self.text.push_str(&format!("{style}{text}{style:#}"));
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Whether a row that began at `start` may end before `at`.
fn may_break(glyphs: &[Glyph<'_>], start: usize, at: usize) -> bool {
    let (Some(glyph), Some(before)) = (glyphs.get(at), at.checked_sub(1).and_then(|index| glyphs.get(index))) else {
        return false;
    };
    if glyph.is_space() || glyph.text.chars().next().is_some_and(|first| NEVER_FIRST.contains(first)) {
        return false;
    }
    // Leading spaces are the line's own indentation: a row of nothing else would say nothing.
    let something = glyphs[start..at].iter().any(|glyph| !glyph.is_space());
    something && (before.is_space() || before.is_wide_letter() || glyph.is_wide_letter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(width: usize, gutter: Gutter, text: &str) -> String {
        let mut page = Page::new(width);
        page.line(gutter, &[Span::plain(text)]);
        page.finish()
    }

    #[test]
    fn rows_break_at_spaces_and_keep_indentation() {
        let text = "    - one two three four five six seven eight nine ten";
        assert_eq!(wrapped(40, Gutter::indent(2), text), "      - one two three four five six\n  seven eight nine ten\n");
    }

    #[test]
    fn a_signed_row_repeats_its_sign_and_is_set_in() {
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(
            wrapped(40, Gutter::every_row(2, '-', Tone::Plain), text),
            "  - one two three four five six seven\n  -   eight nine ten\n"
        );
    }

    #[test]
    fn japanese_breaks_between_letters_but_never_before_a_full_stop() {
        let text = "あなたは丁寧な案内係です。短く答えてください。分からなければ人に。";
        let page = wrapped(40, Gutter::indent(0), text);
        assert_eq!(page, "あなたは丁寧な案内係です。短く答えてくだ\nさい。分からなければ人に。\n");
    }

    #[test]
    fn a_word_wider_than_the_screen_is_broken_between_graphemes() {
        let text = "👨‍👩‍👧".repeat(30);
        let page = wrapped(40, Gutter::indent(0), &text);
        assert_eq!(page, format!("{}\n{}\n", "👨‍👩‍👧".repeat(20), "👨‍👩‍👧".repeat(10)));
    }
}
