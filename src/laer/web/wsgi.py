"""The WSGI application that the server runs."""

import os
import sys

from django.core.wsgi import get_wsgi_application

# A query gives the lock of the interpreter away, and a thread that computes keeps it for so long (5 ms by default): a page of twenty
# queries beside two busy threads took 95 ms that way, and 56 with 1 ms.
sys.setswitchinterval(0.001)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "laer.web.settings")
application = get_wsgi_application()
