/*
 * The system calls that Node.js has no name for; loaded by src/system/binding.ts only.
 *
 * One system call a function and no policy: each returns a value or a negated errno, both numbers, and retries
 * nothing. Arguments are trusted, since TypeScript has checked them; what still does not convert throws. The only
 * thing here with a life of its own is the watch, at the end: read its rules before touching it.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifdef __linux__
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#endif

#include <node_api.h>
#include <uv.h>

/* Where these flags exist, so do accept4 and pipe2. macOS has none of them. */
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
#define HAS_ATOMIC_FLAGS 1
#endif

/* Linux alone tells that the reading half was shut down. */
#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

/* The longest text that writeText takes, in bytes: atomic on every system's pipes (POSIX's PIPE_BUF is 512). */
#define TEXT_LIMIT 512

/* ---- Converting between JavaScript and C ------------------------------------------------------------------- */

/* Leaves the function when Node-API refuses a call; the caller's JavaScript sees an exception. */
#define CHECK(call)                            \
  do {                                         \
    if ((call) != napi_ok) return refuse(env); \
  } while (0)

static napi_value refuse(napi_env env) {
  const napi_extended_error_info *info = NULL;
  bool pending = false;
  const char *message = "Node-API refused a call";
  if (napi_get_last_error_info(env, &info) == napi_ok && info != NULL && info->error_message != NULL) {
    message = info->error_message;
  }
  /* Should even this fail, there is nobody left to tell: undefined goes back. */
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) {
    (void)napi_throw_type_error(env, NULL, message);
  }
  return NULL;
}

/* Arguments not given arrive as undefined and fail to convert. */
static napi_status arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  return napi_get_cb_info(env, info, &given, values, NULL, NULL);
}

static napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  CHECK(napi_create_int64(env, value, &result));
  return result;
}

/* What a system call returned, or the negated errno when it was -1. */
static napi_value outcome(napi_env env, int64_t result) {
  return number(env, result == -1 ? -(int64_t)errno : result);
}

static napi_status one_int(napi_env env, napi_callback_info info, int *first) {
  napi_value values[1];
  napi_status status = arguments(env, info, 1, values);
  if (status != napi_ok) return status;
  return napi_get_value_int32(env, values[0], first);
}

static napi_status two_ints(napi_env env, napi_callback_info info, int *first, int *second) {
  napi_value values[2];
  napi_status status = arguments(env, info, 2, values);
  if (status != napi_ok) return status;
  status = napi_get_value_int32(env, values[0], first);
  if (status != napi_ok) return status;
  return napi_get_value_int32(env, values[1], second);
}

/* ---- Descriptor flags -------------------------------------------------------------------------------------- */

static int add_close_on_exec(int fd) {
  int flags = fcntl(fd, F_GETFD);
  return flags == -1 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

#ifndef HAS_ATOMIC_FLAGS
static int add_nonblock(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* Sets both flags on a new descriptor, or closes it and keeps the errno. */
static int with_flags(int fd) {
  if (fd == -1) return -1;
  if (add_close_on_exec(fd) == -1 || add_nonblock(fd) == -1) {
    int reason = errno;
    (void)close(fd);
    errno = reason;
    return -1;
  }
  return fd;
}
#endif

/* getStatusFlags(fd) */
static napi_value get_status_flags(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, fcntl(fd, F_GETFL));
}

/* setStatusFlags(fd, flags) */
static napi_value set_status_flags(napi_env env, napi_callback_info info) {
  int fd, flags;
  CHECK(two_ints(env, info, &fd, &flags));
  return outcome(env, fcntl(fd, F_SETFL, flags));
}

/* setCloseOnExec(fd) */
static napi_value set_close_on_exec(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, add_close_on_exec(fd));
}

/* duplicate(fd, least): a copy, close-on-exec, with the lowest free number from least on. */
static napi_value duplicate_fd(napi_env env, napi_callback_info info) {
  int fd, least;
  CHECK(two_ints(env, info, &fd, &least));
  return outcome(env, fcntl(fd, F_DUPFD_CLOEXEC, least));
}

/* ---- Sockets ----------------------------------------------------------------------------------------------- */

