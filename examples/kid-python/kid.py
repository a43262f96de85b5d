# preforkd --kid 'python3 examples/kid-python/kid.py'
#
# A kid in Python: an echo server with one slot. preforkd has opened the listeners, and says over a pipe when a
# connection waits at one of them; this accepts it, answers over another pipe, and then serves it.

import errno, os, select, signal, socket, sys

if os.environ.get('PREFORKD_PROTOCOL') != '1':
    sys.exit('this kid is started by preforkd, and speaks version 1 of its protocol')

commands = int(os.environ['PREFORKD_COMMAND_FD'])
status = int(os.environ['PREFORKD_STATUS_FD'])
listeners = [socket.socket(fileno=3 + n) for n in range(int(os.environ['LISTEN_FDS']))]

# None of this is for programs that this one may start.
for fd in [commands, status, *(listener.fileno() for listener in listeners)]:
    os.set_inheritable(fd, False)

# A terminal sends these to everybody; they are meant for the parent. SIGPIPE is ignored by Python itself.
for name in (signal.SIGINT, signal.SIGHUP, signal.SIGWINCH):
    signal.signal(name, signal.SIG_IGN)

# SIGTERM is noticed between two commands: it makes this pipe readable.
terminated, wakeup = os.pipe()
os.set_blocking(wakeup, False)
signal.set_wakeup_fd(wakeup)
signal.signal(signal.SIGTERM, lambda *_: None)

def say(line):
    os.write(status, (line + '\n').encode('ascii'))  # all of it at once, and past any buffer

def accept(listener, count):
    clients = []
    while len(clients) < count:
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            break  # nobody waits any more
        except ConnectionError:
            continue  # that one has gone
        except OSError as error:
            return clients, errno.errorcode.get(error.errno, 'EUNKNOWN')
        client.setblocking(True)  # the listener is not, and on some systems that is inherited
        clients.append(client)
    return clients, None

def serve(client):
    with client:
        while data := client.recv(65536):
            client.sendall(data)

def obey(word, *numbers):
    if word != 'accept':
        return  # a later parent may say more than we know
    seq, listener, count = map(int, numbers)
    clients, failure = accept(listeners[listener], count)
    say(f'failed {seq} {len(clients)} {failure}' if failure else f'accepted {seq} {len(clients)}')
    for client in clients:
        try:
            serve(client)
        except OSError:
            pass  # a client that has gone costs us nothing
        say(f'done {seq} 1')

say('idle 1')
lines, half = [], ''
while 'leave' not in lines:
    ready, _, _ = select.select([commands, terminated], [], [])
    if terminated in ready:
        say('leaving SIGTERM')
        break
    text = os.read(commands, 4096).decode('ascii')
    if text == '':
        break  # the parent is gone
    *lines, half = (half + text).split('\n')  # one read may bring half a line, or three
    for line in lines:
        obey(*line.split(' '))
