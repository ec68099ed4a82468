//! The page in what it holds and in what it never holds; how it looks in a browser is tested in `tests/browser`.