/* socket(family): 4, 6 or 1 for a Unix socket; a stream, close-on-exec and non-blocking. */
static napi_value new_socket(napi_env env, napi_callback_info info) {
  int family;
  CHECK(one_int(env, info, &family));
  int domain = family == 4 ? AF_INET : family == 6 ? AF_INET6 : family == 1 ? AF_UNIX : -1;
  if (domain == -1) return number(env, -EAFNOSUPPORT);
#ifdef HAS_ATOMIC_FLAGS
  return outcome(env, socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
#else
  return outcome(env, with_flags(socket(domain, SOCK_STREAM, 0)));
#endif
}

static const struct {
  const char *name;
  int level;
  int option;
} socket_options[] = {
  { "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR },
#ifdef SO_REUSEPORT
  { "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT },
#endif
  { "IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY },
};

/* setOption(fd, name, value): names are those of socket_options. */
static napi_value set_option(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int fd, value;
  char name[32];
  CHECK(arguments(env, info, 3, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_latin1(env, values[1], name, sizeof name, NULL));
  CHECK(napi_get_value_int32(env, values[2], &value));
  for (size_t i = 0; i < sizeof socket_options / sizeof socket_options[0]; i++) {
    if (strcmp(name, socket_options[i].name) != 0) continue;
    return outcome(env, setsockopt(fd, socket_options[i].level, socket_options[i].option, &value, sizeof value));
  }
  return number(env, -ENOPROTOOPT);
}

static const struct {
  const char *name;
  int option;
} questions[] = {
  { "SO_TYPE", SO_TYPE },
  { "SO_ACCEPTCONN", SO_ACCEPTCONN },
#ifdef SO_DOMAIN
  { "SO_DOMAIN", SO_DOMAIN },
#endif
};

/* getOption(fd, name): names are those of questions; -ENOPROTOOPT where the system does not know one. */
static napi_value get_option(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd, value = 0;
  char name[32];
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_latin1(env, values[1], name, sizeof name, NULL));
  for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
    if (strcmp(name, questions[i].name) != 0) continue;
    socklen_t length = sizeof value;
    return outcome(env, getsockopt(fd, SOL_SOCKET, questions[i].option, &value, &length) == -1 ? -1 : value);
  }
  return number(env, -ENOPROTOOPT);
}

/* One of bind and connect, on (fd, host, port): host is numeric, IPv4 or IPv6 without a scope; anything else is -EINVAL. */
static napi_value with_address(napi_env env, napi_callback_info info, int (*call)(int, const struct sockaddr *, socklen_t)) {
  napi_value values[3];
  int fd, port;
  char host[INET6_ADDRSTRLEN + 1];
  CHECK(arguments(env, info, 3, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_latin1(env, values[1], host, sizeof host, NULL));
  CHECK(napi_get_value_int32(env, values[2], &port));

  struct sockaddr_in in4;
  memset(&in4, 0, sizeof in4);
  if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
    in4.sin_family = AF_INET;
    in4.sin_port = htons((uint16_t)port);
    return outcome(env, call(fd, (const struct sockaddr *)&in4, sizeof in4));
  }
  struct sockaddr_in6 in6;
  memset(&in6, 0, sizeof in6);
  if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons((uint16_t)port);
    return outcome(env, call(fd, (const struct sockaddr *)&in6, sizeof in6));
  }
  return number(env, -EINVAL);
}

/* bindTcp(fd, host, port) */
static napi_value bind_tcp(napi_env env, napi_callback_info info) {
  return with_address(env, info, bind);
}

/* connectTcp(fd, host, port): the descriptor is non-blocking, so -EINPROGRESS is the usual answer. */
static napi_value connect_tcp(napi_env env, napi_callback_info info) {
  return with_address(env, info, connect);
}

/* setLinger(fd, seconds): with 0 a close resets the connection, and no port is left in TIME_WAIT. */
static napi_value set_linger(napi_env env, napi_callback_info info) {
  int fd, seconds;
  CHECK(two_ints(env, info, &fd, &seconds));
  struct linger linger = { .l_onoff = 1, .l_linger = seconds };
  return outcome(env, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* datagramSocket(): a Unix datagram socket, close-on-exec and non-blocking. */
static napi_value new_datagram_socket(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef HAS_ATOMIC_FLAGS
  return outcome(env, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
#else
  return outcome(env, with_flags(socket(AF_UNIX, SOCK_DGRAM, 0)));
#endif
}

/*
 * sendTo(fd, path, buffer): one datagram, bytes sent; -EAGAIN when the receiver's queue is full, -ENAMETOOLONG when the
 * path does not fit. A path whose first byte is zero is one of Linux's abstract names: it ends where the text does.
 */
static napi_value send_to(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int fd;
  size_t length, size;
  void *data;
  struct sockaddr_un un;
  CHECK(arguments(env, info, 3, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_utf8(env, values[1], NULL, 0, &length));
  CHECK(napi_get_buffer_info(env, values[2], &data, &size));
  if (length >= sizeof un.sun_path) return number(env, -ENAMETOOLONG);
  memset(&un, 0, sizeof un);
  un.sun_family = AF_UNIX;
  CHECK(napi_get_value_string_utf8(env, values[1], un.sun_path, sizeof un.sun_path, NULL));
  size_t zero = length > 0 && un.sun_path[0] == '\0' ? 0 : 1;
  socklen_t un_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + zero);
  return outcome(env, sendto(fd, data, size, 0, (struct sockaddr *)&un, un_length));
}

/* bindUnix(fd, path): -ENAMETOOLONG when the path and its terminating zero do not fit in sun_path. */
static napi_value bind_unix(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd;
  size_t length;
  struct sockaddr_un un;
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_utf8(env, values[1], NULL, 0, &length));
  if (length >= sizeof un.sun_path) return number(env, -ENAMETOOLONG);
  memset(&un, 0, sizeof un);
  un.sun_family = AF_UNIX;
  CHECK(napi_get_value_string_utf8(env, values[1], un.sun_path, sizeof un.sun_path, NULL));
  return outcome(env, bind(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1)));
}

/* listen(fd, backlog) */
static napi_value start_listening(napi_env env, napi_callback_info info) {
  int fd, backlog;
  CHECK(two_ints(env, info, &fd, &backlog));
  return outcome(env, listen(fd, backlog));
}

static napi_value name_object(napi_env env, const char *family, const char *host, int port, const char *path, size_t path_length) {
  napi_value result, value;
  CHECK(napi_create_object(env, &result));
  CHECK(napi_create_string_latin1(env, family, NAPI_AUTO_LENGTH, &value));
  CHECK(napi_set_named_property(env, result, "family", value));
  CHECK(napi_create_string_latin1(env, host, NAPI_AUTO_LENGTH, &value));
  CHECK(napi_set_named_property(env, result, "host", value));
  CHECK(napi_create_int32(env, port, &value));
  CHECK(napi_set_named_property(env, result, "port", value));
  CHECK(napi_create_string_utf8(env, path, path_length, &value));
  CHECK(napi_set_named_property(env, result, "path", value));
  return result;
}

/* { family, host, port, path } of a socket's own or its peer's address. */
static napi_value socket_name(napi_env env, napi_callback_info info, int (*ask)(int, struct sockaddr *, socklen_t *)) {
  int fd;
  char host[INET6_ADDRSTRLEN] = "";
  union {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
  } name;
  socklen_t length = sizeof name;
  CHECK(one_int(env, info, &fd));
  memset(&name, 0, sizeof name);
  if (ask(fd, &name.any, &length) == -1) return outcome(env, -1);

  if (name.any.sa_family == AF_INET) {
    if (inet_ntop(AF_INET, &name.in4.sin_addr, host, sizeof host) == NULL) return outcome(env, -1);
    return name_object(env, "tcp4", host, ntohs(name.in4.sin_port), "", 0);
  }
  if (name.any.sa_family == AF_INET6) {
    if (inet_ntop(AF_INET6, &name.in6.sin6_addr, host, sizeof host) == NULL) return outcome(env, -1);
    return name_object(env, "tcp6", host, ntohs(name.in6.sin6_port), "", 0);
  }
  if (name.any.sa_family == AF_UNIX) {
    /* An unnamed socket has no path at all; Linux counts the terminating zero, others may not. */
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t path_length = length > start ? length - start : 0;
    if (path_length > sizeof name.un.sun_path) path_length = sizeof name.un.sun_path;
    /* A path ends at its zero; a first byte of zero marks Linux's abstract names, which have no such end. */
    if (path_length > 0 && name.un.sun_path[0] != '\0') path_length = strnlen(name.un.sun_path, path_length);
    return name_object(env, "unix", "", 0, name.un.sun_path, path_length);
  }
  return number(env, -EAFNOSUPPORT);
}

/* getSocketName(fd) */
static napi_value get_socket_name(napi_env env, napi_callback_info info) {
  return socket_name(env, info, getsockname);
}

/* getPeerName(fd) */
static napi_value get_peer_name(napi_env env, napi_callback_info info) {
  return socket_name(env, info, getpeername);
}

/* Process, user and group of a Unix socket's client when it connected; the process is 0 where the system keeps none. */
static int peer_credentials(int fd, int64_t found[3]) {
#if defined(__linux__)
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1) return -1;
  found[0] = peer.pid;
  found[1] = peer.uid;
  found[2] = peer.gid;
  return 0;
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
  uid_t user;
  gid_t group;
  if (getpeereid(fd, &user, &group) == -1) return -1;
  found[0] = 0;
  found[1] = user;
  found[2] = group;
  return 0;
#else
  (void)fd;
  (void)found;
  errno = ENOTSUP;
  return -1;
#endif
}

/* getPeerCredentials(fd): [pid, uid, gid]; -ENOTSUP where the system tells none. */
static napi_value get_peer_credentials(napi_env env, napi_callback_info info) {
  int fd;
  int64_t found[3];
  napi_value result, value;
  CHECK(one_int(env, info, &fd));
  if (peer_credentials(fd, found) == -1) return outcome(env, -1);
  CHECK(napi_create_array_with_length(env, 3, &result));
  for (uint32_t i = 0; i < 3; i++) {
    CHECK(napi_create_int64(env, found[i], &value));
    CHECK(napi_set_element(env, result, i, value));
  }
  return result;
}

/* accept(fd): the new descriptor, close-on-exec and non-blocking whatever the system would have it inherit. */
static napi_value accept_one(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
#ifdef HAS_ATOMIC_FLAGS
  return outcome(env, accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
#else
  return outcome(env, with_flags(accept(fd, NULL, NULL)));
#endif
}

#ifdef __linux__
/* What the kernel tells of a TCP listener, in the first `length` bytes of `state`; -EINVAL where the socket does not listen. */
static int listener_info(int fd, struct tcp_info *state, socklen_t length) {
  memset(state, 0, length);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, state, &length) == -1) return -errno;
  return state->tcpi_state == TCP_LISTEN ? 0 : -EINVAL;
}

/* The kernel copies as much as is asked for; what follows the field would be copied for nothing. */
#define UP_TO(field) (socklen_t)(offsetof(struct tcp_info, field) + sizeof(((struct tcp_info *)0)->field))
#endif

/* queueDepth(fd): connections waiting to be accepted; -EINVAL on a TCP socket that does not listen. */
static napi_value queue_depth(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
#ifdef __linux__
  struct tcp_info state;
  int failure = listener_info(fd, &state, UP_TO(tcpi_unacked));
  return number(env, failure != 0 ? failure : (int64_t)state.tcpi_unacked);
#else
  return number(env, -ENOTSUP);
#endif
}

/* queueLimit(fd): how many connections a TCP listener's queue may hold, as the kernel has capped it; -EINVAL as above. */
static napi_value queue_limit(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
#ifdef __linux__
  struct tcp_info state;
  int failure = listener_info(fd, &state, UP_TO(tcpi_sacked));
  return number(env, failure != 0 ? failure : (int64_t)state.tcpi_sacked);
#else
  return number(env, -ENOTSUP);
#endif
}

/* lastDataAge(fd): milliseconds since a TCP connection last brought data; -EOPNOTSUPP for a Unix socket. */
static napi_value last_data_age(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
#ifdef __linux__
  struct tcp_info state;
  socklen_t length = UP_TO(tcpi_last_data_recv);
  memset(&state, 0, length);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &length) == -1) return number(env, -errno);
  return number(env, (int64_t)state.tcpi_last_data_recv);
