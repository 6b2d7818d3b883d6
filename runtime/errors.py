"""The one tree of errors: whose fault it is, and whether trying again can help.

WanghuoError
├── ConfigurationError    ours to mend before the program can run; exit status 2
├── Unavailable           nobody's fault here; try again
│   ├── DatabaseAway      the database cannot be reached, is starting, ended our connection, or lets our role do nothing
│   ├── DatabaseFull      no room left on its disk; nothing was stored, nothing is acknowledged
│   └── BrokerAway        the broker cannot be reached or ended our connection
└── Refused               trying the same again cannot help
    ├── RowRefused        the database refuses a value or a state: the data's fault
    └── BrokerRefused     the broker does not allow it
"""


class WanghuoError(Exception):
    """Root of what this program raises on purpose. Its text is one sentence that names what, where and the limit."""


class ConfigurationError(WanghuoError):
    """The configuration is incomplete or does not fit the surroundings."""


class Unavailable(WanghuoError):  # noqa: N818
    """Something we depend on is away; trying again can help."""


class DatabaseAway(Unavailable):
    """The database cannot be reached, is starting or stopping, or ended our connection.

    Or our role may not do what it must: somebody sets that right (`wanghuo migrate`), and until then nothing is stored or lost.
    """


class DatabaseFull(Unavailable):
    """The database's disk is full: nothing was stored, and nothing is acknowledged until there is room."""


class BrokerAway(Unavailable):
    """The broker cannot be reached or ended our connection."""


class Refused(WanghuoError):  # noqa: N818
    """Trying the same again cannot help."""


class RowRefused(Refused):
    """The database refuses a value or a state."""


class BrokerRefused(Refused):
    """The broker does not allow it."""
