"""The full-screen terminal dashboard: watch a run, stop it, prod it, go back in it.

From the inside out: ``live_run`` is a run that can be stopped and gone back in; ``view_model``
and ``money`` follow its trace; ``probe`` looks at the machines without touching them; ``panels``
turn all that into rows of text; ``layout`` says which panel goes where; ``screen`` writes what
changed; ``app`` knows the keys. ``chainsim.live`` drives it with trio.

Watching changes nothing (law 4): a live fault is a fault of the scenario like any other, at the
next microsecond, so the scenario that ``w`` writes gives the same digest.
"""
