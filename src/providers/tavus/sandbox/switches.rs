//! What Tavus's contract sheet leaves open: one switch per unknown, each with the answer taken to be the likely one.

/// Every switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// How a stored `api_key` reads.
    pub secrets: Secrets,
    /// Whether a read is the bare object or stands in the documented envelope.
    pub read_envelope: ReadEnvelope,
    /// What a patch answers that names a missing path, or whose `test` fails.
    pub inapplicable: Inapplicable,
    /// What stays of a patch with an operation that fails.
    pub atomicity: Atomicity,
    /// Whether `test` guards; else it is passed over. Default: it guards.
    pub test_guards: bool,
    /// The body of a successful patch.
    pub patch_answer: PatchAnswer,
    /// What happens to fields that the service does not know, other than leaves of `layers.llm`.
    pub unknown_fields: UnknownFields,
    /// What becomes of the deprecated `context`.
    pub context: Context,
    /// Whether `system_prompt` may be set where `pipeline_mode` needs none. Default: yes.
    pub prompt_without_llm: bool,
    /// Whether `pipeline_mode` may be changed after creation. Default: yes.
    pub pipeline_mode_mutable: bool,
    /// Whether LLM fields that equal the service's default are left out of the object. Default: yes, as newly created ones do.
    pub llm_defaults_omitted: bool,
    /// The model that the service takes to be the default; it moves. Default: the last one seen.
    pub default_model: String,
    /// The largest `limit` of a list; more is cut down to it without a word. Default: 100.
    pub max_limit: usize,
    /// Whether reads and lists show `tool_ids`. Default: yes.
    pub tool_ids_shown: bool,
    /// Which inline functions lose their descriptions.
    pub descriptions: Descriptions,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            secrets: Secrets::default(),
            read_envelope: ReadEnvelope::default(),
            inapplicable: Inapplicable::default(),
            atomicity: Atomicity::default(),
            test_guards: true,
            patch_answer: PatchAnswer::default(),
            unknown_fields: UnknownFields::default(),
            context: Context::default(),
            prompt_without_llm: true,
            pipeline_mode_mutable: true,
            llm_defaults_omitted: true,
            default_model: "tavus-gemma-4".to_owned(),
            max_limit: 100,
            tool_ids_shown: true,
            descriptions: Descriptions::default(),
        }
    }
}

/// How a stored `api_key` reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// As asterisks, as the tools registry of the same service shows its secrets.
    #[default]
    Masked,
    /// Not at all.
    Omitted,
    /// As it was written. Only here the miniature keeps the key itself; else it keeps a digest.
    Plain,
}

/// The frame of a single read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadEnvelope {
    /// None, as all client code reads it.
    #[default]
    Bare,
    /// `{"data": [persona]}`, as the documentation shows it.
    Data,
}

/// What a well-formed patch answers that does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inapplicable {
    /// 422 with the documented message.
    #[default]
    Unprocessable,
    /// 400 with an `error`.
    BadRequest,
}

/// What stays of a patch with an operation that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Atomicity {
    /// Nothing, as RFC 6902 wants it.
    #[default]
    Whole,
    /// The operations before the failing one.
    Stepwise,
}

/// The body of a successful patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchAnswer {
    /// The persona, as a bare read shows it.
    #[default]
    Persona,
    /// The three fields that a create answers.
    Brief,
    /// None.
    Empty,
}

/// What happens to unknown fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// They are dropped without a word.
    #[default]
    Ignored,
    /// They are kept and read back.
    Stored,
    /// 400.
    Refused,
}

/// What becomes of `context`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Context {
    /// It is appended to `system_prompt` and gone.
    #[default]
    Folded,
    /// It stays a field of its own.
    Kept,
}

/// Which inline functions lose their descriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Descriptions {
    /// Those of the language model, of which it was seen.
    #[default]
    LostForTheModel,
    /// Those of every layer.
    Lost,
    /// None.
    Kept,
}
