//! Markup that cannot be broken: tags and attribute names are literals of ours, everything else is escaped on its way in, and
//! every element that is opened is closed.

use super::super::shown::visible;

/// A document under construction.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// The attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Text of anybody: no markup, nothing that hides or reorders.
    pub(super) fn text(&mut self, text: &str) {
        self.exact(&visible::safe(text));
    }

    /// A sentence in which what stands in backticks is code.
    pub(super) fn words(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('`').collect();
        if parts.len().is_multiple_of(2) {
            return self.text(text);
        }
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 0 {
                self.text(part);
            } else {
                self.leaf("code", &[], part);
            }
        }
    }

    /// Text that has been made visible already.
    pub(super) fn exact(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(char),
            }
        }
    }

    /// Rules of style of ours, as they are: escapes mean nothing there. They hold no word of anybody.
    pub(super) fn exact_style(&mut self, rules: &str) {
        debug_assert!(!rules.contains('<'));
        self.0.push_str(rules);
    }

    /// An element with whatever `inner` puts into it.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, inner: impl FnOnce(&mut Self)) {
        self.start(tag, attributes);
        inner(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element with a text.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(tag, attributes, |html| html.text(text));
    }

    /// An element that has no end (`input`). An attribute without a value stands there by its name.
    pub(super) fn start(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            if !value.is_empty() {
                self.0.push_str("=\"");
                self.exact(&visible::safe(value));
                self.0.push('"');
            }
        }
        self.0.push('>');
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_becomes_markup() {
        let mut html = Html::default();
        html.element("p", &[("title", "\"><script>")], |html| {
            html.text("a<b>&\u{202e}\"'");
            html.leaf("i", &[], "</p>");
            html.words(" `<` and one `");
            html.words(" `<` and two");
        });
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">a&lt;b&gt;&amp;\\u{202e}&quot;&#39;<i>&lt;/p&gt;</i> `&lt;` and one ` <code>&lt;</code> and two</p>"
        );
    }
}
