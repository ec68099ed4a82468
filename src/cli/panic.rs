//! What is said when personaform itself fails: where, and only words that stand in its code. A text that was put together at
//! run time may hold what a service or a file said, and with it a secret.

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook};

/// Makes panics of the whole process say no more than they may.
pub(super) fn keep_quiet() {
    set_hook(Box::new(say));
}

#[expect(clippy::print_stderr, reason = "the screen may be what failed")]
fn say(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    eprintln!("error: a mistake of personaform at {place}: {}\n  help: please report it with this line", words(info.payload()));
}

/// A panic's message if it is a literal of the code.
fn words(payload: &dyn Any) -> &str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(its message is withheld, it may hold a secret)")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn only_words_of_the_code_are_said() {
        let secret = "sk-live-0123456789".to_owned();
        let made = catch_unwind(|| panic!("bad key {secret}")).expect_err("a panic");
        assert_eq!(words(made.as_ref()), "(its message is withheld, it may hold a secret)");
        let literal = catch_unwind(|| panic!("no page")).expect_err("a panic");
        assert_eq!(words(literal.as_ref()), "no page");
    }
}
