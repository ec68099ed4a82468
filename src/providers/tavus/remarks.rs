//! What the page of Tavus says besides schema and rules. Nothing that the program decides by.

use crate::providers::remarks::Remarks;

pub(in crate::providers) static REMARKS: Remarks = Remarks {
    side_effects: &[
        "The first field of `layers.conversational_flow` makes Tavus fill all others with its defaults; the plan says so",
        "`layers.llm.headers` is always sent whole, since no read shows it: headers set elsewhere are lost; the plan says so",
        "`layers.conferencing` is sent in a request of its own, never with other paths, and takes effect at once; it needs \
         `default_replica_id`, without which it is refused",
        "`tool_ids` are attached and detached by calls of their own",
        "Deleting a guardrail, a dictionary or a tool at Tavus takes the reference out of every persona: that shows as drift",
        "With `api: pals`, sections, plans and state are spelled as in `/v2/pals`: `pal_name`, `default_face_id`, \
         `pal_interruptibility`; switching an account needs its sections respelled, and then plans nothing",
    ],
    impossible: &[
        "`context` is refused: Tavus withdrew it on 12 February 2026 and merges it into the prompt, so it would never settle",
        "A removed field that reads hide stays as it is, since what is not shown cannot be removed; the plan says so",
        "Unpublished edits in the dashboard (409 `maker_changes`) are never overridden: publish or discard them there",
        "With `guard: true`, members that are new are not guarded, since a patch cannot test that one is absent; nor are \
         write-only fields, inline functions and values that hold a secret",
        "Documents, guardrails, objectives, dictionaries and tools are named by their ids and not managed",
    ],
    unknown: &[
        "Whether keys are read back in clear, masked or not at all: none is ever looked at",
        "What a failed `test` or a patch that does not apply is answered with: 400, 409, 412 and 422 of a guarded patch are all \
         reported as a conflict. Whether `test` guards at all was never seen: try it before you rely on `guard`",
        "Whether reads show `tool_ids`, and whether functions of `layers.perception` lose their descriptions as those of \
         `layers.llm.tools` do: what is not shown is taken to be as it was last written",
        "Whether `pipeline_mode` may be changed, and whether a prompt may stay in a mode that has none: where Tavus refuses, its \
         words are shown",
        "Whether a patch of several operations is carried out as a whole: every write is read back and compared",
        "Whether names are unique: they are taken not to be, and ids are kept",
        "Under which member a list of objectives shows the name of a set: `objective_name` is documented, `objectives_name` and \
         `name` are seen in code of other clients; all three are taken. A list of guardrail sets documents no name at all: \
         sets that come without one can only be written with their id",
        "How `/v2/pals` filters its list: it is asked with `persona_type=user`, as `/v2/personas` is",
    ],
};