#else
  return number(env, -ENOTSUP);
#endif
}

/* shutdownWrite(fd) */
static napi_value shutdown_write(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, shutdown(fd, SHUT_WR));
}

/* shutdownRead(fd) */
static napi_value shutdown_read(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, shutdown(fd, SHUT_RD));
}

/* pollIn(fd): revents, 0 when nothing is to be had, POLLRDHUP where the system has it; never waits. */
static napi_value poll_in(napi_env env, napi_callback_info info) {
  struct pollfd entry = { .fd = -1, .events = POLLIN | POLLRDHUP, .revents = 0 };
  CHECK(one_int(env, info, &entry.fd));
  int count = poll(&entry, 1, 0);
  return outcome(env, count == -1 ? -1 : entry.revents);
}

/* ---- Pipes and files --------------------------------------------------------------------------------------- */

/* pipe(): [readFd, writeFd], both close-on-exec and blocking. */
static napi_value new_pipe(napi_env env, napi_callback_info info) {
  (void)info;
  int ends[2];
#ifdef HAS_ATOMIC_FLAGS
  if (pipe2(ends, O_CLOEXEC) == -1) return outcome(env, -1);
#else
  if (pipe(ends) == -1) return outcome(env, -1);
  if (add_close_on_exec(ends[0]) == -1 || add_close_on_exec(ends[1]) == -1) {
    int reason = errno;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return number(env, -(int64_t)reason);
  }
#endif
  napi_value result, value;
  if (napi_create_array_with_length(env, 2, &result) == napi_ok &&
      napi_create_int32(env, ends[0], &value) == napi_ok && napi_set_element(env, result, 0, value) == napi_ok &&
      napi_create_int32(env, ends[1], &value) == napi_ok && napi_set_element(env, result, 1, value) == napi_ok) {
    return result;
  }
  (void)close(ends[0]);
  (void)close(ends[1]);
  return refuse(env);
}

