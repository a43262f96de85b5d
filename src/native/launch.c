/*
 * The launcher: does between fork and exec what spawn cannot, then becomes the kid. The parent starts every kid by it.
 *
 *   launch -p PARENT -k COUNT [-m UMASK] [-n] [-u UID -g GID -G GID,GID...] [-d DIRECTORY] [-r FILE]... --
 *     PROGRAM [ARGUMENT...]
 *
 * In this order, which is not free:
 *
 *   -k COUNT      keeps descriptors 0 to COUNT-1 and closes all others: the parent may have been started with strays
 *   -m UMASK      octal
 *   -u -g -G      groups first, as a user that is not root may not change them; then proof that there is no way back
 *   -d DIRECTORY  as the user that the kid will be, who must be able to get there
 *   -r FILE       that the program is going to read, and might say less plainly that it may not
 *   -n            no later exec gives privileges: not setuid, not file capabilities (Linux)
 *   -p PARENT     SIGKILL when the parent dies (Linux): last, because a change of user undoes it. Off Linux as well it
 *                 ends here when PARENT is no longer its parent
 *   LISTEN_PID    is set to its own number, which is the kid's, because exec keeps it; only where LISTEN_FDS is set, as it
 *                 is for kids and not for the programs that kids start
 *   PROGRAM       is looked for in PATH
 *
 * Where any of it fails it says one sentence on standard error and exits with 126; with 127 where there is no such
 * program. There is no step that may fail and be passed over.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#if defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__) || defined(__sun)
#define HAS_CLOSEFROM 1
#endif

#define CANNOT_LAUNCH 126
#define CANNOT_EXECUTE 127

/* The largest user or group: one more means "leave it as it is" to the calls below, which would leave root. */
#define MOST_ID 4294967294LL

/* How the parent finds the line that says why no kid can start (src/protocol/kid-settings.ts). */
#define WHY_MARK "preforkd kid: "

static void say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs(WHY_MARK, stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

static void fail(const char *what, const char *detail) {
  int error = errno;
  say("cannot %s%s: %s", what, detail, strerror(error));
  exit(CANNOT_LAUNCH);
}

static long long parse(const char *text, int base, long long most, const char *what) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, base);
  if (errno != 0 || end == text || *end != '\0' || value < 0 || value > most) {
    say("cannot be launched: \"%s\" is no number of %s", text, what);
    exit(CANNOT_LAUNCH);
  }
  return value;
}

/* ---- Descriptors -------------------------------------------------------------------------------------------- */

/* Says false where the system has no directory of its open descriptors. */
static bool close_listed(int first) {
  DIR *directory = opendir("/dev/fd");
  if (directory == NULL) return false;
  struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    char *end;
    long fd = strtol(entry->d_name, &end, 10);
    if (*end != '\0' || end == entry->d_name || fd < first || fd == dirfd(directory)) continue;
    /* EBADF is what is wanted; after EINTR and EIO it is closed all the same. */
    (void)close((int)fd);
  }
  (void)closedir(directory);
  return true;
}

static void close_from(int first) {
#ifdef HAS_CLOSEFROM
  closefrom(first);
#else
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0U) == 0) return;
  /* Linux before 5.9, or a sandbox that does not know the call. */
#endif
  if (close_listed(first)) return;
  /* One by one, EBADF being the usual answer; a limit of millions would take longer than any kid has. */
  long most = sysconf(_SC_OPEN_MAX);
  if (most < 0 || most > 65536) most = 65536;
  for (int fd = first; fd < most; fd++) (void)close(fd);
#endif
}

/* ---- User and groups ---------------------------------------------------------------------------------------- */

/* The numbers in a list that is separated by commas; `*count` says how many. */
static gid_t *parse_groups(char *text, int *count) {
  size_t most = 1;
  for (const char *each = text; *each != '\0'; each++) most += *each == ',';
  gid_t *groups = calloc(most, sizeof *groups);
  if (groups == NULL) fail("remember the supplementary groups", "");
  *count = 0;
  for (char *each = strtok(text, ","); each != NULL; each = strtok(NULL, ",")) {
    groups[(*count)++] = (gid_t)parse(each, 10, MOST_ID, "a group");
  }
  return groups;
}

/* Whether all that the kernel keeps of users and groups is what was asked for. */
static bool is_now(uid_t user, gid_t group) {
#ifdef __linux__
  uid_t user_real, user_effective, user_saved;
  gid_t group_real, group_effective, group_saved;
  if (getresuid(&user_real, &user_effective, &user_saved) == -1) return false;
  if (getresgid(&group_real, &group_effective, &group_saved) == -1) return false;
  if (user_saved != user || group_saved != group) return false;
#else
  uid_t user_real = getuid(), user_effective = geteuid();
  gid_t group_real = getgid(), group_effective = getegid();
#endif
  return user_real == user && user_effective == user && group_real == group && group_effective == group;
}

