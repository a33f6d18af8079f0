"""The simulated world. Read ``world`` first, then ``host`` (a machine) and ``network`` (the lines).

``scheduler`` orders events, ``draws`` and ``latency`` are where chance comes in, ``cpu``, ``disk``
and ``clock`` are parts of a machine, ``director`` and ``selectors`` make faults happen, and
``witness`` writes the trace.
"""