/* read(fd, buffer): bytes read, 0 at the end of file. */
static napi_value read_bytes(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd;
  void *data;
  size_t size;
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_buffer_info(env, values[1], &data, &size));
  return outcome(env, read(fd, data, size));
}

/* write(fd, buffer, length): bytes written; length is cut to the buffer's. */
static napi_value write_bytes(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int fd;
  void *data;
  size_t size;
  uint32_t length;
  CHECK(arguments(env, info, 3, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_buffer_info(env, values[1], &data, &size));
  CHECK(napi_get_value_uint32(env, values[2], &length));
  return outcome(env, write(fd, data, length < size ? length : size));
}

/* writeText(fd, text): an ASCII text, written without a Buffer; -EMSGSIZE, and nothing written, beyond TEXT_LIMIT. */
static napi_value write_text(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd;
  size_t length;
  /* Room for one more and the zero, so that a text too long shows. */
  char text[TEXT_LIMIT + 2];
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_string_latin1(env, values[1], text, sizeof text, &length));
  if (length > TEXT_LIMIT) return number(env, -EMSGSIZE);
  return outcome(env, write(fd, text, length));
}

/* close(fd) */
static napi_value close_fd(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, close(fd));
}

/* lock(fd): an exclusive flock, -EWOULDBLOCK when another has it; gone when the descriptor is closed. */
static napi_value lock_fd(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, flock(fd, LOCK_EX | LOCK_NB));
}

