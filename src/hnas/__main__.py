"""``python -m hnas``."""

from hnas.cli.main import main

raise SystemExit(main())
