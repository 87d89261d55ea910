"""CPU seconds to walk a million entities: `python benchmarks/history.py`.

Speed here is not compared with anything; it shows which part of a walk has become slow.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from seedbed.engine.history import Walker, version_at
from seedbed.engine.rng import Stream
from seedbed.plan.resolved import DAY, DwellTime, ResolvedLifecycle

ENTITIES, BATCH, ROUNDS = 1_000_000, 65_536, 5
START, END = 16_436 * DAY, 19_722 * DAY - 1
STAYS = [DwellTime("lognormal", days * DAY, 0.8) for days in (2.0, 3.0, 10.0, 7.0, 5.0, 1.0)]
TICKETS = ResolvedLifecycle(
    name="ticket",
    entity="ticket",
    states=("new", "triage", "in progress", "waiting", "resolved", "closed"),
    initial=((1, 0, 0, 0, 0, 0),),
    matrices=(
        (
            (0, 0.75, 0.10, 0, 0, 0.15),
            (0, 0, 0.60, 0.10, 0.20, 0.10),
            (0, 0.05, 0, 0.20, 0.65, 0.10),
            (0, 0, 0.50, 0, 0.30, 0.20),
            (0, 0, 0.08, 0, 0, 0.92),
            (0, 0, 0, 0, 0, 0),
        ),
    ),
    dwell=tuple((stay,) * 6 for stay in STAYS),
    revisit=True,
    granularity=DAY,
    arrivals=(START, END // DAY * DAY),
    max_versions=29,
)
EVEN = tuple(tuple(0.0 if i == 19 else 1 / 20 for _ in range(20)) for i in range(20))
VARIANTS = {
    "lognormal stays": TICKETS,
    "exponential stays": replace(TICKETS, dwell=((DwellTime("exponential", 5.0 * DAY),) * 6,) * 6),
    "no state twice": replace(TICKETS, revisit=False, max_versions=6),
    "no state twice of 20, all connected": replace(
        TICKETS, states=tuple(range(20)), initial=(EVEN[0],), matrices=(EVEN,), dwell=((STAYS[0],) * 20,) * 20,
        revisit=False, max_versions=20,
    ),
}  # fmt: skip


def main() -> None:
    for name, lifecycle in VARIANTS.items():
        walker = Walker(lifecycle, Stream(1, "ticket"), END, END, ENTITIES)
        entities = ENTITIES if len(lifecycle.states) < 10 else ENTITIES // 10
        walks, joins, versions = [], [], 0
        for _ in range(ROUNDS):
            walked = joined = 0.0
            versions = 0
            for first in range(0, entities, BATCH):
                numbers = np.arange(first, min(first + BATCH, entities))
                begun = time.process_time()
                walk = walker.walk(numbers)
                walked += time.process_time() - begun
                positions = np.repeat(np.arange(len(numbers)), 5)
                moments = START + Stream(2, "at").below(np.arange(len(positions)), END - START)
                begun = time.process_time()
                version_at(walk, positions, moments)
                joined += time.process_time() - begun
                versions += len(walk.state)
            walks.append(walked)
            joins.append(joined)
        scale = 1_000_000 / entities
        print(
            f"{name:36s} {versions * scale / 1e6:5.2f} M versions {np.median(walks) * scale:6.2f} s"
            f"   version_at of 5 moments each {np.median(joins) * scale:6.2f} s"
        )


if __name__ == "__main__":
    main()
