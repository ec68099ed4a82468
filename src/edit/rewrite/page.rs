//! A text and its lines.

/// A text with its tree.
pub(super) struct Page<'a> {
    pub(super) text: &'a str,
}

impl Page<'_> {
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Where the line ends, before its line end.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |length| at + length);
        if end > at && self.text[..end].ends_with('\r') && end < self.text.len() { end - 1 } else { end }
    }

    /// Where the next line begins; the end of the text on its last line.
    pub(super) fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length + 1)
    }
}
