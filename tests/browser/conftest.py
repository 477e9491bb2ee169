"""One browser for all tests here, and the demonstration release on disk and behind an address.

Without a Chromium on the machine the tests are reported as skipped, or, where
`ONESOURCE_BROWSER=required`, they fail.
"""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onesource.publish.portal import write_portal
from tests.browser.chromium import NAMES, Browser, Page, find_chromium
from tests.browser.demonstration import demonstration


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        why = f"no Chromium on the PATH ({', '.join(NAMES)}); set ONESOURCE_CHROMIUM to one"
        if os.environ.get("ONESOURCE_BROWSER") == "required":
            pytest.fail(why)
        pytest.skip(why)
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.page() as tab:
        tab.resize(1280, 900)
        yield tab


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's folder."""
    made = tmp_path_factory.mktemp("release")
    write_portal(made, demonstration(made))
    return made


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the test says what it saw."""


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """The release behind a web server on loopback; ends with `/`."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()
