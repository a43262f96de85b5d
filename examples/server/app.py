# A server that accepts by itself, supervised by preforkd; needs gunicorn (apt install gunicorn). After npm run build:
#
#   node dist/cli/main.js --listen web=127.0.0.1:8000 --server \
#     'gunicorn --bind fd://$(preforkd.sockets.web) --chdir examples/server app:app'
#
# and ask it: curl http://127.0.0.1:8000/. Send the pid of the ready line SIGHUP: a new gunicorn starts on the same
# socket, and the old one finishes what it has and leaves. Kill gunicorn, and another takes its place.

import os


def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('hello from pid %d\n' % os.getpid()).encode()]