/* ---- Processes --------------------------------------------------------------------------------------------- */

/* exitAtOnce(code): _exit, which waits for no thread; does not return. */
static napi_value exit_at_once(napi_env env, napi_callback_info info) {
  int code;
  CHECK(one_int(env, info, &code));
  _exit(code);
}

/* parentDeathSignal(signal): -ENOTSUP off Linux. */
static napi_value parent_death_signal(napi_env env, napi_callback_info info) {
  int signal;
  CHECK(one_int(env, info, &signal));
#ifdef __linux__
  return outcome(env, prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL));
#else
  (void)signal;
  return number(env, -ENOTSUP);
#endif
}

/* forbidDump(): no core file of this process, and no tracing by others of its user; -ENOTSUP off Linux. */
static napi_value forbid_dump(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef __linux__
  return outcome(env, prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL));
#else
  return number(env, -ENOTSUP);
#endif
}

/* scheduler(): this thread's scheduling policy, 0 for the usual one; -ENOTSUP off Linux. */
static napi_value get_scheduler(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef __linux__
  return outcome(env, sched_getscheduler(0));
#else
  return number(env, -ENOTSUP);
#endif
}

/* scheduleAsBatch(): SCHED_BATCH for this thread, and for what it starts from now on. */
static napi_value schedule_as_batch(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef __linux__
  struct sched_param none = { .sched_priority = 0 };
  return outcome(env, sched_setscheduler(0, SCHED_BATCH, &none));
#else
  return number(env, -ENOTSUP);
#endif
}

/* ---- A timer that can be stopped --------------------------------------------------------------------------- */

/* timerOpen(): a timer's descriptor, close-on-exec and non-blocking, readable once its time is over; -ENOTSUP off Linux. */
static napi_value timer_open(napi_env env, napi_callback_info info) {
  (void)info;
#ifdef __linux__
  return outcome(env, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
#else
  return number(env, -ENOTSUP);
#endif
}

/* timerSet(fd, microseconds): from now, in place of what was set before; 0 stops it. -ENOTSUP off Linux. */
static napi_value timer_set(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd;
  int64_t microseconds;
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_value_int64(env, values[1], &microseconds));
#ifdef __linux__
  struct itimerspec set = {
    .it_value = { .tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000 }
  };
  return outcome(env, timerfd_settime(fd, 0, &set, NULL));
#else
  return number(env, -ENOTSUP);
#endif
}

/* ---- The lab's calls --------------------------------------------------------------------------------------- */

/*
 * What `preforkd herd` is made of: calls that block, which no server may make, and memory that processes share. Linux
 * only, because what is measured is too: elsewhere all of them are -ENOTSUP.
 */
#ifdef __linux__

/* acceptBlocking(fd): waits if the listener is blocking; the new descriptor is close-on-exec and blocking. */
static napi_value accept_blocking(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}

/* poll(fds, microseconds): waits for one of at most 8 to be readable, at most so long, for ever if negative; their set as bits. */
static napi_value poll_some(napi_env env, napi_callback_info info) {
  napi_value values[2];
  napi_typedarray_type type;
  size_t count;
  void *data;
  int64_t microseconds;
  struct pollfd entries[8];
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_typedarray_info(env, values[0], &type, &count, &data, NULL, NULL));
  CHECK(napi_get_value_int64(env, values[1], &microseconds));
  if (type != napi_int32_array || count > sizeof entries / sizeof entries[0]) return number(env, -EINVAL);
  for (size_t i = 0; i < count; i++) {
    entries[i] = (struct pollfd){ .fd = ((const int32_t *)data)[i], .events = POLLIN, .revents = 0 };
  }
  struct timespec limit = { .tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000 };
  if (ppoll(entries, (nfds_t)count, microseconds < 0 ? NULL : &limit, NULL) == -1) return outcome(env, -1);
  int64_t ready = 0;
  for (size_t i = 0; i < count; i++) {
    if (entries[i].revents != 0) ready |= (int64_t)1 << i;
  }
  return number(env, ready);
}

/* epollCreate(): close-on-exec. */
static napi_value epoll_open(napi_env env, napi_callback_info info) {
  (void)info;
  return outcome(env, epoll_create1(EPOLL_CLOEXEC));
}

