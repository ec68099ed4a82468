//! What the page of Bland says besides schema and rules. Nothing that the program decides by.

use crate::providers::remarks::Remarks;

pub(in crate::providers) static REMARKS: Remarks = Remarks {
    side_effects: &[
        "`name`, `role`, `description`, `tags` and `image_url` have no draft: they take effect at once, also with `$release: draft`",
        "A promotion carries the whole draft to callers, edits made in the dashboard included; the plan lists these with old and new \
         values, but for what may be a key",
        "A new persona is released at once, also with `$release: draft`",
        "`name` is sent with every update, because Bland calls it required",
    ],
    impossible: &[
        "A persona that phone numbers use is not deleted: detach them first; the plan names them",
        "`personality_prompt` cannot be empty: cleared, it goes back to Bland's default text",
        "Tools, pathways and knowledge bases are named by their ids and not managed",
    ],
    unknown: &[
        "Whether an update replaces or merges `call_config`: it is sent whole, so that both come to the same; only whether a \
         removed key is forgotten is checked against the answer",
        "Whether an update edits the draft or makes a new one: versions are compared by what they say, never by their ids",
        "A success may hide an error, or store `null` in place of what was sent: every write is read back and compared",
    ],
};
