"""Which project names W&B takes, known here so that a wrong one is refused before anything is run."""

from __future__ import annotations

from sweeps.errors import shown

REFUSED = "/\\#?%:"
LONGEST = 128


def project_problem(name: str) -> str | None:
    """Why W&B would refuse a project of this name, in one line; None where it would not.

    As in wandb.Settings.validate_project; blank names and control characters, which it lets through, are refused too.
    """
    if not name.strip():
        return f"{shown(name)} is no name; a W&B project needs one"
    if len(name) > LONGEST:
        return f"{shown(name)} has {len(name)} characters; W&B takes {LONGEST} at most"
    if bad := sorted({character for character in name if character in REFUSED or not character.isprintable()}):
        found = " ".join(character if character.isprintable() else repr(character)[1:-1] for character in bad)
        hint = "; a team is named by WANDB_ENTITY" if "/" in bad else ""
        return f"{shown(name)}: W&B takes no {' '.join(REFUSED)} nor control characters in a name; found {found}{hint}"
    return None