/* Every call here is meant to be refused. */
static bool can_get_back(gid_t group) {
  if (setuid(0) == 0 || seteuid(0) == 0) return true;
  if (group != 0 && (setgid(0) == 0 || setegid(0) == 0)) return true;
  return setgroups(0, NULL) == 0;
}

static void become(uid_t user, gid_t group, char *list) {
  int count;
  gid_t *groups = parse_groups(list, &count);
  if (setgroups((size_t)count, groups) == -1) fail("set the supplementary groups", "");
#ifdef __linux__
  if (setresgid(group, group, group) == -1) fail("set the group", "");
  if (setresuid(user, user, user) == -1) fail("set the user", "");
#else
  /* From root these set the saved ones too. */
  if (setgid(group) == -1) fail("set the group", "");
  if (setuid(user) == -1) fail("set the user", "");
#endif
  free(groups);
  /* Not asked of getgroups: what setgroups has taken is what there is. */
  if (!is_now(user, group) || can_get_back(group)) {
    say("cannot give up root for good: the system grants it back; look at its capabilities and securebits");
    exit(CANNOT_LAUNCH);
  }
}

/* Only whether it is forbidden: whatever else is wrong with the file is the program's to say. */
static void may_read(const char *file) {
  if (access(file, R_OK) == 0 || errno != EACCES) return;
  long long user = geteuid();
  say("user %lld may not read %s; give its directories and itself to that user or group, or to all", user, file);
  exit(CANNOT_LAUNCH);
}

/* ---- The launch --------------------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
  long long keep = -1, mask = -1, user = -1, group = -1, parent = -1;
  char *groups = NULL, *directory = NULL;
  bool no_new_privileges = false;
  int option, file_count = 0;
  /* No more of them than arguments. */
  const char **files = calloc((size_t)argc + 1, sizeof *files);
  if (files == NULL) fail("remember its arguments", "");
  /* The + keeps glibc from looking for options among the program's own. */
  while ((option = getopt(argc, argv, "+p:k:m:u:g:G:d:r:n")) != -1) {
    switch (option) {
      case 'p': parent = parse(optarg, 10, 2147483647, "a process"); break;
      case 'k': keep = parse(optarg, 10, 2147483647, "descriptors"); break;
      case 'm': mask = parse(optarg, 8, 0777, "a umask"); break;
      case 'u': user = parse(optarg, 10, MOST_ID, "a user"); break;
      case 'g': group = parse(optarg, 10, MOST_ID, "a group"); break;
      case 'G': groups = optarg; break;
      case 'd': directory = optarg; break;
      case 'r': files[file_count++] = optarg; break;
      case 'n': no_new_privileges = true; break;
      default: return CANNOT_LAUNCH; /* getopt has said why. */
    }
  }
  bool drops = user > 0 && group >= 0 && groups != NULL;
  if (optind >= argc || parent < 0 || keep < 3 || (!drops && (user >= 0 || group >= 0 || groups != NULL))) {
    say("cannot be launched: it takes -p, -k and a program, and -u (not 0), -g and -G together");
    return CANNOT_LAUNCH;
  }

  close_from((int)keep);
  if (mask >= 0) (void)umask((mode_t)mask);
  if (drops) become((uid_t)user, (gid_t)group, groups);
  if (directory != NULL && chdir(directory) == -1) fail("enter the directory ", directory);
  for (int file = 0; file < file_count; file++) may_read(files[file]);
#ifdef __linux__
  if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == -1) fail("forgo new privileges", "");
  if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) == -1) fail("follow its parent", "");
#else
  (void)no_new_privileges;
#endif
  /* Of a parent that died before, nobody would have been told. */
  if (getppid() != (pid_t)parent) {
    say("cannot be launched: its parent %lld has gone", parent);
    return CANNOT_LAUNCH;
  }
  char self[24];
  (void)snprintf(self, sizeof self, "%ld", (long)getpid());
  if (getenv("LISTEN_FDS") != NULL && setenv("LISTEN_PID", self, 1) == -1) fail("set LISTEN_PID", "");

  execvp(argv[optind], argv + optind);
  int error = errno;
  say("cannot execute %s: %s", argv[optind], strerror(error));
  return error == ENOENT ? CANNOT_EXECUTE : CANNOT_LAUNCH;
}
