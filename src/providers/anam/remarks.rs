//! What the page of Anam says besides schema and rules. Nothing that the program decides by.

use crate::providers::remarks::Remarks;

pub(in crate::providers) static REMARKS: Remarks = Remarks {
    side_effects: &[
        "A new `avatarId` may reset `avatarModel`, which is sent along where the section names it; the plan says so either way",
        "A new `voiceId` resets `voiceGenerationOptions`, which are sent along where the section names them; the plan names what \
         is lost",
        "`enableAudioPassthrough` and `widgetConfig` of a new persona are sent in a second request: the create call takes neither",
    ],
    impossible: &[
        "Keys of `widgetConfig` cannot be removed once set: updates are merged key by key",
        "Built-in personas (`isDefaultPersona`) are nobody's to change, and are left out of what is looked at",
        "An origin in `widgetConfig.allowedOrigins` cannot be a secret: Anam rewrites bare domains",
        "Avatars, voices, LLMs, tools and knowledge are named by their ids and not managed",
    ],
    unknown: &[
        "Whether an update replaces or merges `voiceDetectionOptions` and `voiceGenerationOptions`: they are sent whole, so that \
         both come to the same; only whether a removed key is forgotten is checked against the answer",
        "Whether `languageCode` may be written as `inherit`, as it is read: clearing it tries that, and the plan says so",
        "Which keys hold an error's words: `error`, `message`, `details` and `summary` are all read",
    ],
};
