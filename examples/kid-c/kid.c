/* cc -Wall -o /tmp/preforkd-kid examples/kid-c/kid.c && preforkd --kid /tmp/preforkd-kid
 *
 * A kid in C: an echo server with one slot. preforkd has opened the listeners, and says over a pipe when a connection
 * waits at one of them; this accepts it, answers over another pipe, and then serves it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int commands, status, nothing;

static int number_in(const char *name) { return getenv(name) == NULL ? -1 : atoi(getenv(name)); }

static void say(const char *format, ...) {
  char line[65];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  while (write(status, line, length) < 0 && errno == EINTR) continue; /* all of it at once, and past any buffer */
}

/* From here on the command pipe reads as if the parent were gone. What is called here may be called by a handler. */
static void on_sigterm(int signal) {
  static volatile sig_atomic_t leaving;
  (void)signal;
  if (leaving++ == 0 && write(status, "leaving SIGTERM\n", 16) > 0) dup2(nothing, commands);
}

static void serve(int client) {
  static char data[65536];
  ssize_t got, sent = 0, n = 0;
  while (n >= 0 && (got = read(client, data, sizeof data)) > 0)
    for (sent = 0; sent < got && (n = write(client, data + sent, got - sent)) >= 0; sent += n) continue;
  close(client);
}

static void obey_accept(unsigned long long seq, int listener, int count) {
  const char *failure = NULL;
  int client = -1; /* with more slots there may be COUNT of them */
  while (count > 0 && client < 0 && failure == NULL) {
    client = accept(3 + listener, NULL, NULL);
    if (client >= 0 || errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break; /* nobody waits any more */
    failure = errno == EMFILE ? "EMFILE" : errno == ENFILE ? "ENFILE" : "EUNKNOWN";
  }
  if (failure != NULL) say("failed %llu 0 %s\n", seq, failure);
  else say("accepted %llu %d\n", seq, client >= 0);
  if (client < 0) return;
  fcntl(client, F_SETFD, FD_CLOEXEC);
  fcntl(client, F_SETFL, 0); /* blocking: on some systems it is as its listener, which never blocks */
  serve(client);
  say("done %llu 1\n", seq);
}

int main(void) {
  if (number_in("PREFORKD_PROTOCOL") != 1) return fputs("not started by preforkd, protocol version 1\n", stderr), 1;
  commands = number_in("PREFORKD_COMMAND_FD"), status = number_in("PREFORKD_STATUS_FD");
  nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int fd = 3; fd < nothing; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC); /* not for programs that we might start */
  signal(SIGINT, SIG_IGN), signal(SIGHUP, SIG_IGN), signal(SIGWINCH, SIG_IGN), signal(SIGPIPE, SIG_IGN);
  say("idle 1\n");
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_sigterm, .sa_flags = SA_RESTART}, NULL);

  FILE *lines = fdopen(commands, "r"); /* one read may bring half a line, or three; fgets gives them one by one */
  char line[128];
  unsigned long long seq;
  int listener, count;
  while (fgets(line, sizeof line, lines) != NULL && strcmp(line, "leave\n") != 0)
    if (sscanf(line, "accept %llu %d %d", &seq, &listener, &count) == 3) obey_accept(seq, listener, count);
  return 0; /* told to leave, or the parent is gone; what it does not know, a kid passes over */
}