/* epollAdd(epollFd, fd, exclusive): level-triggered, for reading. */
static napi_value epoll_add(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int epoll_fd, fd;
  bool exclusive;
  CHECK(arguments(env, info, 3, values));
  CHECK(napi_get_value_int32(env, values[0], &epoll_fd));
  CHECK(napi_get_value_int32(env, values[1], &fd));
  CHECK(napi_get_value_bool(env, values[2], &exclusive));
  struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };
  if (exclusive) event.events |= EPOLLEXCLUSIVE;
  return outcome(env, epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event));
}

/* epollWait(epollFd, milliseconds): one descriptor that is ready, for ever if negative; -EAGAIN when the time is over. */
static napi_value epoll_wait_one(napi_env env, napi_callback_info info) {
  int epoll_fd, milliseconds;
  struct epoll_event event;
  CHECK(two_ints(env, info, &epoll_fd, &milliseconds));
  int count = epoll_wait(epoll_fd, &event, 1, milliseconds);
  if (count == 0) return number(env, -EAGAIN);
  return outcome(env, count == -1 ? -1 : event.data.fd);
}

/* lockWaiting(fd): an exclusive flock, waited for. */
static napi_value lock_waiting(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, flock(fd, LOCK_EX));
}

/* unlock(fd) */
static napi_value unlock_fd(napi_env env, napi_callback_info info) {
  int fd;
  CHECK(one_int(env, info, &fd));
  return outcome(env, flock(fd, LOCK_UN));
}

/* sleep(microseconds): the whole process does; -EINTR when it was woken before. */
static napi_value sleep_for(napi_env env, napi_callback_info info) {
  int microseconds;
  CHECK(one_int(env, info, &microseconds));
  struct timespec duration = { .tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000L };
  return outcome(env, nanosleep(&duration, NULL));
}

/* timerSlack(nanoseconds): how much later than asked for the kernel may end this thread's waits. */
static napi_value timer_slack(napi_env env, napi_callback_info info) {
  int nanoseconds;
  CHECK(one_int(env, info, &nanoseconds));
  return outcome(env, prctl(PR_SET_TIMERSLACK, (unsigned long)nanoseconds, 0UL, 0UL, 0UL));
}

/* memoryFile(): a file without a name, in memory, close-on-exec and empty. */
static napi_value memory_file(napi_env env, napi_callback_info info) {
  (void)info;
  return outcome(env, memfd_create("preforkd-herd", MFD_CLOEXEC));
}

static void unmap(napi_env env, void *data, void *hint) {
  (void)env;
  (void)munmap(data, (size_t)(uintptr_t)hint);
}

/* mapShared(fd, size): the first bytes of a file as an ArrayBuffer that all who map it share; unmapped when it is forgotten. */
static napi_value map_shared(napi_env env, napi_callback_info info) {
  int fd, size;
  napi_value result;
  CHECK(two_ints(env, info, &fd, &size));
  if (size <= 0) return number(env, -EINVAL);
  void *data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return outcome(env, -1);
  if (napi_create_external_arraybuffer(env, data, (size_t)size, unmap, (void *)(uintptr_t)size, &result) != napi_ok) {
    (void)munmap(data, (size_t)size);
    return refuse(env);
  }
  return result;
}

#else

static napi_value not_here(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, -ENOTSUP);
}

#define accept_blocking not_here
#define poll_some not_here
#define epoll_open not_here
#define epoll_add not_here
#define epoll_wait_one not_here
#define lock_waiting not_here
#define unlock_fd not_here
#define sleep_for not_here
#define timer_slack not_here
#define memory_file not_here
#define map_shared not_here

#endif

/* ---- The readability watch --------------------------------------------------------------------------------- */

/*
 * A uv_poll_t with a JavaScript object for its face (the object is what watchOpen returns).
 *
 * The struct has two owners: the object, until its finalizer has run, and the loop, until the close callback has run.
 * Whichever comes last frees it. The ways to the end, all of which go through release(), which may be called again:
 *   - watchClose(), any number of times, inside the watch's own callback too;
 *   - the object was forgotten: its finalizer. This happens to stopped watches only: a started one holds its object
 *     strongly, as an open net.Server lives on without anyone naming it;
 *   - the environment goes (process.exit, end of a worker thread): the async cleanup hook, which keeps the
 *     environment's teardown waiting until the loop has let go of the handle.
 * The callback is kept alive by a property of the object, not by a strong reference, or no watch could be forgotten.
 */
struct watch {
  uv_poll_t poll;
  napi_env env;
  napi_ref object;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  bool started;
  bool released;
  bool owned_by_object;
  bool owned_by_loop;
};

static void watch_disown(struct watch *watch) {
  if (!watch->owned_by_object && !watch->owned_by_loop) free(watch);
}

