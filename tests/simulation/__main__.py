"""See run.py."""

from tests.simulation.run import main

raise SystemExit(main())
