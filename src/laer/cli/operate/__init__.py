"""`laer init`, `user`, `serve`, `upgrade`, `backup`, `restore`. Each module registers its commands on the app.

Other commands call their plain functions: `installation.initialise`, `logins.create_login`, `serving.supervise`.
"""

from laer.cli.operate import archive, installation, logins, serving

__all__ = ["archive", "installation", "logins", "serving"]