static void watch_on_close(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  /* Also tells a teardown that waits for it to go on. Fails only without a hook: nothing to undo then. */
  if (watch->hook != NULL) (void)napi_remove_async_cleanup_hook(watch->hook);
  watch->owned_by_loop = false;
  watch_disown(watch);
}

static void watch_mark_stopped(struct watch *watch) {
  if (!watch->started) return;
  watch->started = false;
  /* The count was one, so this cannot fail; weak again, the object may be collected. */
  (void)napi_reference_unref(watch->env, watch->object, NULL);
}

/* Gives back all but the struct. Node-API can refuse these only in an environment already gone, where they are moot. */
static void watch_release(struct watch *watch) {
  if (watch->released) return;
  watch->released = true;
  watch_mark_stopped(watch);
  if (watch->context != NULL) (void)napi_async_destroy(watch->env, watch->context);
  if (watch->callback != NULL) (void)napi_delete_reference(watch->env, watch->callback);
  if (watch->object != NULL) (void)napi_delete_reference(watch->env, watch->object);
  /* Stops the polling as well: no callback comes after this. */
  if (watch->owned_by_loop) uv_close((uv_handle_t *)&watch->poll, watch_on_close);
}

static void watch_on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  /* Released before: the close callback is on its way and removes the hook. */
  watch_release(data);
}

static void watch_on_finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct watch *watch = data;
  watch_release(watch);
  watch->owned_by_object = false;
  watch_disown(watch);
}

/* Calls callback(status, events); an exception goes where those of any event handler go. */
static void watch_on_poll(uv_poll_t *poll, int status, int events) {
  struct watch *watch = poll->data;
  napi_env env = watch->env;
  napi_handle_scope scope;
  napi_value object, callback, error, values[2];

  /* libuv has stopped polling on an error. */
  if (status < 0 && !uv_is_active((uv_handle_t *)poll)) watch_mark_stopped(watch);
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;

  napi_status called = napi_get_reference_value(env, watch->object, &object);
  if (called == napi_ok) called = napi_get_reference_value(env, watch->callback, &callback);
  if (called == napi_ok) called = napi_create_int32(env, status, &values[0]);
  if (called == napi_ok) called = napi_create_int32(env, events, &values[1]);
  if (called == napi_ok) called = napi_make_callback(env, watch->context, object, callback, 2, values, NULL);
  /* From here on the watch may have been closed; it has not been freed, since only a later turn of the loop does. */
  if (called == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    (void)napi_fatal_exception(env, error);
  }
  (void)napi_close_handle_scope(env, scope);
}

/* The watch behind watchOpen's object, or NULL with an exception pending. */
static struct watch *watch_of(napi_env env, napi_callback_info info) {
  napi_value values[1];
  void *watch = NULL;
  if (arguments(env, info, 1, values) != napi_ok || napi_unwrap(env, values[0], &watch) != napi_ok) {
    (void)refuse(env);
    return NULL;
  }
  return watch;
}

/* Undoes a watchOpen that Node-API refused half-way; the close callback frees the struct. */
static napi_value watch_abandon(struct watch *watch) {
  napi_env env = watch->env;
  napi_value result = refuse(env);
  watch_release(watch);
  return result;
}

/* watchOpen(fd, callback): stopped; libuv makes the descriptor non-blocking, and returns -EEXIST if it reads it itself. */
static napi_value watch_open(napi_env env, napi_callback_info info) {
  napi_value values[2], object, name;
  int fd;
  uv_loop_t *loop;
  CHECK(arguments(env, info, 2, values));
  CHECK(napi_get_value_int32(env, values[0], &fd));
  CHECK(napi_get_uv_event_loop(env, &loop));
  CHECK(napi_create_object(env, &object));
  CHECK(napi_set_named_property(env, object, "callback", values[1]));
  CHECK(napi_create_string_latin1(env, "PREFORKDWATCH", NAPI_AUTO_LENGTH, &name));

  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return number(env, -ENOMEM);
  int result = uv_poll_init(loop, &watch->poll, fd);
  if (result != 0) {
    free(watch);
    return number(env, result);
  }
  watch->env = env;
  watch->poll.data = watch;
  watch->owned_by_loop = true;
  if (napi_create_reference(env, object, 0, &watch->object) != napi_ok ||
      napi_create_reference(env, values[1], 0, &watch->callback) != napi_ok ||
      napi_async_init(env, object, name, &watch->context) != napi_ok ||
      napi_add_async_cleanup_hook(env, watch_on_teardown, watch, &watch->hook) != napi_ok ||
      napi_wrap(env, object, watch, watch_on_finalize, NULL, NULL) != napi_ok) {
    return watch_abandon(watch);
  }
  watch->owned_by_object = true;
  return object;
}

