"""Exploring: many seeds of one base scenario, each with faults of its own.

    model       what may go wrong: the fault model, and what is drawn from it
    drawing     one drawer for each kind of fault
    strategies  (base, model, seed) -> Scenario, pure: `random`, `swarm`, and those in rooms of
                their own: `twin_rounds`, `byzzfuzz`, `priorities` (pct), `guided` (coverage)
    states      what counts as a protocol state, for `coverage`
    outcome     runs one seed and says what came of it
    chunks      what a worker does: a chunk of seeds, summed up
    runner      a sweep: chunks on an executor, merged in order of seeds
    executors   where chunks run: here, in processes, on a `cluster`; once, or `twice`
    journal     what is done of a sweep, so that an interrupted one goes on
    finds       failures: grouped, saved as runs
    shrink      the smallest scenario that fails alike; `passes` are its steps
    planting    planted bugs, which live outside the packages (tests/mutants)

Seeds are independent of each other: seed i gives the same run whatever the number of jobs.
"""
