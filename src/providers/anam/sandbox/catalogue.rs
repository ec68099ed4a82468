//! The avatars, voices and LLMs that the miniature knows by id. Any other id is taken too, as a thing without limits.

/// Stock avatar that supports `cara-3` only.
pub const AVATAR_CARA_3_ONLY: &str = "071b0286-4cce-4808-bee2-e642f1062de3";

/// Stock avatar that supports `cara-3` and `cara-4`.
pub const AVATAR_BOTH: &str = "30fa96d0-26c4-4e55-94a0-517025942e18";

/// Avatar of the sandbox's own making that supports `cara-4` only.
pub const AVATAR_CARA_4_ONLY: &str = "4a4a4a4a-0000-4000-8000-000000000004";

/// Voice of the sandbox's own making without zero data retention.
pub const VOICE_THAT_RETAINS: &str = "5e5e5e5e-0000-4000-8000-000000000001";

/// LLM of the sandbox's own making without zero data retention.
pub const LLM_THAT_RETAINS: &str = "6f6f6f6f-0000-4000-8000-000000000001";

/// The LLM of a persona that names none.
pub(super) const DEFAULT_LLM: &str = "0934d97d-0c3a-4f33-91b0-5e136a0ef466";

/// The models that an avatar supports, its default last.
pub(super) fn models(avatar: &str) -> &'static [&'static str] {
    match avatar {
        AVATAR_CARA_3_ONLY => &["cara-3"],
        AVATAR_CARA_4_ONLY => &["cara-4"],
        _ => &["cara-3", "cara-4"],
    }
}

/// Display and variant name of an avatar.
pub(super) fn avatar_names(avatar: &str) -> (&'static str, &'static str) {
    match avatar {
        AVATAR_CARA_3_ONLY => ("Liv", "home"),
        AVATAR_BOTH => ("Cara", "desk"),
        AVATAR_CARA_4_ONLY => ("Quattro", "studio"),
        _ => ("Custom", "default"),
    }
}

/// Whether a voice or an LLM keeps nothing.
pub(super) fn retains_nothing(id: &str) -> bool {
    id != VOICE_THAT_RETAINS && id != LLM_THAT_RETAINS
}
