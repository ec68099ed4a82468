//! What Anam's contract sheet leaves open: one switch per unknown, each with the answer taken to be the likely one.

/// Every switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// How `voiceDetectionOptions` and `voiceGenerationOptions` of an update meet the stored ones.
    pub options: Options,
    /// How the LLM id that stands for none reads back.
    pub no_llm: NoLlm,
    /// What a null does where the schema does not list it.
    pub nulls: Nulls,
    /// Whether `languageCode: inherit` may be written to clear the code. Default: yes.
    pub inherit_writable: bool,
    /// What an update with a key unknown to the schema does.
    pub unknown_keys: UnknownKeys,
    /// Whether reads carry the fields that the schema does not document: `initialMessage`, `uninterruptibleGreeting`,
    /// `languageCode` and a few read-only ones. Default: yes, as users have seen.
    pub undocumented_reads: bool,
    /// What becomes of an `avatarModel` that a new avatar does not support.
    pub model_reset: ModelReset,
    /// Under which name `tools[]` carries the id of a tool.
    pub tool_id: ToolId,
    /// Under which name an error carries its text.
    pub error_text: ErrorText,
    /// Whether the plan of the account has zero data retention. Default: yes.
    pub zero_data_retention_plan: bool,
    /// How a description and options that were never set read.
    pub unset: Unset,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            options: Options::default(),
            no_llm: NoLlm::default(),
            nulls: Nulls::default(),
            inherit_writable: true,
            unknown_keys: UnknownKeys::default(),
            undocumented_reads: true,
            model_reset: ModelReset::default(),
            tool_id: ToolId::default(),
            error_text: ErrorText::default(),
            zero_data_retention_plan: true,
            unset: Unset::default(),
        }
    }
}

/// How option objects of an update meet the stored ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Options {
    /// The object sent becomes the object stored: only `widgetConfig` is documented as merged.
    #[default]
    Replace,
    /// Keys left out stay.
    Merge,
    /// Numbers of `voiceDetectionOptions` left out get the service's own value.
    Defaulted,
}

/// How `CUSTOMER_CLIENT_V1` reads back in `llmId`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoLlm {
    /// As null, which the read documents for personas that run no LLM.
    #[default]
    Null,
    /// As it was written.
    Sentinel,
}

/// What a null does in a field other than `initialMessage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nulls {
    /// 400, after the schema.
    #[default]
    Refused,
    /// It clears the field.
    Cleared,
}

/// What an update with an unknown key does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownKeys {
    /// 400, after the schema.
    #[default]
    Refused,
    /// The key is passed over.
    Ignored,
}

/// What becomes of an `avatarModel` that a new avatar does not support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelReset {
    /// Null: the avatar decides.
    #[default]
    Null,
    /// The avatar's default.
    AvatarDefault,
}

/// Under which name `tools[]` carries the id of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolId {
    /// `_toolId`, which every user script looks for first.
    #[default]
    Underscored,
    /// `id`.
    Plain,
    /// `toolId`.
    Named,
    /// Under none: elements do not say which tool they are.
    Hidden,
}

/// Under which name an error carries its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorText {
    /// `error`, as other endpoints of the service document it.
    #[default]
    Error,
    /// `message`, which the vendor's clients look for first.
    Message,
}

/// How what was never set reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unset {
    /// As null.
    #[default]
    Null,
    /// As an empty text or object, as summaries and session records show it.
    Empty,
}
