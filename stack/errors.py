"""What can go wrong with the servers and processes of a stack on one machine.

StackError
├── ProgramMissingError   a server program is not installed
├── FolderError           a folder cannot hold the data: not to be entered by the server's user, or of another version
├── PortInUseError        somebody else listens there
├── NotReadyError         it ended, or did not answer, before it was ready; quotes its last words
├── NotStoppedError       it did not end in time and was killed
├── CertificateError      a certificate could not be made
└── BackupError           a backup could not be made, or cannot be brought back
"""

from runtime.errors import WanghuoError


class StackError(WanghuoError):
    """Root of this tree; its text is one sentence, followed by what the program itself said."""


class ProgramMissingError(StackError):
    """A server program is not installed; the text says how to install it."""


class FolderError(StackError):
    """A folder cannot hold the data."""


class PortInUseError(StackError):
    """Another program listens on the port."""


class NotReadyError(StackError):
    """A program ended or did not answer before it was ready."""


class NotStoppedError(StackError):
    """A program did not end in time and was killed."""


class CertificateError(StackError):
    """A certificate could not be made."""


class BackupError(StackError):
    """A backup could not be made, or cannot be brought back; the text says what was left."""
