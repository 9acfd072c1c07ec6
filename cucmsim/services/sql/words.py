"""What the database server says: Informix's messages, and how SQLite's faults map to them.

The texts are those of Informix's error list (finderr); the numbers beside them are its own. The
command line shows the text alone. Which of them CUCM's own command shows is not known for any
(docs/divergences.md).
"""

import re

from cucmsim.services.sql.functions import NOT_A_NUMBER

__all__ = [
    "BAD_NUMBER",
    "BAD_TIME",
    "ILLEGAL_CHARACTER",
    "INTERRUPTED",
    "NO_RECORDS",
    "NO_RESOURCE",
    "SYNTAX_ERROR",
    "TOO_LONG",
    "UNMATCHED_QUOTE",
    "WRONG_FLAG",
    "in_words",
    "no_permission",
    "no_routine",
    "no_table",
]

NO_RECORDS = "No records found"
SYNTAX_ERROR = "A syntax error has occurred."  # -201
ILLEGAL_CHARACTER = "An illegal character has been found in the statement."  # -202
INTERRUPTED = "Statement interrupted by user."  # -213
UNMATCHED_QUOTE = "Found a quote for which there is no matching quote."  # -282
NO_RESOURCE = "No resource permission."  # -388
BAD_NUMBER = "A character to numeric conversion process failed"  # -1213
BAD_TIME = (  # -1263
    "A field in a datetime or interval value is incorrect or an illegal operation specified on"
    " datetime field."
)
TOO_LONG = "Value exceeds string column length."  # -1279
WRONG_FLAG = "A character string is not a Boolean."  # our own words

_FAULTS = (
    # -206, -217, -324, -674, -391, -236, -239, -213
    (r"no such table: (?:main\.)?(.+)", "The specified table ({0}) is not in the database."),
    (
        r"(?:no such column|.* has no column named):? ?(?:.+\.)?(.+)",
        "Column ({0}) not found in any table in the query (or SLV is undefined).",
    ),
    (r"ambiguous column name: (?:.+\.)?(.+)", "Ambiguous column ({0})."),
    (r"no such function: (.+)", "Routine ({0}) can not be resolved."),
    (r"wrong number of arguments to function (.+)\(\)", "Routine ({0}) can not be resolved."),
    (r"NOT NULL constraint failed: .+\.(.+)", "Cannot insert a null into column ({0})."),
    (
        r"table .+ has \d+ columns but \d+ values were supplied|\d+ values for \d+ columns",
        "Number of columns in INSERT does not match number of VALUES.",
    ),
    (
        r"UNIQUE constraint failed: .+",
        "Could not insert new row - duplicate value in a UNIQUE INDEX column.",
    ),
    (r"interrupted", INTERRUPTED),
    (NOT_A_NUMBER, BAD_NUMBER),
    (r"string or blob too big", TOO_LONG),
)


def in_words(fault: str) -> str:
    """Return what Informix says where SQLite said `fault`; a syntax error for everything else."""
    for pattern, text in _FAULTS:
        match = re.fullmatch(pattern, fault)
        if match is not None:
            return text.format(*(group.lower() for group in match.groups() if group))
    return SYNTAX_ERROR


def no_table(name: str) -> str:
    """Say that there is no such table (-206)."""
    return in_words(f"no such table: {name}")


def no_routine(name: str) -> str:
    """Say that there is no such function or procedure (-674)."""
    return in_words(f"no such function: {name}")


def no_permission(verb: str, table: str) -> str:
    """Say that the table is not to be written (-273, -274, -275)."""
    return f"No {verb.upper()} permission for {table}."
