//! What the page of OpenGiant says besides schema and rules. Nothing that the program decides by.

use crate::providers::remarks::Remarks;

pub(in crate::providers) static REMARKS: Remarks = Remarks {
    side_effects: &["`attributes` is always sent whole: attributes set elsewhere may be lost, since they cannot be read"],
    impossible: &[
        "Nothing can be read or listed: a plan compares with what was last applied, and says `not verified`",
        "Nothing can be deleted: a persona that leaves the files is forgotten, and stays at the service",
        "Drift cannot be seen",
    ],
    unknown: &[
        "Whether an update replaces or merges `attributes`: sent whole, both come to the same but for removed attributes, which \
         are left out and checked against the answer",
        "Whether there are limits of length, of number or of frequency",
    ],
};
