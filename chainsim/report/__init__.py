"""Pictures of a recorded run: an HTML page that opens offline, and a trace for Perfetto.

How a report comes about:

1. ``observed`` executes the run's scenario again with its messages traced, holds the records
   against the recording (``chainsim.replay``), and lets collectors listen: ``messages`` (what
   the space-time diagram draws, thinned), ``timeline`` (views, heights, what happened),
   ``workload`` (traffic, CPU, finality).
2. ``spacetime`` (before its ``backdrop``), ``charts`` and ``load_charts`` make Bokeh figures of
   what was collected, which look as ``style`` says. ``tables`` has what the page says in words and
   numbers, which are those of ``summary.json``; ``ledger`` reads the chain.
3. ``page`` puts them into one file, with everything that a browser needs inside it.

``perfetto`` writes what was collected as a trace instead; ``differences`` compares what several
runs left, and executes nothing. Collectors consume trace records and nothing else (law 4). Bokeh
and Jinja2 are the extra ``report``: what imports them is imported only to draw a page.
"""
