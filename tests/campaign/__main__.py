# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the campaign: ``python -m ansible_collections.secops.itsm.tests.campaign --seeds 300``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import closing, nullcontext
from pathlib import Path

from ansible_collections.secops.itsm.tests.campaign.behaviours import BEHAVIOURS, STORIES
from ansible_collections.secops.itsm.tests.campaign.campaign import play
from ansible_collections.secops.itsm.tests.campaign.mutations import MUTATIONS
from ansible_collections.secops.itsm.tests.campaign.server import HostileServer


def main(argv: list[str]) -> int:
    """Run seeds, print the violations, and return 1 if there are any.

    :param argv: the arguments of the command line.
    """
    parser = argparse.ArgumentParser(prog="campaign", description="Random runs against a hostile server.")
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run only this seed, and print all requests and results")
    parser.add_argument(
        "--behaviour", choices=["none", *sorted(BEHAVIOURS)], help="give the server only this behaviour"
    )
    parser.add_argument("--story", choices=sorted(STORIES), help="run only this story")
    parser.add_argument("--output", type=Path, help="directory for the requests and results of seeds with violations")
    parser.add_argument("--mutation", choices=sorted(MUTATIONS), help="break the code in this way")
    options = parser.parse_args(argv)
    seeds = range(options.first, options.first + options.seeds) if options.seed is None else [options.seed]
    begun = time.monotonic()
    violated: list[int] = []
    invariants: Counter[str] = Counter()
    requests = 0
    mutation = MUTATIONS[options.mutation]() if options.mutation else nullcontext()
    with mutation, closing(HostileServer()) as server:
        for seed in seeds:
            outcome = play(server, seed, options.behaviour, options.story)
            requests += len(outcome.world.journal)
            if options.seed is not None:
                print(outcome.text())
            if not outcome.violations:
                continue
            violated.append(seed)
            invariants.update({violation.invariant for violation in outcome.violations})
            if options.seed is None:
                print(outcome.summary(), flush=True)
            if options.output:
                options.output.mkdir(parents=True, exist_ok=True)
                (options.output / f"seed-{seed}.txt").write_text(f"{outcome.text()}\n", encoding="utf-8")
    print(
        f"campaign: {len(seeds)} seeds, {requests} requests, {len(violated)} seeds with violations, "
        f"{time.monotonic() - begun:.0f} s"
    )
    for name, count in invariants.most_common():
        print(f"  {name}: {count} seeds")
    if violated and options.seed is None:
        given = {"BEHAVIOUR": options.behaviour, "STORY": options.story, "MUTATION": options.mutation}
        more = "".join(f" {name}={value}" for name, value in given.items() if value)
        print(f"Replay one with make campaign SEED={violated[0]}{more}.")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
