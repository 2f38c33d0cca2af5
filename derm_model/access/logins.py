"""Sign-ins and when each was last used: a small file each, so that a restart, a second tab or a kept cookie
changes nothing.

Streamlit's cookie holds for 30 days, also after "sign out" where somebody has kept a copy. Here a sign-in that has
ended stays ended.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from derm_model.access.identity import AGAIN, Login
from derm_model.errors import AccessError, NotSignedIn
from derm_model.files import replaced
from derm_model.home import home

FOLDER = "logins"
KEPT_S = 32 * 24 * 3600.0  # Streamlit's cookie holds for 31 days at most
NOTED_EVERY_S = 5.0  # an act more or less within so short a time changes nothing
BEGUN, IDLE, BY_HAND = "begun", "idle", "by hand"

Tell = Callable[[Login, str], None]


class Logins:
    """All sign-ins of a home.

    Parameters
    ----------
    tell
        Called once with a sign-in that is seen for the first time or has just ended, and with `BEGUN` or why it ended.
    folder
        Of their files; default in ``$DERM_HOME``.
    """

    def __init__(self, tell: Tell, folder: Path | None = None) -> None:
        self.tell = tell
        self.folder = folder if folder is not None else home() / FOLDER

    def check(self, login: Login, idle_s: float, now: float) -> None:
        """Check that a sign-in goes on.

        Raises
        ------
        NotSignedIn
            It has ended, by hand or by idle time. Idle ones are ended for good.
        AccessError
            The folder cannot be used, so nothing can be known.
        """
        path = self.folder / login.id
        try:
            ended, last = path.read_text("utf-8"), path.stat().st_mtime
        except FileNotFoundError:
            # a sign-in that nobody used in time, or whose file was taken away: not known to go on
            if now - login.issued_at >= idle_s:
                raise NotSignedIn(idle_sentence(idle_s)) from None
            self._begin(login, path, now)
            return
        except OSError as error:
            raise _unusable(self.folder, error) from error
        if ended:
            raise NotSignedIn(idle_sentence(idle_s) if ended == IDLE else f"You have signed out. {AGAIN}")
        if now - last >= idle_s:
            self.end(login, IDLE)
            raise NotSignedIn(idle_sentence(idle_s))

    def _begin(self, login: Login, path: Path, now: float) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            os.utime(path, (now, now))
        except FileExistsError:
            return  # another tab was quicker
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self._forget(now)
        self.tell(login, BEGUN)

    def act(self, login: Login, now: float) -> None:
        """Note that somebody did something just now."""
        path = self.folder / login.id
        with contextlib.suppress(OSError):  # the next check says what is wrong
            if now - path.stat().st_mtime >= NOTED_EVERY_S:
                os.utime(path, (now, now))

    def end(self, login: Login, why: str) -> None:
        """End a sign-in for good, once.

        Raises
        ------
        AccessError
            It cannot be written down.
        """
        path = self.folder / login.id
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.is_file() and path.read_text("utf-8"):
                return
            with replaced(path) as fresh:
                fresh.write_text(why, "utf-8")
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self.tell(login, why)

    def _forget(self, now: float) -> None:
        """Delete files of sign-ins whose cookie nobody accepts any more."""
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # somebody else does the same
                if now - path.stat().st_mtime > KEPT_S:
                    path.unlink()


def idle_sentence(idle_s: float) -> str:
    """Say that a session has ended for want of an act."""
    minutes = idle_s / 60
    return f"Your session has ended after {minutes:g} minutes without a hand on it. {AGAIN}"


def _unusable(folder: Path, error: OSError) -> AccessError:
    return AccessError(f"The folder {folder} cannot be used ({error.strerror}), so no sign-in can be checked.")