/* watchStart(watch): 0, also when started already; -EEXIST when another watch on the descriptor is started. */
static napi_value watch_start(napi_env env, napi_callback_info info) {
  struct watch *watch = watch_of(env, info);
  if (watch == NULL) return NULL;
  if (watch->released) return number(env, -EBADF);
  if (watch->started) return number(env, 0);
  int result = uv_poll_start(&watch->poll, UV_READABLE | UV_DISCONNECT, watch_on_poll);
  if (result != 0) return number(env, result);
  CHECK(napi_reference_ref(env, watch->object, NULL));
  watch->started = true;
  return number(env, 0);
}

/* watchStop(watch): 0, also when stopped or closed already. */
static napi_value watch_stop(napi_env env, napi_callback_info info) {
  struct watch *watch = watch_of(env, info);
  if (watch == NULL) return NULL;
  if (watch->released || !watch->started) return number(env, 0);
  int result = uv_poll_stop(&watch->poll);
  watch_mark_stopped(watch);
  return number(env, result);
}

/* watchRef(watch): a started watch keeps the process alive (as it does from the start). */
static napi_value watch_ref(napi_env env, napi_callback_info info) {
  struct watch *watch = watch_of(env, info);
  if (watch == NULL) return NULL;
  if (!watch->released) uv_ref((uv_handle_t *)&watch->poll);
  return number(env, 0);
}

/* watchUnref(watch): even a started watch does not keep the process alive. */
static napi_value watch_unref(napi_env env, napi_callback_info info) {
  struct watch *watch = watch_of(env, info);
  if (watch == NULL) return NULL;
  if (!watch->released) uv_unref((uv_handle_t *)&watch->poll);
  return number(env, 0);
}

/* watchClose(watch): 0, also when closed already; the descriptor stays open, and is the caller's. */
static napi_value watch_close(napi_env env, napi_callback_info info) {
  struct watch *watch = watch_of(env, info);
  if (watch == NULL) return NULL;
  watch_release(watch);
  return number(env, 0);
}

/* ---- What JavaScript sees ---------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  napi_callback call;
} functions[] = {
  { "socket", new_socket },
  { "setOption", set_option },
  { "getOption", get_option },
  { "bindTcp", bind_tcp },
  { "connectTcp", connect_tcp },
  { "setLinger", set_linger },
  { "bindUnix", bind_unix },
  { "datagramSocket", new_datagram_socket },
  { "sendTo", send_to },
  { "listen", start_listening },
  { "getSocketName", get_socket_name },
  { "getPeerName", get_peer_name },
  { "getPeerCredentials", get_peer_credentials },
  { "accept", accept_one },
  { "queueDepth", queue_depth },
  { "queueLimit", queue_limit },
  { "lastDataAge", last_data_age },
  { "shutdownWrite", shutdown_write },
  { "shutdownRead", shutdown_read },
  { "pollIn", poll_in },
  { "pipe", new_pipe },
  { "read", read_bytes },
  { "write", write_bytes },
  { "writeText", write_text },
  { "close", close_fd },
  { "lock", lock_fd },
  { "getStatusFlags", get_status_flags },
  { "setStatusFlags", set_status_flags },
  { "setCloseOnExec", set_close_on_exec },
  { "duplicate", duplicate_fd },
  { "parentDeathSignal", parent_death_signal },
  { "forbidDump", forbid_dump },
  { "exitAtOnce", exit_at_once },
  { "scheduler", get_scheduler },
  { "scheduleAsBatch", schedule_as_batch },
  { "timerOpen", timer_open },
  { "timerSet", timer_set },
  { "acceptBlocking", accept_blocking },
  { "poll", poll_some },
  { "epollCreate", epoll_open },
  { "epollAdd", epoll_add },
  { "epollWait", epoll_wait_one },
  { "lockWaiting", lock_waiting },
  { "unlock", unlock_fd },
  { "sleep", sleep_for },
  { "timerSlack", timer_slack },
  { "memoryFile", memory_file },
  { "mapShared", map_shared },
  { "watchOpen", watch_open },
  { "watchStart", watch_start },
  { "watchStop", watch_stop },
  { "watchRef", watch_ref },
  { "watchUnref", watch_unref },
  { "watchClose", watch_close },
};

static const struct {
  const char *name;
  int value;
} constants[] = {
  { "O_NONBLOCK", O_NONBLOCK },
  { "POLLIN", POLLIN },
  { "POLLERR", POLLERR },
  { "POLLHUP", POLLHUP },
  { "POLLNVAL", POLLNVAL },
  { "POLLRDHUP", POLLRDHUP },
  { "SOCK_STREAM", SOCK_STREAM },
  { "SOCK_DGRAM", SOCK_DGRAM },
};

NAPI_MODULE_INIT() {
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value function;
    CHECK(napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function));
    CHECK(napi_set_named_property(env, exports, functions[i].name, function));
  }
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    napi_value value;
    CHECK(napi_create_int32(env, constants[i].value, &value));
    CHECK(napi_set_named_property(env, exports, constants[i].name, value));
  }
  return exports;
}
