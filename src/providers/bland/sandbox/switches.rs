//! What Bland's contract sheet leaves open: one switch per unknown, each with the answer taken to be the likely one.

/// Every switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Status of a successful create: 200 or 201. Default: 200, as the service answers everything else.
    pub create_status: u16,
    /// Whether an update without `name` is refused. Default: yes, as documented.
    pub name_required: bool,
    /// What an update does to the draft version.
    pub drafts: Drafts,
    /// How `call_config` of an update meets the stored one.
    pub call_config: CallConfig,
    /// What a null does in fields other than `description` and `image_url`.
    pub nulls: Nulls,
    /// Status of a refusal that is about the persona's state: `PERSONA_IN_USE`, `NO_DRAFT_VERSION`. Default: 400.
    pub refusal_status: u16,
    /// Whether refusals, other than that of a bad key, travel inside a 200. Default: no.
    pub errors_inside_success: bool,
    /// What a read of a deleted persona answers.
    pub deleted: Deleted,
    /// Whether lists show deleted personas, with `deleted_at`. Default: no.
    pub lists_deleted: bool,
    /// The largest `limit` of a list; more is cut down to it without a word. Default: 100, as documented.
    pub max_limit: usize,
    /// How empty texts, lists and objects read.
    pub empties: Empties,
    /// What a null inside `call_config` does.
    pub config_nulls: ConfigNulls,
    /// In which form `errors` come.
    pub errors: Errors,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            create_status: 200,
            name_required: true,
            drafts: Drafts::default(),
            call_config: CallConfig::default(),
            nulls: Nulls::default(),
            refusal_status: 400,
            errors_inside_success: false,
            deleted: Deleted::default(),
            lists_deleted: false,
            max_limit: 100,
            empties: Empties::default(),
            config_nulls: ConfigNulls::default(),
            errors: Errors::default(),
        }
    }
}

/// What an update does to the draft version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drafts {
    /// It edits the draft, which keeps id and number, as the documentation's examples show.
    #[default]
    InPlace,
    /// It archives the draft and makes a new one, as the vendor's older skill says.
    Recreated,
}

/// How `call_config` of an update meets the stored one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallConfig {
    /// The object sent becomes the object stored.
    #[default]
    Replace,
    /// Keys left out stay; a null is stored as null.
    Merge,
}

/// What a null does in fields other than `description` and `image_url`, which it clears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// The field gets the value that it has when a create leaves it out.
    #[default]
    Cleared,
    /// 400.
    Refused,
    /// The field stays as it is.
    Ignored,
}

/// How empty texts, lists and objects read. Reads are documented to show null for most fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empties {
    /// As they were written.
    #[default]
    AsWritten,
    /// As null.
    Null,
}

/// What a null inside `call_config` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfigNulls {
    /// It is stored.
    #[default]
    Stored,
    /// The key is removed.
    Removed,
    /// 400.
    Refused,
}

/// What a read of a deleted persona answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// 404 `PERSONA_NOT_FOUND`.
    #[default]
    NotFound,
    /// The persona, with `deleted_at`.
    Body,
}

/// In which form `errors` come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// As a list of objects with a code and a message, as the documentation's examples show.
    #[default]
    List,
    /// As a text that begins with the code, as the documentation's table has it.
    Text,
}
