# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the documentation site from the guides in docs/docsite and the documentation of the plugins.

A line ``.. generated: NAME ARGUMENT`` of a guide is a comment in reStructuredText. It is replaced with the result of
the function of that name in generated.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.tools.generated import fill, is_internal, is_plugin_page
from ansible_collections.secops.itsm.tests.tools.site_links import broken_links

ROOT = Path(__file__).resolve().parents[2]
DOCSITE = ROOT / "docs" / "docsite"
COLLECTION = "secops.itsm"

#: The list of a page's sections, which the theme already shows in the sidebar.
CONTENTS = ".. contents::\n   :local:\n   :depth: 1\n"


def write_pages(folder: Path) -> None:
    """Write the sources of the site: a page for each plugin, the guides and the index page.

    :param folder: the directory to write to. Its previous content is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    # antsibull-docs refuses directories that other users can write to.
    folder.mkdir(parents=True, mode=0o755)
    program = str(Path(sys.executable).parent / "antsibull-docs")
    command = [program, "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    command += ["--dest-dir", str(folder), COLLECTION]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT.parents[2])}
    subprocess.run(command, check=True, env=environment)
    shutil.copy2(DOCSITE / "sphinx" / "index.rst", folder / "index.rst")
    shutil.copytree(DOCSITE / "images", folder / "images")
    for page in folder.rglob("*.rst"):
        text = page.read_text(encoding="utf-8")
        if not is_plugin_page(page):
            text = fill(text, folder)
        else:
            text = text.replace(CONTENTS, "")
            # Neither the sidebar nor the search offers a plugin that users must not rely on.
            text = text.replace(":orphan:\n", ":orphan:\n:nosearch:\n", 1) if is_internal(page) else text
        page.write_text(text, encoding="utf-8")


def build(pages: Path, site: Path) -> int:
    """Build the site with warnings as errors and return the exit code of Sphinx.

    :param pages: the directory of the site's sources.
    :param site: the directory to write to. Its previous content is removed.
    """
    shutil.rmtree(site, ignore_errors=True)
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--conf-dir", str(DOCSITE / "sphinx")]
    command += ["--doctree-dir", str(pages.parent / "doctrees"), "--fresh-env", "--quiet", "--nitpicky"]
    command += [
        "--fail-on-warning",
        "--keep-going",
        "-D",
        f"release={version}",
        "-D",
        f"html_title=secops.itsm {version}",
    ]
    command += [str(pages), str(site)]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, required=True, help="the directory for the site and its sources")
    output = parser.parse_args().output.resolve()
    write_pages(output / "rst")
    code = build(output / "rst", output / "html")
    broken = broken_links(output / "html")
    for link in broken:
        print(f"broken link: {link}", file=sys.stderr)
    return code or (1 if broken else 0)


if __name__ == "__main__":
    sys.exit(main())
